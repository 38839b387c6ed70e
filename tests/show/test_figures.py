"""Charts as SVG that a page may colour, panels that wrap, and names that stand where curves end."""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from bs4 import BeautifulSoup

from minigen.show import figures, plots

ALT = "three words & more"
PAIR = {"up": ([1, 2, 3], [1, 2, 3]), "down": ([1, 2, 3], [3, 2, 1])}


def svg(figure: figures.Figure) -> str:
    """The SVG of a chart."""
    image = BeautifulSoup(figure.content, "html.parser").find("img", class_="mg-svg")
    assert image is not None
    return base64.b64decode(str(image["src"]).split(",")[1]).decode()


def words(figure: figures.Figure) -> dict[str, ElementTree.Element]:
    """The letters of a chart: text, and its element."""
    tree = ElementTree.fromstring(svg(figure))
    return {"".join(each.itertext()): each for each in tree.iter("{http://www.w3.org/2000/svg}text")}


def chart(**options: object) -> figures.Figure:
    return plots.lines(PAIR, "across", "along", ALT, **options)  # type: ignore[arg-type]


def test_letters_stay_letters_and_none_is_small() -> None:
    found = words(chart(xscale="log", yscale="log"))
    assert {"across", "along", "up", "down", "1"} <= found.keys()
    sizes = {float(size) for size in re.findall(r"font-size: ?([\d.]+)px", svg(chart(xscale="log", yscale="log")))}
    assert sizes == {figures.TEXT}  # no raised powers either


def test_numbers_keep_their_places() -> None:
    """Only of coordinates are few places enough."""
    figure = plots.bars([0.158, 0.119], ["0.1584", "0.1192"], "told", "left", ALT, yticks=[0, 0.125])
    assert {"0.1584", "0.1192", "0.125"} <= words(figure).keys()
    places = re.findall(r"\d\.(\d+)", "".join(re.findall(r"<[^>]*>", svg(figure))))
    assert max(map(len, places)) <= 2


def test_a_page_may_set_every_colour_and_the_letters() -> None:
    text = svg(chart())
    left = set(re.findall(r"#[0-9a-f]{6}\b", text)) - {*figures.COLOURS, figures.INK}
    assert left == set()
    for number in (0, 1):
        assert f"var(--mg-colour-{number},{figures.COLOURS[number]})" in text
    assert text.count(figures.INK) == 1  # where no page sets one
    assert text.count("font-family") == 1


def test_nothing_inside_reaches_the_rest_of_a_page() -> None:
    text = svg(chart())
    assert not re.search(r"<style|<script|<metadata|<!", text)
    ids = set(re.findall(r' id="([^"]+)"', text))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text))
    assert ids == {name for pair in used for name in pair if name} != set()
    other = svg(plots.lines(PAIR, "x", "y", ALT))
    assert ids.isdisjoint(re.findall(r' id="([^"]+)"', other))


def test_curves_are_named_at_their_ends() -> None:
    found = words(chart())
    heights = {name: float(found[name].attrib["y"]) for name in ("up", "down")}
    assert heights["up"] < heights["down"]  # an SVG counts from the top
    same = words(plots.lines({"one": ([0, 1], [0, 1]), "other": ([0, 1], [0, 1])}, "x", "y", ALT))
    assert abs(float(same["one"].attrib["y"]) - float(same["other"].attrib["y"])) >= figures.TEXT
    assert "alone" not in words(plots.lines({"alone": ([0, 1], [0, 1])}, "x", "y", ALT))


@pytest.mark.parametrize("count", [2, 5, 8])
def test_names_keep_apart_and_inside(count: int) -> None:
    placed = plots._apart([0.0] * count, 2.0, 0.0, 20.0)
    gaps = [upper - lower for upper, lower in pairwise(placed)]
    assert min(gaps) > 1.9
    assert min(placed) >= 0
    assert max(placed) <= 20


def test_names_that_are_apart_stay_where_they_are() -> None:
    assert plots._apart([9.0, 1.0, 5.0], 2.0, 0.0, 10.0) == [9.0, 1.0, 5.0]


def test_panels_wrap_and_keep_their_words() -> None:
    one = plots.grid(torch.zeros(1, 1, 4, 4), alt="a grey square", caption="<first>")
    joined = plots.join([one, chart()], ALT, "both")
    soup = BeautifulSoup(joined.to_html(), "html.parser")
    (group,) = soup.select("[role=img]")
    assert group["aria-label"] == ALT
    assert "flex-wrap: wrap" in str(group["style"])
    assert [each.text for each in soup.select(".mg-over")] == ["<first>"]
    assert len(soup.find_all("img")) == 2
    assert joined.width == one.width + 480 + 12
    assert plots.join([one, one], ALT, across=False).width == one.width
    assert joined.png.startswith(b"\x89PNG")


def test_films_say_their_names_in_words() -> None:
    rows = [("seen", torch.zeros(3, 1, 8, 8), None), ("a\nguess", torch.zeros(2, 1, 8, 8), None)]
    soup = BeautifulSoup(plots.films(rows, ALT, titles=["0", "1", "2"]).content, "html.parser")
    assert [each.get_text() for each in soup.select(".mg-label")] == ["", "seen", "a guess"]
    assert [each.text for each in soup.select(".mg-titles span")] == ["0", "1", "2"]
    bare = plots.films([("", torch.zeros(3, 1, 8, 8), None)], ALT)
    assert "mg-label" not in bare.content


def test_a_short_film_ends_where_the_longest_does() -> None:
    from minigen.show.pictures import strip

    short = strip(torch.ones(2, 1, 4, 4), None, 4)
    shown = short[0, :, 3].reshape(-1)[::8]  # one sample a pixel or gap
    assert shown.tolist() == [255] * 4 + [0] + [0] * 5 + [0] * 5 + [255] * 4


def test_few_words_are_no_alternative_text() -> None:
    square = plots.grid(torch.zeros(1, 1, 4, 4), alt=ALT)
    with pytest.raises(ValueError, match="alt is 'two words'; allowed: a sentence"):
        plots.join([square], "two words")


def test_a_chart_unfolds_into_the_page() -> None:
    """With its words, its size and its own ids; and a picture of pixels stays one."""
    one = chart()
    (unfolded,) = BeautifulSoup(figures.unfold(one.content), "html.parser").find_all(True, recursive=False)
    assert (unfolded.name, unfolded["role"], unfolded["aria-label"]) == ("svg", "img", ALT)
    assert (unfolded["width"], unfolded["height"]) == ("480", "288")
    assert unfolded.find("text").text  # type: ignore[union-attr]
    pixels = plots.grid(torch.zeros(1, 1, 4, 4), ALT)
    assert figures.unfold(pixels.content) == pixels.content
    joined = figures.unfold(plots.join([pixels, one, one], ALT).content)
    assert (joined.count("<img"), joined.count("<svg")) == (1, 2)


def test_a_cloud_of_dots_is_one_picture() -> None:
    """And its letters stay letters; few dots stay shapes."""
    sizes = {}
    for count in (20, 2000):
        figure, axes = plots.canvas(3, 3)
        axes[0, 0].scatter(*torch.rand(2, count))
        axes[0, 0].set(xlabel="across")
        made = plots.finish(figure, ALT)
        assert "across" in words(made)
        sizes[count] = len(made.content)
        assert ("<image" in svg(made)) == (count == 2000)
    assert sizes[2000] < 40_000


def test_pictures_grow_lighter_and_never_heavier() -> None:
    many = plots.from_pixels(torch.rand(40, 40, 3, generator=torch.Generator().manual_seed(0)), ALT).content
    few = plots.grid(torch.zeros(1, 1, 4, 4), ALT).content
    assert len(figures.lighter(many)) < 0.8 * len(many)
    assert len(figures.lighter(few)) <= len(few)
    assert figures.lighter(many).split("base64,")[0] == many.split("base64,")[0]

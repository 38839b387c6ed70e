"""Figures: alternative text always, the same bytes for the same input, hidden pixels to be seen."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from minigen import plans, plots

ALT = "three words & more"


def pixels(figure: plots.Figure) -> np.ndarray:
    """What the PNG shows, as RGBA."""
    return np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGBA"))


def pictures(count: int = 3, channels: int = 1, size: int = 8) -> torch.Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def all_kinds(alt: str, caption: str = "") -> dict[str, plots.Figure]:
    """One figure of every function that makes one."""
    levels = torch.ones(3, 1, 8, 8)
    return {
        "grid": plots.grid(pictures(), alt, caption),
        "from_pixels": plots.from_pixels(torch.rand(4, 5, 3), alt, caption),
        "matrices": plots.matrices({"a": plans.diffusion(), "b": plans.raster(4)}, (1, 8, 8), 4, alt, caption),
        "films": plots.films([("one", pictures(), levels), ("two", pictures(2), None)], alt, caption),
        "lines": plots.lines({"a": ([1, 2], [3, 4]), "b": ([1, 2], [4, 3])}, "x", "y", alt, caption),
    }


class Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_figure_has_its_alt_text_and_a_png() -> None:
    for kind, figure in all_kinds(ALT, "a caption").items():
        assert figure.alt == ALT, kind
        assert figure.caption == "a caption", kind
        assert figure.png.startswith(b"\x89PNG"), kind
        assert figure.width > 0, kind
        parsed = Parser()
        parsed.feed(figure.to_html())
        images = [attributes for tag, attributes in parsed.tags if tag == "img"]
        labels = [attributes.get("aria-label") for _, attributes in parsed.tags if attributes.get("role") == "img"]
        assert all(image["alt"] for image in images), kind
        assert labels == [ALT] if labels else [image["alt"] for image in images] == [ALT], kind


@pytest.mark.parametrize("alt", ["", "   ", "digits", "two words", "\n a \t b \n"])
def test_fewer_than_three_words_are_no_alt_text(alt: str) -> None:
    figure, _ = plots.canvas(2, 2)
    for make in (
        lambda: plots.finish(figure, alt),
        lambda: plots.grid(pictures(), alt),
        lambda: plots.from_pixels(torch.zeros(2, 2, 1), alt),
        lambda: plots.lines({"a": ([1], [2])}, "x", "y", alt),
        lambda: plots.films([("a", pictures(), None)], alt),
        lambda: plots.matrices({"a": plans.diffusion()}, (2,), 2, alt),
    ):
        with pytest.raises(ValueError, match=f"alt is {re.escape(repr(alt))}; allowed: a sentence"):
            make()


def test_html_escapes() -> None:
    nasty = "a \"quoted\" <script>alert(1)</script> & 'more'"
    figure = plots.from_pixels(torch.zeros(2, 2, 1), alt=nasty, caption=nasty)
    page = figure.to_html()
    assert "<script" not in page
    parsed = Parser()
    parsed.feed(page)
    assert [tag for tag, _ in parsed.tags] == ["figure", "img", "figcaption"]
    assert dict(parsed.tags)["img"]["alt"] == nasty
    assert parsed.text == nasty


def test_a_notebook_gets_html_and_plain_text() -> None:
    figure = plots.grid(pictures(), ALT)
    bundle = figure._repr_mimebundle_()
    assert bundle == {"text/html": figure.to_html(), "text/plain": f"[figure: {ALT}]"}
    assert "figcaption" not in bundle["text/html"]


def test_the_same_input_gives_the_same_bytes() -> None:
    torch.manual_seed(0)
    one = all_kinds(ALT)
    torch.manual_seed(0)
    other = all_kinds(ALT)
    for kind, figure in one.items():
        assert figure.png == other[kind].png, kind
        assert figure.content == other[kind].content, kind


def test_nothing_about_this_run_is_inside() -> None:
    for kind, figure in all_kinds(ALT).items():
        info = Image.open(io.BytesIO(figure.png)).info
        assert not {"Software", "Creation Time", "Date"} & set(info), kind


# --- the grid --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "size", "options", "rows", "columns"),
    [(10, 16, {}, 1, 10), (64, 16, {}, 7, 10), (200, 8, {}, 15, 14), (5, 8, {"columns": 2}, 3, 2), (1, 4, {}, 1, 1)],
)
def test_grid_is_as_large_as_it_must_be(count: int, size: int, options: dict, rows: int, columns: int) -> None:
    for scale in (1, 3):
        figure = plots.grid(torch.zeros(count, 1, size, size), ALT, scale=scale, **options)
        height, width = pixels(figure).shape[:2]
        assert (height, width) == (rows * (size * scale + 2), columns * (size * scale + 2))
        assert figure.width == width


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_shows_every_pixel_where_it_belongs(channels: int) -> None:
    images = pictures(5, channels, 4)
    images[0, 0, 0, 0], images[0, 0, 0, 1] = -1.0, 1.0
    shown = pixels(plots.grid(images, ALT, columns=2, scale=2))
    expected = np.round((images.numpy() + 1) / 2 * 255)
    for number in range(5):
        top, left = number // 2 * 10, number % 2 * 10
        tile = shown[top : top + 10, left : left + 10]
        for channel in range(3):
            plain = tile[:8:2, :8:2, channel]
            assert np.abs(plain.astype(int) - expected[number, channel % channels]).max() <= 1
            assert np.array_equal(tile[1:8:2, 1:8:2, channel], plain)
        assert (tile[:8, :8, 3] == 255).all()
        assert (tile[8:, :, 3] == 0).all()  # the gaps are clear, for light and dark pages
        assert (tile[:, 8:, 3] == 0).all()
    assert (shown[20:, 10:, 3] == 0).all()  # where there is no sixth picture
    assert tuple(shown[0, 0, :1]) == (0,)
    assert tuple(shown[0, 2, :1]) == (255,)


def test_grid_refuses_what_it_can_not_show() -> None:
    for given, message in (
        ({"images": pictures() * 300}, "images has values from"),
        ({"images": pictures(), "scale": 0}, "scale is 0; allowed: whole numbers from 1"),
        ({"images": pictures(), "columns": -1}, "columns is -1; allowed: whole numbers from 1"),
        ({"images": torch.full((1, 1, 2, 2), float("nan"))}, "images holds NaN"),
        ({"images": torch.zeros(0, 1, 2, 2)}, "images holds 0 examples; allowed: 1 or more"),
        ({"images": torch.zeros(1, 5, 2, 2)}, "images has shape (1, 5, 2, 2); allowed: (count, 1 or 3, height, width)"),
        ({"images": torch.zeros(1, 2, 2, 2)}, "images has shape (1, 2, 2, 2); allowed: (count, 1 or 3"),
        ({"images": torch.zeros(4, 2)}, "images has shape (4, 2); allowed: (count, 1 or 3"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            plots.grid(alt=ALT, **given)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_from_pixels_keeps_every_value(channels: int) -> None:
    values = torch.randint(256, (4, 5, channels), generator=torch.Generator().manual_seed(channels))
    figure = plots.from_pixels(values / 255, ALT)
    with Image.open(io.BytesIO(figure.png)) as image:
        assert np.array_equal(np.asarray(image).reshape(4, 5, channels), values.numpy())
    assert figure.width == 5


# --- hidden pixels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_hidden_pixels_are_hatched_not_black(channels: int) -> None:
    images = torch.full((1, channels, 8, 8), -1.0)  # black all over
    nothing, half = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    half[..., 4:] = 1
    plain, shown, hidden = (plots.films([("a", images, levels)], ALT) for levels in (None, nothing, half))
    assert np.array_equal(pixels(plain), pixels(shown))
    assert plain.png != hidden.png
    before, after = pixels(plain), pixels(hidden)
    black = (before[..., :3].max(axis=2) < 40) & (before[..., 3] > 200)
    still = (after[..., :3].max(axis=2) < 40) & (after[..., 3] > 200)
    assert still.sum() == pytest.approx(black.sum() / 2, rel=0.1)  # half of it is no longer black
    changed = (before != after).any(axis=2)
    blue = after[changed][:, 2].astype(int) - after[changed][:, 1]
    assert (blue > 60).mean() > 0.95  # tinted all over
    assert 0.1 < (after[changed][:, 3] > 150).mean() < 0.5  # and lines, with clear space between


def test_hidden_pixels_do_not_show_their_value() -> None:
    levels = torch.ones(1, 1, 8, 8)
    levels[..., :2, :] = 0.99  # nearly nothing is not nothing
    one, other = pictures(1), pictures(1)
    other[..., 2:, :] = 0.3
    assert plots.films([("a", one, levels)], ALT).png == plots.films([("a", other, levels)], ALT).png
    other[..., 0, 0] = -one[..., 0, 0]
    assert plots.films([("a", one, levels)], ALT).png != plots.films([("a", other, levels)], ALT).png


# --- the rest --------------------------------------------------------------------------------------


def test_matrices_show_the_plan() -> None:
    shown = [
        plots.matrices({"p": plan}, (1, 8, 8), 4, ALT).png
        for plan in (plans.diffusion(), plans.raster(2), plans.raster(4))
    ]
    assert len(set(shown)) == 3


def test_lines_has_a_log_axis_if_asked() -> None:
    curve = {"a": ([1, 10, 100], [1, 10, 100])}
    straight, log = (plots.lines(curve, "x", "y", ALT, xscale=kind, yscale=kind) for kind in ("linear", "log"))
    assert straight.png != log.png
    many = {str(i): ([0, 1], [i, i + 1]) for i in range(9)}  # more curves than colours
    assert plots.lines(many, "x", "y", ALT).width == 480


def test_save_writes_the_png(tmp_path: Path) -> None:
    figure = plots.grid(pictures(), ALT)
    assert figure.save(tmp_path / "new" / "x.png").read_bytes() == figure.png


@pytest.mark.parametrize(("count", "shown"), [(257, 5), (3, 5), (2, 2), (1, 2), (100, 100)])
def test_spread_rows_has_both_ends(count: int, shown: int) -> None:
    rows = plots.spread_rows(count, shown).tolist()
    assert len(rows) == min(count, shown)
    assert (rows[0], rows[-1]) == (0, count - 1)
    assert rows == sorted(set(rows))

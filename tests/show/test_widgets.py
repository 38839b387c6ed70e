"""Sliders without a kernel: what the HTML holds."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
import torch
from bs4 import BeautifulSoup, Tag

from minigen import plots, widgets
from minigen.show.figures import lighter

GREYS = [plots.grid(torch.full((1, 1, 4, 4), v / 3 - 1), alt=f"a square of grey {v}") for v in range(6)]
CONTROLS: dict[str, Any] = {"size": [1, 2, 3], "told": ["no", "yes"]}


def page(slider: widgets.Scrubber) -> BeautifulSoup:
    return BeautifulSoup(slider.html, "html.parser")


def found(parent: Tag, selector: str) -> Tag:
    tag = parent.select_one(selector)
    assert tag is not None, selector
    return tag


def unpacked(text: str) -> list[str | None]:
    frames: list[str | None] = json.loads(zlib.decompress(base64.b64decode(text)))
    return frames


# --- scrub -----------------------------------------------------------------------------------------


def test_the_same_frames_give_the_same_bytes() -> None:
    assert widgets.scrub(GREYS, CONTROLS).html == widgets.scrub(list(GREYS), dict(CONTROLS)).html


def test_ids_come_from_the_content() -> None:
    sliders = [
        widgets.scrub(GREYS, CONTROLS),
        widgets.scrub(GREYS[::-1], CONTROLS),
        widgets.scrub(GREYS, CONTROLS, caption="grey"),
        widgets.scrub(GREYS, CONTROLS, start=0),
        widgets.scrub(GREYS, {"grey": range(6)}),
    ]
    assert len({str(found(page(slider), "figure")["id"]) for slider in sliders}) == len(sliders)


def test_labels_and_captions_are_escaped() -> None:
    wild = '<b>&"quoted"</b>'
    frames = [plots.grid(torch.zeros(1, 1, 4, 4), alt=f"{wild} and {n} more") for n in range(4)]
    slider = widgets.scrub(frames, {wild: [wild, "1", "2", "3"]}, caption=wild)
    soup = page(slider)
    assert soup.find("b") is None
    assert found(soup, "label").text == wild
    assert found(soup, "figcaption").text == wild
    assert found(soup, ".mg-text").text == f"{wild} and 3 more"
    assert json.loads(str(found(soup, "figure")["data-texts"]))[0] == f"{wild} and 0 more"
    assert json.loads(str(found(soup, ".mg-control")["data-options"]))[0] == wild


@pytest.mark.parametrize("count", [0, 5])
def test_a_wrong_number_of_frames_says_how_many(count: int) -> None:
    with pytest.raises(ValueError, match=f"frames holds {count} figures; allowed: .*, 6"):
        widgets.scrub(GREYS[:count], CONTROLS)


@pytest.mark.parametrize("controls", [{"a": [1]}, {"a": [1, 1]}, {"a": []}])
def test_options_must_be_a_choice(controls: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"controls\['a'\]"):
        widgets.scrub(GREYS[:1], controls)


def test_no_control_is_refused() -> None:
    with pytest.raises(ValueError, match="controls is empty"):
        widgets.scrub(GREYS, {})


@pytest.mark.parametrize("start", [-1, 6])
def test_a_start_outside_is_refused(start: int) -> None:
    with pytest.raises(ValueError, match="start is"):
        widgets.scrub(GREYS, CONTROLS, start=start)


def test_every_frame_has_its_words() -> None:
    texts = json.loads(str(found(page(widgets.scrub(GREYS, CONTROLS)), "figure")["data-texts"]))
    assert texts == [frame.alt for frame in GREYS]


@pytest.mark.parametrize("start", [None, 0, 3])
def test_the_still_picture_is_the_start_frame(start: int | None) -> None:
    """What shows without a script: this frame, its words, and no control."""
    slider = widgets.scrub(GREYS, CONTROLS, start=start)
    soup, place = page(slider), 5 if start is None else start
    words = GREYS[place].alt
    assert [str(image["alt"]) for image in soup.find_all("img")] == [words]
    assert found(soup, ".mg-film > div").decode_contents() == str(BeautifulSoup(GREYS[place].content, "html.parser"))
    assert found(soup, ".mg-text").text == words
    assert slider.alt == words
    assert all(control.has_attr("hidden") for control in soup.select(".mg-control"))
    checked = [int(str(button["value"])) for button in soup.select("input[checked]")]
    assert checked == [place // 2, place % 2]


@pytest.mark.parametrize("start", [0, 5])
def test_the_other_frames_are_data(start: int) -> None:
    """Nothing of them is in the open, so what drops scripts shows one still picture."""
    data = found(page(widgets.scrub(GREYS, CONTROLS, start=start)), "script.mg-frames")
    frames = unpacked(data.text)
    assert frames[start] is None
    assert [frame for frame in frames if frame] == [lighter(each.content) for n, each in enumerate(GREYS) if n != start]


def test_a_frame_can_not_end_the_script() -> None:
    nasty = [plots.grid(torch.zeros(1, 1, 4, 4), alt=f"</script> and {n} more words") for n in range(2)]
    panels = [plots.join([each, each], alt="two grey squares each") for each in nasty]
    soup = page(widgets.scrub(panels, {"which": ["one", "other"]}))
    assert unpacked(found(soup, "script.mg-frames").text) == [lighter(panels[0].content), None]


def test_few_options_are_buttons_and_many_are_a_range() -> None:
    soup = page(widgets.scrub(GREYS * 2, {"many": "abcd", "few": "xyz"}))
    many, few = soup.select(".mg-control")
    moved = found(many, "input")
    assert moved["type"] == "range"
    assert (moved["min"], moved["max"], moved["value"], moved["aria-valuetext"]) == ("0", "3", "3", "d")
    assert found(many, "label")["for"] == moved["id"]
    assert found(many, "output")["for"] == [moved["id"]]
    assert few["role"] == "radiogroup"
    assert few["aria-label"] == "few"
    assert len({str(button["name"]) for button in few.select("input[type=radio]")}) == 1


def test_the_script_comes_along_once_and_no_handler_stands_in_an_element() -> None:
    soup = page(widgets.scrub(GREYS, CONTROLS))
    assert [script.has_attr("data-mg") for script in soup.find_all("script")] == [False, True]
    assert not [name for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert "</" not in widgets.script()
    assert "http" not in widgets.script()


def test_a_notebook_shows_html_and_a_terminal_words() -> None:
    bundle = widgets.scrub(GREYS, CONTROLS)._repr_mimebundle_()
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert bundle["text/plain"] == "[slider: a square of grey 5]"

"""The sliders on the built site, used as a reader would: by keyboard, by click, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from minigen import plots, widgets
from minigen.show.figures import unfold

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "book" / "_static" / "css" / "course.css"


def pages_with_sliders(site: Path) -> list[Path]:
    found = [
        path for path in sorted((site / "book").rglob("*.html")) if 'class="mg-figure mg-scrub"' in path.read_text()
    ]
    assert found, "no page has a slider"
    return found


def open_page(browser: Browser, page: Path, javascript: bool = True) -> Page:
    context = browser.new_context(java_script_enabled=javascript, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(0)  # a busy machine is no failure
    opened = context.new_page()
    opened.goto(page.as_uri(), wait_until="load")
    return opened


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def made(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page with one slider of each kind of control, as a notebook would show it."""
    frames = [plots.grid(torch.full((1, 1, 4, 4), n / 4 - 1), alt=f"a square of grey {n}") for n in range(8)]
    slider = widgets.scrub(frames, {"size": [1, 2, 4, 8], "told": ["no", "yes"]}, caption="A grey.")
    path = tmp_path / "slider.html"
    path.write_text(f"<!doctype html><html lang=en><title>x</title><style>{CSS.read_text()}</style>{slider.html}")
    page = open_page(browser, path, javascript=bool(request.param))
    yield page
    page.context.close()


def shown(page: Page) -> tuple[str, str]:
    """The words below the first slider, and what the one visible picture says of itself."""
    first = page.locator("figure.mg-scrub").first
    pictures = first.locator(".mg-film img:visible, .mg-film svg:visible")
    assert pictures.count() == 1
    said = pictures.get_attribute("alt") or pictures.get_attribute("aria-label")
    return first.locator(".mg-text").inner_text(), said or ""


def test_a_slider_of_two_controls(made: Page) -> None:
    """By keyboard and by click; and with no script, a still picture and no control."""
    assert shown(made) == ("a square of grey 7",) * 2
    if made.evaluate("() => document.querySelector('.mg-scrub').dataset.mgReady") is None:
        assert made.locator(".mg-control:visible, .mg-control input:visible").count() == 0
        return
    range_input = made.locator("input[type=range]")
    range_input.wait_for()
    range_input.focus()
    made.keyboard.press("ArrowLeft")
    assert shown(made) == ("a square of grey 5",) * 2
    assert range_input.get_attribute("aria-valuetext") == made.locator("output").inner_text() == "4"
    made.get_by_label("no").check()
    assert shown(made) == ("a square of grey 4",) * 2
    made.keyboard.press("ArrowRight")
    assert made.get_by_label("yes").is_checked()
    range_input.focus()
    made.keyboard.press("Home")
    assert shown(made) == ("a square of grey 1",) * 2
    tall = made.evaluate("() => [...document.querySelectorAll('.mg-control')].map(c => c.offsetHeight)")
    assert min(tall) >= 40, "controls must be large enough for a finger"


def test_the_charts_of_a_slider_take_the_colours_of_the_page(browser: Browser, tmp_path: Path) -> None:
    """The first, which the site sets into the page, and those that the script shows."""
    frames = [plots.lines({"up": ([0, 1], [0, n])}, "x", "y", alt=f"a line to {n}") for n in range(1, 4)]
    made = widgets.scrub(frames, {"end": [1, 2, 3]}).html
    path = tmp_path / "charts.html"
    path.write_text(f"<!doctype html><style>:root {{--mg-colour-0: #123456}}</style>{unfold(made)}")
    page = open_page(browser, path)
    page.locator("input").first.check()
    assert shown(page) == ("a line to 1",) * 2
    colours = page.locator("svg").evaluate_all(
        """charts => charts.map(chart =>
            [...chart.querySelectorAll('path')].map(line => getComputedStyle(line).stroke))"""
    )
    assert ["rgb(18, 52, 86)" in strokes for strokes in colours] == [True] * 3
    ids = page.evaluate("() => [...document.querySelectorAll('svg [id]')].map(tag => tag.id)")
    assert len(ids) == len(set(ids)) > 0
    page.context.close()


def test_no_script_of_ours_stands_in_a_page(site: Path) -> None:
    """One external file instead, on the pages that need it and no other."""
    with_sliders = pages_with_sliders(site)
    for path in sorted((site / "book").rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        assert soup.select("script[data-mg]") == []
        inline = [script for script in soup.find_all("script") if not script.get("src")]
        assert [script for script in inline if "mg-scrub" in script.text] == []
        loaded = [script for script in soup.select("script[src]") if "scrub.js" in str(script["src"])]
        assert len(loaded) == (path in with_sliders), path.name
    assert (site / "_static" / "scrub.js").read_text() == widgets.script()


def test_every_slider_of_the_book_moves(site: Path, browser: Browser) -> None:
    """To the other end, by a range's Home or End key; a figure that has only a switch, to the choice not taken."""
    for path in pages_with_sliders(site):
        page = open_page(browser, path)
        sliders = page.locator("figure.mg-scrub")
        for number in range(sliders.count()):
            slider = sliders.nth(number)
            words = slider.locator(".mg-text")
            slider.locator("input").first.wait_for()
            before, picture = words.inner_text(), slider.screenshot()
            ranges = slider.locator("input[type=range]")
            if ranges.count():
                told = ranges.first.get_attribute("aria-valuetext")
                ranges.first.focus()
                page.keyboard.press("End" if ranges.first.input_value() == "0" else "Home")
                assert ranges.first.get_attribute("aria-valuetext") != told, path.name
            else:
                slider.locator("input[type=radio]:not(:checked)").first.check()
            assert words.inner_text() != before, path.name
            assert slider.locator(".mg-film > div:visible").count() == 1, path.name
            assert slider.screenshot() != picture
        page.context.close()


def test_without_javascript_a_still_picture_shows(site: Path, browser: Browser) -> None:
    for path in pages_with_sliders(site):
        page = open_page(browser, path, javascript=False)
        assert page.locator(".mg-control:visible").count() == 0
        for film in page.locator(".mg-film").all():
            box = film.bounding_box()
            assert box is not None
            assert box["height"] > 50
        page.context.close()

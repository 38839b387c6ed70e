"""Places for a drawing: as much room as their controls will need, on a desktop and a phone, and none on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_engine import WEB
from playwright.sync_api import Browser, Page

from minigen import widgets

CSS = WEB / "css" / "drawing.css"
HEIGHTS = "() => [...document.querySelectorAll('[data-drawing] .mg-drawing-controls')].map(room => room.offsetHeight)"
COUNTS = (
    "() => [...document.querySelectorAll('[data-drawing]')].map(f => JSON.parse(f.dataset.drawing).controls.length)"
)
A_CONTROL = 44
"""Pixels: large enough for a finger."""


def opened(browser: Browser, path: Path, width: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(0)  # a busy machine is no failure
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    return page


@pytest.mark.parametrize("width", [1200, 390])
def test_the_room_is_that_of_the_controls(browser: Browser, tmp_path: Path, width: int) -> None:
    places = [
        widgets.drawing("digits-v", controls, 2, alt="Two digits, drawn from noise.", caption="Digits.")
        for controls in (
            {"seed": (0, 9)},
            {"seed": (0, 9), "steps": [1, 4, 16], "labels": range(10), "eta": [0.0, 1.0]},
        )
    ]
    path = tmp_path / "places.html"
    body = "".join(place.still() for place in places)
    path.write_text(f"<!doctype html><html lang=en><title>x</title><style>{CSS.read_text()}</style>{body}")
    page = opened(browser, path, width)
    assert page.evaluate(COUNTS) == [1, 4]
    few, many = page.evaluate(HEIGHTS)
    assert (A_CONTROL <= few <= 2 * A_CONTROL, many) == (True, 4 * A_CONTROL)
    page.emulate_media(media="print")
    assert max(page.evaluate(HEIGHTS)) < 2 * A_CONTROL
    page.context.close()


def test_every_place_of_the_book_has_room(site: Path, browser: Browser) -> None:
    for path in sorted((site / "book").rglob("*.html")):
        if "data-drawing=" in path.read_text():
            page = opened(browser, path, 390)
            for count, height in zip(page.evaluate(COUNTS), page.evaluate(HEIGHTS), strict=True):
                assert height >= A_CONTROL * count, path.name
            page.context.close()

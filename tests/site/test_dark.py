"""Without a script, in a dark system: pages are dark, and what stands in them can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_site import opened
from playwright.sync_api import Browser, BrowserContext

KINDS = {
    "words": "article :is(p, li, h1, h2, a)",
    "code": "pre, pre span",
    "tables": "table :is(th, td, caption, p)",
    "boxes": ".admonition :is(p, li)",
    "figures": "figure :is(text, figcaption, .mg-label, .mg-over, .mg-titles span)",
    "sidebars": "#pst-primary-sidebar a, #pst-secondary-sidebar a",
}
ENOUGH = 4.5
PALE = """([which, enough]) => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (piece) => {  // what lies behind it, through all that lets light through
        const [r, g, b, a = 1] = numbers(getComputedStyle(piece).backgroundColor);
        if (a === 1 || piece === document.documentElement) return [r, g, b];
        return ground(piece.parentElement).map((below, i) => a * [r, g, b][i] + (1 - a) * below);
    };
    const contrast = (piece) => {
        const style = getComputedStyle(piece);
        const colour = piece instanceof SVGElement ? style.fill : style.color;
        const both = [light(numbers(colour)), light(ground(piece))].sort((a, b) => b - a);
        return (both[0] + 0.05) / (both[1] + 0.05);
    };
    const own = (piece) => [...piece.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    const all = [...document.querySelectorAll(which)].filter((piece) => own(piece) && piece.checkVisibility());
    return [all.length, all.filter((piece) => contrast(piece) < enough).map((piece) => piece.outerHTML.slice(0, 160))];
}"""


@pytest.fixture
def still(browser: Browser) -> Iterator[BrowserContext]:
    """A reader in the dark who runs no script, held to the pages' content policy."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 900}, java_script_enabled=False, color_scheme="dark"
    )
    context.set_default_timeout(0)  # a busy machine is no failure
    yield context
    context.close()


@pytest.mark.parametrize("name", ["book/frontier", "book/spreading"])
def test_what_stands_in_a_page_can_be_read(site: Path, still: BrowserContext, name: str) -> None:
    refused: list[str] = []
    still.on("console", lambda said: refused.append(said.text))
    page = opened(still, site / f"{name}.html")
    seen: dict[str, Any] = {kind: page.evaluate(PALE, [which, ENOUGH]) for kind, which in KINDS.items()}
    assert [kind for kind, (count, _) in seen.items() if count < 5] == []
    assert {kind: pale for kind, (_, pale) in seen.items() if pale} == {}
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((x) => x < 40)")
    assert page.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert refused == []


def test_on_paper_it_stays_light(site: Path, still: BrowserContext) -> None:
    page = opened(still, site / "book/spreading.html")
    page.emulate_media(media="print")
    assert page.evaluate("() => getComputedStyle(document.querySelector('article p')).color") == "rgb(34, 40, 50)"


def test_pale_words_are_found(still: BrowserContext, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><body style='background: #fff'><p style='color: #999'>pale</p><p>dark</p>")
    assert opened(still, path).evaluate(PALE, ["p", ENOUGH]) == [2, ['<p style="color: #999">pale</p>']]

"""Every page as axe sees it, with its default rules and one that is on trial: no violation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from helpers_site import opened
from playwright.sync_api import Browser, BrowserContext
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*parse_toc_yaml(ROOT / "_toc.yml"), "search", "genindex", "py-modindex"]
EVERYTHING = bool(os.environ.get("MINIGEN_AXE_ALL"))
"""The weekly workflow looks at every page in every way; here a page is looked at once, which takes axe 3 seconds."""

WAYS = [(scheme, width, folds) for scheme in ("light", "dark") for width in (1200, 390) for folds in (True, False)]
ONCE = (("light", 1200, True), ("dark", 390, True))
"""By turns: half of the pages this way, half that way."""
LOOKS = [(page, *way) for turn, page in enumerate(PAGES) for way in (WAYS if EVERYTHING else ONCE[turn % 2 :: 2])]

LOOK = """async (open) => {
    document.querySelectorAll('details').forEach((fold) => { fold.open = open; });
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)));  // scripts see what has opened
    document.getAnimations().forEach((fade) => fade.finish());
    // Thousands of pieces of code have the colour of their class: one of each is looked at, the others join the text.
    const seen = new Set();
    const again = [...document.querySelectorAll('.highlight pre > span, dt.sig span')].filter((piece) => {
        if (piece.querySelector('span')) return false;
        const kind = [piece.className, piece.parentElement.className, getComputedStyle(piece).color].join();
        return seen.has(kind) || !seen.add(kind);
    });
    again.forEach((piece) => piece.replaceWith(piece.textContent));  // a style read in between costs 50 ms
    const rules = { 'label-content-name-mismatch': { enabled: true } };
    const { violations } = await axe.run({ resultTypes: ['violations'], rules });
    return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}"""


def violations(browser: Browser, path: Path, scheme: Any, width: int, folds: bool) -> list[str]:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(0)  # a busy machine is no failure
    try:
        page = opened(context, path)
        page.evaluate(AXE_SCRIPT)
        found: list[str] = page.evaluate(LOOK, folds)
        return found
    finally:
        context.close()


@pytest.mark.parametrize(("page", "scheme", "width", "folds"), LOOKS)
def test_no_violation(site: Path, browser: Browser, page: str, scheme: str, width: int, folds: bool) -> None:
    found = violations(browser, site / f"{page}.html", scheme, width, folds)
    assert not found, "\n".join(found)


def test_a_violation_is_found(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1><p style='color: #aaa'>pale</p>"
        "<details><summary aria-label='other words'>Show the code</summary>x</details><img src=x></main>"
    )
    found = violations(browser, page, "light", 1200, True)
    assert {each.split(":")[0] for each in found} == {"color-contrast", "image-alt", "label-content-name-mismatch"}


@pytest.mark.parametrize("page", PAGES)
def test_folds_of_a_page_are_told_apart(site: Path, page: str) -> None:
    """No fold is called by a name that says nothing, and no id stands twice."""
    soup = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    assert "Toggle hidden content" not in str(soup)
    folds = [fold for fold in soup.select("summary") if fold.select_one(".collapsed")]
    assert [str(fold)[:120] for fold in folds if len(fold.select(".visually-hidden")) != 2] == []
    names = [str(tag["id"]) for tag in soup.select("article [id]")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_what_was_pressed_keeps_the_focus(site: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), site / "book/spreading.html")
    for button in (".theme-switch-button", ".primary-toggle"):
        page.keyboard.press("Tab")  # from here on a keyboard is in use, and what has the focus shows it
        page.locator(button).first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("(button) => document.activeElement.matches(button)", button)


UNSEEN = """() => {
    const ring = (piece) => { const style = getComputedStyle(piece); void style.boxShadow;
        document.getAnimations().forEach((fade) => fade.finish());
        return [
        style.outlineStyle === 'none' || style.outlineWidth, style.boxShadow, style.backgroundColor].join(); };
    // a card's link is as large as the card, and in the list of chapters the arrow of a fold has the ring
    const around = (it) => [it, it.closest('.sd-card'), it.querySelector('.toctree-toggle')].filter(Boolean);
    return [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter((piece) => {
        if (!piece.checkVisibility() || piece.disabled) return false;
        document.activeElement.blur();
        const before = around(piece).map(ring).join();
        piece.focus({ focusVisible: true, preventScroll: true });
        return document.activeElement === piece && around(piece).map(ring).join() === before;
    }).map((piece) => piece.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("page", ["book/intro", "book/spreading", "book/future"])
def test_what_has_the_focus_is_seen(site: Path, visit: Callable[..., BrowserContext], page: str) -> None:
    shown = opened(visit(), site / f"{page}.html")
    shown.keyboard.press("Tab")
    assert shown.evaluate(UNSEEN) == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_said_twice(site: Path, page: str) -> None:
    """A slider says its value itself, and pictures in a figure do not repeat what the whole says."""
    soup = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    assert [str(tag) for tag in soup.select("output") if tag.get("aria-live") != "off"] == []
    for whole in soup.select("[role=img][aria-label]"):
        assert whole["aria-label"] not in [tag.get("alt") for tag in whole.select("img")]

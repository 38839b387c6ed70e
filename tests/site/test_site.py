"""The built site: every page is there, every link leads somewhere, nothing is asked of another host, and it fits.

The first half reads the HTML files; the second opens every page in headless Chromium from the disk, on a
desktop and a phone, light and dark, and leaves screenshots in ``_build/screenshots``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
OPENED = [*PAGES, "search", "genindex"]
SCREENSHOTS = ROOT / "_build" / "screenshots"
SIZES = {"desktop": (1400, 900), "phone": (390, 844)}
TALLEST = 16_000
"""Of a screenshot, in pixels: the page of the package is three times as high and much alike."""

LOADS = (("script", "src"), ("link", "href"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("video", "src"))
LINKS = (*LOADS, ("a", "href"))


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def places(path: Path) -> set[str]:
    """What a link into a page can name: its ids and its anchors."""
    tags = parsed(path).find_all(True)
    return {str(tag.get(key)) for tag in tags for key in ("id", "name") if tag.get(key)}


def every_page(site: Path) -> list[Path]:
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


def addresses(page: Path, kinds: tuple[tuple[str, str], ...]) -> list[str]:
    """What the elements of these kinds point to."""
    found = [tag.get(attribute) for name, attribute in kinds for tag in parsed(page).find_all(name)]
    return [str(address) for address in found if address]


def is_outside(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https"}


def broken(page: Path, address: str) -> bool:
    """Whether an address inside the site leads to no file, or to no place in it."""
    parts = urlsplit(address)
    if is_outside(address) or parts.scheme in {"mailto", "data", "javascript"}:
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return True
    if not parts.fragment or target.suffix != ".html":
        return False
    place, _, _ = parts.fragment.partition("?")  # after it a drawing's settings
    return unquote(place) not in places(target)


def article(site: Path, page: str) -> Tag:
    found = parsed(site / f"{page}.html").find("article")
    assert isinstance(found, Tag)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_page_exists(site: Path, page: str) -> None:
    assert (site / f"{page}.html").is_file()
    assert article(site, page).find("h1") is not None


def test_no_link_leads_nowhere(site: Path) -> None:
    assert every_page(site)
    lost = {
        f"{page.relative_to(site)}: {address}"
        for page in every_page(site)
        for address in addresses(page, LINKS)
        if broken(page, address)
    }
    assert not lost, "\n".join(sorted(lost))


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<p id="here">text</p>')
    assert [broken(tmp_path / "a.html", link) for link in ("b.html", "b.html#here", "https://example.org/")] == [
        False
    ] * 3
    assert [broken(tmp_path / "a.html", link) for link in ("c.html", "b.html#there", "c.png")] == [True] * 3


def test_no_page_names_another_host_to_load_from(site: Path) -> None:
    outside = {address for page in every_page(site) for address in addresses(page, LOADS) if is_outside(address)}
    assert not outside, "\n".join(sorted(outside))


DESCRIBED = "[role=img][aria-label]"
"""A figure whose whole is described."""


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_is_described(site: Path, page: str) -> None:
    every = article(site, page).find_all("img")
    pictures = [each for each in every if not any(part.select(DESCRIBED) for part in each.find_parents("figure"))]
    assert [str(picture)[:80] for picture in pictures if not str(picture.get("alt") or "").strip()] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_handler_inside_an_element(site: Path, page: str) -> None:
    """Scripts stand in scripts: ``onclick`` and its like inside an article are ours, and not wanted."""
    tags = [tag for tag in article(site, page).find_all(True) if any(name.startswith("on") for name in tag.attrs)]
    assert [str(tag)[:80] for tag in tags] == []


class Watch:
    """Notes what goes wrong while a page is open."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("console", lambda message: self.note("console", message.text, message.type == "error"))
        page.on("pageerror", lambda error: self.note("script", str(error)))
        page.on("requestfailed", lambda request: self.note("not loaded", request.url))
        page.on("request", lambda request: self.note("asked another host", request.url, is_outside(request.url)))

    def note(self, kind: str, text: str, is_wrong: bool = True) -> None:
        if is_wrong:
            self.seen.append(f"{kind}: {text[:300]}")


def measures(page: Page) -> dict[str, Any]:
    """What can be read off the page as it stands."""
    script = """() => ({
        theme: document.documentElement.dataset.theme,
        height: document.documentElement.scrollHeight,
        'pixels wider than the screen': Math.max(0, document.scrollingElement.scrollWidth - innerWidth - 1),
        'formulas that are not set': document.querySelectorAll('.math:not(:has(> math)), merror').length,
        'pictures that do not show': [...document.querySelectorAll('article img')]
            .filter(image => image.complete && !image.naturalWidth).length,
    })"""
    found: dict[str, Any] = page.evaluate(script)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OPENED)
def test_page_opens_from_the_disk(
    site: Path, browser: Browser, name: str, size: str, scheme: Literal["light", "dark"]
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(0)  # a busy machine is no failure
    try:
        page = context.new_page()
        watch = Watch(page)
        page.goto((site / f"{name}.html").as_uri(), wait_until="load")
        seen = measures(page)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(
            path=SCREENSHOTS / f"{Path(name).name}-{size}-{scheme}.png",
            full_page=True,
            clip={"x": 0, "y": 0, "width": width, "height": min(TALLEST, seen.pop("height"))},
            animations="disabled",
        )
    finally:
        context.close()
    assert seen.pop("theme") == scheme
    wrong = [*watch.seen, *(f"{count} {what}" for what, count in seen.items() if count)]
    assert not wrong, "\n".join(wrong)

"""What a page loads: little, and no script that holds it up; no jumps; and every button shows a sign and has a name."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import BrowserContext
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from styles import ADDRESS  # noqa: E402

PAGES = [*parse_toc_yaml(ROOT / "_toc.yml"), "search", "genindex"]
FIRST = "book/intro"
MOST, MOST_OF_FIRST = 350_000, 150_000
"""Bytes of a first visit, as a server sends them. They were 1.6 to 1.95 million, of which icons were 543,000 and what
sets formulas 718,000; then 537,000, with the search and all pictures, and 347,000 with all of the theme's styles."""

MOST_PIECES = 5_000
JUMPS = 0.05
"""How much of the page moves, and how far, before a reader does anything: up to 0.1 passes for good."""

PACKED = {".png", ".webp", ".woff2"}
WATCH = """
  window.moved = 0;
  new PerformanceObserver((seen) => seen.getEntries().forEach((entry) => { window.moved += entry.value; }))
    .observe({ type: "layout-shift", buffered: true });
"""

GONE = re.compile(r"mathjax|mjx-|font-?awesome(?! svg)|\bfa-(solid|brands|regular|lg)\b|\bfa[srb] fa-", re.IGNORECASE)
BUTTONS = ".bd-header-article :is(button, a.btn), .search-button-field, .prev-next-area a, #pst-back-to-top"


def parsed(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")


def weight(address: str) -> int:
    """Bytes of a file on their way: what is not packed already is sent packed."""
    path = Path(unquote(urlsplit(address).path))
    content = path.read_bytes()
    return len(content if path.suffix in PACKED else gzip.compress(content, 6))


@pytest.mark.parametrize("page", PAGES)
def test_a_first_visit_is_light_and_nothing_jumps(site: Path, visit: Callable[..., BrowserContext], page: str) -> None:
    opened, asked = visit(width=412).new_page(), dict[str, None]()
    opened.on("request", lambda request: asked.update({request.url: None}))
    opened.add_init_script(WATCH)
    opened.goto((site / f"{page}.html").as_uri(), wait_until="load")
    opened.evaluate("new Promise((done) => setTimeout(done, 300))")
    sizes = {address: weight(address) for address in asked if address.startswith("file:")}
    assert len(sizes) > 5
    assert sum(sizes.values()) <= (MOST_OF_FIRST if page == FIRST else MOST), sizes
    assert opened.evaluate("window.moved") <= JUMPS


@pytest.mark.parametrize("page", PAGES)
def test_nothing_holds_a_page_up(site: Path, page: str) -> None:
    soup = parsed(site, page)
    scripts = soup.select("script[src]")
    assert [str(script) for script in scripts if not (script.has_attr("defer") or script.has_attr("async"))] == []
    assert any("searchindex" in str(script["src"]) for script in scripts) == (page == "search")
    assert len(soup.select("meta[name=viewport]")) == 1
    handlers = [tag for tag in soup.find_all(True) if any(name.startswith("on") for name in tag.attrs)]
    assert [str(tag)[:90] for tag in handlers] == []
    pictures = soup.select("img:not([src^='data:'])")
    assert [str(tag)[:90] for tag in pictures if not (tag.has_attr("width") and tag.has_attr("height"))] == []
    waiting = soup.select("article img:not([src^='data:'])[loading=lazy]")
    assert len(waiting) >= len(soup.select("article img:not([src^='data:'])")) - 1


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_few_pieces(site: Path, page: str) -> None:
    """They were 36,735 on the page of the package, which took a phone 9 seconds, and up to 7,600 in a chapter."""
    soup = parsed(site, page)
    assert len(soup.find_all(True)) <= MOST_PIECES
    assert len(soup.select("head > link[rel=stylesheet]")) == 1
    assert soup.select(".highlight pre :is(.n, .p, .w), dt.sig .pre") == []


def test_what_a_style_asks_for_is_found(site: Path) -> None:
    sheets = list((site / "_static").glob("styles-*.css"))
    assert 1 <= len(sheets) <= 4  # by what a page has: code, drawings, a playground
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "@charset" not in text
        asked = [found["file"] for found in ADDRESS.finditer(text)]
        assert 'html[data-theme="dark"] .highlight .k{' in text  # the theme writes the colours of code last of all
        assert "vendor/course-math/course-math.woff2" in asked
        assert [each for each in asked if not (sheet.parent / urlsplit(each).path).is_file()] == []


def test_what_is_asked_on_a_page_is_found_on_another(site: Path, visit: Callable[..., BrowserContext]) -> None:
    page = visit().new_page()
    page.goto((site / f"{FIRST}.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("hatched")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=hatched")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() >= 3


def test_what_drives_tabs_is_loaded_where_tabs_are(site: Path) -> None:
    found = [parsed(site, page) for page in PAGES]
    assert [bool(soup.select(".sd-tab-set")) for soup in found] == ["design-tabs" in str(soup) for soup in found]


@pytest.mark.parametrize("page", PAGES)
def test_no_trace_of_what_went(site: Path, page: str) -> None:
    soup = parsed(site, page)
    for prose in soup.select("article"):
        prose.decompose()  # the changelog may speak of it
    assert not GONE.findall(str(soup))


def test_what_went_is_not_on_the_site(site: Path) -> None:
    names = [str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()]
    assert [name for name in names if GONE.search(name) or "katex" in name.lower()] == []


def name(button: Tag) -> str:
    return str(button.get("aria-label") or "") or button.get_text(strip=True) or str(button.get("title") or "")


@pytest.mark.parametrize("page", PAGES)
def test_every_button_has_a_sign_and_a_name(site: Path, page: str) -> None:
    buttons = parsed(site, page).select(BUTTONS)
    assert len(buttons) >= 4
    assert [str(button)[:90] for button in buttons if not button.select("svg, img") or not name(button)] == []

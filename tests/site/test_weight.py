"""What a page loads: no script that sets formulas or draws icons; and every button shows a sign and has a name."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*parse_toc_yaml(ROOT / "_toc.yml"), "search", "genindex"]
MOST = 425_000
"""Bytes of all scripts of a page: half are the search index, 37,000 what draws, where something does. Formulas alone
once took 2,275,113 and icons 1,489,308."""

GONE = re.compile(r"mathjax|mjx-|font-?awesome(?! svg)|\bfa-(solid|brands|regular|lg)\b|\bfa[srb] fa-", re.IGNORECASE)
BUTTONS = ".bd-header-article :is(button, a.btn), .search-button-field, .prev-next-area a, #pst-back-to-top"


def parsed(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_few_scripts(site: Path, page: str) -> None:
    scripts = [str(script["src"]) for script in parsed(site, page).select("script[src]")]
    paths = [((site / page).parent / urlsplit(script).path).resolve() for script in scripts]
    sizes = {path.name: path.stat().st_size for path in paths}
    assert sum(sizes.values()) <= MOST, sizes


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

"""The book on paper: letters, nothing cut off, folds open, all in the light, and links that lead somewhere."""

from __future__ import annotations

import unicodedata
from io import BytesIO
from pathlib import Path

import paper
import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from pypdf.generic import Destination
from sphinx_external_toc.parsing import parse_toc_yaml

WANTED = ("book/how-to", "book/ten-words")
WIDTH = 665
"""Pixels of an A4 page between its margins."""

SEEN = """() => {
    const shown = (tag) => tag.getBoundingClientRect().height > 0;
    const light = (tag) => Math.max(...getComputedStyle(tag).color.match(/[\\d.]+/g).slice(0, 3).map(Number));
    const article = document.querySelector("article");
    const all = (which) => Array.from(article.querySelectorAll(which));
    return {
      "cut code": all("pre").filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.innerText),
      "closed folds": all("details > :not(summary)").filter((each) => each.innerText.trim() && !shown(each)).length,
      "folds": all("details").length,
      "what only a screen can do": all("button, input[type=range], .headerlink").filter(shown).length,
      "code on paper": Math.max(...all("pre span").map(light)),
      "words on paper": Math.max(...all("p").map(light)),
    };
}"""


@pytest.fixture(scope="module")
def printed(site: Path, browser: Browser) -> PdfReader:
    made = BytesIO()
    paper.book(browser, site, paper.chapters(site, WANTED)).write(made)
    assert made.tell() < 1_500_000
    return PdfReader(made)


@pytest.fixture(scope="module")
def text(printed: PdfReader) -> list[str]:
    return [page.extract_text() for page in printed.pages]


def squeezed(text: str) -> str:
    """Without what printing changes: spaces, ends of lines, and letters that are joined to one sign."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_pages_have_letters_and_numbers(printed: PdfReader, text: list[str]) -> None:
    contents, *pages = (page.split("\n") for page in text)
    how, ten = "How to use this book", "Ten words of PyTorch"
    first = int(contents[2].removeprefix(f"{ten} "))
    assert contents == ["minigen", f"{how} 1", f"{ten} {first}"]
    for number, lines in enumerate(pages, 1):
        title = ten if number >= first else how
        begins = number in {1, first}  # with its own title, so that none stands above
        assert lines[:2] == ([str(number), title] if begins else [title, str(number)])
    assert printed.page_labels[:3] == ["i", "1", "2"]


def test_folds_are_open_and_no_line_is_lost(site: Path, text: list[str]) -> None:
    page = paper.parsed(site / "book/ten-words.html")
    found = squeezed("".join(text))
    lines = [line for part in page.select("article pre, article details > p") for line in part.get_text().split("\n")]
    assert len(page.select("article details")) >= 3
    assert [line for line in lines if squeezed(line) not in found] == []


def test_the_outline_names_pages_and_sections(printed: PdfReader) -> None:
    first, below, second, _ = printed.outline
    assert isinstance(first, Destination)
    assert isinstance(second, Destination)
    assert (first.title, second.title) == ("How to use this book", "Ten words of PyTorch")
    assert isinstance(below, list)
    assert "Ways through" in [each.title for each in below if isinstance(each, Destination)]
    found = [printed.get_destination_page_number(each) or 0 for each in below if isinstance(each, Destination)]
    assert found == sorted(found)
    assert len(set(found)) > 1


def test_links_lead_inside_or_to_the_web(printed: PdfReader) -> None:
    links = [each.get_object() for page in printed.pages for each in page.get("/Annots", ())]
    inside = [printed.get_page_number(link["/Dest"][0].get_object()) for link in links if "/Dest" in link]
    assert len(inside) >= 4
    assert len(set(inside)) >= 2
    assert {str(link["/A"]["/URI"])[:8] for link in links if "/A" in link} <= {"https://"}


@pytest.mark.parametrize("name", ["book/curve-fitting", "book/future"])
def test_a_reader_in_the_dark_prints_all_of_a_page_in_the_light(site: Path, browser: Browser, name: str) -> None:
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme="dark")
    context.set_default_timeout(0)  # a busy machine is no failure
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri(), wait_until="load")
    page.emulate_media(media="print")
    seen = page.evaluate(SEEN)
    context.close()
    assert seen.pop("folds") > 5
    assert seen.pop("code on paper") <= 170
    assert seen.pop("words on paper") <= 110
    assert seen == {"cut code": [], "closed folds": 0, "what only a screen can do": 0}


def test_pages_below_others_are_printed_after_them(site: Path) -> None:
    names = [chapter.name for chapter in paper.chapters(site)]
    assert names == list(parse_toc_yaml(paper.ROOT / "_toc.yml"))
    assert names[names.index("book/api") + 1] == "book/api-data"

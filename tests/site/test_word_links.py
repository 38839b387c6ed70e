"""Words that lead to the glossary, on the built pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in parse_toc_yaml(ROOT / "_toc.yml") if (ROOT / f"{page}.ipynb").is_file()]
MOST = 40
"""Links to the glossary on one page: more would be a page of dots."""


def links(site: Path, page: str) -> list[tuple[str, str]]:
    """(word, address) of every link to the glossary that was made by itself."""
    parsed = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    found = [(word.get_text(), word.parent) for word in parsed.select("article .mg-term")]
    assert all(link is not None and link.name == "a" and not link.get("title") for _, link in found)
    return [(word, str(link["href"])) for word, link in found if link is not None]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_full_of_dots_and_no_word_is_linked_twice(site: Path, page: str) -> None:
    found = [address for _, address in links(site, page)]
    assert len(found) == len(set(found)) <= MOST


@pytest.mark.parametrize(
    ("page", "word", "place"),
    [
        ("book/curve-fitting", "belief", "term-belief"),
        ("book/auto-regression", "plan", "term-plan"),
        ("book/patches", "Fréchet distance", "term-Frechet-distance"),
        ("book/spreading", "level", "term-level"),
        ("book/guidance", "guidance scale", "term-guidance-scale"),
        ("book/future", "flow matching", "term-flow-matching"),
    ],
)
def test_a_word_is_linked_where_it_arrives(site: Path, page: str, word: str, place: str) -> None:
    found = {shown.lower(): address for shown, address in links(site, page)}
    assert found[word.lower()] == f"glossary.html#{place}"


def test_the_glossary_shows_the_u_net_and_the_front_page_names_the_article(site: Path) -> None:
    glossary = BeautifulSoup((site / "book/glossary.html").read_text(encoding="utf-8"), "html.parser")
    assert len(glossary.select("article dd svg.mg-unet[role=img] desc")) == 1
    front = BeautifulSoup((site / "book/intro.html").read_text(encoding="utf-8"), "html.parser")
    assert [link.get_text() for link in front.select("article a[href='references.html#the-article']")] == [
        "Why Diffusion Models Outperform Auto-Regressive Models in Generative AI"
    ]


def test_the_table_of_chapters_has_a_row_for_each(site: Path) -> None:
    page = BeautifulSoup((site / "book/how-to.html").read_text(encoding="utf-8"), "html.parser")
    table = next(each for each in page.select("article table") if each.find("a", href="curve-fitting.html"))
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in table.select("tbody tr")]
    assert [row[0] for row in rows if row] == ["", *map(str, range(1, 16))]

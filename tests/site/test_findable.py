"""What search engines and chats read of a page: each has a description of its own, and says which lesson it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
TOC = parse_toc_yaml(ROOT / "_toc.yml")
PAGES = list(TOC)
NUMBERED = [str(page) for part in TOC.root.subtrees if part.numbered for page in part.items]


def head(site: Path, page: str) -> BeautifulSoup:
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text[: text.index("</head>")], "html.parser")


@pytest.fixture(scope="module")
def heads(site: Path) -> dict[str, BeautifulSoup]:
    return {page: head(site, page) for page in [*PAGES, "search", "genindex"]}


def data(page: BeautifulSoup) -> dict[str, Any]:
    (script,) = page.select("script[type='application/ld+json']")
    found: dict[str, Any] = json.loads(script.get_text())
    return found


def test_every_page_has_a_description_of_its_own(heads: dict[str, BeautifulSoup]) -> None:
    said = {
        page: [str(tag["content"]) for tag in each.select("meta[name=description]")] for page, each in heads.items()
    }
    assert {page: texts for page, texts in said.items() if len(texts) != 1 or not 25 <= len(texts[0]) <= 205} == {}
    assert len({texts[0] for texts in said.values()}) == len(heads)
    assert said["book/few-steps"] == [
        "You take one trained network and turn a dial: the number of calls for a picture."
    ]


def test_a_site_without_an_address_names_none(site: Path, heads: dict[str, BeautifulSoup]) -> None:
    for page, each in heads.items():
        assert not each.select("[rel=canonical], meta[property='og:image'], meta[property='og:url']"), page
    assert not (site / "sitemap.xml").exists()
    assert not (site / "_static" / "cards").exists()
    assert "mg-report" not in (site / "book/few-steps.html").read_text(encoding="utf-8")


def test_the_course_and_its_lessons_are_told(heads: dict[str, BeautifulSoup]) -> None:
    course = data(heads["book/intro"])
    assert course["@type"] == "Course"
    lessons = [part["name"] for part in course["hasPart"]]
    assert len(lessons) == len(NUMBERED) >= 14
    assert re.fullmatch(r"PT\d+H", course["hasCourseInstance"]["courseWorkload"])
    assert [data(heads[page])["position"] for page in NUMBERED] == list(range(1, len(NUMBERED) + 1))
    seventh = data(heads["book/diffusion"])
    assert (seventh["position"], seventh["name"]) == (7, lessons[6])
    assert seventh["isPartOf"]["name"] == course["name"]
    assert 30 <= int(seventh["timeRequired"].removeprefix("PT").removesuffix("M")) <= 120


def test_who_is_lost_is_led_back(site: Path) -> None:
    page = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    links = [str(link["href"]) for link in page.select("main a")]
    assert links == [f"{page}.html" for page in [*PAGES, "search"]]
    assert not page.select("script, link, img")  # it is shown at any depth

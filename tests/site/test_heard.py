"""Chapters as a screen reader reads them: from the browser's accessibility tree, what is said, and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers_site import opened
from playwright.sync_api import BrowserContext

READ = ("book/blurry-average", "book/spreading", "book/frontier", "book/intro", "book/how-to")
LEAVES = {"image", "StaticText"}
"""Of what is inside a picture nothing is said."""


NAMED = {"link", "button", "image", "slider", "table", "heading", "radio", "DisclosureTriangle"}


class Said(NamedTuple):
    """One thing in the tree: what it is, its name, and how deep it stands."""

    role: str
    name: str
    depth: int


def tree(page: Any) -> list[Said]:
    """The article, from top to bottom."""
    session = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in session.send("Accessibility.getFullAXTree")["nodes"]}
    found: list[Said] = []

    def walk(node: dict[str, Any], depth: int) -> None:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored"):
            found.append(Said(role, " ".join(node.get("name", {}).get("value", "").split()), depth))
        if role not in LEAVES:
            for child in node.get("childIds", ()):
                if child in nodes:
                    walk(nodes[child], depth + 1)

    walk(next(node for node in nodes.values() if "parentId" not in node), 0)
    return found


@pytest.fixture(scope="module")
def read(site: Path, browser: Any) -> Callable[[str], list[Said]]:
    """Reads a page, each once."""

    @cache
    def one(name: str) -> list[Said]:
        context: BrowserContext = browser.new_context(viewport={"width": 1200, "height": 900}, bypass_csp=True)
        context.set_default_timeout(0)  # a busy machine is no failure
        page = opened(context, site / f"{name}.html")
        page.wait_for_function("() => document.readyState === 'complete'")
        found = tree(page)
        context.close()
        return found

    return one


def inside(said: list[Said], place: int) -> list[Said]:
    """What stands in the thing at this place."""
    end = next((i for i in range(place + 1, len(said)) if said[i].depth <= said[place].depth), len(said))
    return said[place + 1 : end]


@pytest.mark.parametrize("name", READ)
def test_everything_has_a_name(read: Callable[[str], list[Said]], name: str) -> None:
    """And none that is only a number, or that others have."""
    said = read(name)
    named = [each for each in said if each.role in NAMED]
    assert len(named) > 40
    assert [each for each in named if not each.name] == []
    assert [each for each in said if each.role in {"link", "doc-backlink"} and each.name.isdigit()] == []
    assert {"banner", "contentinfo"}.isdisjoint(each.role for each in said), "a part of the page that is empty"


@pytest.mark.parametrize("name", READ)
def test_figures_say_things_once_and_leave_no_word_out(read: Callable[[str], list[Said]], name: str) -> None:
    said = read(name)
    figures = [inside(said, i) for i, each in enumerate(said) if each.role == "figure"]
    assert figures or name == "book/how-to"
    for figure in figures:
        sentences = [each.name for each in figure if each.role in LEAVES and len(each.name) > 20]
        assert sorted({each for each in sentences if sentences.count(each) > 1}) == []


def test_numbers_below_pictures_are_heard(read: Callable[[str], list[Said]]) -> None:
    names = [each.name for each in read("book/frontier")]
    whole = next(i for i, name in enumerate(names) if name.startswith("Five rows of the digits 0 to 9"))
    assert "class averages: distance" in " ".join(names[whole + 1 : whole + 6])
    assert "0.557" in [each.name for each in read("book/blurry-average")]


@pytest.mark.parametrize("name", READ[:3])
def test_exercises_are_headings_and_code_is_told_from_output(read: Callable[[str], list[Said]], name: str) -> None:
    said = read(name)
    headings = [each.name for each in said if each.role == "heading"]
    assert len([each for each in headings if each.startswith("Exercise ")]) == 4
    assert headings[headings.index("Guess first") - 1] == "In this chapter"
    groups = [i for i, each in enumerate(said) if each.role == "group" and each.name in {"Code", "Output"}]
    copies = {said[i].name: [each for each in inside(said, i) if each.role == "button"] for i in groups}
    assert copies["Code"]
    assert not copies.get("Output"), "nobody copies what was printed"


def test_a_table_has_a_name_and_its_rows_have(read: Callable[[str], list[Said]]) -> None:
    said = read("book/frontier")
    name, table = next(
        (said[i].name, inside(said, i))
        for i, each in enumerate(said)
        if each.role == "table" and "measured" in each.name
    )
    assert name == "What we measured"
    assert len([each for each in table if each.role == "rowheader"]) == 3


def test_cards_are_a_list(read: Callable[[str], list[Said]]) -> None:
    said = read("book/intro")
    start = next(i for i, each in enumerate(said) if each == ("heading", "The chapters", each.depth))
    cards = next(i for i in range(start, len(said)) if said[i].role == "list")
    assert len([each for each in inside(said, cards) if each.role == "listitem"]) == 15

"""The table of chapters: every chapter is in it, with what its own box says."""

from __future__ import annotations

import doctest
from pathlib import Path

import minutes
import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]

ROWS = minutes.chapters(ROOT)


def test_every_chapter_is_in_it_in_the_books_order() -> None:
    """All notebooks but those that are no chapters."""
    others = {"ten-words", "four-choices", "your-own-part", "playground"}
    notebooks = [Path(page).name for page in parse_toc_yaml(ROOT / "_toc.yml") if (ROOT / f"{page}.ipynb").is_file()]
    assert [row.file for row in ROWS] == [f"{name}.ipynb" for name in notebooks if name not in others]


def test_the_ways_through_take_as_long_as_the_page_says() -> None:
    """An evening of about two hours, an hour and a half for whoever knows PyTorch, a day for a chapter."""
    page = (ROOT / "book" / "how-to.md").read_text(encoding="utf-8")
    assert "about two hours" in page
    assert 100 <= 15 + sum(row.read for row in ROWS[:4]) <= 140
    assert "an hour and a half of reading" in page
    assert 75 <= sum(ROWS[number - 1].read for number in (6, 7, 11)) <= 105
    assert "a chapter a day for fifteen days" in page
    assert len(ROWS) == 15


def test_the_hours_are_the_sum_of_the_minutes() -> None:
    rows = [minutes.Chapter("A", "a.ipynb", 100, 40, "1"), minutes.Chapter("B", "b.ipynb", 20, 140, "1")]
    assert minutes.table(rows).endswith("All together: about 2 hours to read, and about 3 for the exercises.")


@pytest.mark.parametrize(
    "said",
    [
        "Read it.",
        "About 5 minutes to read and 5 for the exercises. The notebook runs in about a fortnight on two CPU cores.",
    ],
)
def test_a_box_that_does_not_say_it_is_named(said: str) -> None:
    with pytest.raises(ValueError, match="patches: the first cell must say"):
        minutes.box("patches", f"# Patches\n\n{said}")


def test_the_examples_of_its_functions_hold() -> None:
    failed, tried = doctest.testmod(minutes)
    assert tried
    assert not failed

"""The tables of folders in "How to use this book": each number is that of the results file."""

from __future__ import annotations

import doctest
import re
from typing import Any

import measured

from minigen.zoo.suggestions import WAYS


def row(frechet: float, minutes: float = 1, **changes: Any) -> dict[str, Any]:
    plain = {"what": "icons", "in_folder": 640, "size": 32, "way": "usual", "target": "belief", "iterations": 200}
    plain |= {"floor": {"mean": 0.9, "spread": 0.4}, "fixed": 20 * frechet, "fixed_floor": {"mean": 1.1, "spread": 0.1}}
    return {**plain, "budget": 60.0 * minutes, "frechet": frechet, **changes}


def test_a_folder_is_a_line_and_its_minutes_are_columns() -> None:
    rows = [
        row(9.5, 10, size=64),
        row(2.0),
        row(1.25, 3, iterations=1600),
        row(7.0, what="digits"),
        row(5.0, target="x0"),
    ]
    lines = measured.by_minutes(rows).splitlines()[2:]
    assert lines == [
        "| 640 icons, 32 x 32 | 2.0, 40 (200) | 1.2, 25 (1,600) | | 0.90, 1.1 |",
        "| 640 icons, 64 x 64 | | | 9.5, 190 (200) | 0.90, 1.1 |",
        "| 640 digits, 32 x 32 | 7.0, 140 (200) | | | 0.90, 1.1 |",
    ]


def test_what_was_tried_stands_beside_the_usual_of_the_same_folder_and_time() -> None:
    rows = [row(2.0), row(1.0, 3), row(1.5, target="x0"), row(0.8, 3, way="batch 32"), row(4.0, way="deep", size=64)]
    assert measured.beside(rows).splitlines()[2:] == [
        "| predicts x0 | 640 icons, 32 x 32, 1 | 1.5, 30 | 2.0, 40 |",
        "| batch 32 | 640 icons, 32 x 32, 3 | 0.80, 16 | 1.0, 20 |",
    ]


def test_the_page_says_it_once_and_the_usual_is_the_usual() -> None:
    text = (measured.Path(__file__).parents[2] / f"{measured.PAGE}.md").read_text()
    assert len(re.findall(re.escape(measured.PLACE), text)) == 1
    assert next(iter(WAYS)) == "usual"


def test_examples() -> None:
    failed, tried = doctest.testmod(measured)
    assert (failed, tried > 0) == (0, True)

"""The table of folders in "How to use this book": each number is that of the results file."""

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


def test_a_training_is_a_line_and_those_of_a_folder_stand_together() -> None:
    rows = [
        row(9.5, 10, size=64),
        row(5.0, target="x0"),
        row(2.0),
        row(1.25, 3, iterations=1600),
        row(0.8, 3, way="batch 32"),
        row(7.0, what="digits"),
    ]
    lines = measured.table(rows).splitlines()[2:]
    assert lines == [
        "| 640 icons, 32 x 32 | as usual | 1 | 200 | 2.0 | 0.90 | 40 | 1.1 |",
        "| 640 icons, 32 x 32 | predicts x0 | 1 | 200 | 5.0 | 0.90 | 100 | 1.1 |",
        "| 640 icons, 32 x 32 | as usual | 3 | 1,600 | 1.2 | 0.90 | 25 | 1.1 |",
        "| 640 icons, 32 x 32 | batch 32 | 3 | 200 | 0.80 | 0.90 | 16 | 1.1 |",
        "| 640 icons, 64 x 64 | as usual | 10 | 200 | 9.5 | 0.90 | 190 | 1.1 |",
        "| 640 digits, 32 x 32 | as usual | 1 | 200 | 7.0 | 0.90 | 140 | 1.1 |",
    ]


def test_the_page_says_it_once_and_the_usual_is_the_usual() -> None:
    text = (measured.Path(__file__).parents[2] / f"{measured.PAGE}.md").read_text()
    assert len(re.findall(re.escape(measured.PLACE), text)) == 1
    assert next(iter(WAYS)) == "usual"


def test_examples() -> None:
    failed, tried = doctest.testmod(measured)
    assert (failed, tried > 0) == (0, True)

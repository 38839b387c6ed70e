"""Tables in plain text, for the command line: aligned, rounded, and a distance never without its floor.

pandas sets them; it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FLOORS = {"frechet": "floor", "kernel": "kernel_floor", "coverage": "coverage_ceiling"}
"""What real pictures score in the same measure."""

REAL = {"nearer_to_train": "0.5", "border": "1", "inside": "1"}
"""The same where it is known without measuring."""

ASIDE = ("count", "bits_of", "split", "seed", "sampling")
"""What is said above a table, not in it."""


def number(value: float | Mapping[str, float] | None) -> str:
    """A score in few digits: three places below 1, two below 10, then one; a mean with its spread; nothing for None.

    >>> number(0.96723), number(5.0242), number(203.04), number({"mean": 3.0329, "spread": 0.3578}), number(None)
    ('0.967', '5.02', '203.0', '3.03 ± 0.36', '')
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        places = _places(value["mean"])
        return f"{value['mean']:.{places}f} ± {value['spread']:.{places}f}"
    return f"{value:.{_places(value)}f}"


def _places(value: float) -> int:
    """Decimal places that are worth printing."""
    return 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1


def text_table(rows: Sequence[Mapping[str, Any]], left: Sequence[str] = ()) -> str:
    """Rows with named columns, aligned: to the right, but for the columns ``left``. What a row lacks stays empty.

    >>> print(text_table([{"calls": 4, "frechet": "8.00"}, {"calls": 16, "frechet": "4.60"}]))
    calls frechet
        4    8.00
       16    4.60
    """
    from pandas import DataFrame

    names = dict.fromkeys(name for row in rows for name in row)
    frame = DataFrame({name: ["" if row.get(name) is None else str(row[name]) for row in rows] for name in names})
    for name in left:
        width = max(frame[name].str.len().max(), len(name))
        frame[name] = frame[name].str.ljust(width)
        frame = frame.rename(columns={name: name.ljust(width)})
    lines: str = frame.to_string(index=False, max_colwidth=None)
    return "\n".join(line.rstrip() for line in lines.splitlines())


def scores_table(scores: Mapping[str, Any]) -> str:
    """The scores of one set of pictures, a line each, beside those of real ones; or of several sets, a line a set.

    >>> print(scores_table({"count": 1000, "frechet": 5.02, "floor": {"mean": 3.03, "spread": 0.36}, "accuracy": None}))
    score    drawn real pictures
    frechet   5.02   3.03 ± 0.36
    accuracy
    """
    sets = {name: value for name, value in scores.items() if isinstance(value, Mapping) and "frechet" in value}
    if sets:
        return text_table([{"prompts": name, **_in_one_line(value)} for name, value in sets.items()], left=["prompts"])
    lines = []
    for name, value in scores.items():
        if name in ASIDE or name in FLOORS.values():
            continue
        parts = value if isinstance(value, Mapping) else {name: value}
        for part, found in parts.items():
            if part not in ASIDE:
                real = number(scores.get(FLOORS.get(part, ""))) or REAL.get(part, "")
                lines.append({"score": part, "drawn": number(found), "real pictures": real})
    if not any(line["real pictures"] for line in lines):  # a classifier's: nothing is drawn
        lines = [{"right on": line["score"], "share": line["drawn"]} for line in lines]
    return text_table(lines, left=[next(iter(lines[0]))])


def _in_one_line(scores: Mapping[str, Any]) -> dict[str, str]:
    """The scores of a set in a line: what was asked for, then the distance and its floor."""
    asked = {name: number(value) for name, value in scores["prompt"].items() if name != "count"}
    return {**asked, **{name: number(scores[name]) for name in ("frechet", "floor", "coverage", "coverage_ceiling")}}

"""Puts what was measured on folders of pictures into "How to use this book", from ``results/budgets.json``.

The page says where, by the line ``<!-- the tables of folders -->``. Nothing stands there before it was measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigen.zoo.suggestions import USUAL_TARGET

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE, PLACE = "book/how-to", "<!-- the tables of folders -->"
RESULTS = Path("minigen/course/results/budgets.json")
MINUTES = (1, 3, 10)

Row = dict[str, Any]


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def usual(row: Row) -> bool:
    """Whether it was trained as a folder is where nobody chooses."""
    return bool(row["way"] == "usual" and row["target"] == USUAL_TARGET)


def folder(row: Row) -> tuple[str, int, int]:
    """What a row of the first table is about."""
    return row["what"], row["size"], row["in_folder"]


def number(value: float) -> str:
    """A distance: none after the point from 10 on, one from 1 on, two below.

    >>> number(43.21), number(1.23), number(0.456)
    ('43', '1.2', '0.46')
    """
    return f"{value:.{0 if value >= 10 else 1 if value >= 1 else 2}f}"


def distances(row: Row) -> str:
    """By the judge of labels, and by the fixed one."""
    return f"{number(row['frechet'])}, {number(row['fixed'])}"


def by_minutes(rows: Sequence[Row]) -> str:
    """What each folder comes to in 1, 3 and 10 minutes: the distances by both judges, and the updates.

    >>> row = {"what": "icons", "size": 8, "in_folder": 80, "way": "usual", "target": "belief", "budget": 180.0}
    >>> row |= {"iterations": 1500, "frechet": 2.04, "floor": {"mean": 0.81, "spread": 0.4}}
    >>> row |= {"fixed": 12.3, "fixed_floor": {"mean": 1.1, "spread": 0.2}}
    >>> print(by_minutes([row]).splitlines()[2])
    | 80 icons, 8 x 8 | 2.0, 12 (1,500) | 0.81, 1.1 |
    """
    plain = [row for row in rows if usual(row)]
    measured = [each for each in MINUTES if any(row["budget"] / 60 == each for row in plain)]
    titles = [f"{each:g} minute{'s' * (each != 1)}" for each in measured]
    lines = ["| " + " | ".join(["folder", *titles, "real pictures"]) + " |", "|---|" + "--:|" * (len(titles) + 1)]
    for each in sorted({folder(row) for row in plain}, key=lambda key: (key[0] != "icons", *key[1:])):
        same = [row for row in plain if folder(row) == each]
        found = {row["budget"] / 60: f"{distances(row)} ({row['iterations']:,})" for row in same}
        floor = f"{number(same[0]['floor']['mean'])}, {number(same[0]['fixed_floor']['mean'])}"
        minutes = [found.get(each, "") for each in measured]
        cells = [f"{each[2]:,} {each[0]}, {each[1]} x {each[1]}", *minutes, floor]
        lines.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join(lines)


def beside(rows: Sequence[Row]) -> str:
    """What was tried beside the usual, each with the usual of the same folder and time."""
    lines = ["| tried | folder, minutes | distances | the usual |", "|---|---|--:|--:|"]
    for row in rows:
        same = [each for each in rows if usual(each) and (folder(each), each["budget"]) == (folder(row), row["budget"])]
        if same and not usual(row):
            tried = row["way"] if row["way"] != "usual" else f"predicts {row['target']}"
            where = f"{row['in_folder']:,} {row['what']}, {row['size']} x {row['size']}, {row['budget'] / 60:g}"
            lines.append(f"| {tried} | {where} | {distances(row)} | {distances(same[0])} |")
    return "\n".join(lines)


def said(rows: Sequence[Row]) -> str:
    """Both tables, with what must be known to read them."""
    kinds = {"icons": "icons (in colour)", "digits": "digits (grey)"}
    tried = " and ".join(said for kind, said in kinds.items() if any(row["what"] == kind for row in rows))
    return f"""How far that brings you was measured on folders of {tried}, in minutes of one processor core.
The two numbers are distances of what is drawn from real pictures: by a judge that learned the kinds, and by a fixed
one, which notices grain (chapter 15); in brackets the updates. Each size and kind has judges of its own, so compare
within a line, and with what real pictures get. There is one training of each, so a small difference may be chance.

{by_minutes(rows)}

What was tried beside the usual, each beside the usual in the same time:

{beside(rows)}

`mg.recipes.suggest(found, minutes=10)` reads these numbers, times a few updates on your computer, and says what to
train and why; `python benchmarks/budgets.py` measured them, on validation pictures.
"""


def fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the tables in their place, and read the page again whenever they were measured again."""
    if page == PAGE:
        if PLACE not in source[0]:
            raise ValueError(f"{PAGE} lacks the line {PLACE}")
        path = Path(app.srcdir) / RESULTS
        found = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
        app.env.note_dependency(str(path))
        source[0] = source[0].replace(PLACE, said(found) if found else "")

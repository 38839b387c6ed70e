"""Puts what was measured on folders of pictures into "How to use this book", from ``results/budgets.json``.

The page says where, by the line ``<!-- the table of folders -->``. Nothing stands there before it was measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigen.zoo.suggestions import JUDGES, USUAL_TARGET

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE, PLACE = "book/how-to", "<!-- the table of folders -->"
RESULTS = Path(str(files("minigen.course") / "results" / "budgets.json"))

Row = dict[str, Any]


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def usual(row: Row) -> bool:
    """Whether it was trained as a folder is where nobody chooses."""
    return bool(row["way"] == "usual" and row["target"] == USUAL_TARGET)


def folder(row: Row) -> tuple[str, int, int]:
    """What a row is about."""
    return row["what"], row["size"], row["in_folder"]


def number(value: float) -> str:
    """A distance: none after the point from 10 on, one from 1 on, two below.

    >>> number(43.21), number(1.23), number(0.456)
    ('43', '1.2', '0.46')
    """
    return f"{value:.{0 if value >= 10 else 1 if value >= 1 else 2}f}"


def trained(row: Row) -> str:
    """How, beside the usual."""
    if usual(row):
        return "as usual"
    return str(row["way"]) if row["way"] != "usual" else f"predicts {row['target']}"


def table(rows: Sequence[Row]) -> str:
    """A line for each training, those of a folder together, the usual first.

    >>> row = {"what": "icons", "size": 8, "in_folder": 80, "way": "usual", "target": "belief", "budget": 180.0}
    >>> row |= {"iterations": 1500, "frechet": 2.04, "floor": {"mean": 0.81, "spread": 0.4}}
    >>> row |= {"fixed": 12.3, "fixed_floor": {"mean": 1.1, "spread": 0.2}}
    >>> print(table([row]).splitlines()[2])
    | 80 icons, 8 x 8 | as usual | 3 | 1,500 | 2.0 | 0.81 | 12 | 1.1 |
    """
    lines = ["| folder | trained | minutes | updates | by kinds | real | fixed | real |", "|---|---|" + "--:|" * 6]
    for row in sorted(rows, key=lambda row: (row["what"] != "icons", *folder(row)[1:], row["budget"], not usual(row))):
        cells = [f"{row['in_folder']:,} {row['what']}, {row['size']} x {row['size']}", trained(row)]
        cells += [f"{row['budget'] / 60:g}", f"{row['iterations']:,}"]
        cells += [number(each) for name, floor in JUDGES.items() for each in (row[name], row[floor]["mean"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def said(rows: Sequence[Row]) -> str:
    """The table, with what must be known to read it."""
    kinds = {"icons": "icons (in colour)", "digits": "digits (grey)"}
    tried = " and ".join(said for kind, said in kinds.items() if any(row["what"] == kind for row in rows))
    return f"""How far that brings you was measured on folders of {tried}, in minutes of one processor core.
An *update* is one batch, of 16 pictures as usual. The numbers are distances of drawn pictures from real ones, and
beside each stands what real training pictures get: by a judge that learned the *kinds*, and by a *fixed* one, which
notices grain (chapter 15).

{table(rows)}

*As usual* is noise and a belief over 16 shades (chapter 15). You need not choose: `train` takes what was better here
for pictures like yours. 200 pictures were drawn for each line, and scored against 400 others that nothing was trained
on. Chapter 15 draws 100 and has fewer others, so its numbers are higher; those of two sizes can't be compared, either.
There is one training of each, so a small difference may be chance.

`mg.recipes.suggest(pictures, minutes=10)`, of pictures that `mg.data.folder` has read, looks at these numbers, times a
few updates on your computer, and says what to train and why. `python benchmarks/budgets.py` measured them, on
validation pictures.
"""


def fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the table in its place, and read the page again whenever it was measured again."""
    if page == PAGE:
        if PLACE not in source[0]:
            raise ValueError(f"{PAGE} lacks the line {PLACE}")
        found = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else []
        app.env.note_dependency(str(RESULTS))
        source[0] = source[0].replace(PLACE, said(found) if found else "")

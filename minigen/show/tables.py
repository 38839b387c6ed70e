"""Tables: of a DataFrame for a page, and in plain text for the command line, where a distance never lacks its floor.

pandas sets them; it is imported where it is used.
"""

from __future__ import annotations

import html
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minigen.base.errors import check_choice

if TYPE_CHECKING:
    from pandas import DataFrame

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


# --- for a page ------------------------------------------------------------------------------------

WIDE = 38
"""Signs in a row that a phone has room for; a table with more becomes a list of rows there."""

Format = str | Callable[[Any], str]


@dataclass(frozen=True)
class Table:
    """A finished table; a notebook shows it as HTML."""

    html: str
    text: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def show(frame: DataFrame, caption: str, formats: Mapping[str, Format] | None = None) -> Table:
    """A DataFrame as a table with a caption, headers of its rows and columns, and few digits.

    Args:
        frame: its index names the rows; an index that only counts is left out, and the first column names them.
        caption: below the table: what is measured, in which unit, on how many.
        formats: by column, how a value is written: a format such as ``".0%"`` or ``",.1f"``, or a function. Without
            one the numbers of a column have three places if all are below 1, two below 10, else one; True is yes.

    Raises:
        ValueError: for an empty table, columns in several layers, a format for a column that there is not.

    >>> from pandas import DataFrame
    >>> print(show(DataFrame({"plan": ["noise", "patches"], "distance": [4.6, 73.61]}), "After 16 calls.").text)
       plan distance
      noise      4.6
    patches     73.6
    """
    frame = _with_named_rows(frame)
    titles = [str(column) for column in frame.columns]
    for name in formats or {}:
        check_choice("formats", name, titles)
    kinds = [
        (formats or {}).get(title) or _usual(frame[column]) for title, column in zip(titles, frame.columns, strict=True)
    ]
    columns = [
        [_cell(value, kind) for value in frame[column]] for column, kind in zip(frame.columns, kinds, strict=True)
    ]
    plain = frame.reset_index().astype(object)
    plain.columns = [str(column) for column in plain.columns]
    for title, cells in zip(titles, columns, strict=True):
        plain[title] = cells
    signs = sum(2 + max(len(each) for each in [*column.split(), *plain[column].astype(str)]) for column in plain)
    wide = " mg-wide" if signs > WIDE else ""
    table = (
        f'<table class="mg-table{wide}"><caption>{html.escape(caption)}</caption>'
        f"<thead>{_head(frame, titles)}</thead><tbody>{_body(frame, titles, columns)}</tbody></table>"
    )
    return Table(f'<div class="mg-table-box">{table}</div>', plain.to_string(index=False))


def _with_named_rows(frame: DataFrame) -> DataFrame:
    """The frame with an index that names its rows; an error where there is nothing to show."""
    if frame.empty or frame.columns.nlevels > 1:
        raise ValueError(
            f"frame has shape {frame.shape} and {frame.columns.nlevels} layers of columns; allowed: rows, one layer"
        )
    if frame.index.name is None and list(frame.index) == list(range(len(frame))):
        return frame.set_index(frame.columns[0])
    return frame if all(frame.index.names) else frame.rename_axis(index="")


def _usual(column: Any) -> Format | None:
    """How the numbers of a column are written: all alike, with the places that suit the largest."""
    return f",.{_places(column.abs().max())}f" if column.dtype.kind == "f" else None


def _cell(value: Any, kind: Format | None) -> str:
    """One value in words."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if kind is not None:
        return kind(value) if callable(kind) else format(value, kind)
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return f"{value:,}"
    return number(float(value)) if isinstance(value, numbers.Real) else str(value)


def _head(frame: DataFrame, titles: Sequence[str]) -> str:
    """The row of headers, below what the columns have in common, if that has a name."""
    names = [str(name).replace("_", " ") for name in frame.index.names]
    corner = "".join(f'<th scope="col" class="mg-words">{html.escape(n)}</th>' if n else "<td></td>" for n in names)
    words = [_is_words(frame[column]) for column in frame.columns]
    heads = "".join(
        f'<th scope="col"{_class(left)}>{html.escape(title.replace("_", " "))}</th>'
        for title, left in zip(titles, words, strict=True)
    )
    row = f"<tr>{corner}{heads}</tr>"
    if not frame.columns.name:
        return row
    shared = html.escape(str(frame.columns.name).replace("_", " "))
    blank = f'<td colspan="{len(names)}"></td>'
    return f'<tr>{blank}<th scope="colgroup" colspan="{len(titles)}">{shared}</th></tr>{row}'


def _body(frame: DataFrame, titles: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    """All rows: what names them, then their values."""
    words = [_is_words(frame[column]) for column in frame.columns]
    rows = []
    for place, key in enumerate(frame.index):
        keys = key if isinstance(key, tuple) else (key,)
        cells = "".join(f'<th scope="row">{html.escape(_cell(each, None))}</th>' for each in keys)
        for title, column, left in zip(titles, columns, words, strict=True):
            name = html.escape(title.replace("_", " "))
            cells += f'<td data-name="{name}"{_class(left)}>{html.escape(column[place])}</td>'
        rows.append(f"<tr>{cells}</tr>")
    return "".join(rows)


def _is_words(column: Any) -> bool:
    return all(isinstance(value, str) for value in column)


def _class(left: bool) -> str:
    return ' class="mg-words"' if left else ""

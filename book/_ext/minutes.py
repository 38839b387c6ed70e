"""Puts the table of chapters into "How to use this book": the minutes stand in the chapters' own boxes, and only there.

The page says where, by the line ``<!-- the table of chapters -->``. Order and numbers are those of ``_toc.yml``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sphinx_external_toc.parsing import parse_toc_yaml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE, PLACE = "book/how-to", "<!-- the table of chapters -->"
BEFORE = "| | [Ten words of PyTorch](ten-words.ipynb) | 15 | | < 1 |"
BOX = re.compile(
    r"About (\d+) minutes to read and (\d+) for the exercises\. The notebook runs in (?:about )?(.+?) on two CPU cores"
)
RUNS = {
    **{"seconds": "< 1", "less than a minute": "< 1", "half a minute": "½", "a minute": "1"},
    **{"a minute and a half": "1½", "two minutes": "2"},
}
"""What a box says, in minutes."""


class Chapter(NamedTuple):
    """A row of the table."""

    title: str
    file: str
    read: int
    exercises: int
    run: str


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def box(name: str, first: str) -> Chapter:
    """What the first cell of a chapter says.

    >>> text = "About 25 minutes to read and 20 for the exercises. The notebook runs in a minute on two CPU cores."
    >>> box("fits", "# Curve fitting\\n\\n" + text)
    Chapter(title='Curve fitting', file='fits.ipynb', read=25, exercises=20, run='1')
    """
    found = BOX.search(" ".join(first.split()))
    if found is None or found[3] not in RUNS:
        raise ValueError(
            f"{name}: the first cell must say 'About N minutes to read and N for the exercises. The notebook runs in"
            f" about TIME on two CPU cores'; allowed for TIME: {', '.join(RUNS)}"
        )
    title = first.split("\n")[0].removeprefix("# ")
    return Chapter(title, f"{name}.ipynb", int(found[1]), int(found[2]), RUNS[found[3]])


def chapters(root: Path) -> list[Chapter]:
    """The numbered notebooks of the book in ``root``, in its order."""
    numbered = [
        page for part in parse_toc_yaml(root / "_toc.yml").root.subtrees if part.numbered for page in part.items
    ]
    found = []
    for page in map(str, numbered):
        cells = json.loads((root / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
        found.append(box(Path(page).name, "".join(cells[0]["source"])))
    return found


def table(rows: list[Chapter]) -> str:
    """Markdown, with the hours of all chapters below.

    >>> print(table([Chapter("Curve fitting", "fits.ipynb", 50, 65, "1")]).splitlines()[3])
    | 1 | [Curve fitting](fits.ipynb) | 50 | 65 | 1 |
    """
    lines = ["| | chapter | read | exercises | run |", "|---|---|---|---|---|", BEFORE]
    lines += [
        f"| {number} | [{each.title}]({each.file}) | {each.read} | {each.exercises} | {each.run} |"
        for number, each in enumerate(rows, start=1)
    ]
    hours = [round(sum(minutes) / 60) for minutes in zip(*((each.read, each.exercises) for each in rows), strict=True)]
    return "\n".join(
        [*lines, "", f"All together: about {hours[0]} hours to read, and about {hours[1]} for the exercises."]
    )


def fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the table in its place, and read the page again whenever a chapter changes."""
    if page == PAGE:
        rows = chapters(Path(app.srcdir))
        for each in rows:
            app.env.note_dependency(str(Path(app.srcdir) / "book" / each.file))
        if PLACE not in source[0]:
            raise ValueError(f"{PAGE} lacks the line {PLACE}")
        source[0] = source[0].replace(PLACE, table(rows))

"""The exercises as they stand in the notebooks: found, with their stubs and solutions, and run."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode

BOOK = Path(__file__).resolve().parents[1] / "book"
OPENING = re.compile(r"^:::+\{exercise\}(.*)\n((?::\S+:.*\n)*)", re.MULTILINE)


class Exercise(NamedTuple):
    """One exercise with the two cells after it; they are None where the notebook ends."""

    notebook: str
    title: str
    options: str
    stub: NotebookNode | None
    solution: NotebookNode | None

    @property
    def name(self) -> str:
        """What the label says after ``ex-``."""
        label = re.search(r":label: ex-([\w-]+)\s*$", self.options, re.MULTILINE)
        return label[1] if label else ""


@cache
def cells(notebook: str) -> list[NotebookNode]:
    found: list[NotebookNode] = nbformat.read(BOOK / notebook, as_version=nbformat.NO_CONVERT).cells
    return found


def exercises_of(notebook: str) -> list[Exercise]:
    found = []
    for place, cell in enumerate(cells(notebook)):
        if cell.cell_type == "markdown":
            openings = OPENING.findall(cell.source)
            after: list[NotebookNode | None] = [*cells(notebook)[place + 1 : place + 3], None, None]
            found += [Exercise(notebook, title.strip(), options, after[0], after[1]) for title, options in openings]
    return found


NOTEBOOKS = sorted(
    str(path.relative_to(BOOK)) for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
ALL = [exercise for notebook in NOTEBOOKS for exercise in exercises_of(notebook)]


def source(cell: NotebookNode | None) -> str:
    return str(cell.source) if cell is not None else ""


@cache
def imports(notebook: str) -> str:
    """The notebook's setup: the first cell that imports the package."""
    setups = [cell.source for cell in cells(notebook) if cell.cell_type == "code" and "import minigen" in cell.source]
    return str(setups[0])


def fresh(notebook: str) -> dict[str, Any]:
    """The names that a notebook's exercises start with."""
    names: dict[str, Any] = {}
    exec(imports(notebook), names)
    return names


def last_value(code: str, names: dict[str, Any]) -> Any:
    """Run a cell and return what its last line shows."""
    *before, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


class _Keeps:
    """The package, but for its ``check``, which hands back what it is given."""

    def __init__(self, package: Any) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return getattr(self._package, name)

    def check(self, exercise: str, *answers: Any) -> tuple[Any, ...]:
        return answers


@cache
def answers(name: str) -> tuple[Any, ...]:
    """What the exercise's solution hands to the check, after the stub, as in a notebook run from top to bottom."""
    exercise = next(each for each in ALL if each.name == name)
    names = fresh(exercise.notebook)
    names["mg"] = _Keeps(names["mg"])
    last_value(source(exercise.stub), names)
    found: tuple[Any, ...] = last_value(source(exercise.solution), names)
    return found

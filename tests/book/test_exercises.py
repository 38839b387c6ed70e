"""The exercises as they stand in the notebooks: stub, check and solution, each run as a reader would."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbformat import NotebookNode

from minigen.course.checks import EXERCISES, Verdict

BOOK = Path(__file__).resolve().parents[2] / "book"
OPENING = re.compile(r"^:::+\{exercise\}(.*)\n((?::\S+:.*\n)*)", re.MULTILINE)
NAMED = re.compile(r"""mg\.check\(\s*["']([\w-]+)["']""")
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}


PENDING = {"train-curve", "train-blur", "train-pixels"}
"""Checks whose exercises no notebook holds yet. Whoever writes one into its chapter takes its name out of here."""


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


def tags(cell: NotebookNode | None) -> list[str]:
    return list(cell.metadata.get("tags", [])) if cell is not None and cell.cell_type == "code" else []


def source(cell: NotebookNode | None) -> str:
    return str(cell.source) if cell is not None else ""


def last_value(code: str, names: dict[str, Any]) -> Any:
    """Run a cell and return what its last line shows."""
    *before, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@cache
def imports(notebook: str) -> str:
    """The notebook's setup: the first cell that imports the package."""
    setups = [cell.source for cell in cells(notebook) if cell.cell_type == "code" and "import minigen" in cell.source]
    return str(setups[0])


def fresh(notebook: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(imports(notebook), names)
    return names


@pytest.fixture(params=ALL, ids=lambda exercise: f"{exercise.notebook}-{exercise.name or exercise.title}")
def exercise(request: pytest.FixtureRequest) -> Exercise:
    found: Exercise = request.param
    return found


def test_it_has_a_title_and_a_label(exercise: Exercise) -> None:
    assert exercise.title
    assert exercise.name, exercise.options


def test_it_is_followed_by_a_stub(exercise: Exercise) -> None:
    assert "exercise-stub" in tags(exercise.stub)
    assert NAMED.findall(source(exercise.stub)) == [exercise.name]


def test_it_is_followed_by_a_folded_solution(exercise: Exercise) -> None:
    assert {"exercise-solution", "hide-input"} <= set(tags(exercise.solution))
    assert NAMED.findall(source(exercise.solution)) == [exercise.name]
    assert exercise.solution is not None
    assert {key: exercise.solution.metadata.get(key) for key in FOLDED} == FOLDED
    assert source(exercise.solution).startswith("# @title Solution")
    assert '{ display-mode: "form" }' in source(exercise.solution).splitlines()[0]


def test_the_stub_says_not_yet(exercise: Exercise) -> None:
    verdict = last_value(source(exercise.stub), fresh(exercise.notebook))
    assert isinstance(verdict, Verdict)
    assert not verdict.right


def test_the_solution_is_right(exercise: Exercise) -> None:
    """Also after the stub, as in a notebook that is run from top to bottom."""
    names = fresh(exercise.notebook)
    last_value(source(exercise.stub), names)
    verdict = last_value(source(exercise.solution), names)
    assert isinstance(verdict, Verdict)
    assert verdict.right, verdict.message


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_no_stub_or_solution_stands_alone(notebook: str) -> None:
    kinds = Counter(tag for cell in cells(notebook) for tag in tags(cell) if tag.startswith("exercise-"))
    assert kinds == Counter(
        {"exercise-stub": len(exercises_of(notebook)), "exercise-solution": len(exercises_of(notebook))}
    )


def test_every_check_belongs_to_one_exercise() -> None:
    written = Counter(exercise.name for exercise in ALL)
    assert not written.keys() & PENDING, "no longer pending: take them out of PENDING"
    assert written == Counter(EXERCISES.keys() - PENDING)


def test_exercises_are_found_at_all() -> None:
    assert len(ALL) >= 3

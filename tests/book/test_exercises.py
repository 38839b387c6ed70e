"""The exercises as they stand in the notebooks: stub, check and solution, each run as a reader would."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from helpers_exercises import ALL, NOTEBOOKS, Exercise, cells, exercises_of, fresh, last_value, source
from nbformat import NotebookNode

from minigen.course.checks import EXERCISES, Verdict

NAMED = re.compile(r"""mg\.check\(\s*["']([\w-]+)["']""")


def tags(cell: NotebookNode | None) -> list[str]:
    return list(cell.metadata.get("tags", [])) if cell is not None and cell.cell_type == "code" else []


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
    assert exercise.solution.metadata.get("cellView") == "form"  # for Colab
    assert exercise.solution.metadata["jupyter"]["source_hidden"]  # for JupyterLab
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
    assert Counter(exercise.name for exercise in ALL) == Counter(EXERCISES.keys())


def test_exercises_are_found_at_all() -> None:
    assert len(ALL) >= 3

"""A chapter is a lesson: its visible code teaches, and what it prints is short. For the chapters done so far."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from pattern import DONE

BOOK = Path(__file__).resolve().parents[2] / "book"
LINES, COLUMNS, OF_A_CHAPTER, PRINTED = 15, 76, 110, 25
OUT_OF_SIGHT = re.compile(r"hide-|remove-|exercise-solution")


def chapter(name: str) -> NotebookNode:
    return nbformat.read(BOOK / f"{name}.ipynb", as_version=4)


def visible(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that a reader sees without opening anything: the exercises' stubs, too."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and not any(OUT_OF_SIGHT.match(tag) for tag in cell.metadata.get("tags", []))
    ]


def lines(cell: NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def printed(notebook: NotebookNode) -> list[str]:
    """Every line that cells print; the solutions' stay folded."""
    outputs = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code" and "exercise-solution" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    return [line for output in outputs for line in output.text.splitlines() if line.strip()]


def is_row(line: str) -> bool:
    """Whether a line looks like a row of a table: three columns or more, at least two of them numbers."""
    parts = re.split(r"\s{2,}", line.strip())
    return len(parts) > 2 and sum(bool(re.fullmatch(r"-?[\d.,]+%?", part)) for part in parts) > 1


@pytest.mark.parametrize("name", DONE)
def test_a_visible_cell_is_short_and_narrow(name: str) -> None:
    for cell in visible(chapter(name)):
        assert len(lines(cell)) <= LINES, cell.source
        assert max(map(len, cell.source.splitlines())) <= COLUMNS, cell.source


@pytest.mark.parametrize("name", DONE)
def test_a_chapter_shows_little_code(name: str) -> None:
    assert sum(len(lines(cell)) for cell in visible(chapter(name))) <= OF_A_CHAPTER


@pytest.mark.parametrize("name", DONE)
def test_asserts_and_plotting_stand_out_of_sight(name: str) -> None:
    for cell in visible(chapter(name)):
        found = list(ast.walk(ast.parse(re.sub(r"(?m)^\s*%.*$", "", cell.source))))
        assert not any(isinstance(node, ast.Assert) for node in found), cell.source
        assert "mg.plots.canvas" not in cell.source, cell.source


@pytest.mark.parametrize("name", DONE)
def test_little_is_printed_and_no_table(name: str) -> None:
    found = printed(chapter(name))
    assert len(found) <= PRINTED
    assert [line for line in found if is_row(line)] == []


def test_a_row_of_a_table_is_told_from_a_sentence() -> None:
    assert is_row("    128   0.16    0.97   1.02")
    assert is_row("noise     4.6  8.0")
    assert not is_row("after 100 updates: typical error on fresh dots 0.13")
    assert not is_row("(0): Linear(in_features=1, out_features=32, bias=True)")


def test_hidden_cells_are_not_counted() -> None:
    tags: list[list[str]] = [
        [],
        ["hide-input"],
        ["remove-cell"],
        ["exercise-stub"],
        ["hide-input", "exercise-solution"],
    ]
    cells = [nbformat.v4.new_code_cell(str(n), metadata={"tags": names}) for n, names in enumerate(tags)]
    assert [cell.source for cell in visible(nbformat.v4.new_notebook(cells=cells))] == ["0", "3"]

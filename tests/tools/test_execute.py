"""What running a notebook keeps of it: folds for JupyterLab, nothing that differs from run to run."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import execute  # noqa: E402


@pytest.mark.parametrize(
    ("tags", "folded"),
    [
        ([], None),
        (["exercise-stub"], None),
        (["hide-input"], {"source_hidden": True}),
        (["remove-cell"], {"source_hidden": True}),
        (["hide-input", "exercise-solution"], {"source_hidden": True, "outputs_hidden": True}),
    ],
)
def test_jupyterlab_folds_what_the_site_folds(tags: list[str], folded: dict[str, bool] | None) -> None:
    """And a solution's output, which gives the answer away."""
    cell = nbformat.v4.new_code_cell("x", metadata={"tags": tags})
    execute.tidy(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.metadata.get("jupyter") == folded


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["hide-input"], "Show the code"),
        (["hide-cell"], "Show code and result"),
        (["hide-input", "exercise-solution"], "Show solution"),
    ],
)
def test_the_site_says_which_fold_is_a_solution(tags: list[str], said: str) -> None:
    """Or a curious click spoils an exercise."""
    cell = nbformat.v4.new_code_cell("x", metadata={"tags": tags, "mystnb": {"markdown_format": "myst"}})
    execute.tidy(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.metadata["mystnb"]["code_prompt_show"] == said
    assert cell.metadata["mystnb"]["markdown_format"] == "myst"


def test_every_fold_of_the_book_says_what_is_in_it() -> None:
    """In the committed notebooks, too."""
    for path in execute.notebooks_of_the_book():
        for cell in nbformat.read(path, as_version=4).cells:
            tags = cell.metadata.get("tags", [])
            if "hide-input" in tags:
                what = "solution" if "exercise-solution" in tags else "the code"
                assert cell.metadata["mystnb"]["code_prompt_show"] == f"Show {what}", (path.name, cell.source[:80])


def test_what_differs_from_run_to_run_is_left_out() -> None:
    bar = nbformat.v4.new_output("stream", name="stderr", text="50%")
    said = nbformat.v4.new_output("stream", name="stdout", text="done")
    cells = [
        nbformat.v4.new_code_cell("x \n", outputs=[bar, said], metadata={"ExecuteTime": 3, "id": "a"}),
        nbformat.v4.new_code_cell("x", id="other"),
    ]
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"widgets": {}, "kernelspec": {"name": "mine", "display_name": "Mine"}}
    )
    execute.tidy(notebook)
    assert cells[0].outputs == [said]
    assert cells[0].metadata == {}
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert cells[0].id != cells[1].id
    assert [cell.id for cell in cells] == [
        execute.stable_id(cells[0], set()),
        execute.stable_id(cells[1], {cells[0].id}),
    ]

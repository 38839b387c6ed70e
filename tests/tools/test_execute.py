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

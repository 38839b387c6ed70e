"""Run the book's notebooks and keep their outputs: ``python tools/execute.py [NOTEBOOK ...]``.

Without names: every notebook of ``_toc.yml``, in the book's order. Each one runs from top to bottom in a fresh
kernel, in its own folder; an exception ends the run and leaves the file as it was. What is written back is the
same wherever and whenever it is made, as far as the cells allow: no progress bars (the error stream), no widgets
(they need a kernel), no times, ids that follow from the source of the cell, and the least of metadata.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from sphinx_external_toc.parsing import parse_toc_yaml

from minigen.base.store import write_atomically
from minigen.show.widgets import IN_THE_BOOK

ROOT = Path(__file__).resolve().parent.parent
SECONDS_A_CELL = 1800

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
VOLATILE_IN_CELLS = ("ExecuteTime", "colab", "collapsed", "execution", "id", "outputId", "scrolled", "vscode")
VOLATILE_IN_NOTEBOOKS = ("accelerator", "colab", "toc", "vscode", "widgets")
WIDGET = "application/vnd.jupyter.widget-view+json"


def notebooks_of_the_book() -> list[Path]:
    """The notebooks of ``_toc.yml``, in its order."""
    pages = [ROOT / f"{page}.ipynb" for page in parse_toc_yaml(ROOT / "_toc.yml")]
    return [page for page in pages if page.is_file()]


def execute(path: Path) -> bytes:
    """The notebook at ``path`` with the outputs of a run from top to bottom; raises where a cell does."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    return tidy(notebook)


def tidy(notebook: NotebookNode) -> bytes:
    """The notebook as a file, without what differs from run to run."""
    for name in VOLATILE_IN_NOTEBOOKS:
        notebook.metadata.pop(name, None)
    notebook.metadata.update(kernelspec=dict(KERNEL), language_info=dict(LANGUAGE))
    taken: set[str] = set()
    for cell in notebook.cells:
        cell.source = cell.source.rstrip()
        cell.id = stable_id(cell, taken)
        for name in VOLATILE_IN_CELLS:
            cell.metadata.pop(name, None)
        fold(cell)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if is_kept(output)]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return f"{nbformat.writes(notebook).rstrip()}\n".encode()


def fold(cell: NotebookNode) -> None:
    """Let JupyterLab fold what the site folds: the code of figures, and solutions with what they show.

    And say on the site which of the two a fold is, or a curious click would spoil an exercise.
    """
    tags = set(cell.metadata.get("tags", []))
    if tags & {"hide-input", "hide-cell"}:
        what = "solution" if "exercise-solution" in tags else "the code" if "hide-input" in tags else "code and result"
        said = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
        cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), **said}
    if "exercise-solution" in tags:
        cell.metadata["cellView"] = "form"  # Colab folds it, too
    folds = {"source_hidden": {"hide-input", "remove-cell"}, "outputs_hidden": {"exercise-solution"}}
    if folded := {name: True for name, marks in folds.items() if tags & marks}:
        cell.metadata["jupyter"] = folded


def is_kept(output: NotebookNode) -> bool:
    """Whether an output is the cell's own and shows without a kernel."""
    return output.get("name") != "stderr" and WIDGET not in output.get("data", {})


def stable_id(cell: NotebookNode, taken: set[str]) -> str:
    """An id that changes only when the cell's source does; equal cells are told apart by counting."""
    name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    count = 1
    while (unique := name if count == 1 else f"{name}-{count}") in taken:
        count += 1
    taken.add(unique)
    return unique


def main(arguments: list[str] | None = None) -> int:
    """Run the named notebooks, or all; the exit code."""
    parser = argparse.ArgumentParser(description="Run notebooks and keep their outputs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="some notebooks (all of _toc.yml when none is named)")
    names = parser.parse_args(arguments).notebooks
    os.environ[IN_THE_BOOK] = "1"  # the kernels inherit it: no live widgets
    for path in [name.resolve() for name in names] or notebooks_of_the_book():
        start = time.monotonic()
        try:
            content = execute(path)
        except CellExecutionError as error:
            print(f"{path.name} was left as it is: a cell failed\n{error}", file=sys.stderr)
            return 1
        write_atomically(path, content)
        print(f"{path.name:32} {time.monotonic() - start:6.1f} s {len(content) / 1000:6.0f} KB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

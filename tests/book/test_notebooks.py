"""What a committed notebook must be, read from the file alone: run whole, in order, small, and with described pictures.

That the cells still run is nbval's part (``make test``).
"""

from __future__ import annotations

import operator
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import minigen

BOOK = Path(__file__).resolve().parents[2] / "book"
NOTEBOOKS = sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
LARGEST = 600_000
LOCAL_PATH = re.compile(r"(?<![\w.:/-])/(?:home|root|work|tmp|Users|private/var)/[\w.]")
"""An absolute path of somebody's machine; a path inside an address does not count."""


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


class Pictures(HTMLParser):
    """Collects the ``<img>`` elements of a piece of HTML that have no description."""

    def __init__(self) -> None:
        super().__init__()
        self.undescribed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.undescribed.append((self.get_starttag_text() or "")[:80])


def undescribed(html: str) -> list[str]:
    parser = Pictures()
    parser.feed(html)
    return parser.undescribed


def test_every_name_of_the_package_that_it_uses_is_there(notebook: NotebookNode) -> None:
    """``mg.plans.ramp`` and so on: what a notebook of a reader's calls, too."""
    source = "\n".join(cell.source for cell in code_cells(notebook))
    for dotted in sorted(set(re.findall(r"\bmg((?:\.[A-Za-z_]\w*)+)", source))):
        operator.attrgetter(dotted[1:])(minigen)


def test_is_small(path: Path) -> None:
    assert path.stat().st_size < LARGEST


def test_is_valid_and_says_python3(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


def test_was_run_from_top_to_bottom(notebook: NotebookNode) -> None:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "python tools/execute.py runs it"


def test_shows_no_error_and_no_error_stream(notebook: NotebookNode) -> None:
    kinds = {output.get("name", output.output_type) for output in outputs(notebook)}
    assert not kinds & {"error", "stderr"}


def test_every_picture_says_what_is_to_be_seen(notebook: NotebookNode) -> None:
    """Figures are HTML with an alternative text; a bare image has none, so there must not be one."""
    bundles = [output.data for output in outputs(notebook) if "data" in output]
    assert [kind for data in bundles for kind in data if kind.startswith("image/")] == []
    shown = [data["text/html"] for data in bundles if "text/html" in data]
    written = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert [picture for html in shown + written for picture in undescribed(html)] == []
    assert [text for text in written if re.search(r"!\[\s*\]\(", text)] == []


def test_every_figure_has_a_caption(notebook: NotebookNode) -> None:
    shown = [output.data.get("text/html", "") for output in outputs(notebook) if "data" in output]
    assert [html[:80] for html in shown if "<figure" in html and not re.search(r"<figcaption>\s*\S", html)] == []


def test_needs_no_kernel_to_be_read(notebook: NotebookNode) -> None:
    """Widget state would make the page load a megabyte of scripts from other hosts."""
    assert "widgets" not in notebook.metadata
    assert "widget-view" not in nbformat.writes(notebook)


def test_names_no_path_of_a_machine(path: Path) -> None:
    assert LOCAL_PATH.findall(path.read_text(encoding="utf-8")) == []


def test_cell_ids_are_present_and_unique(notebook: NotebookNode) -> None:
    ids = [cell.get("id") for cell in notebook.cells]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_the_book_has_notebooks() -> None:
    assert NOTEBOOKS


def test_a_picture_without_a_description_is_found() -> None:
    assert undescribed('<figure><img src="a.png" alt=" "></figure><p><img src="b.png"></p>') != []
    assert undescribed('<figure><img src="a.png" alt="ten grey squares"></figure>') == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("see /home/ada/x", 1), ("'/tmp/run'", 1), ("https://example.org/home/a", 0), ("../tmp/x", 0), ("/tmp", 0)],
)
def test_a_path_of_a_machine_is_found(text: str, count: int) -> None:
    assert len(LOCAL_PATH.findall(text)) == count

"""The stamp: an address into a copy of the book, and nothing else changed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import stamp  # noqa: E402

GITHUB = "https://github.com/OWNER/NAME"
NOTEBOOKS = sorted(path.name for path in (ROOT / "book").glob("*.ipynb"))


def files(folder: Path) -> dict[str, bytes]:
    """The pages and their files, without what Python and Jupyter leave behind."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path.relative_to(folder) for path in found]
    kept = [path for path in kept if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)]
    return {str(path): (folder / path).read_bytes() for path in kept}


def config(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / "_config.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stamp") / "copy"
    assert stamp.main(["--repository", GITHUB, "--out", str(out)]) == 0
    return out


def test_every_notebook_gets_the_address_and_nothing_else_changes(stamped: Path) -> None:
    before, after = files(ROOT / "book"), files(stamped / "book")
    assert before.keys() == after.keys()
    assert sorted(name for name in before if before[name] != after[name]) == NOTEBOOKS
    for name in NOTEBOOKS:
        assert after[name] == before[name].replace(rb"REPOSITORY = \"\"", rb"REPOSITORY = \"%s\"" % GITHUB.encode())


def test_the_buttons_are_switched_on_and_the_rest_of_the_configuration_stays(stamped: Path) -> None:
    wanted = config(ROOT)
    assert "repository" not in wanted
    assert "launch_buttons" not in wanted
    wanted["html"]["use_repository_button"] = True
    wanted["repository"] = {"url": GITHUB, "branch": "colab", "path_to_book": ""}
    wanted["launch_buttons"] = {"colab_url": "https://colab.research.google.com"}
    wanted["html"]["baseurl"] = "https://owner.github.io/NAME/"
    found = config(stamped)
    day = found["sphinx"]["config"].pop("html_last_updated_fmt", "1 May 2026")  # a copy without a history has no date
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]+ 20\d\d", day)
    assert found == wanted
    assert (stamped / "_toc.yml").read_bytes() == (ROOT / "_toc.yml").read_bytes()


SOURCE = "@misc{ada, author = {King, Ada and Babbage, Charles},\n  year = {1843},\n  url = {https://example.org/}\n}\n"


def small_book(folder: Path, cell: str = 'REPOSITORY = ""', more: Sequence[NotebookNode] = ()) -> Path:
    """A book of one notebook."""
    book = folder / "book"
    book.mkdir(parents=True)
    (folder / "_toc.yml").write_text("root: book/a\n")
    (folder / "_config.yml").write_text("html: {}\nsphinx: {config: {html_theme_options: {}}}\n")
    escaped = cell.replace('"', r"\"")
    (book / "references.bib").write_text(SOURCE)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("CELL"), *more])
    (book / "a.ipynb").write_text(nbformat.writes(notebook).replace('"CELL"', f'"{escaped}"'))
    return folder


def test_a_host_that_colab_cannot_read_gets_no_colab_button(tmp_path: Path) -> None:
    stamp.stamp("https://git.example.org/OWNER/NAME", tmp_path / "out", small_book(tmp_path / "in"))
    made = config(tmp_path / "out")
    assert "launch_buttons" not in made
    assert made["html"]["use_repository_button"] is True
    assert made["sphinx"]["config"]["html_theme_options"]["repository_provider"] == "gitlab"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "OWNER/NAME",
        "http://github.com/OWNER/NAME",
        "https://github.com/OWNER",
        "https://github.com/OWNER/NAME/",
        "https://github.com/OWNER/NAME.git",
        "https://github.com/OWNER/NAME/tree/main",
        'https://github.com/OWNER/NA"ME',
        "https://github.com/OWNER/NAME\n",
        "git@github.com:OWNER/NAME",
    ],
)
def test_a_bad_address_is_named(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stamp.main(["--repository", address, "--out", str(tmp_path / "out")]) == 2
    assert f"repository is {address!r}; allowed: https://HOST/OWNER/NAME" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out is"):
        stamp.stamp(GITHUB, tmp_path, small_book(tmp_path / "in"))


@pytest.mark.parametrize("cell", ["import torch", 'REPOSITORY = ""; REPOSITORY = ""', f'REPOSITORY = "{GITHUB}"'])
def test_a_notebook_that_cannot_be_stamped_is_named(cell: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.ipynb has the line"):
        stamp.stamp(GITHUB, tmp_path / "out", small_book(tmp_path / "in", cell))


def test_where_the_pages_stand_is_known_or_said(tmp_path: Path) -> None:
    assert stamp.pages_of("https://gitlab.com/Ada/book") == "https://ada.gitlab.io/book/"
    assert stamp.pages_of("https://git.example.org/ada/book") == ""
    source = small_book(tmp_path / "in")
    stamp.stamp("https://git.example.org/ada/book", tmp_path / "one", source)
    assert "baseurl" not in config(tmp_path / "one")["html"]
    stamp.stamp(GITHUB, tmp_path / "two", source, "https://minigen.example.org/")
    assert config(tmp_path / "two")["html"]["baseurl"] == "https://minigen.example.org/"
    with pytest.raises(ValueError, match=r"address is 'minigen\.example\.org'; allowed: https://HOST/"):
        stamp.stamp(GITHUB, tmp_path / "three", source, "minigen.example.org")


# --- for Colab -------------------------------------------------------------------------------------


def test_colab_gets_every_notebook_and_plain_markdown(stamped: Path) -> None:
    """No fence, role, comment or target is left, and the cells are as many."""
    for name in NOTEBOOKS:
        before, after = (nbformat.read(folder / "book" / name, 4) for folder in (ROOT, stamped / "colab"))
        assert [cell.cell_type for cell in after.cells] == [cell.cell_type for cell in before.cells]
        words = "\n".join(cell.source for cell in after.cells if cell.cell_type == "markdown")
        assert not re.findall(r"^:::.*|^```\{.*|\{\w+\}`.*|<!--.*|^\([\w-]+\)=$", words, re.M), name
        assert f'REPOSITORY = "{GITHUB}"' in after.cells[1].source


def colab(folder: Path, *cells: NotebookNode) -> list[NotebookNode]:
    """These cells as Colab gets them."""
    stamp.stamp(GITHUB, folder / "out", small_book(folder / "in", more=cells))
    made = nbformat.read(folder / "out" / "colab" / "book" / "a.ipynb", 4)
    return list(made.cells[1:])


def test_boxes_exercises_and_citations_become_plain(tmp_path: Path) -> None:
    text = (
        "(here)=\n# A\n\n:::{admonition} Goals\n:class: tip\n\n- one, as {cite}`ada` says\n:::\n\n"
        ":::{exercise} The chain\n:label: ex-chain\n\nWrite it.\n\n:::\n<!-- guess 1 -->\n"
        "[next](a.ipynb#b)\n```{bibliography}\n:filter: docname in docnames\n```\n"
    )
    (cell,) = colab(tmp_path, nbformat.v4.new_markdown_cell(text))
    there = "https://colab.research.google.com/github/OWNER/NAME/blob/colab/book/a.ipynb#b"
    assert cell.source == (
        "# A\n\n**Goals**\n\n- one, as ([King and Babbage 1843](https://example.org/)) says\n\n"
        f"### Exercise: The chain\n\nWrite it.\n[next]({there})"
    )


def test_solutions_keep_their_answers_and_figures_fold(tmp_path: Path) -> None:
    output = nbformat.v4.new_output("stream", text="the answer")
    solution = nbformat.v4.new_code_cell(
        "x = 2", outputs=[output], metadata={"tags": ["hide-input", "exercise-solution"]}
    )
    figure = nbformat.v4.new_code_cell("draw()", outputs=[output], metadata={"tags": ["hide-input"]})
    solved, drawn = colab(tmp_path, solution, figure)
    assert solved.outputs == []
    assert solved.source == "x = 2"
    assert drawn.outputs == [output]
    assert drawn.metadata["cellView"] == "form"
    assert drawn.source.splitlines()[0].startswith("# @title ")


def test_a_directive_that_colab_can_not_show_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the directive is 'mermaid'; what Colab can show: admonition"):
        colab(tmp_path, nbformat.v4.new_markdown_cell(":::{mermaid}\na\n:::"))

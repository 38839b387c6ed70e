"""The stamp: an address into a copy of the book, and nothing else changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert config(stamped) == wanted
    assert (stamped / "_toc.yml").read_bytes() == (ROOT / "_toc.yml").read_bytes()


def small_book(folder: Path, cell: str = 'REPOSITORY = ""') -> Path:
    """A book of one notebook."""
    book = folder / "book"
    book.mkdir(parents=True)
    (folder / "_toc.yml").write_text("root: book/a\n")
    (folder / "_config.yml").write_text("html: {}\nsphinx: {config: {html_theme_options: {}}}\n")
    escaped = cell.replace('"', r"\"")
    (book / "a.ipynb").write_text(f'{{"source": ["{escaped}"]}}')
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

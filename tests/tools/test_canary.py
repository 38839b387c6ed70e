"""The book for plain Sphinx: our extensions stay, those that hold Sphinx back leave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import canary  # noqa: E402


def test_a_folder_is_written_that_plain_sphinx_can_build(tmp_path: Path) -> None:
    out = tmp_path / "canary"
    assert canary.main(["--out", str(out)]) == 0
    said: dict[str, Any] = {"__file__": str(out / "conf.py")}
    path = list(sys.path)
    exec((out / "conf.py").read_text(encoding="utf-8"), said)
    sys.path[:] = path
    own = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["local_extensions"]
    assert set(own) <= set(said["extensions"])
    assert not {name for name in said["extensions"] if "jupyter_book" in name or "thebe" in name}
    assert {"myst_nb", "sphinx_book_theme", "sphinx_external_toc"} <= set(said["extensions"])
    assert all((out / folder).is_dir() for folder in said["html_static_path"])
    assert (out / "book" / "future.ipynb").is_file()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert canary.main(["--out", str(tmp_path)]) == 2
    assert "which exists" in capsys.readouterr().err

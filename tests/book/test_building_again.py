"""A second build that reads only what was changed makes the same site as one that reads all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"

CONFIGURATION = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["sphinx.ext.autodoc", "course", "styles"]
html_theme = "basic"
"""


def site(folder: Path) -> dict[str, str]:
    """Build what lies in the folder, with what an earlier build left there; the pages and their style sheets."""
    out = folder / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(folder / "book"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = [*out.glob("*.html"), *(out / "_static").glob("styles-*.css")]
    return {path.name: path.read_text(encoding="utf-8") for path in kept}


def test_a_page_that_was_not_changed_has_its_style_sheet_after_another_build(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (book / "conf.py").write_text(CONFIGURATION)
    (book / "index.rst").write_text("First\n=====\n\n.. toctree::\n\n   second\n")
    (book / "second.rst").write_text("Second\n======\n\nSome words.\n")
    first = site(tmp_path)
    sheets = [name for name in first if name.startswith("styles-")]
    assert sheets
    assert any(sheet in first["second.html"] for sheet in sheets)
    assert site(tmp_path) == first  # nothing was changed
    (book / "index.rst").write_text("First\n=====\n\n.. note:: It is another.\n\n.. toctree::\n\n   second\n")
    again = site(tmp_path)
    assert "It is another" in again["index.html"]
    for page in ("index.html", "second.html"):
        assert any(name in again[page] for name in again if name.startswith("styles-"))

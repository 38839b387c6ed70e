"""The book for plain Sphinx, without Jupyter Book: ``python tools/canary.py --out FOLDER``.

Jupyter Book 1 is only maintained, and holds Sphinx at 7. What it is made of is alive: once a week the book is built by
the newest Sphinx, myst-nb and theme, so that what breaks there is known before it is needed. Jupyter Book writes the
configuration; here its own extensions leave, and ours are found in their folder. Then, where the newest are:

    python -m sphinx FOLDER FOLDER/_build/html
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("_config.yml", "_toc.yml", "book")
LEAVING = ("jupyter_book", "sphinx_jupyterbook_latex", "sphinx_thebe", "sphinx_comments")
EXTENSIONS = re.compile(r"^extensions = \[.*\]$", re.MULTILINE)


def plain(configuration: str) -> str:
    """A conf.py that Jupyter Book wrote, without its own extensions.

    >>> print(plain("author = 'A'\\nextensions = ['myst_nb', 'jupyter_book', 'course']\\n"))
    author = 'A'
    extensions = ['myst_nb', 'course']
    import sys; from pathlib import Path; sys.path.insert(0, str(Path(__file__).parent / 'book' / '_ext'))
    <BLANKLINE>
    """
    found = EXTENSIONS.search(configuration)
    if found is None:
        raise ValueError(
            "the configuration has no line extensions = [...]; allowed: what jupyter-book config sphinx writes"
        )
    kept = [name for name in re.findall(r"'([\w.]+)'", found[0]) if name not in LEAVING]
    line = f"extensions = {kept!r}\nimport sys; from pathlib import Path; "
    line += "sys.path.insert(0, str(Path(__file__).parent / 'book' / '_ext'))"
    return configuration.replace(found[0], line)


def main(arguments: list[str] | None = None) -> int:
    """Write the folder; the exit code."""
    parser = argparse.ArgumentParser(description="Write the book with a conf.py for plain Sphinx.")
    parser.add_argument("--out", required=True, type=Path, help="a folder that does not exist yet")
    out = parser.parse_args(arguments).out
    if out.exists():
        print(f"out is {str(out)!r}, which exists; allowed: a folder that doesn't", file=sys.stderr)
        return 2
    for name in NEEDED:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / name, out / name) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, out / name)
    program = str(Path(sys.executable).with_name("jupyter-book"))
    subprocess.run([program, "config", "sphinx", str(out)], check=True, stdout=subprocess.DEVNULL)
    (out / "conf.py").write_text(plain((out / "conf.py").read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

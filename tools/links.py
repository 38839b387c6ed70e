"""Whether what the book links to in the web is still there: ``python tools/links.py``, or ``make links``.

Sphinx asks every address (a few minutes, and a connection); here its answers are read. An address is lost when nobody
is there, or when who is there says that it has no such page. One that lets no program in (401, 403, 429) is there.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "_build" / "links"
STATES = ("there", "moved", "guarded", "lost")
GUARDED = re.compile(r"\b(401|403|405|418|429|999) (Client|Server) Error|rate limited", re.IGNORECASE)


class Link(NamedTuple):
    """An address, the page that names it, and what was answered: one of STATES."""

    address: str
    page: str
    state: str
    said: str


def link(row: dict[str, str]) -> Link | None:
    """What a row of Sphinx's answers means; nothing for links inside the book.

    >>> link({"filename": "a.md", "status": "broken", "uri": "https://a.example/", "info": "404 Client Error"}).state
    'lost'
    """
    if not row["uri"].startswith("http"):
        return None
    said = row.get("info", "")
    states = {"working": "there", "redirected": "moved", "ignored": "guarded", "unchecked": "guarded"}
    state = states.get(row["status"], "guarded" if GUARDED.search(said) else "lost")
    return Link(row["uri"], row["filename"], state, said)


def read(path: Path) -> list[Link]:
    """All answers in Sphinx's file, one a line."""
    found = map(link, map(json.loads, path.read_text(encoding="utf-8").splitlines()))
    return sorted(each for each in found if each is not None)


def report(links: list[Link]) -> str:
    """The lost ones, and how many of each kind there are."""
    lost = [f"{each.page}: {each.address}\n    {each.said[:200]}" for each in links if each.state == "lost"]
    counts = {state: len({each.address for each in links if each.state == state}) for state in STATES}
    return "\n".join([*lost, ", ".join(f"{count} {state}" for state, count in counts.items())])


def main(arguments: list[str] | None = None) -> int:
    """Ask all, and say which are lost; the exit code is 1 if any is."""
    parser = argparse.ArgumentParser(description="Look whether what the book links to is still there.")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the book (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="where the answers are written (default: %(default)s)")
    given = parser.parse_args(arguments)
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(given.root), "--builder", "linkcheck", "--path-output", str(given.out), "--all"]
    asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # 1 if one is broken
    answers = given.out / "_build" / "html" / "output.json"  # Jupyter Book's folder for all that is no LaTeX
    links = read(answers) if answers.is_file() else []
    if not links:
        print(f"Nothing was asked:\n{asked.stdout[-3000:]}", file=sys.stderr)
        return 2
    print(report(links))
    return int(any(each.state == "lost" for each in links))


if __name__ == "__main__":
    sys.exit(main())

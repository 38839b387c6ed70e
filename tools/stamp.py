"""Write a copy of the book that knows its repository: ``python tools/stamp.py --repository ADDRESS --out FOLDER``.

Nothing in the tree names an address, so a fork works with no file edited. The Pages workflow stamps a copy with the
address of the repository that it runs in: every notebook's first cell can then fetch the package in Colab, and the
site gets a repository button and, where the repository is on GitHub, a Colab button on each notebook. That button
opens the stamped notebook on the branch ``colab``, which the workflow pushes: the folder ``colab`` of the copy, where
the notebooks are plain Markdown. Where the pages will stand follows from the repository's address, or is said by
``--address``; they then name their own addresses, have cards, and come with a map. The date is that of the last commit.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import yaml
from plain import cited, plain

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("_config.yml", "_toc.yml", "book")
"""What the site is built from, besides the package, which is installed."""

LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")
ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?/[\w.-]+/[\w.-]+")
PAGES = re.compile(r"https://[\w.-]+(:\d+)?/([\w./-]+/)?")
EMPTY = r"REPOSITORY = \"\""
"""The line to be stamped, as a notebook's file has it."""

BRANCH = "colab"
KNOWN = ("github", "gitlab", "bitbucket")
COLAB = "https://colab.research.google.com"


def stamp(repository: str, out: Path, root: Path = ROOT, address: str = "") -> None:
    """Copy what the site needs from ``root`` to the new folder ``out``, with the repository's address in it."""
    if address and not PAGES.fullmatch(address):
        raise ValueError(
            f"address is {address!r}; allowed: https://HOST/ or https://HOST/PATH/, with a stroke at the end"
        )
    if not ADDRESS.fullmatch(repository) or repository.endswith(".git"):
        raise ValueError(f"repository is {repository!r}; allowed: https://HOST/OWNER/NAME")
    if out.exists():
        raise ValueError(f"out is {str(out)!r}, which exists; allowed: a folder that doesn't")
    out.mkdir(parents=True)
    for name in NEEDED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, out / name, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, out / name)
    stamp_config(out / "_config.yml", repository, address or pages_of(repository), last_commit(root))
    sources = cited((out / "book" / "references.bib").read_text(encoding="utf-8"))
    addresses = addresses_of(repository, out / "book")
    for notebook in sorted((out / "book").rglob("*.ipynb")):
        stamp_notebook(notebook, repository)
        opened = nbformat.read(notebook, as_version=4)
        plain(opened, sources, addresses)
        target = out / BRANCH / "book" / notebook.name
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(opened, target)


def addresses_of(repository: str, book: Path) -> dict[str, str]:
    """Where a page is opened from Colab: a notebook in Colab, where it can be, and all else in the repository."""
    github = "https://github.com/"
    notebooks = f"{COLAB}/github/{repository.removeprefix(github)}/blob/{BRANCH}/book/"
    there = {".ipynb": notebooks if repository.startswith(github) else f"{repository}/blob/{BRANCH}/book/"}
    pages = [path for path in book.iterdir() if path.suffix in {".ipynb", ".md"}]
    return {path.name: there.get(path.suffix, f"{repository}/blob/HEAD/book/") + path.name for path in sorted(pages)}


def pages_of(repository: str) -> str:
    """Where the hosts that publish pages put those of a repository; of other hosts nothing is known.

    >>> pages_of("https://github.com/Ada/book"), pages_of("https://github.com/Ada/ada.github.io")
    ('https://ada.github.io/book/', 'https://ada.github.io/')
    """
    host, owner, name = repository.removeprefix("https://").split("/")
    published = {"github.com": "github.io", "gitlab.com": "gitlab.io"}.get(host)
    if published is None:
        return ""
    own = f"{owner.lower()}.{published}"
    return f"https://{own}/" if name.lower() == own else f"https://{own}/{name}/"


def last_commit(root: Path) -> str:
    """The day of the last commit, such as 30 November 2026; nothing outside a repository."""
    try:
        command = ["git", "log", "-1", "--format=%cs"]
        said = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except OSError:  # there is no git
        return ""
    if not said.strip():
        return ""
    day = date.fromisoformat(said.strip())
    return f"{day.day} {day:%B %Y}"


def stamp_notebook(path: Path, repository: str) -> None:
    """Put the address between the quotes of the notebook's first code cell."""
    text = path.read_text(encoding="utf-8")
    if text.count(EMPTY) != 1:
        raise ValueError(f'{path.name} has the line REPOSITORY = "" {text.count(EMPTY)} times; allowed: once')
    path.write_text(text.replace(EMPTY, rf"REPOSITORY = \"{repository}\""), encoding="utf-8")


def stamp_config(path: Path, repository: str, address: str = "", day: str = "") -> None:
    """Switch the buttons on; the pages are called book/..., so their path in the repository needs no prefix."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["repository"] = {"url": repository, "branch": BRANCH, "path_to_book": ""}
    config["html"]["use_repository_button"] = True
    if address:
        config["html"]["baseurl"] = address
    if day:
        config["sphinx"]["config"]["html_last_updated_fmt"] = day
    host = urlsplit(repository).hostname or ""
    if host == "github.com":
        config["launch_buttons"] = {"colab_url": COLAB}
    elif not any(name in host for name in KNOWN):
        options = config["sphinx"]["config"]["html_theme_options"]
        options["repository_provider"] = "gitlab"  # the theme stops at a host of another kind
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Write a copy of the book that knows its repository.")
    parser.add_argument("--repository", required=True, help="its address, https://HOST/OWNER/NAME")
    parser.add_argument("--address", default="", help="where the pages will stand, if not where the host puts them")
    parser.add_argument("--out", required=True, type=Path, help="a folder that does not exist yet")
    given = parser.parse_args(arguments)
    try:
        stamp(given.repository, given.out, address=given.address)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

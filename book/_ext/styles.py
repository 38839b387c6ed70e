"""One style sheet a page, instead of eighteen, one of which asked for another: a browser shows nothing before the last.

The theme, its extensions and the course each bring theirs. They are joined in their order once the pages are written;
pages that load the same ones share a file. ``tests/site/test_weight.py`` counts what is left.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

AFTER = 900
"""The theme writes the colours of code when all else is built; and the content policy comes last."""

LINK = re.compile(r'\s*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="(?P<file>[^":?]+\.css)[^"]*"[^>]*>')
CHARSET = re.compile(r'^\s*@charset "[^"]*";')
IMPORT = re.compile(r'@import "(?P<file>[^"]+)";')
ADDRESS = re.compile(r"""url\((?P<quote>["']?)(?!["']?(?:data:|#|/|\w+:))(?P<file>[^"')]+)(?P=quote)\)""")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", join_all, priority=AFTER)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def join_all(app: Sphinx, error: Exception | None) -> None:
    """Go over all pages."""
    if error is not None or app.builder.format != "html":
        return
    for old in (Path(app.outdir) / "_static").glob("styles-*.css"):
        old.unlink()
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.parts:
            path.write_text(joined(path.read_text(encoding="utf-8"), path), encoding="utf-8")


def joined(page: str, path: Path) -> str:
    """The page, which stands at ``path``, with one style sheet in the place of the first of its own."""
    found = list(LINK.finditer(page))
    if not found:
        return page
    files = [(path.parent / link["file"]).resolve() for link in found]
    static = next(above for above in files[0].parents if above.name == "_static")
    content = "\n".join(sheet(file, static) for file in files)
    file = static / f"styles-{hashlib.sha256(content.encode()).hexdigest()[:16]}.css"
    if not file.is_file():
        file.write_text(content, encoding="utf-8")
    one = f'\n<link rel="stylesheet" href="{Path(os.path.relpath(file, path.parent)).as_posix()}" />'
    first = found[0].start()
    return page[:first] + one + LINK.sub("", page[first:])


def sheet(file: Path, static: Path) -> str:
    """What a style sheet says, and those that it asks for, for a file that stands in the folder ``static``."""
    text = CHARSET.sub("", file.read_text(encoding="utf-8-sig"))
    text = ADDRESS.sub(lambda found: f'url("{moved(found["file"], file.parent, static)}")', text)
    return IMPORT.sub(lambda found: sheet((file.parent / found["file"]).resolve(), static), text)


def moved(address: str, old: Path, new: Path) -> str:
    """The same place, from another folder.

    >>> moved("../fonts/a.woff2", Path("/site/_static/css"), Path("/site/_static"))
    'fonts/a.woff2'
    """
    return Path(os.path.relpath(old / address, new)).as_posix()

"""A content policy in every page: what it may load and run, and nothing else, not even if somebody smuggled it in.

It stands in the page itself, since a place that only serves files sends no headers, and a page on a disk has none. The
scripts and styles that stand inside a page are let through by their hashes, so this pass is the last of the build: what
changes a page after it is not run any more. Pages that draw compile WebAssembly and work in a worker made of a blob.
Attributes ``style`` are let through; figures have hundreds, and they run nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finished import once_built, rewrite

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LAST = 1000
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)
RUNS = re.compile(r"""^(?!.*\bsrc=)(?!.*\btype=(?!["']?(?:text/javascript|module)["']?))""", re.DOTALL)
"""The attributes of a script that stands in the page and is run; others hold data."""

STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
CHARSET = re.compile(r'<meta charset="utf-8" ?/?>')
OWN = "'self' file:"
"""The site; to a browser a page on a disk has nothing to do with the file beside it, so files are named, too."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", seal_all, priority=LAST)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def hashes(texts: Iterable[str]) -> str:
    """How a policy names texts.

    >>> hashes(["alert(1)"])
    "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    """
    named = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts}
    return " ".join(f"'sha256-{each}'" for each in sorted(named))


def policy(page: str) -> str:
    """The policy that lets through what stands in this page."""
    scripts = [found["text"] for found in SCRIPT.finditer(page) if RUNS.match(found["attributes"])]
    bare = SCRIPT.sub("", page)
    rules = {
        "default-src": "'none'",
        "script-src": f"{OWN} 'wasm-unsafe-eval' {hashes(scripts)}",
        "style-src": "'self' file: 'unsafe-inline'",  # for browsers that don't know the next two
        "style-src-elem": f"{OWN} {hashes(STYLE.findall(bare))}",
        "style-src-attr": "'unsafe-inline'",
        "img-src": f"{OWN} data: blob:",
        "font-src": OWN,
        "connect-src": OWN,
        "worker-src": "blob:",
        "form-action": OWN,
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {sources.strip()}" for name, sources in rules.items())


def sealed(page: str) -> str:
    """The page with its policy, which stands before everything that it rules; a page without letters' code is left."""
    return CHARSET.sub(
        lambda found: f'{found[0]}<meta http-equiv="Content-Security-Policy" content="{policy(page)}" />', page, count=1
    )


@once_built
def seal_all(app: Sphinx, site: Path) -> None:
    """Go over all pages."""
    # without a script to choose, the light colours, or those of dark.py: half of a dark page came by itself
    rewrite(site, lambda page, _: sealed(page.replace(' data-theme="auto"', ' data-theme="light"', 1)))

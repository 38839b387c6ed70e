"""What the search shows of a page that was opened from a disk: there a page may fetch no other, but load a script.

The words of each page are written into a script of its own. Only a search from a disk loads them (js/excerpts.js).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finished import once_built

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

ARTICLE = re.compile(r"<article\b[^>]*>(.*)</article>", re.DOTALL)
SILENT = re.compile(r'<(script|style|svg|button)\b.*?</\1>|<a class="headerlink".*?</a>', re.DOTALL)
TAG = re.compile(r'<(?!section id="[^"]+">|/section>)[^>]*>')


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("html-page-context", load)
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Load what reads them on the page of the search."""
    if page == "search":
        app.add_js_file("js/excerpts.js", priority=100)  # before the search


def said(page: str) -> str:
    """The words of a page in its sections, which is where the search looks for a place.

    >>> said('<article class="bd"><section id="a"><h1>A<a class="headerlink" href="#a">#</a></h1></section></article>')
    '<div role="main"><section id="a"> A </section></div>'
    """
    found = ARTICLE.search(page)
    words = TAG.sub(" ", SILENT.sub("", found[1] if found else ""))
    words = re.sub(r"\s+", " ", words)
    return f'<div role="main">{words}</div>'


@once_built
def write_all(app: Sphinx, site: Path) -> None:
    """Write the words of all pages that can be found."""
    for name in sorted(app.env.found_docs):
        path = site / "_static" / "excerpts" / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        words = json.dumps(said((site / f"{name}.html").read_text(encoding="utf-8")))
        path.write_text(f"minigen_excerpt({json.dumps(name)}, {words});\n", encoding="utf-8")

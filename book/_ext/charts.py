"""Charts on the site take the page's colours and letters: what a notebook holds as a picture stands there as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes

from minigen.show.figures import HELD, unfold

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("doctree-read", unfold_charts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def unfold_charts(app: Sphinx, doctree: nodes.document) -> None:
    """Every chart of a page. (The frames of a slider, which are data in a script, are unfolded already.)"""
    for raw in list(doctree.findall(nodes.raw)):
        if raw.get("format") == "html" and HELD.search(raw.astext()):
            raw.replace_self(nodes.raw("", unfold(raw.astext()), format="html", classes=raw["classes"]))

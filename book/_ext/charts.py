"""Charts on the site take the page's colours and letters: what a notebook holds as a picture stands there as SVG.

``minigen.show.figures`` writes a chart as ``<img class="mg-svg" src="data:image/svg+xml;...">``, which every notebook
shows. Inside a picture no page can set a colour. So the picture is replaced by what it holds, with its words.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PICTURE = re.compile(
    r'<img class="mg-svg" src="data:image/svg\+xml;base64,(?P<data>[^"]+)" alt="(?P<alt>[^"]*)"'
    r' width="(?P<width>\d+)" height="(?P<height>\d+)"[^>]*>'
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("doctree-read", unfold_charts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def unfold_charts(app: Sphinx, doctree: nodes.document) -> None:
    """Every chart of a page."""
    for raw in list(doctree.findall(nodes.raw)):
        if raw.get("format") == "html" and PICTURE.search(raw.astext()):
            raw.replace_self(nodes.raw("", PICTURE.sub(unfold, raw.astext()), format="html", classes=raw["classes"]))


def unfold(picture: re.Match[str]) -> str:
    """The SVG inside a picture, with the picture's words and size, and without colours and letters of its own.

    (The frames of a slider are data in a script, where quotes are escaped: the slider unfolds those itself.)
    """
    svg = base64.b64decode(picture["data"]).decode()
    size = f'width="{picture["width"]}" height="{picture["height"]}"'
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return re.sub(
        r'<svg style="[^"]*"', f'<svg class="mg-chart" role="img" aria-label="{picture["alt"]}" {size}', svg, count=1
    )

"""Weights as scripts, for the nets that the pages' drawings name: nothing of them stands twice in the repository.

A page that was opened as a file may not fetch a file, but it may load a script. So the build writes the file of weights
of each net that a page names into ``_static/weights``, in base64, as calls of ``minigen.receive``: in several parts, so
that a page can show how much has arrived. Drawings name nets in ``data-drawing`` (``minigen.widgets.drawing``), other
elements in ``data-net``, with spaces between. Pages that name one load the engine and what draws with it, and no other
page does.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finished import once_built, pages

from minigen.data.pictograms import KINDS
from minigen.show.engine import weight_scripts
from minigen.zoo.pretrained import SHIPPED
from minigen.zoo.recipes import recipe

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

NAMED = re.compile(r'\bdata-(drawing|net)="([^"]*)"')
SCRIPTS = (
    ("data-net=", ["engine/engine.js", "js/film.js", "js/tools.js"]),
    ("data-drawing=", ["engine/engine.js", "js/film.js", "js/tools.js"]),
    ("&quot;paint&quot;", ["js/paint.js"]),
    ("&quot;judge&quot;:", ["js/judge.js"]),
    ("mg-demonstrations", ["js/playground.js"]),
    ("data-drawing=", ["js/drawing.js"]),
    ("mg-race", ["js/race.js"]),
    ("data-train=", ["js/network.js", "js/tools.js", "js/train.js"]),
    ('data-train="curve"', ["js/curve.js"]),
    ('data-train="average"', ["js/average.js"]),
    ('data-train="cloud"', ["js/cloud.js"]),
)
"""What stands in a page that has something to draw, paint or train, and the scripts that do it; in their order."""

ICONS = Path(__file__).with_name("icons.safetensors")
"""A generator after ten minutes on one core, to a byte a weight: CONTRIBUTING.md says how it is made again."""

ABOUT = "It learned from 640 icons of eight kinds, drawn by formulas, for ten minutes of one processor core."


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("html-page-context", load_engine)
    app.connect("build-finished", write_all)
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def nets_of(page: str) -> set[str]:
    """The nets that a page names.

    >>> sorted(nets_of('<p data-net="digits-any scenes"><p data-drawing="{&quot;net&quot;:&quot;digits-v&quot;}">'))
    ['digits-any', 'digits-v', 'scenes']
    """
    found: set[str] = set()
    for kind, said in NAMED.findall(page):
        found.update(said.split() if kind == "net" else drawn_by(json.loads(html.unescape(said))))
    return found


def drawn_by(drawing: dict[str, Any]) -> Iterator[str]:
    """The nets of a drawing: the one that it begins with, its judge, and those that a control offers."""
    yield drawing["net"]
    if "judge" in drawing:
        yield drawing["judge"]
    for control in drawing.get("controls", ()):
        if control["name"] == "net":
            yield from control["values"]


def scripts(net: str) -> Iterator[str]:
    """The text of the scripts that hand over a net's weights, each a part, the first with the options that suit it."""
    content = (SHIPPED / f"{net}.safetensors").read_bytes()
    return weight_scripts(net, content, recipe(net).sampling)


def write(net: str, folder: Path) -> None:
    """Write the scripts of a net: ``NET.0.js``, ``NET.1.js`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, text in enumerate(scripts(net)):
        (folder / f"{net}.{part}.js").write_text(text, encoding="ascii")


def load_engine(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Load the engine, and what draws with it or trains, on the pages that have a place for it."""
    body = context.get("body", "")
    wanted = [script for mark, scripts in SCRIPTS if mark in body for script in scripts]
    for script in dict.fromkeys(wanted):  # each once
        app.add_js_file(script, loading_method="defer")
    if wanted:
        app.add_css_file("css/drawing.css")
    if "mg-demonstrations" in body:
        app.add_css_file("css/playground.css")


@once_built
def write_icons(app: Sphinx, site: Path) -> None:
    """Export the page of icons that chapter 15 and the guide open, with the engine as it is now."""
    import minigen as mg

    path = site / "_static" / ICONS.with_suffix(".html").name
    path.unlink(missing_ok=True)
    model = mg.Generator.load(ICONS)
    mg.export_page(model, path, "Icons", names=tuple(KINDS), about=ABOUT, **model.sampling)


@once_built
def write_all(app: Sphinx, site: Path) -> None:
    """Write the weights of all nets that are named anywhere."""
    for net in sorted(set().union(*(nets_of(page.read_text(encoding="utf-8")) for page in pages(site)))):
        write(net, site / "_static" / "weights")

"""What the site needs beyond Jupyter Book's own: to be without Thebe, one script for all sliders, all pages written.

Jupyter Book 1 always loads sphinx-thebe, twice: every page then throws "Identifier 'THEBE_JS_URL' has
already been declared" and names another host. No notebook here runs inside the page, so all of it goes.

A slider's output (``minigen.widgets.scrub``) brings its script along, since Jupyter, Colab and VS Code need
it there. On the site the same file, taken from the package, is loaded once by the pages that have a slider.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.ext.autodoc.preserve_defaults import update_defvalue

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

INLINE = re.compile(r"<script data-mg>.*?</script>", re.DOTALL)
"""A slider's script inside its output."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once, after the extensions that Jupyter Book brings."""
    app.connect("config-inited", drop_thebe)
    app.connect("config-inited", copy_script)
    app.connect("config-inited", keep_defaults)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("doctree-read", drop_inline_scripts)
    app.connect("html-page-context", load_script)
    app.connect("env-updated", write_all_anew)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_all_anew(app: Sphinx, env: BuildEnvironment) -> set[str]:
    """The pages to write: all. What goes over finished pages can't go over them twice, and shares files among them."""
    return set(env.found_docs)


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Take back all that sphinx-thebe has registered for the pages: its event handlers and its style sheet."""
    for listeners in app.events.listeners.values():
        listeners[:] = [entry for entry in listeners if not entry.handler.__module__.startswith("sphinx_thebe")]
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]


def keep_defaults(app: Sphinx, config: Config) -> None:
    """Let autodoc look for defaults as they are written in the source, but not where a signature is put together.

    ``sample`` and ``trajectory`` list theirs by ``Options``: their source does not have them, and Sphinx stumbles.
    """

    def update(app: Sphinx, thing: object, bound: bool) -> None:
        if not hasattr(thing, "__signature__"):
            update_defvalue(app, thing, bound)

    listeners = app.events.listeners["autodoc-before-process-signature"]
    listeners[:] = [each._replace(handler=update) if each.handler is update_defvalue else each for each in listeners]


def copy_script(app: Sphinx, config: Config) -> None:
    """Let what the package draws with in pages be copied into the site, also where nothing but the book lies."""
    package = find_spec("minigen")
    if package is None or package.origin is None:
        raise RuntimeError("the package minigen is not installed: pip install -e .")
    show = Path(package.origin).parent / "show"
    config.html_static_path += [str(show / "scrub.js"), str(show / "web")]


def keep_colons(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Stop napoleon, which comes next, from taking what stands before a colon for the type of an attribute."""
    if what in {"attribute", "data", "property"}:
        lines.insert(0, "")


def drop_inline_scripts(app: Sphinx, doctree: nodes.document) -> None:
    """Take the script out of every slider on a page."""
    for raw in list(doctree.findall(nodes.raw)):
        if raw.get("format") == "html" and INLINE.search(raw.astext()):
            raw.replace_self(nodes.raw("", INLINE.sub("", raw.astext()), format="html", classes=raw["classes"]))


def load_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Load the script on the pages that have a slider; and that of tabs, which all pages have, where there are tabs."""
    body, loaded = context.get("body", ""), context["script_files"]
    if "mg-scrub" in body:
        app.add_js_file("scrub.js", loading_method="defer")
    if "sd-tab-set" not in body:
        loaded[:] = [script for script in loaded if not str(getattr(script, "filename", "")).endswith("design-tabs.js")]

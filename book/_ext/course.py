"""What the site needs beyond Jupyter Book's configuration: to be without Thebe.

Jupyter Book 1 always loads sphinx-thebe, twice: every page then throws "Identifier 'THEBE_JS_URL' has
already been declared" and names another host. No notebook here runs inside the page, so all of it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once, after the extensions that Jupyter Book brings."""
    app.connect("config-inited", drop_thebe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Take back all that sphinx-thebe has registered for the pages: its event handlers and its style sheet."""
    for listeners in app.events.listeners.values():
        listeners[:] = [entry for entry in listeners if not entry.handler.__module__.startswith("sphinx_thebe")]
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]

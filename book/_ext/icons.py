"""The theme's icons as drawings inside the pages, in place of a script of 1.5 MB that puts them there.

The theme writes ``<i class="fa-solid fa-sun">`` and lets Font Awesome's script draw it. Here every page is gone over
once it is written: what the theme asked for becomes the like of it from Octicons, which come with sphinx-design, and
the script goes. Icons that style sheets draw are in ``css/icons.css``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finished import once_built, rewrite
from sphinx.util import logging
from sphinx_design.icons import get_octicon

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

OCTICONS = {
    "angle-left": "chevron-left",
    "angle-right": "chevron-right",
    "arrow-up": "arrow-up",
    "bars": "three-bars",
    "bitbucket": "git-branch",
    "chevron-down": "chevron-down",
    "circle-half-stroke": "device-desktop",
    "code": "code",
    "download": "download",
    "expand": "screen-full",
    "file": "file-code",
    "file-lines": "file",
    "file-pdf": "file",
    "github": "mark-github",
    "gitlab": "git-branch",
    "home": "home",
    "lightbulb": "light-bulb",
    "list": "list-unordered",
    "magnifying-glass": "search",
    "moon": "moon",
    "outdent": "sidebar-collapse",
    "pencil": "pencil",
    "pencil-alt": "pencil",
    "play": "play",
    "rocket": "rocket",
    "sun": "sun",
}
"""What Font Awesome calls a sign, and what Octicons call theirs."""

SIGN = re.compile(
    r'<(i|span) class="(?P<classes>(?:[\w-]+ )*fa[srb]?(?:-solid|-brands|-regular)? [^"]*)"(?P<rest>[^>]*)></\1>'
)
NAME = re.compile(r"\bfa-(?!solid\b|brands\b|regular\b|lg\b|fw\b)([a-z-]+)")
SCRIPT = re.compile(
    r"\s*(?:<!-- So that users can add custom icons -->\s*)?<script[^>]*/fontawesome\.js[^>]*></script>"
)
TITLE = re.compile(r'\s*title="[^"]*"')
STYLE = "styles/pydata-sphinx-theme.css"
RULES = re.compile(
    r"/\*!\s*\* Font Awesome .*?(?=/\*!)|@font-face\{[^}]*fontawesome[^}]*\}|\.fa-[\w-]+:before\{[^}]*\}", re.DOTALL
)
"""A fifth of the theme's style sheet draws signs that no page has any more; its own follow on the last of them."""

UNUSED = ("scripts/fontawesome.js*", "vendor/fontawesome")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", draw_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def draw_all(app: Sphinx, site: Path) -> None:
    """Go over all pages, and leave out what none of them loads any more."""
    rewrite(site, lambda page, path: draw(page, path.name))
    style = site / "_static" / STYLE
    style.write_text(RULES.sub("", style.read_text(encoding="utf-8")), encoding="utf-8")
    for pattern in UNUSED:
        for path in (site / "_static").glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def draw(page: str, name: str = "a page") -> str:
    """The HTML with its icons drawn and without the script."""

    def drawing(sign: re.Match[str]) -> str:
        asked = NAME.search(sign["classes"])
        octicon = OCTICONS.get(asked[1] if asked else "")
        if octicon is None:
            logger.warning("%s has the icon %r; allowed: %s", name, sign["classes"], ", ".join(OCTICONS))
            return sign.group()
        kept = [word for word in sign["classes"].split() if not word.startswith("fa")]
        svg = get_octicon(octicon, "1em", ["mg-icon", *kept])
        return svg.replace("<svg ", f"<svg {TITLE.sub('', sign['rest']).strip()} ", 1).replace("<svg  ", "<svg ")

    return SIGN.sub(drawing, SCRIPT.sub("", page))

"""Pages that are light: no script holds a page up, search comes where it is used, pictures wait until they are near.

The theme loads every script before it shows a word, the search index among them, and writes what a button does into the
button, which a site with a content policy refuses. Here every page is gone over once it is written.
``tests/site/test_weight.py`` weighs what comes out.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from finished import once_built, pages, rewrite
from PIL import Image

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SEARCH = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
"""Of use where results are shown: the page of the search. The others send what is asked to it."""

BLOCKS = re.compile(r"<script (?![^>]*\b(?:defer|async)\b)(?=[^>]*\bsrc=)")
SETTING = re.compile(r"\s*<script>((?:let|var|DOCUMENTATION_OPTIONS\.)[^<]*)</script>")
"""What the theme tells its scripts between them: a file tells it as well, once for all pages."""

SETTINGS = "_static/documentation_options.js"
OWN = "DOCUMENTATION_OPTIONS.pagename"
"""Differs from page to page, and only a list of versions asks for it, which this book has not."""

THEME = 'localStorage.getItem("theme") || "auto";'
COLOURS = (
    '{light: "light", dark: "dark"}[document.documentElement.dataset.mode]'
    ' || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");'
)
"""Colours from the first moment: the theme's script, which waits now, would choose between light and dark only later,
and until then frames and colours were missing, and lines jumped when they came."""

VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
PRESSED = re.compile(r'onclick="(?:window\.)?(\w+)\(\)"')
PICTURE = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\bsrc="([^"]*)"')
INSIDE = re.compile(r'\bsrc="data:image/(?P<kind>png|webp);base64,(?P<bytes>[A-Za-z0-9+/=]{4000,})"')
"""A picture inside the page, of 3 KB and more: smaller ones cost less than asking for a file."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", lighten_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def lighten_all(app: Sphinx, site: Path) -> None:
    """Go over all pages, and write what the theme tells its scripts into the first of them."""
    found = (SETTING.findall(path.read_text(encoding="utf-8")) for path in pages(site))
    told = dict.fromkeys(setting for setting in chain(*found) if not setting.startswith(OWN))
    rewrite(site, lighten)
    if told:
        settings = site / SETTINGS
        settings.write_text("\n".join((settings.read_text(encoding="utf-8"), *told, "")), encoding="utf-8")


def lighten(page: str, path: Path) -> str:
    """The page, which stands at ``path``, with scripts that wait, one viewport, and pictures that have a size.

    >>> lighten('<script src="a.js"></script><script defer src="b.js"></script>', Path("page.html"))
    '<script defer src="a.js"></script><script defer src="b.js"></script>'
    >>> lighten('<button onclick="window.print()">', Path("page.html"))
    '<button data-press="print">'
    """
    if path.name != "search.html":
        page = SEARCH.sub("", page)
    page = BLOCKS.sub("<script defer ", SETTING.sub("", page)).replace(THEME, COLOURS)
    first, *rest = VIEWPORT.split(page, maxsplit=1)
    if rest:
        one = '\n    <meta name="viewport" content="width=device-width, initial-scale=1" />'
        page = first + one + VIEWPORT.sub("", rest[0])
    page = PRESSED.sub(r'data-press="\1"', page)
    head, article, rest_of_page = page.partition("<article")
    return PICTURE.sub(lambda tag: sized(tag[0], path), head) + article + pictures(rest_of_page, path)


def pictures(article: str, path: Path) -> str:
    """The article, whose first picture is loaded at once, and the others when a reader comes near them."""
    seen = 0

    def one(tag: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        text = sized(INSIDE.sub(lambda inside: apart(inside, path), tag[0]), path)
        waits = seen > 1 and 'src="data:' not in text
        return text.replace("<img", '<img loading="lazy"', 1) if waits else text

    return PICTURE.sub(one, article)


def apart(inside: re.Match[str], path: Path) -> str:
    """A picture that stood in the page as text, as a file of its own, which a page asks for when it is near."""
    content = base64.b64decode(inside["bytes"])
    pictures = next(above for above in path.parents if (above / "_images").is_dir()) / "_images"
    file = pictures / f"{hashlib.sha256(content).hexdigest()[:16]}.{inside['kind']}"
    file.write_bytes(content)
    return f'src="{Path(os.path.relpath(file, path.parent)).as_posix()}"'


def sized(tag: str, path: Path) -> str:
    """A picture with its width and height: so the page keeps its place, and nothing jumps when it comes."""
    source = SOURCE.search(tag)
    if source is None or source[1].startswith("data:") or (" width=" in tag and " height=" in tag):
        return tag
    file = (path.parent / urlsplit(source[1]).path).resolve()
    if file.suffix == ".svg":
        found = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', file.read_text(encoding="utf-8"))
        if found is None:
            return tag
        width, height = found[1], found[2]
    else:
        with Image.open(file) as image:
            width, height = (str(side) for side in image.size)
    return tag.replace("<img", f'<img width="{width}" height="{height}"', 1)

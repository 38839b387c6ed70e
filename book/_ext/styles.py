"""One style sheet a page, instead of eighteen, one of which asked for another: a browser shows nothing before the last.

The theme, its extensions and the course each bring theirs. They are joined in their order once the pages are written;
pages that load the same ones share a file. What is said of classes that no page and no script names is left out: that
was most of it, since the theme brings a whole library. ``tests/site/test_weight.py`` weighs what is left.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Set
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinycss2
from finished import once_built, pages, rewrite

if TYPE_CHECKING:
    from sphinx.application import Sphinx

AFTER = 900
"""The theme writes the colours of code when all else is built; and the content policy comes last."""

LINK = re.compile(r'\s*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="(?P<file>[^":?]+\.css)[^"]*"[^>]*>')
CHARSET = re.compile(r'^\s*@charset "[^"]*";')
IMPORT = re.compile(r'@import "(?P<file>[^"]+)";')
ADDRESS = re.compile(r"""url\((?P<quote>["']?)(?!["']?(?:data:|#|/|\w+:))(?P<file>[^"')]+)(?P=quote)\)""")

CLASSES = re.compile(r'\bclass="([^"]*)"')
NAME = re.compile(r"[\w-]+")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
EITHER = re.compile(r":[\w-]+\((?:[^()]|\([^()]*\))*\)")
"""Such as ``:not(.a)`` and ``:is(.a, .b)``, which may hold where a page has no ``a``."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", join_all, priority=AFTER)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def join_all(app: Sphinx, site: Path) -> None:
    """Go over all pages."""
    for old in (site / "_static").glob("styles-*.css"):
        old.unlink()
    said = (CLASSES.findall(path.read_text(encoding="utf-8")) for path in pages(site))
    scripts = [path.read_text(encoding="utf-8") for path in site.rglob("*.js") if path.name != "searchindex.js"]
    named = {name for text in (*chain(*said), *scripts) for name in NAME.findall(text)}
    made: dict[tuple[Path, ...], Path] = {}
    rewrite(site, lambda page, path: joined(page, path, named, made))


def joined(page: str, path: Path, named: Set[str], made: dict[tuple[Path, ...], Path]) -> str:
    """The page, which stands at ``path``, with one style sheet in the place of the first of its own.

    ``named``: words of all pages and scripts. ``made``: the sheets so far, by what was joined.
    """
    found = list(LINK.finditer(page))
    if not found:
        return page
    files = tuple((path.parent / link["file"]).resolve() for link in found)
    if files not in made:
        static = next(above for above in files[0].parents if above.name == "_static")
        content = used("\n".join(sheet(file, static) for file in files), named)
        made[files] = static / f"styles-{hashlib.sha256(content.encode()).hexdigest()[:16]}.css"
        made[files].write_text(content, encoding="utf-8")
    one = f'\n<link rel="stylesheet" href="{Path(os.path.relpath(made[files], path.parent)).as_posix()}" />'
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


def used(text: str, named: Set[str]) -> str:
    """What a style sheet says of classes whose names are among these, and of what has no class.

    >>> used(".a, .b { color: red } .b { color: blue } i:not(.b) { color: teal }", {"a"})
    '.a{ color: red }\\ni:not(.b){ color: teal }'
    >>> used("@media (width < 9px) { .b { color: red } .of-1 { color: blue } }", {"of-"})
    '@media (width < 9px) {.of-1{ color: blue }}'
    """
    begun = tuple(name for name in named if re.fullmatch(r"[a-z][\w-]+-", name))  # scripts add the rest
    return rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), named, begun)


def rules(parsed: list[Any], named: Set[str], begun: tuple[str, ...]) -> str:
    """Of these rules and those inside them."""
    found = []
    for rule in parsed:
        if rule.type == "qualified-rule":
            kept = [each for each in selectors(rule.prelude) if is_named(each, named, begun)]
            if kept:
                found.append(f"{', '.join(kept)}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in {"media", "supports"} and rule.content is not None:
            inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if kept_inside := rules(inside, named, begun):
                found.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept_inside}}}")
        else:
            found.append(rule.serialize())
    return "\n".join(found)


def is_named(selector: str, named: Set[str], begun: tuple[str, ...]) -> bool:
    """Whether every class that it asks for may be there."""
    return all(name in named or name.startswith(begun) for name in CLASS.findall(EITHER.sub("", selector)))


def selectors(prelude: list[Any]) -> list[str]:
    """A list of selectors one by one; a comma inside brackets parts none."""
    found: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            found.append([])
        else:
            found[-1].append(token)
    return [tinycss2.serialize(each).strip() for each in found]

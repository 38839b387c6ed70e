"""Pages that are dark in dark systems without a script, too.

Which colours a page has says ``data-theme``, which a script sets by what the reader chose or the system wants. Without
a script it stays light. So the build collects what a style sheet says of dark pages, says it of light ones, and
writes it into a sheet beside it. A page loads that last, where no script runs and the system is dark; on paper never.
``tests/site/test_dark.py`` measures what comes out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinycss2
from finished import once_built, rewrite
from styles import selectors

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LATE = 950
"""After ``styles``, which joins what the theme and the course say, and before the pages are sealed."""

WHEN = "screen and (prefers-color-scheme: dark)"
STYLE = re.compile(r'<link (?=[^>]*\brel="stylesheet")[^>]*\bhref="([^":?]+\.css)')
DARK = re.compile(r"""\[data-theme=["']?dark["']?\]""")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", darken_all, priority=LATE)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def darken_all(app: Sphinx, site: Path) -> None:
    """Go over all pages, and write a sheet beside each that speaks of the dark."""
    for old in (site / "_static").glob("dark-*.css"):
        old.unlink()
    rewrite(site, darkened)


def darkened(page: str, path: Path) -> str:
    """The page, which stands at ``path``, with the sheets that are loaded where no script runs."""
    links = "".join(filter(None, (link(name, path) for name in STYLE.findall(page))))
    return page.replace("</head>", f"<noscript>{links}</noscript></head>", 1) if links else page


def link(name: str, path: Path) -> str:
    """What the page at ``path`` loads beside a style sheet, if that says something of the dark."""
    style = path.parent / name
    made = style.with_name(f"dark-{style.name}")
    if not made.is_file():
        made.write_text(of_the_dark(style.read_text(encoding="utf-8")), encoding="utf-8")
    if not made.stat().st_size:
        return ""
    return f'<link rel="stylesheet" media="{WHEN}" href="{Path(name).with_name(made.name).as_posix()}" />'


def of_the_dark(sheet: str) -> str:
    """What a style sheet says of dark pages, said of light ones.

    >>> of_the_dark('a { color: blue } html[data-theme="dark"] a, html[data-theme=light] b { color: teal }')
    'html[data-theme="light"] a{ color: teal }'
    >>> of_the_dark("@media (width < 9px) { i, [data-theme=dark] b { color: teal } }")
    '@media (width < 9px) {[data-theme="light"] b{ color: teal }}'
    """
    return rules(tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True))


def rules(parsed: list[Any]) -> str:
    """Of these rules and those inside them."""
    found = []
    for rule in parsed:
        if rule.type == "qualified-rule":
            wanted = [selector for selector in selectors(rule.prelude) if DARK.search(selector)]
            if wanted:
                chosen = ", ".join(DARK.sub('[data-theme="light"]', selector) for selector in wanted)
                found.append(f"{chosen}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in {"media", "supports"} and rule.content is not None:
            if tinycss2.serialize(rule.prelude).strip() == "print":
                continue
            inside = rules(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))
            if inside:
                found.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}")
    return "\n".join(found)

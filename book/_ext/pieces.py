"""Pages of fewer pieces: a phone lays out each of them, and most stood around a word without changing how it looks.

The highlighter puts every name, sign and space of code into a piece of its own, although the first two have the text's
colour and the last none; and docutils puts each part of a signature into one more. Two of five pieces of chapter 11
were such, and as many of the package's pages. ``tests/site/test_weight.py`` counts what is left.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finished import once_built, rewrite

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CODE = re.compile(r'<div class="highlight"><pre.*?</pre>|<dt class="sig .*?</dt>', re.DOTALL)
WHOLE = re.compile(r'<span class="pre">([^<]*)</span>')
PLAIN = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')
"""Names, punctuation and spaces, which the book's two styles of code show like any text."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", join_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def join_all(app: Sphinx, site: Path) -> None:
    """Go over all pages."""
    rewrite(site, lambda page, _: joined(page))


def joined(page: str) -> str:
    """The page, whose code and signatures have pieces only where something looks different.

    >>> joined('<div class="highlight"><pre><span class="n">a</span><span class="o">=</span></pre>')
    '<div class="highlight"><pre>a<span class="o">=</span></pre>'
    """
    return CODE.sub(lambda code: PLAIN.sub(r"\1", WHOLE.sub(r"\1", code[0])), page)

"""Formulas are set when the site is built: its pages carry MathML, and no script that makes it.

Every formula of a page, a notebook or a docstring goes through ``mathml.typeset``. One that can't be read is a warning
with its page and line, and so an error where the site is built with ``-W``. Numbered ones keep number and link.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils import get_source_line
from mathml import UnreadableError, typeset
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

OPENING = re.compile(r"[^\w\s]+$")
CLOSING = re.compile(r"^[^\w\s]+")

CELL = 10_000
"""MyST-NB numbers the lines of a notebook's n-th cell from n times this."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once; ``html_math_renderer: mathml`` in the configuration chooses what is registered here."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("doctree-resolved", keep_punctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep_punctuation(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a formula in a line together with the bracket before and the comma behind it: browsers would break there."""
    for formula in list(doctree.findall(nodes.math)):
        line = formula.parent
        place = line.index(formula)
        opening = cut(line, place - 1, OPENING)
        closing = cut(line, place + 1, CLOSING)
        if opening or closing:
            together = [nodes.Text(opening), formula.deepcopy(), nodes.Text(closing)]
            line[place] = nodes.inline("", "", *together, classes=["mg-formula"])


def cut(line: nodes.Element, place: int, pattern: re.Pattern[str]) -> str:
    """Take what the pattern finds out of the text at that place of a line, if there is one."""
    text = line[place] if 0 <= place < len(line) else None
    found = pattern.search(text) if isinstance(text, nodes.Text) else None
    if found is None:
        return ""
    line[place] = nodes.Text(pattern.sub("", found.string))
    return found.group()


def visit_inline(writer: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(as_mathml(node, node.astext(), display=False))
    raise nodes.SkipNode


def visit_display(writer: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on its own: in a box that scrolls where the formula is wider than the screen."""
    writer.body.append(writer.starttag(node, "div", "", CLASS="math"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, _("Link to this equation"))
        writer.body.append("</span>")
    tex = unnumbered(node.astext()) if node["nowrap"] else joined(node.astext())
    writer.body.append(as_mathml(node, tex, display=True))
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def as_mathml(node: nodes.Element, tex: str, display: bool) -> str:
    """The formula as MathML; as it was written, after a warning, where it can't be read."""
    try:
        return typeset(tex, display)
    except UnreadableError as error:
        logger.warning("the formula %r%s can't be read: %s", tex, in_cell(node), error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def in_cell(node: nodes.Element) -> str:
    """Where in a notebook the formula is, or nothing on a page of another kind."""
    source, line = get_source_line(node)
    if not (source or "").endswith(".ipynb") or not line:
        return ""
    return f" (cell {line // CELL}, line {line % CELL})"


def joined(tex: str) -> str:
    """Equations parted by blank lines, or lines that end in a double backslash, as the aligned lines of one formula.

    >>> joined("a = b")
    'a = b'
    >>> joined("a = b\\n\\nc = d")
    '\\\\begin{aligned}a = b\\\\\\\\c = d\\\\end{aligned}'
    """
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    lines = "\\\\".join(parts)
    is_one = len(parts) == 1 and ("\\\\" not in lines or "\\begin{" in lines)
    return lines if is_one else rf"\begin{{aligned}}{lines}\end{{aligned}}"


def unnumbered(tex: str) -> str:
    r"""An AMS environment without its own numbers: Sphinx counts the equations.

    >>> unnumbered(r"\begin{align}a &= b\end{align}")
    '\\begin{align*}a &= b\\end{align*}'
    """
    for name in ("equation", "align", "gather", "alignat"):
        for word in ("begin", "end"):
            tex = tex.replace(rf"\{word}{{{name}}}", rf"\{word}{{{name}*}}")
    return tex

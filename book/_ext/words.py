"""Links a word to its entry in the glossary where it first stands on a notebook's page.

The notebooks stay plain Markdown: the links are made while the site is built. An entry of ``book/glossary.md`` says all
that is needed. The lines above its definition are its spellings, and the first notebook that the definition links to is
where the word arrives: pages before that one don't link it. Two lists below hold the words that are too common.

Only running text is linked, paragraphs and bullet lists: no heading, code, formula, link, caption, table, box or
exercise, nothing that is folded, and no numbered list, since the guesses stand in those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx_external_toc.parsing import parse_toc_yaml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

GLOSSARY = "book/glossary"

WHERE_THEY_ARRIVE = {
    *("auto-regression", "batch", "bit", "call", "classifier-free guidance", "condition", "diffusion", "head", "label"),
    *("least squares", "level", "loss", "mask", "net", "patch", "prompt", "seed", "shape", "step", "target", "token"),
    *("walk", "weight"),
}
"""Linked only on the page where they arrive: whole chapters are made of them."""

NEVER = {"eps", "gather", "generator", "module", "score", "v", "x0"}
"""Words with a second meaning, and symbols: these are only looked up."""

BLOCK = re.compile(r"^(`{3,})\{glossary\}\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
ENTRY = re.compile(r"((?:^\S.*\n)+)((?:^(?: +\S.*)?\n)+)", re.MULTILINE)
ARRIVES = re.compile(r"\]\(([\w-]+)\.ipynb\)")
FOLDS, UNFOLDS = re.compile(r"<details\b"), re.compile(r"</details>")


class Entry(NamedTuple):
    """A word of the glossary: how it is spelled, its own name first; what it means; the page where it arrives."""

    spellings: tuple[str, ...]
    text: str
    page: str


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("doctree-read", link_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read(glossary: str) -> list[Entry]:
    """The entries in the text of the glossary's page.

    >>> read("```{glossary}\\nplan\\nmatrix\\n  Rows. First in [Auto-regression](auto-regression.ipynb).\\n```\\n")
    [Entry(spellings=('plan', 'matrix'), text='Rows. ...', page='book/auto-regression')]
    """
    block = BLOCK.search(glossary)
    if block is None:
        raise ValueError(f"{GLOSSARY} has no block ```{{glossary}}, from which words are linked")
    return [
        Entry(tuple(names.split("\n")[:-1]), text.strip(), f"book/{page[1]}" if (page := ARRIVES.search(text)) else "")
        for names, text in ENTRY.findall(block[2])
    ]


def linked_on(page: str, pages: Sequence[str], entries: Sequence[Entry]) -> dict[str, str]:
    """Each spelling that is linked on a page, with the name of its entry; ``pages`` are in the book's order.

    >>> plan, net = Entry(("plan", "matrix"), "", "b"), Entry(("net",), "", "a")
    >>> linked_on("a", "abc", [plan, net]), linked_on("c", "abc", [plan, net])
    ({'net': 'net'}, {'plan': 'plan', 'matrix': 'plan'})
    """

    def arrives(entry: Entry) -> bool:
        if entry.spellings[0] in WHERE_THEY_ARRIVE:
            return entry.page == page
        return entry.spellings[0] not in NEVER and pages.index(entry.page) <= pages.index(page)

    return {each: entry.spellings[0] for entry in entries if arrives(entry) for each in entry.spellings}


def pattern(spellings: Sequence[str]) -> re.Pattern[str]:
    """Any of these as a whole word, the longest first, also in the plural and with a capital letter.

    >>> found = pattern(["scale", "guidance scale", "EMA"])
    >>> [found.search(text) is not None for text in ("Guidance scales", "scaled", "rescale", "ema", "EMA")]
    [True, False, False, False, True]
    """

    def written(spelling: str) -> str:
        first = spelling[0]
        return (f"[{first}{first.upper()}]" if first.islower() else first) + re.escape(spelling[1:])

    choices = "|".join(written(each) for each in sorted(spellings, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{choices})(?:s|es)?(?![\w-])")


def running_text(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The pieces of running text, as the module's docstring says what that is."""
    folded = 0
    for node in list(doctree.findall(lambda node: isinstance(node, nodes.raw | nodes.paragraph))):
        if isinstance(node, nodes.raw):
            folded += len(FOLDS.findall(node.astext())) - len(UNFOLDS.findall(node.astext()))
        elif not folded and is_open(node):
            for text in list(node.findall(nodes.Text)):
                above: nodes.Node = text.parent
                while isinstance(above, nodes.emphasis | nodes.strong):
                    above = above.parent
                if above is node:
                    yield text


def is_open(paragraph: nodes.Element) -> bool:
    """Whether it stands in nothing but sections (of which an exercise has one inside), or in a bullet list in them."""
    above = paragraph.parent
    if isinstance(above, nodes.list_item) and isinstance(above.parent, nodes.bullet_list):
        above = above.parent.parent
    while isinstance(above, nodes.section):
        above = above.parent
    return isinstance(above, nodes.document)


def link_first(doctree: nodes.document, spellings: Mapping[str, str], page: str = "") -> list[str]:
    """Link the first place of each word, and return their names in the order in which they were found."""
    left, found = dict(spellings), []
    for text in running_text(doctree):
        pieces, rest = [], text.astext()
        while left and (match := pattern(list(left)).search(rest)):
            word = match[0]
            name = next(left[each] for each in left if pattern([each]).fullmatch(word))
            pieces += [nodes.Text(rest[: match.start()]), link(word, name, page)]
            rest = rest[match.end() :]
            found.append(name)
            left = {each: its for each, its in left.items() if its != name}
        if pieces:
            text.parent.replace(text, [*(piece for piece in pieces if piece.astext()), nodes.Text(rest)])
    return found


def link(word: str, name: str, page: str) -> addnodes.pending_xref:
    """What Sphinx turns into a link to the entry of this name."""
    shown = nodes.inline(word, word, classes=["mg-term"])
    target = dict(refdomain="std", reftype="term", reftarget=name, refdoc=page, refexplicit=True, refwarn=True)
    return addnodes.pending_xref("", shown, **target)


def link_page(app: Sphinx, doctree: nodes.document) -> None:
    """Link the words of a notebook's page, which is read again whenever the glossary changes."""
    page, root = app.env.docname, Path(app.srcdir)
    if not str(app.env.doc2path(page)).endswith(".ipynb"):
        return
    glossary = root / f"{GLOSSARY}.md"
    pages = list(parse_toc_yaml(root / "_toc.yml"))
    if GLOSSARY not in pages:  # a few pages of the book, built alone: there is nothing to link to
        return
    app.env.note_dependency(str(glossary))
    link_first(doctree, linked_on(page, pages, read(glossary.read_text(encoding="utf-8"))), page)

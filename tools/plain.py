"""A notebook for Colab, which knows no MyST: boxes, exercises, citations as plain Markdown, figures' code folded.

``tools/stamp.py`` writes each notebook through ``plain``: the same cells in the same order, and no ``:::`` in sight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nbformat import NotebookNode

FENCE = re.compile(
    r"^(?P<marks>:{3,}|`{3,})\{(?P<kind>[\w-]+)\}[ ]*(?P<title>.*)\n(?P<body>(?:.*\n)*?)(?P=marks)[ ]*$", re.M
)
"""A directive: ``:::{admonition} Title``, its options and text, ``:::``."""

OPTION = re.compile(r"^:[\w-]+:.*\n", re.M)
CITATION = re.compile(r"\{cite\}`([^`]+)`")
HIDDEN = re.compile(r"^(?:<!--.*?-->|\([\w-]+\)=)[ ]*\n?", re.M)
"""What only the site reads, alone in its line: a comment, a place to link to."""

LINK = re.compile(r"\]\((?P<file>[\w-]+\.(?:ipynb|md))(?P<place>#[\w-]+)?\)")
FOLDED = '# @title The code of this figure {display-mode: "form"}'
ENTRY = re.compile(r"@\w+\{(?P<key>[^,]+),(?P<body>.*?)\n\}", re.S)
FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.M)


def plain(notebook: NotebookNode, sources: Mapping[str, str], addresses: Mapping[str, str]) -> None:
    """Change a notebook in place: ``sources`` say a citation's words by its key, ``addresses`` where a page is."""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = markdown(cell.source, sources, addresses)
        elif "exercise-solution" in tags:
            cell.outputs = []  # Colab folds the code and not what it shows
        elif "hide-input" in tags:
            cell.metadata["cellView"] = "form"
            cell.source = f"{FOLDED}\n{cell.source}"


def markdown(text: str, sources: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    """MyST as plain Markdown.

    >>> print(markdown(":::{admonition} Goals\\n:class: tip\\n\\n- to see {cite}`a`\\n:::", {"a": "Ada 1843"}, {}))
    **Goals**
    <BLANKLINE>
    - to see (Ada 1843)
    """
    while (opened := FENCE.search(text)) is not None:
        text = text[: opened.start()] + _block(opened) + text[opened.end() :]
    text = CITATION.sub(lambda found: f"({'; '.join(sources[key.strip()] for key in found[1].split(','))})", text)
    text = LINK.sub(lambda found: f"]({addresses.get(found['file'], found['file'])}{found['place'] or ''})", text)
    return re.sub(r"\n{3,}", "\n\n", HIDDEN.sub("", text)).strip()


def _block(opened: re.Match[str]) -> str:
    """A directive's title and text; a list of references, which the site makes, is left out."""
    body = OPTION.sub("", opened["body"]).strip("\n")
    if opened["kind"] == "bibliography":
        return ""
    if opened["kind"] == "exercise":
        return f"### Exercise: {opened['title']}\n\n{body}"
    if opened["kind"] == "admonition":
        return f"**{opened['title']}**\n\n{body}"
    raise ValueError(f"the directive is {opened['kind']!r}; what Colab can show: admonition, bibliography, exercise")


def cited(bibliography: str) -> dict[str, str]:
    """Author and year of every entry of a BibTeX file, linked where it has an address.

    >>> cited("@misc{a,\\n  author = {King, Ada and Babbage, Charles},\\n  year = {1843},\\n}")
    {'a': 'King and Babbage 1843'}
    """
    found = {}
    for entry in ENTRY.finditer(bibliography):
        fields = {name: re.sub(r"[{}]", "", value) for name, value in FIELD.findall(entry["body"])}
        names = [author.split(",")[0].strip() for author in fields.get("author", "").split(" and ")]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        words = " ".join(part for part in (who, fields.get("year", "")) if part)
        found[entry["key"]] = f"[{words}]({fields['url']})" if "url" in fields else words
    return found

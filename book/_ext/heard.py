"""What a page says to those who hear it: every thing has a name that says what it is, and is said once.

``accessible`` mends what is wrong by a rule that a program can check. What is here, no program found: chapters were
read as a screen reader reads them, from the browser's tree. Each function below mends one kind of thing in a whole
page, and says why. ``tests/site/test_heard.py`` reads the pages again.
"""

from __future__ import annotations

import html
import re

FIGURE = re.compile(
    r'<figure class="mg-figure">(?P<seen>.*?)(?P<rest><figcaption>.*?</figcaption>)?</figure>', re.DOTALL
)
WHOLE = re.compile(r'(<div class="mg-(?:films|panels)") role="img" aria-label="([^"]+)"([^>]*>)')
CHART = re.compile(r"<svg.*?</svg>", re.DOTALL)
INNER = (
    (re.compile(r'(<div class="mg-(?:films|panels)") role="img" aria-label="[^"]*"'), r"\1"),
    (re.compile(r'(<svg[^>]*) role="img" aria-label="[^"]*"'), r'\1 aria-hidden="true"'),
    (re.compile(r'(<img[^>]*) alt="[^"]*"'), r'\1 alt=""'),
)
CODE = re.compile(r'<div class="((?P<output>output )?[^"]*\bhighlight-[\w-]+ notranslate)">(?=<div class="highlight">)')
BOX = re.compile(r'(<div class="(?:exercise|tip) admonition"[^>]*>\s*<p class="admonition-title")>')
LEVEL = re.compile(r"<h([1-6])\b")
HEADING = re.compile(r"<h[1-6]>(.*?)<a class=\"headerlink\"", re.DOTALL)
TABLE = re.compile(r'<table class="table">(?P<head>.*?)(?P<body><tbody>.*?)?</table>', re.DOTALL)
FIRST = re.compile(r"(<tr[^>]*>\s*)<td([^>]*)>(.*?)</td>", re.DOTALL)
CITED = re.compile(r'<span class="bibtex-citation".*?</span>', re.DOTALL)
CHAPTER = re.compile(r'(<a class="reference internal" href="[^"]+\.html")>(<span class="std std-doc">(\d+)</span></a>)')
CARDS = re.compile(r'<div class="[^"]*\bmg-cards\b.*?</section>', re.DOTALL)


def heard(page: str) -> str:
    """The page, mended in every way that this file knows."""
    for mend in (pictures, code, boxes, tables, citations, cards):
        page = mend(page)
    return page


def words(part: str) -> str:
    """The words of a piece of HTML, without its marks."""
    return html.escape(html.unescape(" ".join(re.sub(r"<math.*?</math>|<[^>]+>", " ", part, flags=re.DOTALL).split())))


def pictures(page: str) -> str:
    """Words that stand in a figure are heard, after the sentence that describes the whole.

    What is inside a picture is nothing to a screen reader, so names and numbers below pictures were lost. Now the
    sentence is a picture by itself, and the words follow. A figure without words stays as it is.

    >>> made = '<figure class="mg-figure"><div class="mg-films" role="img" aria-label="Two.">{}</div></figure>'
    >>> pictures(made.format('<b>0.3</b><img src="a" alt="Two.">'))[48:-15]
    '<span class="visually-hidden" role="img" aria-label="Two."></span><b>0.3</b><img src="a" alt="">'
    >>> wordless = made.format('<img src="a" alt="A row.">')
    >>> pictures(wordless) == wordless
    True
    """
    return FIGURE.sub(lambda figure: one_picture(figure["seen"], figure["rest"] or ""), page)


def one_picture(seen: str, rest: str) -> str:
    """One figure."""
    whole = WHOLE.search(seen)
    if whole is not None and words(CHART.sub("", seen)):
        before, inside = seen[: whole.start()], seen[whole.end() :]
        for pattern, silent in INNER:
            inside = pattern.sub(silent, inside)
        said = f'<span class="visually-hidden" role="img" aria-label="{whole[2]}"></span>'
        seen = f"{before}{whole[1]}{whole[3]}{said}{inside}"
    return f'<figure class="mg-figure">{seen}{rest}</figure>'


def code(page: str) -> str:
    """Code and what it prints are told apart, and from the sentences around them.

    >>> code('<div class="highlight-sh notranslate"><div class="highlight">')
    '<div class="highlight-sh notranslate" role="group" aria-label="Code"><div class="highlight">'
    """
    named = {True: "Output", False: "Code"}
    return CODE.sub(lambda box: f'<div class="{box[1]}" role="group" aria-label="{named[bool(box["output"])]}">', page)


def boxes(page: str) -> str:
    """A box's title is a heading, one below the last: so a reader can go from exercise to exercise.

    >>> boxes('<h2>Do</h2><div class="exercise admonition" id="a"><p class="admonition-title">')[11:]
    '<div class="exercise admonition" id="a"><p class="admonition-title" role="heading" aria-level="3">'
    """

    def titled(box: re.Match[str]) -> str:
        above = LEVEL.findall(page, 0, box.start())
        return f'{box[1]} role="heading" aria-level="{int(above[-1]) + 1 if above else 2}">'

    return BOX.sub(titled, page)


def tables(page: str) -> str:
    """A table written in Markdown has the name of its section, and each row the name that stands first in it.

    >>> table = '<table class="table"><tbody><tr><td>a</td><td>1</td></tr></tbody></table>'
    >>> tables('<h2>Cost<a class="headerlink"></a></h2>' + table)[39:]
    '<table class="table" aria-label="Cost"><tbody><tr><th scope="row">a</th><td>1</td></tr></tbody></table>'
    """

    def named(table: re.Match[str]) -> str:
        headings = HEADING.findall(page, 0, table.start())
        name = f' aria-label="{words(headings[-1])}"' if headings and "<caption>" not in table["head"] else ""
        body = FIRST.sub(lambda row: row_named(row) if words(row[3]) else row[0], table["body"] or "")
        return f'<table class="table"{name}>{table["head"]}{body}</table>'

    return TABLE.sub(named, page)


def row_named(row: re.Match[str]) -> str:
    """The beginning of a row whose first cell names it."""
    return f'{row[1]}<th scope="row"{row[2]}>{row[3]}</th>'


def citations(page: str) -> str:
    """A link whose words are a number says what the number counts, and the one back says where it leads.

    >>> citations('<span class="bibtex-citation" id="id2">[<a href="#id5" title="A. Book.">3</a>]</span>')
    '<span class="bibtex-citation" id="id2">[<a href="#id5" title="A. Book." aria-label="reference 3">3</a>]</span>'
    """

    def named(place: re.Match[str]) -> str:
        return re.sub(r"(<a [^>]*)>(\d+)</a>", r'\1 aria-label="reference \2">\2</a>', place[0])

    page = CHAPTER.sub(r'\1 aria-label="chapter \3">\2', page)
    back = r'\1 aria-label="\2, back to the text">\2</a>'
    return re.sub(r'(<a role="doc-backlink"[^>]*)>(\d+)</a>', back, CITED.sub(named, page))


def cards(page: str) -> str:
    """The cards of the first page are a list, so that it is said how many there are, and where one ends."""

    def listed(section: re.Match[str]) -> str:
        rows = section[0].replace('<div class="sd-row', '<div role="list" class="sd-row')
        return rows.replace('<div class="sd-col', '<div role="listitem" class="sd-col')

    return CARDS.sub(listed, page)

"""What the theme, docutils and autodoc write so that assistive technology can't read it, mended once pages are written.

What our own pages say is mended where they are made; here stands what others make. Each rule below is a pattern, what
takes its place, and why. ``tests/site/test_accessible.py`` looks with axe at what comes out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from finished import once_built, rewrite
from heard import HEADING, heard, words

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class Rule(NamedTuple):
    """A pattern in a page, what takes its place, and why."""

    pattern: str
    better: str
    why: str


RULES = (
    Rule('role="doc-biblioentry"', 'role="listitem"', "ARIA 1.3 gave that role up, and a list holds items"),
    Rule(r'<section id="exercise-content">', "<section>", "an id stands once in a page, and a page has many exercises"),
    Rule(r'<th class="head[^"]*"><p></p></th>', "<td></td>", "the empty corner of a table heads nothing"),
    Rule(
        r'(<div id="pst-primary-sidebar")',
        r'\1 role="navigation" aria-label="Book"',
        "the logo and the search stood in no part of the page that has a name",
    ),
    Rule('aria-label="Main"', 'aria-label="Chapters"', "of two lists of links, which"),
    Rule(
        r'(<button class="btn search-button-field[^>]*?) title="Search" aria-label="Search"',
        r"\1",
        "the button says Search and its keys; a name that leaves the keys out is another one",
    ),
    Rule(
        r'(<a class="[^"]*reference internal" href="[^"]*">([^<]*)</a><details[^>]*><summary>)',
        r'\1<span class="visually-hidden">Pages of: \2</span>',
        "a fold of the list of chapters had a sign and no name",
    ),
    Rule("<output ", '<output aria-live="off" ', "a slider says its value itself; here it stands for the eye"),
    Rule(' title="Toggle primary sidebar"', ' aria-label="Chapters" title="Chapters"', "what is a primary sidebar?"),
    Rule(' title="Toggle secondary sidebar"', ' aria-label="Contents" title="Contents"', "and a secondary one?"),
    Rule(
        r'(<figure class="mg-figure mg-scrub"[^>]*>)<div class="mg-film">',
        r'\1<div class="mg-film" aria-hidden="true">',
        "the sentence below a slider says what its pictures show; they said the same, up to four times",
    ),
    Rule(r'\s+title="(?:previous|next) page"', "", "the link says so itself"),
    Rule(
        r'<header id="pst-header"(?=[^>]*>\s*</header>)', '<header id="pst-header" role="presentation"', "it is empty"
    ),
    Rule(
        r'<footer class="bd-footer">(?=\s*</footer>)',
        '<footer class="bd-footer" role="presentation">',
        "and so is this",
    ),
    Rule('title="Color mode"', 'title="Colours"', "British, as all other words of the pages"),
    Rule('aria-label="Color mode"', 'aria-label="Colours: light, dark or those of the system"', "what a press changes"),
)

PLACE = re.compile(r'<span (id="[^"]+")></span>')
"""An old place that links lead to. Where a section has got the same name since, the section is the place."""

SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
FOLD = re.compile(
    r'<summary aria-label="Toggle hidden content">\s*<p class="collapsed admonition-title">(?P<show>.*?)</p>\s*'
    r'<p class="expanded admonition-title">(?P<hide>.*?)</p>\s*</summary>'
)
WHOLE = re.compile(r'role="img" aria-label="([^"]+)"')
"""A figure of several pictures; where none of them has words of its own, each repeats those of the whole."""

EXERCISE = re.compile(r'<span class="caption-number">(Exercise [\d.]+) ?</span>')
CELL = '<div class="cell '
CAPTION = re.compile(r"<(figcaption|caption)\b[^>]*>(.*?)</\1>", re.DOTALL)
SENTENCE = re.compile(r"^.*?[.:?!](?=\s|$)")
HIDDEN = '<span class="visually-hidden">: {}</span>'
LONGEST = 80


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("build-finished", mend_all)
    app.add_js_file("js/accessible.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@once_built
def mend_all(app: Sphinx, site: Path) -> None:
    """Go over all pages."""
    rewrite(site, lambda page, _: mend(page))


def mend(page: str) -> str:
    """The page with every rule applied.

    >>> mend('<th class="head"><p></p></th>')
    '<td></td>'
    """
    for rule in RULES:
        page = re.sub(rule.pattern, rule.better, page, flags=re.DOTALL)
    for words_of_all in set(WHOLE.findall(page)):
        page = page.replace(f' alt="{words_of_all}"', ' alt=""')
    page = PLACE.sub(lambda place: "" if page.count(place[1]) > 1 else place[0], SIGNATURE.sub(listed, page))
    return heard(FOLD.sub(lambda fold: named(page, fold), page))


def listed(signature: re.Match[str]) -> str:
    """Parameters on lines of their own: autodoc writes definitions without terms, and these are a list."""
    text = signature.group()
    for wrong, right in (
        ("<dl>", '<ul class="mg-parameters">'),
        ("</dl>", "</ul>"),
        ("<dd>", "<li>"),
        ("</dd>", "</li>"),
    ):
        text = text.replace(wrong, right)
    return text


def named(page: str, fold: re.Match[str]) -> str:
    """A fold that says what it holds: fifteen on a page are called "Show the code", and a list of them helped nobody.

    What is added is heard and not seen, since the eye sees what stands around.
    """
    held = HIDDEN.format(holding(page, fold))
    return (
        f'<summary><p class="collapsed admonition-title">{fold["show"]}{held}</p>'
        f'<p class="expanded admonition-title">{fold["hide"]}{held}</p></summary>'
    )


def holding(page: str, fold: re.Match[str]) -> str:
    """What a fold holds: the exercise that it solves, or what its figure or table shows, or else where it stands.

    >>> page = '<h2>Rows<a class="headerlink"></a></h2><summary aria-label="Toggle hidden content">'
    >>> page += '<p class="collapsed admonition-title">Show</p><p class="expanded admonition-title">Hide</p></summary>'
    >>> holding(page, FOLD.search(page))
    'Rows'
    >>> shown = page + "<figcaption>Ten orders: white comes first.</figcaption>"
    >>> holding(shown, FOLD.search(shown))
    'Ten orders'
    """
    before, after = page[: fold.start()], page[fold.end() :]
    exercises = EXERCISE.findall(before)
    if "solution" in fold["show"] and exercises:
        return str(exercises[-1])
    following = after.find(CELL)
    if shown := CAPTION.search(after, 0, following if following >= 0 else len(after)):
        return short(words(shown[2]))
    headings = HEADING.findall(before)
    return words(headings[-1]) if headings else "of this page"


def short(text: str) -> str:
    """The first sentence, or its beginning."""
    found = SENTENCE.match(text)
    first = (found.group() if found else text).rstrip(".:;")
    return first if len(first) <= LONGEST else first[:LONGEST].rsplit(" ", 1)[0] + " ..."

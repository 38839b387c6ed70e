"""A chapter's "Guess first" as a real question: radio buttons on the page, plain text in every notebook.

In the notebook the section is an ordered list whose items hold their options::

    ## Guess first

    1. **Between the dots**, will its curve be
       - (A) straight lines from dot to dot,
       - (B) a smooth wave that passes close by the dots, or
       - (C) a flat line at their average?

JupyterLab and Colab show just that. On the site each of these items becomes a question, and the comment
``<!-- guess 1 -->``, alone in its line where the chapter comes to the result, becomes the place where the reader's own
answer stands. The script ``js/guess.js`` keeps the answers, in the browser only. Without it the buttons can still be
chosen and the places still lead back to the questions. An item without such options stays as it is written.

The script knows nothing of guesses. It keeps the choice of any element with ``data-mg-keep="KEY"`` around radio
buttons, shows it at ``data-mg-kept="KEY"``, and forgets all at a press of ``data-mg-forget``.
"""

from __future__ import annotations

import hashlib
import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

SECTION = "Guess first"
LETTER = re.compile(r"\(([A-Z])\)\s")
PLACE = re.compile(r"<!--\s*guess\b\s*(\d*)\s*-->")
JOIN = re.compile(r"\s*(?:[,;]\s*(?:or|and)|[,;.?])\s*$")
"""What joins an option to the next one, and is no part of the answer."""

FORGET = """
<p class="mg-keeping"><button type="button" data-mg-forget>Forget my answers</button>
<span class="mg-privacy" data-mg-stored>Your answers stay in this browser and are sent nowhere; the button forgets
those of every chapter.</span><span class="mg-privacy" data-mg-refused hidden>This browser stores nothing for this
page, so your answers last until you leave it, and are sent nowhere.</span> <span role="status" data-mg-said></span></p>
"""

log = logging.getLogger(__name__)


class guess_question(nodes.Element):
    """One guess: what is asked, then its options."""


class guess_words(nodes.TextElement):
    """The question in words."""


class guess_option(nodes.TextElement):
    """One answer that can be chosen."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once, before it reads the pages."""
    app.add_node(guess_question, html=(open_question, close_question))
    app.add_node(guess_words, html=(open_asked, close_asked))
    app.add_node(guess_option, html=(open_option, close_option))
    app.connect("doctree-read", on_page)
    app.connect("html-page-context", load_script)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}


def on_page(app: Sphinx, doctree: nodes.document) -> None:
    """Make the questions and the places of a page."""
    ask(doctree, app.env.docname)


def load_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Load the script on the pages that have something to keep; before it the one that makes places for marks."""
    body = context.get("body", "")
    if 'class="mg-claims"' in body:
        app.add_js_file("js/claims.js", priority=400, loading_method="defer")
    if "data-mg-keep=" in body:
        app.add_js_file("js/guess.js", loading_method="defer")


# --- from lists to questions -----------------------------------------------------------------------


def ask(doctree: nodes.document, page: str) -> None:
    """Turn the page's lists of options into questions, and its comments into places for the answers."""
    made: dict[int, guess_question] = {}
    for section in list(doctree.findall(nodes.section)):
        if not section.children or section[0].astext() != SECTION:  # an exercise's section has no title
            continue
        lists = [each for each in section.findall(nodes.enumerated_list) if any(map(options_of, each))]
        for listed in lists:
            for number, item in enumerate(listed, listed.get("start", 1)):
                if options_of(item):
                    if number in made:
                        log.warning("there are two guesses with the number %d", number, location=item)
                    made[number] = turn(item, number, page)
        if lists:
            parent = lists[-1].parent
            parent.insert(parent.index(lists[-1]) + 1, nodes.raw("", FORGET, format="html"))
    for raw in list(doctree.findall(nodes.raw)):
        if found := PLACE.search(raw.astext()):
            place(raw, found[1], made)


def options_of(item: nodes.Node) -> list[nodes.paragraph]:
    """The options of a list's item: a nested list whose entries begin with (A), (B) and so on. Else none."""
    for inner in item.children:
        if isinstance(inner, nodes.bullet_list):
            lines = [entry[0] for entry in inner if len(entry) == 1 and isinstance(entry[0], nodes.paragraph)]
            letters = "".join(match[1] for line in lines if (match := LETTER.match(line.astext())))
            if len(lines) == len(inner) > 1 and letters == "ABCDEFGHIJ"[: len(lines)]:
                return lines
    return []


def turn(item: nodes.Element, number: int, page: str) -> guess_question:
    """Put a question in place of an item's words and options; whatever else it holds stays between them or below."""
    lines = options_of(item)
    words = " ".join(item.astext().split())  # an edited question is another one, and its answer forgotten
    key = f"{page}:{hashlib.sha256(words.encode()).hexdigest()[:12]}"
    made = guess_question("", ids=[f"guess-{number}"], key=key)
    for child in list(item):
        item.remove(child)
        if isinstance(child, nodes.bullet_list) and lines[0].parent.parent is child:
            for line in lines:
                made += choice(line, f"guess-{number}")
        elif isinstance(child, nodes.paragraph) and not made.children:
            made += guess_words("", "", *child.children, number=number)
        else:
            made += child
    item += made
    item["classes"].append("mg-asks")
    return made


def choice(line: nodes.paragraph, name: str) -> guess_option:
    """One option, the comma or the "or" behind it set apart."""
    letter = line.astext()[1]
    parts = list(line.children)
    if isinstance(parts[-1], nodes.Text) and (join := JOIN.search(parts[-1])):
        kept, tail = str(parts[-1])[: join.start()], join[0].rstrip()
        parts[-1:] = [nodes.Text(kept), nodes.inline("", tail, classes=["mg-join"])]
    return guess_option("", "", *parts, letter=letter, name=name)


def place(raw: nodes.raw, number: str, made: dict[int, guess_question]) -> None:
    """Put the reader's answer where a comment names its guess; what can't be done is a warning of the build."""
    if not PLACE.fullmatch(raw.astext().strip()) or isinstance(raw.parent, nodes.TextElement):
        log.warning("the comment for a guess stands alone in its line: <!-- guess 1 -->", location=raw)
    elif not number or int(number) not in made:
        there = ", ".join(map(str, sorted(made))) or "none"
        log.warning("there is no guess %s with options; there: %s", number or "without a number", there, location=raw)
    else:
        key = html.escape(made[int(number)]["key"])
        text = (
            f'<p class="mg-guessed" data-mg-kept="{key}"><span data-mg-none>What did you guess?'
            f' <a href="#guess-{number}">To guess {number}</a></span><span data-mg-some hidden>You guessed:'
            " <strong data-mg-answer></strong>.</span></p>\n"
        )
        raw.replace_self(nodes.raw("", text, format="html"))


# --- from questions to HTML ------------------------------------------------------------------------


def open_question(writer: HTML5Translator, node: guess_question) -> None:
    writer.body.append(writer.starttag(node, "fieldset", CLASS="mg-guess", **{"data-mg-keep": node["key"]}))


def close_question(writer: HTML5Translator, node: guess_question) -> None:
    writer.body.append("</fieldset>\n")


def open_asked(writer: HTML5Translator, node: guess_words) -> None:
    writer.body.append(f'<legend><span class="mg-number">{node["number"]}.</span> ')


def close_asked(writer: HTML5Translator, node: guess_words) -> None:
    writer.body.append("</legend>\n")


def open_option(writer: HTML5Translator, node: guess_option) -> None:
    button = f'<input type="radio" name="{node["name"]}" value="{node["letter"]}" autocomplete="off">'
    writer.body.append(f"<label>{button}<span>")


def close_option(writer: HTML5Translator, node: guess_option) -> None:
    writer.body.append("</span></label>\n")

"""What search engines, chats and lost readers look for: descriptions, cards, addresses, a map, where to report errors.

Descriptions and what a course is stand in every site. What needs an address (``html_baseurl``, which ``tools/stamp.py``
writes) or a repository is left out where there is none.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from cards import draw
from docutils import nodes
from finished import once_built
from minutes import Chapter, chapters

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FIRST = "book/intro"
SENTENCE = re.compile(r"[^.!?]+(?:[.!?](?!\s|$)[^.!?]*)*[.!?](?=\s|$)")
ENOUGH, MOST = 60, 200
"""Letters of a description: search engines show about 160."""

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
LOST = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Not here - {book}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>:root {{ color-scheme: light dark; }} body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem;
font: 1.125rem/1.6 system-ui, sans-serif; }}</style></head><body><main><h1>This page is not here</h1>
<p>Perhaps it has another name now, or the link has a slip. What there is:</p><ul>{links}</ul></main></body></html>
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this once."""
    app.connect("html-page-context", tell, priority=400)
    app.connect("build-finished", write_map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@cache
def lessons(root: Path) -> dict[str, tuple[int, Chapter]]:
    """The numbered chapters, by the names of their pages."""
    rows = enumerate(chapters(root), start=1)
    return {f"book/{row.file.removesuffix('.ipynb')}": (number, row) for number, row in rows}


def described(text: str) -> str:
    """The first sentences of a text, as many as a search engine shows; what ends in no full stop is left out.

    >>> described("You fit a curve to dots. It then reads digits, which takes half an hour. At the end you can")
    'You fit a curve to dots. It then reads digits, which takes half an hour.'
    """
    text = " ".join(text.split())
    said = ""
    for sentence in SENTENCE.findall(text) or [text]:
        if said and (len(said) >= ENOUGH or len(said) + len(sentence) > MOST):
            break
        said += sentence
    return said if len(said) <= MOST else said[:MOST].rsplit(" ", 1)[0] + " ..."


def first_words(doctree: nodes.document | None) -> str:
    """What a page begins with: its first paragraph, not a table's or a caption's."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        if not isinstance(paragraph.parent, nodes.entry | nodes.figure | nodes.legend) and paragraph.astext().strip():
            return described(paragraph.astext())
    return ""


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Write into a page's head what it is, and at its end where an error is reported."""
    title = html.unescape(re.sub(r"<[^>]+>", "", str(context.get("title", "")))) or page
    name = str(app.config.html_title or app.config.project)
    description = first_words(doctree) or f"{title}: a page of the course {name}."
    tags = {"og:type": "article", "og:site_name": name, "og:title": title, "og:description": description}
    if address := context.get("pageurl"):
        tags["og:url"] = str(address)
        if doctree is not None:
            picture = f"_static/cards/{Path(page).name}.png"
            draw(title, name, str(context.get("body", "")), Path(app.srcdir), Path(app.outdir) / picture)
            tags |= {"og:image": f"{app.config.html_baseurl}{picture}", "twitter:card": "summary_large_image"}
            tags |= {"og:image:width": "1200", "og:image:height": "630", "og:image:alt": f"{title}, with a picture"}
    head = f'<meta name="description" content="{html.escape(description)}" />\n'
    head += "".join(f'<meta property="{name}" content="{html.escape(value)}" />\n' for name, value in tags.items())
    data = structured(app, page, title, description, address)
    if data:
        told = json.dumps(data).replace("<", r"\u003c")  # or a text could end the script
        head += f'<script type="application/ld+json">{told}</script>\n'
    context["metatags"] = context.get("metatags", "") + head
    options = app.config.html_theme_options  # an address stands in them in any case, Jupyter Book's own
    if options.get("use_repository_button") and doctree is not None:
        there = html.escape(report(options["repository_url"], title, page))
        context["body"] += f'<p class="mg-report"><a href="{there}">Report an error on this page</a></p>'


def report(repository: str, title: str, page: str) -> str:
    """Where a reader writes what is wrong, with the page's name filled in.

    >>> report("https://github.com/ada/book", "Few steps", "book/few-steps")
    'https://github.com/ada/book/issues/new?title=Error%20on%20the%20page%20Few%20steps%20%28book/few-steps%29'
    """
    said = quote(f"Error on the page {title} ({page})")
    if "gitlab" in (urlsplit(repository).hostname or ""):
        return f"{repository}/-/issues/new?issue[title]={said}"
    return f"{repository}/issues/new?title={said}"


def structured(app: Sphinx, page: str, title: str, description: str, address: Any) -> dict[str, Any]:
    """What schema.org calls a course and its lessons, for those who look for one."""
    known = lessons(Path(app.srcdir))
    about: dict[str, Any] = {"@context": "https://schema.org", "inLanguage": "en", "isAccessibleForFree": True}
    about |= {"license": LICENCE, "description": description}
    if address:
        about["url"] = address
    provider = {"@type": "Organization", "name": str(app.config.author)}
    course: dict[str, Any] = {"@type": "Course", "name": str(app.config.html_title), "provider": provider}
    if page == FIRST:
        parts = [{"@type": "LearningResource", "name": row.title, "position": n} for n, row in known.values()]
        hours = round(sum(row.read + row.exercises for _, row in known.values()) / 60)
        taught = {"@type": "CourseInstance", "courseMode": "Online", "courseWorkload": f"PT{hours}H"}
        return about | course | {"alternateName": title, "hasPart": parts, "hasCourseInstance": taught}
    if page not in known:
        return {}
    number, row = known[page]
    lesson = {"@type": "LearningResource", "learningResourceType": "lesson", "name": row.title, "position": number}
    return about | lesson | {"timeRequired": f"PT{row.read + row.exercises}M", "isPartOf": course}


def in_order(app: Sphinx, page: str) -> Iterator[str]:
    """The page and those below it, as the sidebar lists them."""
    yield page
    for below in app.env.toctree_includes.get(page, ()):
        yield from in_order(app, below)


@once_built
def write_map(app: Sphinx, site: Path) -> None:
    """Write the page for addresses that lead nowhere and, where the site has an address, the map of all pages.

    The lost page may be asked for at any depth, so its links begin with the address, and it needs no other file.
    """
    base = app.config.html_baseurl
    pages = {**{page: app.env.titles[page].astext() for page in in_order(app, FIRST)}, "search": "Search"}
    links = "".join(f'<li><a href="{base}{page}.html">{html.escape(title)}</a></li>' for page, title in pages.items())
    lost = LOST.format(book=html.escape(str(app.config.html_title)), links=links)
    (site / "404.html").write_text(lost, encoding="utf-8")
    if base:
        urls = "".join(f"<url><loc>{html.escape(base)}{page}.html</loc></url>\n" for page in sorted(app.env.found_docs))
        head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (site / "sitemap.xml").write_text(f"{head}{urls}</urlset>\n", encoding="utf-8")

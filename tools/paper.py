"""The book on paper: ``python tools/paper.py`` prints every page of the built site and joins them into one PDF.

Chromium prints, by the same style as for a reader who prints a page (``book/_static/css/print.css``) and without
running a script: sliders and places for drawings are the pictures that stand in the page. pypdf joins: contents with
page numbers, an outline, and links that lead from page to page inside the file.
"""

from __future__ import annotations

import argparse
import html
import sys
from collections.abc import Collection
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup
from chromium import FLAGS, chromium
from playwright.sync_api import Browser, sync_playwright
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NullObject, TextStringObject
from sphinx_external_toc.api import SiteMap, TocTree
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "minigen.pdf"
MOST = 20_000_000
"""Bytes: what can still be sent by mail."""

NUMBERED = """@page {{ size: A4; @bottom-center {{ content: counter(page); font: 9pt sans-serif; color: #48566b; }} }}
@page {{ @top-right {{ content: "{title}"; font: 9pt sans-serif; color: #48566b; }} }}
@page :first {{ @top-right {{ content: none; }} }}
html {{ counter-reset: page {before}; }}"""
PREPARE = """([style, ids]) => {
  document.documentElement.dataset.theme = "light";
  document.querySelectorAll("link[rel=preload]").forEach((link) => link.remove());
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const places = document.createElement("div"); // a place that nothing in the page links to is not kept
  places.style = "position: absolute; visibility: hidden";
  ids.forEach((id) => places.append(Object.assign(document.createElement("a"), { href: "#" + id })));
  document.querySelector("article").append(places);
}"""
CONTENTS = """<!doctype html><html lang=en><meta charset=utf-8><title>Contents</title><style>
@page {{ size: A4; margin: 25mm 25mm 20mm; }}
body {{ font: 11pt/1.5 sans-serif; }}
h1 {{ margin: 0 0 1em; font-size: 26pt; }}
h2 {{ margin: 1em 0 0.2em; font-size: 12pt; }}
p {{ display: flex; margin: 0; }}
p::before {{ content: ""; order: 1; flex: 1; margin: 0 0.5em 0.3em; border-bottom: 1px dotted; }}
span {{ order: 2; }} a {{ color: inherit; text-decoration: none; }}
</style><h1>{title}</h1>{lines}"""


class Chapter(NamedTuple):
    """A page of the site: its name, its heading, the part that it belongs to, and its sections as (id, heading)."""

    name: str
    title: str
    part: str
    sections: tuple[tuple[str, str], ...]


class Place(NamedTuple):
    """Where something is in the joined file: a page, and how far up in it."""

    page: PageObject
    top: float


@cache
def parsed(path: Path) -> BeautifulSoup:
    """A page of the site."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def words(tag: Any) -> str:
    """What a heading says, without the sign that links to it."""
    for link in tag.select(".headerlink"):
        link.decompose()
    return " ".join(tag.get_text().split())


def chapters(site: Path, wanted: Collection[str] | None = None, root: Path = ROOT) -> list[Chapter]:
    """The pages of the book in its order, or those of them that are wanted."""
    toc = parse_toc_yaml(root / "_toc.yml")
    parts = [("", [toc.root.docname]), *((part.caption or "", in_order(toc, part)) for part in toc.root.subtrees)]
    found = []
    for part, names in parts:
        for name in names if wanted is None else [name for name in names if name in wanted]:
            article = parsed(site / f"{name}.html").article
            if article is None or article.h1 is None:
                raise ValueError(f"{name}.html has no article with a heading; build the book anew: make book")
            sections = [(str(tag.parent["id"]), words(tag)) for tag in article.select("section[id] > h2") if tag.parent]
            found.append(Chapter(name, words(article.h1), part, tuple(sections)))
    return found


def in_order(toc: SiteMap, part: TocTree) -> list[str]:
    """The pages of a part, each followed by those below it."""
    below = {name: [page for tree in toc[name].subtrees for page in in_order(toc, tree)] for name in part.files()}
    return [page for name, pages in below.items() for page in (name, *pages)]


def linked(site: Path, wanted: list[Chapter]) -> dict[str, set[str]]:
    """For every page the places in it that other pages link to."""
    found: dict[str, set[str]] = {chapter.name: {name for name, _ in chapter.sections} for chapter in wanted}
    for chapter in wanted:
        path = site / f"{chapter.name}.html"
        for link in parsed(path).select("article a[href*='#']"):
            address, fragment = urldefrag(str(link["href"]))
            target = name_of((path.parent / address).resolve().as_uri(), site) if address else ""
            if target in found:
                found[target].add(unquote(fragment))
    return found


def name_of(address: str, site: Path) -> str:
    """The page that an address of a file names."""
    return unquote(address).removeprefix(unquote(site.resolve().as_uri()) + "/").removesuffix(".html")


def printed(browser: Browser, site: Path, chapter: Chapter, ids: set[str], first: int) -> PdfReader:
    """A page of the site as a PDF whose first page has the number ``first``."""
    context = browser.new_context(java_script_enabled=False, bypass_csp=True, color_scheme="light")
    context.set_default_timeout(0)  # a busy machine is no failure
    page = context.new_page()
    page.goto((site / f"{chapter.name}.html").as_uri(), wait_until="load")
    style = NUMBERED.format(title=chapter.title.replace('"', ""), before=first - 1)
    page.evaluate(PREPARE, [style, sorted(ids)])
    made = page.pdf(prefer_css_page_size=True)
    context.close()
    return PdfReader(BytesIO(made))


def contents(browser: Browser, site: Path, title: str, numbers: dict[Chapter, int]) -> PdfReader:
    """What is where."""
    lines, part = [], ""
    for chapter, number in numbers.items():
        if chapter.part != part:
            part = chapter.part
            lines.append(f"<h2>{html.escape(part)}</h2>")
        address = (site / f"{chapter.name}.html").resolve().as_uri()
        lines.append(f'<p><a href="{address}">{html.escape(chapter.title)}</a><span>{number}</span></p>')
    page = browser.new_page()
    page.set_content(CONTENTS.format(title=html.escape(title), lines="".join(lines)))
    made = page.pdf(prefer_css_page_size=True)
    page.close()
    return PdfReader(BytesIO(made))


def whole_addresses(reader: PdfReader, address: str) -> None:
    """Let links inside a page name it, as those between pages do: the same names occur in many pages."""
    for page in reader.pages:
        for each in page.get("/Annots", ()):
            link = each.get_object()
            if "/Dest" in link:
                target = TextStringObject(f"{address}#{str(link['/Dest']).removeprefix('/')}")
                link[NameObject("/A")] = DictionaryObject(
                    {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): target}
                )
                del link["/Dest"]


def lead(page: PageObject, places: dict[tuple[str, str], Place], site: Path) -> None:
    """Let the links of a page lead into the joined file; those to pages that are not in it go."""
    kept = ArrayObject()
    for each in page.get("/Annots", ()):
        link = each.get_object()
        address, fragment = urldefrag(str(link.get("/A", {}).get("/URI", "")))
        if address.startswith("file:"):
            name = name_of(address, site)
            place = places.get((name, unquote(fragment))) or places.get((name, ""))
            if place is None:
                continue
            target = (
                place.page.indirect_reference,
                NameObject("/XYZ"),
                NullObject(),
                FloatObject(place.top),
                NullObject(),
            )
            link[NameObject("/Dest")] = ArrayObject(target)
            del link["/A"]
        kept.append(each)
    if "/Annots" in page:
        page[NameObject("/Annots")] = kept


def outline(writer: PdfWriter, made: list[Chapter], places: dict[tuple[str, str], Place]) -> None:
    """Parts, chapters and sections, for the sidebar of a reader's program."""
    number = {
        page.indirect_reference.idnum: index for index, page in enumerate(writer.pages) if page.indirect_reference
    }

    def at(place: Place) -> int:
        assert place.page.indirect_reference is not None
        return number[place.page.indirect_reference.idnum]

    part, above = "", None
    for chapter in made:
        start = places[chapter.name, ""]
        if chapter.part != part:
            part = chapter.part
            above = writer.add_outline_item(title=part, page_number=at(start)) if part else None
        item = writer.add_outline_item(title=chapter.title, page_number=at(start), parent=above, is_open=False)
        for name, title in chapter.sections:
            writer.add_outline_item(title=title, page_number=at(places.get((chapter.name, name), start)), parent=item)


def join(title: str, front: PdfReader, bodies: dict[Chapter, PdfReader], site: Path) -> PdfWriter:
    """One file of all pages; those of the contents are numbered i, ii and so on."""
    writer = PdfWriter()
    writer.append(front, import_outline=False)
    places: dict[tuple[str, str], Place] = {}
    for chapter, reader in bodies.items():
        whole_addresses(reader, (site / f"{chapter.name}.html").resolve().as_uri())
        before = len(writer.pages)
        found = {
            name: (reader.get_destination_page_number(to), to.top) for name, to in reader.named_destinations.items()
        }
        writer.append(reader, import_outline=False)
        places[chapter.name, ""] = Place(writer.pages[before], float(writer.pages[before].mediabox.top))
        for name, (page, top) in found.items():
            if page is not None:
                places[chapter.name, name.removeprefix("/")] = Place(writer.pages[before + page], float(top or 0))
    for sheet in writer.pages:
        lead(sheet, places, site)
    outline(writer, list(bodies), places)
    writer.set_page_label(0, len(front.pages) - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(len(front.pages), len(writer.pages) - 1, style=PageLabelStyle.DECIMAL, start=1)
    writer.add_metadata({"/Title": title})
    writer.compress_identical_objects()
    return writer


def book(browser: Browser, site: Path, wanted: list[Chapter], title: str = "minigen") -> PdfWriter:
    """Print these pages and join them."""
    ids, first = linked(site, wanted), 1
    bodies, numbers = {}, {}
    for chapter in wanted:
        numbers[chapter] = first
        bodies[chapter] = printed(browser, site, chapter, ids[chapter.name], first)
        first += len(bodies[chapter].pages)
    return join(title, contents(browser, site, title, numbers), bodies, site)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Print the built book into one PDF.")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of its pages (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="the file (default: %(default)s)")
    given = parser.parse_args(arguments)
    found = chromium()
    if found is None or not (given.site / "index.html").is_file():
        what = "no Chromium was found: install one" if found is None else f"{given.site} has no book: make book"
        print(what, file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        writer = book(browser, given.site.resolve(), chapters(given.site))
        browser.close()
    writer.write(given.out)
    size = given.out.stat().st_size
    print(f"{given.out}: {len(writer.pages)} pages, {size / 1e6:.1f} MB")
    if size > MOST:
        print(f"That is more than {MOST / 1e6:.0f} MB.", file=sys.stderr)
    return int(size > MOST)


if __name__ == "__main__":
    sys.exit(main())

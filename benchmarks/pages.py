"""One row a page of the built site: what axe finds, the bytes of a first visit, Lighthouse's four scores, its length.

Lighthouse looks as it does by default, as a slow phone on a slow network, the middle one of several rounds; it comes
from npm, so this needs Node, and a machine with nothing else to do: its ``index`` tells how fast that was at the time,
and below 1,000 the first score is that of a phone slower still. Pages are sent packed, as hosts of static sites do.
What the tests hold a page to is steadier: bytes, pieces, scripts that block, what moves (tests/site/test_weight.py).

    make book && python benchmarks/pages.py

Writes ``_build/pages.json``, goes on where it was stopped, and prints the table.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tools"), str(ROOT / "tests"), str(ROOT / "tests" / "site")]
from chromium import FLAGS, chromium  # noqa: E402
from test_lessons import MEASURE  # noqa: E402

LIGHTHOUSE = "lighthouse@12.6.1"
SCORES = ("performance", "accessibility", "best-practices", "seo")
COLUMNS = ("page", "axe", "KB", *SCORES, "words", "screens", "index")
PACKED = {".png", ".webp", ".woff2", ".gif"}
AXE = "async () => (await axe.run({ resultTypes: ['violations'] })).violations.length"

Row = dict[str, Any]


@cache
def packed(path: Path) -> bytes:
    """A file as it is sent."""
    return path.read_bytes() if path.suffix in PACKED else gzip.compress(path.read_bytes(), 6)


class Packed(SimpleHTTPRequestHandler):
    """A host of static files."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, or say that there is none."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content = packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Cache-Control", "max-age=600")
        if path.suffix not in PACKED:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def lighthouse(address: str, names: Sequence[str]) -> Row:
    """One round: these scores, and what else it tells."""
    command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json", "--disable-full-page-screenshot"]
    command += [f"--chrome-flags={' '.join(FLAGS)}", f"--only-categories={','.join(names)}"]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    scores = {name: said["categories"][name]["score"] for name in names}
    kilobytes = said["audits"]["total-byte-weight"]["numericValue"] / 1000
    return {**scores, "KB": round(kilobytes), "index": said["environment"]["benchmarkIndex"]}


def looked_at(browser: Browser, address: str) -> Row:
    """What axe finds, and how long the page is at 1200 pixels."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, bypass_csp=True)
    try:
        page = context.new_page()
        page.goto(address, wait_until="load")
        page.evaluate(AXE_SCRIPT)
        length = page.evaluate(MEASURE) if page.locator("article").count() else {"words": 0, "screens": 0}
        return {"axe": page.evaluate(AXE), "words": length["words"], "screens": round(length["screens"], 1)}
    finally:
        context.close()


def measured(browser: Browser, address: str, rounds: int) -> Row:
    """The row of a page. Three of the scores depend on nothing but the page."""
    whole = lighthouse(address, SCORES)
    found = [whole, *(lighthouse(address, SCORES[:1]) for _ in range(rounds - 1))]
    middle = {name: statistics.median(each[name] for each in found) for name in (SCORES[0], "index")}
    return {**whole, **middle, **looked_at(browser, address)}


def table(rows: dict[str, Row]) -> str:
    """All rows, for a text."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *([page, *map(row.get, COLUMNS[1:])] for page, row in rows.items())]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html", help="the folder of the built pages")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "pages.json", help="what was measured")
    parser.add_argument("--rounds", type=int, default=5, help="of Lighthouse, of which the middle one counts (5)")
    given = parser.parse_args()
    pages = [*parse_toc_yaml(ROOT / "_toc.yml"), "search", "genindex", "py-modindex"]
    rows: dict[str, Row] = json.loads(given.out.read_text()) if given.out.is_file() else {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Packed, directory=str(given.site)))
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for page in (each for each in pages if each not in rows):
            address = f"http://127.0.0.1:{server.server_port}/{page}.html"
            rows[page] = measured(browser, address, given.rounds)
            given.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
            print(page, rows[page], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()

"""A reader's visit to pages of the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import BrowserContext, Page

REFUSE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});"
"""A browser that refuses to store anything."""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *said: object) -> None:
        """Leave it unsaid."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder's files are read over HTTP.

    A page that is to keep something has to be read this way: on a busy machine Chromium 156 forgets what a page from
    the disk stored, when that page is loaded again.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def opened(context: BrowserContext, page_at: Path | str) -> Page:
    """The page of this path or address."""
    page = context.new_page()
    page.goto(page_at if isinstance(page_at, str) else page_at.as_uri(), wait_until="load")
    return page

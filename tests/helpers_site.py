"""A reader's visit to pages of the site."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

REFUSE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});"
"""A browser that refuses to store anything."""


def opened(context: BrowserContext, path: Path) -> Page:
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    return page

"""The browser that looks at pages, and prints them: one that is installed already."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The path of a Chromium or Chrome: what MINIGEN_BROWSER says, or the first that is found."""
    return os.environ.get("MINIGEN_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)

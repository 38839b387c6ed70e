"""What everything that goes over the finished pages shares: it runs where a site was built, and on which files."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def once_built(work: Callable[[Sphinx, Path], None]) -> Callable[[Sphinx, Exception | None], None]:
    """What Sphinx may call when a build has ended: ``work`` with the site's folder, if a site was built."""

    @wraps(work)
    def handler(app: Sphinx, error: Exception | None) -> None:
        if error is None and app.builder.format == "html":
            work(app, Path(app.outdir))

    return handler


def pages(site: Path) -> list[Path]:
    """The pages of a site, without what only lies beside them for scripts and readers to open."""
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]


def rewrite(site: Path, change: Callable[[str, Path], str]) -> None:
    """Give every page the text that ``change`` makes of its own; the second argument is where it stands."""
    for path in pages(site):
        before = path.read_text(encoding="utf-8")
        after = change(before, path)
        if after != before:
            path.write_text(after, encoding="utf-8")

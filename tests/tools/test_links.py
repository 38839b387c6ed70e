"""``make links``: what is lost is told from what is there, moved or lets no program in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import links  # noqa: E402


class Web(BaseHTTPRequestHandler):
    """Answers with the number that its path begins with."""

    def do_GET(self) -> None:  # Sphinx asks by it where it gets no answer to less
        self.send_response(int(self.path[1:4]))
        if self.path.startswith("/301"):
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Leave it unsaid."""


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def asked(folder: Path, text: str) -> int:
    (folder / "book").mkdir()
    (folder / "book" / "_config.yml").write_text("title: x\nonly_build_toc_files: true\n")
    (folder / "book" / "_toc.yml").write_text("format: jb-book\nroot: a\n")
    (folder / "book" / "a.md").write_text(f"# A\n\n{text}\n")
    return links.main(["--root", str(folder / "book"), "--out", str(folder / "out")])


def test_what_is_lost_is_named(web: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["200", "301", "403", "404"]
    assert asked(tmp_path, " ".join(f"[{name}]({web}/{name})" for name in wanted)) == 1
    first, why, counts = capsys.readouterr().out.splitlines()
    assert first == f"a.md: {web}/404"
    assert "404" in why
    assert counts == "1 there, 1 moved, 1 guarded, 1 lost"


def test_a_host_that_is_gone_is_lost() -> None:
    row = {"filename": "a.md", "status": "broken", "uri": "https://gone.example/", "info": "Failed to resolve"}
    assert links.link(row) == links.Link("https://gone.example/", "a.md", "lost", "Failed to resolve")
    assert links.link(row | {"uri": "b.md"}) is None

"""The built site and the browser that looks at it, once for all tests; and a loud word on what was left out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers_site import REFUSE, served
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from chromium import FLAGS, chromium  # noqa: E402

STRICT = ("-W", "--keep-going", "--all")
MISSING = (
    "no Chromium or Chrome was found, so no page was opened: errors in the console, requests to other hosts and "
    "pages wider than the screen were not looked for. Install chromium, or set MINIGEN_BROWSER to a browser's path"
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the HTML pages, built anew; a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(ROOT), "--path-output", str(out), *STRICT]
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, f"the site does not build without warnings:\n{built.stdout[-6000:]}"
    return out / "_build" / "html"


@pytest.fixture(scope="session")
def site_address(site: Path) -> Iterator[str]:
    """Where these pages are read over HTTP."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the tests that need it are skipped, or fail where a browser is required."""
    found = chromium()
    if found is None:
        if os.environ.get("MINIGEN_REQUIRE_BROWSER"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of a reader's own, with nothing kept in it; in the end no script may have failed."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def start(script: bool = True, storage: bool = True, width: int = 1200) -> BrowserContext:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            bypass_csp=True,  # see test_strict.py
        )
        context.set_default_timeout(0)  # a busy machine is no failure
        if storage:
            context.on("weberror", lambda failed: wrong.append(str(failed.error)))
        else:
            context.add_init_script(REFUSE)  # which other scripts may not expect
        contexts.append(context)
        return context

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once, in full, that pages were not opened: dots and an S are easily overlooked."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(MISSING[:30] in str(report.longrepr) for report in skipped):
        terminalreporter.section("NOT CHECKED", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} checks of the site were left out: {MISSING}.")

"""What a page needs to draw, beside torch: milliseconds of whole drawings, of one picture each.

The engine of the pages (``minigen/show/web/engine``) in a headless Chromium and torch with one thread take turns; of
some rounds the median counts. The page also draws in plain JavaScript, and slowed down three and six times, as
DevTools do it. It needs Chromium, and MINIGEN_BROWSER names one that is not found by itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from math import nan
from pathlib import Path
from typing import Any

import torch
from common import by_turns, seconds_of
from playwright.sync_api import Page, sync_playwright

import minigen as mg

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book" / "_ext")]

from helpers_engine import bare, chosen, file_of  # noqa: E402

PROMPT = "a small red circle above a big blue square"
DRAWINGS: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "digit, small U-Net, 16 calls": ("digits-v", {}, None),
    "digit, 16 calls": ("digits-any", {"steps": 16, "plan": mg.plans.diffusion().config()}, None),
    "digit, 16 calls, guided": ("digits-any", {"steps": 16, "guidance_scale": 2.0}, 150),
    "digit, 64 scattered": ("digits-scattered", {}, None),
    "digit, 256 pixels": ("digits-raster-1", {}, None),
    "scene, 16 calls, guided": ("scenes", {"prompt": PROMPT}, 700),
}
"""The net, the options, and how many milliseconds it may take."""

SLOWEST = 600
"""Milliseconds that 16 calls may take at a sixth of the speed."""

DRAW = """([net, file, options, simd]) => {
    window.nets ??= {};
    const generator = (nets[net + simd] ??= new all.Generator(to_bytes(file), simd));
    const begin = performance.now();
    for (const moment of all.walk(generator, 1, options));
    return performance.now() - begin;
}"""


def milliseconds(page: Page, net: str, options: dict[str, Any], simd: bool = True, slowed: int = 1) -> float:
    """Of a drawing in the page."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
    return float(page.evaluate(DRAW, [net, file_of(net), options, simd]))


def measure(page: Page, rounds: int, without_plain: bool) -> None:
    """Print the table."""
    print(f"{'':30}{'page':>8}{'at 1/3':>8}{'at 1/6':>8}{'torch':>8}{'plain':>8}{'allowed':>9}")
    for name, (net, options, allowed) in DRAWINGS.items():
        model, usual = chosen(net, options)
        in_page = partial(milliseconds, page, net, {**model.sampling, **options})
        ways: list[Callable[[], float]] = [partial(in_page, slowed=slowed) for slowed in (1, 3, 6)]
        ways.append(lambda model=model, usual=usual: 1000 * seconds_of(lambda: mg.sample(model, 1, **usual)))
        ways.append(lambda: nan if without_plain else in_page(simd=False))  # noqa: B023 (called in this round)
        for way in ways:
            way()  # not counted
        found = [statistics.median(each) for each in by_turns(rounds, *ways)]
        print(f"{name:30}" + "".join(f"{each:8.0f}" for each in found) + (f"{allowed:9.0f}" if allowed else ""))
    print(f"16 calls at a sixth of the speed may take {SLOWEST} ms.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--without-plain", action="store_true", help="leave plain JavaScript out, which is slow")
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = os.environ.get("MINIGEN_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        measure(bare(browser, Path(folder)), given.rounds, given.without_plain)
        browser.close()


if __name__ == "__main__":
    main()

"""The pages draw in Firefox what the package draws: ``python tools/firefox.py``.

Every test of the pages opens them in Chromium; this opens a small page in a Firefox, once a week and not in every test
run. It asks for a handful of drawings and compares them with those of ``mg.sample``, and it presses "Draw" in a place
for a drawing and looks at the canvas. How to run it:

    apt-get install firefox-esr nodejs npm     # or MINIGEN_FIREFOX=/path/to/firefox
    python tools/firefox.py                    # a few minutes; its exit status says whether all was the same

puppeteer-core drives the browser that is installed, by WebDriver BiDi; it is put into a temporary folder by npm, which
needs a connection. (Playwright drives a Firefox of its own alone, and Selenium needs one more program, geckodriver.)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import minigen as mg

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book" / "_ext")]

from helpers_engine import BYTES, DRAW, WEB, by_the_package, numbers, site  # noqa: E402

PUPPETEER = "puppeteer-core@25.16.0"
NOISE = {"name": "diffusion", "width": 1.0}
DRAWINGS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "averages": ("digits-v", 8, {}),
    "noise": ("digits-any", 16, {"steps": 4, "plan": NOISE, "guidance_scale": 2.0}),
    "any ramp": ("digits-any", 16, {"steps": 4, "seed": 2**33}),
    "patches": ("digits-any", 16, {"steps": 4, "plan": {"name": "raster", "patch": 8}}),
    "pixel by pixel": ("digits-causal-conv", 4, {}),
    "a scene": ("scenes", 1, {"steps": 4, "prompt": "a small red circle above a big blue square"}),
}
PLACE = mg.widgets.drawing(
    "digits-v",
    {"labels": range(10)},
    count=4,
    steps=2,
    labels=3,
    alt="Four pictures of the digit {labels}.",
    caption="Four digits from noise.",
)
DRIVER = """
import puppeteer from "puppeteer-core";
const { firefox, address, bytes, draw, drawings } = JSON.parse(process.env.ASKED);
const browser = await puppeteer.launch({
  ...{ browser: "firefox", executablePath: firefox, headless: true, protocolTimeout: 600_000 },
  extraPrefsFirefox: { "ui.prefersReducedMotion": 1 }, // the end of a film at once
});
try {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(address);
  await page.evaluate(bytes);
  const found = {};
  for (const [name, given] of Object.entries(drawings)) {
    found[name] = await page.evaluate(`(${draw})(${JSON.stringify(given)})`);
  }
  await page.click("figure[data-drawing] .mg-draw");
  await page.waitForFunction(() => / ms /.test(document.querySelector(".mg-told").textContent), { timeout: 120_000 });
  const shown = await page.evaluate(() => {
    const canvas = document.querySelector("figure[data-drawing] canvas");
    const { width, height } = canvas;
    return [width, height, Array.from(canvas.getContext("2d").getImageData(0, 0, width, height).data)];
  });
  console.log(JSON.stringify({ version: await browser.version(), errors, found, shown }));
} finally {
  await browser.close();
}
"""


def small_site(folder: Path) -> Path:
    """A page with a place for a drawing, as the build makes it."""
    path = site(folder, tuple({net for net, _, _ in DRAWINGS.values()}))
    shutil.copytree(WEB / "js", folder / "_static" / "js")
    scripts = "".join(f'<script defer src="_static/js/{name}.js"></script>' for name in ("film", "drawing"))
    path.write_text(f"{path.read_text()}{scripts}<body>{PLACE.still()}", encoding="utf-8")
    return path


def by_firefox(firefox: str, address: str, folder: Path) -> dict[str, Any]:
    """What the page in this Firefox draws, shows and complains of."""
    (folder / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", PUPPETEER]
    subprocess.run(install, cwd=folder, check=True)
    asked = {"firefox": firefox, "address": address, "bytes": BYTES, "draw": DRAW, "drawings": DRAWINGS}
    done = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=DRIVER,
        cwd=folder,
        env={**os.environ, "ASKED": json.dumps(asked)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1200,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def difference(found: dict[str, Any], case: str) -> str:
    """What is wrong with a drawing, or nothing: of thrown pixels none may differ, of averages by what a sum may."""
    if "error" in found:
        return str(found["error"])
    net, count, options = DRAWINGS[case]
    wanted = by_the_package(net, count, options)
    gap = (numbers(found["images"]).view_as(wanted) - wanted).abs()
    most = 0 if mg.zoo.load(net, device="cpu").head.draws else 4e-5
    differ = int((gap > most).sum())
    return f"{differ} of {gap.numel()} numbers differ, by up to {gap.max():.2g}" if differ else ""


def canvas_difference(width: int, height: int, values: list[int]) -> str:
    """The same of what was pressed for: four digits side by side, two pixels apart, to a step of 256."""
    sheet: Tensor = torch.tensor(values).view(height, width, 4)[..., 0]
    each = (width + 2) // 4
    scale = (each - 2) // 16
    found = torch.stack([sheet[::scale, each * i : each * (i + 1) - 2 : scale] for i in range(4)])
    wanted = (by_the_package("digits-v", 4, {"steps": 2, "labels": 3})[:, 0].clamp(-1, 1) + 1) * 127.5
    gap = (found - wanted).abs()
    differ = int((gap > 1.5).sum())
    return f"{differ} of {gap.numel()} pixels differ" if differ else ""


def main() -> int:
    """Say what is the same and what is not."""
    firefox = os.environ.get("MINIGEN_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        print("No Firefox was found; install one, or set MINIGEN_FIREFOX to its path.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        page = small_site(Path(folder))
        said = by_firefox(firefox, page.as_uri(), Path(folder))
    wrong = {case: difference(found, case) for case, found in said["found"].items()}
    wrong["a press on a place"] = canvas_difference(*said["shown"])
    wrong["what the page complains of"] = "; ".join(said["errors"])
    print(said["version"])
    for name, what in wrong.items():
        took = f", {said['found'][name]['ms']:.0f} ms" if not what and name in said["found"] else ""
        print(f"{name}: {what or 'as it should be'}{took}")
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main())

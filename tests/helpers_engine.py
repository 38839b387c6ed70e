"""Pages that load the engine: as a chapter does, or its parts alone, to be called one by one."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Browser, Page
from torch import Tensor
from weights import write

import minigen as mg
from minigen.zoo.pretrained import SHIPPED

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "minigen" / "show" / "web"
ENGINE = WEB / "engine"
STATIC = (ROOT / "book" / "_static", WEB)
"""What a built page finds in ``_static``: the book's own files, and those that the package brings."""

FILES = re.findall(r'"(\w+)"', (ENGINE / "engine.js").read_text().partition("const FILES = [")[2].partition("];")[0])

BYTES = """
    window.to_text = (numbers) => {
      const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      let text = "";
      for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
      return btoa(text);
    };
    window.to_bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
"""
"""Numbers travel between page and test in base64: as lists they take longer than the drawing."""

DRAW = """async ([net, count, options]) => {
    try {
      const moment = await minigen.sample(net, count, options).done;
      return { images: to_text(moment.images), nfe: moment.nfe, ms: moment.ms, simd: moment.simd };
    } catch (error) {
      return { error: error.message };
    }
}"""


def static(name: str) -> str:
    """The address of the file that a built page finds as ``_static/NAME``."""
    return next(part / name for part in STATIC if (part / name).is_file()).as_uri()


def site(folder: Path, nets: tuple[str, ...], page: str = "") -> Path:
    """A small site in a folder, as the build makes it: the engine, the weights of these nets, and ``page.html``."""
    shutil.copytree(ENGINE, folder / "_static" / "engine")
    for net in nets:
        write(net, folder / "_static" / "weights")
    script = '<script src="_static/engine/engine.js"></script>'
    path = folder / "page.html"
    path.write_text(f"<!doctype html><html lang=en><meta charset=utf-8>{page}<title>x</title>{script}")
    return path


def opened(browser: Browser, address: str) -> Page:
    """The page, which complains of nothing."""
    page = browser.new_context().new_page()
    page.context.set_default_timeout(0)  # a busy machine is no failure
    page.goto(address, wait_until="load")
    page.evaluate(BYTES)
    return page


def bare(browser: Browser, folder: Path) -> Page:
    """A page that has all parts of the engine in ``all``, without a worker."""
    scripts = "".join(f'<script src="{(ENGINE / name).as_uri()}.js"></script>' for name in FILES)
    first = "<script>var all = {}; var minigen = { part: (part) => Object.assign(all, part(all)) };</script>"
    path = folder / "bare.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{first}{scripts}")
    return opened(browser, path.as_uri())


def numbers(text: str) -> Tensor:
    """What ``to_text`` wrote of float32 numbers."""
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), np.float32).copy())


def text(given: Tensor) -> str:
    """For ``new Float32Array(to_bytes(...))``."""
    return base64.b64encode(given.numpy().astype(np.float32).tobytes()).decode()


def file_of(net: str) -> str:
    """A net's file of weights, for ``to_bytes``."""
    return base64.b64encode((SHIPPED / f"{net}.safetensors").read_bytes()).decode()


def chosen(net: str, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model, and the options of ``mg.sample``, for what a page is asked."""
    model: Any = mg.zoo.load(net, device="cpu")
    given = {**model.sampling, **options}
    side = model.shape[1]
    if plan := given.pop("plan", None):
        model = model.along(mg.plans.build(plan))
    if {"negative", "levels"} & given.keys():
        levels = given.pop("levels", None)
        model = mg.Guided(model, negative=given.pop("negative", None), levels=levels and tuple(levels))
    if "mask" in given:
        given["mask"] = torch.tensor(given["mask"]).view(side, side)
        given["known"] = torch.tensor(given["known"]).view(1, 1, side, side)
    return model, given


def by_the_package(net: str, count: int, options: dict[str, Any]) -> Tensor:
    """What the page is asked for, drawn by ``mg.sample``."""
    model, given = chosen(net, options)
    return mg.sample(model, count, **given)


def in_the_page(page: Page, net: str, count: int, options: dict[str, Any]) -> Tensor:
    """What the engine draws, flat."""
    found = page.evaluate(DRAW, [net, count, options])
    assert "error" not in found, found
    return numbers(found["images"])

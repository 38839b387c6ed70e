"""Causal nets in a page: they write what ``mg.sample`` writes, pixel by pixel, and read each pixel once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_engine import DRAW, bare, by_the_package, file_of, in_the_page, numbers, opened, site, text
from playwright.sync_api import Browser, Page

import minigen as mg
from minigen.base.randomness import seeded

NETS = ("digits-causal-conv", "digits-causal-transformer")
ROWS = mg.data.digits()[0][3].flatten().tolist()
KNOWN = {"known": ROWS, "mask": [pixel < 112 for pixel in range(256)]}
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "drawn": (8, {}),
    "one of them": (1, {"seed": 3}),
    "guided": (4, {"seed": 2, "labels": [4, 5, 6, 7], "guidance_scale": 3.0}),
    "untold": (2, {"guidance_scale": 0.0}),
    "bolder": (4, {"temperature": 0.6}),
    "likeliest": (2, {"temperature": 0.0}),
    "many pixels a step": (2, {"steps": 2}),
    "completed": (4, {"seed": 5, "steps": 144, **KNOWN}),
    "completed in few steps": (2, {"steps": 2, **KNOWN}),
}
"""The way there is the net's own, so one that is walked in few steps reads the whole picture in each."""

BELIEFS = """([file, from, levels, scale]) => {
    const generator = new all.Generator(to_bytes(file));
    const [x, t] = [from, levels].map((text) => new Float32Array(to_bytes(text)));
    return to_text(generator.belief(x, t, [7, 3], scale, new all.Guided(generator), 2));
}"""
CALLS = """([file, known, steps]) => {
    const generator = new all.Generator(to_bytes(file));
    let calls = 0;
    const next = generator.net.next;
    generator.net.next = (...given) => (calls++, next.apply(generator.net, given));
    const mask = known.map((_, pixel) => pixel < 240);
    for (const moment of all.walk(generator, 2, { steps, known, mask }));
    return calls;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = opened(browser, site(tmp_path_factory.mktemp("causal"), NETS).as_uri())
    yield page
    page.context.close()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("net", NETS)
def test_no_pixel_differs(page: Page, net: str, case: str) -> None:
    found, wanted = in_the_page(page, net, *CASES[case]), by_the_package(net, *CASES[case])
    differ = int((found.view_as(wanted) != wanted).sum())
    assert differ == 0, f"{differ} of {wanted.numel()} pixels"


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("net", NETS)
def test_beliefs(browser: Browser, tmp_path: Path, net: str, scale: float) -> None:
    """At all pixels, of pictures that are half there."""
    model: Any = mg.zoo.load(net, device="cpu")
    x = torch.rand(2, 1, 16, 16, generator=seeded(1)) * 2 - 1
    t = model.plan.levels(torch.tensor([0.5, 0.25], dtype=torch.float64), model.shape).float()
    with torch.no_grad():
        wanted = model.belief(x, t, torch.tensor([7, 3]), scale)
    page = bare(browser, tmp_path)
    found = numbers(page.evaluate(BELIEFS, [file_of(net), text(x), text(t), scale]))
    page.context.close()
    torch.testing.assert_close(found, wanted.flatten(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("net", NETS)
def test_each_pixel_is_read_once(browser: Browser, tmp_path: Path, net: str) -> None:
    """Those that are known, too. Where a step writes several, each step reads all."""
    page = bare(browser, tmp_path)
    for steps, reads in ((16, 256), (2, 2 * 256)):
        assert page.evaluate(CALLS, [file_of(net), ROWS, steps]) == reads
    page.context.close()


def test_two_blocks_of_pictures(page: Page) -> None:
    """Each has its memory."""
    given = ("digits-causal-conv", 66, {"steps": 8, "known": ROWS, "mask": [pixel < 248 for pixel in range(256)]})
    assert torch.equal(in_the_page(page, *given).view(66, 1, 16, 16), by_the_package(*given))


@pytest.mark.parametrize("net", NETS)
def test_another_plan_is_refused_in_the_packages_words(page: Page, net: str) -> None:
    given = (net, 1, {"plan": {"name": "random_order"}})
    with pytest.raises(ValueError, match="causal net") as refused:
        by_the_package(*given)
    assert page.evaluate(DRAW, list(given)) == {"error": str(refused.value)}

"""The kernel: its bytes are the text assembled, and it computes what the plain loop does, to the bit."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from helpers_engine import ENGINE, bare, numbers, text
from playwright.sync_api import Browser, Page
from wasmtime import wat2wasm

from minigen.base.randomness import seeded

CONVOLVE = """([simd, from, weight, bias, shape, side]) => {
    const [x, values, b] = [from, weight, bias].map((text) => new Float32Array(to_bytes(text)));
    const kernel = new all.Kernel(simd);
    const conv = new all.Conv(kernel, { "c.weight": { shape, values }, "c.bias": { values: b } }, "c", side);
    for (let i = 0; i < x.length; i++) {
      const [channel, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
      conv.input[conv.place(pixel) + channel] = x[i];
    }
    return [kernel.simd, to_text(conv.run())];
}"""


def test_the_bytes_are_the_text_assembled() -> None:
    strings = re.findall(r'^    "([\w+/=]+)"', (ENGINE / "kernel.js").read_text(), re.MULTILINE)
    assert base64.b64decode("".join(strings)) == bytes(wat2wasm((ENGINE / "conv.wat").read_text()))


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = bare(browser, tmp_path_factory.mktemp("kernel"))
    yield page
    page.context.close()


@pytest.mark.parametrize(
    ("outputs", "channels", "reach", "side"), [(16, 2, 3, 16), (8, 24, 3, 4), (40, 8, 1, 8), (3, 5, 3, 4)]
)
def test_it_is_the_plain_loop_and_torchs_convolution(
    page: Page, outputs: int, channels: int, reach: int, side: int
) -> None:
    random = seeded(outputs)
    x, weight, bias = (
        torch.randn(*shape, generator=random)
        for shape in ((1, channels, side, side), (outputs, channels, reach, reach), (outputs,))
    )
    given = [text(x), text(weight), text(bias), [outputs, channels, reach, reach], side]
    (simd, fast), (plain, slow) = (page.evaluate(CONVOLVE, [wanted, *given]) for wanted in (True, False))
    assert (simd, plain) == (True, False)
    assert fast == slow  # to the bit
    found = numbers(fast).view(side * side, -1)[:, :outputs].T.reshape(1, outputs, side, side)
    wanted = F.conv2d(x, weight, bias, padding=(reach - 1) // 2)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_it_is_small() -> None:
    assert len(wat2wasm(Path(ENGINE / "conv.wat").read_text())) < 800

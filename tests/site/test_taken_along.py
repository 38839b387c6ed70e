"""Exported pages, opened from a file: they draw what ``mg.sample`` draws with the model as it was packed, alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_export import as_packed, small, told, wake
from helpers_own import Spiral
from playwright.sync_api import Browser, Page
from test_live import ended, pictures, same
from torch import Tensor

import minigen as mg
from minigen import heads, nets, plans

WORDS = ("a", "cat", "dog", "red")
RESTING: dict[str, Any] = {"steps": 3, "seed": 5}
MODELS: dict[str, tuple[Callable[[], mg.Generator], dict[str, Any]]] = {
    "labels": (lambda: small(8, condition=told(3)), {"labels": 2, "guidance_scale": 2.0, "eta": 0.0}),
    "a prompt": (lambda: small(12, 3, condition=mg.Prompt(WORDS, length=6)), {"prompt": "a red dog", "eta": 0.0}),
    "told nothing, 28 pixels": (lambda: small(28, head=heads.Regression("x0")), {"second_order": True, "eta": 0.0}),
    "an order": (lambda: small(16, plan=plans.ramp(1 / 4, mg.orders.order("centre"))), {}),
    "an own plan": (lambda: small(8, plan=Spiral(), head=heads.Categorical(4)), {}),
    "scattered colours": (lambda: small(20, 3, plan=plans.random_order(), head=heads.Categorical(8)), {}),
    "a folder's": (lambda: wake(mg.recipes.Suggestion((3, 8, 8), 2, widths=(8, 8)).generator()), {"labels": 1}),
    "causal": (
        lambda: small(
            net=nets.CausalConv(6, width=8, layers=2, context_size=8),
            head=heads.Categorical(4),
            plan=plans.raster(1),
            condition=told(2),
        ),
        {"steps": 36, "labels": 1},
    ),
}


def wanted(model: mg.Generator, count: int, **options: Any) -> Tensor:
    """What ``sample`` draws, as a canvas would show it."""
    drawn = mg.sample(model, count, **options)
    return ((drawn.clamp(-1, 1) + 1) * 127.5).add(0.5).floor().to(torch.uint8).expand(-1, 3, -1, -1)


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[[Path], Page]]:
    """Opens a page where there is no network; in the end it asked for nothing, and complained of nothing."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 390, "height": 900}, offline=True)
    context.set_default_timeout(120_000)  # a busy machine is no failure
    asked: list[str] = []
    wrong: list[str] = []
    opened: list[str] = []

    def start(path: Path) -> Page:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        opened.append(path.as_uri())
        page.goto(path.as_uri(), wait_until="load")
        return page

    yield start
    context.close()
    assert wrong == []
    assert [url for url in asked if url not in opened and not url.startswith("blob:null/")] == []


def drawn(page: Page) -> str:
    page.get_by_role("button", name="Draw").click()
    return ended(page.locator("figure"))


@pytest.mark.parametrize("case", MODELS)
def test_the_page_draws_what_the_packed_model_draws(look: Callable[[Path], Page], tmp_path: Path, case: str) -> None:
    make, options = MODELS[case]
    model, options = make(), {**RESTING, **options}
    page = look(mg.export_page(model, tmp_path / "drawn.html", count=4, columns=2, **options))
    drawn(page)
    found = pictures(page.locator("canvas"), model.shape[-1], 2, 4)
    same(found, wanted(as_packed(model), 4, **{**model.sampling, **options}))


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_with_more_bytes_a_number(look: Callable[[Path], Page], tmp_path: Path, kind: str) -> None:
    model = small(8, condition=told(2))
    page = look(mg.export_page(model, tmp_path / "drawn.html", count=4, columns=2, weights=kind, **RESTING))
    drawn(page)
    found = pictures(page.locator("canvas"), 8, 2, 4)
    same(found, wanted(as_packed(model, kind), 4, **RESTING))


def test_a_guided_model_and_its_controls(look: Callable[[Path], Page], tmp_path: Path) -> None:
    model = small(8, condition=told(3))
    guided = mg.Guided(model, negative=2, levels=(0.25, 0.75))
    names = ("cats", "dogs", "Füchse")
    path = mg.export_page(guided, tmp_path / "drawn.html", count=2, names=names, steps=4, eta=0.0, guidance_scale=3.0)
    page = look(path)
    page.get_by_label("label", exact=True).select_option("Füchse")
    assert "Füchse" in drawn(page)
    packed = mg.Guided(as_packed(model), negative=2, levels=(0.25, 0.75))
    options: dict[str, Any] = {"steps": 4, "eta": 0.0, "guidance_scale": 3.0, "labels": 2, "seed": 0}
    shown = ((mg.sample(packed, 2, **options).clamp(-1, 1) + 1) * 127.5).add(0.5).floor().to(torch.uint8)
    same(pictures(page.locator("canvas"), 8, 2, 2), shown.expand(-1, 3, -1, -1))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as PNG").click()
    assert waiting.value.suggested_filename.startswith("model-label-Füchse-steps-4-")
    assert "labels=F%C3%BCchse" in str(page.locator(".mg-here").get_attribute("href"))


def test_what_is_wrong_with_a_prompt_is_said(look: Callable[[Path], Page], tmp_path: Path) -> None:
    model = small(8, condition=mg.Prompt(WORDS, length=6))
    page = look(mg.export_page(model, tmp_path / "drawn.html", count=1, steps=2))
    assert page.locator("datalist option").evaluate_all("all => all.map((one) => one.value)") == list(WORDS)
    page.get_by_label("prompt").fill("a cart")
    page.get_by_role("button", name="Draw").click()
    said = page.locator(".mg-told")
    page.wait_for_function("(said) => /unknown word/.test(said.textContent)", arg=said.element_handle())
    assert "did you mean 'cat'" in said.inner_text()


def test_a_net_that_needs_more_memory_than_the_books(look: Callable[[Path], Page], tmp_path: Path) -> None:
    """64 x 64 in colour: its features alone fill more than the kernel begins with."""
    net = nets.UNet(64, 3, widths=(32, 64, 128, 256))
    model = small(net=net)
    page = look(mg.export_page(model, tmp_path / "drawn.html", count=1, steps=1))
    drawn(page)
    same(pictures(page.locator("canvas"), 64, 1, 1), wanted(as_packed(model), 1, steps=1))


SIZES = [
    ("int8", 2_170_000, 2_210_000),
    ("float16", 4_070_000, 4_110_000),
    ("float32", 7_970_000, 8_010_000),
]
"""The most bytes of a page with the digits' net, and with that of 32 x 32 pixels in colour; the docstring's table."""


@pytest.mark.parametrize(("kind", "digits", "colour"), SIZES)
def test_sizes(tmp_path: Path, kind: str, digits: int, colour: int) -> None:
    first = mg.export_page(mg.zoo.load("digits-diffusion", device="cpu"), tmp_path / "a.html", weights=kind)
    net = mg.Generator(nets.UNet(size=32, channels=3), heads.Regression("v"), plans.diffusion())
    second = mg.export_page(net, tmp_path / "b.html", weights=kind, steps=1)
    for path, most in ((first, digits), (second, colour)):
        assert 0.95 * most < path.stat().st_size <= most
        assert f"{most:,}" in (mg.export_page.__doc__ or "")


def test_it_reads_on_a_desktop_and_a_phone_light_and_dark(browser: Browser, tmp_path: Path) -> None:
    path = mg.export_page(small(8, condition=told(3)), tmp_path / "drawn.html", "W" * 60, steps=2)
    colours = set()
    for width in (390, 1200):
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            page.goto(path.as_uri(), wait_until="load")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            context.close()
    assert len(colours) == 2


def test_without_scripts_the_first_pictures_stay(browser: Browser, tmp_path: Path) -> None:
    path = mg.export_page(small(), tmp_path / "drawn.html", count=2, steps=2)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(path.as_uri(), wait_until="load")
    assert page.locator("figure img").is_visible()
    assert page.get_by_text("Where scripts run, it draws new ones here.").is_visible()
    page.context.close()

"""The page about a training, opened from a file, without a network: light and dark, on a phone and wider."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser

from minigen import data, train_folder

SECTIONS = ["What it drew on the way", "How the loss fell", "Is it copying?", "Scores", "How to go on"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a training on a few pictures, one of whose labels looks like a script."""
    place = tmp_path_factory.mktemp("own")
    pictures = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    data.save(pictures, place / "icons", torch.arange(40) % 2, ("<script>alert(1)<", 'dogs" onload="alert(2)'))
    found = data.folder(place / "icons", 8, cache=False)
    return train_folder(found, runs=place, iterations=4, batch_size=8, device="cpu", progress=False).page


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_alone_and_can_be_read(report: Path, browser: Browser, scheme: str, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True)  # type: ignore[arg-type]
    context.set_default_timeout(120_000)  # a busy machine is no failure
    page, asked, said = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(report.as_uri(), wait_until="load")
    assert page.locator("h2").all_inner_texts() == SECTIONS
    assert all(page.locator("img").evaluate_all("all => all.map(each => each.naturalWidth > 0)"))
    assert page.locator(".mg-titles").first.locator("span").first.inner_text() == "<script>alert(1)<"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    back, words, axes = (
        page.evaluate(f"getComputedStyle(document.querySelector('{part}')).{kind}")
        for part, kind in (("body", "backgroundColor"), ("body", "color"), ("svg.mg-chart", "color"))
    )
    assert (light(back) > light(words)) == (scheme == "light")
    assert axes == words  # the chart is written in the page's colour
    assert asked == [report.as_uri()]
    assert said == []
    context.close()


def light(colour: str) -> int:
    """How much light is in ``rgb(1, 2, 3)``."""
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

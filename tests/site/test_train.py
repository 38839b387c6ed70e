"""What pages train: a network that learns as torch's does, to the bit but for rounding; and the two places for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers_engine import static
from playwright.sync_api import Browser, Page

import minigen as mg
from minigen.base.randomness import seeded

SIZES, COUNT, UPDATES, RATE = (2, 8, 5, 3), 7, 12, 0.01
LEARN = """([sizes, weights, x, y, count, updates, rate]) => {
    const network = new minigen.Network(sizes);
    network.layers.forEach((layer, i) => layer.values.set(weights[i]));
    const losses = [];
    const [from, to] = [Float32Array.from(x), Float32Array.from(y)];
    for (let k = 0; k < updates; k++) losses.push(network.learn(from, to, count, rate));
    return [losses, network.layers.map((layer) => Array.from(layer.values)), Array.from(network.of(from, count))];
}"""


def picture(seed: int) -> mg.plots.Figure:
    return mg.plots.grid(torch.zeros(1, 1, 4, 4), alt="A grey square stands here.")


ANSWERS = dict(zip(("a 4", "a 7", "a 0"), mg.data.digits(size=16)[0][:3], strict=True))


def place(lesson: str, **given: Any) -> str:
    made = mg.widgets.drawing(draw=picture, controls={"seed": (0, 3)}, trains=lesson, caption="A place.", **given)
    return made.still()


def page_in(folder: Path) -> Path:
    """A page with all three."""
    styles, names = ("course", "figures", "drawing"), ("network", "tools", "train", "curve", "cloud", "average")
    links = "".join(f"<link rel=stylesheet href={static(f'css/{name}.css')}>" for name in styles)
    scripts = "".join(f"<script defer src={static(f'js/{name}.js')}></script>" for name in names)
    body = place("curve") + place("cloud") + place("average", answers=ANSWERS)
    path = folder / "page.html"
    path.write_text(f"<!doctype html><html lang=en><meta charset=utf-8>{links}{scripts}{body}")
    return path


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    page = browser.new_context(viewport={"width": 390, "height": 900}).new_page()
    page.context.set_default_timeout(120_000)
    page.goto(page_in(tmp_path).as_uri(), wait_until="load")
    yield page
    page.context.close()


def values(net: torch.nn.Module) -> list[list[float]]:
    """Of each layer its weights, row by row, and its biases."""
    layers = [layer for layer in net.modules() if isinstance(layer, torch.nn.Linear)]
    return [torch.cat([layer.weight.flatten(), layer.bias]).tolist() for layer in layers]


def test_it_learns_as_torch_does(page: Page) -> None:
    """The same losses and, after twelve updates of Adam, the same weights."""
    random = seeded(3)
    torch.manual_seed(0)
    net = mg.nets.dense(*SIZES)
    x, y = torch.randn(COUNT, SIZES[0], generator=random), torch.randn(COUNT, SIZES[-1], generator=random)
    given: list[Any] = [SIZES, values(net), x.flatten().tolist(), y.flatten().tolist(), COUNT, UPDATES, RATE]
    losses, weights, said = page.evaluate(LEARN, given)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    wanted = []
    for _ in range(UPDATES):
        loss = F.mse_loss(net(x), y)
        wanted.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses == pytest.approx(wanted, rel=1e-5)
    for found, true in zip(weights, values(net), strict=True):
        assert found == pytest.approx(true, abs=2e-5)
    assert said == pytest.approx(net(x).flatten().tolist(), abs=1e-4)
    assert losses[-1] < 0.9 * losses[0]


def numbers(page: Page, which: int) -> tuple[int, float]:
    told = page.locator("figure").nth(which).locator(".mg-numbers").inner_text()
    found = re.fullmatch(r"(\d+) updates?, loss (\d\.\d{4})", told)
    assert found, told
    return int(found[1]), float(found[2])


@pytest.mark.parametrize("which", [0, 1], ids=["curve", "cloud"])
def test_it_is_trained_paused_and_begun_anew(page: Page, which: int) -> None:
    figure = page.locator("figure").nth(which)
    figure.get_by_role("button", name="One update").click()
    begun = numbers(page, which)
    assert begun[0] == 1
    figure.get_by_role("button", name="Train").click()
    page.wait_for_function(
        "which => parseInt(document.querySelectorAll('.mg-numbers')[which].textContent) > 150", arg=which
    )
    figure.get_by_role("button", name="Pause").click()
    ended = numbers(page, which)
    assert ended[0] > 150
    if which == 0:  # the cloud's loss is of a few points that are drawn anew each time
        assert ended[1] < 0.5 * begun[1]
    assert figure.locator(".mg-told").inner_text().startswith(f"{ended[0]} updates, loss ")
    page.wait_for_timeout(100)
    assert numbers(page, which) == ended  # it rests
    figure.get_by_role("button", name="New network").click()
    assert figure.locator(".mg-numbers").inner_text() == "0 updates"


def test_points_can_be_added_and_presets_take_their_place(page: Page) -> None:
    curve, cloud = page.locator("figure").nth(0), page.locator("figure").nth(1)
    chart = curve.locator("canvas")
    chart.click(position={"x": 40, "y": 30})
    assert "5 dots" in str(chart.get_attribute("aria-label"))
    curve.get_by_label("dots", exact=True).select_option("30")
    assert "30 dots" in str(chart.get_attribute("aria-label"))
    square = cloud.locator("canvas")
    assert "20 training points" in str(square.get_attribute("aria-label"))
    square.click(position={"x": 40, "y": 30})
    square.click(position={"x": 90, "y": 60})
    assert "2 training points" in str(square.get_attribute("aria-label"))
    cloud.get_by_label("points", exact=True).select_option("spiral")
    assert "40 training points" in str(square.get_attribute("aria-label"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def squares(page: Page) -> list[torch.Tensor]:
    """The network's answer and the average, from -1 to 1."""
    script = """all => all.map(each => Array.from(each.getContext("2d").getImageData(0, 0, 16, 16).data))"""
    found = page.locator(".mg-both canvas").evaluate_all(script)
    return [torch.tensor(each)[::4].view(1, 16, 16) / 127.5 - 1 for each in found]


def test_it_ends_at_the_average_of_what_is_ticked(page: Page) -> None:
    """By keyboard: first the 4 and the 7; then, while it rests, the 7 no more: another question, so no loss."""
    figure = page.locator("figure").nth(2)
    four, seven, _ = ANSWERS.values()
    for wanted in ((four + seven) / 2, four):
        figure.get_by_role("button", name="Train").focus()
        page.keyboard.press("Enter")
        close = "document.querySelectorAll('.mg-numbers')[2].textContent.endsWith('by 0.0000')"
        page.wait_for_function(close)
        page.keyboard.press("Enter")
        answer, average = squares(page)
        assert (answer - average).abs().max() <= 1 / 127  # a step of grey
        assert (average - wanted).abs().max() < 0.01
        assert re.search(r"loss (\d\.\d{4}); least possible \1,", figure.locator(".mg-numbers").inner_text())
        assert re.search(r", \d+ updates a second\.", figure.locator(".mg-told").inner_text())
        figure.get_by_label("a 7").focus()
        page.keyboard.press("Space")
        assert re.match(r"\d+ updates; least possible", figure.locator(".mg-numbers").inner_text())
        assert figure.locator(".mg-told").inner_text() == ""


def test_without_a_right_answer_it_learns_nothing(page: Page) -> None:
    figure = page.locator("figure").nth(2)
    figure.get_by_label("a 4").uncheck()
    figure.get_by_role("button", name="Train").click()
    page.wait_for_function("parseInt(document.querySelectorAll('.mg-numbers')[2].textContent) > 3")
    figure.get_by_label("a 7").uncheck()
    said = figure.locator(".mg-numbers").inner_text()
    assert re.fullmatch(r"\d+ updates; nothing is ticked, so nothing is right", said)
    assert "nothing" not in figure.locator(".mg-told").inner_text()  # it is said once
    train, once = (figure.get_by_role("button", name=name) for name in ("Train", "One update"))
    assert train.is_disabled()  # it paused
    assert once.is_disabled()
    figure.get_by_label("a 7").check()
    once.click()
    assert int(figure.locator(".mg-numbers").inner_text().split()[0]) == int(said.split()[0]) + 1
    with pytest.raises(ValueError, match="answers with trains='average' alone"):
        place("curve", answers=ANSWERS)


def test_a_page_says_what_it_trains_and_a_net_is_refused() -> None:
    assert 'data-train="cloud"' in place("cloud")
    with pytest.raises(ValueError, match=r"trains is 'clouds'; allowed: .*; did you mean 'cloud'"):
        place("clouds")
    with pytest.raises(ValueError, match="trains is 'curve' with a net; allowed: with draw"):
        mg.widgets.drawing("digits-v", {"seed": (0, 3)}, trains="curve", alt="A digit, drawn.")

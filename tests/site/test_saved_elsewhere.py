"""What the five ways of the first page and the trainers show, as files: what is seen, and as a GIF how it came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_live import page_in
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Locator, Page
from test_live import net, packages
from test_saved import numbers, on_white, saved
from test_train import page_in as trainers_in
from test_train import squares
from torch import Tensor

import minigen as mg

RACED = "document.querySelector('.mg-race .mg-told').textContent.startsWith('One network drew')"


@pytest.fixture
def look(browser: Browser) -> Iterator[Page]:
    page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    page.context.set_default_timeout(120_000)  # a busy machine is no failure
    yield page
    page.context.close()


@pytest.fixture
def trainers(look: Page, tmp_path: Path) -> Page:
    look.goto(trainers_in(tmp_path).as_uri(), wait_until="load")
    return look


def trained(figure: Locator, which: int, updates: int) -> Locator:
    assert figure.get_by_role("button", name="Save as PNG").is_hidden()
    figure.get_by_role("button", name="Train").click()
    enough = "([which, most]) => parseInt(document.querySelectorAll('.mg-numbers')[which].textContent) > most"
    figure.page.wait_for_function(enough, arg=[which, updates])
    figure.get_by_role("button", name="Pause").click()
    return figure


def frames(film: Image.Image) -> list[Tensor]:
    return [numbers(frame).int() for frame in ImageSequence.Iterator(film)]


@pytest.mark.parametrize(("which", "name", "size"), [(0, "curve", (480, 220)), (1, "cloud", (320, 320))])
def test_a_trainers_picture_and_how_it_came(trainers: Page, which: int, name: str, size: tuple[int, int]) -> None:
    figure = trained(trainers.locator("figure").nth(which), which, 100)
    updates = re.match(r"\d+", figure.locator(".mg-numbers").inner_text())
    assert updates is not None
    called, picture = saved(figure, "PNG")
    assert called.startswith(f"{name}-{updates[0]}-updates-loss-0.")
    assert picture.size == (2 * size[0], 2 * size[1])
    seen = on_white(figure.locator("canvas").first).int()
    assert (numbers(picture).int() - seen).abs().max() <= 2  # where edges let the page shine through
    assert figure.locator(".mg-told").inner_text() == f"Saved as {called}."
    _, film = saved(figure, "GIF")
    first, *_, last = frames(film)
    assert film.size == size
    assert (first - last).abs().max() > 100
    half = seen.float().view(size[1], 2, size[0], 2, 3).mean(dim=(1, 3))
    assert (last - half).abs().mean() < 2
    figure.get_by_role("button", name="New network").click()
    assert figure.get_by_role("button", name="Save as GIF").is_hidden()


def test_of_a_long_training_some_pictures_are_kept(trainers: Page) -> None:
    """Evenly spread, with the first and the last."""
    figure = trainers.locator("figure").nth(2)
    script = "(most) => { const once = [...document.querySelectorAll('button')].filter(one => one.textContent === "
    script += "'One update').at(-1); for (let i = 0; i < most; i++) once.click(); }"
    trainers.evaluate(script, 150)
    assert figure.locator(".mg-numbers").inner_text().startswith("150 updates")
    found = frames(saved(figure, "GIF")[1])
    assert len(found) == 150 // 4 + 2  # of 150 each fourth, from the first, and the present
    answers = [each[50:150, 50:150].float() for each in found]
    away = [float((each - answers[-1]).abs().mean()) for each in answers]
    assert away[0] > away[10] > away[20] > away[30] > 0


def test_both_squares_of_the_average_with_their_words(trainers: Page) -> None:
    figure = trained(trainers.locator("figure").nth(2), 2, 20)
    name, picture = saved(figure, "PNG")
    assert (name.startswith("average-"), picture.size) == (True, (384, 216))
    sheet = numbers(picture)[..., 0].float() / 127.5 - 1
    at = [round(4 + (i + 0.5) * 11.5) for i in range(16)]
    for number, shown in enumerate(squares(trainers)):
        found = sheet[at][:, [192 * number + x for x in at]]
        assert (found - shown[0]).abs().max() <= 0.02
    assert float(sheet[194:].min()) < 0 < float(sheet[194:].max())  # letters


def test_the_five_ways_side_by_side(look: Page, tmp_path: Path) -> None:
    look.goto(page_in(tmp_path).as_uri(), wait_until="load")
    race = look.locator(".mg-race")
    assert race.get_by_role("button", name="Save as GIF").is_hidden()
    race.get_by_role("button", name="7", exact=True).click()
    look.wait_for_function(RACED)
    name, picture = saved(race, "PNG")
    assert (name, picture.size) == ("five-ways-to-a-7-dice-0.png", (5 * 128, 24 + 3 * 96 + 2 * 2))
    end = numbers(picture).int()
    for lane, plan, steps in ((0, mg.plans.one_shot(), 1), (4, mg.plans.ramp(1), 32)):
        wanted = packages(net("digits-any").along(plan), 3, steps=steps, labels=7, seed=0).int()
        for row in range(3):
            found = end[24 + 98 * row :, 128 * lane + 16 :][:96:6, :96:6]
            assert (found.permute(2, 0, 1) - wanted[row]).abs().max() <= 1
    assert int(end[:24].min()) < 100  # names
    film = frames(saved(race, "GIF")[1])
    assert len(film) == 64  # of 65 moments
    assert (film[-1][24:] - end[24:]).abs().float().mean() < 1
    assert (film[0][24:] - end[24:]).abs().float().mean() > 40
    race.get_by_role("button", name="3", exact=True).click()
    assert race.get_by_role("button", name="Save as GIF").is_hidden()
    look.wait_for_function(f"{RACED} && !document.querySelector('.mg-race .mg-saves').hidden")


def test_on_a_phone_the_five_ways_stand_below_each_other(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 900}, reduced_motion="reduce").new_page()
    page.context.set_default_timeout(120_000)
    page.goto(page_in(tmp_path).as_uri(), wait_until="load")
    race = page.locator(".mg-race")
    race.get_by_role("button", name="7", exact=True).click()
    page.wait_for_function(RACED)
    assert saved(race, "PNG")[1].size == (3 * 96 + 2 * 2, 5 * (24 + 96))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()

"""Drawings in a page: what a reader presses, sees, hears, keeps and sends on; and the five ways of the first page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_engine import ROOT
from helpers_live import COMPLETED, UPPER, page_in
from playwright.sync_api import Browser, Locator, Page
from torch import Tensor

import minigen as mg

sys.path.append(str(ROOT / "tools"))
from make_pictures import WAYS

GREYS = """(canvas) => {
    const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.width, canvas.height, Array.from(all.data)];
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_in(tmp_path_factory.mktemp("live"))


def opened(browser: Browser, place: Path, link: str = "", **context: Any) -> Page:
    page = browser.new_context(bypass_csp=True, **context).new_page()  # or nothing could wait: see test_strict.py
    page.context.set_default_timeout(120_000)  # a busy machine is no failure
    page.goto(place.as_uri() + link, wait_until="load")
    return page


@pytest.fixture
def page(browser: Browser, place: Path) -> Iterator[Page]:
    page = opened(browser, place, reduced_motion="reduce")  # the end at once
    yield page
    page.context.close()


def ended(figure: Locator) -> str:
    """What is told once a drawing is there."""
    said = figure.locator(".mg-told")
    figure.page.wait_for_function("(said) => / ms /.test(said.textContent)", arg=said.element_handle())
    return said.inner_text()


def pictures(canvas: Locator, side: int, columns: int, count: int) -> Tensor:
    """The pixels that a canvas shows, (count, 3, side, side), 0 to 255."""
    width, height, values = canvas.evaluate(GREYS)
    sheet = torch.tensor(values, dtype=torch.uint8).view(height, width, 4)[..., :3]
    step = (width + 2) // columns
    scale = (step - 2) // side
    at = [(step * (i // columns), step * (i % columns)) for i in range(count)]
    shown = [sheet[y : y + side * scale : scale, x : x + side * scale : scale] for y, x in at]
    return torch.stack(shown).permute(0, 3, 1, 2)


def packages(model: Any, count: int, **options: Any) -> Tensor:
    """The package's own, as a canvas would show it."""
    drawn = mg.sample(model, count, **{**getattr(model, "sampling", {}), **options})
    shown = ((drawn.clamp(-1, 1) + 1) * 127.5).add(0.5).floor().to(torch.uint8)
    return shown.expand(-1, 3, -1, -1)


def same(found: Tensor, wanted: Tensor) -> None:
    """To a step of 256, since averages are added up in another order."""
    assert found.shape == wanted.shape
    assert (found.int() - wanted.int()).abs().max() <= 1


def net(name: str) -> Any:
    return mg.zoo.load(name, device="cpu")


# --- a place for a drawing -------------------------------------------------------------------------


def test_a_press_draws_the_packages_own_pictures(page: Page) -> None:
    figure = page.locator("figure").nth(0)
    figure.get_by_role("button", name="Draw").click()
    said = ended(figure)
    assert re.fullmatch(
        r"Four pictures of the digit 3 after 2 calls each\. 2 calls of the network a picture, \d+ ms for all\."
        r" From now on, every change draws by itself\.",
        said,
    )
    same(pictures(figure.locator("canvas"), 16, 4, 4), packages(net("digits-v"), 4, steps=2, labels=3, seed=0))
    assert figure.locator("canvas").get_attribute("aria-label") == "Four pictures of the digit 3 after 2 calls each."
    assert not figure.locator("img").is_visible()


def test_completed_pictures_and_scenes(page: Page) -> None:
    scene, completed = page.locator("figure").nth(1), page.locator("figure").nth(2)
    offered = scene.locator("datalist option").evaluate_all("all => all.map((one) => one.value)")
    colours, shapes = mg.scenes.COLOURS, mg.scenes.SHAPES
    assert sorted(offered) == sorted(f"a {colour} {shape}" for colour in colours for shape in shapes)
    scene.get_by_label("prompt").fill("a green ring")
    scene.get_by_label("prompt").press("Enter")
    completed.get_by_label("3 rows").check()
    completed.get_by_role("button", name="Draw").click()
    ended(scene)
    wanted = packages(net("scenes"), 1, steps=2, prompt="a green ring", guidance_scale=1.0, eta=0.0)
    same(pictures(scene.locator("canvas"), 32, 1, 1), wanted)
    assert ended(completed).startswith("Two fives of which 3 rows were given. 3 calls")
    options = COMPLETED.start
    model = net("digits-any").along(mg.plans.ramp(1 / 256, "random"))
    known = mg.data.digits(size=16)[0][3:4]
    mask = torch.arange(16).view(16, 1).expand(16, 16) < 3
    wanted = packages(model, 2, steps=3, labels=5, seed=options["seed"], known=known, mask=mask)
    same(pictures(completed.locator("canvas"), 16, 2, 2), wanted)


def test_a_change_draws_again_and_the_film_goes_back(page: Page) -> None:
    figure = page.locator("figure").nth(0)
    figure.get_by_label("steps").fill("2")  # the third of 1, 2, 4, 8
    assert figure.locator("canvas").count() == 0  # nothing is loaded before the first press
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    figure.get_by_label("labels").fill("7")
    page.wait_for_function("document.querySelector('.mg-told').textContent.includes('digit 7')")
    assert ended(figure).startswith("Four pictures of the digit 7 after 4 calls")
    call = figure.get_by_label("step", exact=True)
    assert call.input_value() == "4"
    call.focus()
    page.keyboard.press("ArrowLeft")
    assert call.get_attribute("aria-valuetext") == "step 3 of 4"
    figure.get_by_label("guess and levels").check()
    walk = mg.trajectory(net("digits-v"), 4, **{**net("digits-v").sampling, "steps": 4, "labels": 7, "seed": 0})
    for view, wanted in enumerate((walk.images[3], walk.x0_hat[3])):
        shown = ((wanted.clamp(-1, 1) + 1) * 127.5).add(0.5).floor().to(torch.uint8).expand(-1, 3, -1, -1)
        same(pictures(figure.locator("canvas").nth(view), 16, 4, 4), shown)


def test_two_beside_each_other(page: Page) -> None:
    figure = page.locator("figure").nth(0)
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    figure.get_by_role("button", name="Keep to compare").click()
    figure.get_by_label("steps").fill("3")
    page.wait_for_function("document.querySelector('.mg-told').textContent.includes('after 8 calls')")
    ended(figure)
    for number, steps in enumerate((2, 8)):
        shown = pictures(figure.locator("canvas").nth(number), 16, 2, 4)
        same(shown, packages(net("digits-v"), 4, steps=steps, labels=3, seed=0))
    labels = figure.locator(".mg-stage > div > .mg-label").all_inner_texts()
    assert labels == ["steps 2", "steps 8"]  # the rest is the same
    figure.get_by_label("step", exact=True).fill("4")
    figure.get_by_role("button", name="Keep no longer").click()
    assert figure.locator("canvas").count() == 1


def test_a_link_opens_the_same_drawing(browser: Browser, place: Path, page: Page) -> None:
    figure = page.locator("figure").nth(1)
    figure.get_by_label("prompt").fill("a big & yellow star")
    figure.get_by_label("dice", exact=True).check()
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    link = figure.get_by_role("link", name="Link").get_attribute("href")
    assert link is not None
    assert page.url.endswith(link)
    other = opened(browser, place, link, reduced_motion="reduce")
    again = other.locator("figure").nth(1)
    assert ended(again).startswith("a big & yellow star, with dice.")
    shown = [pictures(each.locator("canvas"), 32, 1, 1) for each in (figure, again)]
    assert torch.equal(*shown)
    other.context.close()


def test_what_is_wrong_is_told_and_can_be_mended(page: Page) -> None:
    figure = page.locator("figure").nth(1)
    figure.get_by_label("prompt").fill("a purple cow")
    figure.get_by_label("prompt").press("Enter")
    page.wait_for_function("document.querySelectorAll('.mg-told')[1].textContent.includes('unknown word')")
    assert figure.get_by_role("button", name="Draw").is_enabled()
    figure.get_by_label("prompt").fill("a purple disc")
    figure.get_by_label("prompt").press("Enter")
    ended(figure)


def test_by_keyboard_alone(page: Page) -> None:
    """From the first control on, in the order in which they stand: three sliders, then Draw."""
    figure = page.locator("figure").nth(0)
    for _ in range(2):
        page.keyboard.press("Tab")
    assert figure.get_by_label("labels").evaluate("one => one === document.activeElement")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert ended(figure).startswith("Four pictures of the digit 4")
    assert page.evaluate("document.activeElement.textContent") == "Draw"


def test_it_tells_once_at_the_start_and_once_at_the_end(browser: Browser, place: Path) -> None:
    """And it shows every call on the way."""
    page = opened(browser, place)
    page.evaluate(
        """() => {
        window.heard = [];
        window.calls = new Set();
        const [said, call] = [document.querySelector(".mg-told"), document.querySelector("#drawing-1-step")];
        new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true });
        new MutationObserver(() => calls.add(call.getAttribute("aria-valuetext"))).observe(call, { attributes: true });
    }"""
    )
    figure = page.locator("figure").nth(0)
    figure.get_by_label("steps").fill("3")
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    page.wait_for_function("calls.has('step 8 of 8')")
    heard = page.evaluate("heard")
    assert [heard[0], len(heard)] == ["Drawing.", 2]
    assert len(page.evaluate("[...calls]")) >= 4  # a busy page may leave some out
    page.context.close()


def test_draw_while_it_draws_begins_again(page: Page) -> None:
    """A change draws by itself; whoever presses Draw then does not mean Stop."""
    figure = page.locator("figure").nth(0)
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    figure.get_by_label("labels").fill("8")
    figure.locator(".mg-draw").evaluate("one => one.click()")
    page.wait_for_function("document.querySelector('.mg-told').textContent.includes('digit 8')")
    ended(figure)


def test_draw_after_a_knob_never_stops(page: Page) -> None:
    """Also where the drawing before is still on its way, and Draw was Stop already."""
    figure = page.locator("figure").nth(5)
    figure.get_by_role("button", name="Draw").click()
    assert "every change draws by itself" in ended(figure)
    turn = """(knob) => {
        knob.value = Number(knob.value) + 1;
        knob.dispatchEvent(new Event("change", { bubbles: true }));
        return knob.closest("figure").querySelector(".mg-draw").textContent;
    }"""
    press = """(knob) => {
        const figure = knob.closest("figure");
        figure.querySelector(".mg-draw").click();
        return figure.querySelector(".mg-told").textContent;
    }"""
    knob = figure.get_by_label("seed")
    assert knob.evaluate(turn) == "Draw"
    figure.get_by_role("button", name="Stop").wait_for()
    assert knob.evaluate(turn) == "Draw"
    assert knob.evaluate(press) == "Drawing."
    page.wait_for_function("location.hash.endsWith('seed=2')")
    assert "every change" not in ended(figure)  # it is said once


def test_stop(page: Page) -> None:
    figure = page.locator("figure").nth(5)
    figure.get_by_role("button", name="Draw").click()
    figure.get_by_role("button", name="Stop").click()
    assert figure.locator(".mg-told").inner_text() == "Stopped."
    assert figure.get_by_role("button", name="Draw").evaluate("one => one === document.activeElement")
    other = page.locator("figure").nth(0)
    other.get_by_role("button", name="Draw").click()
    ended(other)  # the worker is free again


def test_without_simd(browser: Browser, place: Path) -> None:
    page = opened(browser, place, reduced_motion="reduce")
    page.evaluate("minigen.settings.simd = false")
    figure = page.locator("figure").nth(0)
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    same(pictures(figure.locator("canvas"), 16, 4, 4), packages(net("digits-v"), 4, steps=2, labels=3, seed=0))
    page.context.close()


def test_without_javascript_the_book_stays(browser: Browser, place: Path) -> None:
    page = opened(browser, place, java_script_enabled=False)
    figure = page.locator("figure").nth(0)
    assert figure.locator("img").is_visible()
    assert "in a running notebook" in figure.inner_text()
    assert page.locator("button, input, canvas").count() == 0
    assert "Five films." in page.locator(".mg-race").inner_text()
    page.context.close()


@pytest.mark.parametrize("width", [1200, 390])
def test_large_enough_for_a_finger_and_named(browser: Browser, place: Path, width: int) -> None:
    page = opened(browser, place, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    for each in page.locator("button:visible, select:visible, input:visible").all():
        target = each if each.get_attribute("type") not in ("radio", "checkbox") else each.locator("xpath=..")
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 40, target.evaluate("one => one.outerHTML")
        named = "one => one.labels?.[0]?.textContent || one.textContent || one.getAttribute('aria-label')"
        assert each.evaluate(named), each.evaluate("one => one.outerHTML")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def painted(figure: Locator, *path: tuple[float, float]) -> None:
    """Draw a line through these points of the board, whose sides are 1."""
    board = figure.locator(".mg-board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    mouse = figure.page.mouse
    mouse.move(*at[0])
    mouse.down()
    for x, y in at[1:]:
        mouse.move(x, y)
    mouse.up()


def letters(page: Page, name: str) -> list[int]:
    """What was painted, as the address keeps it."""
    found = re.search(rf"{name}=own-(\w{{512}})", page.url)
    assert found, page.url
    return [int(two, 36) for two in re.findall("..", found[1])]


def test_an_order_that_was_painted(browser: Browser, place: Path, page: Page) -> None:
    """First what was painted, in that order; then the rest, as it is read. The link keeps it."""
    figure = page.locator("figure").nth(3)
    figure.get_by_label("plan").select_option("centre")
    painted(figure, (0.5, 0.9), (0.5, 0.5), (0.9, 0.1))
    figure.get_by_role("button", name="Draw").click()
    assert ended(figure).startswith("Two fives in the order your order, width 1/2. 4 calls")
    places = letters(page, "plan")
    first = [pixel for _, pixel in sorted((place, pixel) for pixel, place in enumerate(places) if place < 256)]
    assert [places[pixel] for pixel in first] == list(range(len(first)))
    assert 10 < len(first) < 40
    assert first[0] // 16 > 12 > 4 > first[-1] // 16
    order = torch.empty(256, dtype=torch.long)
    order[first + [pixel for pixel in range(256) if places[pixel] == 256]] = torch.arange(256)
    model = net("digits-any").along(mg.plans.ramp(1 / 2, order))
    wanted = packages(model, 2, steps=4, labels=5, seed=0)
    assert torch.equal(pictures(figure.locator(".mg-stage canvas"), 16, 2, 2), wanted)
    other = opened(browser, place, page.url.partition("page.html")[2], reduced_motion="reduce")
    again = other.locator("figure").nth(3)
    ended(again)
    assert torch.equal(pictures(again.locator(".mg-stage canvas"), 16, 2, 2), wanted)
    other.context.close()


def test_strokes_are_completed(page: Page) -> None:
    """Only what the mask lets be known; a preset and back again keeps them."""
    figure = page.locator("figure").nth(4)
    painted(figure, (0.3, 0.2), (0.7, 0.2), (0.5, 0.9))
    figure.get_by_label("known").select_option("nothing")
    figure.get_by_label("known").select_option("your drawing")
    figure.get_by_role("button", name="Draw").click()
    assert ended(figure).startswith("Two ways to go on where 7 rows of your drawing are given. 3 calls")
    greys = torch.tensor(letters(page, "known"))
    assert greys.view(16, 16)[7:].max() == 0
    assert sorted(greys.unique().tolist()) == [0, 7, 15]
    known = (greys / 7.5 - 1).view(1, 1, 16, 16)
    model = net("digits-any").along(mg.plans.ramp(1 / 256, "random"))
    wanted = packages(model, 2, steps=3, labels=5, known=known, mask=torch.tensor(UPPER))
    assert torch.equal(pictures(figure.locator(".mg-stage canvas"), 16, 2, 2), wanted)
    figure.get_by_role("button", name="Empty it").click()  # no answer outlives its question
    page.wait_for_function("/known=own-0{512}&/.test(location.hash)")


# --- the first page --------------------------------------------------------------------------------


def test_five_ways_are_those_of_the_package(page: Page) -> None:
    """All at once in the same worker, each with the pictures that it makes alone."""
    race = page.locator(".mg-race")
    race.get_by_role("button", name="7", exact=True).click()
    page.wait_for_function("document.querySelector('.mg-race .mg-told').textContent.startsWith('One network drew')")
    assert race.locator(".mg-way").all_inner_texts() == list(WAYS)
    for number, (plan, steps) in enumerate(WAYS.values()):
        lane = race.locator(".mg-lanes > div").nth(number)
        wanted = packages(net("digits-any").along(plan), 3, steps=steps, labels=7, seed=0)
        assert torch.equal(pictures(lane.locator("canvas"), 16, 1, 3), wanted)
        assert re.fullmatch(rf"{steps} calls?, \d+ ms", lane.locator(".mg-took").inner_text())
    assert race.get_by_role("button", name="7", exact=True).get_attribute("aria-pressed") == "true"
    assert not race.get_by_text("Five films.").is_visible()


def test_the_race_can_be_stopped_and_run_again(page: Page) -> None:
    race = page.locator(".mg-race")
    race.get_by_role("button", name="2", exact=True).click()
    page.wait_for_function("!document.querySelector('.mg-lanes').hidden")
    race.get_by_role("button", name="Stop").click()
    page.wait_for_function("document.querySelector('.mg-race .mg-told').textContent.startsWith('Stopped.')")
    race.get_by_role("button", name="other dice").click()
    page.wait_for_function("document.querySelector('.mg-race .mg-told').textContent.startsWith('One network drew')")
    wanted = packages(net("digits-any").along(mg.plans.ramp(1)), 3, steps=32, labels=2, seed=1)
    assert torch.equal(pictures(race.locator("canvas").last, 16, 1, 3), wanted)

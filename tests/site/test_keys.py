"""Canvases without a pointer: keys move a mark, paint, set dots and move them; a screen reader is told where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers_live import UPPER, page_in
from playwright.sync_api import Browser, Locator, Page
from test_live import GREYS, ended, letters
from test_train import page_in as trainers_in


@pytest.fixture
def look(browser: Browser) -> Iterator[Page]:
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.context.set_default_timeout(120_000)  # a busy machine is no failure
    yield page
    page.context.close()


@pytest.fixture
def drawings(look: Page, tmp_path: Path) -> Page:
    look.goto(page_in(tmp_path).as_uri(), wait_until="load")
    return look


@pytest.fixture
def trainers(look: Page, tmp_path: Path) -> Page:
    look.goto(trainers_in(tmp_path).as_uri(), wait_until="load")
    return look


def reach(figure: Locator, canvas: Locator) -> None:
    """With Tab, from the control before it."""
    page = figure.page
    figure.evaluate("one => { one.tabIndex = -1; one.focus(); }")
    for _ in range(12):
        page.keyboard.press("Tab")
        if canvas.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("not reached")


def heard(figure: Locator) -> str:
    place = figure.locator(".mg-heard")
    assert place.get_attribute("role") == "status"
    return place.inner_text()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_an_order_is_painted(drawings: Page) -> None:
    figure = drawings.locator("figure").nth(3)
    board = figure.locator(".mg-board")
    reach(figure, board)
    assert re.search("arrows move, Space paints", str(board.get_attribute("aria-label")))
    press(drawings, "ArrowUp", "ArrowLeft")
    assert heard(figure) == "row 8, column 8: number 120 of 256"  # of the preset, which goes by rows
    press(drawings, "Space", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown")
    assert heard(figure) == "row 9, column 10: number 4 of 256"
    press(drawings, "ArrowDown")
    assert heard(figure) == "row 10, column 10: no place yet"
    figure.get_by_role("button", name="Draw").press("Enter")
    ended(figure)
    places = letters(drawings, "plan")
    row, column = 7, 7
    path = [(row, column), (row, column + 1), (row, column + 2), (row + 1, column + 2)]
    assert [places[16 * y + x] for y, x in path] == [0, 1, 2, 3]
    assert sorted(places)[:5] == [0, 1, 2, 3, 256]


def test_a_part_is_painted_where_it_is_given(drawings: Page) -> None:
    """The brush is as broad as the pointer's; after each stroke what was drawn is drawn anew."""
    figure = drawings.locator("figure").nth(4)
    figure.get_by_role("button", name="Empty it").press("Enter")
    figure.get_by_role("button", name="Draw").press("Enter")
    ended(figure)
    reach(figure, figure.locator(".mg-board"))
    press(drawings, "ArrowUp")
    assert heard(figure) == "row 8, column 9: not given"
    press(drawings, *["ArrowUp"] * 5)
    assert heard(figure) == "row 3, column 9: 0% white"
    press(drawings, "Space")
    assert heard(figure) == "row 3, column 9: 100% white"
    drawings.wait_for_function("/known=own-\\w*0f/.test(location.href)")
    greys = torch.tensor(letters(drawings, "known")).view(16, 16)
    assert greys[1:4, 7:10].tolist() == [[0, 7, 0], [7, 15, 7], [0, 7, 0]]
    assert int((greys > 0).sum()) == 5
    assert not any(greys[~torch.tensor(UPPER)])


def test_the_mark_is_seen_while_keys_have_it(drawings: Page) -> None:
    figure = drawings.locator("figure").nth(3)
    board = figure.locator(".mg-board")
    before = board.evaluate(GREYS)
    board.click()  # paints, and shows no mark
    reach(figure, board)
    press(drawings, "ArrowUp")
    with_mark = board.evaluate(GREYS)
    drawings.keyboard.press("Tab")
    without = board.evaluate(GREYS)
    assert before != with_mark != without
    changed = torch.tensor(with_mark[2]).view(192, 192, 4) != torch.tensor(without[2]).view(192, 192, 4)
    rows, columns = changed.any(dim=2).nonzero(as_tuple=True)
    assert (int(rows.min()), int(rows.max())) == (81, 98)  # around the middle of row 8, 90 pixels down
    assert 93 <= int(columns.min()) < int(columns.max()) <= 111


def test_dots_of_the_curve_are_set_and_moved(trainers: Page) -> None:
    figure = trainers.locator("figure").nth(0)
    chart = figure.locator("canvas")
    reach(figure, chart)
    assert "Space sets a dot" in str(chart.get_attribute("aria-label"))
    press(trainers, *["ArrowUp"] * 10)
    assert heard(figure) == "x 0.0, y 1.9"
    press(trainers, "Space")
    assert heard(figure) == "x 0.0, y 1.9, a dot"
    assert "5 dots" in str(chart.get_attribute("aria-label"))
    press(trainers, "Space", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowUp")  # there is one already
    assert heard(figure) == "x 0.4, y 2.1, a dot"
    press(trainers, "ArrowLeft", "ArrowLeft", "ArrowDown")
    assert heard(figure) == "x 0.0, y 1.9"  # it went along
    press(trainers, "Shift+ArrowDown")  # takes along nothing
    assert "5 dots" in str(chart.get_attribute("aria-label"))


def test_a_dot_that_a_pointer_holds_goes_past_others(trainers: Page) -> None:
    """Over all four, to the right edge: four stay where they were, or one of them would have been taken along."""
    chart = trainers.locator("figure").nth(0).locator("canvas")
    box = chart.bounding_box()
    assert box is not None
    mouse = trainers.mouse
    trainers.locator("figure").nth(0).get_by_label("dots", exact=True).select_option("30")
    mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] / 2, steps=60)
    mouse.up()
    seen = chart.evaluate(GREYS)
    width, height, values = seen
    picture = torch.tensor(values).view(height, width, 4)
    pink = (picture[..., 0] > 150) & (picture[..., 2] < 150) & (picture[..., 3] > 200)
    assert pink[:, -30:].any()
    assert not pink[:, :40].any()
    assert "31 dots" in str(chart.get_attribute("aria-label"))


def test_points_of_the_cloud_are_set(trainers: Page) -> None:
    figure = trainers.locator("figure").nth(1)
    square = figure.locator("canvas")
    reach(figure, square)
    press(trainers, "ArrowLeft", "Space", "ArrowUp", "Space")
    assert heard(figure) == "x -0.1, y 0.1"
    assert "2 training points" in str(square.get_attribute("aria-label"))
    assert "Space sets a training point" in str(square.get_attribute("aria-label"))


def test_one_update_is_told(trainers: Page) -> None:
    for number in range(3):
        figure = trainers.locator("figure").nth(number)
        figure.get_by_role("button", name="One update").press("Enter")
        assert re.match(r"1 update, loss \d\.\d{4}", figure.locator(".mg-told").inner_text())

"""A drawing as a file to keep or to share: what an independent library reads in it is what the canvas shows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers_live import page_in
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Locator, Page
from test_live import GREYS, ended, net, packages, same
from torch import Tensor


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_in(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def page(browser: Browser, place: Path) -> Iterator[Page]:
    page = browser.new_context(reduced_motion="reduce").new_page()  # the end at once
    page.context.set_default_timeout(120_000)  # a busy machine is no failure
    page.goto(place.as_uri(), wait_until="load")
    yield page
    page.context.close()


def drawn(page: Page, number: int) -> Locator:
    figure = page.locator("figure").nth(number)
    assert figure.get_by_role("button", name="Save as GIF").is_hidden()
    figure.get_by_role("button", name="Draw").click()
    ended(figure)
    return figure


def saved(figure: Locator, kind: str) -> tuple[str, Image.Image]:
    """The file's name, and what is in it."""
    with figure.page.expect_download() as waiting:
        figure.get_by_role("button", name=f"Save as {kind}").click()
    content = waiting.value.path().read_bytes()
    return waiting.value.suggested_filename, Image.open(io.BytesIO(content))


def on_white(canvas: Locator) -> Tensor:
    """What a canvas shows on a white page, (height, width, 3)."""
    width, height, values = canvas.evaluate(GREYS)
    shown = Image.frombytes("RGBA", (width, height), bytes(values))
    white = Image.new("RGBA", shown.size, "white")
    return numbers(Image.alpha_composite(white, shown))


def numbers(picture: Image.Image) -> Tensor:
    plain = picture.convert("RGB")
    return torch.tensor(bytearray(plain.tobytes())).view(plain.height, plain.width, 3)


def moments(figure: Locator) -> Iterator[Tensor]:
    """What the canvas shows, step by step."""
    step = figure.get_by_label("step", exact=True)
    for at in range(int(step.get_attribute("max") or 0) + 1):
        step.fill(str(at))
        yield on_white(figure.locator("canvas").first)


def sides(sheet: Tensor, side: int, count: int) -> Tensor:
    """Pictures of one row of a sheet, (count, 3, side, side)."""
    scale = 96 // side
    each = [sheet[: side * scale : scale, i * (side * scale + 2) :][:, : side * scale : scale] for i in range(count)]
    return torch.stack(each).permute(0, 3, 1, 2)


def test_a_png_is_what_is_seen(page: Page) -> None:
    figure = drawn(page, 0)
    name, picture = saved(figure, "PNG")
    assert name == "digits-v-steps-2-labels-3-seed-0.png"
    assert picture.size == (4 * 96 + 3 * 2, 96)
    same(sides(numbers(picture), 16, 4), packages(net("digits-v"), 4, steps=2, labels=3, seed=0))
    figure.get_by_label("step", exact=True).fill("1")
    found = torch.tensor(bytearray(saved(figure, "PNG")[1].convert("RGBA").tobytes()))
    assert found.tolist() == figure.locator("canvas").evaluate(GREYS)[2]


def test_a_gif_has_every_moment_of_a_grey_film_to_the_bit(page: Page) -> None:
    for number, size in ((0, 3), (3, 5)):  # noise, and a front that hatches what is not there yet
        figure = drawn(page, number)
        name, film = saved(figure, "GIF")
        assert (name.endswith(".gif"), film.format, film.info["loop"]) == (True, "GIF", 0)
        frames = [(numbers(frame), frame.info["duration"]) for frame in ImageSequence.Iterator(film)]
        wanted = list(moments(figure))
        assert len(frames) == len(wanted) == size
        for (found, _), seen in zip(frames, wanted, strict=True):
            assert (found.int() - seen.int()).abs().max() <= (number == 3)  # greys and hatching: 258 colours at most
        *early, last = [lasts for _, lasts in frames]
        assert last == 2000 > max(early)
        assert sum(early) <= 3000


def test_a_gif_of_a_coloured_picture_is_close(page: Page) -> None:
    figure = drawn(page, 1)
    _, film = saved(figure, "GIF")
    frames = [numbers(frame) for frame in ImageSequence.Iterator(film)]
    apart = [(found.int() - seen.int()).abs().float() for found, seen in zip(frames, moments(figure), strict=True)]
    assert max(float(each.mean()) for each in apart[:-1]) < 12  # pure noise has the most colours
    assert (float(apart[-1].mean()) < 2, float(apart[-1].max()) < 24) == (True, True)


def test_of_a_long_film_some_moments_are_taken(page: Page) -> None:
    wanted = page.evaluate(
        """async () => {
            const film = new minigen.Film({});
            for (let step = 0; step <= 256; step++) {
                const images = new Float32Array(64).fill(step / 128 - 1);
                film.moments.push({ step, steps: 256, shape: [1, 8, 8], images, levels: new Float32Array(64) });
            }
            film.at = 256;
            await minigen.script("../js/save.js");
            window.long = film;
        }"""
    )
    with page.expect_download() as waiting:
        page.evaluate("() => minigen.save(long, 'GIF', 'long.gif')")
    film = Image.open(io.BytesIO(waiting.value.path().read_bytes()))
    greys = [int(numbers(frame)[0, 0, 0]) for frame in ImageSequence.Iterator(film)]
    assert wanted is None
    assert (len(greys), greys[0], greys[-1]) == (64, 0, 255)
    assert greys == sorted(set(greys))


def test_what_is_kept_is_saved_on_the_left(page: Page) -> None:
    """As a picture and as a film; two calls and one are three and two moments."""
    figure = drawn(page, 0)
    figure.get_by_role("button", name="Keep to compare").click()
    name, picture = saved(figure, "PNG")
    assert ("steps-2-" in name, picture.width) == (True, 2 * 96 + 2)  # nothing newer is there
    figure.get_by_label("steps").fill("0")
    page.wait_for_function("document.querySelector('.mg-told').textContent.includes('after 1 calls')")
    ended(figure)
    left, right = (on_white(canvas) for canvas in figure.locator("canvas").all())
    wanted = torch.cat([left, torch.full((len(left), 24, 3), 255, dtype=left.dtype), right], dim=1)
    name, picture = saved(figure, "PNG")
    assert "steps-1-" in name
    whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    assert torch.equal(numbers(whole), wanted)
    frames = [numbers(frame) for frame in ImageSequence.Iterator(saved(figure, "GIF")[1])]
    assert len(frames) == 3
    assert (frames[-1].int() - wanted.int()).abs().max() <= 1

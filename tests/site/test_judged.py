"""What the judge reads in drawings: in the page the package's own sentence, and no byte of it where no judge is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_live import SOMEBODYS, UPPER
from playwright.sync_api import Browser, Locator, Page
from test_engine import CONF
from test_live import ended, net
from weights import nets_of

import minigen as mg
from minigen import widgets
from minigen.show.judge import SURE, reading

ANY = mg.plans.ramp(1 / 4, "random")
TOLD = widgets.drawing(
    "digits-v",
    {
        "steps": [1, 2, 4, 16],
        "labels": {"each in turn": None, "3": 3, "8": 8},
        "guidance_scale": {"no": 0.0, "yes": 1.0},
    },
    count=12,
    labels=3,
    guidance_scale=1.0,
    alt="Twelve digits, drawn.",
    judge="digits-judge",
)
HALF = widgets.drawing(
    "digits-any",
    {"seed": (0, 20)},
    count=4,
    steps=4,
    plan=ANY,
    known=SOMEBODYS,
    mask=UPPER,
    labels=3,
    guidance_scale=0.0,
    alt="Four ways to go on.",
    judge="digits-judge",
)
PLAIN = widgets.drawing("digits-v", {"seed": (0, 3)}, count=1, steps=1, alt="A digit, drawn.")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site as the book's build makes it: a page with judges, and one without."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(f"# Judged\n\n{TOLD.still()}\n\n{HALF.still()}\n")
    (folder / "plain.md").write_text(f"---\norphan: true\n---\n\n# Plain\n\n{PLAIN.still()}\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(folder), str(folder / "html")]
    subprocess.run(command, check=True)
    return folder / "html"


@pytest.fixture
def context(browser: Browser) -> Iterator[Any]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(120_000)  # a busy machine is no failure
    yield context
    context.close()


@pytest.fixture
def page(context: Any, built: Path) -> Page:
    page: Page = context.new_page()
    page.goto((built / "index.html").as_uri(), wait_until="load")
    return page


def said(figure: Locator) -> str:
    """What the judge says in the end."""
    ended(figure)
    place = figure.locator(".mg-stage .mg-read").last
    figure.page.wait_for_function("(place) => place.textContent", arg=place.element_handle())
    assert place.get_attribute("role") == "status"
    return place.inner_text()


def wanted(count: int, told: list[int] | None, **options: Any) -> str:
    """What the package's judge says of what the package draws."""
    drawn = mg.sample(net("digits-v"), count, **{**net("digits-v").sampling, **options})
    return reading(mg.zoo.load_classifier("digits-judge", device="cpu"), drawn, told)


def test_it_says_what_the_package_says(page: Page) -> None:
    """Told a digit, told each in turn, and told none; then it is unsure of some."""
    figure = page.locator("figure").nth(0)
    figure.get_by_role("button", name="Draw").click()
    assert said(figure) == wanted(12, [3] * 12, labels=3)
    figure.get_by_label("in turn").check()
    page.wait_for_function("document.querySelector('.mg-stage .mg-read').textContent.includes('what the network')")
    in_turn = [*range(10), 0, 1]
    assert said(figure) == wanted(12, in_turn, labels=torch.tensor(in_turn))
    figure.get_by_label("steps").fill("1")
    figure.get_by_label("no", exact=True).check()
    page.wait_for_function("document.querySelector('.mg-stage .mg-read').textContent.endsWith('sure).')")
    assert said(figure) == wanted(12, None, labels=torch.tensor(in_turn), steps=2, guidance_scale=0.0)


def test_it_counts_as_the_package_does(page: Page) -> None:
    """Of people's digits, of some of which it is unsure; one alone is "is"."""
    images, labels = mg.data.digits(split="validation")
    judge = mg.zoo.load_classifier("digits-judge", device="cpu")
    with torch.no_grad():
        unsure = judge(images).softmax(dim=1).amax(dim=1) < SURE
    images = torch.cat([images[unsure], images[labels == 3][:1], images[labels == 7][:1]])
    script = """async ([images, options, count]) => {
        const film = { element: document.createElement("div") };
        document.body.append(document.createElement("div"));
        document.body.lastChild.append(film.element);
        const said = { judge: "digits-judge", count };
        await minigen.judged(film, Promise.resolve({ images: new Float32Array(images) }), said, options);
        return film.element.nextElementSibling.textContent;
    }"""
    for asked in ([3] * 8, [7] * 8, list(range(8))):
        options = {"labels": asked[0] if len(set(asked)) == 1 else asked}
        found = page.evaluate(script, [images.flatten().tolist(), options, 8])
        assert found == reading(judge, images, asked)
    one = page.evaluate(script, [images[6].flatten().tolist(), {"labels": 3, "guidance_scale": 1}, 1])
    assert one == "The judge reads 3: 1 of 1 is the 3 that the network was told."


def test_the_picture_of_the_book_says_the_same(page: Page) -> None:
    """Without a press, and where no script runs; with it, what is drawn is judged anew."""
    figure = page.locator("figure").nth(1)
    still = figure.locator(".mg-read")
    before = still.inner_text()
    figure.get_by_role("button", name="Draw").click()
    assert said(figure) == before
    assert not still.first.is_visible()
    figure.get_by_role("button", name="Keep to compare").click()
    figure.get_by_label("seed").fill("5")
    page.wait_for_function("document.querySelectorAll('figure')[1].querySelectorAll('.mg-stage .mg-read').length === 2")
    options: dict[str, Any] = {
        "steps": 4,
        "seed": 5,
        "known": torch.tensor(SOMEBODYS),
        "mask": torch.tensor(UPPER),
        "labels": 3,
    }
    drawn = mg.sample(net("digits-any").along(ANY), 4, guidance_scale=0.0, **options)
    judge = mg.zoo.load_classifier("digits-judge", device="cpu")
    assert said(figure) == reading(judge, drawn)
    assert figure.locator(".mg-stage .mg-read").first.inner_text() == before  # that of what is kept stays


def test_a_page_without_a_judge_loads_nothing_of_it(context: Any, built: Path) -> None:
    """And a page with one loads the judge's weights only when something is drawn."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url.rpartition("/")[2].partition("?")[0]))
    for name, loads in (("plain", 0), ("index", 1)):
        asked.clear()
        page = context.new_page()
        page.goto((built / f"{name}.html").as_uri(), wait_until="load")
        assert asked.count("judge.js") == loads
        assert not any("digits-" in each for each in asked)
        figure = page.locator("figure").nth(0)
        figure.get_by_role("button", name="Draw").click()
        said(figure) if loads else ended(figure)
        assert any(each.startswith("digits-judge.") for each in asked) == bool(loads)
        assert page.locator(".mg-read").count() == 2 * loads + loads  # two stills, and one below what was drawn
        page.close()


def test_the_build_knows_which_judge_a_page_names() -> None:
    assert nets_of(HALF.still()) == {"digits-any", "digits-judge"}
    assert nets_of(PLAIN.still()) == {"digits-v"}
    assert "judge" not in PLAIN.said


def test_how_often_it_is_right_where_it_is_sure() -> None:
    """The numbers of the threshold's docstring."""
    images, labels = mg.data.digits(split="validation")
    with torch.no_grad():
        certainty, classes = mg.zoo.load_classifier("digits-judge", device="cpu")(images).softmax(dim=1).max(dim=1)
    unsure, wrong = certainty < SURE, classes != labels
    assert [int(each.sum()) for each in (unsure, unsure & wrong, ~unsure, ~unsure & wrong)] == [6, 2, 394, 1]

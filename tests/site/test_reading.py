"""The judge in a page says of digits what the package's says, and refuses what is no picture and no classifier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_engine import bare, by_the_package, file_of, numbers, opened, site, text
from playwright.sync_api import Browser, Page
from torch import Tensor
from weights import scripts

import minigen as mg

JUDGE = "digits-judge"
LOGITS = """([file, images]) => {
    const judge = new all.Classifier(to_bytes(file));
    const pictures = new Float32Array(to_bytes(images));
    const each = Array.from({ length: pictures.length / 256 }, (_, i) => pictures.subarray(256 * i, 256 * i + 256));
    return each.map((image) => to_text(judge.logits(image)));
}"""
READ = """async ([net, images]) => {
    try {
      const { classes, certainty } = await minigen.read(net, new Float32Array(to_bytes(images)));
      return { classes, certainty };
    } catch (error) {
      return { error: error.message };
    }
}"""


def real() -> Tensor:
    return mg.data.digits(split="validation")[0][:64]


def drawn() -> Tensor:
    """Untold and in two calls, so that some look like two digits."""
    return by_the_package("digits-v", 64, {"steps": 2, "guidance_scale": 0.0})


def judged(images: Tensor) -> Tensor:
    with torch.no_grad():
        return mg.zoo.load_classifier(JUDGE, device="cpu")(images)


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = opened(browser, site(tmp_path_factory.mktemp("reading"), (JUDGE, "digits-v")).as_uri())
    yield page
    page.context.close()


@pytest.mark.parametrize("pictures", [real, drawn])
def test_logits(browser: Browser, tmp_path: Path, pictures: Any) -> None:
    page, images = bare(browser, tmp_path), pictures()
    found = page.evaluate(LOGITS, [file_of(JUDGE), text(images)])
    page.context.close()
    torch.testing.assert_close(torch.stack([numbers(each) for each in found]), judged(images), rtol=0, atol=1e-4)


def test_it_reads_in_the_page(page: Page) -> None:
    """Each picture's likeliest digit, and how likely it is."""
    images = torch.cat([real(), drawn()])
    found = page.evaluate(READ, [JUDGE, text(images)])
    certainty, classes = judged(images).softmax(dim=1).max(dim=1)
    assert found["classes"] == classes.tolist()
    torch.testing.assert_close(torch.tensor(found["certainty"]), certainty, rtol=0, atol=1e-4)
    assert min(found["certainty"]) < 0.8 < max(found["certainty"])  # it is sure of some, and not of all


def test_it_reads_what_was_drawn_before(page: Page) -> None:
    """A digit that the page was asked for."""
    script = """async () => {
        const { images } = await minigen.sample("digits-v", 4, { labels: 7 }).done;
        return (await minigen.read("digits-judge", images)).classes;
    }"""
    assert page.evaluate(script) == [7, 7, 7, 7]


def test_what_is_no_picture_and_no_classifier_is_said(page: Page) -> None:
    image = text(real()[0])
    wrong = "net is a generator; allowed here: a classifier (minigen.sample takes the other)"
    assert page.evaluate(READ, ["digits-v", image]) == {"error": wrong}
    other = f"minigen.sample('{JUDGE}', 1).done.catch((error) => error.message)"
    assert page.evaluate(other) == "net is a classifier; allowed here: a generator (minigen.read takes the other)"
    said = page.evaluate(READ, [JUDGE, text(real()[0, 0, :3])])["error"]
    assert said == "images holds 48 numbers; allowed: 256 for each picture"
    assert page.evaluate(READ, [JUDGE, text(torch.zeros(0))])["error"].startswith("images holds 0 numbers")
    assert len(page.evaluate(READ, [JUDGE, image])["classes"]) == 1  # all the same it goes on


def test_the_build_writes_its_weights_as_scripts() -> None:
    """It comes with no options."""
    assert [each.endswith(", {});\n") for each in scripts(JUDGE)] == [True] * len(list(scripts(JUDGE)))

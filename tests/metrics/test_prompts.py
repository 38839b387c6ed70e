"""Is what was asked for in the picture? By hand with a judge that says what it is told, and on real scenes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from minigen import recipes, scenes, zoo
from minigen.metrics import evaluate_scenes, prompt_accuracy, prompts, recognise, recogniser_accuracy


class Says:
    """A recogniser that sees given meanings, whatever is in the pictures."""

    shape = (3, 32, 32)

    def __init__(self, *meanings: list[int]) -> None:
        self.meanings = torch.tensor(meanings)

    def answers(self, images: Tensor) -> Tensor:
        return self.meanings.clone()


def asked(*meanings: list[int], says: Any) -> dict[str, float]:
    found = prompt_accuracy(torch.zeros(len(meanings), 3, 32, 32), torch.tensor(meanings), says)
    assert found.count == len(meanings)
    return {name: getattr(found, name) for name in ("layout", "size", "colour", "shape", "all")}


TWO = [1, 0, 2, 1, 1, 3, 0]
"""Layout, then size, colour and shape of each of two things."""


@pytest.mark.parametrize(
    ("place", "wrong"),
    [(0, "layout"), (1, "size"), (2, "colour"), (3, "shape"), (4, "size"), (5, "colour"), (6, "shape")],
)
def test_one_wrong_answer_costs_its_attribute_and_the_whole(place: int, wrong: str) -> None:
    """In either of the two things; in one scene of four."""
    other = list(TWO)
    other[place] = 2 if other[place] == 1 else 1
    found = asked(TWO, TWO, TWO, TWO, says=Says(TWO, other, TWO, TWO))
    assert found == {name: 0.75 if name in (wrong, "all") else 1.0 for name in found}


def test_what_was_left_unsaid_is_not_judged() -> None:
    said = [1, -1, 2, 1, -1, -1, 0]
    assert set(asked(said, says=Says([1, 1, 2, 1, 0, 5, 0])).values()) == {1.0}
    assert asked(said, says=Says([1, 1, 2, 1, 0, 5, 1]))["shape"] == 0


def test_of_one_thing_alone_there_is_no_second() -> None:
    """Whatever the judge sees there; that none was asked for is the layout's business."""
    images = torch.zeros(1, 3, 32, 32)
    one = [0, 1, 2, 3, -1, -1, -1]
    assert recognise(images, Says([0, 1, 2, 3, 1, 1, 1])).tolist() == [one]  # type: ignore[arg-type]
    found = asked(one, says=Says(TWO))
    assert found["layout"] == found["all"] == 0


def test_prompts_and_pictures_are_equally_many() -> None:
    with pytest.raises(ValueError, match="asked holds 1 prompts; allowed: one an image, 2"):
        prompt_accuracy(torch.zeros(2, 3, 32, 32), ["a red circle"])


def test_the_shipped_recogniser_is_nearly_always_right_and_a_fresh_one_is_not() -> None:
    assert recogniser_accuracy(zoo.load_classifier("scenes-judge", device="cpu"), count=500).all > 0.98  # type: ignore[arg-type]
    fresh = recipes.recipe("scenes-judge").build().eval()
    assert recogniser_accuracy(fresh, count=500).all < 0.1  # type: ignore[arg-type]


def test_the_right_scenes_in_the_wrong_order_are_beautiful_and_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distance asks what they look like together, the accuracy whether each is what was asked for."""
    monkeypatch.setattr(prompts, "LEAST", 120)  # enough for what is asked here
    real = scenes.scenes(120, seed=5)
    scores = evaluate_scenes(real.images.flip(0), real)
    assert scores.prompt.all < 0.1
    assert scores.frechet < 0.01 * scores.floor.mean
    assert scores.coverage == 1
    assert scores.floor.spread > 0
    assert scores.rounded()["prompt"]["count"] == 120

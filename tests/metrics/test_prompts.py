"""Is what was asked for in the picture? By hand with a judge that says what it is told, and on real scenes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from minigen import recipes, scenes, zoo
from minigen.base.randomness import seeded
from minigen.metrics import evaluate_scenes, one_colour, prompt_accuracy, prompts, recognise, recogniser_accuracy


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


# --- one colour a thing ----------------------------------------------------------------------------


def in_two_colours(share: float, layout: int, shape: int, seed: int = 0) -> Tensor:
    """Scenes of one meaning but for a colour: a ``share`` of the picture's width is that of a second colour.

    The thing is drawn twice by the same dice, in red and in blue, and the two pictures are put together.
    """
    other = [1, 2, (shape + 1) % 6] if layout else [-1, -1, -1]
    drawn = [
        scenes.draw(torch.tensor([layout, 1, colour, shape, *other]).expand(20, -1), seeded(seed)) for colour in (0, 3)
    ]
    red = drawn[0][:, 0] - drawn[1][:, 0] > 0.5  # (20, 32, 32): where the two differ is the thing
    columns = red.any(dim=1).float().cumsum(dim=1)
    first = columns <= (columns[:, -1:] * (1 - share)).round()
    return torch.where(first[:, None, None], *drawn)


def test_real_scenes_have_one_colour_a_thing() -> None:
    """No false alarm in 1,500 scenes of every kind; nor where the pixels are as noisy as drawn ones are."""
    some = scenes.scenes(1500, "everything", seed=11)
    assert bool(one_colour(some.images).all())
    rough = some.images + 0.04 * torch.randn(some.images.shape, generator=seeded(0))
    assert float(one_colour(rough.clamp(-1, 1)).double().mean()) > 0.995


@pytest.mark.parametrize("layout", range(3))
@pytest.mark.parametrize("shape", range(6))
def test_a_thing_in_two_colours_is_caught(layout: int, shape: int) -> None:
    """Whatever its shape, alone or beside another; and with the second colour's share at 0 it is not."""
    assert not bool(one_colour(in_two_colours(0.5, layout, shape)).any())
    assert bool(one_colour(in_two_colours(0.0, layout, shape)).all())
    assert bool(one_colour(in_two_colours(1.0, layout, shape)).all())


def test_two_things_of_two_colours_are_no_thing_in_two_colours() -> None:
    some = scenes.scenes(400, "everything", seed=12)
    two = (some.meanings[:, 0] > 0) & (some.meanings[:, 2] != some.meanings[:, 5])
    assert int(two.sum()) > 100
    assert bool(one_colour(some.images[two]).all())


def test_the_judge_passes_what_has_two_colours() -> None:
    """Which is why the pixels are asked: it names one of the colours, and is content with what was left open."""
    halves = in_two_colours(0.5, 0, 5)
    assert prompt_accuracy(halves, ["a big ring"] * len(halves)).all > 0.9
    assert not bool(one_colour(halves).any())


def test_a_twentieth_is_where_a_second_colour_begins() -> None:
    """By hand: a field of 100 red pixels, of which so many are blue; pixels near no colour count for nothing."""
    tints = scenes.COLOURS["red"], scenes.COLOURS["blue"], (0.2, 0.2, 0.2)
    red, blue, grey = (torch.tensor(tint)[:, None, None] * 2 - 1 for tint in tints)
    for count, fine in ((4, True), (5, False), (50, False), (96, True)):
        picture = grey.expand(3, 32, 32).clone()
        field = red.expand(3, 10, 10).clone().flatten(1)
        field[:, :count] = blue.flatten(1)
        picture[:, 10:20, 10:20] = field.view(3, 10, 10)
        assert one_colour(picture[None], Says([0, 1, 0, 1, -1, -1, -1])).tolist() == [fine]  # type: ignore[arg-type]

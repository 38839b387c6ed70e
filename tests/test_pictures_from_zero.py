"""Pictures that look like [0, 1] where [-1, 1] is meant: whoever trains on them or scores them is told, once."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers_core import tiny_unet
from helpers_training import QUIET
from torch import Tensor

import minigen as mg
from minigen.base.randomness import seeded
from minigen.zoo.recipes import Recipe

SAID = r"pictures have values from 0 to 1, .* allowed: \[-1, 1\] \(-1 black, 1 white\), which is 2 \* x - 1 of them"


def digits(count: int, size: int = 16) -> Tensor:
    """Real ones from 0 to 1, the first of them with a black and a white pixel."""
    found = (mg.data.digits(size)[0][:count] + 1) / 2
    found[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    return found


def labels(count: int) -> Tensor:
    return torch.arange(count) % 10


def scenes(count: int) -> mg.scenes.Scenes:
    found = mg.scenes.scenes(count)
    return found._replace(images=(found.images + 1) / 2)


def generator(size: int = 8) -> mg.Generator:
    return tiny_unet(mg.heads.Categorical(4), mg.plans.random_order(), size)


def own(size: int, split: str) -> tuple[Tensor, ...]:
    """A source of one's own, as a reader writes it."""
    return digits(20, size), labels(20)


CALLS: dict[str, Callable[[], Any]] = {
    "train": lambda: mg.train(generator(), digits(20, 8), iterations=1, **QUIET),
    "train, of a function": lambda: mg.train(
        generator(), lambda count, random: (digits(count, 8),), batch_size=16, iterations=1, **QUIET
    ),
    "train, validation": lambda: mg.train(
        generator(), 2 * digits(20, 8) - 1, validation=(digits(20, 8),), iterations=1, **QUIET
    ),
    "train a classifier": lambda: mg.train(
        mg.nets.Classifier(8, widths=(8,)), digits(20, 8), labels(20), iterations=1, **QUIET
    ),
    "Recipe.train": lambda: Recipe("own", "own", lambda: generator(8), size=8, source=own).train(iterations=1, **QUIET),
    "IdealGenerator": lambda: mg.IdealGenerator(digits(20), mg.heads.Categorical(2), mg.plans.random_order()),
    "metrics.evaluate": lambda: mg.metrics.evaluate(digits(500), labels(500)),
    "metrics.features": lambda: mg.metrics.features(digits(20)),
    "metrics.accuracy": lambda: mg.metrics.accuracy(digits(20), labels(20)),
    "metrics.bits_per_dimension": lambda: mg.metrics.bits_per_dimension(generator(4), digits(20, 8)[..., 2:6, 2:6]),
    "metrics.recognise": lambda: mg.metrics.recognise(scenes(20).images),
    "metrics.evaluate_scenes": lambda: mg.metrics.evaluate_scenes(scenes(500).images, mg.scenes.scenes(500)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_pictures_from_0_to_1_are_noticed_once_where_they_are_given(call: Callable[[], Any]) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        call()
    told = [each for each in told if each.category is UserWarning]
    assert len(told) == 1, [str(each.message) for each in told]
    assert told[0].filename == __file__
    assert re.match(SAID.replace("from 0 to 1", r"from [\d.]+ to [\d.]+"), str(told[0].message))


def test_what_it_says_is_what_was_seen_and_the_call_that_converts() -> None:
    with pytest.warns(UserWarning, match=SAID):
        mg.metrics.features(digits(20))
    mg.metrics.features(2 * digits(20) - 1)  # converted as it says, nothing is said


FINE: dict[str, Tensor] = {
    "from -1 to 1": torch.rand(20, 1, 8, 8, generator=seeded(0)) * 2 - 1,
    "few pictures": torch.rand(7, 1, 8, 8, generator=seeded(0)),
    "all white": torch.ones(20, 1, 8, 8),
    "all grey": torch.zeros(20, 1, 8, 8),
    "light ones": torch.rand(20, 1, 8, 8, generator=seeded(0)) / 2 + 0.5,
    "dim ones": torch.rand(20, 1, 8, 8, generator=seeded(0)) / 2,
}


@pytest.mark.parametrize("pictures", FINE.values(), ids=FINE.keys())
def test_pictures_that_only_happen_to_lie_there_are_not(pictures: Tensor) -> None:
    """A warning would be an error here."""
    generator().check_batch((pictures,))


def test_points_and_very_small_pictures_are_not() -> None:
    clouds = mg.Generator(mg.nets.MLP(64), mg.heads.Regression("v"), mg.plans.diffusion())
    clouds.check_batch((torch.rand(500, 64, generator=seeded(0)),))
    tiny = mg.Generator(mg.nets.UNet(2, widths=(8,)), mg.heads.Categorical(4), mg.plans.random_order())
    tiny.check_batch((torch.rand(500, 1, 2, 2, generator=seeded(0)),))


def test_what_is_only_shown_may_be_anything() -> None:
    """Levels and shares lie in [0, 1], and are looked at."""
    mg.plots.grid(digits(20), alt="Twenty digits, washed out.")

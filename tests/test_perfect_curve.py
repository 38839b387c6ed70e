"""With a perfect curve every plan is right in enough steps."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from helpers_core import FOUR, ideal, normal, which
from torch import Tensor

from minigen import heads, plans, process, sample


def valid_share(drawn: Tensor, pictures: Tensor, near: float = 0.0) -> float:
    return float((which(drawn, pictures, near) >= 0).double().mean())


def total_variation(drawn: Tensor, pictures: Tensor) -> float:
    """Half the summed difference between how often each picture was drawn and how often it should be."""
    share = (which(drawn, pictures) + 1).bincount(minlength=len(pictures) + 1).double() / len(drawn)
    return float(share[0] + (share[1:] - 1 / len(pictures)).abs().sum()) / 2


ONE_PIXEL_A_STEP = [plans.raster(1), plans.random_order(), plans.ramp(1 / 8)]

NOISE = [plans.diffusion(), plans.diffusion(0.995), plans.ramp(0.5), plans.ramp(0.25)]


@pytest.mark.parametrize("schedule", [process.cosine, process.flow], ids=lambda each: each.name)
@pytest.mark.parametrize("plan", ONE_PIXEL_A_STEP, ids=lambda plan: plan.name)
def test_one_pixel_at_a_time_draws_only_valid_pictures(plan: plans.Plan, schedule: process.Schedule) -> None:
    """All of 2,000 are pictures of the set, each drawn equally often (to five standard errors)."""
    drawn = sample(ideal(plan, schedule=schedule), 2000, steps=8)
    counts = (which(drawn, FOUR) + 1).bincount(minlength=5)
    assert int(counts[0]) == 0
    assert bool(((counts[1:] - 500).abs() < 5 * math.sqrt(2000 * 3 / 16)).all())


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("plan", NOISE, ids=lambda plan: f"{plan.name}-{plan.width}-{plan.start}")
def test_noise_draws_only_valid_pictures(plan: plans.Plan, eta: float) -> None:
    """In 64 steps all of 1,000 are pictures of the set and each of them is drawn, with and without fresh noise."""
    found = which(sample(ideal(plan), 1000, steps=64, eta=eta), FOUR)
    assert float((found >= 0).double().mean()) == 1.0
    assert bool(((found.bincount(minlength=4) - 250).abs() < 100).all())


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("target", ["x0", "v"])
def test_noise_needs_no_dice_at_the_end(target: str, eta: float) -> None:
    """A regression head's average is a valid picture, too, when the steps are small (to 1 % of the range)."""
    drawn = sample(ideal(plans.diffusion(), heads.Regression(target)), 1000, steps=64, eta=eta)
    assert valid_share(drawn, FOUR, near=0.02) == 1.0
    assert bool((which(drawn, FOUR, near=0.02).bincount(minlength=4) > 150).all())


def test_the_probability_flow_keeps_the_proportions() -> None:
    """Diffusion with the average and eta 0, in many steps, draws each picture as often as it is in the set."""
    pictures = FOUR[[0, 0, 0, 1]]
    drawn = sample(ideal(plans.diffusion(), heads.Regression("x0"), pictures), 2000, steps=100, eta=0)
    found = which(drawn, FOUR, near=0.02)
    counts = (found + 1).bincount(minlength=5)
    assert counts[0] == counts[3] == counts[4] == 0
    assert int(counts[1]) == pytest.approx(1500, abs=5 * math.sqrt(2000 * 3 / 16))


def test_in_one_shot_practically_nothing_is_valid() -> None:
    """Each pixel is drawn alone: 4 of the 256 vectors are valid, and every plan in one step is this."""
    for plan in (plans.one_shot(), plans.raster(8), plans.random_order(), plans.diffusion(), plans.ramp(0.5)):
        drawn = sample(ideal(plan), 4000, steps=1)
        # each number of the four pictures is 1 as often as -1, so that each vector has the chance 1/256
        assert valid_share(drawn, FOUR) == pytest.approx(4 / 256, abs=5 * math.sqrt(4 / 256 / 4000))


def test_a_patch_is_torn_and_the_next_ones_agree_with_it() -> None:
    """Of two flat 4x4 pictures, raster(2) gets the first patch right once in eight times, and then everything."""
    flat = torch.ones(2, 1, 4, 4) * torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    drawn = sample(ideal(plans.raster(2), pictures=flat), 4000)
    share = valid_share(drawn, flat)
    assert share == pytest.approx(1 / 8, abs=5 * math.sqrt(7 / 64 / 4000))
    first_patch_flat = drawn[:, 0, :2, :2].flatten(1).abs().sum(1) == drawn[:, 0, :2, :2].flatten(1).sum(1).abs()
    assert float(first_patch_flat.double().mean()) == share


def test_the_mean_of_one_shot_is_the_mean_of_the_data() -> None:
    """For a regression head, and for beliefs of which the mean is taken: the blurry average."""
    pictures = heads.Categorical(16).prepare(normal(5, 1, 3, 3).float().clamp(-1, 1))
    for head, settings in ((heads.Regression("x0"), {}), (heads.Categorical(16), {"pick": "mean"})):
        drawn = sample(ideal(plans.one_shot(), head, pictures), 2, **settings)
        torch.testing.assert_close(drawn, pictures.mean(dim=0, keepdim=True).expand(2, 1, 3, 3), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("plan", "ladder", "full"),
    [(plans.random_order(), (1, 2, 4, 8), 8), (plans.diffusion(), (1, 2, 3, 4), 32)],
    ids=["random_order", "diffusion"],
)
def test_more_steps_bring_the_samples_closer_to_the_data(plan: plans.Plan, ladder: tuple[int, ...], full: int) -> None:
    """The total variation falls at every rung, by far more than chance, and ends at what 4,000 exact draws give."""
    distances = [total_variation(sample(ideal(plan), 4000, steps=steps), FOUR) for steps in ladder]
    assert all(later < earlier - 0.02 for earlier, later in itertools.pairwise(distances)), distances
    assert distances[0] > 0.9
    assert total_variation(sample(ideal(plan), 4000, steps=full, seed=1), FOUR) < 0.025

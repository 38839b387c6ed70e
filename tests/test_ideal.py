"""The ideal denoiser: its belief is Bayes' rule."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_core import GREYS, SCHEDULES, normal

from minigen import IdealGenerator, heads, plans, process, sample
from minigen.process import corrupt


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
def test_the_ideal_belief_is_bayes_rule(schedule: process.Schedule) -> None:
    """The weights are likelihoods of the seen pixels, normalised, with one Gaussian a pixel; written out."""
    pictures = normal(3, 1, 2, 2).clamp(-1, 1)
    t = torch.tensor([0.3, 0.9, 1.0, 0.6]).double().view(1, 1, 2, 2)
    x_t = corrupt(pictures[:1], t, normal(1, 1, 2, 2, seed=1), schedule)
    model = IdealGenerator(pictures, heads.Regression("x0"), plans.diffusion(), schedule)
    likelihood = []
    for picture in pictures:
        p = 1.0
        for x, x0, level in zip(x_t.flatten(), picture.flatten(), t.flatten(), strict=True):
            alpha, sigma = (float(c) for c in schedule(level))
            p *= math.exp(-((float(x) - alpha * float(x0)) ** 2) / (2 * sigma**2))
        likelihood.append(p)
    wanted = torch.tensor([p / sum(likelihood) for p in likelihood], dtype=torch.float64)
    torch.testing.assert_close(model.weights(x_t, t), wanted[None], rtol=0, atol=1e-10)
    mean = (wanted.view(3, 1, 1, 1) * pictures).sum(dim=0, keepdim=True)
    torch.testing.assert_close(model.belief(x_t, t), mean, rtol=0, atol=1e-10)


def test_the_ideal_belief_is_a_count_of_greys() -> None:
    """With nothing seen: the share of pictures with each grey; with a pixel seen: among those that agree."""
    pictures = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    model = IdealGenerator(pictures, heads.Categorical(2), plans.raster())
    nothing = model.belief(torch.full((1, 2), math.nan), torch.ones(1, 2)).softmax(dim=2)
    torch.testing.assert_close(nothing, torch.tensor([[[0.5, 0.5], [0.25, 0.75]]]))
    first = model.belief(torch.tensor([[-1.0, math.nan], [1.0, math.nan]]), torch.tensor([[0.0, 1.0]] * 2)).softmax(2)
    torch.testing.assert_close(first[:, 1], torch.tensor([[0.5, 0.5], [0.0, 1.0]]))


def test_the_ideal_generator_knows_its_pictures_by_the_greys_that_the_head_gives_them() -> None:
    """In float64 a grey halfway between two levels can round the other way than in float32; it must not."""
    halfway = (torch.arange(15) + 0.5) / 15 * 2 - 1
    head = heads.Categorical(16)
    assert not torch.allclose(head.prepare(halfway).double(), head.prepare(halfway.double()))  # it matters here
    ideal = IdealGenerator(halfway[None], head, plans.raster(1))
    assert torch.equal(sample(ideal, 1), head.prepare(halfway[None]))


def test_pictures_of_another_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pictures has values from 2 to 2; allowed: \[-1, 1\]"):
        IdealGenerator(torch.full((2, 1, 8, 8), 2.0), GREYS, plans.raster())

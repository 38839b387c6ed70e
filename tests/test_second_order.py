"""Two guesses at once: DPM-Solver++ 2M."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from helpers_core import normal, tiny_unet
from torch import Tensor

from minigen import heads, plans, process, sample, trajectory
from minigen.process import cosine, extrapolate, flow, step

TRAIN_STEPS = 1000


def level(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def of_the_paper(x: Tensor, now: Tensor, before: Tensor, s: Tensor, t: Tensor, u: Tensor, schedule: Any) -> Tensor:
    """Algorithm 2 of Lu et al. 2022 (arXiv 2211.01095), line by line, from t to u with a guess made at s."""
    (alpha_s, sigma_s), (alpha_t, sigma_t), (alpha_u, sigma_u) = (schedule(each) for each in (s, t, u))
    lam_s, lam_t, lam_u = (
        alpha / sigma for alpha, sigma in ((alpha_s, sigma_s), (alpha_t, sigma_t), (alpha_u, sigma_u))
    )
    h, h_before = (lam_u / lam_t).log(), (lam_t / lam_s).log()
    r = h_before / h
    ahead = (1 + 1 / (2 * r)) * now - 1 / (2 * r) * before
    return sigma_u / sigma_t * x - alpha_u * ((-h).exp() - 1) * ahead


@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
@pytest.mark.parametrize("levels", [(0.9, 0.6, 0.3), (0.99, 0.97, 0.2), (0.5, 0.2, 0.19)])
def test_a_step_is_that_of_the_paper(schedule: process.Schedule, levels: tuple[float, ...]) -> None:
    s, t, u = map(level, levels)
    x, now, before = normal(3, 5), normal(3, 5, seed=1), normal(3, 5, seed=2)
    ours = step(x, extrapolate(now, before, s, t, u, schedule), t, u, schedule)
    torch.testing.assert_close(ours, of_the_paper(x, now, before, s, t, u, schedule), rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")
def test_a_walk_is_the_multistep_scheduler_of_diffusers() -> None:
    """Twelve steps from just below level 1 to 0 agree at each step to 1e-5 (theirs keeps its sigmas in float32)."""
    from diffusers import DPMSolverMultistepScheduler

    theirs = DPMSolverMultistepScheduler(
        TRAIN_STEPS, algorithm_type="dpmsolver++", solver_order=2, prediction_type="sample", final_sigmas_type="zero"
    )
    alpha, _ = cosine(torch.arange(1, TRAIN_STEPS + 1, dtype=torch.float64) / TRAIN_STEPS * 0.99)
    theirs.alphas_cumprod = alpha**2
    theirs.set_timesteps(12)
    sigmas = theirs.sigmas.double()
    levels = (2 / math.pi) * torch.atan(sigmas)  # their sigma is our sigma over alpha
    x, before = normal(2, 1, 4, 4), None
    for k, i in enumerate(theirs.timesteps):
        x0_hat = normal(2, 1, 4, 4, seed=100 + k)
        wanted = theirs.step(x0_hat, i, x).prev_sample
        t, u = levels[k], levels[k + 1]
        ahead = x0_hat if before is None else extrapolate(x0_hat, *before, t, u)
        x, before = step(x, ahead, t, u), (x0_hat, t)
        torch.testing.assert_close(x, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("s", "t", "u"), [(1.0, 0.5, 0.2), (0.8, 0.5, 0.0)])
def test_the_first_and_the_last_step_are_of_first_order(s: float, t: float, u: float) -> None:
    now, before = normal(2, 3), normal(2, 3, seed=1)
    assert torch.equal(extrapolate(now, before, level(s), level(t), level(u)), now)


def test_a_guess_that_moves_evenly_is_met_in_the_middle() -> None:
    """If guesses are a straight line in log(alpha / sigma), the one that is used is that of the step's middle."""

    def lam(t: Tensor) -> Tensor:
        alpha, sigma = cosine(t)
        return (alpha / sigma).log()

    s, t, u = level(0.8), level(0.65), level(0.3)
    slope, offset = normal(4), normal(4, seed=1)
    now, before = offset + slope * lam(t), offset + slope * lam(s)
    middle = offset + slope * (lam(t) + lam(u)) / 2
    torch.testing.assert_close(extrapolate(now, before, s, t, u), middle, rtol=1e-12, atol=1e-12)


def walk_number(steps: int, second_order: bool) -> float:
    """How far a start at 1 misses its end, for numbers with variance 1/4 and exact guesses, from 0.9 to 0.1.

    Between those two levels the exact walk multiplies by the ratio of the spreads.
    """
    rows, variance = torch.linspace(0.9, 0.1, steps + 1, dtype=torch.float64), 0.25
    spread = [(alpha**2 * variance + sigma**2).sqrt() for alpha, sigma in map(cosine, (rows[0], rows[-1]))]
    x, before = level(1.0), None
    for t, u in itertools.pairwise(rows):
        alpha, sigma = cosine(t)
        now = alpha * variance * x / (alpha**2 * variance + sigma**2)
        ahead = extrapolate(now, *before, t, u) if second_order and before is not None else now
        x, before = step(x, ahead, t, u), (now, t)
    return abs(float(x - spread[1] / spread[0]))


def test_errors_fall_by_two_and_by_four() -> None:
    """Twice the steps: half the error with one guess, a quarter with two."""
    plain, ahead = ([walk_number(steps, second) for steps in (64, 128, 256)] for second in (False, True))
    assert [plain[k] / plain[k + 1] for k in (0, 1)] == pytest.approx([2, 2], rel=0.05)
    assert [ahead[k] / ahead[k + 1] for k in (0, 1)] == pytest.approx([4, 4], rel=0.1)
    assert ahead[0] < plain[0] / 10


# --- in the sampler --------------------------------------------------------------------------------


def test_the_sampler_takes_these_steps() -> None:
    """Rows of ``diffusion()``, written out by hand."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    walk = trajectory(model, 3, steps=5, eta=0.0, second_order=True)
    rows, x, before = torch.linspace(1, 0, 6), walk.images[0], None
    for k in range(5):
        t, u = (rows[k + j].expand(3, 1, 1, 1) for j in (0, 1))
        with torch.no_grad():
            now = model.head.x0_hat(model.belief(x, t), None, 1.0, True)
        ahead = now if before is None else extrapolate(now, *before, t, u)
        x, before = step(x, ahead, t, u), (now, t)
        torch.testing.assert_close(x, walk.images[k + 1], rtol=0, atol=1e-4)
    assert not torch.allclose(walk.images[-1], sample(model, 3, steps=5, eta=0.0), atol=1e-3)


@pytest.mark.parametrize("steps", [1, 2])
def test_one_or_two_steps_have_none_in_the_middle(steps: int) -> None:
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    plain, ahead = (sample(model, 3, steps=steps, eta=0.0, second_order=second) for second in (False, True))
    assert torch.equal(plain, ahead)


def test_it_depends_neither_on_the_count_nor_on_the_batch() -> None:
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    settings: Any = dict(steps=4, eta=0.0, second_order=True, seed=3)
    whole = sample(model, 70, **settings)
    assert torch.allclose(sample(model, 5, **settings), whole[:5], atol=1e-5)
    assert torch.allclose(sample(model, 70, batch_size=66, **settings), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("plan", "head", "settings", "message"),
    [
        (plans.diffusion(), heads.Regression("v"), dict(), r"eta is 1.0 with second_order=True; allowed: 0"),
        (plans.diffusion(), heads.Regression("v"), dict(eta=0.5), r"eta is 0.5 with second_order=True; allowed: 0"),
        (
            plans.ramp(0.5), heads.Categorical(4), dict(eta=0.0, pick="mean"),
            r"second_order is True with the plan ramp, whose pixels have different levels;"
            r" allowed: False, or diffusion\(\)",
        ),
        (plans.random_order(), heads.Categorical(4), dict(eta=0.0, pick="mean"), r"with the plan random_order"),
        (plans.any_ramp(), heads.Categorical(4), dict(eta=0.0, pick="mean"), r"with the plan any_ramp"),
        (
            plans.diffusion(), heads.Categorical(4), dict(eta=0.0),
            r"pick is 'draw' with second_order=True; allowed: 'mean'",
        ),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_extrapolate_it_says_so(
    plan: plans.Plan, head: heads.Head, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sample(tiny_unet(head, plan), 1, steps=3, second_order=True, **settings)

"""Removing and restoring: the schedules, the conversions, and ``step`` against the literature and diffusers."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_core import SCHEDULES, normal
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.process import TARGETS, Schedule, convert, corrupt, cosine, flow, hide, linear_beta_leaky, schedule, step

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
TRAIN_STEPS = 1000
DIFFUSERS = dict(
    num_train_timesteps=TRAIN_STEPS, prediction_type="sample", clip_sample=False, timestep_spacing="trailing"
)


def column(*values: float) -> Tensor:
    """Levels in float64, one a picture: (values, 1)."""
    return torch.tensor(values, dtype=torch.float64)[:, None]


# --- schedules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
def test_nothing_is_left_at_level_1_and_nothing_is_lost_at_level_0(schedule: Schedule, dtype: torch.dtype) -> None:
    """alpha(1) is 0 and alpha(0) is 1 to the last bit, although cos(pi/2) is neither in floating point."""
    alpha, sigma = schedule(torch.tensor([0.0, 1.0], dtype=dtype))
    assert alpha.tolist() == [1.0, 0.0]
    assert sigma.tolist() == [0.0, 1.0]


def test_the_cosine_of_a_quarter_turn_is_why_alpha_is_set_to_zero() -> None:
    """Without the guard the float32 cosine would leak."""
    assert float(torch.cos(torch.tensor(math.pi / 2))) != 0


@pytest.mark.parametrize("schedule", [cosine, linear_beta_leaky], ids=lambda each: each.name)
def test_curved_schedules_keep_the_variance(schedule: Schedule) -> None:
    """alpha^2 + sigma^2 = 1 at every level."""
    alpha, sigma = schedule(torch.linspace(0, 1, 333, dtype=torch.float64))
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones_like(alpha), rtol=0, atol=1e-12)


def test_cosine_and_flow_are_what_they_say() -> None:
    """Their values against plain Python."""
    for t in (0.1, 0.25, 0.5, 0.9):
        level = torch.tensor(t, dtype=torch.float64)
        assert [float(c) for c in cosine(level)] == pytest.approx(
            [math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)]
        )
        assert [float(c) for c in flow(level)] == pytest.approx([1 - t, t])


def test_the_old_schedule_leaks() -> None:
    """DDPM's linear betas keep 0.00635 of the picture at t = 1."""
    alpha, _ = linear_beta_leaky(torch.tensor(1.0))
    assert float(alpha) == pytest.approx(0.00635, abs=1e-5)


def test_the_old_schedule_is_the_one_of_diffusers() -> None:
    """alpha^2 after each of DDPM's steps equals the library's alphas_cumprod (which is float32)."""
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(beta_start=1e-4, beta_end=0.02, beta_schedule="linear").alphas_cumprod.double()
    alpha, _ = linear_beta_leaky(torch.arange(1, TRAIN_STEPS + 1, dtype=torch.float64) / TRAIN_STEPS)
    torch.testing.assert_close(alpha**2, theirs, rtol=2e-5, atol=0)


@every_schedule
def test_levels_go_one_way(schedule: Schedule) -> None:
    """alpha falls and sigma rises with the level, strictly."""
    alpha, sigma = schedule(torch.linspace(0, 1, 1001, dtype=torch.float64))
    assert bool((alpha.diff() < 0).all())
    assert bool((sigma.diff() > 0).all())


def test_a_schedule_is_found_by_name() -> None:
    """schedule(name) and schedule(schedule) give the same one."""
    assert all(schedule(each.name) is each and schedule(each) is each for each in SCHEDULES)


# --- x0, eps, v ------------------------------------------------------------------------------------


@every_schedule
@pytest.mark.parametrize("source", TARGETS)
@pytest.mark.parametrize("target", TARGETS)
def test_conversions_agree_with_the_definitions(schedule: Schedule, source: str, target: str) -> None:
    """Each of x0, eps and v is found from each other one and x_t, at every level between 0 and 1."""
    t = torch.linspace(0.02, 0.98, 25, dtype=torch.float64)[:, None]
    x0, eps = normal(25, 7), normal(25, 7, seed=1)
    alpha, sigma = schedule(t)
    truth = {"x0": x0, "eps": eps, "v": eps - x0 if schedule is flow else alpha * eps - sigma * x0}
    found = convert(truth[source], alpha * x0 + sigma * eps, t, schedule, source=source, target=target)
    torch.testing.assert_close(found, truth[target], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("schedule", "constant"), [(cosine, math.pi / 2), (flow, 1.0)], ids=["cosine", "flow"])
def test_v_is_the_velocity(schedule: Schedule, constant: float) -> None:
    """dx_t/dt by central differences is pi/2 times v for cosine and v itself for flow."""
    t, h = torch.linspace(0.01, 0.99, 25, dtype=torch.float64)[:, None], 1e-5
    x0, eps = normal(25, 7), normal(25, 7, seed=1)
    derivative = (corrupt(x0, t + h, eps, schedule) - corrupt(x0, t - h, eps, schedule)) / (2 * h)
    v = convert(eps, corrupt(x0, t, eps, schedule), t, schedule, source="eps", target="v")
    torch.testing.assert_close(derivative, constant * v, rtol=0, atol=1e-8)


@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
def test_v_works_at_both_ends(schedule: Schedule) -> None:
    """At t = 0 and t = 1 v still gives x0 and eps, where the other two can't."""
    x0, eps = normal(2, 5), normal(2, 5, seed=1)
    t = column(0, 1)
    d_alpha, d_sigma = schedule.velocity(t)
    v, x_t = d_alpha * x0 + d_sigma * eps, corrupt(x0, t, eps, schedule)
    torch.testing.assert_close(convert(v, x_t, t, schedule, source="v", target="x0"), x0, rtol=0, atol=1e-15)
    torch.testing.assert_close(convert(v, x_t, t, schedule, source="v", target="eps"), eps, rtol=0, atol=1e-15)


@pytest.mark.parametrize("target", ["x0", "v"])
@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
def test_eps_says_nothing_at_level_1(schedule: Schedule, target: str) -> None:
    """One pixel at t = 1 is enough to refuse, and the message names what works there."""
    t = torch.tensor([[0.5, 1.0]])
    with pytest.raises(ValueError, match=r"source is 'eps'.*t = 1.*'x0', 'v'"):
        convert(torch.zeros(1, 2), torch.zeros(1, 2), t, schedule, source="eps", target=target)


def test_eps_at_level_1_is_allowed_where_the_schedule_leaks() -> None:
    """The old schedule still has something of the picture at t = 1."""
    x0, eps, t = normal(3, 5), normal(3, 5, seed=1), column(1, 1, 1)
    found = convert(eps, corrupt(x0, t, eps, linear_beta_leaky), t, linear_beta_leaky, source="eps", target="x0")
    torch.testing.assert_close(found, x0, rtol=0, atol=1e-12)


def test_x0_says_nothing_of_the_noise_at_level_0() -> None:
    """Converting x0 at t = 0 is refused with what works there."""
    with pytest.raises(ValueError, match=r"source is 'x0'.*t = 0.*'eps', 'v'"):
        convert(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.5, 0.0]]), source="x0", target="eps")


@pytest.mark.parametrize(
    ("argument", "names"), [("source", dict(source="epps", target="x0")), ("target", dict(source="v", target="epps"))]
)
def test_an_unknown_name_is_answered_with_the_nearest(argument: str, names: dict[str, str]) -> None:
    """A misspelt source or target names the argument, the choices and the likely one."""
    with pytest.raises(ValueError, match=rf"{argument} is 'epps'; allowed: 'x0', 'eps', 'v'; did you mean 'eps'"):
        convert(torch.zeros(1), torch.zeros(1), torch.tensor([0.5]), **names)


# --- hiding ----------------------------------------------------------------------------------------


def test_hide_shows_nothing_of_a_pixel_that_carries_nothing() -> None:
    """NaN and infinity at level 1 become 0; just below it a pixel is shown as it is."""
    x = torch.tensor([float("nan"), float("inf"), 0.3, 0.4])
    t = torch.tensor([1.0, 1.0, 0.999, 0.0])
    assert torch.equal(hide(x, t), torch.tensor([0.0, 0.0, 0.3, 0.4]))


def test_hide_shows_everything_where_the_schedule_leaks() -> None:
    """With the old schedule a pixel at level 1 still carries something, so it is not hidden."""
    x = torch.tensor([0.3, 0.4])
    assert torch.equal(hide(x, torch.ones(2), linear_beta_leaky), x)


# --- step against formulas -------------------------------------------------------------------------


@every_schedule
@pytest.mark.parametrize(("t", "u"), [(1.0, 0.7), (0.9, 0.4), (0.5, 0.49), (0.3, 0.0), (1.0, 0.0)])
def test_eta_0_is_ddim(schedule: Schedule, t: float, u: float) -> None:
    """x_u = alpha(u) x0_hat + sigma(u) eps_hat with the eps_hat that x_t and x0_hat imply."""
    x_t, x0_hat = normal(4, 6), normal(4, 6, seed=1)
    (alpha_t, sigma_t), (alpha_u, sigma_u) = ([float(c) for c in schedule(column(level))] for level in (t, u))
    wanted = alpha_u * x0_hat + sigma_u * (x_t - alpha_t * x0_hat) / sigma_t
    torch.testing.assert_close(step(x_t, x0_hat, column(t), column(u), schedule), wanted, rtol=0, atol=1e-12)


@every_schedule
@pytest.mark.parametrize(("t", "u"), [(1.0, 0.7), (0.9, 0.4), (0.5, 0.49), (0.3, 0.0), (1.0, 0.0)])
def test_eta_1_draws_from_the_posterior(schedule: Schedule, t: float, u: float) -> None:
    """Mean and deviation are those of q(x_u | x_t, x0_hat), by the product of two Gaussians."""
    x_t, x0_hat, noise = normal(4, 6), normal(4, 6, seed=1), normal(4, 6, seed=2)
    (alpha_t, sigma_t), (alpha_u, sigma_u) = ([float(c) for c in schedule(column(level))] for level in (t, u))
    ratio = alpha_t / alpha_u
    between = sigma_t**2 - ratio**2 * sigma_u**2  # the variance of x_t given x_u
    mean = (ratio * sigma_u**2 * x_t + alpha_u * between * x0_hat) / sigma_t**2
    wanted = mean + sigma_u * math.sqrt(between) / sigma_t * noise
    found = step(x_t, x0_hat, column(t), column(u), schedule, eta=1.0, noise=noise)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_a_flow_step_is_an_euler_step() -> None:
    """With the straight schedule and eta 0, x_u = x_t + (u - t) v."""
    x_t, x0_hat, t, u = normal(4, 6), normal(4, 6, seed=1), column(0.9, 0.5, 0.3, 1.0), column(0.6, 0.4, 0.0, 0.5)
    v = convert(x0_hat, x_t, t, flow, source="x0", target="v")
    torch.testing.assert_close(step(x_t, x0_hat, t, u, flow), x_t + (u - t) * v, rtol=0, atol=1e-12)


@every_schedule
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_a_step_arrives_at_the_right_distribution(schedule: Schedule, eta: float) -> None:
    """From x_t = corrupt(x0) and a perfect guess, x_u has mean alpha(u) x0 and deviation sigma(u), for every eta."""
    x0, eps, noise = torch.full((1, 400_000), 0.7, dtype=torch.float64), normal(1, 400_000), normal(1, 400_000, seed=1)
    t, u = column(0.8), column(0.35)
    x_u = step(corrupt(x0, t, eps, schedule), x0, t, u, schedule, eta, noise)
    alpha_u, sigma_u = (float(c) for c in schedule(u))
    assert float(x_u.mean()) == pytest.approx(alpha_u * 0.7, abs=0.008)  # 5 standard errors
    assert float(x_u.std()) == pytest.approx(sigma_u, abs=0.006)


# --- step against diffusers ------------------------------------------------------------------------


def diffusers_table() -> Tensor:
    """alpha_bar after each of 1,000 small steps, with our cosine schedule: the last one is exactly 0."""
    alpha, _ = cosine(torch.arange(1, TRAIN_STEPS + 1, dtype=torch.float64) / TRAIN_STEPS)
    return alpha**2


def levels_of(timesteps: Tensor) -> list[float]:
    """Their timesteps 999 ... as levels 1.0 ... 0: timestep i is the state after i + 1 small steps."""
    return [(int(i) + 1) / TRAIN_STEPS for i in timesteps] + [0.0]


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_step_is_the_ddim_scheduler_of_diffusers(eta: float) -> None:
    """A walk of ten steps from t = 1 to 0 agrees at each step to 1e-6 (both in float64)."""
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(**DIFFUSERS)
    theirs.alphas_cumprod = diffusers_table()
    theirs.set_timesteps(10)
    levels = levels_of(theirs.timesteps)
    assert levels[0] == 1.0
    x = normal(2, 3, 4, 4)
    for k, i in enumerate(theirs.timesteps):
        x0_hat, noise = normal(2, 3, 4, 4, seed=100 + k), normal(2, 3, 4, 4, seed=200 + k)
        wanted = theirs.step(x0_hat, int(i), x, eta=eta, variance_noise=noise).prev_sample
        t, u = (torch.tensor(level, dtype=torch.float64) for level in (levels[k], levels[k + 1]))
        x = step(x, x0_hat, t, u, cosine, eta, noise)
        torch.testing.assert_close(x, wanted, rtol=0, atol=1e-6)


def test_step_with_eta_1_is_the_ddpm_scheduler_of_diffusers() -> None:
    """Ancestral sampling in ten steps, each with the same noise (drawn by equal generators), to 1e-6."""
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(**DIFFUSERS, variance_type="fixed_small")
    theirs.alphas_cumprod = diffusers_table()
    theirs.set_timesteps(10)
    levels = levels_of(theirs.timesteps)
    x = normal(2, 3, 4, 4)
    for k, i in enumerate(theirs.timesteps):
        x0_hat, noise = normal(2, 3, 4, 4, seed=100 + k), normal(2, 3, 4, 4, seed=200 + k)
        wanted = theirs.step(x0_hat, int(i), x, generator=seeded(200 + k)).prev_sample
        t, u = (torch.tensor(level, dtype=torch.float64) for level in (levels[k], levels[k + 1]))
        x = step(x, x0_hat, t, u, cosine, 1.0, noise)
        torch.testing.assert_close(x, wanted, rtol=0, atol=1e-6)


# --- step, pixel by pixel --------------------------------------------------------------------------


@every_schedule
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_on_a_staircase_step_writes_and_copies(schedule: Schedule, eta: float) -> None:
    """Between rows of 0 and 1 the predicted pixels are written and the others copied, bit by bit (float32)."""
    x_t, x0_hat, noise = (normal(6, 2, 5, 5, seed=seed).float() for seed in range(3))
    rows = torch.rand(2, 6, 1, 5, 5, generator=seeded(3))
    t, u = (rows[0] < 0.7).float(), ((rows[0] < 0.7) & (rows[1] < 0.5)).float()
    found = step(x_t, x0_hat, t, u, schedule, eta, noise)
    written = (u < t).expand_as(x_t)
    assert bool(written.any())
    assert not bool(written.all())
    assert torch.equal(found[written], x0_hat[written])
    assert torch.equal(found[~written], x_t[~written])


@every_schedule
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_pixel_that_stays_at_its_level_is_copied(schedule: Schedule, eta: float) -> None:
    """u = t copies x_t bit by bit at every level, while the neighbour moves."""
    x_t, x0_hat, noise = (normal(50, 2, seed=seed).float() for seed in range(3))
    t = torch.linspace(0, 1, 50)[:, None].expand(50, 2)
    u = t * torch.tensor([1.0, 0.5])
    found = step(x_t, x0_hat, t, u, schedule, eta, noise)
    assert torch.equal(found[:, 0], x_t[:, 0])
    assert bool((found[1:, 1] != x_t[1:, 1]).all())


@every_schedule
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_gradients_are_finite_at_both_ends(schedule: Schedule, eta: float) -> None:
    """Through corrupt and step, at levels 0 and 1 and between: 0/0 under a where would give NaN."""
    t = torch.tensor([0.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    u = torch.tensor([0.0, 1.0, 0.5, 0.0, 0.0, 0.5])
    leaves = [normal(6, seed=seed).float().requires_grad_() for seed in range(4)]
    x0, eps, x0_hat, noise = leaves
    x_t = corrupt(x0, t, eps, schedule)
    x_u = step(x_t, x0_hat, t, u, schedule, eta, noise)
    (x_t.square().sum() + x_u.square().sum()).backward()
    for leaf in leaves[: 3 if eta == 0 else 4]:
        assert leaf.grad is not None
        assert bool(leaf.grad.isfinite().all())
        assert bool(leaf.grad.any())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(u=torch.tensor([0.6])), r"u is above t somewhere; allowed: levels that never rise"),
        (dict(eta=1.0), r"noise is None; allowed with eta=1.0: standard normal noise"),
        (dict(eta=1.5), r"eta is 1.5; allowed: finite numbers in \[0, 1\]"),
        (dict(eta=-0.1), r"eta is -0.1; allowed: finite numbers in \[0, 1\]"),
        (dict(eta=float("nan")), r"eta is nan; allowed: finite numbers in \[0, 1\]"),
    ],
)
def test_a_bad_step_is_refused(settings: dict, message: str) -> None:
    """Levels that rise, an eta out of range, and missing noise are named."""
    arguments = dict(t=torch.tensor([0.5]), u=torch.tensor([0.2])) | settings
    with pytest.raises(ValueError, match=message):
        step(torch.zeros(1), torch.zeros(1), **arguments)

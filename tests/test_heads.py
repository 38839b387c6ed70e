"""Heads: what is predicted, the loss that fits it, and how a guess is drawn from a belief."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from helpers_core import SCHEDULES, normal, tiny_unet

from minigen import heads, plans, process
from minigen.base.randomness import seeded
from minigen.heads import Categorical, Regression
from minigen.process import corrupt, cosine, flow, step

# --- categorical: values and levels ----------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
def test_the_grey_values_are_evenly_spaced(levels: int) -> None:
    """From -1 to 1, and each one is its own rounding."""
    head = Categorical(levels)
    values = head.values(torch.zeros(1, dtype=torch.float64))
    assert values.tolist() == pytest.approx([-1 + 2 * k / (levels - 1) for k in range(levels)])
    assert head.index(values).tolist() == list(range(levels))


def test_preparing_rounds_to_the_nearest_grey_once() -> None:
    """Every number moves by at most half a grey level, and preparing twice changes nothing."""
    x = torch.rand(4, 3, 5, 5, generator=seeded(0)) * 2 - 1
    rounded = Categorical(16).prepare(x)
    assert float((rounded - x).abs().max()) <= 1 / 15 + 1e-6
    assert len(rounded.unique()) == 16
    assert torch.equal(Categorical(16).prepare(rounded), rounded)


def test_regression_takes_x0_as_it_is() -> None:
    """No rounding."""
    x = torch.rand(4, 3, generator=seeded(0))
    assert Regression().prepare(x) is x


# --- categorical: loss -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (6, 7)], ids=["pictures", "vectors"])
def test_cross_entropy_by_hand(shape: tuple[int, ...]) -> None:
    """The loss of each number is -log softmax(its logits)[its grey], channels and pixels not mixed up."""
    head = Categorical(4)
    x0 = head.prepare((torch.rand(shape, generator=seeded(0)) * 2 - 1).double())
    output = normal(shape[0], head.outputs(shape[1]), *shape[2:], seed=1)
    t = torch.ones(shape[0], 1, *shape[2:])
    found = head.loss(output, x0, torch.zeros_like(x0), t, process.cosine)
    assert found.shape == shape
    for place in [(0,) * len(shape), tuple(side - 1 for side in shape), (1, 2, *(3 for _ in shape[2:]))]:
        image, channel, *pixel = place
        logits = [float(output[(image, channel * 4 + k, *pixel)]) for k in range(4)]
        grey = round((float(x0[place]) + 1) / 2 * 3)
        wanted = math.log(sum(math.exp(logit) for logit in logits)) - logits[grey]
        assert float(found[place]) == pytest.approx(wanted, abs=1e-12)


def test_probabilities_of_a_pixel_add_up_to_one() -> None:
    """log_probabilities normalises over the grey levels, dimension 2."""
    belief = normal(2, 3, 5, 4, 4)
    total = Categorical(5).log_probabilities(belief).exp().sum(dim=2)
    torch.testing.assert_close(total, torch.ones(2, 3, 4, 4, dtype=torch.float64), rtol=0, atol=1e-12)


# --- categorical: drawing --------------------------------------------------------------------------


def drawn_share(p: list[float], temperature: float, count: int = 200_000) -> torch.Tensor:
    """How often each grey is drawn from a belief with these probabilities."""
    head = Categorical(len(p))
    belief = torch.tensor(p).log().expand(1, count, len(p))
    uniform = torch.rand(1, count, generator=seeded(0))
    drawn = head.index(head.x0_hat(belief, uniform, temperature))
    return drawn.flatten().bincount(minlength=len(p)).double() / count


def test_greys_are_drawn_as_often_as_they_are_believed() -> None:
    """Pearson's statistic of 200,000 draws lies below the 99.9 % point of chi-square with 3 degrees of freedom."""
    p = torch.tensor([0.1, 0.2, 0.65, 0.05], dtype=torch.float64)
    share = drawn_share(p.tolist(), 1.0)
    assert float(200_000 * ((share - p) ** 2 / p).sum()) < 16.27


def test_a_grey_with_probability_zero_is_never_drawn() -> None:
    """Not even by a uniform number of exactly 0, and not as the last grey."""
    head = Categorical(4)
    belief = torch.tensor([0.0, 0.5, 0.5, 0.0]).log().expand(1, 3, 4)
    uniform = torch.tensor([[0.0, 0.5, 1 - 2**-24]])
    assert head.index(head.x0_hat(belief, uniform)).tolist() == [[1, 2, 2]]


def test_a_lower_temperature_is_bolder() -> None:
    """Beliefs of 0.8 and 0.2 become 16/17 and 1/17 at temperature 0.5, and stay where they are at 1."""
    for temperature, wanted in ((1.0, 0.8), (0.5, 16 / 17)):
        error = 4 * math.sqrt(wanted * (1 - wanted) / 200_000)
        assert float(drawn_share([0.8, 0.2], temperature)[0]) == pytest.approx(wanted, abs=error)
    # exactly, by the mean of the values -1 and 1
    mean = Categorical(2).x0_hat(torch.tensor([[[0.8, 0.2]]], dtype=torch.float64).log(), None, 0.5)
    assert float(mean) == pytest.approx(1 / 17 - 16 / 17, abs=1e-12)


def test_temperature_zero_takes_the_likeliest() -> None:
    """The argmax, whatever the uniform numbers say, and without them."""
    head, belief = Categorical(5), normal(3, 2, 5, 4, 4)
    wanted = head.values(belief)[belief.argmax(dim=2)]
    for uniform in (None, torch.zeros(3, 2, 4, 4), torch.full((3, 2, 4, 4), 0.999)):
        assert torch.equal(head.x0_hat(belief, uniform, 0), wanted)


def test_the_mean_is_the_expectation() -> None:
    """Sum of p times value, for pictures and for vectors."""
    head = Categorical(3)
    for belief in (normal(2, 4, 3, 5, 6), normal(2, 4, 3)):
        p = belief.softmax(dim=2)
        wanted = p.select(2, 2) - p.select(2, 0)  # the values are -1, 0, 1
        torch.testing.assert_close(head.x0_hat(belief, None), wanted, rtol=0, atol=1e-12)


def test_each_pixel_is_drawn_by_its_own_number() -> None:
    """Changing one uniform number changes that pixel alone."""
    head, belief = Categorical(4), torch.zeros(1, 2, 4, 3, 3)
    low = torch.full((1, 2, 3, 3), 0.1)
    one = low.clone()
    one[0, 1, 2, 0] = 0.9
    changed = head.x0_hat(belief, one) != head.x0_hat(belief, low)
    assert changed.nonzero().tolist() == [[0, 1, 2, 0]]


# --- regression ------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
@pytest.mark.parametrize("target", process.TARGETS)
def test_the_regression_loss_is_the_squared_error_of_its_target(target: str, schedule: process.Schedule) -> None:
    """Of x0, eps, or v, which is eps - x0 for flow and alpha eps - sigma x0 otherwise."""
    x0, eps, output = (normal(4, 6, seed=seed) for seed in range(3))
    t = torch.tensor([0.1, 0.4, 0.7, 0.95], dtype=torch.float64)[:, None]
    alpha, sigma = schedule(t)
    v = eps - x0 if schedule is process.flow else alpha * eps - sigma * x0
    wanted = (output - {"x0": x0, "eps": eps, "v": v}[target]) ** 2
    found = Regression(target).loss(output, x0, eps, t, schedule)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("target", "weight"),
    [("x0", lambda alpha, sigma: 1), ("eps", lambda alpha, sigma: (alpha / sigma) ** 2), ("v", lambda a, s: 1 / s**2)],
)
def test_targets_differ_by_how_they_weight_the_levels(target: str, weight: Any) -> None:
    """The same error of x0 counts (alpha / sigma)^2 in the eps loss and 1 / sigma^2 in the v loss (cosine)."""
    head, x0, eps, error = Regression(target), normal(3, 5), normal(3, 5, seed=1), normal(3, 5, seed=2)
    t = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)[:, None]
    x_t = corrupt(x0, t, eps)
    output = process.convert(x0 + error, x_t, t, source="x0", target=target)
    alpha, sigma = process.cosine(t)
    found = head.loss(output, x0, eps, t, process.cosine)
    torch.testing.assert_close(found, weight(alpha, sigma) * error**2, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("target", process.TARGETS)
def test_the_belief_of_a_regression_is_x0(target: str) -> None:
    """From the right output of any target comes x0, before clipping."""
    x0, eps, t = normal(4, 6), normal(4, 6, seed=1), torch.full((4, 1), 0.6, dtype=torch.float64)
    x_t = corrupt(x0, t, eps)
    output = process.convert(x0, x_t, t, source="x0", target=target)
    torch.testing.assert_close(Regression(target).belief(output, x_t, t, process.cosine), x0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
@pytest.mark.parametrize("head", [Regression("eps"), Regression("v"), Regression("less_noisy", gap=1 / 16)])
def test_at_level_0_the_belief_is_the_pixel_itself(head: Regression, schedule: process.Schedule) -> None:
    """Beside pixels that are still noisy, and whatever the network says there: no 0/0."""
    t = torch.tensor([[0.0, 0.0, 0.4]], dtype=torch.float64)
    x_t, output = normal(1, 3), normal(1, 3, seed=1)
    found = head.belief(output, x_t, t, schedule)
    torch.testing.assert_close(found[:, :2], x_t[:, :2], rtol=0, atol=1e-12)
    assert bool(found.isfinite().all())
    assert float((found - x_t)[0, 2].abs()) > 0.01


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
def test_a_picture_without_noise_is_x0(schedule: process.Schedule) -> None:
    """As the gap grows to t and above, the less noisy target becomes x0: the same output, belief and loss."""
    x0, eps, output = (normal(4, 6, seed=seed) for seed in range(3))
    t = torch.tensor([0.2, 0.3, 0.5, 0.9], dtype=torch.float64)[:, None]
    x_t, plain = corrupt(x0, t, eps, schedule), Regression("x0")
    for gap, atol in ((1.0, 1e-12), (0.9, 1e-12), (0.9 - 1e-9, 1e-3)):
        head = Regression("less_noisy", gap=gap)
        torch.testing.assert_close(head.belief(output, x_t, t, schedule), output, rtol=0, atol=atol)
        wanted = plain.loss(output, x0, eps, t, schedule)
        torch.testing.assert_close(head.loss(output, x0, eps, t, schedule), wanted, rtol=0, atol=atol)


def test_a_regression_guess_is_clipped_unless_told_otherwise() -> None:
    """To [-1, 1] with clip=True; as it is with clip=False."""
    belief = torch.tensor([[-3.0, -0.5, 0.5, 1.5]])
    assert Regression().x0_hat(belief, None, 1.0, True).tolist() == [[-1.0, -0.5, 0.5, 1.0]]
    assert torch.equal(Regression().x0_hat(belief, None, 1.0, False), belief)


# --- the less noisy picture ------------------------------------------------------------------------

GAP = 1 / 16
AHEAD = heads.Regression("less_noisy", gap=GAP)


@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
@pytest.mark.parametrize("t", [1.0, 0.7, 0.2, 0.05])
def test_the_less_noisy_picture_holds_the_picture(schedule: process.Schedule, t: float) -> None:
    """Its exact value gives x0 back, and its loss is 0 there."""
    x0, eps, at = normal(4, 1, 3, 3), normal(4, 1, 3, 3, seed=1), torch.full((4, 1, 1, 1), t, dtype=torch.float64)
    target = corrupt(x0, (at - GAP).clamp(min=0), eps, schedule)
    belief = AHEAD.belief(target, corrupt(x0, at, eps, schedule), at, schedule)
    torch.testing.assert_close(belief, x0, rtol=0, atol=1e-9)
    assert float(AHEAD.loss(target, x0, eps, at, schedule).abs().max()) == 0


@pytest.mark.parametrize("schedule", [cosine, flow], ids=lambda each: each.name)
@pytest.mark.parametrize("t", [0.9, 0.5, 0.1])
def test_its_loss_is_a_weighted_error_of_the_picture(schedule: process.Schedule, t: float) -> None:
    """((alpha_u sigma_t - alpha_t sigma_u) / sigma_t)^2 times; for cosine that is sin(gap)^2 times the loss of v."""
    x0, eps, at = normal(4, 6), normal(4, 6, seed=1), torch.full((4, 1), t, dtype=torch.float64)
    output, x_t = normal(4, 6, seed=2), corrupt(x0, at, eps, schedule)
    (alpha_t, sigma_t), (alpha_u, sigma_u) = schedule(at), schedule(at - GAP)
    weight = ((alpha_u * sigma_t - alpha_t * sigma_u) / sigma_t) ** 2
    error = (AHEAD.belief(output, x_t, at, schedule) - x0) ** 2
    torch.testing.assert_close(AHEAD.loss(output, x0, eps, at, schedule), weight * error, rtol=1e-9, atol=1e-12)
    if schedule is cosine:
        assert float(weight[0]) == pytest.approx((math.sin(GAP * math.pi / 2) / float(sigma_t[0])) ** 2)


def test_with_no_noise_left_to_go_it_is_the_picture() -> None:
    """At and below the gap the target is x0 itself."""
    x0, eps, at = normal(4, 6), normal(4, 6, seed=1), torch.full((4, 1), GAP, dtype=torch.float64)
    output = normal(4, 6, seed=2)
    torch.testing.assert_close(AHEAD.belief(output, corrupt(x0, at, eps), at, cosine), output)


def test_a_walk_writes_down_what_it_says() -> None:
    """In steps of the gap, eta 0 and nothing clipped, the network's output is the next row."""
    model = tiny_unet(heads.Regression("less_noisy", gap=1 / 4), plans.diffusion())
    x_t, t = normal(2, 1, 8, 8).float(), torch.full((2, 1, 8, 8), 0.75)
    with torch.no_grad():
        says, x0_hat = model.predict(x_t, t), model.belief(x_t, t)
    torch.testing.assert_close(step(x_t, x0_hat, t, t - 1 / 4), says, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(target="less_noisy"), r"gap is None with the target 'less_noisy'; allowed: .*such as 1/16"),
        (dict(target="v", gap=0.1), r"gap is 0.1 with the target 'v'; allowed: .*None with the others"),
        (dict(target="less_noisy", gap=0.0), r"gap is 0"),
        (dict(target="less_noisy", gap=2.0), r"gap is 2"),
        (dict(target="less-noisy", gap=0.1), r"target is 'less-noisy'; allowed: .*did you mean 'less_noisy'\?"),
    ],
)
def test_a_bad_target_is_answered_with_what_is_allowed(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        heads.Regression(**settings)


# --- configurations and bad calls ------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [Regression("x0"), Regression("eps"), Regression("less_noisy", gap=1 / 16), Categorical(2), Categorical(16)],
)
def test_a_head_is_built_again_from_its_configuration(head: heads.Head) -> None:
    """config and build are each other's inverse."""
    assert heads.build(head.config()) == head


def test_how_many_numbers_a_pixel_needs() -> None:
    """One a channel for regression, one a channel and grey for beliefs."""
    assert Regression().outputs(3) == 3
    assert Categorical(16).outputs(3) == 48


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Regression("ep"), ValueError, r"target is 'ep'; allowed: 'x0', 'eps', 'v', .*; did you mean 'eps'\?"),
        (lambda: Categorical(1), ValueError, r"levels is 1; allowed: whole numbers from 2 to 256"),
        (lambda: Categorical(257), ValueError, r"levels is 257; allowed: whole numbers from 2 to 256"),
        (lambda: Categorical(16.0), TypeError, r"levels is 16.0, a float; allowed: a whole number"),
        (
            lambda: heads.build({"name": "Categorial"}),
            ValueError,
            r"head in config is 'Categorial'.*mean 'Categorical'",
        ),
        (lambda: heads.check_pick("drawn", 1.0), ValueError, r"pick is 'drawn'; allowed: 'draw', 'mean'.*'draw'\?"),
        (lambda: heads.check_pick("mean", -1), ValueError, r"temperature is -1; allowed: finite numbers in \[0, inf"),
        (lambda: heads.check_pick("mean", math.nan), ValueError, r"temperature is nan; allowed: finite"),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(call: Any, error: type[Exception], message: str) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()

"""The generator: what it hides, guidance, causal passes, copies on disk, and what it refuses."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers_core import GREYS, SCHEDULES, black_white, normal, tiny_causal, tiny_mlp, tiny_unet, told

from minigen import Generator, generator, heads, nets, plans, process, sample
from minigen.base.randomness import seeded
from minigen.process import step


def count_calls(model: Generator) -> list[int]:
    """A list that gets the batch size of every call of the model's network."""
    sizes: list[int] = []
    model.net.register_forward_hook(lambda net, inputs, output: sizes.append(len(inputs[0])))
    return sizes


# --- hidden pixels ---------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("junk", [float("nan"), float("inf"), -1e30, 0.3])
@pytest.mark.parametrize(
    "model",
    [
        tiny_unet(GREYS, plans.random_order()),
        tiny_unet(heads.Regression("v"), plans.raster(2)),
        tiny_mlp(GREYS, plans.random_order(), size=6),
        tiny_causal(4),
    ],
    ids=["UNet-categorical", "UNet-regression", "MLP", "CausalConv"],
)
def test_what_lies_in_a_hidden_pixel_can_not_change_the_prediction(model: Generator, junk: float) -> None:
    """NaN, infinity or anything else at level 1 leaves predict and belief as they were, bit by bit."""
    x = torch.rand(5, *model.shape, generator=seeded(0)) * 2 - 1
    shape = (5, 1, *model.shape[1:]) if len(model.shape) == 3 else (5, *model.shape)
    t = torch.randint(0, 3, shape, generator=seeded(1)) / 2  # levels 0, 1/2 and 1
    assert bool((t == 1).any())
    spoiled = torch.where(t == 1, junk, x)
    assert bool(model.predict(x, t).isfinite().all())
    assert torch.equal(model.predict(spoiled, t), model.predict(x, t))
    assert torch.equal(model.belief(spoiled, t), model.belief(x, t))


@torch.no_grad()
@pytest.mark.parametrize("model", [tiny_unet(GREYS, plans.raster(2)), tiny_causal(4)], ids=["UNet", "CausalConv"])
def test_what_lies_in_a_hidden_pixel_can_not_change_what_is_written_next(model: Generator) -> None:
    """Two pictures that differ only where nothing is written yet get the same next pixels."""
    shape = model.shape
    rows = model.plan.matrix(shape)
    k = len(rows) // 2
    t, u = (row.view(1, 1, *shape[1:]) for row in (rows[k], rows[k + 1]))
    x, other = black_white(1, *shape), black_white(1, *shape, seed=1)
    other = torch.where(t == 0, x, other)
    assert not torch.equal(x, other)
    uniform = torch.rand(1, *shape, generator=seeded(0))
    after = [step(start, model.head.x0_hat(model.belief(start, t), uniform, 1.0, True), t, u) for start in (x, other)]
    there = (u == 0).expand_as(x)
    assert bool((u < t).any())
    assert torch.equal(after[0][there], after[1][there])


@torch.no_grad()
def test_written_pixels_do_change_the_prediction() -> None:
    """The other side of the two tests above."""
    model = tiny_unet(GREYS, plans.raster(2))
    t = model.plan.levels(torch.tensor([0.5]), model.shape)
    x = black_white(1, *model.shape)
    assert float((model.predict(x, t) - model.predict(-x, t)).abs().max()) > 1e-3


# --- guidance --------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(
    ("scale", "sizes"), [(1.0, [3]), (0.0, [3]), (3.0, [6]), (-1.0, [6]), (0.5, [6])], ids=lambda value: str(value)
)
def test_guidance_costs_what_nfe_says(scale: float, sizes: list[int]) -> None:
    """Scales 1 and 0 run the network once; others once on a batch of twice the size."""
    model = tiny_unet(GREYS, plans.diffusion(), condition=told(3))
    seen = count_calls(model)
    t = torch.full((3, 1, 8, 8), 0.5)
    model.belief(torch.zeros(3, 1, 8, 8), t, torch.tensor([0, 1, 2]), scale)
    assert seen == sizes


@torch.no_grad()
@pytest.mark.parametrize("head", [GREYS, heads.Regression("v")], ids=["categorical", "regression"])
def test_guidance_is_its_formula(head: heads.Head) -> None:
    """uncond + scale * (cond - uncond) on the beliefs; 1 is the conditional and 0 the unconditional, bit by bit."""
    model = tiny_unet(head, plans.diffusion(), condition=told(3))
    x, t, tokens = normal(3, 1, 8, 8).float(), torch.full((3, 1, 8, 8), 0.5), torch.tensor([0, 1, 2])
    cond, uncond = (head.belief(model.predict(x, t, told), x, t, model.schedule) for told in (tokens, None))
    assert float((cond - uncond).abs().max()) > 1e-2
    assert torch.equal(model.belief(x, t, tokens), cond)
    assert torch.equal(model.belief(x, t, tokens, 1.0), cond)
    assert torch.equal(model.belief(x, t, tokens, 0.0), uncond)
    assert torch.equal(model.belief(x, t), uncond)
    torch.testing.assert_close(model.belief(x, t, tokens, 3.0), 3 * cond - 2 * uncond, rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("schedule", SCHEDULES[:2], ids=lambda each: each.name)
@pytest.mark.parametrize("target", ["eps", "v"])
def test_guiding_x0_is_guiding_eps_and_v(target: str, schedule: process.Schedule) -> None:
    """Mixing the outputs and then converting gives the same x0 (float64, before clipping)."""
    model = tiny_unet(heads.Regression(target), plans.diffusion(0.995), condition=told(3), schedule=schedule).double()
    x, tokens = normal(3, 1, 8, 8), torch.tensor([0, 1, 2])
    t = torch.tensor([0.2, 0.5, 0.9]).double().view(3, 1, 1, 1).expand(3, 1, 8, 8)
    cond, uncond = model.predict(x, t, tokens), model.predict(x, t)
    guided = uncond + 3.0 * (cond - uncond)
    alpha, sigma = schedule(t)
    # solved by hand: v = eps - x0 with x_t = (1 - t) x0 + t eps; v = alpha eps - sigma x0 with a circle
    by_hand = {
        "eps": (x - sigma * guided) / alpha,
        "v": x - t * guided if schedule is process.flow else alpha * x - sigma * guided,
    }
    torch.testing.assert_close(model.belief(x, t, tokens, 3.0), by_hand[target], rtol=0, atol=1e-10)


# --- causal nets -----------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("attention", [False, True])
def test_one_pass_of_a_causal_net_is_the_walk(attention: bool) -> None:
    """The conditionals of all pixels from one pass equal those found row by row with the rest hidden."""
    model = tiny_causal(4, attention=attention, condition=told(3)).double()
    x, tokens = model.head.prepare(normal(2, 1, 4, 4).clamp(-1, 1)), torch.tensor([0, 2])
    once = model.belief(x, torch.zeros(2, 1, 4, 4).double(), tokens)
    for k, row in enumerate(model.plan.matrix(model.shape)[:-1].double()):
        t = row.view(1, 1, 4, 4).expand(2, 1, 4, 4)
        walked = model.belief(torch.where(t == 0, x, math.nan), t, tokens)
        now = divmod(k, 4)
        torch.testing.assert_close(walked[..., now[0], now[1]], once[..., now[0], now[1]], rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_causal_net_is_trained_on_all_rows_at_once() -> None:
    """Its loss is the mean over pixels of the loss of each row's next pixel."""
    model = tiny_causal(4)
    x = GREYS.prepare(normal(3, 1, 4, 4).float().clamp(-1, 1))
    total = 0.0
    for k, row in enumerate(model.plan.matrix(model.shape)[:-1]):
        t = row.view(1, 1, 4, 4).expand(3, 1, 4, 4)
        losses = GREYS.loss(model.predict(x, t), x, x, t, model.schedule)
        total += float(losses.flatten(1)[:, k].mean())
    assert float(model.loss((x,))) == pytest.approx(total / 16, rel=1e-5)


@torch.no_grad()
def test_a_causal_net_can_be_trained_on_one_random_row() -> None:
    """With loss_on="next": each picture judged at one pixel, on average by the loss of all rows (chapter 10)."""
    model = tiny_causal(4)
    alone = Generator(model.net, model.head, model.plan, loss_on="next").eval()
    alone.last = model.last
    x = GREYS.prepare(normal(1, 1, 4, 4).float().clamp(-1, 1))
    many = float(alone.loss((x.expand(20000, 1, 4, 4),), seeded(0)))
    # START_SHARE of the rows are the first one, for every plan
    every = GREYS.loss(model.predict(x, torch.zeros(1, 1, 4, 4)), x, x, torch.zeros(1), model.schedule).flatten()
    wanted = (1 - plans.START_SHARE) * float(every.mean()) + plans.START_SHARE * float(every[0])
    assert many == pytest.approx(wanted, rel=0.02)
    assert len({round(float(alone.loss((x,), seeded(i))), 4) for i in range(40)}) > 8


# --- saving ----------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(
    "model",
    [
        tiny_unet(GREYS, plans.raster(4), condition=told(3), loss_on="next"),
        tiny_mlp(heads.Regression("eps"), plans.diffusion(0.995), schedule=process.flow),
        tiny_causal(4),
    ],
    ids=["UNet", "MLP", "CausalConv"],
)
def test_a_saved_generator_comes_back(model: Generator, tmp_path: Any) -> None:
    """Choices and weights: the same configuration and the same predictions, bit by bit."""
    again = Generator.load(model.save(tmp_path / "model.safetensors"))
    assert again.config() == model.config()
    x, t = normal(2, *model.shape).float(), torch.full((2, 1, *model.shape[1:])[: 1 + len(model.shape)], 0.5)
    assert torch.equal(again.predict(x, t), model.predict(x, t))


# --- bad calls -------------------------------------------------------------------------------------


def unet(size: int = 8) -> nets.UNet:
    return nets.UNet(size, widths=(8, 8), context_size=8)


def causal() -> nets.CausalConv:
    return nets.CausalConv(4, width=4, layers=1, kernel=3, context_size=4)


EPS = heads.Regression("eps")

NEEDS_START = r"target is 'eps' with the plan {}.*t = 1.*diffusion\(start=0.995\), or targets 'x0' and 'v'"

TOLD = tiny_unet(GREYS, plans.raster(4), condition=told(3))

FREE = tiny_unet(GREYS, plans.raster(4))

GOOD = torch.zeros(2, 1, 8, 8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Generator(unet(), EPS, plans.raster(4)), ValueError, NEEDS_START.format("raster")),
        (lambda: Generator(unet(), EPS, plans.diffusion()), ValueError, NEEDS_START.format("diffusion")),
        (lambda: Generator(unet(), EPS, plans.random_order()), ValueError, NEEDS_START.format("random_order")),
        (lambda: Generator(unet(), EPS, plans.one_shot()), ValueError, NEEDS_START.format("one_shot")),
        (lambda: Generator(unet(), EPS, plans.ramp(0.5)), ValueError, NEEDS_START.format("ramp")),
        (lambda: Generator(unet(), EPS, plans.diffusion(), process.flow), ValueError, NEEDS_START.format("diffusion")),
        (
            lambda: Generator(unet(), GREYS, plans.raster(3)),
            ValueError,
            r"patch is 3, which does not divide 8 x 8 pixels; allowed: 1, 2, 4, 8; the nearest is 2",
        ),
        (lambda: Generator(unet(), GREYS, plans.ramp(0.001)), ValueError, r"width is 0.001; allowed with 64 pixels"),
        (
            lambda: Generator(unet(), GREYS, plans.diffusion(spacing="flow"), process.flow),
            ValueError,
            r"spacing is 'flow' with the schedule flow; allowed: 'cosine', .* or the schedule cosine",
        ),
        (
            lambda: Generator(unet(), "v", plans.diffusion()),
            TypeError,
            r"head is 'v'; allowed: a Head, such as heads.Categorical\(16\)",
        ),
        (
            lambda: FREE.along("diffusion"),
            TypeError,
            r"plan is 'diffusion'; allowed: a Plan, such as plans.diffusion\(\)",
        ),
        (
            lambda: Generator(unet(), GREYS, plans.diffusion(), "flow"),
            TypeError,
            r"schedule is 'flow'; allowed: a Schedule, such as process.cosine",
        ),
        (
            lambda: Generator(unet(), EPS, plans.diffusion(0.995)).along(plans.ramp(1.0, "random")),
            ValueError,
            NEEDS_START.format("ramp"),
        ),
        (lambda: FREE.along(plans.raster(3)), ValueError, r"patch is 3, which does not divide 8 x 8 pixels"),
        (
            lambda: Generator(causal(), GREYS, plans.raster(2)),
            ValueError,
            r"plan is raster with a causal net; allowed: raster\(patch=1\)",
        ),
        (
            lambda: Generator(causal(), GREYS, plans.diffusion()),
            ValueError,
            r"plan is diffusion with a causal net; allowed: raster\(patch=1\)",
        ),
        (
            lambda: Generator(causal(), heads.Regression("x0"), plans.raster(1)),
            ValueError,
            r"head is Regression with a causal net; allowed: Categorical",
        ),
        (
            lambda: Generator(unet(), GREYS, plans.raster(4), loss_on="hiden"),
            ValueError,
            r"loss_on is 'hiden'; allowed: 'hidden', 'next'; did you mean 'hidden'\?",
        ),
        (lambda: TOLD.loss((GOOD,)), ValueError, r"batch holds images alone; allowed.*images and labels"),
        (lambda: FREE.check_batch((GOOD, GOOD)), ValueError, r"labels were given to a model without a condition"),
        (
            lambda: TOLD.check_batch((GOOD, torch.tensor([0, 3]))),
            ValueError,
            r"labels holds 3; allowed: whole.* 0 to 2",
        ),
        (lambda: FREE.check_batch((GOOD[:, :, :4],)), ValueError, r"images has shape \(2, 1, 4, 8\); allowed: \(any"),
        (lambda: FREE.check_batch((GOOD.long(),)), TypeError, r"images has dtype torch.int64; allowed: floating point"),
        (lambda: FREE.check_batch(([0.0],)), TypeError, r"images is a list; allowed: a torch.Tensor"),
        (lambda: FREE.check_batch((GOOD[:0],)), ValueError, r"images holds 0 examples; allowed: 1 or more"),
        (lambda: FREE.check_batch((GOOD + math.nan,)), ValueError, r"images holds NaN or infinite values; allowed"),
        (lambda: FREE.check_batch((GOOD + math.inf,)), ValueError, r"images holds NaN or infinite values; allowed"),
        (lambda: FREE.check_batch((GOOD + 255,)), ValueError, r"images has values from 255 to 255.* x / 127.5 - 1"),
        (
            lambda: generator.build({**FREE.config(), "schedule": "cosin"}),
            ValueError,
            r"schedule is 'cosin'; allowed: 'cosine', 'shifted', 'flow'.*did you mean 'cosine'\?",
        ),
        (
            lambda: generator.build({**TOLD.config(), "condition": {"name": "Label", "classes": 3}}),
            ValueError,
            r"condition in config is 'Label'; allowed: 'Labels', 'Prompt'; did you mean 'Labels'",
        ),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("head", "plan", "schedule"),
    [
        *itertools.product(
            [GREYS, heads.Regression("x0"), heads.Regression("v")],
            [plans.one_shot(), plans.raster(2), plans.random_order(), plans.diffusion(), plans.ramp(0.5)],
            [process.cosine],
        ),
        (EPS, plans.diffusion(0.995), process.cosine),
        (EPS, plans.diffusion(), process.linear_beta_leaky),
    ],
)
def test_choices_that_go_together_are_accepted(head: heads.Head, plan: plans.Plan, schedule: process.Schedule) -> None:
    """The checks refuse no good combination, and its first loss is a finite number above 0."""
    model = Generator(unet(4), head, plan, schedule)
    loss = float(model.loss((black_white(4, 1, 4, 4),), seeded(0)).detach())
    assert 0 < loss < 100


def test_a_copy_walks_along_other_plans_too() -> None:
    """Averaging copies the model, its schedule with it: still the default schedule, so every spacing goes with it."""
    model = copy.deepcopy(tiny_unet(GREYS, plans.diffusion()))
    spaced = model.along(plans.diffusion(spacing="flow"))
    assert (model.plan.spacing, spaced.plan.spacing) == ("cosine", "flow")
    assert not torch.equal(sample(spaced, 2, steps=4), sample(model, 2, steps=4))

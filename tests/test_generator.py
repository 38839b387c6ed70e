"""The generator: what it hides, what its loss counts, guidance, causal passes, and the ideal denoiser's belief."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers_core import SCHEDULES, black_white, normal, tiny_causal, tiny_mlp, tiny_unet, told
from torch import Tensor, nn

from minigen import Generator, IdealGenerator, Labels, generator, heads, nets, plans, process, sample
from minigen.base.randomness import seeded
from minigen.process import corrupt, step

GREYS = heads.Categorical(4)


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


# --- the loss --------------------------------------------------------------------------------------


class Blind(nets.Net):
    """Features that depend on the levels alone: so only the targets can change the loss."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.features, self.context_size, self.config = shape, 2, 1, {}

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        ramp = torch.arange(float(t[0].numel())).to(t).view_as(t[:1]) / t[0].numel()
        return torch.cat([t, ramp.expand_as(t)], dim=1)


class Oracle(nets.Net):
    """The perfect network for one picture, by formulas written out here: its features are the target."""

    def __init__(self, picture: Tensor, target: str, schedule: process.Schedule) -> None:
        super().__init__()
        self.shape, self.features, self.context_size, self.config = tuple(picture.shape), len(picture), 1, {}
        self.picture, self.target, self.schedule = picture, target, schedule

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        x0, hidden = self.picture.expand_as(x_t), t == 1
        if self.target == "x0":
            return x0
        alpha, sigma = (
            (1 - t, t) if self.schedule is process.flow else (torch.cos(t * math.pi / 2), torch.sin(t * math.pi / 2))
        )
        eps = torch.where(hidden, 0, (x_t - alpha * x0) / torch.where(t == 0, 1, sigma))
        if self.target == "eps":
            return eps
        return eps - x0 if self.schedule is process.flow else torch.where(hidden, 0, alpha) * eps - sigma * x0


def oracle(target: str, schedule: process.Schedule, plan: plans.Plan, channels: int = 2) -> Generator:
    """A generator in float64 around an oracle, its last layer handing the features on."""
    picture = normal(channels, 4, 4, seed=9).clamp(-1, 1)
    model = Generator(Oracle(picture, target, schedule), heads.Regression(target), plan, schedule).double()
    with torch.no_grad():
        model.last.weight.copy_(torch.eye(channels)[:, :, None, None])
    return model


@torch.no_grad()
@pytest.mark.parametrize("schedule", SCHEDULES[:2], ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("target", "plan"),
    [(target, plan) for target in ("x0", "v") for plan in (plans.one_shot(), plans.raster(2), plans.diffusion())]
    + [("eps", plans.diffusion(0.995))],
)
def test_the_loss_of_a_perfect_prediction_is_0(target: str, schedule: process.Schedule, plan: plans.Plan) -> None:
    """For each target and schedule, at t = 1 too; and no longer after a small change of the prediction."""
    model = oracle(target, schedule, plan)
    batch = (model.net.picture.expand(400, 2, 4, 4),)
    t, _ = model._random_row(400, seeded(0))
    assert bool((t == 1).any()) == (target != "eps")
    assert float(model.loss(batch, seeded(0))) < 1e-16
    model.last.bias += 0.1
    assert float(model.loss(batch, seeded(0))) == pytest.approx(0.01, rel=1e-6)


LOSS_MODELS = [
    tiny_unet(GREYS, plans.raster(2)),
    tiny_unet(GREYS, plans.random_order(), loss_on="next"),
    tiny_unet(GREYS, plans.raster(1)),
    tiny_mlp(heads.Regression("x0"), plans.random_order(), size=9),
]


@torch.no_grad()
@pytest.mark.parametrize("model", LOSS_MODELS, ids=["patches", "scattered-next", "pixels", "vectors"])
def test_the_loss_is_the_mean_over_pixels_then_over_images(model: Generator) -> None:
    """Image by image and pixel by pixel in plain Python, with the same random rows."""
    x = model.head.prepare(normal(6, *model.shape).float().clamp(-1, 1))
    t, judged = model._random_row(6, seeded(5))  # the first thing that the loss draws
    assert len({int(each.sum()) for each in judged}) > 1 or model.loss_on == "next"
    losses = model.head.loss(model.predict(x, t), x, torch.zeros_like(x), t, model.schedule)
    means = [sum(picture[keep].tolist()) / int(keep.sum()) for picture, keep in zip(losses, judged, strict=True)]
    assert float(model.loss((x,), seeded(5))) == pytest.approx(sum(means) / 6, rel=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("model", LOSS_MODELS, ids=["patches", "scattered-next", "pixels", "vectors"])
def test_the_loss_of_a_batch_is_the_mean_of_its_halves(model: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same row for each picture, splitting a batch over processes changes nothing."""
    x = model.head.prepare(normal(6, *model.shape).float().clamp(-1, 1))
    t, judged = model._random_row(6, seeded(5))
    whole, parts = float(model.loss((x,), seeded(5))), []
    for half in (slice(0, 3), slice(3, 6)):
        monkeypatch.setattr(model, "_random_row", lambda count, random, half=half: (t[half], judged[half]))
        parts.append(float(model.loss((x[half],), seeded(5))))
    assert parts[0] != pytest.approx(parts[1], rel=1e-3)
    assert sum(parts) / 2 == pytest.approx(whole, rel=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("head", [GREYS, heads.Regression("x0"), heads.Regression("v")], ids=["grey", "x0", "v"])
@pytest.mark.parametrize("loss_on", ["hidden", "next"])
@pytest.mark.parametrize("plan", [plans.raster(2), plans.random_order()], ids=["raster", "random_order"])
def test_only_the_pixels_that_are_to_be_restored_count(plan: plans.Plan, loss_on: str, head: heads.Head) -> None:
    """Changing the picture elsewhere leaves the loss as it is, bit by bit; changing one judged pixel does not."""
    torch.manual_seed(0)
    model = Generator(Blind((1, 4, 4)), head, plan, loss_on=loss_on)
    for parameter in model.last.parameters():
        nn.init.normal_(parameter)
    x = head.prepare(normal(8, 1, 4, 4).float().clamp(-1, 1))
    progress = plan.draw_progress(8, (1, 4, 4), random := seeded(5))
    drawn = plan.draw(8, (1, 4, 4), random)
    t = plan.levels(progress, (1, 4, 4), drawn)
    after = plan.levels(progress + (1 / 4 if plan.name == "raster" else 1 / 16), (1, 4, 4), drawn)
    counts = t == 1 if loss_on == "hidden" else (t == 1) & (after == 0)
    base = model.loss((x,), seeded(5))
    elsewhere = torch.where(counts, x, head.prepare(-x))
    assert not torch.equal(elsewhere, x)
    assert torch.equal(model.loss((elsewhere,), seeded(5)), base)
    for place in counts.nonzero()[::7]:
        changed = x.clone()
        changed[tuple(place)] = -1.0 if float(x[tuple(place)]) > 0 else 1.0
        assert float(model.loss((changed,), seeded(5))) != float(base)


@pytest.mark.parametrize(("plan", "size"), [(plans.raster(2), 4), (plans.random_order(), 1), (plans.raster(4), 16)])
def test_loss_on_next_judges_one_piece(plan: plans.Plan, size: int) -> None:
    """Exactly the pixels of the next patch, or the next single pixel, are judged, and all of them are hidden."""
    model = tiny_unet(GREYS, plan, loss_on="next")
    t, judged = model._random_row(300, seeded(0))
    assert bool((judged.flatten(1).sum(1) == size).all())
    assert bool((t[judged] == 1).all())


@pytest.mark.parametrize("plan", [plans.diffusion(), plans.ramp(0.5), plans.one_shot()])
def test_for_noise_next_is_all_that_is_hidden(plan: plans.Plan) -> None:
    """loss_on changes nothing where a step restores a part of everything."""
    rows = [tiny_unet(GREYS, plan, loss_on=choice)._random_row(50, seeded(0)) for choice in Generator.LOSS_ON]
    assert torch.equal(rows[0][0], rows[1][0])
    assert torch.equal(rows[0][1], rows[1][1])


@torch.no_grad()
def test_the_loss_corrupts_what_the_head_can_say() -> None:
    """A categorical generator's loss is the same for a picture and for its rounding."""
    model = tiny_unet(GREYS, plans.diffusion())
    x = normal(4, 1, 8, 8).float().clamp(-1, 1)
    assert torch.equal(model.loss((x,), seeded(0)), model.loss((GREYS.prepare(x),), seeded(0)))


@torch.no_grad()
def test_the_loss_of_noise_is_the_mean_of_squares_by_hand() -> None:
    """Diffusion with target v: corrupt by hand with the same draws, then the mean squared error."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    x = normal(4, 1, 8, 8).float().clamp(-1, 1)
    random = seeded(3)
    t = model.plan.levels(model.plan.draw_progress(4, model.shape, random), model.shape)
    eps = torch.randn(4, 1, 8, 8, generator=random)
    assert not bool((t == 1).any())
    alpha, sigma = process.cosine(t)
    output = model.predict(alpha * x + sigma * eps, t)
    wanted = (output - (alpha * eps - sigma * x)).square().mean()
    assert float(model.loss((x,), seeded(3))) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("plan", [plans.one_shot(), plans.raster(2), plans.random_order(), plans.diffusion()])
@pytest.mark.parametrize("head", [GREYS, heads.Regression("x0"), heads.Regression("v")], ids=["grey", "x0", "v"])
def test_gradients_of_the_loss_are_finite(plan: plans.Plan, head: heads.Head) -> None:
    """For every weight, in a batch that holds rows of all 1."""
    model = tiny_unet(head, plan)
    x = normal(64, 1, 8, 8).float().clamp(-1, 1)
    model.loss((x,), seeded(0)).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


# --- conditions ------------------------------------------------------------------------------------


def test_labels_become_tokens() -> None:
    """One for all, one an image, or every class equally often."""
    labels = Labels(3)
    assert labels.tokens(None, 7).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert labels.tokens(2, 3).tolist() == [2, 2, 2]
    assert labels.tokens([2, 0], 2).tolist() == [2, 0]
    assert labels.none(2).tolist() == [3, 3]


def test_a_share_of_the_labels_is_dropped_in_training_only() -> None:
    """A quarter of them, to 4 standard errors; none while evaluating."""
    model = tiny_unet(GREYS, plans.one_shot(), condition=Labels(3, dropout=0.25))
    labels = torch.zeros(10_000, dtype=torch.int64)
    model.eval()
    assert torch.equal(model._training_tokens([labels], 10_000, seeded(0)), labels)
    model.train()
    tokens = model._training_tokens([labels], 10_000, seeded(0))
    assert set(tokens.tolist()) == {0, 3}
    assert float((tokens == 3).double().mean()) == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 10_000))


@torch.no_grad()
def test_not_told_is_a_token_of_its_own() -> None:
    """predict without tokens is predict with the number after the last class."""
    model = tiny_unet(GREYS, plans.one_shot(), condition=told(3))
    x, t = torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8)
    assert torch.equal(model.predict(x, t), model.predict(x, t, torch.tensor([3, 3])))
    assert not torch.equal(model.predict(x, t), model.predict(x, t, torch.tensor([0, 0])))


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


# --- the ideal denoiser ----------------------------------------------------------------------------


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
        (lambda: Labels(0), ValueError, r"classes is 0; allowed: whole numbers from 1"),
        (lambda: Labels(3, dropout=1.5), ValueError, r"dropout is 1.5; allowed: finite numbers in \[0, 1\]"),
        (lambda: Labels(3).tokens([0, 3], 2), ValueError, r"labels holds 3; allowed: whole numbers from 0 to 2"),
        (lambda: Labels(3).tokens([-1, 0], 2), ValueError, r"labels holds -1; allowed: whole numbers from 0 to 2"),
        (lambda: Labels(3).tokens([0.5], 1), TypeError, r"labels has dtype torch.float32; allowed: whole numbers"),
        (lambda: Labels(3).tokens([0, 1], 3), ValueError, r"labels holds 2 labels; allowed: one, or.*images: 3"),
        (lambda: Labels(3).tokens([[0], [1]], 2), ValueError, r"labels has shape \(2, 1\); allowed: one label an im"),
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
            lambda: IdealGenerator(GOOD + 2, GREYS, plans.raster()),
            ValueError,
            r"pictures has values from 2 to 2; allowed: \[-1, 1\]",
        ),
        (
            lambda: generator.build({**FREE.config(), "schedule": "cosin"}),
            ValueError,
            r"schedule is 'cosin'; allowed: 'cosine', 'shifted', 'flow'.*did you mean 'cosine'\?",
        ),
        (
            lambda: generator.build({**TOLD.config(), "condition": {"name": "Label", "classes": 3}}),
            ValueError,
            r"condition is 'Label'.*allowed: 'Labels', 'Prompt'; did you mean 'Labels'",
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


def test_the_ideal_generator_knows_its_pictures_by_the_greys_that_the_head_gives_them() -> None:
    """In float64 a grey halfway between two levels can round the other way than in float32; it must not."""
    halfway = (torch.arange(15) + 0.5) / 15 * 2 - 1
    head = heads.Categorical(16)
    assert not torch.allclose(head.prepare(halfway).double(), head.prepare(halfway.double()))  # it matters here
    ideal = IdealGenerator(halfway[None], head, plans.raster(1))
    assert torch.equal(sample(ideal, 1), head.prepare(halfway[None]))

"""The generator's loss: which pixels count, and that a perfect prediction costs nothing."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_core import GREYS, SCHEDULES, normal, tiny_mlp, tiny_unet
from torch import Tensor, nn

from minigen import Generator, heads, nets, plans, process
from minigen.base.randomness import seeded


class Blind(nets.Net):
    """Features that depend on the levels alone: so only the targets can change the loss."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.features, self.context_size = shape, 2, 1

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        ramp = torch.arange(float(t[0].numel())).to(t).view_as(t[:1]) / t[0].numel()
        return torch.cat([t, ramp.expand_as(t)], dim=1)


class Oracle(nets.Net):
    """The perfect network for one picture, by formulas written out here: its features are the target."""

    def __init__(self, picture: Tensor, target: str, schedule: process.Schedule) -> None:
        super().__init__()
        self.shape, self.features, self.context_size = tuple(picture.shape), len(picture), 1
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
    t, _ = model._random_row(400, seeded(0), model.loss_on)
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
    t, judged = model._random_row(6, seeded(5), model.loss_on)  # the first thing that the loss draws
    assert len({int(each.sum()) for each in judged}) > 1 or model.loss_on == "next"
    losses = model.head.loss(model.predict(x, t), x, torch.zeros_like(x), t, model.schedule)
    means = [sum(picture[keep].tolist()) / int(keep.sum()) for picture, keep in zip(losses, judged, strict=True)]
    assert float(model.loss((x,), seeded(5))) == pytest.approx(sum(means) / 6, rel=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("model", LOSS_MODELS, ids=["patches", "scattered-next", "pixels", "vectors"])
def test_the_loss_of_a_batch_is_the_mean_of_its_halves(model: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same row for each picture, splitting a batch over processes changes nothing."""
    x = model.head.prepare(normal(6, *model.shape).float().clamp(-1, 1))
    t, judged = model._random_row(6, seeded(5), model.loss_on)
    whole, parts = float(model.loss((x,), seeded(5))), []
    for half in (slice(0, 3), slice(3, 6)):
        monkeypatch.setattr(model, "_random_row", lambda count, random, loss_on, half=half: (t[half], judged[half]))
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
    t, judged = model._random_row(300, seeded(0), model.loss_on)
    assert bool((judged.flatten(1).sum(1) == size).all())
    assert bool((t[judged] == 1).all())


@pytest.mark.parametrize("plan", [plans.diffusion(), plans.ramp(0.5), plans.one_shot()])
def test_for_noise_next_is_all_that_is_hidden(plan: plans.Plan) -> None:
    """loss_on changes nothing where a step restores a part of everything."""
    models = [tiny_unet(GREYS, plan, loss_on=choice) for choice in Generator.LOSS_ON]
    rows = [model._random_row(50, seeded(0), model.loss_on) for model in models]
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

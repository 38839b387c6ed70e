"""One shared network for all noise, or one for each quarter of it?

A 2 x 2: a budget of 600 or of 2,400 updates of 64 digits, spent on one small U-Net (as ``digits-v``: target v, least
squares, told which digit) or on four, each trained on its own quarter of the levels and a fourth as long. Within a
budget that is equal total compute; one network of 600 updates against four of 600 *each* is equal compute for each
network. Everything else is equal, the draws within a quarter too. Drawing takes 16 calls in any case: of the four
networks each answers four.

Measured: the loss in v on all validation digits, quarter by quarter, on the same noise for all networks, and the
Fréchet distance of 1,000 digits to held-out ones (16 calls, eta 0), for three seeds of the sampling. Networks are kept
in ``runs/stages``. Writes ``minigen/course/results/stages.json``.
"""

from __future__ import annotations

import argparse
import itertools
import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

import torch
from common import Row, trained_once
from torch import Tensor, nn

import minigen as mg
from minigen.base.randomness import seeded
from minigen.course.measurements import Results, arguments
from minigen.plans import START_SHARE, Ramp
from minigen.process import corrupt, cosine

STAGES = ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))
WHOLE = (0.0, 1.0)
Stage = tuple[float, float]


@dataclass(frozen=True)
class Part(Ramp):
    """``diffusion()``, trained on the levels from ``least`` to ``most`` alone.

    Where ``most`` is 1, pure noise is shown as often among these levels as the whole plan shows it among them.
    """

    least: float = 0.0
    most: float = 1.0

    def draw_progress(self, count: int, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
        rand = torch.rand(2, count, generator=random, device=random.device)
        progress = (1 - self.most + (self.most - self.least) * rand[0]).clamp(max=1 - 2**-20)
        if self.most < 1:
            return progress
        share = START_SHARE / (START_SHARE + (1 - START_SHARE) * (1 - self.least))
        return progress.masked_fill(rand[1] < share, 0)


class Experts(nn.Module):
    """Several generators, each for its own levels: ``mg.sample`` takes it for one."""

    def __init__(self, experts: list[mg.Generator]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)
        first = experts[0]
        self.head, self.schedule, self.condition = first.head, first.schedule, first.condition
        self.shape, self.plan = first.shape, mg.plans.diffusion()

    @property
    def device(self) -> torch.device:
        return cast(mg.Generator, self.experts[0]).device

    def at(self, level: float) -> mg.Generator:
        """The expert for a level: each stage includes its upper end."""
        return cast(mg.Generator, self.experts[max(0, math.ceil(level * len(self.experts)) - 1)])

    def belief(self, x_t: Tensor, t: Tensor, *others: Any, **named: Any) -> Tensor:
        return self.at(float(t.flatten()[0])).belief(x_t, t, *others, **named)


def trained(stage: Stage, iterations: int, given: argparse.Namespace) -> tuple[mg.Generator, float]:
    """A network for one stage (or all levels), and its seconds of training."""
    name = f"{iterations}-of-{given.batch}-from-{stage[0]}-to-{stage[1]}-seed-{given.seed}"
    torch.manual_seed(given.seed)
    plan = Part("diffusion", least=stage[0], most=stage[1])
    model = mg.Generator(mg.recipes.small_unet(), mg.heads.Regression("v"), plan, condition=mg.Labels(10))

    def fit(checkpoint: Path) -> mg.History:
        return mg.train(
            model, *mg.data.digits(), iterations=iterations, batch_size=given.batch, weight_decay=0.01, seed=given.seed,
            validation=mg.data.digits(split="validation"), validate_every=50, device="cpu", progress=False,
            checkpoint=checkpoint, checkpoint_every=200,
        )  # fmt: skip

    return trained_once(given.runs / f"{name}.safetensors", model, fit)


class Side:
    """One network of so many updates, or four of so many each; trained and judged when that is asked for."""

    def __init__(self, networks: int, updates: int, given: argparse.Namespace) -> None:
        self.networks, self.updates, self.given = networks, updates, given

    @cached_property
    def models(self) -> list[tuple[mg.Generator, float]]:
        """The networks with the seconds that each took."""
        return [trained(stage, self.updates, self.given) for stage in (STAGES if self.networks > 1 else (WHOLE,))]

    @cached_property
    @torch.no_grad()
    def losses(self) -> Tensor:
        """The squared error of v for each validation digit, on the same noise for all: (stages, digits)."""
        models = [model for model, _ in self.models]
        return torch.stack([self.loss(models[place % len(models)], stage) for place, stage in enumerate(STAGES)])

    def loss(self, model: mg.Generator, stage: Stage) -> Tensor:
        """Over one stage: (digits,)."""
        images, labels = (part[: self.given.judged] for part in mg.data.digits(split="validation"))
        random, draws = seeded(0, STAGES.index(stage)), []
        for draw in range(self.given.draws):
            place = torch.rand(len(images), 1, 1, 1, generator=random)
            t = stage[0] + (stage[1] - stage[0]) * (draw + place) / self.given.draws
            eps = torch.randn(images.shape, generator=random)
            output = model.predict(corrupt(images, t, eps, cosine), t, labels)
            draws.append(model.head.loss(output, images, eps, t, cosine).flatten(1).mean(dim=1))
        return torch.stack(draws).mean(dim=0)

    def row(self) -> Row:
        """What is measured of it."""
        models = [model for model, _ in self.models]
        drawer = models[0] if len(models) == 1 else cast(mg.Generator, Experts(models))
        labels = torch.arange(self.given.count) % 10
        drawn = [mg.sample(drawer, len(labels), labels=labels, steps=16, eta=0.0, seed=seed) for seed in range(3)]
        scores = [mg.metrics.evaluate(images, labels) for images in drawn]
        floor = scores[0].floor
        return {
            "updates": self.updates * len(models),
            "digits_seen": self.updates * len(models) * self.given.batch,
            "parameters": sum(value.numel() for model in models for value in model.parameters()),
            "seconds": round(sum(seconds for _, seconds in self.models), 1),
            "loss": [round(float(part.mean()), 5) for part in self.losses],
            "loss_mean": round(float(self.losses.mean()), 5),
            "frechet": round(scores[0].frechet, 3),
            "frechet_seeds": [round(score.frechet, 3) for score in scores],
            "accuracy": scores[0].accuracy,
            "floor": {"mean": round(floor.mean, 3), "spread": round(floor.spread, 3)},
        }


def compare(one: Side, other: Side) -> Row:
    """How much higher the loss of the second is, stage by stage and in all: mean over digits and its standard error."""
    difference = other.losses - one.losses  # (stages, digits)
    difference = torch.cat([difference, difference.mean(dim=0, keepdim=True)])
    error = difference.std(dim=1) / math.sqrt(difference.shape[1])
    return {
        "difference": [round(value, 5) for value in difference.mean(dim=1).tolist()],
        "standard_error": [round(value, 5) for value in error.tolist()],
    }


def main() -> None:
    given = arguments(
        __doc__, "stages", budgets=([600, 2400], "updates in all: a small and a large budget"),
        batch=(64, "digits an update"), count=(1000, "digits drawn"), judged=(400, "validation digits"),
        draws=(8, "levels and noises for each of them, in each stage"), seed=(0, "of the trainings"),
        runs=(Path("runs/stages"), "where networks are kept"),
    ).parse_args()  # fmt: skip
    if given.smoke:
        given.budgets, given.batch, given.count, given.judged, given.draws = [8, 32], 8, 500, 20, 2
        given.runs = Path("runs/stages-smoke")
    settings = {
        "budgets": given.budgets, "batch": given.batch, "weight_decay": 0.01, "count": given.count, "steps": 16,
        "eta": 0.0, "validation_digits": given.judged, "draws": given.draws, "stages": STAGES, "smoke": given.smoke,
    }  # fmt: skip
    found = Results(given.out, settings, {"rows": (), "comparisons": ()}, seed=given.seed)
    (low, high), parts = given.budgets, len(STAGES)

    @cache
    def side(networks: int, updates: int) -> Side:
        return Side(networks, updates, given)

    for budget, networks in itertools.product((low, high), (1, parts)):
        key = {"networks": networks, "updates_each": budget // networks}
        found.measure("rows", key, lambda key: side(key["networks"], key["updates_each"]).row())
    pairs = {
        f"equal total, {low}": (side(parts, low // parts), side(1, low)),
        f"equal total, {high}": (side(parts, high // parts), side(1, high)),
        f"equal each, {low}": (side(parts, high // parts), side(1, low)),
    }
    for name in pairs:
        found.measure("comparisons", {"name": name}, lambda key: compare(*pairs[key["name"]]))
    found.close()


if __name__ == "__main__":
    main()

"""One shared network for all noise, or one for each quarter of it?

A 2 x 2: a budget of 600 or of 2,400 updates of 64 digits, spent on one small U-Net (as ``digits-v``: target v, least
squares, told which digit) or on four, each trained on its own quarter of the levels and a fourth as long. Within a
budget that is equal total compute; one network of 600 updates against four of 600 *each* is equal compute for each
network. Everything else is equal, the draws within a quarter too. Drawing takes 16 calls in any case: of the four
networks each answers four.

Measured: the loss in v on all validation digits, quarter by quarter, on the same noise for all networks, and the
Fréchet distance of 1,000 digits to held-out ones (16 calls, eta 0), for three seeds of the sampling. Writes
``minigen/course/results/stages.json``. Networks are kept in ``runs/stages``; run again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

import minigen as mg
from minigen.base import store
from minigen.base.randomness import seeded
from minigen.plans import START_SHARE, Ramp
from minigen.process import corrupt, cosine

OUT = mg.zoo.RESULTS / "stages.json"
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
    """A network for one stage (or all levels), and its seconds of training; from its file if it is there."""
    name = f"{iterations}-of-{given.batch}-from-{stage[0]}-to-{stage[1]}-seed-{given.seed}"
    torch.manual_seed(given.seed)
    plan = Part("diffusion", least=stage[0], most=stage[1])
    model = mg.Generator(mg.recipes.small_unet(), mg.heads.Regression("v"), plan, condition=mg.Labels(10))
    path = given.runs / f"{name}.safetensors"
    if path.is_file():
        tensors, about = store.load(path)
        model.load_state_dict(tensors)
        return model.eval(), float(about["seconds"])
    begin = time.perf_counter()
    history = mg.train(
        model, *mg.data.digits(), iterations=iterations, batch_size=given.batch, weight_decay=0.01, seed=given.seed,
        validation=mg.data.digits(split="validation"), validate_every=50, device="cpu", progress=False,
        checkpoint=given.runs / f"{name}.checkpoint", checkpoint_every=200,
    )  # fmt: skip
    given.runs.mkdir(parents=True, exist_ok=True)
    store.save(path, model.state_dict(), {"seconds": history.seconds})
    (given.runs / f"{name}.checkpoint").unlink(missing_ok=True)
    print(f"{name}: {time.perf_counter() - begin:.0f} s, best at {history.best}", flush=True)
    return model.eval(), history.seconds


@torch.no_grad()
def losses(model: mg.Generator, stage: Stage, given: argparse.Namespace) -> Tensor:
    """The squared error of v for each validation digit, over a stage, on the same noise for all: (digits,)."""
    images, labels = (part[: given.judged] for part in mg.data.digits(split="validation"))
    random, draws = seeded(0, STAGES.index(stage)), []
    for draw in range(given.draws):
        place = torch.rand(len(images), 1, 1, 1, generator=random)
        t = stage[0] + (stage[1] - stage[0]) * (draw + place) / given.draws
        eps = torch.randn(images.shape, generator=random)
        output = model.predict(corrupt(images, t, eps, cosine), t, labels)
        draws.append(model.head.loss(output, images, eps, t, cosine).flatten(1).mean(dim=1))
    return torch.stack(draws).mean(dim=0)


def judge(models: list[mg.Generator], iterations: int, seconds: float, given: argparse.Namespace) -> dict[str, Any]:
    """The row of one network, or of four."""
    drawer = models[0] if len(models) == 1 else Experts(models)
    labels = torch.arange(given.count) % 10
    scores = [
        mg.metrics.evaluate(
            mg.sample(cast(mg.Generator, drawer), given.count, labels=labels, steps=16, eta=0.0, seed=seed), labels
        )
        for seed in range(3)
    ]
    each = [losses(models[stage % len(models)], STAGES[stage], given) for stage in range(len(STAGES))]
    row = {
        "networks": len(models),
        "updates_each": iterations,
        "updates": iterations * len(models),
        "digits_seen": iterations * len(models) * given.batch,
        "parameters": sum(value.numel() for model in models for value in model.parameters()),
        "seconds": round(seconds, 1),
        "loss": [round(float(part.mean()), 5) for part in each],
        "loss_mean": round(float(torch.stack(each).mean()), 5),
        "frechet": round(scores[0].frechet, 3),
        "frechet_seeds": [round(score.frechet, 3) for score in scores],
        "accuracy": scores[0].accuracy,
        "floor": {"mean": round(scores[0].floor.mean, 3), "spread": round(scores[0].floor.spread, 3)},
        "per_digit": each,
    }
    print({name: value for name, value in row.items() if name != "per_digit"}, flush=True)
    return row


def compare(name: str, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """How much higher the loss of the second is, stage by stage: mean over digits and its standard error."""
    difference = torch.stack(other["per_digit"]) - torch.stack(one["per_digit"])  # (stages, digits)
    difference = torch.cat([difference, difference.mean(dim=0, keepdim=True)])
    error = difference.std(dim=1) / math.sqrt(difference.shape[1])
    return {
        "name": name,
        "difference": [round(value, 5) for value in difference.mean(dim=1).tolist()],
        "standard_error": [round(value, 5) for value in error.tolist()],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--budgets", type=int, nargs=2, default=[600, 2400], help="updates in all")
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--count", type=int, default=1000, help="digits drawn")
    options.add_argument("--judged", type=int, default=400, help="validation digits")
    options.add_argument("--draws", type=int, default=8, help="levels and noises for each of them, in each stage")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--runs", type=Path, default=Path("runs/stages"))
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="seconds only, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.budgets, given.batch, given.count, given.judged, given.draws = [8, 32], 8, 500, 20, 2
        given.runs = Path("runs/stages-smoke")
    content: dict[str, Any] = {
        "command": shlex.join(["python", "benchmarks/stages.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seed": given.seed,
        "settings": {
            "budgets": given.budgets, "batch": given.batch, "weight_decay": 0.01, "count": given.count, "steps": 16,
            "eta": 0.0, "validation_digits": given.judged, "draws": given.draws, "stages": STAGES, "smoke": given.smoke,
        },
        "rows": [],
    }  # fmt: skip
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for budget in given.budgets:
        for stages in ((WHOLE,), STAGES):
            pairs = [trained(stage, budget // len(stages), given) for stage in stages]
            models, seconds = [model for model, _ in pairs], sum(spent for _, spent in pairs)
            rows[budget, len(stages)] = judge(models, budget // len(stages), seconds, given)
            shown = [{name: value for name, value in row.items() if name != "per_digit"} for row in rows.values()]
            store.save_json(given.out, {**content, "rows": shown})
    low, high = given.budgets
    content["rows"] = shown
    content["comparisons"] = [
        compare(f"equal total, {low}", rows[low, 4], rows[low, 1]),
        compare(f"equal total, {high}", rows[high, 4], rows[high, 1]),
        compare(f"equal each, {low}", rows[high, 4], rows[low, 1]),
    ]
    print(store.save_json(given.out, content).name)


if __name__ == "__main__":
    main()

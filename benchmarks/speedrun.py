"""How good, from scratch, in a minute? Near-real digits as soon as possible.

An entry is a model, how it is trained and how it draws. The number of updates is what the machine makes in
``--seconds``: a few are timed first, on a model that is thrown away. Then a fresh one is trained, and 2,000 digits
(as many of each) are scored: by their Fréchet distance, and by the same over its floor, the distance of real digits.

``python benchmarks/speedrun.py --entry v`` tries an entry on the validation digits. Every choice is made there.
``python benchmarks/speedrun.py --final v`` is for the one that was chosen: three seeds, held-out digits, once.
Rows are added to ``minigen/results/speedrun.json``; a row with the same entry, seed, seconds and split replaces the
old one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import torch

import minigen as mg
from minigen import heads, nets, plans, store

OUT = mg.zoo.RESULTS / "speedrun.json"
WARM, TIMED = 5, 20
"""Updates that are thrown away, and those that the rate is measured on."""

MARGIN = 0.93
"""Of the time that the rate promises; the rest is for what the machine does beside."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What is tried: one idea more than the entry before it, in the order of the log."""

    about: str
    net: Callable[[], nets.Net] = field(default=lambda: nets.UNet(size=16))
    head: Callable[[], heads.Head] = field(default=lambda: heads.Categorical(16))
    training: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=lambda: dict(pick="mean"))
    told: bool = True

    def make(self, seed: int) -> mg.Generator:
        """The model with fresh weights."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            condition = mg.Labels(10) if self.told else None
            return mg.Generator(self.net(), self.head(), plans.diffusion(), condition=condition)


def v() -> heads.Head:
    return heads.Regression("v")


ENTRIES = {
    "recipe": Entry("digits-diffusion as it is", training=dict(batch_size=128)),
    "v": Entry("least squares on v in place of a belief", head=v, training=dict(batch_size=128), sampling={}),
    "batch-64": Entry("batches of 64", head=v, training=dict(batch_size=64), sampling={}),
    "batch-32": Entry("batches of 32", head=v, training=dict(batch_size=32), sampling={}),
    "rate-4e-3": Entry(
        "and twice the learning rate", head=v, training=dict(batch_size=64, learning_rate=4e-3), sampling={}
    ),
    "small": Entry(
        "a third of the weights", net=mg.recipes.small_unet, head=v, training=dict(batch_size=64), sampling={}
    ),
    "second-order": Entry(
        "steps of second order", head=v, training=dict(batch_size=64), sampling=dict(second_order=True)
    ),
    "belief-64": Entry("a belief, in batches of 64", training=dict(batch_size=64)),
    "nobody-told": Entry("not told which digit", head=v, training=dict(batch_size=64), sampling={}, told=False),
}
"""The log: what was tried, in order."""

CHOSEN = "v"
"""The entry that won on the validation digits."""


def updates_in(entry: Entry, seconds: float, data: tuple[torch.Tensor, ...]) -> int:
    """How many updates the machine makes in so many seconds."""
    model = entry.make(0)
    mg.train(model, *data, **{**entry.training, "iterations": WARM}, progress=False)
    history = mg.train(model, *data, **{**entry.training, "iterations": TIMED}, progress=False)
    return max(1, int(MARGIN * seconds * TIMED / history.seconds))


def run(entry: Entry, seed: int, split: str, given: argparse.Namespace) -> Row:
    """Train for the time given, draw, score."""
    images, labels = mg.data.digits(size=16, split="train")
    data = (images, labels) if entry.told else (images,)
    iterations = updates_in(entry, given.seconds, data)
    model = entry.make(seed)
    history = mg.train(model, *data, **{**entry.training, "iterations": iterations, "seed": seed}, progress=False)
    asked = torch.arange(given.count) % 10 if entry.told else None
    begin = time.perf_counter()
    drawn = mg.sample(model, given.count, labels=asked, seed=seed, eta=0.0, steps=given.calls, **entry.sampling)
    drawing = time.perf_counter() - begin
    scores = mg.metrics.evaluate(drawn, asked, split, balanced=entry.told)
    return {
        "iterations": iterations,
        "batch_size": entry.training.get("batch_size", 128),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "train_seconds": round(history.seconds, 1),
        "draw_seconds": round(drawing, 1),
        "precision": history.precision,
        "frechet": round(scores.frechet, 2),
        "floor": round(scores.floor.mean, 2),
        "over_floor": round(scores.frechet / scores.floor.mean, 2),
        "accuracy": scores.accuracy,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--entry", nargs="+", choices=ENTRIES, default=[], help="to try on validation digits, one seed"
    )
    options.add_argument(
        "--final", nargs="+", choices=ENTRIES, default=[], help="to score on held-out digits, three seeds"
    )
    options.add_argument("--seconds", type=float, default=60.0, help="of training")
    options.add_argument("--calls", type=int, default=16)
    options.add_argument("--count", type=int, default=2000, help="digits that are scored")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()

    content = json.loads(given.out.read_text()) if given.out.is_file() else {"rows": []}
    content |= {
        "command": "python benchmarks/speedrun.py",
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "count": given.count,
    }
    for names, split, seeds in ((given.entry, "validation", (0,)), (given.final, "held-out", (0, 1, 2))):
        for name in names:
            for seed in seeds:
                what = {
                    "entry": name,
                    "seed": seed,
                    "seconds": given.seconds,
                    "calls": given.calls,
                    "split": split,
                }
                content["rows"] = [row for row in content["rows"] if not what.items() <= row.items()]
                content["rows"].append({**what, "about": ENTRIES[name].about, **run(ENTRIES[name], seed, split, given)})
                store.save_json(given.out, content)
                print(content["rows"][-1], flush=True)
            if len(seeds) > 1:
                found = [
                    row["over_floor"] for row in content["rows"] if (row["entry"], row["split"]) == (name, "held-out")
                ]
                print(f"{name}: median {statistics.median(found)} times the floor")


if __name__ == "__main__":
    main()

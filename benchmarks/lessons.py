"""What the mask buys in training: bits a pixel against pictures seen and against seconds.

Three ways to learn to write digits pixel by pixel, the same data, batch and time for each, with a rate that suits it:

- a causal net that learns from all 256 predictions of a picture in one pass;
- the same net that learns from one random prediction a picture (``loss_on="next"``), as many updates;
- the U-Net of ``digits-raster-1``, which has no mask: one random row of the plan a picture, as in its recipe.

Judged on the first validation digits, by exact bits a pixel of the averaged weights. For the U-Net this takes 256
calls a picture, so it is judged less often. The time of judging does not count. Writes
``minigen/course/results/lessons.json``.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

import minigen as mg
from minigen.base import store

OUT = mg.zoo.RESULTS / "lessons.json"


class Judged(nn.Module):
    """A generator that ``mg.train`` fits by its loss and validates by exact bits a pixel.

    The time of judging is kept apart; ``train`` copies the model for its average, so it is kept by the class.
    """

    started: ClassVar[float] = 0.0
    judging: ClassVar[float] = 0.0
    marks: ClassVar[list[float]] = []

    def __init__(self, model: mg.Generator) -> None:
        super().__init__()
        self.model = model

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        if self.training:
            return self.model.loss(batch, random)
        begin = time.perf_counter()
        Judged.marks.append(begin - Judged.started - Judged.judging)
        bits = mg.metrics.bits_per_dimension(self.model, batch[0], batch[1]).mean()
        Judged.judging += time.perf_counter() - begin
        return bits


Make = Callable[[], Any]


def run(name: str, make: Make, iterations: int, judgements: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one of the three; the curve as a dictionary."""
    torch.manual_seed(given.seed)
    model = Judged(make())
    rate = 0.002 if name.startswith("no mask") else given.learning_rate
    judged = tuple(part[: given.count] for part in mg.data.digits(split="validation"))
    every = max(1, iterations // judgements)
    Judged.judging, Judged.marks, Judged.started = 0.0, [], time.perf_counter()
    history = mg.train(
        model, *mg.data.digits(), iterations=every * judgements, batch_size=given.batch, learning_rate=rate,
        warmup=20, decay=False, weight_decay=0.01, seed=given.seed, validation=judged, validate_every=every,
        progress=False,
    )  # fmt: skip
    curve = {
        "name": name,
        "learning_rate": rate,
        "parameters": sum(value.numel() for value in model.parameters()),
        "images_seen": [iteration * given.batch for iteration, _ in history.validation],
        # judged in parts of a batch, so every judgement has several marks; the first says how much training there was
        "seconds": [round(mark, 2) for mark in Judged.marks[:: -(-given.count // given.batch)]],
        "bits": [round(bits, 4) for _, bits in history.validation],
    }
    print(f"{name}: {curve}", flush=True)
    return curve


def seconds_an_update(make: Make, given: argparse.Namespace) -> float:
    """How long an update takes here."""
    images, labels = mg.data.digits()
    model = make()
    mg.train(model, images, labels, iterations=1, batch_size=given.batch, progress=False)
    history = mg.train(model, images, labels, iterations=4, batch_size=given.batch, progress=False)
    return history.seconds / 4


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="of training, for each of the three")
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--count", type=int, default=64, help="validation digits that judge")
    options.add_argument("--judgements", type=int, default=6, help="of the causal nets")
    options.add_argument("--judgements-unet", type=int, default=3)
    options.add_argument("--width", type=int, default=48)
    options.add_argument("--layers", type=int, default=6)
    options.add_argument("--kernel", type=int, default=3, help="small and light learns faster in two minutes")
    options.add_argument("--learning-rate", type=float, default=0.005, help="of the causal nets")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="seconds only, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.seconds, given.batch, given.count, given.width, given.layers = 3.0, 8, 4, 8, 2

    def causal(loss_on: str) -> mg.Generator:
        net = mg.nets.CausalConv(size=16, width=given.width, layers=given.layers, kernel=given.kernel)
        head, plan = mg.heads.Categorical(16), mg.plans.raster(1)
        return mg.Generator(net, head, plan, condition=mg.Labels(10), loss_on=loss_on)

    all_rows, one_row = partial(causal, "hidden"), partial(causal, "next")
    unet = mg.recipes.recipe("digits-raster-1").make
    updates = max(given.judgements, round(given.seconds / seconds_an_update(all_rows, given)))
    updates_unet = max(given.judgements_unet, round(given.seconds / seconds_an_update(unet, given)))
    runs = [
        run("mask, all predictions", all_rows, updates, given.judgements, given),
        run("mask, one prediction a picture", one_row, updates, given.judgements, given),
        run("no mask (U-Net), one row", unet, updates_unet, given.judgements_unet, given),
    ]
    content = {
        "command": shlex.join(["python", "benchmarks/lessons.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seed": given.seed,
        "settings": {
            "batch": given.batch, "warmup": 20, "decay": False, "weight_decay": 0.01,
            "validation_digits": given.count, "width": given.width, "layers": given.layers,
            "kernel": given.kernel, "smoke": given.smoke,
        },
        "runs": runs,
    }  # fmt: skip
    print(store.save_json(given.out, content).name)


if __name__ == "__main__":
    main()

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
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import torch
from common import Row
from torch import Tensor, nn

import minigen as mg
from minigen.course.measurements import Results, arguments

SECONDS = 60.0
"""Of training, for each of the three."""

JUDGEMENTS, JUDGEMENTS_UNET = 6, 3
UNET_RATE = 0.002


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


def run(key: Row, make: Make, iterations: int, judgements: int, given: argparse.Namespace) -> Row:
    """Train one of the three: its curve."""
    torch.manual_seed(given.seed)
    model = Judged(make())
    judged = tuple(part[: given.count] for part in mg.data.digits(split="validation"))
    every = max(1, iterations // judgements)
    Judged.judging, Judged.marks, Judged.started = 0.0, [], time.perf_counter()
    history = mg.train(
        model, *mg.data.digits(), iterations=every * judgements, batch_size=given.batch,
        learning_rate=key["learning_rate"], warmup=20, decay=False, weight_decay=0.01, seed=given.seed,
        validation=judged, validate_every=every, progress=False,
    )  # fmt: skip
    return {
        "parameters": sum(value.numel() for value in model.parameters()),
        "images_seen": [iteration * given.batch for iteration, _ in history.validation],
        # judged in parts of a batch, so every judgement has several marks; the first says how much training there was
        "seconds": [round(mark, 2) for mark in Judged.marks[:: -(-given.count // given.batch)]],
        "bits": [round(bits, 4) for _, bits in history.validation],
    }


def updates_in(seconds: float, make: Make, given: argparse.Namespace) -> int:
    """How many updates this machine makes in so many seconds."""
    images, labels = mg.data.digits()
    model = make()
    mg.train(model, images, labels, iterations=1, batch_size=given.batch, progress=False)
    history = mg.train(model, images, labels, iterations=4, batch_size=given.batch, progress=False)
    return round(seconds * 4 / history.seconds)


def main() -> None:
    given = arguments(
        __doc__, "lessons", batch=(32, "digits an update"), count=(64, "validation digits that judge"),
        width=(48, "of the causal nets"), layers=(6, "of the causal nets"),
        kernel=(3, "of the causal nets; small and light learns faster in two minutes"),
        learning_rate=(0.005, "of the causal nets"), seed=(0, "of the trainings"),
    ).parse_args()  # fmt: skip
    seconds = SECONDS
    if given.smoke:
        seconds, given.batch, given.count, given.width, given.layers = 3.0, 8, 4, 8, 2
    settings = {
        "batch": given.batch, "warmup": 20, "decay": False, "weight_decay": 0.01, "validation_digits": given.count,
        "width": given.width, "layers": given.layers, "kernel": given.kernel, "smoke": given.smoke,
    }  # fmt: skip
    found = Results(given.out, settings, {"runs": ()}, seed=given.seed)

    def causal(loss_on: str) -> mg.Generator:
        net = mg.nets.CausalConv(size=16, width=given.width, layers=given.layers, kernel=given.kernel)
        head, plan = mg.heads.Categorical(16), mg.plans.raster(1)
        return mg.Generator(net, head, plan, condition=mg.Labels(10), loss_on=loss_on)

    def learn(name: str, make: Make, rate: float, judgements: int, updates: int | None = None) -> int:
        """Have a run, of as many updates as the time allows unless said; how many they were."""
        key = {"name": name, "learning_rate": rate}
        row = found.measure(
            "runs", key, lambda key: run(key, make, updates or updates_in(seconds, make, given), judgements, given)
        )
        return row["images_seen"][-1] // given.batch

    updates = learn("mask, all predictions", partial(causal, "hidden"), given.learning_rate, JUDGEMENTS)
    one_row = "mask, one prediction a picture"
    learn(one_row, partial(causal, "next"), given.learning_rate, JUDGEMENTS, updates)
    unet = mg.recipes.recipe("digits-raster-1").make
    learn("no mask (U-Net), one row", unet, UNET_RATE, JUDGEMENTS_UNET)
    found.close()


if __name__ == "__main__":
    main()

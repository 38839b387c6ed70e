"""A fair trial of auto-regression: temperature and guidance for everybody, chosen on validation digits (chapter 11).

Every curve gets the same choices: temperature .7, .8, .9 or 1 of the drawing, guidance 1, 1.25, 1.5 or 2, and the same
rule, the least distance to the validation digits over 1,000 drawn. The pair that was chosen then draws another 1,000,
which are scored against the held-out digits, once; and so does the plain pair, 1 and 1, as what a choice is worth.
Every picture is drawn from the belief, eta 1. Each seed's net chooses for itself.

Draws with the nets of ``trial.py`` that are trained, and with those of the package where a seed 0 is not in the list.
What the file has for the same weights is kept, so a run goes on. Cheap curves come first. Writes
``minigen/course/results/trial.json``.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from common import scored
from trial import CAUSAL, JOBS, RUNS, Job

import minigen as mg
from minigen.course.measurements import Results, arguments

Row = dict[str, Any]

TEMPERATURES = (1.0, 0.9, 0.8, 0.7)
SCALES = (1.0, 1.25, 1.5, 2.0)
CHOOSING, SCORING = 100, 0
"""Seeds of the drawings: what is scored has had no part in the choice."""


@dataclass(frozen=True)
class Curve:
    """A line of the figure: a net, how it was trained, and at how many steps it draws."""

    net: str
    steps: int
    variant: str = "usual"


CURVES = (
    *(Curve(net, 256, variant) for variant in ("usual", "decay-1") for net in CAUSAL),
    Curve("digits-raster-4", 16, "next"),
    Curve("digits-scattered", 16),
    Curve("digits-diffusion", 16),
    Curve("digits-diffusion", 16, "decay-half"),
    Curve("digits-raster-4", 16, "next-half"),
    Curve("digits-scattered", 64),
    Curve("digits-diffusion", 64),
    Curve("digits-scattered", 256),
    Curve("digits-diffusion", 256),
    Curve("digits-raster-1", 256, "next"),
    Curve("digits-raster-1", 256, "next-half"),
)
"""Guidance costs a second call: with it, a curve of 64 steps makes 128 calls. Rows say how many were made."""


def folder_of(curve: Curve, seed: int, runs: Path) -> Path | None:
    """Where the weights of a curve's net are; None if there are none yet."""
    folder = Job(curve.net, seed, variant=curve.variant).folder(runs)
    if curve.net in mg.zoo.names(folder):
        return folder
    listed = (curve.net, seed, curve.variant) in {(job.net, job.seed, job.variant) for job in JOBS}
    shipped = seed == 0 and curve.variant == "usual" and not listed and curve.net in mg.zoo.names()
    return mg.zoo.SHIPPED if shipped else None


def draw(model: mg.Generator, row: Row, count: int) -> Row:
    """Draw and score against the digits of the row's split."""
    labels, begin = torch.arange(count) % 10, time.perf_counter()
    drawn = mg.sample(
        model, count, steps=row["steps"], labels=labels, seed=row["seed"], temperature=row["temperature"],
        guidance_scale=row["guidance_scale"], pick="draw", eta=1.0,
    ).cpu()  # fmt: skip
    seconds = time.perf_counter() - begin
    return {"seconds": round(seconds, 1), **scored(drawn, labels, split=row["split"])}


def chosen(rows: list[Row]) -> Row:
    """The pair of the least distance on validation; of equals the one that does less.

    >>> rows = [{"temperature": 0.9, "guidance_scale": g, "frechet": f} for g, f in ((1.0, 7.0), (1.25, 6.0))]
    >>> chosen(rows)
    {'temperature': 0.9, 'guidance_scale': 1.25}
    """
    best = min(rows, key=lambda row: (row["frechet"], row["guidance_scale"], -row["temperature"]))
    return {key: best[key] for key in ("temperature", "guidance_scale")}


def trained(about: Row) -> Row:
    """How weights were trained, as chapter 11's table has it."""
    names = ("images_seen", "iterations", "best_iteration", "validation_loss", "seconds")
    decay = about["recipe"]["training"].get("weight_decay", 0.01)
    return {
        "parameters": about["parameters"],
        "weight_decay": decay,
        **{name: about["trained"][name] for name in names},
    }


def choose(curve: Curve, training_seed: int, results: Results, given: argparse.Namespace) -> None:
    """All pairs on validation, then the chosen one and the plain one on the held-out digits."""
    folder = folder_of(curve, training_seed, given.runs)
    if folder is None:
        return
    model, about = mg.zoo.load(curve.net, folder, "cpu"), mg.zoo.about(curve.net, folder)
    key = {"net": curve.net, "way": curve.variant, "training_seed": training_seed}
    results.measure("trainings", {**key, "weights": about["sha256"][:16]}, lambda _: trained(about), quiet=True)
    key["steps"] = curve.steps

    def row_of(temperature: float, scale: float, split: str) -> Row:
        row = {**key, "calls": mg.nfe(curve.steps, scale), "temperature": temperature, "guidance_scale": scale,
               "split": split, "seed": CHOOSING if split == "validation" else SCORING,
               "weights": about["sha256"][:16]}  # fmt: skip
        return results.measure("rows", row, lambda row: draw(model, row, given.count))

    pairs = itertools.product(TEMPERATURES, SCALES)
    best = chosen([row_of(*pair, "validation") for pair in pairs])
    row_of(*best.values(), "held-out")
    row_of(1.0, 1.0, "held-out")


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    options = arguments(
        __doc__, "trial", count=(1000, "pictures a row"), seeds=([0, 1, 2], "of the trainings"),
        most_steps=(256, "leave out the curves with more"), threads=(1, "of torch"),
    )  # fmt: skip
    options.add_argument("--nets", nargs="+", choices=sorted({curve.net for curve in CURVES}), metavar="NET")
    options.add_argument("--runs", type=Path, default=RUNS, help="where trial.py puts its weights")
    return options.parse_args()


def main() -> None:
    given = options()
    torch.set_num_threads(given.threads)
    settings = {
        "count": given.count, "temperatures": TEMPERATURES, "scales": SCALES, "eta": 1.0, "pick": "draw",
        "smoke": given.smoke,
    }  # fmt: skip
    results = Results(given.out, settings, {"trainings": (), "rows": ()})
    for curve, seed in itertools.product(CURVES, given.seeds):
        if curve.steps <= given.most_steps and (not given.nets or curve.net in given.nets):
            choose(curve, seed, results, given)
    results.close()


if __name__ == "__main__":
    main()

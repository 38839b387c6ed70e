"""A fair trial of auto-regression: the trainings, one after another (chapters 10 and 11).

Every family gets at most 320,000 digits, 1.07 to 1.46 M parameters, a rate that falls to 0 at its own end, and the
checkpoint that is best on validation digits. What is repeated 89 times is learned by heart by nets that see it whole,
so the causal ones get what the literature asks for then: a weight decay far above the usual, an early stop, and the
larger one dropout.
Nets that write patches learn from all hidden pixels and stop by what their next step writes.

The list below is in order of importance, and each training is a pair of files in ``runs/trial``: what is there is
skipped, and Ctrl-C or SIGTERM leaves a checkpoint, from which the same command goes on. ``trial_options.py`` scores.
One process and one thread, unless ``--threads`` says otherwise: then several can share a machine.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import minigen as mg

RUNS = Path("runs/trial")

NEXT: Mapping[str, Any] = dict(validate_with={"loss_on": "next"}, validate_draws=16, validate_every=125)
"""Learn from all hidden pixels, stop by those that the next step writes; 16 steps a validation digit."""


@dataclass(frozen=True)
class Job:
    """One training: a recipe, a seed, and what differs from the recipe."""

    net: str
    seed: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    variant: str = "usual"
    """What the changes are called; a folder, since a net has one name."""

    def folder(self, runs: Path = RUNS) -> Path:
        return runs / self.variant / f"seed-{self.seed}"

    def __str__(self) -> str:
        return f"{self.net}, {self.variant}, seed {self.seed}"


CONV, MIXED = "digits-causal-conv", "digits-causal-mixed"
CAUSAL = (CONV, MIXED)
JOBS = (
    *(Job(CONV, seed) for seed in (0, 1, 2)),
    Job(MIXED),
    Job("digits-raster-4", 0, NEXT, "next"),
    Job("digits-raster-1", 0, NEXT, "next"),
    # What the causal nets were given against learning by heart, given to noise
    Job("digits-diffusion", 0, {"weight_decay": 0.5}, "decay-half"),
    *(
        job
        for seed in (1, 2)
        for job in (
            Job("digits-raster-4", seed, NEXT, "next"),
            Job("digits-scattered", seed),
            Job("digits-diffusion", seed),
        )
    ),
    # Was the weight decay enough? Whichever is better on validation digits is the family's best
    *(Job(net, 0, {"weight_decay": 1.0}, "decay-1") for net in CAUSAL),
    Job(MIXED, 1),
    # Half the updates, annealed to their own end: the best checkpoint above lies where the rate is still high
    Job("digits-raster-4", 0, {**NEXT, "iterations": 1250}, "next-half"),
    Job("digits-raster-1", 0, {**NEXT, "iterations": 1250}, "next-half"),
)
"""In order of importance. All settings are here and in ``minigen/zoo/recipes.py``."""


def follow(job: Job, given: argparse.Namespace) -> bool:
    """Train, unless its files are there; True if it was trained now."""
    folder = job.folder(given.runs)
    if job.net in mg.zoo.names(folder):
        print(f"{job}: done before", flush=True)
        return False
    recipe, revision = mg.recipes.recipe(job.net), mg.zoo.code_revision()
    changes = {"seed": job.seed, **job.changes, **(dict(iterations=2) if given.smoke else {})}
    checkpoint = folder / f"{job.net}.checkpoint.safetensors"
    print(f"{job}: {'goes on' if checkpoint.is_file() else 'begins'}", flush=True)
    model, history = recipe.train(
        checkpoint=checkpoint, checkpoint_every=50, device=given.device, progress=sys.stderr.isatty(), **changes
    )
    if history.interrupted:
        raise SystemExit(f"{job}: interrupted after {len(history.loss)} updates; the same command goes on from there")
    mg.zoo.save(folder, recipe, model, history, changes, revision)
    checkpoint.unlink()
    best = min((loss for _, loss in history.validation), default=float("nan"))
    print(f"{job}: {best:.4f} at update {history.best} of {len(history.loss)}, {history.seconds:.0f} s", flush=True)
    return True


def wanted(given: argparse.Namespace) -> list[Job]:
    """The jobs that were asked for, in their order."""
    return [job for job in JOBS if not given.only or job.net in given.only]


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--only", nargs="+", choices=sorted({job.net for job in JOBS}), metavar="NET")
    options.add_argument("--list", action="store_true", help="say what is done and what is left, and train nothing")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--device", default="cpu")
    options.add_argument("--runs", type=Path, default=RUNS)
    options.add_argument("--smoke", action="store_true", help="two updates each, to see that it runs")
    given = options.parse_args()
    if given.smoke and given.runs == RUNS:
        given.runs = RUNS.with_name("trial-smoke")
    return given


def main() -> None:
    given = options()
    if given.list:
        for job in wanted(given):
            print(f"{'done' if job.net in mg.zoo.names(job.folder(given.runs)) else 'left'}  {job}")
        return
    torch.set_num_threads(given.threads)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # both end after the present update
    try:
        for job in wanted(given):
            follow(job, given)
    except KeyboardInterrupt:
        raise SystemExit("interrupted between two trainings; the same command goes on from there") from None


if __name__ == "__main__":
    main()

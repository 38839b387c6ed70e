"""Your own pictures in your minutes: what a training on a folder comes to, by its size, time, target and net.

Each row is a training like those of ``python -m minigen train FOLDER``, on a folder of icons (``mg.data.icons``, in
colour) or of digits (grey): seven tenths are learned from, one tenth says which weights are kept. All rows of a size
are scored by one judge, with validation pictures that were drawn apart from the folders, so that a folder of 80 and
one of 3,600 can be compared. Minutes are those of one core: processor time of one thread, which a busy machine
stretches little. Held-out pictures are not read, since all this serves a choice, which ``mg.recipes.suggest`` makes.

The list below has the most useful first; a run that was stopped goes on with the row that it was in. Writes
``minigen/course/results/budgets.json``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from common import Row
from torch import Tensor

import minigen as mg
from minigen.course.measurements import Results, arguments, packed
from minigen.zoo.suggestions import FIXED, WAYS

WARM, LEAST_TIMED = 2, 3.0
"""Updates before the clock runs; seconds that are timed."""

KINDS = 8
"""Of icons: a folder has so many sub-folders, each with as many pictures."""

SHOWN = 4
"""Pictures that are kept of the rows of the usual net, to be shown."""

Parts = tuple[Tensor, ...]


@dataclass(frozen=True)
class Job:
    """One training."""

    minutes: float
    size: int = 32
    in_folder: int = 640
    target: str = "v"
    way: str = "usual"
    what: str = "icons"

    def key(self, smoke: bool) -> Row:
        """What names its row."""
        key = {"what": self.what, "in_folder": self.in_folder, "size": self.size, "way": self.way}
        return {**key, "target": self.target, "budget": 1.0 if smoke else 60 * self.minutes}


ICON, DIGIT = Job(1), Job(1, size=16, in_folder=3600, what="digits")
JOBS = (
    # which target, at each size
    *(replace(ICON, size=size, target=target) for size in (32, 16, 64, 8) for target in ("v", "x0")),
    # which batch: where pictures are small, Muon takes most of an update's time, and a larger batch costs little
    *(replace(ICON, way=way) for way in ("batch 32", "batch 8")),
    *(replace(ICON, size=16, way=way) for way in ("batch 32", "batch 64")),
    replace(ICON, size=8, way="batch 64"),
    # how long, and how many pictures
    *(replace(ICON, size=size, minutes=3) for size in (32, 64, 16)),
    *(replace(ICON, in_folder=in_folder, minutes=minutes) for in_folder in (80, 3600) for minutes in (1, 3)),
    # in grey
    *(DIGIT, replace(DIGIT, size=32), replace(DIGIT, target="x0"), replace(DIGIT, minutes=3)),
    # which net
    *(replace(ICON, size=64, way=way) for way in ("deep", "thin")),
    replace(ICON, way="deep"),
    replace(ICON, way="thin"),
    replace(ICON, size=16, way="wide"),
    # which rate
    *(replace(ICON, way=way) for way in ("half the rate", "twice the rate")),
    # and what changes in longer trainings
    replace(ICON, minutes=10),
    replace(ICON, way="batch 32", minutes=3),
    replace(ICON, target="x0", minutes=3),
    replace(ICON, size=64, way="deep", minutes=3),
    replace(ICON, way="wide", minutes=3),
    replace(ICON, in_folder=80, size=16),
    replace(DIGIT, in_folder=80),
    replace(DIGIT, size=8),
    replace(ICON, in_folder=80, minutes=10),
    replace(ICON, size=64, minutes=10),
)
"""In order of use; about 80 minutes of training in all, and half an hour of drawing and judging."""


def icons(count: int, seed: int, size: int) -> mg.data.Folder:
    """So many icons in all, of each kind as many."""
    return mg.data.folder(mg.data.icons(count // KINDS, seed=seed), size)


def of_folder(job: Job) -> tuple[Parts, Parts]:
    """What is learned from, and what says which weights are kept: of a folder with so many pictures."""
    if job.what == "icons":
        found = icons(job.in_folder, 0, job.size)
        return found.split("train"), found.split("validation")
    pictures, labels = (part[: job.in_folder] for part in mg.data.digits(job.size, "train"))
    first, then = round(0.7 * job.in_folder), round(0.8 * job.in_folder)
    return (pictures[:first], labels[:first]), (pictures[first:then], labels[first:then])


def real(what: str, size: int, split: str, smoke: bool) -> Parts:
    """What the judge knows. Its validation icons are of another seed than the folders', which is not to say that none
    is the same: a boat differs in two colours and the height of its mast, and 16 pixels can't show much of that."""
    if what == "digits":
        return mg.data.digits(size, split)
    count, seed = {"train": (3600, 0), "validation": (400, 1), "held-out": (400, 2)}[split]
    found = icons(240 if smoke and split == "train" else count, seed, size)
    assert found.labels is not None
    return found.pictures, found.labels


@lru_cache(maxsize=8)
def judge_of(what: str, size: int, smoke: bool) -> mg.metrics.Judge:
    """The judge of all rows of this kind and size."""
    return mg.metrics.Judge(lambda split: real(what, size, split, smoke), iterations=20 if smoke else 300)


def made(job: Job, shape: tuple[int, ...], classes: int, seed: int) -> mg.Generator:
    """The generator with fresh weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = mg.nets.UNet(size=shape[-1], channels=shape[0], widths=WAYS[job.way].widths)
        head, plan = mg.heads.Regression(job.target), mg.plans.diffusion(density="logit_normal")
        return mg.Generator(net, head, plan, condition=mg.Labels(classes))


def settings_of(job: Job) -> dict[str, Any]:
    """How it is trained."""
    way = WAYS[job.way]
    return dict(
        batch_size=way.batch_size, learning_rate=way.learning_rate, **FIXED, device="cpu", precision="float32",
        progress=False,
    )  # fmt: skip


def updates_in(seconds: float, model: mg.Generator, data: Parts, settings: dict[str, Any]) -> int:
    """How many updates one core makes in so many seconds of processor time."""
    mg.train(model, *data, iterations=WARM, **settings)
    count, taken = 4, 0.0
    while taken < min(LEAST_TIMED, seconds):
        count *= 2
        begin = time.process_time()
        mg.train(model, *data, iterations=count, **settings)
        taken = time.process_time() - begin
    return max(20, int(seconds * count / taken))


def run(job: Job, seconds: float, given: argparse.Namespace) -> Row:
    """Train, draw, score on validation pictures."""
    torch.set_num_threads(1)
    learned, kept_by = of_folder(job)
    judge, settings = judge_of(job.what, job.size, given.smoke), settings_of(job)
    shape, classes = tuple(learned[0].shape[1:]), int(learned[1].max()) + 1
    iterations = updates_in(seconds, made(job, shape, classes, given.seed), learned, settings)
    model = made(job, shape, classes, given.seed)
    begin = time.process_time()
    history = mg.train(model, *learned, validation=kept_by, iterations=iterations, seed=given.seed, **settings)
    taken = time.process_time() - begin
    if history.interrupted:
        raise SystemExit("interrupted; the same command goes on with this row")
    labels = torch.arange(given.count) % classes
    begin = time.process_time()
    drawn = mg.sample(model, given.count, labels=labels, seed=given.seed, steps=given.steps)
    drawing = time.process_time() - begin
    scores = judge.evaluate(drawn, labels, "validation")
    others = real(job.what, job.size, "validation", given.smoke)[0][: len(learned[0])]
    shown = {"pictures": packed(drawn[:SHOWN])} if (job.way, job.target) == ("usual", "v") and job.size == 32 else {}
    return {
        "parameters": sum(value.numel() for value in model.parameters()),
        "batch_size": settings["batch_size"],
        "learning_rate": settings["learning_rate"],
        "iterations": iterations,
        "best_iteration": history.best,
        "validation_loss": round(min(loss for _, loss in history.validation), 5),
        "train_seconds": round(taken, 1),
        "draw_seconds": round(drawing, 1),
        "count": given.count,
        **{name: scores.rounded()[name] for name in ("frechet", "floor", "coverage", "coverage_ceiling", "accuracy")},
        "nearer_to_train": round(mg.metrics.nearer_to_train(drawn, learned[0][: len(others)], others), 3),
        **shown,
    }


def main() -> None:
    given = arguments(
        __doc__, "budgets", count=(200, "pictures that are scored"), steps=(16, "calls of the walk down"),
        seed=(0, "of first weights, training and drawing"),
    ).parse_args()  # fmt: skip
    if given.smoke:
        given.count, given.steps = 24, 2
    settings = {"count": given.count, "steps": given.steps, "threads": 1, "smoke": given.smoke}
    found = Results(given.out, settings, {"rows": ()}, seed=given.seed)
    for job in JOBS:
        key = job.key(given.smoke)
        if given.smoke and (job.size > 16 or found.find("rows", key)):
            continue  # of a size that takes longer, or the same but for the minutes, which are a second here
        found.measure("rows", key, lambda key, job=job: run(job, key["budget"], given))
    found.close()


if __name__ == "__main__":
    main()

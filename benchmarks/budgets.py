"""Your own pictures in your minutes: what a training on a folder comes to, by its size, time, target and batch.

Each row is a training like those of ``python -m minigen train FOLDER``, on a folder of icons (``mg.data.icons``, in
colour) or of digits (grey): seven tenths are learned from, one tenth says which weights are kept. All rows of a size
are scored by the same two judges, one that learned the labels and a fixed one, which notices grain (chapter 15), with
validation pictures that were drawn apart from the folders, so that folders of any size can be compared. A floor is what
as many real pictures with the same labels score. Minutes are those of one core: processor time of one thread, which a
busy machine stretches little. Held-out pictures are not read, since all this serves a choice, which
``mg.recipes.suggest`` makes.

The list below has the most useful first; a run that was stopped goes on with the row that it was in. Writes
``minigen/course/results/budgets.json``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from common import Row
from torch import Tensor

import minigen as mg
from minigen.course.measurements import Results, arguments, packed
from minigen.zoo.suggestions import USUAL_TARGET, WAYS, Suggestion

WARM, LEAST_TIMED = 2, 3.0
"""Updates before the clock runs; seconds that are timed."""

KINDS = 8
"""Of icons: a folder has so many sub-folders, each with as many pictures."""

SHOWN = KINDS
"""Pictures that are kept of some rows, to be shown: one of each kind."""

FLOORS = 20
"""Sets of real pictures that a floor is measured on."""

Parts = tuple[Tensor, ...]


@dataclass(frozen=True)
class Job:
    """One training."""

    minutes: float
    size: int = 32
    in_folder: int = 640
    target: str = USUAL_TARGET
    way: str = "usual"
    what: str = "icons"

    def key(self, smoke: bool) -> Row:
        """What names its row."""
        key = {"what": self.what, "in_folder": self.in_folder, "size": self.size, "way": self.way}
        return {**key, "target": self.target, "budget": 1.0 if smoke else 60 * self.minutes}


ICON, DIGIT = Job(1), Job(1, size=16, in_folder=3600, what="digits")
JOBS = (
    # the usual, and beside it another target; in colour and in grey
    *(replace(job, target=target) for job in (ICON, DIGIT) for target in (USUAL_TARGET, "v")),
    # how large, and how long
    replace(ICON, size=16),
    *(replace(ICON, minutes=3, target=target) for target in (USUAL_TARGET, "v")),
    *(replace(ICON, size=size) for size in (64, 8)),
    # how few pictures, and which batch
    replace(ICON, in_folder=80),
    replace(ICON, size=16, way="batch 32"),
    replace(ICON, minutes=10),
)
"""In order of use; about 30 minutes of one core in all."""


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
def judge_of(what: str, size: int, by: str, smoke: bool) -> mg.metrics.Judge:
    """The judge of all rows of this kind and size."""
    return mg.metrics.Judge(lambda split: real(what, size, split, smoke), by=by, iterations=20 if smoke else 150)


@dataclass(frozen=True)
class Real:
    """What a judge sees in real validation pictures, and what real training pictures with the same labels score: sets
    with other shares of the kinds would lie farther off, and what was drawn could come below them."""

    seen: Tensor
    floor: Row
    ceiling: Row


@lru_cache(maxsize=8)
def real_to(what: str, size: int, by: str, labels: tuple[int, ...], smoke: bool) -> Real:
    """The same to the judge of this kind and size."""
    judge, (pictures, kinds) = judge_of(what, size, by, smoke), real(what, size, "train", smoke)
    trained, wanted = (judge.features(each) for each in (pictures, real(what, size, "validation", smoke)[0]))
    found = list[tuple[float, float]]()
    for draw in range(FLOORS):
        rows = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(draw))
        counts = enumerate(torch.tensor(labels).bincount().tolist())
        some = trained[torch.cat([rows[kinds[rows] == kind][:count] for kind, count in counts])]
        found.append((mg.metrics.frechet(wanted, some), mg.metrics.density_coverage(wanted, some)[1]))
    return Real(wanted, *(rounded(mg.metrics.Spread.of(list(each))) for each in zip(*found, strict=True)))


def scores_of(drawn: Tensor, labels: Tensor, job: Job, smoke: bool) -> Row:
    """What both judges say of drawn pictures, and of real ones."""
    first, fixed = (judge_of(job.what, job.size, by, smoke) for by in ("labels", "fixed"))
    to_first, to_fixed = (real_to(job.what, job.size, by, tuple(labels.tolist()), smoke) for by in ("labels", "fixed"))
    seen = first.features(drawn)
    return {
        "frechet": round(mg.metrics.frechet(to_first.seen, seen), 4),
        "floor": to_first.floor,
        "coverage": round(mg.metrics.density_coverage(to_first.seen, seen)[1], 4),
        "coverage_ceiling": to_first.ceiling,
        "accuracy": round(float((first.answers(drawn) == labels).double().mean()), 4),
        "fixed": round(mg.metrics.frechet(to_fixed.seen, fixed.features(drawn)), 4),
        "fixed_floor": to_fixed.floor,
    }


def rounded(spread: mg.metrics.Spread) -> Row:
    """As the file holds it."""
    return {name: round(value, 4) for name, value in vars(spread).items()}


def suggestion_of(job: Job, shape: tuple[int, ...], classes: int) -> Suggestion:
    """The same as what ``suggest`` could choose."""
    return Suggestion(shape, classes, target=job.target, **vars(WAYS[job.way]))  # type: ignore[arg-type]


def settings_of(chosen: Suggestion) -> dict[str, Any]:
    """How it is trained, but for the number of updates."""
    settings = {name: value for name, value in chosen.training.items() if name != "iterations"}
    return {**settings, "device": "cpu", "precision": "float32", "progress": False}


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
    chosen = suggestion_of(job, tuple(learned[0].shape[1:]), int(learned[1].max()) + 1)
    settings, model = settings_of(chosen), chosen.generator(given.seed)
    iterations = updates_in(seconds, chosen.generator(given.seed), learned, settings)
    begin = time.process_time()
    history = mg.train(model, *learned, validation=kept_by, iterations=iterations, seed=given.seed, **settings)
    taken = time.process_time() - begin
    if history.interrupted:
        raise SystemExit("interrupted; the same command goes on with this row")
    if given.keep is not None:
        name = "-".join(map(str, (job.what, job.in_folder, job.size, job.way, job.target, f"{seconds:g}")))
        model.save(given.keep / f"{name}.safetensors")
    labels = torch.arange(given.count) % chosen.classes
    begin = time.process_time()
    drawn = mg.sample(model, given.count, labels=labels, **{**model.sampling, "seed": given.seed, "steps": given.steps})
    drawing = time.process_time() - begin
    others = real(job.what, job.size, "validation", given.smoke)[0][: len(learned[0])]
    shown = {"pictures": packed(drawn[:SHOWN])} if (job.way, job.size) == ("usual", 32) else {}
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
        **scores_of(drawn, labels, job, given.smoke),
        "nearer_to_train": round(mg.metrics.nearer_to_train(drawn, learned[0][: len(others)], others), 3),
        **shown,
    }


def main() -> None:
    options = arguments(
        __doc__, "budgets", count=(200, "pictures that are scored"), steps=(16, "calls of the walk down"),
        seed=(0, "of first weights, training and drawing"),
    )  # fmt: skip
    options.add_argument("--keep", type=Path, help="a folder for the weights")
    given = options.parse_args()
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

"""What came after: flow matching against cosine and v, and a distillation to few calls (chapter 14).

First, **schedules**: the small U-Net of ``digits-v`` (target v, least squares, told which digit, 1,500 updates of 64),
trained with the cosine schedule and with flow matching's straight line. Everything else is equal: data, network, head,
updates, seeds. Two trainings of each, scored at 1, 2, 4, 8 and 16 calls, eta 0, with two sampling seeds. The first
cosine one is also walked down in flow's steps, which tells the training from the steps.

Then, **distilled**: progressive distillation (Salimans and Ho 2022). From ``digits-v`` in 8 steps (its best on
validation digits among 4, 8 and 16) a student learns to take one step where its teacher takes two; it is the next
teacher: 4, 2, 1 steps. Against it, the same network just trained on, with as many passes through a network as the three
distillations together took: a student's update is one pass forth and back, counted as three, and two passes forth of
its teacher. Both start at level 0.995, as the distilled one must: at level 1 this package hides the noise, and the
student has to see which noise it is.

Weights are rounded to a byte each, like those that come with the package, and kept in ``runs/future``. Writes
``minigen/course/results/future.json``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from common import Row, trained_once
from torch import Tensor, nn

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums, packed
from minigen.process import convert, corrupt, cosine, step

NET = "digits-v"
CALLS = (1, 2, 4, 8, 16)
START = 0.995
HALVINGS = (4, 2, 1)


class Halving(nn.Module):
    """Teaches a student to do in one of its ``steps`` what its teacher does in two (both predict v, cosine).

    As little as it can be: no dice, and every label is told.
    """

    def __init__(self, student: mg.Generator, teacher: mg.Generator, steps: int) -> None:
        super().__init__()
        self.student, self.steps = student, steps
        self.teacher = (teacher.requires_grad_(False).eval(),)  # in a tuple: its weights are not this module's

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        """The squared error of v, if v is the one that leads to where the teacher's two steps end."""
        images, labels = batch
        k = torch.randint(self.steps, (len(images), 1, 1, 1), generator=random)
        t, middle, u = (START * (1 - (k + part) / self.steps) for part in (0, 0.5, 1))
        x_t = corrupt(images, t, torch.randn(images.shape, generator=random))
        with torch.no_grad():
            x_u = self.teach(self.teach(x_t, t, middle, labels), middle, u, labels)
        # the one guess at x0 that a single step from x_t needs to end at x_u
        (alpha_t, sigma_t), (alpha_u, sigma_u) = cosine(t), cosine(u)
        x0 = (x_u - sigma_u / sigma_t * x_t) / (alpha_u - sigma_u / sigma_t * alpha_t)
        v = convert(x0, x_t, t, source="x0", target="v")
        return (self.student.predict(x_t, t, labels) - v).square().mean()

    def teach(self, x_t: Tensor, t: Tensor, u: Tensor, labels: Tensor) -> Tensor:
        """One step of the teacher, as the sampler takes it."""
        teacher = self.teacher[0]
        return step(x_t, teacher.belief(x_t, t, labels).clamp(-1, 1), t, u)


def fresh(schedule: str = "cosine", start: float = 1.0) -> mg.Generator:
    """The network of ``digits-v``, with random weights."""
    return mg.Generator(
        mg.recipes.small_unet(), mg.heads.Regression("v"), mg.plans.diffusion(start=start),
        mg.process.schedule(schedule), condition=mg.Labels(10),
    )  # fmt: skip


def shipped(given: argparse.Namespace) -> mg.Generator:
    """``digits-v`` as it comes with the package (the recipe's training, seed 0), walked from level 0.995."""
    return mg.zoo.load(NET, device="cpu").along(mg.plans.diffusion(start=START))


def kept(name: str, model: mg.Generator, fit: Callable[[Path], mg.History], given: Any) -> mg.Generator:
    """``model`` after ``fit``, rounded to a byte a weight; from its file if it is there."""
    return trained_once(given.runs / f"{name}.safetensors", model, fit, rounded=True)[0]


def train(model: nn.Module, checkpoint: Path, given: Any, **settings: Any) -> mg.History:
    """The recipe's training; only what ``settings`` name differs."""
    return mg.train(
        model, *mg.data.digits(), batch_size=given.batch, weight_decay=0.01, precision="float32", device="cpu",
        validation=mg.data.digits(split="validation"), progress=False, checkpoint=checkpoint, **settings,
    )  # fmt: skip


def trained(schedule: str, seed: int, given: argparse.Namespace) -> mg.Generator:
    """Following the recipe of ``digits-v`` with this schedule; cosine, seed 0 *is* ``digits-v``."""
    if (schedule, seed) == ("cosine", 0) and not given.smoke:
        return mg.zoo.load(NET, device="cpu")
    torch.manual_seed(seed)
    model = fresh(schedule)
    name = f"{schedule}-{given.iterations}-seed-{seed}"
    return kept(name, model, lambda file: train(model, file, given, iterations=given.iterations, seed=seed), given)


def distilled(given: argparse.Namespace) -> dict[int, mg.Generator]:
    """The students, by their number of steps: each the teacher of the next."""
    students, teacher = {}, shipped(given)
    for steps in HALVINGS:
        student = fresh(start=START)
        student.load_state_dict(teacher.state_dict())
        pupil = Halving(student, teacher, steps)

        def fit(file: Path, pupil: Halving = pupil, steps: int = steps) -> mg.History:
            return train(pupil, file, given, iterations=given.each, learning_rate=1e-3, seed=steps)

        students[steps] = teacher = kept(f"distilled-{given.each}-to-{steps}", student, fit, given)
    return students


def trained_on(given: argparse.Namespace) -> mg.Generator:
    """``digits-v``, trained further on its own loss, for as many passes as the distillations took."""
    model = fresh(start=START)
    model.load_state_dict(shipped(given).state_dict())
    updates = further(given)

    def fit(file: Path) -> mg.History:
        return train(model, file, given, iterations=updates, learning_rate=1e-3, seed=1)

    return kept(f"trained-on-{updates}", model, fit, given)


def further(given: argparse.Namespace) -> int:
    """The updates with as many passes as the distillations took: five for each of theirs, three for one of these."""
    return round(given.each * len(HALVINGS) * 5 / 3)


def draw(model: mg.Generator, row: Row, count: int) -> Tensor:
    """``count`` digits, each class equally often, without dice."""
    if row.get("spacing") == "flow" and model.schedule == cosine:
        model = model.along(mg.plans.diffusion(spacing="flow"))
    labels = torch.arange(count) % 10
    return mg.sample(model, count, steps=row["calls"], labels=labels, eta=0.0, seed=row["seed"])


def measure(model: mg.Generator, row: Row, given: argparse.Namespace) -> Row:
    """The scores, and the first ten digits.

    Scored against held-out digits; only how many steps the teacher takes is chosen by validation digits.
    """
    drawn, split = draw(model, row, given.count), row.get("split", "held-out")
    scores = mg.metrics.evaluate(drawn, torch.arange(given.count) % 10, split=split).rounded()
    shown = row["seed"] == 0 and row.get("training_seed", 0) == 0
    return {**scores, "pictures": packed(drawn[:10])} if shown else scores


def wanted(part: str) -> list[Row]:
    """The rows of a part, in the order in which they are measured."""
    if part == "teacher":
        return [{"way": "as it was", "calls": calls, "seed": 2, "split": "validation"} for calls in (4, 8, 16)]
    if part == "distilled":
        ways = [("as it was", CALLS), ("distilled", HALVINGS[::-1]), ("trained on", CALLS)]
        return [{"way": way, "calls": calls, "seed": seed} for way, some in ways for calls in some for seed in (0, 1)]
    settings = [("cosine", "cosine"), ("cosine", "flow"), ("flow", "flow")]
    if part == "schedules, second":
        settings.remove(("cosine", "flow"))
    return [
        {"schedule": schedule, "spacing": spacing, "training_seed": number, "calls": calls, "seed": seed}
        for number in ((0,) if part == "schedules, first" else (1,))
        for schedule, spacing in settings
        for calls in CALLS
        for seed in (0, 1)
    ]


def model_of(row: Row, given: argparse.Namespace, made: dict[str, Any]) -> mg.Generator:
    """The network of a row; ``made`` remembers the last one."""
    name = row.get("way") or f"{row['schedule']} {row['training_seed']}"
    if name not in made:
        made.clear()
        makers = {"as it was": shipped, "distilled": distilled, "trained on": trained_on}
        made[name] = makers[name](given) if "way" in row else trained(row["schedule"], row["training_seed"], given)
    found: mg.Generator = made[name][row["calls"]] if name == "distilled" else made[name]
    return found


def main() -> None:
    given = arguments(
        __doc__, "future", iterations=(1500, "updates of each schedule's training"),
        each=(500, "updates of each halving"), batch=(64, "digits an update"), count=(1000, "digits a row"),
        runs=(Path("runs/future"), "where networks are kept"),
    ).parse_args()  # fmt: skip
    if given.smoke:
        given.iterations, given.each, given.batch, given.count = 3, 2, 8, 500
        given.runs = Path("runs/future-smoke")
    settings = {
        "iterations": given.iterations, "each": given.each, "batch": given.batch, "count": given.count,
        "eta": 0.0, "weight_decay": 0.01, "learning_rate": 2e-3, "learning_rate_further": 1e-3, "start": START,
        "trained_on_iterations": further(given), "split": "held-out", "smoke": given.smoke,
    }  # fmt: skip
    facts = {"parameters": sum(value.numel() for value in fresh().parameters())}
    tables = {"teacher": [NET], "schedules": [NET], "distilled": [NET]}
    found = Results(given.out, settings, tables, checksums([NET]), facts)
    made: dict[str, Any] = {}
    for part in ("schedules, first", "teacher", "distilled", "schedules, second"):
        for key in wanted(part):
            if given.smoke and (key["calls"] > 2 or key["seed"] or key.get("training_seed")):
                continue
            found.measure(part.split(",")[0], key, lambda key: measure(model_of(key, given, made), key, given))
    found.close()


if __name__ == "__main__":
    main()

"""How good, from scratch, in a minute? Near-real digits as soon as possible.

An entry is a model, how it is trained, for how long, and how it draws. The number of updates is what the machine makes
in that time: a few are timed first, on a model that is thrown away. Then a fresh one is trained (again, with other
updates, should it have taken longer or far less), and 2,000 digits (as many of each) are scored: by their Fréchet
distance, and by the same over its floor, the distance of real digits.

``python benchmarks/speedrun.py`` tries every entry on the validation digits, one seed, and then scores ``CHOSEN`` on
held-out digits, three seeds. ``--entry`` and ``--final`` name some. Every choice is made on validation digits; these
are only 400, so their floor is high, and a distance over it looks better there than on the 1,000 held-out ones.
A row of ``minigen/course/results/speedrun.json`` stays while its entry is described and draws as it did then; what is
to be measured again gets a file of its own by ``--out``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from common import Row

import minigen as mg
from minigen import heads, nets, plans
from minigen.course.measurements import Results, arguments

WARM, TIMED = 5, 20
"""Updates that are thrown away, and those that the rate is measured on."""

MARGIN = 0.95
"""Of the time that the rate promises; the rest is for what the machine does beside."""

LEAST_SHARE, TRIES = 0.9, 5
"""A training that took less than this share of its time, or more than all, was on a machine with other things to do
than when it was timed: it is repeated, so often at most, with the updates that it would then have made."""


@dataclass(frozen=True)
class Entry:
    """What is tried."""

    about: str
    net: Callable[[], nets.Net] = field(default=lambda: nets.UNet(size=16))
    head: Callable[[], heads.Head] = field(default=lambda: heads.Categorical(16))
    plan: Callable[[], plans.Plan] = plans.diffusion
    training: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=lambda: dict(pick="mean"))
    told: bool = True
    dropout: float = 0.1
    calls: int = 16
    seconds: float = 60.0

    def walk(self) -> dict[str, Any]:
        """How it draws."""
        return {"eta": 0.0, **self.sampling}

    def make(self, seed: int) -> mg.Generator:
        """The model with fresh weights."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            condition = mg.Labels(10, self.dropout) if self.told else None
            return mg.Generator(self.net(), self.head(), self.plan(), condition=condition)


def unet(*widths: int) -> Callable[[], nets.Net]:
    """A U-Net of these widths."""
    return lambda: nets.UNet(size=16, widths=widths)


RECIPE = Entry("digits-diffusion as it is: a belief over 16 greys", training=dict(batch_size=128))
V = replace(RECIPE, about="least squares on v", head=lambda: heads.Regression("v"), sampling={})
V_64 = replace(V, about="v, in batches of 64", training=dict(batch_size=64))
SMALL = replace(V_64, about="v, 64; half the width", net=unet(16, 32, 64))
FRESH = replace(SMALL, about="v, 64; half the width; fresh noise on the way down", sampling=dict(eta=1.0))
MIDDLING = replace(
    FRESH,
    about="v, 64; half the width; fresh noise; middle levels more often",
    plan=lambda: plans.diffusion(density="logit_normal"),
)
SLIM = replace(
    MIDDLING,
    about="v, 128; 16, 48 and 64 wide; fresh noise; middle levels more often",
    net=unet(16, 48, 64),
    training=dict(batch_size=128),
)
PLAIN = replace(
    SLIM,
    about="16, 48 and 64 wide; middle levels more often; Muon; always told the digit; plain steps",
    training=dict(batch_size=128, optimizer="muon"),
    dropout=0.0,
    sampling=dict(eta=0.0),
)
MINUTE = replace(
    PLAIN,
    about="the recipe digits-minute: no average of the weights; second-order steps, smaller where there is much noise",
    training=dict(batch_size=128, optimizer="muon", ema=None),
    sampling=dict(eta=0.0, second_order=True, shift=3.0),
)

ENTRIES = {
    "recipe": RECIPE,
    "v-64": V_64,
    "v-32": replace(V, about="v, in batches of 32", training=dict(batch_size=32)),
    "thin": replace(V_64, about="v, 64; 16 channels where the picture is large", net=unet(16, 64, 128)),
    "small": SMALL,
    "fresh": FRESH,
    "middling": MIDDLING,
    "slim": SLIM,
    "plain": PLAIN,
    "plain-uniform": replace(PLAIN, about="the same, all levels alike", plan=plans.diffusion),
    "plain-8": replace(
        PLAIN, about="the same in eight calls of second order", sampling=dict(eta=0.0, second_order=True), calls=8
    ),
    "plain-untold": replace(PLAIN, about="the same, not told which digit, three minutes", told=False, seconds=180.0),
    "minute": MINUTE,
    "minute-unshifted": replace(MINUTE, about="the same, not shifted", sampling=dict(eta=0.0, second_order=True)),
    "minute-8": replace(
        MINUTE,
        about="the same in eight calls, shift 2 in place of 3",
        sampling=dict(eta=0.0, second_order=True, shift=2.0),
        calls=8,
    ),
    "untold": replace(MINUTE, about="the same, not told which digit, three minutes", told=False, seconds=180.0),
}
"""The log: what was tried, in order."""

CHOSEN = ("minute", "minute-8", "untold")
"""What is scored on held-out digits: what won on the validation digits, and what the goals ask for beside it."""


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
    budget = given.seconds or entry.seconds
    iterations = updates_in(entry, budget, data)
    for attempt in range(TRIES):
        model = entry.make(seed)
        settings = {**entry.training, "iterations": iterations, "seed": seed}
        history = mg.train(model, *data, **settings, progress=False)
        if LEAST_SHARE * budget <= history.seconds <= budget or attempt == TRIES - 1:
            break
        iterations = max(1, int(MARGIN * iterations * budget / history.seconds))
    asked = torch.arange(given.count) % 10 if entry.told else None
    begin = time.perf_counter()
    drawn = mg.sample(model, given.count, labels=asked, seed=seed, steps=entry.calls, **entry.walk())
    drawing = time.perf_counter() - begin
    scores = mg.metrics.evaluate(drawn, asked, split, balanced=entry.told)
    return {
        "iterations": iterations,
        "batch_size": entry.training.get("batch_size", 128),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "train_seconds": round(history.seconds, 1),
        "draw_seconds": round(drawing, 1),
        "precision": history.precision,
        "sampling": entry.walk(),
        "frechet": round(scores.frechet, 2),
        "floor": round(scores.floor.mean, 2),
        "over_floor": round(scores.frechet / scores.floor.mean, 2),
        "accuracy": scores.accuracy,
    }


def main() -> None:
    options = arguments(__doc__, "speedrun", count=(2000, "digits that are scored"))
    options.add_argument("--entry", nargs="+", choices=ENTRIES, default=[], help="tried on validation digits, one seed")
    options.add_argument("--final", nargs="+", choices=ENTRIES, default=[], help="scored on held-out ones, three seeds")
    options.add_argument("--seconds", type=float, help="of training, in place of the entry's own")
    given = options.parse_args()
    if given.smoke:
        given.seconds, given.count = 1.0, 500
    if not given.entry and not given.final:
        given.entry, given.final = list(ENTRIES), list(CHOSEN)
    found = Results(given.out, {"count": given.count, "margin": MARGIN, "smoke": given.smoke}, {"rows": ()})

    def score(name: str, seed: int, split: str) -> Row:
        entry = ENTRIES[name]
        key = {"entry": name, "seed": seed, "budget": given.seconds or entry.seconds, "calls": entry.calls}
        key |= {"split": split, "about": entry.about, "sampling": entry.walk()}
        return found.measure("rows", key, lambda key: run(entry, seed, split, given))

    for name in given.entry:
        score(name, 0, "validation")
    for name in given.final:
        over = statistics.median(score(name, seed, "held-out")["over_floor"] for seed in range(3))
        print(f"{name}: median {over} times the floor")
    found.close()


if __name__ == "__main__":
    main()

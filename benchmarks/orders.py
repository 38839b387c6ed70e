"""The order decides: one network, sixteen calls, ten orders of the pixels (chapter 6).

``digits-any`` has learned every ramp in reading order and in orders drawn at random, so any order is one it may have
met. It writes in each of ``minigen.orders`` and in a random one, twice: whole pixels, sixteen a call, and fading, each
pixel over half of the walk. And once as noise, where there is no order. 1,000 digits a row, each class equally often,
drawn from the belief, eta 1, scored against held-out digits; once more with other dice. For whole pixels also the bits
that the walk needs for 100 held-out digits, with sixteen calls and one pixel a call: what the order loses by drawing
together. Writes ``minigen/course/results/orders.json``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from common import Row, draw_and_score

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums

NET = "digits-any"
ORDERS = (*mg.orders.NAMES, "random")
WIDTHS = {"whole pixels": 1 / 256, "fading": 1 / 2}
TOGETHER, ALONE = 16, 256
"""Calls: sixteen pixels in each, or one."""


@dataclass(frozen=True)
class WholePixels(mg.plans.Plan):
    """One pixel after the other in a given order: a ramp's first end, as the staircase that bits are defined for."""

    places: tuple[int, ...]
    whole = True

    def levels(self, progress: torch.Tensor, shape: mg.plans.Shape, drawn: torch.Tensor | None = None) -> torch.Tensor:
        return self.written(torch.tensor(self.places), progress, shape)

    def default_steps(self, shape: mg.plans.Shape) -> int:
        return len(self.places)


def places(order: str) -> str | list[int]:
    """What ``ramp`` is told: the places, or that they are drawn."""
    found: list[int] = [] if order == "random" else mg.orders.order(order).tolist()
    return found or order


def measure(model: mg.Generator, row: Row, count: int) -> Row:
    """Draw and score."""
    width = 1.0 if row["way"] == "noise" else WIDTHS[row["way"]]
    walked = model.along(mg.plans.ramp(width, "raster" if row["way"] == "noise" else places(row["order"])))
    how = dict(steps=row["calls"], seed=row["seed"], pick="draw", eta=1.0)
    return draw_and_score(lambda labels: mg.sample(walked, count, labels=labels, **how), count)


def measure_bits(model: mg.Generator, row: Row, count: int) -> Row:
    """The bits of a held-out digit, mean and standard error."""
    images, labels = (part[:count] for part in mg.data.digits(16, "held-out"))
    random = row["order"] == "random"
    plan = mg.plans.random_order() if random else WholePixels(tuple(mg.orders.order(row["order"]).tolist()))
    bits = images[0].numel() * mg.metrics.bits_per_dimension(
        model.along(plan), images, labels, steps=row["calls"], seed=0
    )
    error = float(bits.std()) / count**0.5
    return {"bits": round(float(bits.mean()), 2), "standard_error": round(error, 2), "bits_of": count}


def main() -> None:
    options = arguments(
        __doc__, "orders", count=(1000, "digits a row"), bits_of=(100, "digits whose bits are counted"),
        threads=(1, "of torch"),
    )  # fmt: skip
    given = options.parse_args()
    if given.smoke:
        given.count = given.bits_of = 10
    torch.set_num_threads(given.threads)
    settings = {"count": given.count, "pick": "draw", "eta": 1.0, "split": "held-out", "smoke": given.smoke}
    model = mg.zoo.load(NET, device="cpu")
    found = Results(given.out, settings, {"rows": (NET,), "bits": (NET,)}, checksums((NET,)), seed=0)

    def rows(seed: int) -> None:
        for way, order in itertools.product(WIDTHS, ORDERS):
            key = {"net": NET, "way": way, "order": order, "calls": TOGETHER, "seed": seed}
            found.measure("rows", key, lambda row: measure(model, row, given.count))
        key = {"net": NET, "way": "noise", "order": None, "calls": TOGETHER, "seed": seed}
        found.measure("rows", key, lambda row: measure(model, row, given.count))

    rows(0)
    for calls, order in itertools.product((TOGETHER, ALONE), ORDERS):
        key = {"net": NET, "order": order, "calls": calls}
        found.measure("bits", key, lambda row: measure_bits(model, row, given.bits_of))
    rows(1)
    found.close()


if __name__ == "__main__":
    main()

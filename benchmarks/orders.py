"""The order decides: one network, sixteen calls, ten orders of the pixels (chapter 6).

``digits-any`` has learned every ramp in reading order and in orders drawn at random. It writes in each of
``minigen.orders`` and in a random one, twice: whole pixels, sixteen a call, and fading, each pixel over half of the
walk. And once as noise, where there is no order. Reading order is one that it knows well, so ``digits-scattered``,
which has learned from random orders alone, writes whole pixels in all of them, too. 1,000 digits a row, each class
equally often, drawn from the belief, eta 1, scored against held-out digits.

Two things can make an order bad: the net knows it little, or it draws together what should agree. So for whole pixels
there are also the bits that 100 held-out digits need, one pixel a call (how well the net knows the order) and sixteen a
call (what drawing together loses comes on top). Writes ``minigen/course/results/orders.json``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from common import Row, draw_and_score

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums

ANY, SCATTERED = "digits-any", "digits-scattered"
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
    models = {name: mg.zoo.load(name, device="cpu") for name in (ANY, SCATTERED)}
    tables = {"rows": models.keys(), "bits": models.keys()}
    found = Results(given.out, settings, tables, checksums(models), seed=0)

    def draw(net: str, way: str, order: str | None) -> None:
        key = {"net": net, "way": way, "order": order, "calls": TOGETHER, "seed": 0}
        found.measure("rows", key, lambda row: measure(models[net], row, given.count))

    def count_bits(net: str, order: str, calls: int) -> None:
        key = {"net": net, "order": order, "calls": calls}
        found.measure("bits", key, lambda row: measure_bits(models[net], row, given.bits_of))

    for way, order in itertools.product(WIDTHS, ORDERS):
        draw(ANY, way, order)
    draw(ANY, "noise", None)
    for order in ORDERS:
        count_bits(ANY, order, TOGETHER)
        draw(SCATTERED, "whole pixels", order)
    for order in ORDERS:
        count_bits(ANY, order, ALONE)
    found.close()


if __name__ == "__main__":
    main()

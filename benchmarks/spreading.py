"""Spreading the removal: quality of digits at equal calls, for plans between auto-regression and noise (chapter 6).

Three networks of the same shape: ``digits-scattered`` (single pixels in a drawn order), ``digits-diffusion`` (a little
of every pixel) and ``digits-any`` (every ramp), the last one walked down ramps of several widths, in reading and in
random order. The first and the last also write the patches of chapter 5, which neither was trained on. 1,000 digits a
row, each class equally often, drawn from the belief, eta 1, scored against held-out digits. And for whole pixels, the
bits a pixel that the walk needs for 100 held-out digits: what drawing together costs. Writes
``minigen/course/results/spreading.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from common import Row, draw_and_score

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums

NETS = ("digits-scattered", "digits-diffusion", "digits-any")
WIDTHS = (1 / 256, 1.0, 1 / 4, 1 / 16, 1 / 2, 1 / 64)
CALLS = (4, 16, 64, 256)


def wanted_rows() -> list[Row]:
    """What is measured, the most important rows first.

    ``width`` and ``order`` name a ramp, ``patch`` a raster; without them, the net's own plan is walked.
    """
    rows = []
    for calls in (16, 4, 64):
        rows += [_row(name, calls) for name in NETS[:2]]
        rows += [_row("digits-any", calls, 1 / 256, "random")]
        rows += [_row("digits-any", calls, width, "raster") for width in WIDTHS]
        # at width 1 all pixels begin at once: there is no order
        rows += [_row("digits-any", calls, width, "random") for width in (WIDTHS[2:] if calls < 64 else WIDTHS[2:3])]
        rows += patches(calls)
    return [*rows, *(_row(name, 256) for name in NETS[:2])]


def patches(calls: int) -> list[Row]:
    """Patches, by the networks that can write any pixels in any order."""
    return [_row(name, calls, patch=round((256 / calls) ** 0.5)) for name in ("digits-scattered", "digits-any")]


def wanted_bits() -> list[Row]:
    """The same for bits: single pixels in reading or random order, or patches."""
    rows = []
    for calls in CALLS:
        rows += [_row("digits-any", calls, 1 / 256, order) for order in ("raster", "random")]
        rows += [_row("digits-scattered", calls)]
        if calls < 256:
            rows += patches(calls)
    return rows


def _row(name: str, calls: int, width: float | None = None, order: str | None = None, patch: int | None = None) -> Row:
    return {"net": name, "width": width, "order": order, "patch": patch, "calls": calls}


@cache
def model(name: str, runs: Path) -> mg.Generator:
    """The weights that come with the package, or else those in the folder."""
    return mg.zoo.load(name) if name in mg.zoo.names() else mg.zoo.load(name, runs)


def plan_of(row: Row, model: mg.Generator) -> mg.plans.Plan:
    """The plan that a row names; single pixels as the staircase they are, whose bits are defined."""
    if row["patch"] is not None:
        return mg.plans.raster(row["patch"])
    if row["width"] == 1 / 256:
        return mg.plans.raster(1) if row["order"] == "raster" else mg.plans.random_order()
    return model.plan if row["width"] is None else mg.plans.ramp(row["width"], row["order"])


def measure(row: Row, model: mg.Generator, count: int, seed: int) -> Row:
    """Draw and score."""
    walked, given = model.along(plan_of(row, model)), dict(steps=row["calls"], seed=seed, pick="draw", eta=1.0)
    return draw_and_score(lambda labels: mg.sample(walked, count, labels=labels, **given), count)


def measure_bits(row: Row, model: mg.Generator, count: int, seed: int) -> Row:
    """The bits a pixel of at most 100 held-out digits, mean and standard error."""
    count = min(count, 100)
    images, labels = (part[:count] for part in mg.data.digits(16, "held-out"))
    walked = model.along(plan_of(row, model))
    bits = mg.metrics.bits_per_dimension(walked, images, labels, steps=row["calls"], seed=seed)
    error = float(bits.std()) / count**0.5
    return {"bits": round(float(bits.mean()), 4), "standard_error": round(error, 4), "bits_of": count}


def main() -> None:
    options = arguments(
        __doc__, "spreading", count=(1000, "digits a row"), seed=(0, "of the sampling"),
        most_calls=(256, "leave out the rows with more"),
        runs=(Path("runs"), "where to find weights that do not come with the package"),
    )  # fmt: skip
    options.add_argument("--nets", nargs="+", default=list(NETS), choices=NETS)
    given = options.parse_args()
    if given.smoke:
        given.count, given.most_calls = 20, 4
    settings = {"count": given.count, "pick": "draw", "eta": 1.0, "split": "held-out", "smoke": given.smoke}
    weights = {**checksums(NETS, given.runs), **checksums(NETS)}
    found = Results(given.out, settings, {"rows": NETS, "bits": NETS}, weights, seed=given.seed)

    def fill(table: str, wanted: list[Row], make: Callable[[Row, mg.Generator, int, int], Row]) -> None:
        for key in wanted:
            if key["net"] in given.nets and key["calls"] <= given.most_calls:
                found.measure(table, key, lambda key: make(key, model(key["net"], given.runs), given.count, given.seed))

    rows = wanted_rows()
    fill("rows", [key for key in rows if key["calls"] <= 16], measure)
    fill("bits", wanted_bits(), measure_bits)
    fill("rows", rows, measure)
    found.close()


if __name__ == "__main__":
    main()

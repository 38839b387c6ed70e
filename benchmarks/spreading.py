"""Spreading the removal: quality of digits at equal calls, for plans between auto-regression and noise (chapter 6).

Three networks of the same shape: ``digits-scattered`` (single pixels in a drawn order), ``digits-diffusion`` (a little
of every pixel) and ``digits-any`` (every ramp), the last one walked down ramps of several widths, in reading and in
random order. The first and the last also write the patches of chapter 5, which neither was trained on. 1,000 digits a
row, each class equally often, drawn from the belief, eta 1, scored against held-out digits. And for whole pixels, the
bits a pixel that the walk needs for 100 held-out digits: what drawing together costs. Rows that the file already has,
made with the same weights, are kept, so a run that was interrupted goes on. Writes ``minigen/course/results/spreading.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch

import minigen as mg
from minigen.base import store

OUT = mg.zoo.RESULTS / "spreading.json"
NETS = ("digits-scattered", "digits-diffusion", "digits-any")
WIDTHS = (1 / 256, 1.0, 1 / 4, 1 / 16, 1 / 2, 1 / 64)
CALLS = (4, 16, 64, 256)

Row = dict[str, Any]


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


def folder_of(name: str, runs: Path | None, patience: float) -> Path:
    """Where the weights are: with the package, else in ``runs``, once they are trained to the end."""
    begin = time.monotonic()
    while True:
        for folder in (mg.zoo.SHIPPED, *([runs] if runs else [])):
            if name in mg.zoo.names(folder) and not mg.zoo.about(name, folder)["trained"]["interrupted"]:
                return folder
        if time.monotonic() - begin > patience * 60:
            raise SystemExit(f"{name}: no finished weights after {patience:g} minutes of waiting")
        print(f"{name}: waiting for its weights", flush=True)
        time.sleep(20)


def plan_of(row: Row, model: mg.Generator) -> mg.plans.Plan:
    """The plan that a row names; single pixels as the staircase they are, whose bits are defined."""
    if row["patch"] is not None:
        return mg.plans.raster(row["patch"])
    if row["width"] == 1 / 256:
        return mg.plans.raster(1) if row["order"] == "raster" else mg.plans.random_order()
    return model.plan if row["width"] is None else mg.plans.ramp(row["width"], row["order"])


def measure(row: Row, model: mg.Generator, count: int, seed: int) -> Row:
    """Draw and score: the row with its scores."""
    labels = torch.arange(count) % 10
    walked = model.along(plan_of(row, model))
    begin = time.perf_counter()
    drawn = mg.sample(walked, count, steps=row["calls"], labels=labels, seed=seed, pick="draw", eta=1.0)
    seconds = time.perf_counter() - begin
    grain = mg.metrics.patch_gradients(drawn, 1).border  # differences of neighbours, over those of real digits
    scores = mg.metrics.evaluate(drawn, labels).rounded() if count >= mg.metrics.LEAST else {"frechet": None}
    return {**row, "grain": round(grain or 0, 4), "seconds": round(seconds, 1), **scores}


def measure_bits(row: Row, model: mg.Generator, count: int, seed: int) -> Row:
    """The bits a pixel of ``count`` held-out digits, mean and standard error."""
    images, labels = (part[:count] for part in mg.data.digits(16, "held-out"))
    walked = model.along(plan_of(row, model))
    bits = mg.metrics.bits_per_dimension(walked, images, labels, steps=row["calls"], seed=seed)
    error = float(bits.std()) / count**0.5
    return {**row, "bits": round(float(bits.mean()), 4), "standard_error": round(error, 4), "bits_of": count}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000, help="digits a row")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--nets", nargs="+", default=list(NETS), choices=NETS)
    options.add_argument("--most-calls", type=int, default=256, help="leave out the rows with more")
    options.add_argument("--runs", type=Path, help="where to find weights that do not come with the package")
    options.add_argument("--patience", type=float, default=60, help="minutes to wait for weights in --runs")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="a few digits and calls, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.count, given.most_calls = 20, 4
    settings = {"count": given.count, "pick": "draw", "eta": 1.0, "split": "held-out", "smoke": given.smoke}

    had = json.loads(given.out.read_text()) if given.out.is_file() else {}
    fits = (had.get("settings"), had.get("seed")) == (settings, given.seed)
    weights = {name: found for name, found in had.get("weights", {}).items() if name in NETS}
    models: dict[str, mg.Generator] = {}
    wanted = [("rows", row) for row in wanted_rows()] + [("bits", row) for row in wanted_bits()]
    every = [row for _, row in wanted]
    kept: dict[str, list[Row]] = {"rows": [], "bits": []}
    for part in kept if fits else ():
        kept[part] = [each for each in had.get(part, []) if any(row.items() <= each.items() for row in every)]
    for part, row in sorted(wanted, key=lambda each: max(each[1]["calls"], 16) if each[0] == "rows" else 16):
        name = row["net"]
        if name not in given.nets or row["calls"] > given.most_calls:
            continue
        if name not in models:
            folder = folder_of(name, given.runs, given.patience)
            found = mg.zoo.about(name, folder)["sha256"]
            if weights.get(name) != found:  # what there is was made with other weights
                kept = {key: [each for each in rows if each["net"] != name] for key, rows in kept.items()}
            weights[name], models[name] = found, mg.zoo.load(name, folder)
        if any(row.items() <= each.items() for each in kept[part]):
            continue
        if part == "rows":
            kept[part].append(measure(row, models[name], given.count, given.seed))
        else:
            kept[part].append(measure_bits(row, models[name], min(given.count, 100), given.seed))
        print(kept[part][-1], flush=True)
        content = {
            "command": "python benchmarks/spreading.py",
            "date": date.today().isoformat(),
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "seed": given.seed,
            "settings": settings,
            "weights": {key: weights[key] for key in sorted(weights)},
            **kept,
        }
        store.save_json(given.out, content)
    print(f"{given.out.name}: {len(kept['rows'])} rows, {len(kept['bits'])} rows of bits")


if __name__ == "__main__":
    main()

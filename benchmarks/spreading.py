"""Spreading the removal: quality of digits at equal calls, for plans between auto-regression and noise (chapter 6).

Three networks of the same shape: ``digits-scattered`` (single pixels in a drawn order), ``digits-diffusion`` (a little
of every pixel) and ``digits-any`` (every ramp), the last one walked down ramps of several widths. 1,000 digits a row,
each class equally often, drawn from the belief, eta 1, scored against held-out digits. Rows that the file already has,
made with the same weights, are kept, so a run that was interrupted goes on. Writes ``minigen/results/spreading.json``.
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
from minigen import store

OUT = mg.zoo.RESULTS / "spreading.json"
NETS = ("digits-scattered", "digits-diffusion", "digits-any")
WIDTHS = (1 / 256, 1.0, 1 / 4, 1 / 16, 1 / 2, 1 / 64)

Row = dict[str, Any]


def wanted_rows() -> list[Row]:
    """What is measured, the most important rows first."""

    def whole(calls: int) -> list[Row]:
        return [{"net": name, "width": None, "order": None, "calls": calls} for name in NETS[:2]]

    def ramps(calls: int, order: str, widths: tuple[float, ...]) -> list[Row]:
        return [{"net": NETS[2], "width": width, "order": order, "calls": calls} for width in widths]

    few = (1 / 256, 1 / 4)
    return [
        *whole(16), *whole(64), *whole(4),
        *ramps(16, "raster", WIDTHS), *ramps(64, "raster", WIDTHS),
        *ramps(16, "random", few), *ramps(64, "random", few),
        *whole(256),
    ]  # fmt: skip


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


def measure(row: Row, model: mg.Generator, count: int, seed: int) -> Row:
    """Draw and score: the row with its scores."""
    plan = model.plan if row["width"] is None else mg.plans.ramp(row["width"], row["order"])
    labels = torch.arange(count) % 10
    begin = time.perf_counter()
    drawn = mg.sample(model.along(plan), count, steps=row["calls"], labels=labels, seed=seed, pick="draw", eta=1.0)
    seconds = time.perf_counter() - begin
    grain = mg.metrics.patch_gradients(drawn, 1).border  # differences of neighbours, over those of real digits
    scores = mg.metrics.evaluate(drawn, labels).rounded() if count >= mg.metrics.LEAST else {"frechet": None}
    return {**row, "grain": round(grain or 0, 4), "seconds": round(seconds, 1), **scores}


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
    weights = dict(had.get("weights", {}))
    fits = (had.get("settings"), had.get("seed")) == (settings, given.seed)
    rows: list[Row] = had["rows"] if fits else []
    models: dict[str, mg.Generator] = {}
    for row in wanted_rows():
        name = row["net"]
        if name not in given.nets or row["calls"] > given.most_calls:
            continue
        if name not in models:
            folder = folder_of(name, given.runs, given.patience)
            found = mg.zoo.about(name, folder)["sha256"]
            if weights.get(name) != found:
                rows = [each for each in rows if each["net"] != name]  # of other weights
            weights[name], models[name] = found, mg.zoo.load(name, folder)
        if any(row.items() <= each.items() for each in rows):
            continue
        rows.append(measure(row, models[name], given.count, given.seed))
        print(rows[-1], flush=True)
        content = {
            "command": "python benchmarks/spreading.py",
            "date": date.today().isoformat(),
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "seed": given.seed,
            "settings": settings,
            "weights": {key: weights[key] for key in sorted(weights)},
            "rows": rows,
        }
        store.save_json(given.out, content)
    print(f"{given.out.name}: {len(rows)} rows")


if __name__ == "__main__":
    main()

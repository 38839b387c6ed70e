"""Few steps: one network, walked down in more or fewer steps and in several ways (chapter 8).

Always the shipped weights of ``digits-diffusion``; nothing is trained. Rows: 1,000 digits, each class equally often,
scored against held-out digits, by the number of calls and the way of sampling: the belief's mean or a draw from it,
eta 0 or 1, second order, and steps placed as equal steps of another schedule would place them, or shifted towards the
noise. Up to 16 calls, and not for other schedules, with two sampling seeds. Then ``same``: 100 starting noises, each at
several numbers of calls: how far is the picture from the one at 256 calls of the same noise, and how far apart are
pictures of the same class from different noises? And ``pictures``: ten noises, one for each digit, drawn in every
number of calls, for the chapter's slider.

Rows that the file already has are kept, so a run that was interrupted goes on. Writes
``minigen/course/results/few_steps.json``.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import minigen as mg
from minigen.base import store

OUT = mg.zoo.RESULTS / "few_steps.json"
NET = "digits-diffusion"
NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

WAYS: dict[str, dict[str, Any]] = {
    "mean, eta 0": dict(pick="mean", eta=0.0),
    "mean, eta 1": dict(pick="mean", eta=1.0),
    "second order": dict(pick="mean", eta=0.0, second_order=True),
    "draw, eta 1": dict(pick="draw", eta=1.0),
    "draw, eta 0": dict(pick="draw", eta=0.0),
    "spaced as flow": dict(pick="mean", eta=0.0, spacing="flow"),
    "spaced as linear_beta_leaky": dict(pick="mean", eta=0.0, spacing="linear_beta_leaky"),
    "shifted by 2": dict(pick="mean", eta=0.0, shift=2.0),
    "second order, shifted by 2": dict(pick="mean", eta=0.0, second_order=True, shift=2.0),
}

Row = dict[str, Any]


def first_like(way: str, calls: int) -> str:
    """The way that gives the very same pictures in so few steps, so that it need not be drawn again.

    One call writes the guess itself, whatever eta; the first and the last step are of first order anyway.
    """
    if calls == 1:
        return "draw, eta 1" if way == "draw, eta 0" else "mean, eta 0" if way.startswith(("mean", "second")) else way
    return "mean, eta 0" if calls == 2 and way == "second order" else way


def wanted_rows() -> list[Row]:
    """What is measured, the most important rows first."""
    plain, spaced, shifted = list(WAYS)[:5], list(WAYS)[5:7], list(WAYS)[7:]

    def rows(ways: list[str], numbers: tuple[int, ...], seed: int = 0) -> list[Row]:
        return [{"way": way, "calls": calls, "seed": seed} for calls in numbers for way in ways]

    return [
        *rows(plain, (16, 4, 8, 1, 2)),
        *rows([*spaced, *shifted], (4, 8, 16)),
        *rows(shifted, (4, 8, 16), seed=1),
        *rows(plain, (1, 2, 4, 8, 16), seed=1),
        *rows(plain, (32,)),
        *rows(["mean, eta 0", "draw, eta 1"], (64,)),
        *rows(["mean, eta 0"], (256,)),
        *rows(["draw, eta 1"], (128,)),
        *rows(["mean, eta 0"], (128,)),
    ]


def draw(model: mg.Generator, way: str, calls: int, count: int, seed: int) -> Tensor:
    """``count`` digits in ``calls`` steps."""
    settings = dict(WAYS[way])
    spacing = settings.pop("spacing", "cosine")
    walked = model.along(mg.plans.diffusion(spacing=spacing))
    return mg.sample(walked, count, steps=calls, labels=torch.arange(count) % 10, seed=seed, **settings)


def measure(row: Row, model: mg.Generator, count: int) -> Row:
    """Draw and score: the row with its scores."""
    begin = time.perf_counter()
    drawn = draw(model, row["way"], row["calls"], count, row["seed"])
    seconds = time.perf_counter() - begin
    grain = mg.metrics.patch_gradients(drawn, 1).border  # differences of neighbours, over those of real digits
    labels = torch.arange(count) % 10
    scores = mg.metrics.evaluate(drawn, labels).rounded() if count >= mg.metrics.LEAST else {"frechet": None}
    return {**row, "grain": round(grain or 0, 4), "seconds": round(seconds, 1), **scores}


def apart(images: Tensor, others: Tensor) -> float:
    """The mean distance (root of the mean squared difference) of each picture from the other in its place."""
    return float((images - others).square().flatten(1).mean(dim=1).sqrt().mean())


def same(model: mg.Generator, count: int, most: int) -> dict[str, Any]:
    """Pictures from the same noises at several numbers of calls, compared with those of the longest walk."""
    numbers = [calls for calls in NUMBERS if calls <= most]
    ways = {"mean, eta 0": numbers, "mean, eta 1": numbers[::2], "second order": numbers[:5]}
    drawn = {way: {calls: draw(model, way, calls, count, 0) for calls in some} for way, some in ways.items()}
    found: dict[str, Any] = {"noises": count, "reference_calls": most, "to_reference": {}}
    for way, pictures in drawn.items():
        reference = drawn["mean, eta 0" if way == "second order" else way][most]
        found["to_reference"][way] = {
            str(calls): round(apart(picture, reference), 4) for calls, picture in pictures.items()
        }
    # the picture of the next noise that was told the same digit
    both = ("mean, eta 0", "mean, eta 1")
    found["other_noise"] = {way: round(apart(drawn[way][most], drawn[way][most].roll(10, dims=0)), 4) for way in both}
    found["eta_0_to_eta_1"] = round(apart(drawn["mean, eta 0"][most], drawn["mean, eta 1"][most]), 4)
    return found


def pictures(model: mg.Generator, most: int) -> dict[str, dict[str, str]]:
    """Ten digits for the slider, as bytes (10 x 16 x 16), compressed and in base64."""

    def packed(images: Tensor) -> str:
        grey = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return base64.b64encode(zlib.compress(grey.numpy().tobytes(), 9)).decode()

    return {
        way: {str(calls): packed(draw(model, way, calls, 10, 0)) for calls in NUMBERS if calls <= most}
        for way in ("mean, eta 0", "mean, eta 1", "second order")
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000, help="digits a row")
    options.add_argument("--noises", type=int, default=100, help="starting noises of the second part")
    options.add_argument("--most-calls", type=int, default=256, help="leave out the rows with more")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="a few digits and calls, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.count, given.noises, given.most_calls = 20, 20, 4
    settings = {
        "count": given.count, "noises": given.noises, "most_calls": given.most_calls, "split": "held-out",
        "ways": WAYS, "smoke": given.smoke,
    }  # fmt: skip

    sha256 = mg.zoo.about(NET)["sha256"]
    had = json.loads(given.out.read_text()) if given.out.is_file() else {}
    before = had.get("settings", {})
    same_ways = all(WAYS.get(way) == how for way, how in before.get("ways", {}).items())  # there may be new ones
    fits = same_ways and ({**before, "ways": WAYS}, had.get("weights")) == (settings, {NET: sha256})
    rows: list[Row] = had["rows"] if fits else []
    content: dict[str, Any] = {
        "command": "python benchmarks/few_steps.py",
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seed": 0,
        "settings": settings,
        "weights": {NET: sha256},
        "rows": rows,
        "same": had.get("same") if fits else None,
        "pictures": had.get("pictures") if fits else None,
    }

    def keep(say: Any) -> None:
        store.save_json(given.out, content)
        print(say, flush=True)

    def compare() -> None:
        if content["same"] is None:
            content["same"] = same(model, given.noises, given.most_calls)
            keep(content["same"])
        if content["pictures"] is None:
            content["pictures"] = pictures(model, given.most_calls)
            keep("pictures")

    model = mg.zoo.load(NET, device="cpu")
    tasks: list[Row | Callable[[], None]] = [row for row in wanted_rows() if row["calls"] <= given.most_calls]
    tasks.insert(sum(row["calls"] <= 16 for row in wanted_rows() if row["calls"] <= given.most_calls), compare)
    for task in tasks:
        if callable(task):
            task()
            continue
        if any(task.items() <= each.items() for each in rows):
            continue
        like = {**task, "way": first_like(task["way"], task["calls"])}
        twin = next((each for each in rows if like.items() <= each.items()), None)
        rows.append({**twin, **task, "like": like["way"]} if twin else measure(task, model, given.count))
        keep(rows[-1])
    print(f"{given.out.name}: {len(rows)} rows")


if __name__ == "__main__":
    main()

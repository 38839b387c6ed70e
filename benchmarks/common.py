"""What several benchmarks do: score digits, train a network once, and time two ways by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

import minigen as mg
from minigen.base import store

Row = dict[str, Any]
T = TypeVar("T")


def scored(drawn: Tensor, labels: Tensor | None, **how: Any) -> Row:
    """All scores of pictures as columns; none of so few as a smoke run draws."""
    if len(drawn) < mg.metrics.LEAST:
        return {"frechet": None}
    return mg.metrics.evaluate(drawn, labels, **how).rounded()


def draw_and_score(draw: Callable[[Tensor], Tensor], count: int) -> Row:
    """Scores and seconds of ``count`` digits, each class equally often; ``draw`` gets the labels.

    ``grain``: differences of neighbours, over those of real digits.
    """
    labels = torch.arange(count) % 10
    begin = time.perf_counter()
    drawn = draw(labels)
    seconds = time.perf_counter() - begin
    grain = mg.metrics.patch_gradients(drawn, 1).border
    return {"grain": round(grain or 0, 4), "seconds": round(seconds, 1), **scored(drawn, labels)}


def trained_once(
    path: Path, model: mg.Generator, fit: Callable[[Path], mg.History], rounded: bool = False
) -> tuple[mg.Generator, float]:
    """``model`` after ``fit``, or with the weights of the file, if it is there; and the seconds of training.

    ``fit`` gets the file of the checkpoint. ``rounded``: to a byte a weight, like those that come with the package.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = path.with_suffix(".checkpoint")
        history = fit(checkpoint)
        weights = model.state_dict()
        store.save(
            path, store.pack(weights) if rounded else weights, {"seconds": history.seconds, "best": history.best}
        )
        checkpoint.unlink(missing_ok=True)
        print(f"{path.stem}: {history.seconds:.0f} s, best at {history.best}", flush=True)
    weights, about = store.load(path)
    model.load_state_dict(store.unpack(weights))
    return model.eval(), about["seconds"]


def by_turns(rounds: int, *ways: Callable[[], T]) -> list[list[T]]:
    """For each way what it gives in each round: turn by turn, so that a busy moment of the machine hits all.

    >>> by_turns(2, lambda: "one", lambda: "other")
    [['one', 'one'], ['other', 'other']]
    """
    found = [[way() for way in ways] for _ in range(rounds)]
    return [list(each) for each in zip(*found, strict=True)]


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def ratio(over: Sequence[float], under: Sequence[float]) -> str:
    """The median of the rounds' ratios, from the smallest to the largest.

    >>> ratio([2.0, 3.0, 8.0], [2.0, 2.0, 2.0])
    '1.50 (from 1.00 to 4.00)'
    """
    found = sorted(a / b for a, b in zip(over, under, strict=True))
    return f"{statistics.median(found):.2f} (from {found[0]:.2f} to {found[-1]:.2f})"

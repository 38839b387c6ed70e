"""The cases of chapter 15, your pictures: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from helpers_checks import Case
from torch import Tensor


def copied(drawn: Tensor, train: Tensor) -> Tensor:
    return apart(drawn, train).square().mean(dim=2).sqrt().amin(dim=1) < 0.05


def apart(drawn: Tensor, train: Tensor) -> Tensor:
    return (drawn[:, None] - train[None]).flatten(2)


def one_by_one(drawn: Tensor, train: Tensor) -> list[bool]:
    return [min(math.dist(one.flatten(), each.flatten()) for each in train) < 0.05 * 48**0.5 for one in drawn]


def nearer_than(measure: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda drawn, train: measure(apart(drawn, train)).amin(dim=1) < 0.05


def part_near(side: int) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda d, t: (d[:, None] - t).square().mean(dim=side).sqrt().flatten(1).amin(dim=1) < 0.05


def patch_for(side: int, calls: int) -> int:
    return next(patch for patch in range(1, side + 1) if side % patch == 0 and (side // patch) ** 2 <= calls)


def divisors(side: int) -> list[int]:
    return [patch for patch in range(1, side + 1) if side % patch == 0]


def verdict(a: Sequence[float], b: Sequence[float], floor: float, spread: float) -> str:
    least = floor + 2 * spread
    one, other = ([max(value, least) for value in values] for values in (a, b))
    return "a" if max(one) < min(other) else "b" if max(other) < min(one) else "neither"


def by_means(a: Sequence[float], b: Sequence[float], floor: float, spread: float) -> str:
    one, other = sum(a) / len(a), sum(b) / len(b)
    return "neither" if one == other else "a" if one < other else "b"


def both_below(a: Sequence[float], b: Sequence[float], floor: float, spread: float) -> str:
    """Wrong: what counts as real is equal in a list that is partly above it, too."""
    if max(*a, *b) <= floor + 2 * spread:
        return "neither"
    return "a" if max(a) < min(b) else "b" if max(b) < min(a) else "neither"


def none_below(a: Sequence[float], b: Sequence[float], floor: float, spread: float) -> str:
    """Stops where no distance is below the floor."""
    least, *_ = (value for value in (*a, *b) if value <= floor + 2 * spread)
    return "a" if least in a else "b"


CASES = {
    "copied": Case(
        right=[copied, one_by_one, lambda d, t: copied(d, t).tolist(), lambda d, t: copied(d, t).numpy()],
        wrong={
            "other way round": [lambda d, t: ~copied(d, t)],
            "root missing": [nearer_than(lambda off: off.square().mean(dim=2))],
            "more pixels": [
                nearer_than(lambda off: off.norm(dim=2)),
                nearer_than(lambda off: off.square().sum(dim=2)),
            ],
            "mean of the differences": [nearer_than(lambda off: off.abs().mean(dim=2))],
            "a part of the picture": [part_near(2), part_near(3), part_near(4)],
            "True or False": [lambda d, t: apart(d, t).square().mean(dim=2).sqrt().amin(dim=1)],
            "cancel": [nearer_than(lambda off: off.mean(dim=2).abs())],
            "largest difference": [nearer_than(lambda off: off.abs().amax(dim=2))],
            "one equal value": [nearer_than(lambda off: off.abs().amin(dim=2))],
            "equality to the bit": [lambda d, t: (apart(d, t) == 0).all(dim=2).any(dim=1)],
            "near all of them?": [lambda d, t: (apart(d, t).square().mean(dim=2).sqrt() < 0.05).all(dim=1)],
            "for each drawn picture": [lambda d, t: copied(d, t).sum(), lambda d, t: copied(t, d)],
            "Of which training picture": [lambda d, t: torch.arange(len(d)) == len(d) - 2],
        },
        secret=r"sqrt|\*\*|square\(|\.05|argmin|amin",
        function=True,
    ),
    "patch-for": Case(
        right=[patch_for, lambda side, calls: float(patch_for(side, calls))],
        wrong={
            "left over": [lambda side, calls: math.ceil(side / math.sqrt(calls))],
            "one row": [lambda side, calls: next(patch for patch in divisors(side) if side // patch <= calls)],
            "something finer": [lambda side, calls: side],
            "more calls than": [
                lambda side, calls: max([patch for patch in divisors(side) if (side // patch) ** 2 > calls], default=1)
            ],
            "the number of calls": [lambda side, calls: calls],
            "calls be left over": [
                lambda side, calls: next(
                    (patch for patch in divisors(side) if (side // patch) ** 2 < calls), patch_for(side, calls)
                )
            ],
            "side by side": [lambda side, calls: side // patch_for(side, calls)],
            "patches fill": [lambda side, calls: (side // patch_for(side, calls)) ** 2],
            "whole number": [lambda side, calls: side / math.sqrt(calls), lambda side, calls: 0],
            "side of 48 and 20 calls: Your": [lambda side, calls: side // 0],
        },
        secret=r"\*\*|% patch|divid",
        function=True,
    ),
    "verdict": Case(
        right=[verdict, lambda a, b, floor, spread: verdict(a, b, floor, spread).upper()],
        wrong={
            "whatever their means": [by_means],
            "as small as those of real": [
                lambda a, b, floor, spread: verdict(a, b, 0.0, 0.0),
            ],
            "Read the rule": [lambda a, b, floor, spread: verdict(a, b, floor, spread / 2)],
            "2.5 can't be told": [both_below],
            "2.9 can't be told": [lambda a, b, floor, spread: (verdict if a < b else both_below)(a, b, floor, spread)],
            "For a = [4.0, 5.0] and b = [6.0, 7.0], with a floor of 2.0 ± 0.5: Your": [none_below],
            "better, or worse": [lambda a, b, floor, spread: verdict(b, a, floor, spread)],
            "nearer than what can": [
                lambda a, b, floor, spread: (
                    "neither" if min([*a, *b]) <= floor + 2 * spread else verdict(a, b, floor, spread)
                )
            ],
            "nothing is nearer": [
                lambda a, b, floor, spread: "a" if a == b else verdict(a, b, floor, spread),
            ],
            "All of a are smaller": [lambda a, b, floor, spread: "neither"],
            "one of the words": [lambda a, b, floor, spread: min(a), lambda a, b, floor, spread: "noise"],
        },
        secret=r"max\(|min\(|two spreads|2 \* ",
        function=True,
    ),
}

"""The cases of chapter 4, auto-regression: right answers, and wrong ones that people give."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import torch
from helpers_checks import Case
from torch import Tensor


def chain(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    chances: list[float] = []
    seen: list[int | slice] = [slice(None)] * 3
    for place in order:
        before = float(table[tuple(seen)].sum())
        seen[place] = picture[place]
        chances.append(float(table[tuple(seen)].sum()) / before)
    return chances


def each_by_itself(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return [float(table.select(place, picture[place]).sum()) for place in order]


def sorted_by_pixel(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    found = dict(zip(order, chain(table, picture, order), strict=True))
    return [found[place] for place in range(3)]


def only_the_product(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return [1.0, 1.0, float(table[picture])]


def always_from_left(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return chain(table, picture, (0, 1, 2))


def temper(p: Tensor, T: float) -> Tensor:
    if T < 0:
        raise ValueError(f"T is {T}; allowed: 0 and above")
    if T == 0:
        return (p == p.max()).double()
    bold = p ** (1 / T)
    return bold / bold.sum()


def temper_without(case: str) -> Callable[..., Tensor]:
    def wrong(p: Tensor, T: float) -> Tensor:
        if T == 0 and case == "zero":
            return p
        if T < 0 and case == "negative":
            return p
        return temper(p, T)

    return wrong


CASES = {
    "chain": Case(
        right=[chain, lambda *given: torch.tensor(chain(*given), dtype=torch.float64)],
        wrong={
            "by itself": [each_by_itself],
            "sorted by pixel": [sorted_by_pixel],
            "single chances are off": [only_the_product],
            "agree with what is written": [always_from_left],
            "shape": [lambda *given: float(given[0][given[1]])],
            "product of your three chances": [lambda *given: [0.5, 0.5, 0.5]],
        },
        secret=r"select|sum\(|\bdivide",
        function=True,
    ),
    "temper": Case(
        right=[temper, lambda p, T: temper(p, T).tolist()],
        wrong={
            "turn T round": [lambda p, T: p**T, lambda p, T: p**T / (p**T).sum()],
            "Yours do not": [lambda p, T: p ** (1 / T)],
            "logarithms": [lambda p, T: (p / T).softmax(0)],
            "you return": [lambda p, T: p],
            "T = 0": [temper_without("zero")],
            "ValueError": [temper_without("negative")],
            "shape": [lambda p, T: p[:1]],
        },
        secret=r"1 ?/ ?T|16/17|0\.94",
        function=True,
    ),
    "pixel-bill": Case(
        right=[(784, 3145728, 52.4), (28 * 28, 3 * 1024**2, 52.43)],
        wrong={
            "28 x 28": [(256, 3145728, 52.4)],
            "first pixel": [(783, 3145728, 52.4)],
            "One call a pixel": [(28, 3145728, 52.4)],
            "three colour values": [(784, 1048576, 52.4)],
            "one row": [(784, 1024, 52.4)],
            "One call a colour value": [(784, 3e6, 52.4)],
            "How many seconds": [(784, 3145728, 60)],
            "seconds": [(784, 3145728, 3145.728)],
            "three": [(784, 3145728, 17.476)],
            "hours": [(784, 3145728, 0.874)],
            "finite": [(784, 3145728, nan)],
        },
        secret=r"\b784\b|3,?145,?728|\b52\b",
    ),
}

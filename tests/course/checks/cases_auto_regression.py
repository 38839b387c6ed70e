"""The cases of chapter 4, auto-regression: right answers, and wrong ones that people give."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import torch
import torch.nn.functional as F
from helpers_checks import Case
from helpers_nets import Says, Wavers
from torch import Tensor, nn

from minigen.data import digits
from minigen.training import History


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


SMALL = torch.where(digits()[0][..., 3:13, 3:13] > 0, 1, 0).flatten(1)
"""The small digits of the training, 1 for white."""

ABOVE = (1, 2, 8, 9, 10, 11, 12, 19, 20, 21)
"""How far back, in reading order, the nearest pixels of this row and of the two above stand."""


def codes(white: Tensor, back: tuple[int, ...]) -> Tensor:
    """What the pixels so far back hold, as one number for every pixel, (count, 100)."""
    padded = F.pad(white.long(), (max(back, default=0), 0))
    parts = [padded[:, max(back) - far :][:, :100] << number for number, far in enumerate(back)]
    return sum(parts, torch.zeros_like(white, dtype=torch.long))


def counted(*back: int, ahead: bool = False) -> Says:
    """Believes what it has counted: of the training pixels with the same ones so far back, how many are white?"""
    back = (*back, 0) if ahead else back
    seen, size = codes(SMALL, back).flatten(), 2 ** len(back)
    white = torch.bincount(seen, SMALL.flatten().double(), size) + 0.2
    black = torch.bincount(seen, 1 - SMALL.flatten().double(), size) + 0.8
    score = (white / black).log().float()
    return Says(lambda pixels: score[codes(pixels > 0, back)])


class OfCounted(nn.Module):
    """What a counting network says, said otherwise."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inside, self.change = counted(*ABOVE), change

    def forward(self, pixels: Tensor) -> Tensor:
        return self.change(self.inside(pixels))


CASES = {
    "chain": Case(
        right=[
            chain,
            lambda *given: torch.tensor(chain(*given), dtype=torch.float64),
            lambda table, *given: torch.tensor(chain(table.float(), *given)),
        ],
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
        right=[temper, lambda p, T: temper(p, T).tolist(), lambda p, T: temper(p.float(), T).float()],
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
        right=[
            (784, 3145728, 52.4),
            (28 * 28, 3 * 1024**2, 52.43),
            (784, 3145728, 52),
            (784.0, 3145728.0, "52.4"),
            tuple(torch.tensor([784.0, 3145728.0, 52.4288])),
        ],
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
    "train-writer": Case(
        right=[
            (counted(*ABOVE),),
            (counted(1, 9, 10, 11),),
            (OfCounted(torch.sigmoid),),
            (OfCounted(lambda said: said.unsqueeze(2)),),
        ],
        wrong={
            "looks ahead": [(counted(*ABOVE, ahead=True),), (Says(lambda pixels: 5 * pixels),)],
            "touch the next one": [(counted(1),), (counted(1, 2, 3),), (counted(9),)],
            "to the end": [(OfCounted(lambda said: said / 8),)],
            "Was it trained": [(Says(torch.zeros_like),)],
            "every pixel": [(nn.Linear(100, 2),), (Says(lambda pixels: pixels[:1]),)],
            "training mode": [(Wavers(counted(*ABOVE)),)],
            "not finite": [(Says(lambda pixels: pixels.log()),)],
            "stopped with RuntimeError": [(nn.Linear(256, 256),)],
            "history": [(History(),)],
        },
        secret=r"\bten\b|\b10\b|row above|seen=",
    ),
}

"""The cases of chapter 3, missing pixels: right answers, and wrong ones that people give."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from math import nan

import torch
from helpers_checks import Case
from helpers_nets import Says, Wavers, around
from torch import Tensor, nn

from minigen.data import digits
from minigen.training import History


def count(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if all(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) / len(fits) for value in (0, 1)]


def all_pictures(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return count(pictures, {}, position)


def turned_round(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return count(pictures, seen, position)[::-1]


def counts_not_shares(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if all(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) for value in (0, 1)]


def any_pixel_fits(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if not seen or any(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) / len(fits) for value in (0, 1)]


def first_picture_only(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    """Looks at the hidden pixel of one picture instead of counting."""
    value = int(pictures[0, position])
    return [1.0 - value, float(value)]


def half(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return [0.5, 0.5]


def only_the_chance_of_one(pictures: Tensor, seen: dict[int, int], position: int) -> float:
    return count(pictures, seen, position)[1]


Net = Callable[[Tensor, Tensor], Tensor]


def leaks(net: Net) -> bool:
    """Every pixel, one at a time, each hidden together with its half of the picture."""
    for half in (slice(0, 4), slice(4, 8)):
        picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
        hidden[..., half] = True
        before = net(picture, hidden)
        for y, x in itertools.product(range(8), range(8)[half]):
            other = picture.clone()
            other[..., y, x] += 1
            if not torch.equal(net(other, hidden), before):
                return True
    return False


def both_halves_by_gradient(net: Net) -> bool:
    """All hidden pixels together, by the slope of the output."""
    return leaks_by_gradient(net) or leaks_by_gradient(lambda p, h: net(p.flip(-1), h.flip(-1)))


def leaks_by_gradient(net: Net, columns: int = 4) -> bool:
    """The hidden pixels of one half only."""
    picture = torch.rand(1, 1, 8, 8, requires_grad=True)
    hidden = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 8 - columns :] = True
    net(picture, hidden).sum().backward()
    assert picture.grad is not None
    return bool(picture.grad[hidden].abs().sum() > 0)


def everything_hidden(net: Net) -> bool:
    return leaks_by_gradient(net, columns=8)


def one_hidden_pixel(net: Net) -> bool:
    picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 3:5, 3:5] = True
    other = picture.clone()
    other[..., 3, 3] += 1
    return not torch.equal(net(other, hidden), net(picture, hidden))


def seen_pixels_too(net: Net) -> bool:
    picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 4:] = True
    return not torch.equal(net(picture + 1, hidden), net(picture, hidden))


MEAN = digits()[0].mean(dim=0)


def fills(pictures: Tensor, hidden: Tensor) -> Tensor:
    """By how far the seen pixels around are from the average picture: hardly trained, but good enough."""
    return MEAN + 0.9 * (around(pictures - MEAN - 1, hidden) + 1)


def believes(pictures: Tensor, hidden: Tensor) -> Tensor:
    """The same as chances of 16 greys: of the two greys beside the guess."""
    grey = (fills(pictures, hidden).clamp(-1, 1) + 1) / 2 * 15
    return (1 - (grey - torch.arange(16).view(1, 16, 1, 1)).abs()).clamp(min=0)


CASES = {
    "count-belief": Case(
        right=[count, lambda *given: torch.tensor(count(*given), dtype=torch.float64)],
        wrong={
            "agree with every seen pixel": [all_pictures],
            "turned round": [turned_round],
            "sums to 1": [counts_not_shares],
            "How many pictures fit": [any_pixel_fits, first_picture_only, half],
            "shape": [only_the_chance_of_one, lambda *given: [0.2] * 5],
        },
        secret=r"\bfits\b",
        function=True,
    ),
    "draw-error": Case(
        right=[(2,), (2.0,), (torch.tensor(2.0),)],
        wrong={
            "drawing costs nothing": [(1,)],
            "distance": [(math.sqrt(2),)],
            "squares add": [(4,)],
            "divide it": [(0.5,)],
            "independent draws": [(3,)],
            "finite": [(nan,)],
            "should be a number": [("twice",)],
        },
        secret=r"\b(?<!sqrt )2\b|\btwice\b(?! )|\bdouble\b|\btwo times\b",
    ),
    "leaks": Case(
        right=[leaks, both_halves_by_gradient, lambda net: torch.tensor(leaks(net))],
        wrong={
            "honest": [lambda net: True, lambda net: not leaks(net), seen_pixels_too],
            "looks first": [lambda net: False, everything_hidden],
            "one single pixel": [one_hidden_pixel, leaks_by_gradient],
            "True or False": [lambda net: 0.3, lambda net: "no", lambda net: torch.zeros(2, dtype=torch.bool)],
        },
        secret=r"\bgradient\b|\bgrad\b|torch\.equal",
        function=True,
    ),
    "train-pixels": Case(
        right=[
            (Says(fills),),
            (Says(lambda *given: fills(*given).flatten(1)),),
            (Says(lambda pictures, hidden: torch.where(hidden, fills(pictures, hidden), pictures)),),
            (Says(believes),),
            (Says(lambda *given: believes(*given)[:, None]),),
            (Says(lambda *given: (believes(*given) + 1e-9).log()),),
        ],
        wrong={
            "looks at covered": [
                (Says(lambda pictures, hidden: pictures),),
                (Says(lambda pictures, hidden: around(pictures, hidden & False)),),
            ],
            "hardly met": [(Says(lambda pictures, hidden: around(pictures, hidden, share=False)),)],
            "Was it trained": [(Says(lambda pictures, hidden: torch.zeros_like(pictures)),)],
            "to the end": [(Says(lambda pictures, hidden: MEAN.expand_as(pictures)),), (Says(around),)],
            "shape": [(Says(lambda pictures, hidden: MEAN),), (Says(lambda pictures, hidden: pictures[..., :8]),)],
            "training mode": [(Wavers(Says(fills)),)],
            "not finite": [(Says(lambda pictures, hidden: pictures.log()),)],
            "stopped with TypeError": [(nn.Linear(256, 256),)],
            "history": [(History(),)],
        },
        secret=r"\bmost=|many pixels|more pixels",
    ),
}

"""Orders of the pixels: which comes when (chapter 6).

An order gives every pixel its **place**, counted from 0: the first pixel to come back has place 0. ``plans.ramp`` takes
one, and so lets the same network write row by row, from the middle outwards or like a newspaper's dots. ::

    4 x 4    rows         centre       checkerboard   dither
             0  1  2  3   12 4  5  13  0  8  1  9     0  8  2  10
             4  5  6  7   6  0  1  7   10 2  11 3     12 4  14 6
             8  9  10 11  8  2  3  9   4  12 5  13    3  11 1  9
             12 13 14 15  14 10 11 15  14 6  15 7     15 7  13 5
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_whole

Turn = Callable[[int, int], float | tuple[float, ...]]
"""Of a pixel's row and column: when its turn comes, less is earlier."""


def by(turn: Turn, size: int = 16) -> Tensor:
    """The place of each of ``size`` x ``size`` pixels, (pixels,) int64, when those of less ``turn`` come first.

    Of pixels with equal turns the one that is read first comes first.

    >>> by(lambda row, column: row + column, size=3).view(3, 3)       # diagonals
    tensor([[0, 1, 3],
            [2, 4, 6],
            [5, 7, 8]])
    """
    check_whole("size", size)
    if not callable(turn):
        raise TypeError(f"turn is {turn!r}, a {type(turn).__name__}; allowed: a function of row and column")
    pixels = [(row, column) for row in range(size) for column in range(size)]
    first_to_last = sorted(range(len(pixels)), key=lambda pixel: turn(*pixels[pixel]))  # stable: equal ones stay
    return torch.tensor(first_to_last).argsort()


def order(name: str, size: int = 16) -> Tensor:
    """The places of one of the ``NAMES``, (pixels,).

    "rows" is the order of reading, "patches" the same with squares of 4 x 4; "centre" and "edge" go by the distance
    from the middle; "outwards" and "inwards" are spirals; "checkerboard" writes every other pixel, then those between.
    "dither" is the one in which each new pixel is as far from all before as can be (Bayer 1973), for sizes that are
    powers of 2.

    Raises:
        ValueError: if the name is another, or ``size`` is no power of 2 and the order is "dither".

    >>> order("centre", size=4).view(4, 4)
    tensor([[12,  4,  5, 13],
            [ 6,  0,  1,  7],
            [ 8,  2,  3,  9],
            [14, 10, 11, 15]])
    """
    check_choice("name", name, NAMES)
    if name == "dither" and size & (size - 1):
        raise ValueError(f"size is {size}; allowed with the order dither: powers of 2, such as 8 or 16")
    middle = (check_whole("size", size) - 1) / 2

    def far(row: int, column: int) -> float:
        return (row - middle) ** 2 + (column - middle) ** 2

    def around(row: int, column: int) -> tuple[float, float]:
        """Which square ring around the middle, and how far around."""
        ring = max(abs(row - middle), abs(column - middle))
        return ring, math.atan2(column - middle, row - middle)

    turns: dict[str, Turn] = {
        "rows": lambda row, column: row,
        "columns": lambda row, column: column,
        "diagonals": lambda row, column: row + column,
        "patches": lambda row, column: (row // 4, column // 4),
        "centre": far,
        "edge": lambda row, column: -far(row, column),
        "outwards": around,
        "inwards": lambda row, column: tuple(-part for part in around(row, column)),
        "checkerboard": lambda row, column: (row + column) % 2,
        "dither": lambda row, column: _bayer(row, column, size),
    }
    return by(turns[name], size)


def check_order(given: object, words: Sequence[str | None]) -> Any:
    """Return an order if it is one of the words or has each place from 0 once, as a tuple; else raise.

    >>> check_order([2, 0, 2], ["raster"])
    Traceback (most recent call last):
    ValueError: order has 3 places, and not 1 among them; allowed: each from 0 to 2 once, or 'raster'
    """
    if given is None or isinstance(given, str):
        return check_choice("order", given, words)
    try:
        places = torch.as_tensor(given).flatten().tolist()
    except (TypeError, ValueError, RuntimeError):
        places = None
    if places is None or (isinstance(given, int | float)):
        allowed = f"a place for each pixel, as orders.order() gives them, or {', '.join(map(repr, words))}"
        raise TypeError(f"order is {given!r}, a {type(given).__name__}; allowed: {allowed}")
    lacks = set(range(len(places))).difference(places)
    if lacks or not places:
        said = f"{len(places)} places, and not {min(lacks, default=0)} among them"
        allowed = f"each from 0 to {len(places) - 1} once, or {', '.join(map(repr, words))}"
        raise ValueError(f"order has {said}; allowed: {allowed}")
    return tuple(check_whole("order", place, 0) for place in places)


NAMES = (
    "rows", "columns", "diagonals", "patches", "centre", "edge", "outwards", "inwards", "checkerboard", "dither",
)  # fmt: skip
"""The orders that have a name; ``plans.ramp`` also knows "random", drawn anew for each picture."""


def _bayer(row: int, column: int, size: int) -> int:
    """A pixel's number in Bayer's matrix: the bits of both coordinates by turns, the least significant first."""
    number = 0
    for bit in range(size.bit_length() - 1):
        r, c = row >> bit & 1, column >> bit & 1
        number = number << 2 | (r ^ c) << 1 | r
    return number

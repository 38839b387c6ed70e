"""The checks of chapter 4, auto-regression."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor, refuses
from minigen.data import digits


@exercise("chain")
def _chain(function: Any) -> str:
    random = seeded(14)
    table = torch.rand(2, 2, 2, generator=random, dtype=torch.float64)
    table /= table.sum()
    for order in itertools.permutations(range(3)):
        picture = (1, 0, 1) if order[0] else (0, 1, 1)
        given = expect_tensor("The result", ask(function, table, picture, order), (3,))
        wanted, alone, known = [], [], table
        for place in order:
            others = tuple(i for i in range(3) if i != place)
            alone.append(float(table.sum(dim=others)[picture[place]]))
            chances = known.sum(dim=others)
            wanted.append(float(chances[picture[place]] / chances.sum()))
            keep = torch.zeros(2, dtype=torch.float64)
            keep[picture[place]] = 1
            known = known * keep.view([2 if i == place else 1 for i in range(3)])
        by_pixel = [chance for _, chance in sorted(zip(order, wanted, strict=True))]
        told = (
            "These are the chances of each pixel by itself. The second must be told the first, the third both:"
            " look only at the part of the table that agrees with what is written."
        )
        in_order = "Right numbers, but sorted by pixel: return them in the order in which they are written."
        product, cell = float(given.prod()), float(table[picture])
        otherwise = (
            f"For order {order} the product of your three chances is {product:.4f}, and the table says {cell:.4f}"
            f" for this picture{'; yet single chances are off' if abs(product - cell) < 1e-6 else ''}. Each is the"
            " chance of the pixel's value among those pictures that agree with what is written so far."
        )
        expect(given, wanted, [(alone, told), (by_pixel, in_order)], otherwise)
    return "Six orders, six times the same product: any order is right, if every pixel is told what is there already."


@exercise("temper")
def _temper(function: Any) -> str:
    for p, T in (((0.8, 0.2), 0.5), ((0.5, 0.3, 0.2), 2.0), ((0.1, 0.6, 0.3), 1.0), ((0.7, 0.0, 0.3), 0.25)):
        chances = torch.tensor(p, dtype=torch.float64)
        bold, upside_down = chances ** (1 / T), chances**T
        turned = "This grows more cautious as T grows. Below 1 the likely should become likelier: turn T round."
        traps = (
            (bold, "Chances must sum to 1. Yours do not."),
            (upside_down / upside_down.sum(), turned),
            (upside_down, turned),
            ((chances / T).softmax(dim=0), "A softmax wants logarithms of chances; you gave it the chances."),
        )
        given = expect_tensor("The result", ask(function, chances, T), (len(p),))
        otherwise = f"For p = {p} and T = {T} you return {[round(v, 4) for v in given.tolist()]}."
        expect(given, bold / bold.sum(), traps, otherwise)
    for p in ((0.2, 0.5, 0.3), (0.1, 0.0, 0.9)):
        given = expect_tensor("The result at T = 0", ask(function, torch.tensor(p, dtype=torch.float64), 0.0), (3,))
        wanted = [float(v == max(p)) for v in p]
        hint = "At T = 0 all of the chance belongs to the likeliest value; write that case by itself."
        expect(given, wanted, (), hint)
    if not refuses(function, torch.tensor([0.8, 0.2], dtype=torch.float64), -1.0):
        raise NotYetError("A temperature below 0 makes no sense: raise a ValueError that says what is allowed.")
    return "One dial from the most cautious choice (0) over the belief itself (1) to pure chance (very large)."


@exercise("pixel-bill")
def _pixel_bill(small: Any, large: Any, minutes: Any) -> str:
    traps = {256.0: "That is 16 x 16; asked is 28 x 28.", 783.0: "The first pixel needs a call, too."}
    expect_number("The calls for 28 x 28 grey", small, 784, traps, "One call a pixel.", 0)
    traps = {
        1048576.0: "That counts pixels; each has three colour values, and each is written by a call of its own.",
        1024.0: "That is one row. There are as many rows as columns, and three colour values a pixel.",
    }
    expect_number("The calls for 1024 x 1024 RGB", large, 3 * 1024**2, traps, "One call a colour value.", 0)
    traps = {
        3145.728: "That is in seconds.",
        17.476: "That is for one colour value a pixel; there are three.",
        0.874: "That is in hours.",
    }
    expect_number(
        "The minutes",
        minutes,
        3 * 1024**2 / 60000,
        traps,
        "How many seconds is that, and how many seconds has a minute?",
        0.1,
    )
    return "Millions of calls, one after the other: no faster machine does them side by side."


SIDE = 10
"""Of the small digits: the middle of the others, in black and white."""


def _whiteness(net: nn.Module, pixels: Tensor) -> Tensor:
    """The score of white for every pixel, (count, 100); chances are read as the scores that they come from."""
    said = answers_of(net, pixels).double()
    if said.numel() != pixels.numel() or len(said) != len(pixels):
        raise NotYetError(
            f"For {len(pixels)} digits of 100 pixels its answer has shape {tuple(said.shape)}. Wanted is a number for"
            " every pixel: above 0 for white, below for black."
        )
    said = said.view_as(pixels)
    chances = bool((said >= 0).all()) and bool((said <= 1).all()) and bool(said.any())
    return said.logit(eps=1e-6) if chances else said


def _reach(net: nn.Module, pixels: Tensor) -> int:
    """How far before pixel 55 the last one stands that changes the belief about it."""
    place, few = 55, pixels[:8]
    changed = few.repeat(place, 1, 1)
    for back in range(1, place + 1):
        changed[back - 1, :, place - back] *= -1
    said = _whiteness(net, torch.cat([few[None], changed]).flatten(0, 1)).view(place + 1, len(few), -1)[..., place]
    moved = ((said[1:] - said[0]).abs() > 1e-4).any(dim=1)
    return int(moved.nonzero().max()) + 1 if bool(moved.any()) else 0


@exercise("train-writer")
def _train_writer(trained: Any) -> str:
    net, edge = expect_net(trained), (16 - SIDE) // 2
    middle = digits(split="validation")[0][..., edge : edge + SIDE, edge : edge + SIDE]
    pixels = torch.where(middle.flatten(1) > 0, 1.0, -1.0)
    said = _whiteness(net, pixels)
    for place in (0, 34, 55, 99):
        other = pixels.clone()
        other[:, place:] *= -1
        if float((_whiteness(net, other) - said)[:, : place + 1].abs().max()) > 1e-3:
            raise NotYetError("It looks ahead: a pixel's belief changes with that pixel itself, or with a later one.")
    loss = float(F.soft_margin_loss(said, pixels.double()))
    told = f"On unseen digits its loss is {loss:.3f} a pixel; at most 0.390 is wanted."
    if loss <= 0.39:
        return f"On unseen digits its loss is {loss:.3f} a pixel: it sees the stroke that comes down from above."
    if loss > 0.6:
        raise NotYetError(f"{told} Blind guessing has 0.69. Was it trained, and is this the one that was?")
    back = _reach(net, pixels)
    if back < SIDE:
        raise NotYetError(
            f"{told} The farthest pixel that changes its belief stands {back} back. Which of the written pixels that"
            " touch the next one does it not see?"
        )
    raise NotYetError(f"{told} It looks up to {back} pixels back, and that is enough. Is it trained to the end?")

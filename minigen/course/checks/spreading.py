"""The checks of chapter 6, spreading the removal."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import expect_net
from minigen.course.checks.judging import NotYetError, ask, close, exercise, expect, expect_number, expect_tensor
from minigen.generator import Generator
from minigen.plans import ramp
from minigen.sampling import sample


def _row_table(flip: float) -> Tensor:
    """The chances of all rows of four pixels, each differing from the one before with chance ``flip``."""
    table = torch.zeros(2, 2, 2, 2, dtype=torch.float64)
    for row in itertools.product((0, 1), repeat=4):
        table[row] = 0.5 * math.prod(flip if a != b else 1 - flip for a, b in itertools.pairwise(row))
    return table


def _entropy(table: Tensor, kept: set[int]) -> float:
    """Bits of the pixels ``kept``, the others summed out."""
    others = [place for place in range(table.dim()) if place not in kept]
    chances = table.sum(dim=others) if others else table
    return float(-(chances * chances.log2()).sum())


_Order = list[tuple[int, ...]]


def _bits_lost(table: Tensor, order: _Order, remember: bool = True) -> float:
    lost, seen = 0.0, set[int]()
    for call in order:
        before = seen if remember else set()
        alone = sum(_entropy(table, before | {place}) - _entropy(table, before) for place in call)
        lost += alone - (_entropy(table, before | set(call)) - _entropy(table, before))
        seen = seen | set(call)
    return lost


_ORDERS: tuple[_Order, ...] = (
    [(0, 1), (2, 3)], [(0, 2), (1, 3)], [(0,), (1,), (2,), (3,)], [(0, 1, 2, 3)], [(2,), (0, 1, 3)]
)  # fmt: skip


@exercise("bits-lost")
def _bits_lost_exercise(function: Any, best: Any) -> str:
    anything = torch.rand(2, 2, 2, 2, generator=seeded(15), dtype=torch.float64) + 0.02
    for table, order in itertools.product((_row_table(0.1), anything / anything.sum()), _ORDERS):
        truth, entropy = _bits_lost(table, order), _entropy(table, {0, 1, 2, 3})
        given = float(expect_tensor("The bits lost", ask(function, table, list(order)), ()))
        traps = (
            (truth * math.log(2), "Those are nats: take logarithms to base 2."),
            (-truth, "The sign is turned round: pixels of one call cost more than pixels one by one."),
            (truth + entropy, "That is the whole message. Take away what the row costs if nothing is wasted."),
            (_bits_lost(table, order, remember=False), "A later call knows what the earlier ones wrote."),
        )
        otherwise = "Add up each pixel's bits given the calls before, then compare with the row's."
        if max(map(len, order)) == 1:
            otherwise = "One pixel a call is exact, so nothing may be lost there."
        expect(given, truth, traps, otherwise, said=f"For the order {order} you say {given:.4f} bits.")
    return _judge_best(best)


def _judge_best(best: Any) -> str:
    try:
        calls = [sorted(int(place) for place in call) for call in best]
    except (TypeError, ValueError, RuntimeError):
        raise NotYetError("The best order should look like [(0, 1), (2, 3)]: two calls, two places each.") from None
    if sorted(itertools.chain(*calls)) != [0, 1, 2, 3] or [len(call) for call in calls] != [2, 2]:
        raise NotYetError("The best order should have two calls, two places each, and every place from 0 to 3 once.")
    table = _row_table(0.1)
    pairs: list[_Order] = [[pair, tuple({0, 1, 2, 3} - set(pair))] for pair in itertools.combinations(range(4), 2)]
    if _bits_lost(table, [tuple(call) for call in calls]) <= min(_bits_lost(table, each) for each in pairs) + 1e-9:
        return "Far apart first, so that each gap is filled from both sides. Yet something is lost: two can't agree."
    if calls == [[1, 2], [0, 3]]:
        raise NotYetError("Turned round, it is the best: begin with the pixels that say least of each other.")
    raise NotYetError("There is a better order: try all six with your function.")


def _what_is_wrong(name: str, given: Tensor, wanted: Tensor) -> str:
    """The hint for a ramp that is not right: the first of these that holds."""
    found = {
        "Upside down: 1 is for nothing left, 0 for all there.": close(given, 1 - wanted, near=1e-4),
        "Some levels lie below 0 or above 1: a pixel waits at 1, and stays at 0 once it is there.": bool(
            (given > 1 + 1e-6).any() or (given < -1e-6).any()
        ),
        "The first row is not all 1: at the start nothing is there, of any pixel.": not bool((given[0] == 1).all()),
        "Turned round: the first pixel begins first.": close(given, wanted.flip(1), near=1e-4),
        "The last row is not all 0: the last pixel must begin early enough to end in time.": bool(
            (given[-1] > 1e-6).any()
        ),
        "Somewhere a pixel disappears again: going down, no column may rise.": bool((given.diff(dim=0) > 1e-6).any()),
        "Only levels 0 and 1: on the way down a pixel passes through what lies between.": bool(
            (given == given.round()).all()
        ),
        "The first pixel is right, the others are not: when does each of them begin?": close(
            given[:, 0], wanted[:, 0], near=1e-4
        ),
    }
    hints = [hint for hint, holds in found.items() if holds]
    return f"{name} is not right. {[*hints, 'How far has the first pixel fallen, after each step?'][0]}"


@exercise("ramp-matrix")
def _ramp_matrix(function: Any) -> str:
    for pixels, width, steps in ((4, 0.5, 4), (5, 1.0, 3), (4, 0.25, 4), (16, 0.3, 10), (2, 0.6, 7)):
        wanted = ramp(width).matrix((pixels,), steps).double()
        name = f"ramp_matrix({pixels}, {width:g}, {steps})"
        given = expect_tensor(name, ask(function, pixels, width, steps), tuple(wanted.shape))
        if not close(given, wanted, near=1e-4):
            raise NotYetError(_what_is_wrong(name, given, wanted))
    return "One number slides from one pixel after the other to all at once, and nothing else changes."


@exercise("never-disagree")
def _never_disagree(differ: Any, brightness: Any) -> str:
    traps = {
        0.5: "Half is right for pixels that are *drawn* alone in one call. Here each call writes an average.",
        1.0: "They always agree: asked is how often they do not.",
    }
    hint = "Compare the two columns of what you sampled: both get the same average. How far apart are they?"
    expect_number("The share that disagrees", differ, 0.0, traps, hint, near=0.004)
    given = expect_tensor("The brightness", brightness, (4,))
    if bool((given[1:].abs() < 0.05).all()):
        otherwise = "The values cancel, since +1 and -1 come equally often. Take absolute values before the mean."
    elif bool((given[1:] > 0.9999).all()):
        otherwise = "So clear a pixel comes from drawing. Use the head that answers with an average."
    elif abs(float(given[0])) > 0.01:
        otherwise = "Begin with one call: what is the average of two equally likely answers, +1 and -1?"
    else:
        otherwise = "The mean of the absolute values of what comes out, for 1, 2, 4 and 8 calls: which are off?"
    squares = [([0.0, 0.5186, 0.9587, 0.9994], "Those are means of squares. Take the mean of the absolute values.")]
    expect(given, [0.0, 0.6560, 0.9714, 0.9996], squares, otherwise, near=0.01)
    return "Averages never contradict each other. In one call they are grey; more calls let them make up their mind."


@exercise("train-spread")
def _train_spread(trained: Any) -> str:
    net = expect_net(trained)
    if not isinstance(net, Generator) or tuple(net.shape) != (64,):
        raise NotYetError(f"Hand in a mg.Generator of rows of 64 pixels; this is a {type(net).__name__}.")
    before = torch.get_default_dtype()
    torch.set_default_dtype(next(net.parameters()).dtype)  # the reader may have changed it since the training
    try:
        white = sample(net, 500, steps=16, seed=23).cpu() > 0
    except (ValueError, RuntimeError) as error:
        raise NotYetError(f"Asked for rows in sixteen calls, your network stopped: {error}") from None
    finally:
        torch.set_default_dtype(before)
    differ, share = float((white[:, 1:] != white[:, :-1]).double().mean()), float(white.double().mean())
    said = f"Of the neighbours in its rows {differ:.0%} differ"
    if differ < 0.02 or not 0.25 < share < 0.75:
        raise NotYetError(f"{said}, and {share:.0%} of all pixels are white. In real ones it is 5% and 50%.")
    if differ <= 0.14:
        return f"{said}; in real ones it is 5%. What is drawn together need not agree at once: it can, later."
    if differ > 0.42:
        raise NotYetError(f"{said}: hardly better than coins. Was it trained, and is this the one that was?")
    if net.plan.name == "raster":
        raise NotYetError(f"{said}; at most 14% is wanted. Which pixels does it draw without asking one another?")
    raise NotYetError(
        f"{said}; at most 14% is wanted. What can it do about two pixels of one call that turn out not to fit?"
    )

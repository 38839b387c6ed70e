"""The checks of chapter 8, few steps."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor
from minigen.process import step


@exercise("shrinking-spread")
def _shrinking_spread(function: Any) -> str:
    for calls in (1, 2, 4, 8, 3, 50):
        step = math.cos(math.pi / (2 * calls))
        given = float(expect_tensor(f"spread({calls})", ask(function, calls), ()))
        traps = (
            (1.0, "The data have spread 1, but a walk in few steps ends too near to the average."),
            (step, f"That is what one step does. The walk takes {calls} of them."),
            (step ** (2 * calls), "That is the variance; the spread is its square root."),
        )
        otherwise = "By what factor does one step change x? Put the guess into the step and see."
        if calls == 1:
            otherwise = "One call writes down the first guess. What is it at level 1?"
        expect(given, step**calls, traps, otherwise, said=f"spread({calls}) is not {given:.4f}.", near=1e-2)
    return "The cosine of a small angle is nearly 1, so many small steps lose little: 4 calls a quarter, 64 a fiftieth."


@exercise("count-calls")
def _count_calls(function: Any) -> str:
    hints = {
        "plain": "How often is the network asked in a step?",
        "two guesses": "Of its two guesses, how many are new in each step?",
        "heun": "How often is it asked in a step, and is that so in every step?",
    }
    for steps, (way, hint), guided in itertools.product((16, 1, 5), hints.items(), (False, True)):
        once = 2 * steps - 1 if way == "heun" else steps
        given = float(expect_tensor("What calls returns", ask(function, steps, way, guided), ()))
        asked = "Where another asks once, a guided walk asks twice: everywhere."
        traps = [(trap, asked) for trap in (once, once + steps, 4 * steps - 1) if guided]
        said = f"calls({steps}, {way!r}, {guided}) is not {given:g}."
        expect(given, 2 * once if guided else once, traps, hint, said=said, near=0)
    return "Two guesses are free, a second question is not. So compare ways of walking at equal calls, not equal steps."


@exercise("what-leaks")
def _what_leaks(ddpm: Any, ours: Any) -> str:
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    left = float((1 - betas).prod())
    traps = {
        left: "That is what is left of the variance. The factor in front of the picture is its square root.",
        0.0: "Nearly, but not nothing: that is the point. How much is it?",
        math.sqrt(1 - left): "That is the factor in front of the noise.",
    }
    hint = "By what does one step multiply the picture? And all thousand?"
    expect_number("DDPM's factor", ddpm, math.sqrt(left), traps, hint, near=1e-5)
    hint = "Look at alpha's formula: how large is the cosine of a right angle?"
    expect_number("Ours", ours, 0.0, {math.sqrt(left): "That is DDPM's again."}, hint, near=1e-5)
    return (
        "Small, but a network that sees many pixels can read it. A schedule that ends with nothing has no such trace."
    )


def _walked(net: nn.Module, calls: int) -> Tensor:
    """Where a thousand points end that the network walks down from noise, in equal steps and without dice."""
    x, rows = torch.randn(1000, 2, generator=seeded(8), dtype=torch.float64), torch.linspace(1, 0, calls + 1).double()
    for t, u in itertools.pairwise(rows):
        said = answers_of(net, x, t.expand(len(x), 1))
        x = step(x, expect_tensor("For 1000 points its guess", said, (len(x), 2)).double(), t, u)
    return x


@exercise("train-levels")
def _train_levels(trained: Any) -> str:
    net = expect_net(trained)
    ends, in_two = _walked(net, 64), _walked(net, 2)
    off, off_in_two = (typical(points.norm(dim=1) - 0.7) for points in (ends, in_two))
    quarters = torch.stack([(ends[:, 0] * one > 0) & (ends[:, 1] * other > 0) for one in (1, -1) for other in (1, -1)])
    said = f"In 64 calls its points are off the ring by {off:.2f}; at most 0.25 is wanted."
    if off_in_two > 0.6:
        raise NotYetError(f"{said} One dot in the middle is off by 0.70. Was it trained, and is this the one that was?")
    if off > 0.25:
        raise NotYetError(
            f"{said} In two calls they are off by {off_in_two:.2f}. At which levels is it asked on its way here, and"
            " what did it meet while it learned?"
        )
    if float(quarters.double().mean(dim=1).min()) < 0.1:
        raise NotYetError("Its points are on the ring, but not all around it. Did it learn on the whole ring?")
    return f"In 64 calls its points are off the ring by {off:.2f}: it can be asked anywhere on the way."

"""The checks of chapter 13, guidance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.course.checks.judging import NotYetError, ask, exercise, expect_number, expect_tensor

_GUIDE_TRAPS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "The two runs have changed places: scale 0 should be the guess without the prompt.": lambda u, c, s: (
        c + s * (u - c)
    ),
    "That is the other convention, with w for the scale: its 1 pushes already. Here 1 is off.": lambda u, c, s: (
        c + s * (c - u)
    ),
    "That is the difference alone, a direction. From where do you go in it?": lambda u, c, s: s * (c - u),
    "That pushes away from the prompt. Which way does the difference point?": lambda u, c, s: u - s * (c - u),
    "The scale belongs to the difference, not to the guess with the prompt alone.": lambda u, c, s: u + s * c - u,
}


@exercise("with-and-without")
def _with_and_without(guide: Any, from_w: Any) -> str:
    random = seeded(20)
    for scale in (0.0, 1.0, 3.0, 0.5):
        uncond, cond = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
        given = expect_tensor("The guess", ask(guide, uncond, cond, scale), (3, 4))
        apart = float((given - (uncond + scale * (cond - uncond))).abs().max())
        if apart <= 1e-12:
            continue
        if not math.isfinite(apart):
            raise NotYetError(f"With guidance_scale = {scale:g} your guess is not finite.")
        traps = (said for said, wrong in _GUIDE_TRAPS.items() if scale and _same(given, wrong(uncond, cond, scale)))
        hint = next(traps, "Start from the guess without the prompt, and add a part of the difference.")
        if scale == 0:
            hint = "There, nothing of the difference is added: what is left is the guess without the prompt."
            if _same(given, cond):
                hint = next(iter(_GUIDE_TRAPS)) if _swapped(guide) else "That is the guess with the prompt."
        raise NotYetError(f"With guidance_scale = {scale:g} you are {apart:.2g} off. {hint}")
    for w in (0.0, 1.0, 6.5):
        scale = float(expect_tensor("The scale", ask(from_w, w), ()))
        if abs(scale - (w + 1)) <= 1e-12:
            continue
        hint = "A paper's w = 0 is off. At which scale are we off?"
        if w and abs(scale - w) <= 1e-12:
            hint = "That would be one name for one thing. But their 0 is off, and our 1 is off."
        elif abs(scale - (w - 1)) <= 1e-12:
            hint = "That goes from ours to theirs."
        raise NotYetError(f"For w = {w:g} your scale is not right. {hint}")
    return "Off is 1 here, and 0 with w: say which, wherever you write a number down."


def _same(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) <= 1e-9


def _swapped(guide: Any) -> bool:
    """Whether the reader's function takes 1 for "without"."""
    uncond, cond = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return _same(expect_tensor("The guess", ask(guide, uncond, cond, 1.0), (1,)), uncond)


@exercise("narrower")
def _narrower(walked: Any, product: Any) -> str:
    traps = {
        1 / 17: "That is what people expect: the product. Follow the walk: by what factor does it shrink numbers?",
        1 / 9: "That is what the prompt alone gives, or the spread of the right answer. Asked is a variance.",
        1 / 18: "The prompt leaves a third of the spread. Twice the push is not half the variance: factors multiply.",
        -7 / 9: "A variance is not below 0: the formula of the guesses does not hold for variances.",
        -1 / 3: "Spreads don't add up along the walk. By what factor does each part shrink a number?",
        1 / 16: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
        1.0: "That is the walk without the prompt.",
    }
    hint = "Without the prompt the walk shrinks a number by the factor 1, with it by 1/3. What do two pushes do?"
    expect_number("The variance at the end of the walk", walked, 1 / 81, traps, hint)
    traps = {
        1 / 81: "That is where the walk ends. What is the variance of p(x | c) squared, over p(x)?",
        1 / 18: "That is p(x | c) squared. It is still to be divided by p(x).",
        1 / 19: "That multiplies by p(x). Which way does p(x) count?",
        17.0: "That is one over the variance.",
        1 / 9: "That is what the prompt alone gives.",
        1 / 7: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
    }
    expect_number(
        "The variance of the product", product, 1 / 17, traps, "Add up the exponents: each is x squared times what?"
    )
    return "So this guided walk ends narrower than the product that it is often said to draw from."


@exercise("calls-of-an-interval")
def _calls_of_an_interval(function: Any) -> str:
    for steps, guided in ((16, 5), (16, 0), (16, 16), (50, 20), (1, 1)):
        for batched in (True, False):
            calls = float(expect_tensor("The number of calls", ask(function, steps, guided, batched), ()))
            if calls == steps + guided:
                continue
            first = f"For {steps} steps, {guided} of them guided, {'batched' if batched else 'one after the other'}: "
            hint = "how often is the network asked about each picture, in a guided step and in another one?"
            if calls == 2 * steps:
                hint = "not every step is guided, so not every step asks twice."
            elif calls == steps:
                hint = "a batch of two is two calls for each picture. It saves waiting, not work."
            elif calls == 2 * guided:
                hint = "the other steps ask as well, once."
            elif calls == guided:
                hint = "that is what guidance costs more. Asked are all calls."
            elif calls == steps - guided:
                hint = "guided steps ask more, not less."
            raise NotYetError(first + hint)
    return "All the more reason to guide only where it helps."

"""The cases of chapter 13, guidance: right answers, and wrong ones that people give."""

from __future__ import annotations

import torch
from helpers_checks import Case, unwritten
from torch import Tensor


def guide(uncond: Tensor, cond: Tensor, guidance_scale: float) -> Tensor:
    return uncond + guidance_scale * (cond - uncond)


def from_w(w: float) -> float:
    return w + 1


def interval_calls(steps: int, guided: int, batched: bool) -> int:
    return steps + guided


def guide_in_half(uncond: Tensor, cond: Tensor, scale: float) -> Tensor:
    return guide(uncond.half(), cond.half(), scale)


CASES = {
    "with-and-without": Case(
        right=[(guide, from_w), (lambda u, c, s: (1 - s) * u + s * c, lambda w: 1 + w), (guide_in_half, from_w)],
        wrong={
            "changed places": [(lambda u, c, s: c + s * (u - c), from_w)],
            "That is the guess with": [
                (lambda u, c, s: c + s * (c - u), from_w),
                (lambda u, c, s: c if s == 0 else guide(u, c, s), from_w),
            ],
            "other convention": [(lambda u, c, s: u if s == 0 else c + s * (c - u), from_w)],
            "should not count at all": [(lambda u, c, s: s * (c - u), from_w)],
            "difference alone": [(lambda u, c, s: u if s == 0 else s * (c - u), from_w)],
            "away from the prompt": [(lambda u, c, s: u - s * (c - u), from_w)],
            "belongs to the difference": [(lambda u, c, s: u if s == 0 else s * c, from_w)],
            "in which direction": [(lambda u, c, s: u + s**2 * (c - u), from_w)],
            "cut off": [(lambda u, c, s: guide(u, c, s).clamp(-1, 1), from_w)],
            "not finite": [(lambda u, c, s: u / 0.0, from_w)],
            "w = 0 is off": [(guide, lambda w: w), (guide, lambda w: 2 * w + 1)],
            "one name for one thing": [(guide, lambda w: w or 1.0)],
            "from ours to theirs": [(guide, lambda w: w - 1)],
            "still empty": [(guide, unwritten)],
        },
        secret=r"u \+|uncond \+|w \+ 1|1 \+ w",
    ),
    "narrower": Case(
        right=[(1 / 81, 1 / 17), (0.01235, 0.0588), ("1/81", "1 / 17")],
        wrong={
            "what people expect": [(1 / 17, 1 / 17)],
            "prompt alone": [(1 / 9, 1 / 17), (1 / 81, 1 / 9)],
            "factors multiply": [(1 / 18, 1 / 17)],
            "Spreads": [(-1 / 3, 1 / 17)],
            "not below 0": [(-7 / 9, 1 / 17)],
            "example of the text": [(1 / 16, 1 / 17), (1 / 81, 1 / 7)],
            "without the prompt": [(1, 1 / 17)],
            "two pushes": [(0.4, 1 / 17)],
            "where the walk ends": [(1 / 81, 1 / 81)],
            "still to be divided": [(1 / 81, 1 / 18)],
            "multiplies by": [(1 / 81, 1 / 19)],
            "one over": [(1 / 81, 17)],
            "exponents": [(1 / 81, 0.5)],
            "should be a number": [(1 / 81, "small")],
        },
        secret=r"1/81|1/17|0\.012|0\.05",
    ),
    "calls-of-an-interval": Case(
        right=[interval_calls, lambda steps, guided, batched: torch.tensor(steps + guided)],
        wrong={
            "every step a guided one": [lambda steps, guided, batched: 2 * steps],
            "only waiting": [lambda steps, guided, batched: steps if batched else steps + guided],
            "the other steps": [lambda steps, guided, batched: 2 * guided],
            "costs besides": [lambda steps, guided, batched: guided],
            "not less": [lambda steps, guided, batched: steps - guided],
            "how often": [lambda steps, guided, batched: steps + 2 * guided],
        },
        secret=r"\+|steps plus|sum",
        function=True,
    ),
}

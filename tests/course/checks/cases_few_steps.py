"""The cases of chapter 8, few steps: right answers, and wrong ones that people give."""

from __future__ import annotations

import itertools
import math

import torch
from helpers_checks import Case
from torch import Tensor

from minigen import process
from minigen.base.randomness import seeded


def spread_after(calls: int) -> float:
    return math.cos(math.pi / (2 * calls)) ** calls


def spread_by_walking(calls: int) -> Tensor:
    """The same by the package's step, from a start at 1."""
    x, rows = torch.ones(1, dtype=torch.float64), torch.linspace(1, 0, calls + 1, dtype=torch.float64)
    for t, u in itertools.pairwise(rows):
        x = process.step(x, process.cosine(t)[0] * x, t, u)
    return x[0]


def calls_of(steps: int, way: str, guided: bool) -> int:
    return (2 if guided else 1) * (2 * steps - 1 if way == "heun" else steps)


def heun_to_the_end(steps: int, way: str, guided: bool) -> int:
    return (2 if guided else 1) * steps * (2 if way == "heun" else 1)


def spread_by_drawing(calls: int) -> Tensor:
    """A simulation of 200,000 numbers is good to three thousandths."""
    x, rows = torch.randn(200_000, generator=seeded(8)), torch.linspace(1, 0, calls + 1)
    for t, u in itertools.pairwise(rows):
        x = process.step(x, process.cosine(t)[0] * x, t, u)
    return x.std()


CASES = {
    "shrinking-spread": Case(
        right=[spread_after, spread_by_walking, spread_by_drawing],
        wrong={
            "too near to the average": [lambda calls: 1.0],
            "what one step does": [lambda calls: math.cos(math.pi / (2 * calls))],
            "That is the variance": [lambda calls: spread_after(calls) ** 2],
            "What is it at level 1": [lambda calls: 0.5],
            "By what factor": [lambda calls: spread_after(calls) if calls != 4 else 0.9, lambda calls: 1 - 1 / calls],
            "has shape": [lambda calls: [0.0, 0.5]],
        },
        secret=r"cos\(|cosine of|pi / ?\(?2",
        function=True,
    ),
    "count-calls": Case(
        right=[calls_of, lambda steps, way, guided: torch.tensor(calls_of(steps, way, guided))],
        wrong={
            "in every step": [heun_to_the_end],
            "asks twice": [
                lambda steps, way, guided: calls_of(steps, way, False),
                lambda steps, way, guided: calls_of(steps, way, False) + (steps if guided else 0),
            ],
            "are new": [lambda steps, way, guided: (2 if guided else 1) * (2 * steps - 1 if way != "plain" else steps)],
            "asked in a step": [lambda steps, way, guided: (2 if guided else 1) * (steps + 1)],
        },
        secret=r"2 ?\* ?steps ?- ?1|2K",
        function=True,
    ),
    "what-leaks": Case(
        right=[(0.00635, 0.0), (torch.tensor(0.006353), 0), (0.006351, math.cos(math.pi / 2))],
        wrong={
            "of the variance": [(0.0000403, 0.0)],
            "not nothing": [(0.0, 0.0)],
            "in front of the noise": [(0.99998, 0.0)],
            "all thousand": [(0.02, 0.0), (0.0064, 0.0)],
            "DDPM's again": [(0.00635, 0.00635)],
            "right angle": [(0.00635, 1.0)],
        },
        secret=r"0\.00635|0\.0063|is 0\b",
    ),
}

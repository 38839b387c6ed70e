"""The cases of chapter 8, few steps: right answers, and wrong ones that people give."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from helpers_checks import Case
from torch import Tensor, nn

from minigen import process
from minigen.base.randomness import seeded
from minigen.training import History


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


def spread_in_float32(calls: int) -> Tensor:
    """A simulation as small as the exercise allows, with the factors written out."""
    x, rows = torch.randn(100_000, generator=seeded(9), dtype=torch.float32), torch.linspace(0, math.pi / 2, calls + 1)
    for before, after in itertools.pairwise(rows.float()):
        x = x * (after - before).cos()
    return x.std()


RING = torch.arange(360, dtype=torch.float64) * (math.pi / 180)
RING = 0.7 * torch.stack([RING.cos(), RING.sin()], dim=1)


class Names(nn.Module):
    """A function of noisy points and their levels as a network; its one weight does nothing."""

    def __init__(self, says: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.says = nn.Parameter(torch.zeros(1)), says

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.says(x_t, t)


def perfect(x_t: Tensor, t: Tensor, ring: Tensor = RING) -> Tensor:
    """The mean of the ring's points that could be in x_t."""
    alpha, sigma = process.cosine(t.double())
    far = torch.cdist(x_t.double(), alpha[0] * ring).square() / (2 * sigma.square())
    return (-far).softmax(dim=1) @ ring


def at_two_levels(x_t: Tensor, t: Tensor) -> Tensor:
    """As if it were asked at the nearer of 1 and a half: what it learned there, it says everywhere."""
    return perfect(x_t, torch.full_like(t, 1.0 if float(t[0]) > 0.75 else 0.5))


def wavers(x_t: Tensor, t: Tensor) -> Tensor:
    return perfect(x_t, t) + torch.randn_like(x_t)


CASES = {
    "shrinking-spread": Case(
        right=[spread_after, spread_by_walking, spread_by_drawing, spread_in_float32],
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
        right=[(0.00635, 0.0), (torch.tensor(0.006353), 0), (0.006351, math.cos(math.pi / 2)), (0.0064, -4.4e-8)],
        wrong={
            "of the variance": [(0.0000403, 0.0)],
            "not nothing": [(0.0, 0.0)],
            "in front of the noise": [(0.99998, 0.0)],
            "all thousand": [(0.02, 0.0), (0.0066, 0.0)],
            "DDPM's again": [(0.00635, 0.00635)],
            "right angle": [(0.00635, 1.0)],
        },
        secret=r"0\.00635|0\.0063|is 0\b",
    ),
    "train-levels": Case(
        right=[(Names(perfect),), (Names(lambda x_t, t: perfect(x_t, t).float()),)],
        wrong={
            "what did it meet": [(Names(at_two_levels),)],
            "Was it trained": [(Names(lambda x_t, t: torch.zeros_like(x_t)),), (Names(lambda x_t, t: 3 * x_t),)],
            "not all around": [
                (Names(lambda x_t, t: perfect(x_t, t, RING[:90])),),
                (Names(lambda x_t, t: RING[:1].expand(len(x_t), -1)),),
            ],
            "shape": [(Names(lambda x_t, t: perfect(x_t, t)[:, :1]),)],
            "two answers": [(Names(wavers),)],
            "not finite": [(Names(lambda x_t, t: perfect(x_t, t) / 0),)],
            "stopped with TypeError": [(nn.Linear(3, 2),)],
            "history": [(History(),)],
        },
        secret=r"\brand\(|all levels|any level|random level",
    ),
}

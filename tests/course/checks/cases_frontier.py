"""The cases of chapter 11, the frontier: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from helpers_checks import Case, unwritten
from torch import Tensor, nn

from minigen import data, heads, nets, plans
from minigen.generator import Generator
from minigen.training import History

Points = list[tuple[float, float]]


def pareto(points: Points) -> list[bool]:
    return [not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points) for p in points]


def pareto_if_worse_in_both(points: Points) -> list[bool]:
    return [not any(q[0] < p[0] and q[1] < p[1] for q in points) for p in points]


def pareto_of_more(points: Points) -> list[bool]:
    return pareto([(-cost, -distance) for cost, distance in points])


def pareto_without_doubles(points: Points) -> list[bool]:
    return [
        kept and p not in points[:place] for place, (kept, p) in enumerate(zip(pareto(points), points, strict=True))
    ]


def pareto_all_but_the_same_object(points: Points) -> list[bool]:
    return [not any(q is not p and q[0] <= p[0] and q[1] <= p[1] for q in points) for p in points]


def pareto_all_but_equals(points: Points) -> list[bool]:
    """Compares by place, and so equal points beat each other."""
    return [
        not any(j != i and q[0] <= p[0] and q[1] <= p[1] for j, q in enumerate(points)) for i, p in enumerate(points)
    ]


def pareto_by_hull(points: Points) -> list[bool]:
    """Only what is best for some exchange rate between cost and distance."""
    best = {min(points, key=lambda p: rate * p[0] + (1 - rate) * p[1]) for rate in torch.linspace(0, 1, 201).tolist()}
    return [p in best and kept for p, kept in zip(points, pareto(points), strict=True)]


def diagonal_frechet(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + (variance_a**0.5 - variance_b**0.5) ** 2).sum()


def frechet_by_variances(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + (variance_a - variance_b) ** 2).sum()


def frechet_without_a_cross(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + variance_a + variance_b).sum()


def frechet_of_centres(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2).sum()


def frechet_in_one_dimension(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return (mean_a[0] - mean_b[0]) ** 2 + (variance_a[0] ** 0.5 - variance_b[0] ** 0.5) ** 2


def nearest_by(reduce: str = "min", tie: float = 0.5, checks_sizes: bool = True) -> Callable[..., Tensor]:
    def share(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
        if checks_sizes and len(train) != len(heldout):
            raise ValueError("unequal")
        power = 1 if reduce == "steps" else 2
        apart = [
            (samples.flatten(1)[:, None] - part.flatten(1)).abs().pow(power).sum(dim=2) ** (1 / power)
            for part in (train, heldout)
        ]
        near, far = (each.mean(dim=1) if reduce == "mean" else each.amin(dim=1) for each in apart)
        return ((near < far).double() + tie * (near == far)).mean()

    return share


def share_of_exact_copies(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    return float((samples.flatten(1)[:, None] == train.flatten(1)).all(dim=2).any(dim=1).double().mean())


def raises_something_else(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    if len(train) != len(heldout):
        raise TypeError("unequal")
    return nearest_by()(samples, train, heldout)


def asserts_sizes(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    if len(train) != len(heldout):
        raise AssertionError  # as a bare assert does where no test rewrites it
    return nearest_by()(samples, train, heldout)


class Copies(Generator):
    """Names in each call some real digit of the exercise, or what is left of it, for so many operations."""

    def __init__(self, plan: plans.Plan, kept: float = 1.0, operations: int = 400_000) -> None:
        super().__init__(nets.MLP(size=100, width=8, depth=1), heads.Categorical(2), plan)
        self.digits = ((data.digits()[0][..., 3:13, 3:13] > 0) * 1.0).flatten(1)
        self.kept, self.work = kept, torch.zeros(100, operations // 200)

    def belief(self, x_t: Tensor, t: Tensor, *others: object, **named: object) -> Tensor:
        x_t @ self.work
        chosen = (1000 * x_t.double().abs().sum(dim=1)).long() % len(self.digits)
        white = self.kept * self.digits[chosen] + (1 - self.kept) / 2
        return torch.stack([1 - white, white], dim=2).clamp(min=1e-6).log()


CASES = {
    "pareto": Case(
        right=[
            pareto,
            lambda points: (p for p in pareto(points)),
            lambda points: torch.tensor(pareto(points)),
            lambda points: [int(p) for p in pareto(points)],
        ],
        wrong={
            "less is better": [pareto_of_more],
            "equal cost": [pareto_if_worse_in_both],
            "Keep both": [pareto_without_doubles, pareto_all_but_equals, pareto_all_but_the_same_object],
            "no other point": [pareto_by_hull],
            "beaten ones": [lambda points: [not each for each in pareto(points)]],
            "is beaten by": [lambda points: [True] * len(points)],
            "beat itself": [lambda points: [False] * len(points)],
            "for each point": [lambda points: [p for p, kept in zip(points, pareto(points), strict=True) if kept]],
            "True or False": [lambda points: [p[0] for p in points]],
        },
        secret=r"\bany\(|\ball\(|<=",
        function=True,
    ),
    "frechet": Case(
        right=[
            (2, diagonal_frechet),
            ("2", lambda *m: diagonal_frechet(*m).float().view(1)),
            (2.0, lambda *m: float(diagonal_frechet(*m))),
        ],
        wrong={
            "spreads belong": [(10, frechet_by_variances), (2, frechet_by_variances)],
            "left squared": [(math.sqrt(2), diagonal_frechet), (2, lambda *m: diagonal_frechet(*m) ** 0.5)],
            "one of two terms": [(1, diagonal_frechet)],
            "different widths": [(2, frechet_of_centres)],
            "lie apart": [(2, lambda *m: ((m[1] ** 0.5 - m[3] ** 0.5) ** 2).sum())],
            "come out at zero": [(6, diagonal_frechet), (2, frechet_without_a_cross)],
            "centres": [(3, diagonal_frechet)],
            "should be a number": [("two", diagonal_frechet)],
            "do not average": [(2, lambda *m: diagonal_frechet(*m) / len(m[0]))],
            "is squared": [(2, lambda *m: diagonal_frechet(*m) - ((m[0] - m[2]) ** 2 - (m[0] - m[2]).abs()).sum())],
            "by itself": [(2, frechet_in_one_dimension)],
            "Add them up": [(2, lambda *m: (m[0] - m[2]) ** 2 + (m[1] ** 0.5 - m[3] ** 0.5) ** 2)],
            "shape": [(2, lambda *m: torch.zeros(7))],
            "still empty": [(2, unwritten)],
            "A function is wanted": [(2, 0.5)],
        },
        secret=r"\b2\b|sqrt|\*\*",
    ),
    "nearer-to-train": Case(
        right=[nearest_by(), lambda *sets: float(nearest_by()(*sets))],
        wrong={
            "Turned round": [lambda *sets: 1 - nearest_by()(*sets)],
            "the nearest one": [nearest_by("mean")],
            "counts one half": [nearest_by(tie=0.0), nearest_by(tie=1.0)],
            "Euclidean": [nearest_by("steps")],
            "by its size alone": [nearest_by(checks_sizes=False)],
            "how far is its nearest": [share_of_exact_copies],
            "TypeError": [raises_something_else],
            "Wanted is a ValueError": [asserts_sizes],
            "per cent": [lambda *sets: 100 * nearest_by()(*sets)],
            "Asked is their share": [lambda *sets: nearest_by()(*sets) * len(sets[0])],
            "shape": [lambda samples, train, heldout: torch.ones(len(samples))],
        },
        secret=r"cdist|amin|argmin|\b0\.5\b",
        function=True,
    ),
    "train-bargain": Case(
        right=[
            (Copies(plans.diffusion()), 4),
            (Copies(plans.ramp(1.0), operations=2_000_000), 1),
            (Copies(plans.one_shot()), torch.tensor(1)),
        ],
        wrong={
            "too dear: 2.05": [(Copies(plans.diffusion()), 16), (Copies(plans.diffusion(), operations=600_000), 4)],
            "width that was missing": [(Copies(plans.diffusion(), kept=0.9), 8)],
            "Was it trained": [(Copies(plans.diffusion(), kept=0.0), 4)],
            "without asking": [(Copies(plans.raster(50), kept=0.96), 2)],
            "spend it": [(Copies(plans.diffusion(), kept=0.9), 2)],
            "turn out not to fit": [(Copies(plans.diffusion(), kept=0.9), 4)],
            "stopped": [(Copies(plans.raster(25)), 5)],
            "whole number": [(Copies(plans.diffusion()), 2.5), (Copies(plans.diffusion()), "four")],
            "100 pixels": [
                (nn.Linear(100, 100), 4),
                (Generator(nets.MLP(2, width=8), heads.Categorical(2), plans.diffusion()), 4),
            ],
            "the class Generator": [(Generator, 4)],
            "history": [(History(), 4)],
        },
        secret=r"diffusion|random_order|ramp\(|scatter|noise|a part of|128",
    ),
}

"""The cases of chapter 5, patches: right answers, and wrong ones that people give."""

from __future__ import annotations

import torch
from helpers_checks import Case
from torch import Tensor


def raster_plan(size: int, patch: int) -> Tensor:
    if size % patch:
        raise ValueError(f"patch is {patch}; allowed: what divides {size}")
    rows, levels = [], torch.ones(size, size)
    rows.append(levels.flatten())
    for top in range(0, size, patch):
        for left in range(0, size, patch):
            levels = levels.clone()
            levels[top : top + patch, left : left + patch] = 0
            rows.append(levels.flatten())
    return torch.stack(rows)


def runs_of_pixels(size: int, patch: int) -> Tensor:
    if size % patch:
        raise ValueError
    steps = (size // patch) ** 2
    return torch.stack([(torch.arange(size * size) >= k * patch * patch).float() for k in range(steps + 1)])


def without_a_last_row(size: int, patch: int) -> Tensor:
    return raster_plan(size, patch)[:-1]


def flickering(size: int, patch: int) -> Tensor:
    plan = raster_plan(size, patch)
    plan[1:-1] = plan[1:-1].flip(0)
    return plan


def never_raises(size: int, patch: int) -> Tensor:
    return raster_plan(size, patch) if size % patch == 0 else torch.zeros(1)


CASES = {
    "two-pixels": Case(
        right=[(0.5, 0.531), (0.5, 0.53100)],
        wrong={
            "real pictures": [(0.1, 0.531)],
            "says nothing": [(0.9, 0.531)],
            "fair coin": [(0.18, 0.531)],
            "drawn without looking": [(0.3, 0.531)],
            "once the first is known": [(0.5, 0.469)],
            "nats": [(0.5, 0.368), (0.5, 0.325)],
            "give away all": [(0.5, 1)],
            "and a hint": [(0.5, 0.25)],
        },
        secret=r"0\.531|\b0\.5\b",
    ),
    "border-inside": Case(
        right=[([0.1, 0.244, 0.336, 0.395],), (torch.tensor([0.1, 0.2440, 0.3362, 0.3951]),)],
        wrong={
            "real rows": [([0.1] * 4,)],
            "written pixel": [([0.1, 0.5, 0.5, 0.5],)],
            "Coins": [([0.5] * 4,)],
            "*written* pixel": [([0.1, 0.18, 0.244, 0.2952],)],
            "Begin with the border": [([0.244, 0.336, 0.395, 0.4],)],
            "from that one": [([0.1, 0.244, 0.3, 0.4],)],
            "shape": [(0.1,)],
            "numbers": [("ten per cent",)],
        },
        secret=r"0\.244|0\.336|0\.395",
    ),
    "raster-plan": Case(
        right=[raster_plan, lambda size, patch: raster_plan(size, patch).tolist()],
        wrong={
            "Upside down": [lambda size, patch: 1 - raster_plan(size, patch)],
            "rows high": [runs_of_pixels],
            "shape": [without_a_last_row, lambda size, patch: raster_plan(size, 1)],
            "disappears again": [flickering],
            "All rows are alike": [lambda size, patch: 0 * raster_plan(size, patch)],
            "last all 0": [lambda size, patch: raster_plan(size, patch).clamp(min=0.5)],
            "a picture of its own": [lambda size, patch: torch.ones_like(raster_plan(size, patch))],
            "ValueError": [never_raises],
        },
        secret=r"arange|//",
        function=True,
    ),
}

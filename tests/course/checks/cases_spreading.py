"""The cases of chapter 6, spreading the removal: right answers, and wrong ones that people give."""

from __future__ import annotations

import math

import torch
from helpers_checks import Case, breaks, empty, unwritten
from torch import Tensor, nn

from minigen import heads, nets, plans
from minigen.generator import Generator
from minigen.training import History


def bits_of(table: Tensor, places: set[int]) -> Tensor:
    others = [place for place in range(4) if place not in places]
    chances = table.sum(dim=others) if others else table
    return -(chances * chances.log2()).sum()


def bits_lost(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    written, needed = set[int](), torch.zeros(())
    for call in order:
        needed = needed + sum(bits_of(table, written | {place}) - bits_of(table, written) for place in call)
        written = written | set(call)
    return needed - bits_of(table, {0, 1, 2, 3})


def nothing_remembered(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    calls = [
        torch.stack([bits_of(table, {place}) for place in call]).sum() - bits_of(table, set(call)) for call in order
    ]
    return torch.stack(calls).sum()


def told_its_own_call(table: Tensor, order: list[tuple[int, ...]]) -> float:
    return 0.0


def whole_message(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, order) + bits_of(table, {0, 1, 2, 3})


def only_the_first_call(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, [order[0], *((place,) for call in order[1:] for place in call)])


def wasteful_one_by_one(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, order) + 0.01 * (max(map(len, order)) == 1)


def ramp_matrix(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1, dtype=torch.float64)[:, None]
    begins = torch.linspace(0, 1 - width, pixels, dtype=torch.float64)
    return (1 - (s - begins) / width).clamp(0, 1)


def ramp_in_loops(pixels: int, width: float, steps: int) -> list[list[float]]:
    return [
        [min(1, max(0, 1 - (k / steps - (1 - width) * i / (pixels - 1)) / width)) for i in range(pixels)]
        for k in range(steps + 1)
    ]


def not_clipped(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return 1 - (s - torch.linspace(0, 1 - width, pixels)) / width


def last_begins_at_the_end(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - (s - torch.linspace(0, 1, pixels)) / width).clamp(0, 1)


def begins_one_place_early(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - (s - (1 - width) * torch.arange(pixels) / pixels) / width).clamp(0, 1)


def all_at_once(pixels: int, width: float, steps: int) -> Tensor:
    return torch.linspace(1, 0, steps + 1)[:, None].expand(-1, pixels)


def begins_below_one(pixels: int, width: float, steps: int) -> Tensor:
    plan = ramp_matrix(pixels, width, steps)
    return torch.cat([plan[1:], plan[-1:]])


def comes_back(pixels: int, width: float, steps: int) -> Tensor:
    plan = ramp_matrix(pixels, width, steps)
    return torch.cat([plan[:1], plan[1:-1].flip(0), plan[-1:]])


class Exact(Generator):
    """A generator of the chapter's rows that needs no training: its belief is exact."""

    def __init__(self, plan: plans.Plan, flip: float = 0.05) -> None:
        super().__init__(nets.MLP(64, width=8), heads.Categorical(2), plan)
        self.passes = torch.tensor([[1 - flip, flip], [flip, 1 - flip]], dtype=torch.float64)

    def belief(self, x_t: Tensor, t: Tensor, *others: object, **named: object) -> Tensor:
        alpha, sigma = (part.double()[..., None] for part in self.schedule(t.expand_as(x_t)))
        off = (x_t.double()[..., None] - alpha * torch.tensor([-1.0, 1.0])) / sigma.clamp(min=1e-3)
        says = (-off.square() / 2).softmax(dim=2)
        left, right = self.passed(says), self.passed(says.flip(1)).flip(1)
        return (left * says * right + 1e-30).log().to(x_t)

    def passed(self, says: Tensor) -> Tensor:
        told = [torch.full((len(says), 2), 0.5, dtype=torch.float64)]
        for place in range(63):
            now = told[-1] * says[:, place] @ self.passes
            told.append(now / now.sum(dim=1, keepdim=True))
        return torch.stack(told, dim=1)


HALVING = sorted(range(64), key=lambda place: int(f"{place:06b}"[::-1], 2))
FAR_APART = torch.tensor(HALVING).argsort().tolist()


CASES = {
    "bits-lost": Case(
        right=[
            (bits_lost, [(0, 3), (1, 2)]),
            (lambda table, order: float(bits_lost(table, order)), ((3, 0), (2, 1))),
            (bits_lost, torch.tensor([[0, 3], [1, 2]])),
        ],
        wrong={
            "nats": [(lambda table, order: bits_lost(table, order) * math.log(2), [(0, 3), (1, 2)])],
            "sign": [(lambda table, order: -bits_lost(table, order), [(0, 3), (1, 2)])],
            "whole message": [(whole_message, [(0, 3), (1, 2)])],
            "what the earlier ones wrote": [(nothing_remembered, [(0, 3), (1, 2)])],
            "One pixel a call is exact": [(wasteful_one_by_one, [(0, 3), (1, 2)])],
            "given the calls before": [(told_its_own_call, [(0, 3), (1, 2)]), (only_the_first_call, [(0, 3), (1, 2)])],
            "shape": [(lambda table, order: torch.zeros(2), [(0, 3), (1, 2)])],
            "returns nothing yet": [(empty, [(0, 3), (1, 2)])],
            "still empty": [(unwritten, [(0, 3), (1, 2)])],
            "stopped with KeyError": [(breaks, [(0, 3), (1, 2)])],
            "A function is wanted": [(0.288, [(0, 3), (1, 2)])],
            "try all six": [(bits_lost, [(0, 1), (2, 3)]), (bits_lost, [(0, 2), (1, 3)])],
            "Turned round": [(bits_lost, [(1, 2), (0, 3)])],
            "every place from 0 to 3": [(bits_lost, [(1, 4), (2, 3)])],
            "two places each": [(bits_lost, [(0,), (1, 2, 3)])],
            "should look like": [(bits_lost, "far apart"), (bits_lost, 3)],
        },
        secret=r"\(0, 3\), \(1, 2\)|log2|0\.288",
    ),
    "ramp-matrix": Case(
        right=[ramp_matrix, ramp_in_loops],
        wrong={
            "Upside down": [lambda *given: 1 - ramp_matrix(*given)],
            "below 0 or above 1": [not_clipped],
            "first row": [begins_below_one],
            "Turned round": [lambda *given: ramp_matrix(*given).flip(1)],
            "last row": [last_begins_at_the_end],
            "disappears again": [comes_back],
            "Only levels 0 and 1": [lambda *given: ramp_matrix(*given).round()],
            "when does each of them begin": [begins_one_place_early],
            "How far has the first pixel fallen": [all_at_once],
            "shape": [lambda *given: ramp_matrix(*given)[:-1], lambda *given: ramp_matrix(*given).T],
        },
        secret=r"clamp|clip|1 - width|linspace",
        function=True,
    ),
    "never-disagree": Case(
        right=[
            (0.0, [0.0, 0.656, 0.972, 0.9995]),
            (torch.tensor(0.0), torch.tensor([0.0, 0.655, 0.971, 1.0])),
            (0, (0.0, 0.66, 0.97, 1.0)),
        ],
        wrong={
            "drawn": [(0.5, [0.0, 0.656, 0.972, 0.9995])],
            "how often they do not": [(1.0, [0.0, 0.656, 0.972, 0.9995])],
            "two columns": [(0.1, [0.0, 0.656, 0.972, 0.9995])],
            "cancel": [(0.0, [0.0, 0.004, -0.002, 0.01])],
            "drawing": [(0.0, [1.0, 1.0, 1.0, 1.0])],
            "means of squares": [(0.0, [0.0, 0.5186, 0.9587, 0.9994])],
            "Begin with one call": [(0.0, [0.5, 0.656, 0.972, 0.9995])],
            "which are off": [(0.0, [0.0, 0.7, 0.972, 0.9995])],
            "shape": [(0.0, [0.656, 0.972, 0.9995])],
            "should be numbers": [(0.0, "bright")],
        },
        secret=r"0\.65|0\.97|0\.99|\b0\.0\b|grey",
    ),
    "train-spread": Case(
        right=[
            (Exact(plans.diffusion()),),
            (Exact(plans.ramp(0.5)),),
            (Exact(plans.random_order()),),
            (Exact(plans.ramp(1 / 64, order=FAR_APART)),),
            (Exact(plans.any_ramp()),),
        ],
        wrong={
            "without asking": [(Exact(plans.raster(4)),), (Exact(plans.raster(1)),)],
            "turn out not to fit": [(Exact(plans.ramp(1 / 64)),), (Exact(plans.random_order(), flip=0.2),)],
            "Was it trained": [(Exact(plans.diffusion(), flip=0.5),)],
            "are white": [(Exact(plans.diffusion(), flip=1e-4),)],
            "sixteen calls, your network stopped": [(Exact(plans.one_shot()),)],
            "64 pixels": [
                (nn.Linear(64, 64),),
                (Generator(nets.MLP(2, width=8), heads.Categorical(2), plans.diffusion()),),
            ],
            "the class Generator": [(Generator,)],
            "history": [(History(),)],
        },
        secret=r"diffusion|random_order|ramp\(|scatter|noise|a part of",
    ),
}

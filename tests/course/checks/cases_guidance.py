"""The cases of chapter 13, guidance: right answers, and wrong ones that people give."""

from __future__ import annotations

import torch
from helpers_checks import Case, unwritten
from torch import Tensor, nn

from minigen import heads, nets, plans
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.training import History


def guide(uncond: Tensor, cond: Tensor, guidance_scale: float) -> Tensor:
    return uncond + guidance_scale * (cond - uncond)


def from_w(w: float) -> float:
    return w + 1


def interval_calls(steps: int, guided: int, batched: bool) -> int:
    return steps + guided


def guide_in_half(uncond: Tensor, cond: Tensor, scale: float) -> Tensor:
    return guide(uncond.half(), cond.half(), scale)


class TwoDiscs(Generator):
    """Points of two discs by a network that needs no training: its guess is exact, but for what is changed.

    ``untold`` moves what it says where it is told nothing, ``far`` what it says where it is told, and ``outward`` that
    from the middle; with ``deaf`` it does not hear what it is told.
    """

    CENTRES = torch.tensor([[-0.25, 0.0], [0.25, 0.0]])

    def __init__(self, untold: float = 0.0, far: float = 0.0, outward: float = 0.0, deaf: bool = False) -> None:
        super().__init__(nets.MLP(2, width=8), heads.Regression("x0"), plans.diffusion(), condition=Labels(2))
        self.untold, self.far, self.outward, self.deaf = untold, far, outward, deaf
        square = torch.linspace(-0.45, 0.45, 7)
        disc = torch.cartesian_prod(square, square)
        disc = disc[disc.norm(dim=1) < 0.5]
        self.points = torch.cat([disc + centre for centre in self.CENTRES])
        self.disc = torch.arange(2).repeat_interleave(len(disc))

    def belief(
        self, x_t: Tensor, t: Tensor, tokens: Tensor | None = None, guidance_scale: float = 1.0, *others: object
    ) -> Tensor:
        assert tokens is not None
        points, t = self.points.to(x_t), t[:, :1]
        alpha, sigma = self.schedule(t)
        off = (x_t[:, None] - alpha[:, None] * points).square().sum(dim=2)
        says = -off / (2 * sigma.square().clamp(min=1e-3))
        mine = (self.disc == tokens[:, None]) | self.deaf
        told = says.masked_fill(~mine, -torch.inf).softmax(dim=1) @ points + self.far
        told = told + self.outward * 4 * self.CENTRES[tokens]
        without = says.softmax(dim=1) @ points + self.untold
        return without + guidance_scale * (told - without)


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
            "cut off": [
                (lambda u, c, s: guide(u, c, s).clamp(-1, 1), from_w),
                (lambda u, c, s: guide(u, c, s).clamp(0, 1), from_w),
                (lambda u, c, s: guide(u, c, s).clip(-1.5, 1.5).tolist(), from_w),
            ],
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
    "train-dropout": Case(
        right=[(TwoDiscs(), 1.75), (TwoDiscs(), "2"), (TwoDiscs(), torch.tensor([2]))],
        wrong={
            "rests on two answers": [(TwoDiscs(untold=0.3), 2), (TwoDiscs(untold=-0.3), 1.75)],
            "over the edge": [(TwoDiscs(outward=0.03), 6)],
            "Scale 1 is off": [(TwoDiscs(), 1), (TwoDiscs(untold=0.3), 1.0)],
            "less than it should": [(TwoDiscs(), 0.5)],
            "strong enough": [(TwoDiscs(), 1.2)],
            "hear the label": [(TwoDiscs(deaf=True), 2)],
            "Was it trained": [(TwoDiscs(far=0.4), 2)],
            "should be numbers": [(TwoDiscs(), "far")],
            "finite": [(TwoDiscs(), float("nan"))],
            "one of two labels": [
                (nn.Linear(2, 2), 2),
                (Generator(nets.MLP(2, width=8), heads.Regression("x0"), plans.diffusion()), 2),
                (Generator(nets.MLP(2, width=8), heads.Regression("x0"), plans.diffusion(), condition=Labels(10)), 2),
            ],
            "the class Generator": [(Generator, 2)],
            "history": [(History(), 2)],
        },
        secret=r"dropout|none|0\.1\b|replace",
    ),
}

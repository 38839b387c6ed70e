"""The cases of chapter 5, patches: right answers, and wrong ones that people give."""

from __future__ import annotations

from typing import Any

import torch
from helpers_checks import Case
from torch import Tensor, nn

from minigen import heads, metrics, nets, plans
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.training import History


def predict(features: Tensor, by: float, times: float) -> Tensor:
    return features.shape[1] * by**2 + (times - 1) ** 2 * features.var(dim=0).sum()


def over_all_of_them(features: Tensor, by: float, times: float) -> float:
    """A variance over n, not over n - 1; and a plain number."""
    return features.shape[1] * by**2 + (times - 1) ** 2 * float(features.var(dim=0, correction=0).sum())


def measured(features: Tensor, by: float, times: float) -> float:
    centre = features.mean(dim=0)
    return metrics.frechet(features, (features - centre) * times + centre + by)


def around_nothing(features: Tensor, by: float, times: float) -> float:
    """Pulled away from 0: then the centre goes, too."""
    return metrics.frechet(features, features * times) + features.shape[1] * by**2


def total(features: Tensor) -> Tensor:
    return features.var(dim=0).sum()


class Knows(Generator):
    """Has exact beliefs about the rows of the exercise, or what is left of them: nothing of it is trained."""

    def __init__(self, plan: plans.Plan, kept: float = 1.0, white: float = 0.5) -> None:
        super().__init__(nets.MLP(size=16, width=8, depth=1), heads.Categorical(2), plan)
        self.kept, self.white = kept, white

    def _output(self, seen: Tensor, t: Tensor, tokens: Any, memory: Any) -> Tensor:
        chances = torch.full((len(seen), 16), self.white)
        for place in range(16):
            written = (t[0, :place] == 0).nonzero().flatten()
            if len(written):  # of an earlier pixel the last one, and how far it is
                known = int(written[-1])
                chances[:, place] += 0.5 * seen[:, known] * 0.9 ** (place - known) * self.kept
        chances = chances.clamp(1e-3, 1 - 1e-3)
        return torch.stack([1 - chances, chances], dim=2).log().flatten(1)


def told() -> Generator:
    """Another generator: for pictures, told a digit."""
    net = nets.UNet(size=4, widths=(8, 8))
    return Generator(net, heads.Categorical(2), plans.raster(2), condition=Labels(10))


CASES = {
    "two-pixels": Case(
        right=[(0.5, 0.531), (0.5, 0.53), ("1/2", 0.5310044)],
        wrong={
            "real pictures": [(0.1, 0.531)],
            "says nothing": [(0.9, 0.531)],
            "Is anything copied": [(0.18, 0.531)],
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
    "predict-distance": Case(
        right=[predict, over_all_of_them, measured, lambda *given: [predict(*given).item()]],
        wrong={
            "every one counts": [lambda f, by, times: by**2 + (times - 1) ** 2 * total(f)],
            "grows faster": [lambda f, by, times: 3 * abs(by) + (times - 1) ** 2 * total(f)],
            "root": [lambda *given: predict(*given).sqrt()],
            "the factor, or the difference": [lambda f, by, times: 3 * by**2 + abs(times - 1) * total(f)],
            "Variances are not": [lambda f, by, times: 3 * by**2 + abs(times**2 - 1) * total(f)],
            "or its square": [lambda f, by, times: 3 * by**2 + (times**2 - 1) ** 2 * total(f)],
            "then added up": [lambda f, by, times: 3 * by**2 + (times - 1) ** 2 * f.std(dim=0).sum()],
            "not averaged": [lambda f, by, times: 3 * by**2 + (times - 1) ** 2 * f.var(dim=0).mean()],
            "is that part 0": [lambda f, by, times: 3 * by**2 + times**2 * total(f)],
            "own centre": [around_nothing],
            "only the centres": [lambda f, by, times: 7.0],
            "only the spreads": [lambda f, by, times: 3 * by**2],
            "single feature": [lambda f, by, times: 3 * by**2 + 0.1 * (times - 1) ** 2],
            "shape": [lambda f, by, times: (times - 1) ** 2 * f.var(dim=0)],
            "finite": [lambda f, by, times: float("nan")],
        },
        secret=r"times - 1|\*\*|\bvar\(",
        function=True,
    ),
    "train-rows": Case(
        right=[(Knows(plans.raster(2)),), (Knows(plans.raster(1)),)],
        wrong={
            "Exact beliefs": [(Knows(plans.raster(8)),), (Knows(plans.raster(4)),), (Knows(plans.one_shot()),)],
            "trained to the end": [(Knows(plans.raster(2), kept=0.8),)],
            "gets 8 here": [(Knows(plans.raster(1), kept=0.6),), (Knows(plans.random_order(), kept=0.2),)],
            "in real rows half": [(Knows(plans.raster(2), kept=0, white=0.1),)],
            "rows of 16": [(told(),), (nn.Linear(16, 16),)],
            "history": [(History(),)],
        },
        secret=r"patch=2|\btwo\b",
    ),
}

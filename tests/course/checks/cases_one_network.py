"""The cases of chapter 9, one network, and what it predicts: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import nan

import torch
from helpers_checks import Case, empty
from torch import Tensor, nn

from minigen import heads, nets, plans
from minigen.data import digits
from minigen.generator import Generator
from minigen.training import History


def name_all(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    if source == target:
        return value
    if source == "eps":
        if alpha == 0:
            raise ValueError("eps says nothing at alpha = 0")
        x0, eps = (x_t - sigma * value) / alpha, value
    elif source == "v":
        x0, eps = alpha * x_t - sigma * value, sigma * x_t + alpha * value
    else:
        x0, eps = value, (x_t - alpha * value) / sigma
    return {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0}[target]


def v_turned_round(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    value = -value if source == "v" else value
    result = name_all(value, source, target, x_t, alpha, sigma)
    return -result if target == "v" else result


def says_something_at_pure_noise(
    value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float
) -> Tensor:
    return name_all(value, source, target, x_t, max(alpha, 1e-9), sigma)


def divides_by_alpha(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    if alpha == 0:
        raise ValueError("nothing at alpha = 0")
    return name_all(value, source, target, x_t, alpha, sigma)


def stops_at_pure_noise(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return value * (1 / alpha) * 0 + name_all(value, source, target, x_t, alpha, sigma)


def forgets_to_divide(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return (
        x_t - sigma * value if (source, target) == ("eps", "x0") else name_all(value, source, target, x_t, alpha, sigma)
    )


def always_converts(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return alpha * x_t - sigma * value if source == "v" else name_all(value, source, target, x_t, alpha, sigma)


def loss_weights(alpha: float, sigma: float) -> tuple[float, float]:
    return (alpha / sigma) ** 2, 1 / sigma**2


def only_one_case(alpha: float, sigma: float) -> tuple[float, float]:
    return 0.5625, 1.5625


def v_alone_is_wrong(alpha: float, sigma: float) -> tuple[float, float]:
    return (alpha / sigma) ** 2, 1 + sigma**2


class Known(Generator):
    """A generator that needs no training: what it names in flat pictures is known."""

    def __init__(self, names: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...] = (1, 16, 16)) -> None:
        net = nets.MLP(256, width=8) if len(shape) == 1 else nets.UNet(size=16, widths=(8, 8))
        super().__init__(net, heads.Regression("x0"), plans.diffusion())
        self.names = names

    def belief(self, x_t: Tensor, t: Tensor, *others: object, **named: object) -> Tensor:  # type: ignore[override]
        return self.names(x_t.flatten(1), t.flatten(1)).view_as(x_t).to(x_t)


def nearest(x_t: Tensor, t: Tensor) -> Tensor:
    """Knows the unseen digits, and finds the right one."""
    known = digits(split="validation")[0].flatten(1)
    return known[torch.cdist(x_t, torch.cos(t[0] * torch.pi / 2) * known).argmin(dim=1)]


def off_by(by: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x_t, t: nearest(x_t, t) + by


def brought_back(x_t: Tensor, t: Tensor) -> Tensor:
    return x_t / torch.cos(t * torch.pi / 2)


CASES = {
    "name-one-get-all": Case(
        right=[name_all],
        wrong={
            "sign is turned round": [v_turned_round],
            "it gave an answer": [says_something_at_pure_noise],
            "stopped with ZeroDivisionError": [stops_at_pure_noise],
            "nothing at alpha = 0": [divides_by_alpha],
            "Solve x_t": [forgets_to_divide],
            "Go round": [always_converts],
        },
        secret=r"alpha \* x_t|sigma \* value|/ alpha|/ sigma",
        function=True,
    ),
    "loss-weights": Case(
        right=[
            (0.5625, 1.5625, loss_weights),
            (9 / 16, 25 / 16, lambda alpha, sigma: torch.tensor(loss_weights(alpha, sigma))),
        ],
        wrong={
            "Turned round": [(16 / 9, 1.5625, loss_weights), (0.5625, 0.64, loss_weights)],
            "takes the square": [(0.75, 1.5625, loss_weights), (0.5625, 1.25, loss_weights)],
            "sigma": [(0.36, 1.5625, loss_weights)],
            "If x0 moves by 1": [(2.0, 1.5625, loss_weights)],
            "in the same direction": [(0.5625, 0.0784, loss_weights)],
            "by its own part": [(0.5625, 3.0, loss_weights)],
            "for eps": [(0.5625, 1.5625, only_one_case), (0.5625, 1.5625, lambda alpha, sigma: (nan, nan))],
            "for v": [(0.5625, 1.5625, v_alone_is_wrong)],
            "returns nothing yet": [(0.5625, 1.5625, empty)],
            "A function is wanted": [(0.5625, 1.5625, 3)],
        },
        secret=r"0\.5625|9 ?/ ?16|1\.5625|25 ?/ ?16|/ sigma",
    ),
    "handed-back": Case(
        right=[(0.79,), (1 - (1 - math.sqrt(0.8)) ** 2 - 0.2,), (0.7889,)],
        wrong={
            "as a factor": [(math.sqrt(0.8),)],
            "what is left to explain": [(0.2111,)],
            "variance of the fresh noise": [(0.2,)],
            "a little smaller": [(0.8,)],
            "one step": [(1 - (1 - math.sqrt(0.8)) ** 2,)],
            "its variance": [(0.5,)],
            "per cent": [(79,), ("78.89",)],
            "square too many": [(0.64,)],
        },
        secret=r"0\.79\b|0\.788|79 ?%",
    ),
    "train-target": Case(
        right=[(Known(off_by(0.0)),), (Known(off_by(0.045)),), (Known(off_by(0.045), (256,)),)],
        wrong={
            "it has learned something": [(Known(off_by(0.128)),), (Known(off_by(-0.065)),)],
            "handing back": [(Known(brought_back),)],
            "to the end": [(Known(lambda x_t, t: 0 * x_t),)],
            "256 pixels": [
                (nn.Linear(256, 256),),
                (Generator(nets.MLP(2, width=8), heads.Regression("x0"), plans.diffusion()),),
            ],
            "the class Generator": [(Generator,)],
            "not finite": [(Known(lambda x_t, t: x_t.log()),)],
            "history": [(History(),)],
        },
        secret=r"\bv\b|\beps\b|velocity|\btarget\b|Regression",
    ),
}

"""The cases of chapter 1, curve fitting: right answers, and wrong ones that people give."""

from __future__ import annotations

from math import nan

import numpy as np
import torch
from helpers_checks import Case
from helpers_nets import Says, Wavers
from torch import Tensor, nn

from minigen.data import curve
from minigen.nets import Fit
from minigen.training import History


def mean_or_median(values: Tensor, loss: str) -> Tensor:
    return values.mean() if loss == "squared" else values.median()


def upper_median(values: Tensor, loss: str) -> float:
    """Any point between the two middle values is as good."""
    middle = values.sort().values[len(values) // 2]
    return float(values.mean() if loss == "squared" else middle)


def swapped(values: Tensor, loss: str) -> Tensor:
    return values.median() if loss == "squared" else values.mean()


def middle_of_range(values: Tensor, loss: str) -> Tensor:
    return (values.min() + values.max()) / 2


def the_loss_instead(values: Tensor, loss: str) -> Tensor:
    return (values - values.mean()).square().mean() if loss == "squared" else (values - values.median()).abs().mean()


def rule(x: Tensor) -> Tensor:
    return torch.sin(1.5 * x)


def nearest_dot(x: Tensor) -> Tensor:
    """Goes through every dot, and so through its noise."""
    dots, heights = curve(count=12)
    return heights[(x - dots.T).abs().argmin(dim=1)]


CASES = {
    "first-step": Case(
        right=[(0.4, 1.6), (2 / 5, 8 / 5), (torch.tensor(0.4), np.float64(1.6)), (0.4004, 1.5996)],
        wrong={
            "sum": [(0.8, 1.6)],
            "factor 2": [(0.2, 1.6)],
            "uphill": [(-0.4, 1.6)],
            "slope of the loss": [(-8, 1.6)],
            "derivative": [(8, 1.6), (0.05, 1.6)],
            "larger x": [(0.4, 1.75)],
            "no intercept": [(0.4, 1.0)],
            "slope of the loss is 0": [(0.4, 2)],
            "finite": [(nan, 1.6)],
            "should be a number": [("a bit", 1.6), (torch.ones(2), 1.6)],
        },
        secret=r"0\.4\b(?!\d)|1\.6\b|8 */ *5|2 */ *5",
    ),
    "count-weights": Case(
        right=[(97, 1210), (97.0, torch.tensor(1210)), ([97], "1210")],
        wrong={
            "knob": [(80, 1210), (97, 1184)],
            "one for each output": [(96, 1210), (2, 1210)],
            "64, 16, 10": [(97, 1209), (97, 1024)],
            "should be a number": [([97, 1210], 1210), ("many", 1210)],
        },
        secret=r"\b97\b|1,?210",
    ),
    "best-constant": Case(
        right=[mean_or_median, upper_median],
        wrong={
            "squared loss": [swapped, middle_of_range, the_loss_instead],
            "how many values come nearer": [lambda values, loss: values.mean()],
            "slope": [lambda values, loss: values.median(), lambda values, loss: 0.0, lambda values, loss: nan],
            "Nearly": [lambda values, loss: values.mean() + 0.003],
            "shape": [lambda values, loss: values],
            "should be numbers": [lambda values, loss: "mean"],
        },
        secret=r"\bmedian\b|\bmiddle\b|\bthe mean\b(?! squared)|\baverage\b",
        function=True,
    ),
    "train-curve": Case(
        right=[
            (Says(rule),),
            (Says(rule).double(),),
            (Fit(Says(lambda x: rule(x)[:, 0])),),
            (Says(lambda x: rule(x) + 0.1),),
        ],
        wrong={
            "noise, too": [(Says(nearest_dot),)],
            "follow the wave": [(Says(lambda x: 0.7 * rule(x)),)],
            "Was it trained": [(Says(torch.zeros_like),), (Says(lambda x: x),)],
            "history": [(History(),)],
            "the class Fit": [(Fit,)],
            "network itself": [(rule,), (0.1,)],
            "no weights": [(nn.Identity(),)],
            "shape": [(Says(lambda x: x.expand(-1, 2)),), (Says(torch.mean),)],
            "stopped with RuntimeError": [(nn.Linear(2, 1),)],
            "training mode": [(Wavers(Says(rule)),)],
            "not finite": [(Says(lambda x: x * nan),)],
        },
        secret=r"more dots|weight.?decay|fewer|smaller|updates",
    ),
}

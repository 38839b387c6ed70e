"""The cases of chapter 1, curve fitting: right answers, and wrong ones that people give."""

from __future__ import annotations

from math import nan

import numpy as np
import torch
from helpers_checks import Case
from torch import Tensor


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
        right=[(97, 1210), (97.0, torch.tensor(1210))],
        wrong={
            "knob": [(80, 1210), (97, 1184)],
            "one for each output": [(96, 1210), (2, 1210)],
            "64, 16, 10": [(97, 1209), (97, 1024)],
            "should be a number": [([97], 1210)],
        },
        secret=r"\b97\b|1,?210",
    ),
    "best-constant": Case(
        right=[mean_or_median, upper_median],
        wrong={
            "squared loss": [swapped, middle_of_range, the_loss_instead],
            "how many values come nearer": [lambda values, loss: values.mean()],
            "slope": [lambda values, loss: values.median(), lambda values, loss: 0.0, lambda values, loss: nan],
            "shape": [lambda values, loss: values],
            "should be numbers": [lambda values, loss: "mean"],
        },
        secret=r"\bmedian\b|\bmiddle\b|\bthe mean\b(?! squared)|\baverage\b",
        function=True,
    ),
}

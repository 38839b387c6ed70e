"""MLPs and curves: which answer each loss of a curve finds."""

from __future__ import annotations

import pytest
import torch
from helpers_training import QUIET
from torch import nn

from minigen import nets
from minigen.training import train


def test_absolute_loss_finds_the_median_and_squared_the_mean() -> None:
    answers = torch.tensor([[0.0], [0.0], [0.0], [1.0], [4.0]])
    found = {}
    for loss in ("squared", "absolute"):
        model = nets.Fit(nn.Linear(1, 1), loss)
        train(model, torch.zeros(5, 1), answers, iterations=400, learning_rate=0.05, ema=None, **QUIET)
        found[loss] = float(model(torch.zeros(1, 1)).detach())
    assert found["squared"] == pytest.approx(1.0, abs=0.01)
    assert found["absolute"] == pytest.approx(0.0, abs=0.02)


def test_cross_entropy_finds_how_often_each_label_comes() -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 2, 2])
    model = nets.Fit(nn.Linear(1, 3), "cross-entropy")
    train(model, torch.zeros(8, 1), labels, iterations=400, learning_rate=0.05, ema=None, **QUIET)
    assert model(torch.zeros(1, 1)).softmax(1)[0].tolist() == pytest.approx([3 / 8, 1 / 8, 4 / 8], abs=0.005)

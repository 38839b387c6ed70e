"""Classifiers: pictures of their size alone, shaken a little in training; and questions that do not apply."""

from __future__ import annotations

import pytest
import torch
from helpers_core import black_white

from minigen import nets
from minigen.base.randomness import seeded
from minigen.nets.classifier import shake


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images has shape \(2, 1, 16, 16\); allowed: \(any number, 1, 8, 8\)"):
        nets.Classifier(8)(torch.zeros(2, 1, 16, 16))


def test_shaking_moves_each_picture_a_little_and_lets_in_black() -> None:
    images = torch.ones(20, 1, 16, 16)
    still = shake(images, seeded(0), angle=0, zoom=0, shift=0)
    torch.testing.assert_close(still, images)
    shaken = shake(images, seeded(0), angle=0, zoom=0, shift=0.5)
    assert len(shaken.unique(dim=0)) == 20
    assert float(shaken.min()) == pytest.approx(-1)  # what comes in from outside
    assert bool((shaken.flatten(1).amax(dim=1) > 0.9).all())  # most of it stays
    assert torch.equal(shake(images, seeded(0)), shake(images, seeded(0)))


def test_a_classifier_is_shaken_in_training_only() -> None:
    torch.manual_seed(0)
    model = nets.Classifier(8, widths=(8,))
    batch = (black_white(6, 1, 8, 8), torch.arange(6))
    train = [float(model.train().loss(batch, seeded(seed)).detach()) for seed in (0, 0, 1)]
    judged = [float(model.eval().loss(batch, seeded(seed)).detach()) for seed in (0, 1)]
    assert train[0] == train[1] != train[2]
    assert judged[0] == judged[1]


def test_a_question_that_does_not_apply_teaches_nothing() -> None:
    """An answer of -1: the loss does not ask for the weights of that question, but for the others'."""
    torch.manual_seed(0)
    model = nets.Recogniser(8, 1, questions=(2, 3), widths=(8,))
    model.loss((black_white(4, 1, 8, 8), torch.tensor([[0, -1], [1, -1], [1, -1], [0, -1]])), seeded(0)).backward()
    grad = model.last[-1].weight.grad
    assert grad is not None
    assert bool((grad[:2] != 0).any())
    assert bool((grad[2:] == 0).all())

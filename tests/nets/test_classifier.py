"""Classifiers: pictures of their size alone, shaken a little in training; and questions that do not apply."""

from __future__ import annotations

import pytest
import torch
from helpers_core import black_white

from minigen import nets
from minigen.base.randomness import seeded
from minigen.nets.classifier import shake
from minigen.training import train


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


def drawn(half_width: float, half_height: float) -> torch.Tensor:
    """Two hundred times the same white ellipse, in the middle of 32x32 pixels."""
    place = torch.arange(32) - 15.5
    inside = (place / half_width) ** 2 + (place[:, None] / half_height) ** 2
    return ((1.5 - inside).clamp(0, 1) * 2 - 1).expand(200, 1, 32, 32)


def moments(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """How much is white in each picture, where its middle lies, and in which direction it is longest."""
    white, place = (images[:, 0].double() + 1) / 2, torch.arange(32, dtype=torch.float64) - 15.5
    mass = white.sum(dim=(1, 2))
    x, y = (white.sum(dim=1) * place).sum(dim=1) / mass, (white.sum(dim=2) * place).sum(dim=1) / mass
    across, down = place - x[:, None, None], place[:, None] - y[:, None, None]
    mixed, wide, high = ((white * part).sum(dim=(1, 2)) for part in (across * down, across**2, down**2))
    return mass, torch.stack([x, y]), 0.5 * torch.atan2(2 * mixed, wide - high)


@pytest.mark.parametrize("what", ["angle", "zoom", "shift"])
def test_each_kind_of_shaking_does_what_its_name_says_and_no_more(what: str) -> None:
    """Up to the whole of what is asked for, to both sides; the other two stay as they were."""
    bar, amount = drawn(9, 3), {"angle": 0.2, "zoom": 0.1, "shift": 0.1}[what]
    before, after = moments(bar), moments(shake(bar, seeded(0), **{"angle": 0, "zoom": 0, "shift": 0, what: amount}))
    size, middle, turned = (after[0] / before[0]).sqrt() - 1, (after[1] - before[1]) / 16, after[2] - before[2]
    for name, found in (("angle", turned), ("zoom", size), ("shift", middle)):
        most = amount * (1.15 if name == what else 0.05)
        assert float(found.abs().max()) < most, name
        if name == what:
            assert float(found.max()) > 0.8 * amount
            assert float(found.min()) < -0.8 * amount


def test_what_is_usual_shakes_in_all_three_ways() -> None:
    """The classifiers of the package were trained so; distances are measured on their features."""
    bar = drawn(9, 3)
    before, after = moments(bar), moments(shake(bar, seeded(0)))
    assert 0.15 < float((after[2] - before[2]).abs().max()) < 0.25
    assert 0.07 < float(((after[0] / before[0]).sqrt() - 1).abs().max()) < 0.13
    assert 0.07 < float((after[1] - before[1]).abs().max() / 16) < 0.13


def test_what_training_judges_is_shaken_and_what_validation_judges_is_not() -> None:
    """The very pictures, in the loss and where several processes share a batch."""
    torch.manual_seed(0)
    model, images = nets.Classifier(32, widths=(8,)), drawn(9, 3)[:6]
    labels = torch.arange(6)
    thrown = model.train().throw((images, labels), seeded(3))
    assert torch.equal(thrown[0], shake(images, seeded(3)))
    assert len(thrown[0].unique(dim=0)) == 6
    assert torch.equal(model.loss((images, labels), seeded(3)), model.judge(*thrown))
    assert torch.equal(model.eval().throw((images, labels), seeded(3))[0], images)


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


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.full((4,), float("nan")), "labels has dtype torch.float32; allowed: whole numbers"),
        (torch.tensor([0, 1, 2, 10]), "labels holds 10; allowed: whole numbers from 0 to 9"),
        (torch.zeros(4, 10).long(), r"labels has shape \(4, 10\); allowed: one label an image"),
    ],
)
def test_wrong_labels_are_refused_before_training(labels: torch.Tensor, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        train(nets.Classifier(8, widths=(8,)), black_white(4, 1, 8, 8), labels, progress=False)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            torch.zeros(4, 3).long(),
            r"labels has shape \(4, 3\) .*; allowed: \(count, 2\) whole numbers, an answer to each",
        ),
        (torch.zeros(4, 2), "labels has .* dtype torch.float32; allowed"),
        (
            torch.tensor([[0, 3]] * 4),
            r"labels holds 3 for a question of 3 answers; allowed: from -1 \(does not apply\) to 2",
        ),
        (torch.tensor([[-2, 0]] * 4), r"labels holds -2 for a question of 2 answers; allowed: from -1 .* to 1"),
    ],
)
def test_wrong_answers_are_refused_before_training(answers: torch.Tensor, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        train(nets.Recogniser(8, 1, (2, 3), widths=(8,)), black_white(4, 1, 8, 8), answers, progress=False)

"""The cases of chapter 2, the blurry average: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from math import nan

import torch
from helpers_checks import Case
from helpers_nets import Says
from torch import Tensor, nn

from minigen.data import digits
from minigen.training import History


def within(images: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([((images[labels == c] - images[labels == c].mean(0)) ** 2).sum() for c in labels.unique()])


def explained(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - within(images, labels).sum() / ((images - images.mean(0)) ** 2).sum()


def share_left(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - explained(images, labels)


def equal_classes(images: Tensor, labels: Tensor) -> Tensor:
    means = torch.stack([images[labels == c].mean(0) for c in labels.unique()])
    share: Tensor = (
        ((means - images.mean(0)) ** 2).sum() * len(images) / len(means) / ((images - images.mean(0)) ** 2).sum()
    )
    return share


def one_number_for_all_pixels(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - within(images, labels).sum() / ((images - images.mean()) ** 2).sum()


def not_a_share(images: Tensor, labels: Tensor) -> Tensor:
    return ((images - images.mean(0)) ** 2).sum() - within(images, labels).sum()


def a_share_for_each_pixel(images: Tensor, labels: Tensor) -> Tensor:
    return ((images - images.mean(0)) ** 2).mean(0)


KNOWN, UNSEEN = (digits(split=split)[0].flatten(1) for split in ("train", "held-out"))
MEAN, MEDIAN, BLACK = KNOWN.mean(dim=0), KNOWN.median(dim=0).values, torch.full((256,), -1.0)


def draws(picture: Tensor) -> nn.Module:
    """A network that draws this picture, with the input of the exercise: a 1."""
    return Says(lambda question: question[:, :1] * picture)


def as_in_the_chapter(picture: Tensor) -> nn.Module:
    """One with the chapter's ten switches, which are all off when nothing is told."""
    net = nn.Linear(10, 256)
    with torch.no_grad():
        net.weight.fill_(9)
        net.bias.copy_(picture)
    return net


CASES = {
    "lopsided-coin": Case(
        right=[(0.6, 0.64), (torch.tensor(0.6), 1 - 0.36), ("3/5", "16/25")],
        wrong={
            "vote": [(1, 0.64), ("+1", "no")],
            "chance of +1": [(0.8, 0.64)],
            "Which average": [(0, 0.64), (-0.6, 0.64)],
            "always answering": [(0.6, 0.8)],
            "variance": [(0.6, 0.36)],
            "some loss is left": [(0.6, 0)],
            "how often is which": [(0.6, 0.16)],
            "finite": [(0.6, float("inf"))],
        },
        secret=r"\b0\.6\b|\b0\.64\b|0\.8 \* 1|0\.8 \(1",
    ),
    "explained": Case(
        right=[explained, lambda images, labels: float(explained(images, labels))],
        wrong={
            "share that is left": [share_left],
            "not equally large": [equal_classes],
            "mean of its own": [one_number_for_all_pixels],
            "how much squared error": [not_a_share],
            "per cent": [lambda images, labels: 100 * explained(images, labels)],
            "From what": [lambda images, labels: nan, lambda images, labels: 0.25],
            "shape": [a_share_for_each_pixel],
        },
        secret=r"within *\/|1 *- *within",
        function=True,
    ),
    "four-or-nine": Case(
        right=[((0.75, 0.25), 0.5623), (torch.tensor([0.75, 0.25]), -0.75 * math.log(0.75) - 0.25 * math.log(0.25))],
        wrong={
            "infinite": [((1, 0), 0)],
            "Half and half": [((0.5, 0.5), 0.5623)],
            "First the 4": [((0.25, 0.75), 0.5623)],
            "sums to 1": [((3, 1), 0.5623)],
            "which costs less": [((0.8, 0.2), 0.5623)],
            "shape": [(0.75, 0.5623)],
            "should be numbers": [(("four", "nine"), 0.5623)],
            "bits": [((0.75, 0.25), 0.8113)],
            "fourth": [((0.75, 0.25), 0.2877)],
            "over the four people": [((0.75, 0.25), 0), ((0.75, 0.25), 0.6931), ((0.75, 0.25), -0.5623)],
            "finite": [((nan, nan), 0.5623)],
        },
        secret=r"0\.562|three quarters|3 */ *4",
    ),
    "train-blur": Case(
        right=[
            (draws(MEDIAN),),
            (draws(MEDIAN.double()).double(),),
            (as_in_the_chapter(MEDIAN),),
            (Says(lambda question: MEDIAN.view(1, 1, 16, 16)),),
            (draws(MEDIAN + 0.01 * torch.tensor([1, -1]).repeat(128)),),  # not quite to the end
        ],
        wrong={
            "average picture": [(draws(MEAN),), (as_in_the_chapter(MEAN),)],
            "held-out": [(draws(UNSEEN.median(dim=0).values),)],
            "Was it trained": [(draws(0 * MEAN),)],
            "all black": [(draws(BLACK),)],
            "single one": [(draws(KNOWN[3]),)],
            "to the end": [(draws((MEAN + BLACK) / 2),)],
            "256 numbers": [(draws(MEAN[:255]),)],
            "history": [(History(),)],
            "stopped with": [(nn.Conv2d(1, 1, 3),)],
        },
        secret=r"absolute|median|L1|l1_loss",
    ),
}

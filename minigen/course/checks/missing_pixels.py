"""The checks of chapter 3, missing pixels."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor, expect_truth
from minigen.data import digits


@exercise("count-belief")
def _count_belief(function: Any) -> str:
    random = seeded(13)
    pictures = torch.randint(2, (40, 4), generator=random)
    pictures[:, 3] = pictures[:, 0]  # the last pixel always equals the first
    for seen, position in (({}, 0), ({1: 1}, 0), ({0: 1}, 3), ({0: 0, 1: 1}, 2), ({2: 0, 3: 1}, 1)):
        fits = torch.ones(len(pictures), dtype=torch.bool)
        for pixel, value in seen.items():
            fits &= pictures[:, pixel] == value
        truth = torch.stack([(pictures[fits, position] == value).double().mean() for value in (0, 1)])
        given = expect_tensor("The belief", ask(function, pictures, dict(seen), position), (2,))
        everyone = torch.stack([(pictures[:, position] == value).double().mean() for value in (0, 1)])
        traps = (
            (everyone, "You count all pictures. Count only those that agree with every seen pixel."),
            (truth.flip(0), "The order is turned round: first the chance of 0, then the chance of 1."),
        )
        otherwise = (
            f"With seen = {seen} the belief about pixel {position} is not right. How many pictures fit, and how many of"
            " them are 1 there?"
        )
        if abs(float(given.sum()) - 1) > 1e-4:
            otherwise = f"A belief sums to 1; with seen = {seen} yours sums to {float(given.sum()):.3f}."
        expect(given, truth, traps, otherwise)
    return "That is all a belief is: among the pictures that still fit, how many have which value here."


@exercise("draw-error")
def _draw_error(factor: Any) -> str:
    traps = {
        1.0: "1 would mean that drawing costs nothing. Work it out for one pixel that is 0 or 1 equally often.",
        math.sqrt(2): "sqrt 2 is the factor of the *distance*; asked is that of the squared error.",
        4.0: "4 would be two equal errors that always add up. Here they are independent, so only their squares add.",
        0.5: "0.5 is the error of the throw itself; divide it by that of the average.",
    }
    hint = "The truth and the draw are two independent draws from the same belief; what is the mean squared difference?"
    expect_number("The factor", factor, 2.0, traps, hint)
    return "A draw has twice the squared error of the average. But unlike the average it is a value that really occurs."


class _Honest(nn.Module):
    """Hides first, then looks."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():  # the reader's own random numbers stay as they are
            torch.manual_seed(5)
            self.net = nn.Conv2d(2, 1, 5, padding=2).double()

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        picture = picture.double()
        return self.net(torch.cat([picture.masked_fill(hidden, 0), hidden.double()], dim=1))


class _TooLate(_Honest):
    """Looks first, then hides."""

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        looked = self.net(torch.cat([picture.double(), hidden.double()], dim=1))
        return super().forward(picture, hidden) + looked.masked_fill(hidden, 0)


class _OnePixel(_Honest):
    """Hides all but one hidden pixel, always the same one."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.forgotten = row, column

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        some = hidden.clone()
        some[(..., *self.forgotten)] = False
        return super().forward(picture, some)


@exercise("leaks")
def _leaks(function: Any) -> str:
    honest = "This net hides first and looks then, so it is honest; only *hidden* content may not matter."
    late = (
        "This net looks first and hides then: hidden content reaches the pixels beside it. You missed it."
        " (If everything is covered, nothing that is seen can give it away: cover only some.)"
    )
    one = "This net forgets to hide one single pixel. Somewhere it is covered in one of your tries, or should be."
    forgetful = [(_OnePixel(row, column), True, one) for row, column in ((0, 0), (7, 7), (2, 6), (5, 1))]
    for net, truth, hint in ((_Honest(), False, honest), (_TooLate(), True, late), *forgetful):
        if expect_truth("leaks(net)", ask(function, net)) is not truth:
            raise NotYetError(hint)
    return "Change what is hidden, and see whether anything moves: the cheapest test there is against cheating."


def _guesses(net: nn.Module, pictures: Tensor, hidden: Tensor) -> Tensor:
    """What the network guesses of every pixel; a belief over greys is read as its average."""
    said, count = answers_of(net, pictures, hidden).double(), len(pictures)
    if said.numel() == pictures.numel() and len(said) == count:
        return said.view_as(pictures)
    belief = said.squeeze(1) if said.dim() == 5 else said
    if belief.dim() != 4 or (len(belief), *belief.shape[2:]) != (count, *pictures.shape[2:]):
        raise NotYetError(
            f"For pictures of shape {tuple(pictures.shape)} its answer has shape {tuple(said.shape)}. Wanted is a guess"
            " for every pixel: the shape of the pictures, or with a belief over greys in place of the 1."
        )
    sums_to_1 = bool((belief >= 0).all()) and bool((belief.sum(dim=1) - 1).abs().max() < 1e-3)
    chances = belief if sums_to_1 else belief.softmax(dim=1)
    greys = torch.linspace(-1, 1, belief.shape[1], dtype=belief.dtype)
    return (chances * greys.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


@exercise("train-pixels")
def _train_pixels(trained: Any) -> str:
    net, truth = expect_net(trained), digits(split="validation")[0]
    places = torch.rand(len(truth), 256, generator=seeded(19)).argsort(dim=1).view_as(truth)
    half, one = places < 128, places < 1
    covered = truth.masked_fill(half, 0.5)  # something else under the covers
    guesses = _guesses(net, truth, half)
    if float((_guesses(net, covered, half) - guesses)[half].abs().max()) > 1e-3:
        raise NotYetError("It looks at covered pixels: what lies there changes its guesses. Hide first, then look.")
    off, of_one = typical((guesses - truth)[half]), typical((_guesses(net, truth, one) - truth)[one])
    said = f"With half of the pixels covered it is off by {off:.3f}; at most 0.330 is wanted."
    if off <= 0.33:
        return f"With half of the pixels covered it is off by {off:.3f}: it learned on what it is asked."
    if of_one > 0.6:
        raise NotYetError(f"{said} The average picture is off by 0.40. Was it trained, and is this the one that was?")
    if of_one < 0.8 * off:
        raise NotYetError(
            f"{said} With one pixel covered it is off by {of_one:.2f} only: it has hardly met the question that it is"
            " asked here. What was covered while it learned?"
        )
    hint = "Is it trained to the end, and on questions like this one?"
    raise NotYetError(f"{said} With one pixel covered it is off by {of_one:.2f}. {hint}")

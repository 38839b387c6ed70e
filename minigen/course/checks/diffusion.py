"""The checks of chapter 7, diffusion."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import Named, answers_of, expect_digits, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor
from minigen.data import digits


@exercise("onward")
def _onward(function: Any, steps: Any) -> str:
    for (alpha_u, sigma_u), (alpha_t, sigma_t) in (
        ((1.0, 0.0), (0.6, 0.8)),
        ((0.8, 0.6), (0.6, 0.8)),
        ((math.cos(0.3), math.sin(0.3)), (math.cos(1.1), math.sin(1.1))),
        ((0.7, 0.3), (0.0, 1.0)),
        ((0.75, 0.25), (0.4, 0.6)),
    ):
        said = f"onward({alpha_u:.3g}, {sigma_u:.3g}, {alpha_t:.3g}, {sigma_t:.3g})"
        given = expect_tensor(f"What {said} returns", ask(function, alpha_u, sigma_u, alpha_t, sigma_t), (2,))
        factor, variance = alpha_t / alpha_u, sigma_t**2 - (alpha_t / alpha_u * sigma_u) ** 2
        traps = [
            (1 / factor if factor else math.nan, "Turned round: from u to t the picture gets fainter."),
            (alpha_t, "That would be the factor if x_u still were the whole picture."),
        ]
        otherwise = "What is left of the picture goes from alpha(u) to alpha(t): by what is it multiplied?"
        expect(given[0], factor, traps, otherwise, said=f"{said}: the factor is not right.")
        traps = [
            (math.sqrt(variance), "That is the noise's size. Asked is its variance, the square."),
            (sigma_t**2, "Some noise is in x_u already: the fresh one need only bring the rest."),
            (sigma_t**2 - sigma_u**2, "The noise that is in x_u gets fainter, too, with the picture."),
            (sigma_t**2 - factor * sigma_u**2, "If noise is multiplied by a factor, what happens to its variance?"),
        ]
        otherwise = "Variances of independent noises add up: to what, here?"
        expect(given[1], variance, traps, otherwise, said=f"{said}: the variance is not right.")
    one_off = "One off: is the share under 1 % for the first time after so many steps?"
    wrong_steps = {
        228.0: "That is for the variance. Asked is the factor in front of the picture.",
        227.0: "That is for the variance. Asked is the factor in front of the picture.",
        455.0: one_off,
        457.0: one_off,
        460.0: "Nearly: the logarithm of 1 - beta is not quite -beta.",
        461.0: "Nearly: the logarithm of 1 - beta is not quite -beta.",
    }
    hint = "By what does each step multiply the picture? After how many is that below 0.01?"
    expect_number("The number of steps", steps, 456, wrong_steps, hint, near=0.01)
    return "Small steps add up to one large one, so any level is reached in one line, without the steps before."


def _weighed(x_t: Tensor, centres: Tensor, variance: float, pictures: Tensor) -> Tensor:
    """Means of the pictures, weighed by how near x_t lies to the centres."""
    squares = ((x_t[:, None] - centres) ** 2).sum(dim=2)
    return (-squares / (2 * variance)).softmax(dim=1) @ pictures


@exercise("perfect-guess")
def _perfect_guess(function: Any, new: Any) -> str:
    random = seeded(17)
    for size, t in ((3, 0.45), (3, 0.8), (7, 0.3), (3, 1.0), (2000, 0.02)):
        alpha, sigma = (0.0, 1.0) if t == 1 else (math.cos(t * math.pi / 2), math.sin(t * math.pi / 2))
        pictures = torch.rand(20, size, generator=random, dtype=torch.float64) * 2 - 1
        x_t = alpha * pictures[:6] + sigma * torch.randn(6, size, generator=random, dtype=torch.float64)
        infinite = (
            f"At t = {t:g} it is no number: all weights became 0 before you divided. Their sizes don't matter, but"
            " their ratios do: how can those be kept?"
        )
        given = expect_tensor("The guess", ask(function, x_t, alpha, sigma, pictures), (6, size), infinite=infinite)
        wanted = _weighed(x_t, alpha * pictures, sigma**2, pictures)
        scaled_up = x_t / max(alpha, 1e-9)
        nearest = pictures[torch.cdist(x_t, alpha * pictures).argmin(dim=1)]
        traps = (
            (pictures.mean(dim=0).expand_as(wanted), "That is the plain mean, whatever x_t is. Does x_t say nothing?"),
            (nearest, "That is the one picture that fits best. Do the others count for nothing?"),
            (_weighed(scaled_up, pictures, sigma**2, pictures), "x_t got stronger. And its noise?"),
            (_weighed(x_t, pictures, sigma**2, pictures), "How strong is a picture once it is in x_t?"),
            (_weighed(x_t, alpha * pictures, sigma**2 / 2, pictures), "The weights fall too fast: see the formula."),
            (_weighed(x_t, alpha * pictures, sigma, pictures), "Is that the variance of the noise, or its size?"),
            (alpha * wanted, "That is as faint as in x_t. What is the guess a guess of?"),
        )
        otherwise = "Do the weights of one x_t sum to 1, over the 20 pictures?"
        expect(given, wanted, traps, otherwise, said=f"At t = {t:g} it is not right.")
    wrong_counts = {
        20.0: "20 is how many pictures it was given. Asked is how many of the 200 results are far from each of them.",
        200.0: "All of them? Look at the distance of each result to the *nearest* of the 20.",
    }
    hint = "Walk down from noise to level 0, with your function as the guess. How far is each result from each picture?"
    expect_number("The number of new pictures", new, 0, wrong_counts, hint, near=0.5)
    return "At t = 1 the mean of all, near 0 the best fit, and at the end of every walk a copy."


@exercise("normal-guess")
def _normal_guess(function: Any) -> str:
    x_t = torch.tensor([-1.5, 0.2, 0.9, 2.0], dtype=torch.float64)
    for (alpha, sigma), (m, v) in itertools.product(
        ((0.6, 0.8), (0.96, 0.28), (0.5, 0.5), (0.0, 1.0)), ((0.0, 1.5), (0.5, 0.04), (-1.0, 2.0))
    ):
        said = f"With alpha = {alpha:g}, sigma = {sigma:g} and data N({m:g}, {v:g})"
        infinite = f"{said} it is no number. Where nothing of the data is left, what do you still know?"
        given = expect_tensor("The guess", ask(function, x_t, alpha, sigma, m, v), (4,), infinite=infinite)
        slope, seen = alpha * v / (alpha**2 * v + sigma**2), x_t - alpha * m
        traps = (
            (x_t / alpha if alpha else x_t, "That trusts x_t wholly. What if the noise is far larger than the data?"),
            (x_t, "That hands back what is seen, noise and all."),
            (torch.full_like(x_t, m), "That is the guess of one who sees nothing. x_t does say something."),
            (slope * x_t, "The mean of the data is forgotten."),
            (slope * seen, "The mean of the data is forgotten."),
            (m + slope * (x_t - m), "In x_t the mean, too, is only alpha times as large."),
            (m + v / (alpha**2 * v + sigma**2) * seen, "How do x0 and x_t vary together? An alpha is missing."),
            (m + alpha * v / (v + sigma**2) * seen, "What is the variance of x_t? An alpha is missing."),
            (m + alpha * v / (alpha**2 * v + sigma) * seen, "Variances add up, and sigma is no variance."),
            (m + alpha * v**0.5 / (alpha * v**0.5 + sigma) * seen, "Variances add up, not sizes."),
        )
        otherwise = "The line's slope is the covariance of x0 and x_t, over the variance of x_t."
        expect(given, m + slope * seen, traps, otherwise, said=f"{said} it is not right.")
    return "A mean between what is seen and what is known before: the noisier, the less the guess listens."


def _drawn(guesses: Named, count: int, steps: int) -> Tensor:
    """The chapter's walk from noise to pictures, without dice."""
    x, rows = torch.randn(count, 256, generator=seeded(23), dtype=torch.float32), torch.linspace(1, 0, steps + 1)
    for t, u in itertools.pairwise(rows.float()):
        (alpha_t, sigma_t), (alpha_u, sigma_u) = guesses.inside.schedule(t), guesses.inside.schedule(u)
        x0_hat = answers_of(guesses, x, t.expand(count, 1)).float()
        x = alpha_u * x0_hat + sigma_u * (x - alpha_t * x0_hat) / sigma_t
    return x


@exercise("train-new")
def _train_new(trained: Any) -> str:
    net = expect_digits(trained)
    guesses = Named(net, clip=True)
    known, unseen = (digits(split=split)[0].flatten(1) for split in ("train", "validation"))
    t = torch.full((len(unseen), 1), 0.5)
    alpha, sigma = net.schedule(t)
    x_t = alpha * unseen + sigma * torch.randn(unseen.shape, generator=seeded(29), dtype=torch.float32)
    off = typical(answers_of(guesses, x_t, t) - unseen)
    copies = int((torch.cdist(_drawn(guesses, 100, 16), known.float()).amin(dim=1) < 1).sum())
    said = f"Of 100 digits drawn, {copies} are copies; guesses of unseen ones are off by {off:.3f}."
    if copies <= 20 and off <= 0.33:
        return f"{said} It has seen enough to fill the gaps with digits that could be."
    if off > 0.45:
        raise NotYetError(f"{said} A fog is off by 0.40. Was it trained, and is this the one that was?")
    if copies > 20:
        raise NotYetError(f"{said} It knows digits by heart. What decides whether it does?")
    raise NotYetError(
        f"{said} At most 0.33 is wanted. New it is, but so is any scribble. What would it need to guess better?"
    )

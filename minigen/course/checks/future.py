"""The checks of chapter 14, what came after."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net, typical
from minigen.course.checks.judging import NotYetError, Trap, apart, ask, exercise, expect, expect_number, expect_tensor


def _flow_steps(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> tuple[Tensor, list[Trap]]:
    """The right step along the straight line, and wrong ones that people take, with their hints."""
    eps_hat = (x_t - (1 - t) * x0_hat) / t
    velocity = eps_hat - x0_hat
    circle, place = math.pi / 2 * t, math.pi / 2 * u
    eps_circle = (x_t - math.cos(circle) * x0_hat) / math.sin(circle)
    uphill, undivided = x_t - (u - t) * velocity, x_t + (u - t) * (t * eps_hat - x0_hat)
    swapped, on_the_circle = x_t + (u - t) * (x_t - x0_hat), math.cos(place) * x0_hat + math.sin(place) * eps_circle
    by_u = x_t + (u - t) * ((x_t - (1 - t) * x0_hat) / (u or 1) - x0_hat)
    less_u = x_t + (u - t) * ((x_t - (1 - u) * x0_hat) / t - x0_hat)
    mixed = x_t + (u - t) * (eps_circle - x0_hat)
    turning = [
        x_t + (u - t) * pace * (math.cos(circle) * eps - math.sin(circle) * x0_hat)
        for pace in (1, math.pi / 2)
        for eps in (eps_hat, eps_circle)
    ]
    of_the_circle = "That is the velocity of the quarter circle. Here alpha is 1 - t, and sigma is t."
    divided = "The noise is what is left of x_t without its share of the picture, and then? It came with a factor."
    return x_t + (u - t) * velocity, [
        (uphill, "That walks away from the picture. Here v leads from the picture to the noise, and t falls."),
        (x_t - velocity, "However short the step should be, yours goes all the way. How long is it, from t to u?"),
        (x_t + velocity, "However short the step should be, yours has length 1, and it goes towards the noise."),
        (x_t + u * velocity, "The length of a step is the difference of two levels. Yours uses one of them."),
        (undivided, divided),
        (swapped, "v leads from the picture to the noise. Yours leads to x_t, which is on the way."),
        (on_the_circle, "That is the step of the quarter circle. Here alpha is 1 - t, and sigma is t."),
        (by_u, "The noise in x_t came with the factor of x_t's own level. Which of the two levels is that?"),
        (less_u, "How much picture is in x_t? As much as its own level says. Which of the two levels is that?"),
        (mixed, "You took the noise out of x_t with the quarter circle. Here alpha is 1 - t, and sigma is t."),
        *((turned, of_the_circle) for turned in turning),
        (x0_hat, "That writes the guess, as if every step led to the end."),
    ]


@exercise("euler-step")
def _euler_step(function: Any) -> str:
    random = seeded(18)
    for t, u in ((0.8, 0.3), (1.0, 0.75), (0.5, 0.0), (0.25, 0.2), (0.6, 0.6)):
        x_t, x0_hat = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
        infinite = f"From t = {t} to u = {u} your result is not finite. What do you divide by?"
        given = expect_tensor("The result", ask(function, x_t, x0_hat, t, u), (3, 4), infinite=infinite)
        right, traps = _flow_steps(x_t, x0_hat, t, u)
        said = f"From t = {t} to u = {u} you are {apart(given, right):.2g} off."
        otherwise = "First the noise that goes with the guess, then v, then one step along it."
        expect(given, right, traps, otherwise, said=said)
    return "To the last digits it is the book's step: the velocity of flow matching was in it all along."


def _jumps(x_t: Tensor, alpha: float, sigma: float, v: float) -> tuple[Tensor, list[Trap]]:
    """Where the walk from x_t ends if the data are N(0, v), and what people answer in its place, with their hints."""
    variance, spread = alpha**2 * v + sigma**2, math.sqrt(v)
    guess, rescaled = x_t * alpha * v / variance, x_t / alpha if alpha else x_t * math.inf
    by_spreads = x_t * spread / (alpha * spread + sigma)
    return x_t * math.sqrt(v / variance), [
        (guess, "That is the best guess from here, an average. Asked is where a whole walk of small steps ends."),
        (x_t * v / variance, "Numbers spread like the root of their variance."),
        (x_t * spread, "That is right from pure noise alone. From further down, what does x_t spread by?"),
        (x_t, "Walking changes x_t: at the end the numbers must spread like the data."),
        (rescaled, "That leaves all the noise in, enlarged."),
        (by_spreads, "Two independent parts: add up their variances, not their spreads."),
        (x_t * math.sqrt(variance / v), "Upside down: from pure noise, narrow data must end narrow."),
    ]


@exercise("one-jump")
def _one_jump(function: Any) -> str:
    random = seeded(19)
    hint = "At every level x_t is normal, and the walk keeps its place: a number that is one spread out stays so."
    for t, v in itertools.product((0.7, 0.4, 1.0, 0.0), (0.25, 2.0)):
        alpha, sigma = (0.0, 1.0) if t == 1 else (math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t))
        x_t = torch.randn(5, generator=random, dtype=torch.float64)
        infinite = f"At alpha = {alpha:.3g} your result is not finite. What do you divide by?"
        given = expect_tensor("The end of the walk", ask(function, x_t, alpha, sigma, v), (5,), infinite=infinite)
        right, traps = _jumps(x_t, alpha, sigma, v)
        off = apart(given, right)
        said = f"At alpha = {alpha:.3g}, sigma = {sigma:.3g} and v = {v} you are {off:.2g} off."
        expect(given, right, traps, hint, said=said)
    ends = []
    for t in (0.9, 0.2):  # two points of one walk, three spreads out
        alpha, sigma = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
        x_t = torch.tensor([3 * math.sqrt(0.25 * alpha**2 + sigma**2)], dtype=torch.float64)
        ends.append(float(expect_tensor("The end of the walk", ask(function, x_t, alpha, sigma, 0.25), (1,))))
    if abs(ends[0] - ends[1]) > 1e-4:
        raise NotYetError("From two points of one walk your function jumps to two different ends.")
    return "One call for a whole walk, and from every point of it the same end: that is what distillation teaches."


@exercise("latent-bill")
def _latent_bill(fewer: Any, tokens_of_pixels: Any, tokens_of_latents: Any, attention: Any) -> str:
    traps = {
        64.0: "That compares the places alone. A pixel has three numbers, a latent has four.",
        8.0: "That is one side of the picture over one side of the latents.",
        85 + 1 / 3: "The three and the four are swapped.",
        16384.0: "That is how many numbers the latents are. How many times fewer is that?",
        786432.0: "That is how many numbers the picture is. How many times fewer are the latents?",
    }
    expect_number(
        "The first answer", fewer, 48, {**traps, 1 / 48: "Turned round."}, "Count all numbers, colours included."
    )
    traps = {
        262144.0: "That is one token for each pixel. A patch covers more than one.",
        131072.0: "A patch is two pixels wide, and two high as well.",
        196608.0: "A patch takes the three colours of its pixels along: they make no tokens of their own.",
        256.0: "That is one row of patches. How many rows are there?",
    }
    expect_number("The number of tokens of the picture", tokens_of_pixels, 65536, traps, "How many patches tile it?")
    traps = {
        4096.0: "That is one token for each place. A patch covers more than one.",
        2048.0: "A patch is two places wide, and two high as well.",
        32.0: "That is one row of patches. How many rows are there?",
    }
    expect_number("The number of tokens of the latents", tokens_of_latents, 1024, traps, "How many patches tile them?")
    traps = {
        64.0: "That is how many times fewer tokens there are. But attention compares every token with every other.",
        2304.0: "Attention counts pairs of tokens, not of numbers.",
        128.0: "Attention compares every token with every other: what does twice as many tokens cost?",
        1 / 4096: "Turned round.",
    }
    expect_number("The last answer", attention, 4096, traps, "How many pairs of tokens are there, before and after?")
    return "Few of the numbers carry what the picture shows, and attention pays for their square."


def _stepped(net: nn.Module, calls: int) -> Tensor:
    """Where a thousand points end that the network leads down from noise, each call along its mean velocity."""
    x, rows = torch.randn(1000, 2, generator=seeded(20), dtype=torch.float64), torch.linspace(1, 0, calls + 1).double()
    for t, r in itertools.pairwise(rows):
        said = answers_of(net, x, t.expand(len(x), 1), r.expand(len(x), 1))
        x = x - (t - r) * expect_tensor("For 1000 points its mean velocity", said, (len(x), 2)).double()
    return x


@exercise("train-stretch")
def _train_stretch(trained: Any) -> str:
    net = expect_net(trained)
    ends = _stepped(net, 1)
    off, off_in_64 = (typical(points.norm(dim=1) - 0.7) for points in (ends, _stepped(net, 64)))
    said = f"In one call its points are off the ring by {off:.2f}; at most 0.3 is wanted."
    if min(off, off_in_64) > 0.5:
        raise NotYetError(f"{said} Noise itself is off by 0.86. Was it trained, and is this the one that was?")
    if off > 0.3:
        raise NotYetError(
            f"{said} In 64 calls: {off_in_64:.2f}. Over which stretch is it asked in one call, and did it meet such"
            " stretches while it learned?"
        )
    quarters = torch.stack([(ends[:, 0] * one > 0) & (ends[:, 1] * other > 0) for one in (1, -1) for other in (1, -1)])
    if float(quarters.double().mean(dim=1).min()) < 0.1:
        raise NotYetError("Its points are on the ring, but not all around it. Did it learn on the whole ring?")
    return f"In one call its points are off the ring by {off:.2f}: it knows the mean velocity of the whole way."

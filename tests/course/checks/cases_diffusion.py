"""The cases of chapter 7, diffusion: right answers, and wrong ones that people give."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import nan

import torch
from helpers_checks import Case, breaks, empty
from torch import Tensor, nn

from minigen import IdealGenerator, heads, nets, plans
from minigen.data import digits
from minigen.generator import Generator
from minigen.training import History


def onward(alpha_u: float, sigma_u: float, alpha_t: float, sigma_t: float) -> tuple[float, float]:
    factor = alpha_t / alpha_u
    return factor, sigma_t**2 - factor**2 * sigma_u**2


def perfect_guess(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).softmax(dim=1) @ pictures


def weights_underflow(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    weights = (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).exp()
    return weights @ pictures / weights.sum(dim=1, keepdim=True)


def like(x_t: Tensor, centres: Tensor, variance: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, centres) ** 2) / (2 * variance)).softmax(dim=1) @ pictures


def over_the_batch(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).softmax(dim=0) @ pictures


def normal_guess(x_t: Tensor, alpha: float, sigma: float, m: float, v: float) -> Tensor:
    return m + alpha * v * (x_t - alpha * m) / (alpha**2 * v + sigma**2)


class Known(Generator):
    """A generator that needs no training: what it guesses of flat pictures is known."""

    def __init__(self, guess: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...] = (256,)) -> None:
        net = nets.MLP(256, width=8) if len(shape) == 1 else nets.UNet(size=16, widths=(8, 8))
        super().__init__(net, heads.Regression("x0"), plans.diffusion())
        self.guess = guess

    def belief(self, x_t: Tensor, t: Tensor, *others: object, **named: object) -> Tensor:
        return self.guess(x_t.flatten(1), t.flatten(1)).view_as(x_t).to(x_t)


@cache
def known() -> Tensor:
    return digits(size=16)[0].flatten(1).double()


def as_numbers_do(x_t: Tensor, t: Tensor) -> Tensor:
    """The guess of numbers that are spread normally: for 256 at once, in the directions in which digits vary."""
    m = known().mean(dim=0)
    spread, ways = torch.linalg.eigh(torch.cov(known().T))
    alpha, sigma = (part.double() for part in (torch.cos(t * torch.pi / 2), torch.sin(t * torch.pi / 2)))
    slope = alpha * spread / (alpha**2 * spread + sigma**2)
    return m + ((x_t.double() - alpha * m) @ ways * slope) @ ways.T


def copier(count: int) -> Callable[[Tensor, Tensor], Tensor]:
    perfect = IdealGenerator(known()[:count].float(), heads.Regression("x0"), plans.diffusion())
    return lambda x_t, t: perfect.belief(x_t, t.expand_as(x_t))


CASES = {
    "onward": Case(
        right=[(onward, 456), (lambda *given: torch.tensor(onward(*given), dtype=torch.float64), 456.0)],
        wrong={
            "Turned round": [(lambda a, b, c, d: (a / c if c else 0, onward(a, b, c, d)[1]), 456)],
            "whole picture": [(lambda a, b, c, d: (c, d**2), 456)],
            "by what is it multiplied": [
                (lambda a, b, c, d: (c - a, d**2), 456),
                (lambda a, b, c, d: (nan, d**2), 456),
            ],
            "its variance": [(lambda a, b, c, d: (c / a, d), 456)],
            "in x_u already": [(lambda a, b, c, d: (c / a, d**2), 456)],
            "fainter, too": [(lambda a, b, c, d: (c / a, d**2 - b**2), 456)],
            "what happens to its variance": [(lambda a, b, c, d: (c / a, d**2 - c / a * b**2), 456)],
            "add up": [(lambda a, b, c, d: (c / a, 1 - (c / a) ** 2), 456), (lambda a, b, c, d: (c / a, nan), 456)],
            "shape": [(lambda a, b, c, d: c / a, 456)],
            "for the variance": [(onward, 228)],
            "One off": [(onward, 455)],
            "Nearly": [(onward, 461)],
            "After how many": [(onward, 50)],
            "returns nothing yet": [(empty, 456)],
            "A function is wanted": [(0.5, 456)],
        },
        secret=r"\b456\b|/ alpha|alpha_t|sigma_t|\*\* ?2",
    ),
    "perfect-guess": Case(
        right=[(perfect_guess, 0)],
        wrong={
            "say nothing": [(lambda x, a, s, p: p.mean(dim=0).expand_as(x), 0)],
            "count for nothing": [(lambda x, a, s, p: p[torch.cdist(x, a * p).argmin(dim=1)], 0)],
            "once it is in x_t": [(lambda x, a, s, p: like(x, p, s**2, p), 0)],
            "too fast": [(lambda x, a, s, p: like(x, a * p, s**2 / 2, p), 0)],
            "or its size": [(lambda x, a, s, p: like(x, a * p, s, p), 0)],
            "And its noise": [(lambda x, a, s, p: like(x / (a + 1e-12), p, s**2, p), 0)],
            "a guess of": [(lambda x, a, s, p: a * perfect_guess(x, a, s, p), 0)],
            "it is no number": [(weights_underflow, 0)],
            "sum to 1": [(over_the_batch, 0)],
            "shape": [(lambda x, a, s, p: perfect_guess(x, a, s, p)[0], 0)],
            "it was given": [(perfect_guess, 20)],
            "nearest": [(perfect_guess, 200)],
            "Walk down": [(perfect_guess, 7)],
            "returns nothing yet": [(empty, 0)],
            "stopped with KeyError": [(breaks, 0)],
            "A function is wanted": [(3, 0)],
        },
        secret=r"softmax|cdist|is 0\b|\bzero\b|\bnone\b|\bcop(y|ies)\b|alpha|sigma \*\*|squared",
    ),
    "normal-guess": Case(
        right=[normal_guess, lambda x, a, s, m, v: normal_guess(x, a, s, m, v).tolist()],
        wrong={
            "trusts x_t wholly": [lambda x, a, s, m, v: x / a if a else x],
            "covariance": [lambda x, a, s, m, v: (x - s) / a if a else x / 0.0],
            "it is no number": [lambda x, a, s, m, v: normal_guess(x, a, s, m, v) if a else x / 0.0],
            "hands back": [lambda x, a, s, m, v: x],
            "sees nothing": [lambda x, a, s, m, v: 0 * x + m],
            "is forgotten": [
                lambda x, a, s, m, v: normal_guess(x, a, s, 0, v),
                lambda x, a, s, m, v: normal_guess(x, a, s, m, v) - m,
            ],
            "the mean, too": [lambda x, a, s, m, v: m + a * v * (x - m) / (a**2 * v + s**2)],
            "vary together": [lambda x, a, s, m, v: m + v * (x - a * m) / (a**2 * v + s**2)],
            "the variance of x_t": [lambda x, a, s, m, v: m + a * v * (x - a * m) / (v + s**2)],
            "no variance": [lambda x, a, s, m, v: m + a * v * (x - a * m) / (a**2 * v + s)],
            "not sizes": [lambda x, a, s, m, v: m + a * v**0.5 * (x - a * m) / (a * v**0.5 + s)],
            "shape": [lambda x, a, s, m, v: m],
        },
        secret=r"alpha\*\*2|alpha \* v|a\*\*2",
        function=True,
    ),
    "train-new": Case(
        right=[(Known(as_numbers_do),), (Known(as_numbers_do, (1, 16, 16)),)],
        wrong={
            "by heart": [(Known(copier(20)),), (Known(copier(3600)),)],
            "any scribble": [(Known(lambda x, t: known().mean(dim=0).expand_as(x)),)],
            "Was it trained": [(Known(lambda x, t: x),)],
            "256 pixels": [
                (nn.Linear(256, 256),),
                (Generator(nets.MLP(2, width=8), heads.Regression("x0"), plans.diffusion()),),
            ],
            "the class Generator": [(Generator,)],
            "not finite": [(Known(lambda x, t: x.log()),)],
            "history": [(History(),)],
        },
        secret=r"more digits|all digits|3,600|\[:",
    ),
}

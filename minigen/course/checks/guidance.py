"""The checks of chapter 13, guidance."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.conditions import Labels
from minigen.course.checks.handed_in import expect_net
from minigen.course.checks.judging import (
    NotYetError,
    Trap,
    apart,
    ask,
    close,
    exercise,
    expect,
    expect_number,
    expect_tensor,
)
from minigen.generator import Generator
from minigen.process import step

_CHANGED_PLACES = "The two runs have changed places: scale 0 should be the guess without the prompt."
_CUT_OFF = "That is cut off at both ends. Nothing is said of that here: a guess may go as far as it goes."


def _guide_traps(u: Tensor, c: Tensor, scale: float) -> list[Trap]:
    """Wrong ways to guide, from the guesses without and with the prompt."""
    other_convention = "That is the other convention, with w for the scale: its 1 pushes already. Here 1 is off."
    return [
        (c + scale * (u - c), _CHANGED_PLACES),
        (c + scale * (c - u), other_convention),
        (scale * (c - u), "That is the difference alone, a direction. From where do you go in it?"),
        (u - scale * (c - u), "That pushes away from the prompt. Which way does the difference point?"),
        (scale * c, "The scale belongs to the difference, not to the guess with the prompt alone."),
    ]


@exercise("with-and-without")
def _with_and_without(guide: Any, from_w: Any) -> str:
    random = seeded(20)
    for scale in (0.0, 1.0, 3.0, 0.5):
        uncond, cond = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
        infinite = f"With guidance_scale = {scale:g} your guess is not finite."
        given = expect_tensor("The guess", ask(guide, uncond, cond, scale), (3, 4), infinite=infinite)
        right, traps = uncond + scale * (cond - uncond), _guide_traps(uncond, cond, scale)
        otherwise = "How far from the guess without the prompt should the answer be, and in which direction?"
        if scale == 0:  # several traps are one there
            traps, otherwise = [], "There the prompt should not count at all."
            if close(given, cond):
                otherwise = _CHANGED_PLACES if _swapped(guide) else "That is the guess with the prompt."
        if _is_cut_off(given, right):
            otherwise = _CUT_OFF
        said = f"With guidance_scale = {scale:g} you are {apart(given, right):.2g} off."
        expect(given, right, traps, otherwise, said=said)
    for w in (0.0, 1.0, 6.5):
        scale = float(expect_tensor("The scale", ask(from_w, w), ()))
        one_name = "That would be one name for one thing. But their 0 is off, and our 1 is off."
        traps = [(w - 1, "That goes from ours to theirs.")]
        if w:
            traps.append((w, one_name))
        otherwise = "A paper's w = 0 is off. At which scale are we off?"
        expect(scale, w + 1, traps, otherwise, said=f"For w = {w:g} your scale is not right.")
    return "Off is 1 here, and 0 with w: say which, wherever you write a number down."


def _is_cut_off(given: Tensor, right: Tensor) -> bool:
    """Whether the answer is right but for what lies beyond its own ends, wherever they are."""
    low, high = given.min(), given.max()
    return bool(low < high) and close(given, right.clamp(low.double(), high.double()))


def _swapped(guide: Any) -> bool:
    """Whether the reader's function takes 1 for "without"."""
    uncond, cond = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return close(expect_tensor("The guess", ask(guide, uncond, cond, 1.0), (1,)), uncond)


@exercise("narrower")
def _narrower(walked: Any, product: Any) -> str:
    traps = {
        1 / 17: "That is what people expect: the product. Follow the walk: by what factor does it shrink numbers?",
        1 / 9: "That is what the prompt alone gives, or the spread of the right answer. Asked is a variance.",
        1 / 18: "The prompt leaves a third of the spread. Twice the push is not half the variance: factors multiply.",
        -7 / 9: "A variance is not below 0: the formula of the guesses does not hold for variances.",
        -1 / 3: "Spreads don't add up along the walk. By what factor does each part shrink a number?",
        1 / 16: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
        1.0: "That is the walk without the prompt.",
    }
    hint = "Without the prompt the walk shrinks a number by the factor 1, with it by 1/3. What do two pushes do?"
    expect_number("The variance at the end of the walk", walked, 1 / 81, traps, hint)
    traps = {
        1 / 81: "That is where the walk ends. What is the variance of p(x | c) squared, over p(x)?",
        1 / 18: "That is p(x | c) squared. It is still to be divided by p(x).",
        1 / 19: "That multiplies by p(x). Which way does p(x) count?",
        17.0: "That is one over the variance.",
        1 / 9: "That is what the prompt alone gives.",
        1 / 7: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
    }
    expect_number(
        "The variance of the product", product, 1 / 17, traps, "Add up the exponents: each is x squared times what?"
    )
    return "So this guided walk ends narrower than the product that it is often said to draw from."


@exercise("calls-of-an-interval")
def _calls_of_an_interval(function: Any) -> str:
    hint = "how often is the network asked about each picture, in a guided step and in another one?"
    counts = ((16, 5), (16, 0), (16, 16), (50, 20), (1, 1))
    for (steps, guided), batched in itertools.product(counts, (True, False)):
        traps = (
            (2 * steps, "is every step a guided one?"),
            (steps, "does a batch save work, or only waiting?"),
            (2 * guided, "and what of the other steps?"),
            (guided, "that is what guidance costs besides. Asked are all calls."),
            (steps - guided, "guided steps ask more, not less."),
        )
        calls = float(expect_tensor("The number of calls", ask(function, steps, guided, batched), ()))
        said = f"For {steps} steps, {guided} of them guided, {'batched' if batched else 'one after the other'}:"
        expect(calls, steps + guided, traps, hint, said=said, near=0)
    return "All the more reason to guide only where it helps."


_LEFT_AND_RIGHT = torch.tensor([[-0.25, 0.0], [0.25, 0.0]])
_REACH = 0.52
"""Of a disc of radius 0.5, and a little for the network's blur."""

_LEAST, _MOST = 0.93, 0.25
"""Of the points: wanted in their disc, and allowed in the other one."""


def _walked(net: Generator, scale: float, told: int, count: int = 1000, steps: int = 32) -> Tensor:
    """Points that a network draws, told a disc and pushed. (``sample`` refuses what was never asked untold.)"""
    weights = next(net.parameters())
    labels = torch.full((count,), told, device=weights.device)
    x = torch.randn(count, 2, generator=seeded(13), dtype=torch.float32).to(weights)
    rows = torch.linspace(1, 0, steps + 1, dtype=torch.float64).to(weights)
    training = net.training
    try:
        net.eval()
        with torch.no_grad():
            for t, u in itertools.pairwise(rows):
                t, u = t.expand(count, 1), u.expand(count, 1)
                guess = net.head.x0_hat(net.belief(x, t, labels, scale), None, 1.0, False)
                x = step(x, guess, t, u, net.schedule)
    except (ValueError, RuntimeError, IndexError) as error:
        raise NotYetError(f"Asked for points of a disc, your network stopped: {error}") from None
    finally:
        net.train(training)
    return x.double().cpu()


def _inside(net: Generator, scale: float) -> tuple[float, float]:
    """The shares of points in the disc that was asked for, and in the other one: of the disc that does worse."""
    shares = []
    for told in (0, 1):
        points = _walked(net, scale, told)
        own, other = (
            float(((points - _LEFT_AND_RIGHT[disc]).norm(dim=1) < _REACH).double().mean()) for disc in (told, 1 - told)
        )
        shares.append((own, other))
    return min(own for own, _ in shares), max(other for _, other in shares)


def _expect_told(trained: Any) -> Generator:
    net = expect_net(trained)
    told = net.condition if isinstance(net, Generator) else None
    if not isinstance(net, Generator) or tuple(net.shape) != (2,) or not isinstance(told, Labels) or told.classes != 2:
        raise NotYetError("Hand in a mg.Generator of points in the plane that is told one of two labels.")
    return net


@exercise("train-dropout")
def _train_dropout(trained: Any, scale: Any) -> str:
    net = _expect_told(trained)
    push = float(expect_tensor("The scale", scale, (), infinite="The scale should be a finite number."))
    (own, other), (plain, both) = _inside(net, push), _inside(net, 1.0)
    said = f"At scale {push:g} {own:.0%} of its points lie in their disc, and {other:.0%} in the other one"
    if own >= _LEAST and other <= _MOST:
        return f"{said}; at scale 1 it is {plain:.0%} and {both:.0%}. Both of its answers were learned."
    said = f"{said}; at least {_LEAST:.0%} and at most {_MOST:.0%} are wanted."
    if both > 0.7:
        raise NotYetError(
            f"{said} At scale 1 {both:.0%} lie in the other one. Was it trained, and did it hear the label?"
        )
    if plain < 0.9:
        raise NotYetError(f"{said} At scale 1 it is {plain:.0%}, so it doesn't obey without a push. Was it trained?")
    if push == 1:
        raise NotYetError(f"{said} Scale 1 is off.")
    if push < 1:
        raise NotYetError(f"{said} Below 1 the label counts less than it should.")
    if own >= _LEAST:
        raise NotYetError(f"{said} Its points stay where they could be of either disc. Is that push strong enough?")
    gentle, _ = _inside(net, 1.5)
    if gentle >= _LEAST:
        raise NotYetError(f"{said} They were pushed over the edge: at scale 1.5 it is {gentle:.0%}.")
    raise NotYetError(
        f"{said} A gentle push does harm, too: at scale 1.5 it is {gentle:.0%}, without one {plain:.0%}. A push rests"
        " on two answers. How often was the second question asked while it learned?"
    )

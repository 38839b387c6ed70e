"""The checks of chapter 9, one network, and what it predicts."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import Named, answers_of, expect_digits, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor, refuses
from minigen.data import digits
from minigen.generator import Generator

_NAMES = ("x0", "eps", "v")


def _named(alpha: float, random: torch.Generator) -> tuple[dict[str, Tensor], Tensor, float]:
    """Some picture, its noise and its v (cosine), the mixture, and sigma."""
    sigma = math.sqrt(1 - alpha**2)
    x0, eps = torch.randn(2, 5, 3, generator=random, dtype=torch.float64)
    return {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0}, alpha * x0 + sigma * eps, sigma


def _how_to_name(source: str, target: str) -> str:
    if source == target:
        return "nothing is to be done there, so hand the value back."
    if source != "x0" and target != "x0":
        return "not right. Go round by the picture itself."
    if "v" in (source, target):
        return "not right. Two equations hold, one for x_t and one for v: solve them for x0."
    return "not right. Solve x_t = alpha x0 + sigma eps for what is asked."


@exercise("name-one-get-all")
def _name_one_get_all(function: Any) -> str:
    random = seeded(9)
    for alpha, (source, target) in itertools.product((0.6, 0.1, 0.98), itertools.product(_NAMES, _NAMES)):
        names, x_t, sigma = _named(alpha, random)
        value, wanted = names[source], names[target]
        said = f"From {source} to {target} at alpha = {alpha:g}"
        given = expect_tensor(
            said, ask(function, value, source, target, x_t, alpha, sigma, said=f"{said}:"), tuple(wanted.shape)
        )
        traps = [(-wanted, "the sign is turned round. In v the noise counts plus, the picture minus.")]
        expect(given, wanted, traps, _how_to_name(source, target), said=f"{said}:")
    for target in ("x0", "v"):
        names, x_t, sigma = _named(0.0, random)
        _raises_at_pure_noise(function, names["eps"], target, x_t)
    names, x_t, sigma = _named(0.0, random)
    given = expect_tensor("From v to x0 at alpha = 0", ask(function, names["v"], "v", "x0", x_t, 0.0, 1.0), (5, 3))
    hint = "From v to x0 at alpha = 0: not right, but v does hold the picture there. Divide by nothing."
    expect(given, names["x0"], (), hint)
    return "Name one of the three and you have named all, except where the noise is all there is."


def _raises_at_pure_noise(function: Any, eps: Tensor, target: str, x_t: Tensor) -> None:
    said = f"From eps to {target} at alpha = 0"
    try:
        if refuses(function, eps, "eps", target, x_t, 0.0, 1.0):
            return
    except NotYetError as hint:
        raise NotYetError(f"{said}: {hint}") from None
    raise NotYetError(
        f"{said} it gave an answer. There x_t is the noise itself and says nothing of the picture: raise a ValueError."
    )


@exercise("loss-weights")
def _loss_weights(in_eps: Any, in_v: Any, function: Any) -> str:
    inverse = "Turned round: that is how often an error of the other counts as an error of x0."
    root = "Nearly: the loss takes the square of the error."
    traps = {16 / 9: inverse, 0.75: root, 4 / 3: f"{inverse} And the loss takes the square.", 0.36: "And the sigma?"}
    hint = "At fixed x_t, x0 and eps are bound by x_t = alpha x0 + sigma eps. If x0 moves by 1, by how much does eps?"
    expect_number("The weight in the eps loss", in_eps, 0.5625, traps, hint)
    more = "The noise that goes with x0 moves, too: both parts of v change, and in the same direction."
    traps = {0.64: inverse, 1.25: root, 0.8: inverse, 0.0784: more, 0.28: more, 1.0: more}
    hint = "If x0 moves by 1, v = alpha eps - sigma x0 moves by its own part and by that of the noise."
    expect_number("The weight in the v loss", in_v, 1.5625, traps, hint)
    for alpha in (0.8, 0.1, 0.99):
        sigma = math.sqrt(1 - alpha**2)
        given = expect_tensor("What loss_weights returns", ask(function, alpha, sigma), (2,))
        for name, value, wanted in (("eps", given[0], (alpha / sigma) ** 2), ("v", given[1], 1 / sigma**2)):
            hint = f"Your numbers are right, but loss_weights({alpha:g}, {sigma:.4f}) is not, for {name}."
            expect(value, wanted, (), hint, near=0)
    return "Where the picture is nearly clean, both losses shout; x0's own loss says the same everywhere."


@exercise("handed-back")
def _handed_back(share: Any) -> str:
    shrunk = (1 - math.sqrt(0.8)) ** 2
    traps = {
        math.sqrt(0.8): "That is how much of the picture is left, as a factor. Asked is a share of variance.",
        0.2 + shrunk: "That is what is left to explain. Asked is what is explained.",
        0.2: "That is the variance of the fresh noise. Asked is what is explained.",
        0.8: "The noise is not the only error: what is handed back is also a little smaller than what is wanted.",
        1 - shrunk: "Not all of it: what you hand back holds the fresh noise of one step, and that is an error, too.",
        0.8**2: "A square too many, or beta taken off twice: beta is a variance already, and it counts once.",
    }
    hint = "The error is what you hand back minus what is wanted. What is its variance, and what is the target's?"
    expect_number("The share", share, 0.8 - shrunk, traps, hint, near=2e-3)
    return "Such a target looks easy: most of it, with small steps nearly all, is known before anything is learned."


def _off(net: Generator, level: float) -> tuple[float, float]:
    """How far from unseen digits is what it names, unclipped, and how far what it sees, at a level."""
    x0 = digits(split="validation")[0].flatten(1)
    t = torch.full((len(x0), 1), level)
    alpha, sigma = net.schedule(t)
    x_t = alpha * x0 + sigma * torch.randn(x0.shape, generator=seeded(31), dtype=torch.float32)
    return typical(answers_of(Named(net, clip=False), x_t, t) - x0), typical(x_t / alpha - x0)


@exercise("train-target")
def _train_target(trained: Any) -> str:
    net = expect_digits(trained)
    (off, seen), (half, _) = (_off(net, level) for level in (0.05, 0.5))
    said = f"At level 0.05 it is off by {off:.3f}, and the noisy digit itself by {seen:.3f}"
    if off <= 0.76 * seen:
        return f"{said}. Its loss counts what is asked here."
    said = f"{said}; at most {0.76 * seen:.2f} is wanted."
    if abs(off / seen - 1) < 0.03:
        raise NotYetError(f"{said} That is as good as handing back what it sees. Was it trained?")
    if half > 0.42:
        raise NotYetError(f"{said} At level 0.5 it is off by {half:.2f}, and a fog by 0.40. Was it trained to the end?")
    raise NotYetError(
        f"{said} At level 0.5 it is off by {half:.2f}: it has learned something. What does its loss care for?"
    )

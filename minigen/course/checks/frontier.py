"""The checks of chapter 11, the frontier."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import expect_net
from minigen.course.checks.judging import (
    NotYetError,
    as_numbers,
    ask,
    exercise,
    expect,
    expect_number,
    expect_tensor,
    refuses,
)
from minigen.data import digits
from minigen.generator import Generator
from minigen.metrics import frechet
from minigen.sampling import sample

Point = tuple[float, float]
"""What something costs, and its distance; less is better in both."""


def _beats(one: Point, other: Point, strictly: bool = False) -> bool:
    """Whether a point is at least as good in both and better in one; ``strictly``: in both."""
    if strictly:
        return one[0] < other[0] and one[1] < other[1]
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def _unbeaten(points: list[Point], strictly: bool = False) -> list[bool]:
    return [not any(_beats(other, point, strictly) for other in points) for point in points]


def _pareto_traps(points: list[Point]) -> list[tuple[list[bool], str]]:
    """What people take for the frontier, with their hints."""
    right = _unbeaten(points)
    equals = "Two equal points do not beat each other: neither is better in anything. Keep both."
    worse_in_one = "A point with equal cost but a larger distance is beaten, too: worse in one number, better in none."
    of_more = _unbeaten([(-cost, -distance) for cost, distance in points])
    neither = [each and points.count(point) == 1 for each, point in zip(right, points, strict=True)]
    only_the_first = [
        each and point not in points[:place] for place, (each, point) in enumerate(zip(right, points, strict=True))
    ]
    return [
        ([False] * len(points), "No point is left. Are yours the beaten ones? Or does each point beat itself?"),
        (of_more, "That is turned round: less is better, in both numbers."),
        (neither, f"{equals} Yours keeps neither."),
        (only_the_first, equals),
        (_unbeaten(points, strictly=True), worse_in_one),
    ]


def _first_wrong(points: list[Point], kept: list[bool]) -> str:
    """A sentence on the first point that is wrongly kept or left out."""
    for point, each, right in zip(points, kept, _unbeaten(points), strict=True):
        if each != right:
            better = next((other for other in points if _beats(other, point)), None)
            said = f"is beaten by {better}" if better else "is beaten by no other point"
            return f"Among {len(points)} points, {point} {said}; you say {each}."
    return ""


@exercise("pareto")
def _pareto(function: Any) -> str:
    random = seeded(15)
    cloud = [(round(a, 1), round(b, 1)) for a, b in (torch.rand(30, 2, generator=random) * 3).tolist()]
    worlds = [
        [(1.0, 9.0), (2.0, 8.9), (3.0, 1.0)],  # not on the hull, but on the frontier
        [(4.0, 1.0), (1.0, 5.0), (2.0, 6.0), (2.0, 3.0), (8.0, 1.0)],  # ties in one number
        [(2.0, 3.0), (1.0, 5.0), (2.0, 3.0), (3.0, 4.0)],  # two equal points
        cloud,
    ]
    for points in worlds:
        fresh = [(cost, distance) for cost, distance in points]  # equal points are two objects, as in a measurement
        given = expect_tensor("The result", ask(function, fresh), (len(points),), "One answer for each point.")
        if not bool(((given == 0) | (given == 1)).all()):
            raise NotYetError("One True or False for each point is wanted: is it on the frontier?")
        kept = given.bool().tolist()
        expect(kept, _unbeaten(points), _pareto_traps(points), "", said=_first_wrong(points, kept))
    return "Only points on the frontier are worth their cost; which they are depends on what you count as cost."


def _frechet_answers(
    mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor
) -> tuple[float, list[tuple[float, str]]]:
    """The Fréchet distance of two diagonal Gaussians, and wrong answers that people give, with their hints."""
    means, spreads = (mean_a - mean_b).square(), (variance_a.sqrt() - variance_b.sqrt()).square()
    right = float((means + spreads).sum())
    by_variances = float((means + (variance_a - variance_b).square()).sum())
    absolute = float(((mean_a - mean_b).abs() + spreads).sum())
    no_cross = float((means + variance_a + variance_b).sum())
    return right, [
        (by_variances, "Those are variances where spreads belong: a spread is the root of a variance."),
        (math.sqrt(right), "Nearly: the Fréchet distance of this course, as of the field, is left squared."),
        (right / len(means), "Add up over the dimensions; do not average."),
        (float(means.sum()), "The centres are there, but two clouds around one centre may have different widths."),
        (float(spreads.sum()), "The widths are there, but two clouds of one width may lie apart."),
        (no_cross, "Two equal clouds must come out at zero. Yours do not."),
        (absolute, "The difference of the means is squared, like that of the spreads."),
    ]


@exercise("frechet")
def _frechet(distance: Any, function: Any) -> str:
    one, two = (torch.tensor([0.0]), torch.tensor([1.0])), (torch.tensor([1.0]), torch.tensor([4.0]))
    right, traps = _frechet_answers(*one, *two)
    hint = "What is the difference of the centres, and what that of the spreads? N(m, v) has the variance v."
    half = "That is one of two terms: clouds may differ in where they are, and in how wide they are."
    expect_number("The distance", distance, right, {**dict(traps), 1.0: half}, hint)
    random = seeded(16)
    for size in (1, 3, 20):
        moments = [torch.randn(size, generator=random).double(), torch.rand(size, generator=random).double() + 0.1]
        moments += [torch.randn(size, generator=random).double() + 1, torch.rand(size, generator=random).double() * 4]
        hint = "All dimensions together make one distance. Add them up."
        given = float(expect_tensor("The distance", ask(function, *moments), (), hint))
        right, traps = _frechet_answers(*moments)
        said = f"Your number is right, but your function is not, in {size} dimension{'s' if size > 1 else ''}."
        hint = "Each dimension counts by itself: what does it add?"
        expect(given, right, traps, hint, said=said)
    return (
        "The centres and the widths, each squared. Where a cloud's numbers depend on each other, the Fréchet distance"
        " sees that, too. Of anything else it sees nothing."
    )


def _share_nearer(samples: Tensor, first: Tensor, second: Tensor, reduce: str = "min") -> float:
    near, far = _nearest(samples, first, reduce), _nearest(samples, second, reduce)
    return float(((near < far).double() + 0.5 * (near == far)).mean())


def _nearest(samples: Tensor, pictures: Tensor, reduce: str = "min") -> Tensor:
    mode, power = "donot_use_mm_for_euclid_dist", 1.0 if reduce == "steps" else 2.0
    apart = torch.cdist(samples.flatten(1), pictures.flatten(1), p=power, compute_mode=mode)
    return apart.mean(dim=1) if reduce == "mean" else apart.amin(dim=1)


@exercise("nearer-to-train")
def _nearer_to_train(function: Any) -> str:
    random = seeded(17)
    train, heldout = (torch.rand(12, 1, 4, 4, generator=random, dtype=torch.float64) * 2 - 1 for _ in range(2))
    fresh = torch.rand(41, 1, 4, 4, generator=random, dtype=torch.float64) * 2 - 1
    both = torch.cat([train[:1], heldout[1:]])  # the first picture lies in both sets
    worlds = (
        ("copies of training pictures", train[[3, 0, 5, 5]], heldout),
        ("copies of held-out pictures", heldout[[3, 0, 5, 5]], heldout),
        ("new pictures", fresh, heldout),
        ("a picture that lies in both sets, and so is as near to the one as to the other", train[:1], both),
    )
    for name, samples, other in worlds:
        given = float(expect_tensor("The share", ask(function, samples, train, other), ()))
        said = f"For {name} your share is {given:.3g}."
        if other is both and abs(given - 0.5) > 1e-6:
            raise NotYetError(f"{said} A tie belongs to neither: it counts one half.")
        right = _share_nearer(samples, train, other)
        by_mean, by_steps = (_share_nearer(samples, train, other, reduce) for reduce in ("mean", "steps"))
        steps = "That adds up the plain differences. The Euclidean distance squares them first, and takes a root."
        traps = (
            (1 - right, "Turned round: that is the share that is nearer to held-out pictures."),
            (100 * right, "That is in per cent. A share is a part of 1."),
            (by_mean, "That goes by the mean distance to all pictures. What counts is the nearest one."),
            (right * len(samples), "That is the number of samples. Asked is their share."),
            (by_steps, steps),
        )
        otherwise = "Where would you count it?"
        if samples is fresh:
            otherwise = "For each sample: how far is its nearest training picture, how far its nearest held-out one?"
        expect(given, right, traps, otherwise, said=said)
    for few, many in ((train[:6], heldout), (train, heldout[:6])):
        if not refuses(function, fresh.clone(), few.clone(), many.clone()):
            raise NotYetError(
                f"With {len(few)} training and {len(many)} held-out pictures it gives a share all the same. The larger"
                " set has the nearest picture more often by its size alone: raise a ValueError."
            )
    return "About one half for a generator that has learned, and more for one that has learned by heart."


BUDGET, NEAR, MOST_CALLS = 2.05, 5.8, 1000
"""What a digit may cost, in millions of operations (four calls of the network in the stub); how near it must come."""


@exercise("train-bargain")
def _train_bargain(trained: Any, calls: Any) -> str:
    net = expect_net(trained)
    if not isinstance(net, Generator) or math.prod(net.shape) != 100:
        raise NotYetError(f"Hand in the mg.Generator of digits of 100 pixels; this is a {type(net).__name__}.")
    cost, distance = _bargain(net, _whole_calls(calls))
    said = f"{cost:.2f} million operations a digit, and a distance of {distance:.1f}."
    if cost <= BUDGET * 1.01 and distance < NEAR:
        return f"{said} That beats both points: what a call does, and how many there are, is paid from one purse."
    if distance < NEAR:
        raise NotYetError(f"{said} Near enough, but too dear: {BUDGET} is the most. What makes a call cheap?")
    if cost > BUDGET * 1.01:
        raise NotYetError(f"{said} Too dear, and not below {NEAR} either. Is it the width that was missing?")
    if distance > 9:
        raise NotYetError(
            f"{said} Below {NEAR} is wanted. Was it trained, and has it calls enough to make up its mind?"
        )
    if net.plan.name == "raster":
        raise NotYetError(f"{said} Below {NEAR} is wanted. Which pixels does it draw without asking one another?")
    if cost < BUDGET / 2:
        raise NotYetError(f"{said} Below {NEAR} is wanted, and more than half of what it may cost is left: spend it.")
    raise NotYetError(
        f"{said} Below {NEAR} is wanted. What can it do about two pixels of one call that turn out not to fit?"
    )


def _whole_calls(calls: Any) -> int:
    try:
        number = float(as_numbers(calls))
    except (TypeError, ValueError, RuntimeError, ArithmeticError):
        number = math.nan
    if not number.is_integer() or not 1 <= number <= MOST_CALLS:
        raise NotYetError(f"The calls should be a whole number from 1 to {MOST_CALLS}, such as 4.")
    return int(number)


def _bargain(net: Generator, calls: int) -> tuple[float, float]:
    """What a digit costs in so many calls, in millions of operations, and how far 1,000 are from real ones."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(next(net.parameters()).dtype)  # the reader may have changed it since the training
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            sample(net, 1, steps=calls)
        drawn = sample(net, 1000, steps=calls, seed=1).cpu().flatten(1)
    except (ValueError, TypeError, RuntimeError) as error:
        raise NotYetError(f"Asked for digits in {calls} calls, it stopped: {error}") from None
    finally:
        torch.set_default_dtype(before)
    real = (digits(split="validation")[0][..., 3:13, 3:13] > 0) * 2.0 - 1
    return counter.get_total_flops() / 1e6, float(frechet(real.flatten(1), drawn.to(real.dtype)))

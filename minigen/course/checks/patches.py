"""The checks of chapter 5, patches."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import expect_net
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor
from minigen.generator import Generator
from minigen.plans import Plan, Staircase
from minigen.sampling import sample


@exercise("two-pixels")
def _two_pixels(differ: Any, bits: Any) -> str:
    traps = {
        0.1: "That is how often they differ in real pictures. In one call neither is told what the other became.",
        0.9: "Each is drawn alone, so the other's value says nothing.",
        0.18: "0.18 would be two pixels, each a wrong copy of a third. Is anything copied here?",
    }
    hint = "Given the first pixel, how often does the second, drawn without looking, come out the other way?"
    expect_number("The chance that they differ", differ, 0.5, traps, hint)
    traps = {
        0.469: "That is the entropy of differing: what is left to learn of the second, once the first is known.",
        0.368: "That is in nats; asked is bits (logarithm to base 2).",
        1.0: "That is all there is to know about a fair pixel. Does the first one give away all of the second?",
        0.325: "That is the entropy of differing, in nats. Asked are bits, and those that are wasted.",
    }
    hint = "How long is the message about two pixels coded separately, and how long about one pixel and a hint?"
    expect_number("The bits lost", bits, 0.5310, traps, hint)
    return (
        "The loss is the mutual information: what one pixel says about the other, thrown away by drawing both at once."
    )


@exercise("border-inside")
def _border_inside(chances: Any) -> str:
    given = expect_tensor("The result", chances, (4,))
    differ = [0.5 - 0.5 * 0.8**k for k in range(1, 5)]  # from the pixel that was written before, k places on
    wanted = [differ[0]] + [a * (1 - b) + b * (1 - a) for a, b in itertools.pairwise(differ)]
    coins = "Inside they don't see each other, but all of them see the written pixel: better than a coin."
    alone = "Coins would be drawn without knowing anything. All four know the written pixel to the left."
    traps = [
        ([0.1] * 4, "That is so in real rows. Inside the patch the neighbours are drawn without each other."),
        ([0.1, 0.5, 0.5, 0.5], coins),
        ([0.5] * 4, alone),
        (differ, "That is how often each differs from the *written* pixel. Asked is the difference of neighbours."),
    ]
    otherwise = (
        "The border is right. Inside, neither neighbour knows the other, yet both know the written pixel. How often"
        " does each differ from that one?"
    )
    if abs(float(given[0]) - 0.1) > 2e-3:
        otherwise = "Begin with the border: the first pixel is drawn knowing the one to its left."
    expect(given, wanted, traps, otherwise, near=2e-3)
    return "The seam to the written patch is as good as real; farther in, a pixel knows ever less of its neighbour."


@exercise("predict-distance")
def _predict_distance(function: Any) -> str:
    random = seeded(23)
    features = torch.randn(2000, 3, generator=random, dtype=torch.float64)
    features = features @ torch.tensor([[2.0, 0.5, 0.0], [0.0, 1.0, -0.5], [0.0, 0.0, 0.3]]).double() + 4
    spreads, centre = features.std(dim=0), features.mean(dim=0)
    for by, times in ((0.0, 1.0), (0.5, 1.0), (-2.0, 1.0), (0.0, 1.5), (0.0, 0.25), (0.25, 3.0)):
        given = expect_tensor("The distance", ask(function, features, by, times), (1,), infinite="It is not finite.")
        total = float(spreads.square().sum())
        moves, pulls = 3 * by**2, (times - 1) ** 2 * total
        traps = [
            (by**2 + pulls, "Every feature moves by it, and every one counts."),
            (3 * abs(by) + pulls, "The centres' part grows faster than that: twice as far is not twice the number."),
            ((moves + pulls) ** 0.5, "The number that the formula gives is a square, and its root is not taken."),
            (moves + abs(times - 1) * total, "What is squared: the factor, or the difference?"),
            (moves + abs(times**2 - 1) * total, "Variances are not what is subtracted here."),
            (moves + (times**2 - 1) ** 2 * total, "Is it the spread that grows so, or its square?"),
            (moves + (times - 1) ** 2 * float(spreads.sum()), "Each feature's difference is squared, then added up."),
            (moves + pulls / 3, "The parts of the features are added up, not averaged."),
            (moves + times**2 * total, "With times = 1 nothing is pulled; is that part 0 then?"),
            (
                moves + pulls + (times - 1) ** 2 * float(centre.square().sum()),
                "The rows are pulled away from the crowd's own centre. Where does that leave the centre?",
            ),
        ]
        hint = "Take one feature alone: how far does its centre go, and what becomes of its spread?"
        if times == 1:
            hint = "Nothing is pulled here, so only the centres differ. By how much does each feature's?"
        elif by == 0:
            hint = "Nothing is moved here, so only the spreads differ. What becomes of a single feature's spread?"
        near = max(1e-6, 2e-3 * (moves + pulls))  # a variance over n is as good as one over n - 1
        expect(given, moves + pulls, traps, hint, f"With by = {by:g}, times = {times:g}:", near=near, near_trap=near)
    return "Twice as far is four times the number: it is a squared distance, and every feature adds its part."


FLIP, LENGTH, CALLS, MOST = 0.05, 16, 8, 0.17


def _at_best(plan: Plan) -> float | None:
    """How many neighbours differ if rows are written along this plan with exact beliefs; only for reading order."""
    if not isinstance(plan, Staircase) or plan.name == "random_order":
        return None
    levels = plan.matrix((LENGTH,), min(CALLS, plan.default_steps((LENGTH,))))
    step = (levels > 0).sum(dim=0).tolist()  # at which each pixel is written
    differ = []
    for place in range(1, LENGTH):
        known = step.index(step[place]) - 1  # the last pixel that is written before; -1: none
        one, other = (0.5 - 0.5 * (1 - 2 * FLIP) ** (each - known) for each in (place - 1, place))
        if known < 0:
            one = other = 0.5
        differ.append(one * (1 - other) + other * (1 - one))
    return sum(differ) / len(differ)


@exercise("train-rows")
def _train_rows(trained: Any) -> str:
    net = expect_net(trained)
    if not isinstance(net, Generator) or net.shape != (LENGTH,) or net.condition is not None:
        raise NotYetError(f"Hand in the generator that writes rows of {LENGTH} pixels and is told nothing else.")
    planned = net.plan.default_steps(net.shape)
    calls = min(CALLS, planned)
    before = torch.get_default_dtype()
    torch.set_default_dtype(next(net.parameters()).dtype)  # the reader may have changed it since the training
    try:
        rows = sample(net, 2000, seed=1, steps=calls).cpu() > 0
    except (ValueError, TypeError, RuntimeError) as error:
        raise NotYetError(f"Asked for rows, it stopped with {type(error).__name__}: {error}") from None
    finally:
        torch.set_default_dtype(before)
    differ, white = float((rows[:, 1:] != rows[:, :-1]).double().mean()), float(rows.double().mean())
    if not 0.35 < white < 0.65:
        raise NotYetError(f"{white:.0%} of its pixels are white; in real rows half of them are.")
    said = f"In {calls} call{'s' if calls > 1 else ''} {differ:.1%} of its neighbours differ"
    if differ <= MOST:
        return f"{said}: fewer pixels are drawn together, so more of them see what the others became."
    best = _at_best(net.plan)
    said = f"{said}; at most {MOST:.0%} may."
    if planned > CALLS:
        raise NotYetError(
            f"{said} It was made for {planned} calls and gets {CALLS} here, so pixels are drawn together all the same."
        )
    if best is None:
        raise NotYetError(f"{said} Is it trained to the end? In real rows {FLIP:.0%} differ.")
    if best > MOST:
        raise NotYetError(
            f"{said} Exact beliefs would have {best:.1%} when pixels are drawn together as they are here. So what can"
            " training still gain, or a larger network?"
        )
    raise NotYetError(f"{said} With exact beliefs this plan would have {best:.1%}. Is it trained to the end?")

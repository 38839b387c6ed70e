"""The checks of chapter 15, your pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minigen.base.randomness import seeded
from minigen.course.checks.judging import NotYetError, Trap, ask, exercise, expect, expect_tensor

_ALIKE = 0.05
"""The typical difference of a pixel below which nobody tells two pictures apart, as in ``metrics.Judge``."""


def _pictures() -> tuple[Tensor, Tensor]:
    """Drawn and training pictures, 3 x 4 x 4: among the drawn ones near copies, and what is alike only in parts."""
    random = seeded(31)
    train = torch.rand(5, 3, 4, 4, generator=random) * 1.2 - 0.6
    sign = torch.randint(2, (3, 4, 4), generator=random) * 2 - 1
    spot, blot = torch.zeros(3, 4, 4), torch.zeros(3, 4, 4)
    spot[0, 1, 2], blot[0, 1, 2] = 0.3, 0.5
    board = (torch.arange(4)[:, None] + torch.arange(4)) % 2 * 2 - 1
    inner = (torch.arange(4)[:, None] * torch.arange(4)).clamp(max=1)
    drawn = [
        train[3],  # to the bit
        train[1] + 0.04 * sign,
        train[2] + 0.001 * sign,
        train[0] + spot,  # one value is far off, the picture is not
        train[2] + blot,  # few values are off, but too far
        train[4] + 0.2,  # brighter: the mean of the squares is 0.04
        train[0] + 0.3 * board,  # nowhere alike, and their differences add up to nothing
        train[1] + 0.5 * inner,  # one row and one column are alike
        -train[0],
        (train[1] + train[2]) / 2,
    ]
    return torch.stack(drawn), train


@exercise("copied")
def _copied(function: Any) -> str:
    drawn, train = _pictures()
    apart = (drawn[:, None] - train).flatten(2)
    squares = apart.square()
    parts = [(drawn[:, None] - train).square().mean(dim=side).sqrt().flatten(2).amin(dim=2) for side in (2, 3, 4)]

    def near(far: Tensor) -> list[bool]:
        return (far.amin(dim=1) < _ALIKE).tolist()

    right = near(squares.mean(dim=2).sqrt())
    traps: list[Trap] = [
        ([not each for each in right], "Just the other way round: True is for a copy."),
        (near(squares.mean(dim=2)), "Is the root missing? A small number squared is a much smaller one."),
        (near(squares.sum(dim=2).sqrt()), "Pictures of more pixels should not be farther apart. Is that a mean?"),
        (near(squares.sum(dim=2)), "Pictures of more pixels should not be farther apart. Is that a mean?"),
        (near(apart.abs().mean(dim=2)), "That is the mean of the differences. A few large ones should count for more."),
        (near(apart.mean(dim=2).abs()), "Differences up and down cancel there. What is never negative?"),
        *((near(each), "That is a mean over a part of the picture. It is wanted over all of it.") for each in parts),
        (near(apart.abs().amax(dim=2)), "That is the largest difference of a value. One pixel alone is not a picture."),
        (near(apart.abs().amin(dim=2)), "That asks for one equal value. A picture has many."),
        (
            (squares.mean(dim=2) == 0).any(dim=1).tolist(),
            "That is equality to the bit. Near copies count, too.",
        ),
        (
            (squares.mean(dim=2).sqrt() < _ALIKE).all(dim=1).tolist(),
            "Need it be near all of them? Which one counts?",
        ),
    ]
    shape = (len(drawn),)
    given = expect_tensor("Your list", ask(function, drawn, train), shape, "One True or False for each drawn picture.")
    if bool(((given != 0) & (given != 1)).any()):
        raise NotYetError("Wanted is True or False for each drawn picture; in your list are other numbers.")
    wrong = [place for place, (one, other) in enumerate(zip(given.tolist(), right, strict=True)) if bool(one) != other]
    said = f"Of {len(drawn)} pictures, {len(wrong)} are not told rightly."
    expect(given, right, traps, "Of which training picture do you ask how far it is, and how is that worked out?", said)
    return "A gallery without its nearest training pictures says nothing about copies."


def _patches(side: int) -> list[int]:
    return [patch for patch in range(1, side + 1) if side % patch == 0]


def _patch_hint(side: int, calls: int, given: float) -> str:
    """What to think of, for a patch that isn't right."""
    right, *coarser = (patch for patch in _patches(side) if (side // patch) ** 2 <= calls)
    if not (given >= 1 and given % 1 == 0):
        return "A patch has a whole number of pixels to a side."
    if given in coarser[:1] and (side // right) ** 2 == calls:
        return "Must calls be left over? You may use them all."
    known = {
        calls: "That is the number of calls. Asked is the side of a patch in pixels.",
        min(patch for patch in _patches(side) if side // patch <= calls): (
            "That counts one row of patches. How many are there in all?"
        ),
        side // right: "So many patches lie side by side. Asked is the side of one, in pixels.",
        (side // right) ** 2: "So many patches fill the picture. Asked is the side of one, in pixels.",
    }
    if given in known:
        return known[int(given)]
    if side % given:
        return "Patches of that side don't fill the picture: some pixels are left over."
    return "That takes more calls than there are." if given < right else "That fits, and so does something finer."


@exercise("patch-for")
def _patch_for(function: Any) -> str:
    # first one in which no two mistakes give the same number, so that the hint is of the mistake that was made
    for side, calls in ((48, 20), (32, 16), (32, 15), (32, 1), (32, 1024), (32, 5000), (24, 12), (512, 1000), (30, 40)):
        right = min(patch for patch in _patches(side) if (side // patch) ** 2 <= calls)
        asked = f"For a side of {side} and {calls} call{'s' if calls > 1 else ''}"
        given = float(expect_tensor("The patch", ask(function, side, calls, said=f"{asked}:"), ()))
        expect(given, right, (), _patch_hint(side, calls, given), f"{asked} your patch is {given:g}.", near=0)
    return "Twice the side in the same number of calls means patches of twice the side: the price of no plan for noise."


_JUDGED: Sequence[tuple[list[float], list[float], str, str]] = (
    ([4.0, 5.0], [6.0, 7.0], "a", "All of a are smaller there."),
    ([9.0, 8.0], [5.0, 6.5, 6.0], "b", "All of b are smaller there."),
    ([4.0, 6.5], [6.0, 7.0], "neither", "The worst of a is worse than the best of b, whatever their means say."),
    ([1.2, 1.4], [2.0, 2.5], "neither", "All of these are as small as those of real pictures."),
    ([2.6], [2.9], "neither", "How far above the floor does it still count as real? Read the rule again."),
    ([1.0, 2.0], [2.5, 5.0], "neither", "There 2.5 can't be told from real, nor can any of a: these are equal."),
    ([2.9, 4.0], [2.2, 1.5], "neither", "There 2.9 can't be told from real, nor can any of b: these are equal."),
    ([1.0, 2.0], [5.0, 6.0], "a", "What can't be told from real is nearer than what can."),
    ([1.0], [3.2], "a", "What can't be told from real is nearer than what can."),
    ([5.0], [5.0], "neither", "They are equal: nothing is nearer."),
    ([3.1, 8.0], [2.9, 2.5], "b", "What can't be told from real is nearer than what can."),
)
"""Distances of two plans, the verdict where the floor is 2.0 +- 0.5, and why."""


@exercise("verdict")
def _verdict(function: Any) -> str:
    for one, other, right, why in _JUDGED:
        asked = f"a = {one} and b = {other}, with a floor of 2.0 ± 0.5"
        given = ask(function, list(one), list(other), 2.0, 0.5, said=f"For {asked}:")
        word = given.strip().lower() if isinstance(given, str) else ""
        if word not in ("a", "b", "neither"):
            raise NotYetError(f'Wanted is one of the words "a", "b" and "neither"; this is {str(given)[:40]!r}.')
        if word == right:
            continue
        told = f"{asked}, you say {word!r}"
        if {word, right} == {"a", "b"}:
            raise NotYetError(f"For {told}. Is a smaller distance better, or worse?")
        raise NotYetError(f"For {told}. {why}")
    return "Most differences in a table are none. Whoever shows a floor and a few seeds can say which are."

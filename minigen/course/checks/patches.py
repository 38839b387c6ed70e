"""The checks of chapter 5, patches."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor, refuses
from minigen.plans import raster


@exercise("two-pixels")
def _two_pixels(differ: Any, bits: Any) -> str:
    traps = {
        0.1: "That is how often they differ in real pictures. In one call neither is told what the other became.",
        0.9: "Each is drawn alone, so the other's value says nothing.",
        0.18: "0.18 would be two pixels, each a wrong copy of a third. Here each is a fair coin of its own.",
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


@exercise("raster-plan")
def _raster_plan(function: Any) -> str:
    for size, patch in ((4, 2), (4, 4), (16, 1), (6, 3), (8, 2)):
        wanted = raster(patch).matrix((1, size, size)).double()
        given = expect_tensor(f"raster_plan({size}, {patch})", ask(function, size, patch), tuple(wanted.shape))
        if torch.equal(given, wanted):
            continue
        if torch.equal(given, 1 - wanted):
            raise NotYetError("Upside down: 1 is for what is missing, 0 for what is there.")
        if bool((given == given[0]).all()):
            raise NotYetError(
                "All rows are alike. Does each row hold a picture of its own, or is one changed and changed?"
            )
        if not bool((given[0] == 1).all() and (given[-1] == 0).all()):
            raise NotYetError("The first row is all 1 (nothing there), the last all 0 (the picture).")
        if bool((given.diff(dim=0) > 0).any()):
            raise NotYetError("Somewhere a pixel disappears again: going down, no column may rise.")
        if torch.equal(given.sum(dim=1), wanted.sum(dim=1)):
            raise NotYetError(
                f"raster_plan({size}, {patch}) writes the right number of pixels a step, but not the right ones: a"
                f" patch is {patch} rows high and {patch} columns wide; a plan's row is the picture, row after row."
            )
        raise NotYetError(f"raster_plan({size}, {patch}) is not right: each step writes {patch * patch} more pixels.")
    if not refuses(function, 16, 3):
        raise NotYetError("3 does not divide 16: raise a ValueError that says so.")
    return "One number, the patch, takes the plan from one pixel a step to everything at once."

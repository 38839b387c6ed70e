"""Answers to the exercises of chapter 13, right and wrong: for tests/test_checks.py, helpers above and cases in CASES.

``python -m pytest drafts`` tries them here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import checks_guidance
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import test_checks
from test_checks import Case, unwritten

assert checks_guidance  # importing it registers the checks

# --- chapter 13 ------------------------------------------------------------------------------------


def guide(uncond: Tensor, cond: Tensor, guidance_scale: float) -> Tensor:
    return uncond + guidance_scale * (cond - uncond)


def from_w(w: float) -> float:
    return w + 1


def interval_calls(steps: int, guided: int, batched: bool) -> int:
    return steps + guided


CASES = {
    "with-and-without": Case(
        right=[(guide, from_w), (lambda u, c, s: (1 - s) * u + s * c, lambda w: 1 + w)],
        wrong=[
            ((lambda u, c, s: c + s * (u - c), from_w), "changed places"),
            ((lambda u, c, s: c + s * (c - u), from_w), "That is the guess with"),
            ((lambda u, c, s: c if s == 0 else guide(u, c, s), from_w), "That is the guess with"),
            ((lambda u, c, s: u if s == 0 else c + s * (c - u), from_w), "other convention"),
            ((lambda u, c, s: s * (c - u), from_w), "nothing of the difference"),
            ((lambda u, c, s: u if s == 0 else s * (c - u), from_w), "difference alone"),
            ((lambda u, c, s: u - s * (c - u), from_w), "away from the prompt"),
            ((lambda u, c, s: u if s == 0 else s * c, from_w), "belongs to the difference"),
            ((lambda u, c, s: u + s**2 * (c - u), from_w), "Start from"),
            ((lambda u, c, s: u / 0.0, from_w), "not finite"),
            ((guide, lambda w: w), "w = 0 is off"),
            ((guide, lambda w: w or 1.0), "one name for one thing"),
            ((guide, lambda w: w - 1), "from ours to theirs"),
            ((guide, lambda w: 2 * w + 1), "w = 0 is off"),
            ((guide, unwritten), "still empty"),
        ],
        secret=r"u \+|uncond \+|w \+ 1|1 \+ w",
    ),
    "narrower": Case(
        right=[(1 / 16, 1 / 7), (0.0625, 0.1429)],
        wrong=[
            ((1 / 7, 1 / 7), "what people expect"),
            ((0.25, 1 / 7), "prompt alone"),
            ((0.125, 1 / 7), "factors multiply"),
            ((0, 1 / 7), "Spreads"),
            ((-0.5, 1 / 7), "not below 0"),
            ((1, 1 / 7), "without the prompt"),
            ((0.4, 1 / 7), "two pushes"),
            ((1 / 16, 1 / 16), "where the walk ends"),
            ((1 / 16, 1 / 8), "still to be divided"),
            ((1 / 16, 1 / 9), "multiplies by"),
            ((1 / 16, 7), "one over"),
            ((1 / 16, 0.25), "prompt alone"),
            ((1 / 16, 0.5), "exponents"),
            ((1 / 16, "small"), "should be a number"),
        ],
        secret=r"1/16|1/7|0\.0625|0\.14",
    ),
    "calls-of-an-interval": Case(
        right=[(interval_calls,), (lambda steps, guided, batched: torch.tensor(steps + guided),)],
        wrong=[
            ((lambda steps, guided, batched: 2 * steps,), "not every step"),
            ((lambda steps, guided, batched: steps if batched else steps + guided,), "saves waiting"),
            ((lambda steps, guided, batched: 2 * guided,), "the other steps"),
            ((lambda steps, guided, batched: guided,), "costs more"),
            ((lambda steps, guided, batched: steps - guided,), "not less"),
            ((lambda steps, guided, batched: steps + 2 * guided,), "how often"),
        ],
        secret=r"\+|steps plus|sum",
        function=True,
    ),
}


@pytest.mark.parametrize(("name", "given"), [(name, given) for name, case in CASES.items() for given in case.right])
def test_a_right_answer_passes(name: str, given: tuple[Any, ...]) -> None:
    test_checks.test_a_right_answer_passes(name, given)


@pytest.mark.parametrize(
    ("name", "given", "word"),
    [(name, *wrong) for name, case in CASES.items() for wrong in case.wrong],
)
def test_a_wrong_answer_is_caught_with_a_hint(
    name: str, given: tuple[Any, ...], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_checks, "CASES", CASES)
    test_checks.test_a_wrong_answer_is_caught_with_a_hint(name, given, word)

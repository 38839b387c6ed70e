"""The tools that checks are made of: what counts as near, which hint is given, and what is no answer at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest
import torch

from minigen.course.checks import NotYetError
from minigen.course.checks.judging import Answer, Trap, expect, expect_tensor, expect_truth


def hint(given: Answer, right: Answer, traps: Iterable[Trap], **choices: Any) -> str:
    """What a reader is told who answers this; nothing if it is right."""
    try:
        expect(given, right, traps, "otherwise", **choices)
    except NotYetError as said:
        return str(said)
    return ""


@pytest.mark.parametrize(
    ("given", "choices", "said"),
    [
        (1.0, {}, ""),
        (1 + 1e-8, {}, "otherwise"),
        (1 + 1e-8, {"near": 1e-7}, ""),
        (1 + 1e-8, {"near": 0, "relative": 1e-7}, ""),
        (2.0, {}, "too far"),  # the first trap
        (2.0, {"said": "2 is off:"}, "2 is off: too far"),
        (2 + 5e-10, {"near": 0}, "too far"),  # less closely than the right answer
        (2 + 1e-5, {}, "otherwise"),
        (2 + 1e-5, {"near_trap": 1e-4}, "too far"),
        (2 + 1e-5, {"near": 1e-4, "near_trap": 0}, "too far"),  # but never more closely
        (math.nan, {"near": 9, "near_trap": 9}, "otherwise"),
        (math.inf, {"near": 9, "near_trap": 9}, "otherwise"),
    ],
)
def test_the_right_answer_then_the_first_trap_then_the_rest(given: float, choices: dict[str, float], said: str) -> None:
    assert hint(given, 1.0, [(2.0, "too far"), (2.0, "again")], **choices) == said


def test_answers_of_several_numbers_agree_in_all_of_them() -> None:
    right, traps = [1.0, 0.0], [([0.0, 1.0], "turned round")]
    assert hint(torch.tensor([1.0, 0.0]), right, traps) == ""
    assert hint([0.0, 1.0], right, traps) == "turned round"
    assert hint([1.0, 1.0], right, traps) == "otherwise"


def test_only_finite_numbers_pass_where_that_is_asked() -> None:
    assert expect_tensor("It", [1.0, math.inf], (2,))[1] == math.inf
    with pytest.raises(NotYetError, match=r"^divided by 0$"):
        expect_tensor("It", [1.0, math.inf], (2,), infinite="divided by 0")


@pytest.mark.parametrize("given", [True, torch.tensor(True), torch.tensor([[1]])])
def test_a_truth_may_be_a_tensor(given: Any) -> None:
    assert expect_truth("It", given) is True


@pytest.mark.parametrize("given", [1, "True", torch.ones(2)])
def test_what_is_no_truth(given: Any) -> None:
    with pytest.raises(NotYetError, match="It should return True or False, but it returned a"):
        expect_truth("It", given)

"""The tools that checks are made of: what counts as near, which hint is given, and what is no answer at all."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from minigen.course.checks import NotYetError, check
from minigen.course.checks.judging import (
    Answer,
    Trap,
    as_numbers,
    ask,
    close,
    expect,
    expect_number,
    expect_tensor,
    expect_truth,
    refuses,
)


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
        (1 + 9e-6, {}, ""),  # as closely as float32 is asked for
        (1 + 2e-5, {}, "otherwise"),
        (1 + 2e-5, {"near": 1e-4}, ""),
        (1 + 2e-5, {"near": 0}, "otherwise"),
        (2.0, {}, "too far"),  # the first trap
        (2.0, {"said": "2 is off:"}, "2 is off: too far"),
        (2 + 1e-5, {"near": 0}, "too far"),
        (2 + 1e-4, {}, "otherwise"),
        (2 + 1e-4, {"near_trap": 1e-3}, "too far"),  # less closely than the right answer
        (2 + 1e-4, {"near": 1e-3, "near_trap": 0}, "too far"),  # but never more closely
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


@pytest.mark.parametrize(
    "given", [True, 1, 1.0, [True], np.True_, np.array(1), torch.tensor(True), torch.tensor([[1]])]
)
def test_a_truth_may_be_a_number_or_hold_one(given: Any) -> None:
    assert expect_truth("It", given) is True


@pytest.mark.parametrize("given", [2, 0.5, "True", "1", torch.ones(2), [], np.array("yes"), {True}])
def test_what_is_no_truth(given: Any) -> None:
    with pytest.raises(NotYetError, match="It should return True or False, but it returned a"):
        expect_truth("It", given)


# --- what counts as numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.tensor([1, 2]),
        torch.tensor([1, 2], dtype=torch.bfloat16),
        np.array([1, 2]),
        np.array([1, 2], dtype=object),
        np.array([1, 2], dtype=np.float16),
        (1, np.float32(2)),
        [torch.tensor(1), torch.tensor([2.0])],
        (number for number in (1, 2)),
        map(float, "12"),
        range(1, 3),
        {"a": 1, "b": 2}.values(),
        [Fraction(1), Decimal(2)],
        ["1", " 2/1 "],
    ],
)
def test_many_things_are_two_numbers(given: Any) -> None:
    numbers = as_numbers(given)
    assert numbers.tolist() == [1, 2]
    assert not numbers.requires_grad


@pytest.mark.parametrize(
    "given", [{1: 2}, {1, 2}, b"12", "one", "1/0", None, object(), [[1], [1, 2]], np.array("x"), torch.tensor(1j)]
)
def test_many_things_are_no_numbers(given: Any) -> None:
    with pytest.raises(NotYetError, match="should be numbers"):
        expect_tensor("It", given, (2,))


@pytest.mark.parametrize("given", [3, [3], (3.0,), torch.tensor([[3]]), np.array([3.0]), "3", (n for n in [3])])
def test_a_number_may_come_in_any_wrapping(given: Any) -> None:
    assert expect_tensor("It", given, ()).item() == 3


def test_sides_of_length_1_don_t_matter_and_others_do() -> None:
    assert expect_tensor("It", torch.ones(1, 3, 1), (3,)).shape == (3,)
    assert expect_tensor("It", torch.ones(3), (3, 1)).shape == (3, 1)
    with pytest.raises(NotYetError, match="wanted is"):
        expect_tensor("It", torch.ones(4, 3), (3, 4))


@pytest.mark.parametrize(
    ("given", "right", "choices", "passes"),
    [
        (0.53, 0.5310, {}, True),  # two digits of it
        (0.5, 0.5310, {}, False),
        (0.54, 0.5310, {}, False),
        (52, 52.43, {}, True),
        (torch.tensor(0.53), 0.5310, {}, True),
        (129, 128.5, {"digits": 4}, False),
        (460, 456, {}, False),  # whole numbers are exact
        (455.9, 456, {}, True),
        ("1/81", 1 / 81, {}, True),
        (0.012, 1 / 81, {}, True),
        (1 / 80, 1 / 81, {}, False),
        (0.0005, 0, {}, True),
        (0.0021, 0, {}, False),
    ],
)
def test_a_number_may_be_rounded(given: Any, right: float, choices: dict[str, Any], passes: bool) -> None:
    with nullcontext() if passes else pytest.raises(NotYetError):
        expect_number("It", given, right, **choices)


def test_per_cent_has_its_own_hint() -> None:
    with pytest.raises(NotYetError, match="per cent"):
        expect_number("It", 64, 0.64, {64.0: "no"})


# --- how near is near enough ---------------------------------------------------------------------------


def test_half_precision_is_compared_less_closely_and_float32_is_not() -> None:
    right = torch.tensor([3.14159, -0.1], dtype=torch.float64)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert close(right.to(dtype), right)
    assert close((right + 3e-3).half(), right)
    assert not close((right + 3e-3).float(), right)
    assert not close((right + 0.05).half(), right)


def test_the_largest_number_decides_how_closely() -> None:
    assert close([1000.001, 0.001], [1000, 0])
    assert not close([1.0, 0.001], [1, 0])
    assert not close([1.0, 0.0], [math.inf, 0])


# --- a reader's function -------------------------------------------------------------------------------


def halved_in_float32(x: Tensor) -> Tensor:
    return x @ torch.eye(2) / 2


def halved_in_float64(x: Tensor) -> Tensor:
    return x @ torch.eye(2, dtype=torch.float64) / 2


def halved_by_numpy(x: Any) -> Any:
    return x.astype(float) / 2


def halved_one_by_one(x: Tensor) -> Iterator[list[float]]:
    for row in x:
        yield [float(number) / 2 for number in row]


@pytest.mark.parametrize("function", [halved_in_float32, halved_in_float64, halved_by_numpy, halved_one_by_one])
def test_a_function_is_given_its_numbers_as_it_wants_them(function: Any) -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    assert close(ask(function, x), x / 2)


def test_the_first_error_is_told() -> None:
    def stops(x: Any) -> None:
        raise KeyError(type(x).__name__)

    with pytest.raises(NotYetError, match="KeyError: 'Tensor'"):
        ask(stops, torch.ones(1))


def test_an_error_within_a_generator_is_told_too() -> None:
    def stops(x: Tensor) -> Iterator[float]:
        yield 1.0
        raise KeyError("late")

    with pytest.raises(NotYetError, match="KeyError: 'late'"):
        ask(stops, torch.ones(1))


def test_a_refusal_may_come_in_any_of_the_ways() -> None:
    def refuses_in_numpy(x: Any) -> None:
        raise ValueError(x.astype(int))

    assert refuses(refuses_in_numpy, torch.ones(1))
    assert not refuses(lambda x: x, torch.ones(1))


# --- what is said besides ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((), "first-step takes 2 answers (after one step, in the end); you gave none."),
        ((0.4,), "first-step takes 2 answers (after one step, in the end); you gave 1."),
        ((0.4, 1.6, 3), "first-step takes 2 answers (after one step, in the end); you gave 3."),
    ],
)
def test_too_few_or_too_many_answers_are_explained(answers: tuple[float, ...], said: str) -> None:
    assert check("first-step", *answers).message == said
    assert not check("first-step", *answers).right


SCRIPT = """
import minigen as mg

def inside():
    mg.check("draw-error", 4)
    return mg.check("draw-error", 3)

mg.check("draw-error", 2)
kept = mg.check("draw-error", 1)
inside()
print("said:", mg.check("draw-error", 2).right)
"""


def test_a_script_is_told_once_what_it_drops(tmp_path: Path) -> None:
    """What is kept or printed by the script itself is not printed as well; nor is what ``python -c`` runs."""
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    run = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
    begins = [line.split(".")[0] for line in run.stdout.splitlines()]
    assert begins == ["Right", "Not yet", "said: True"]
    assert "squares add" in run.stdout

"""Every solution of the book passes its check also as others write it: in float32, in numpy, as plain numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pytest
import torch
from helpers_exercises import ALL, answers
from numpy_solutions import BY_NAME
from torch import Tensor, nn

from minigen.course.checks import EXERCISES, check

Change = Callable[[Any], Any]


def each(value: Any, change: Change) -> Any:
    """Change the numbers and tensors in a value, wherever they are."""
    if isinstance(value, list | tuple):
        return type(value)(each(part, change) for part in value)
    return change(value) if isinstance(value, Tensor | float | int | bool) else value


def in_float32(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    return torch.tensor(value, dtype=torch.float32) if isinstance(value, float) else value


def in_numpy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().numpy()
    return np.float32(value) if isinstance(value, float) else np.array(value)


def in_plain_numbers(value: Any) -> Any:
    return value.tolist() if isinstance(value, Tensor) else value


def from_numpy(value: Any) -> Any:
    """What went through numpy on the way in."""
    return torch.tensor(value.numpy()) if isinstance(value, Tensor) else value


def in_a_wrapping(value: Any) -> Any:
    """A number as a list of one; numbers as a generator of them."""
    if isinstance(value, Tensor) and value.dim():
        return (part for part in value)
    return [value] if isinstance(value, float | Tensor) else value


def same(value: Any) -> Any:
    return value


WAYS: dict[str, tuple[Change, Change]] = {
    "float32": (in_float32, in_float32),
    "numpy": (from_numpy, in_numpy),
    "plain": (same, in_plain_numbers),
    "wrapped": (same, in_a_wrapping),
}
"""How a function's inputs are changed before, and its results after; so are answers that are no functions."""


def rewritten(answer: Any, way: str) -> Any:
    before, after = WAYS[way]
    if isinstance(answer, nn.Module):
        return answer
    if not callable(answer):
        return each(answer, after)

    @wraps(answer)
    def function(*given: Any) -> Any:
        return each(answer(*(each(part, before) for part in given)), after)

    return function


NAMES = [exercise.name for exercise in ALL if exercise.name in EXERCISES]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes_in_other_words(name: str, way: str) -> None:
    verdict = check(name, *(rewritten(answer, way) for answer in answers(name)))
    assert verdict.right, verdict.message


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes_where_torch_counts_in_double(name: str) -> None:
    given = answers(name)
    torch.set_default_dtype(torch.float64)
    try:
        verdict = check(name, *given)
    finally:
        torch.set_default_dtype(torch.float32)
    assert verdict.right, verdict.message


@pytest.mark.parametrize("name", BY_NAME)
def test_a_solution_in_numpy_passes(name: str) -> None:
    ours = iter(BY_NAME[name])
    verdict = check(name, *(next(ours, answer) if callable(answer) else answer for answer in answers(name)))
    assert verdict.right, verdict.message


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_hands_in_as_many_answers_as_the_check_takes(name: str) -> None:
    assert len(answers(name)) == len(inspect.signature(EXERCISES[name]).parameters)

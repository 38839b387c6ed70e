"""The checks of the exercises: they say what is wrong and hint, and never give the answer away.

``check("first-step", 0.4, 1.6)`` looks at an answer and returns a ``Verdict``. An answer that is still
None (or Ellipsis) is "not yet". A reader's own function is tried on inputs that the reader has not seen,
and whatever goes wrong inside it is told in a sentence.

What is right is right however it is written: ``as_numbers`` says what counts as numbers, and ``close`` how near is near
enough.
"""

from __future__ import annotations

import dis
import html
import inspect
import itertools
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_choice


@dataclass(frozen=True)
class Verdict:
    """What a check says: whether the answer is right, and a message that helps."""

    right: bool
    message: str

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.message}"

    def _repr_html_(self) -> str:
        colour, mark = ("#14b8a6", "✓ Right.") if self.right else ("#f59e0b", "○ Not yet.")
        return (
            f'<p class="mg-verdict" style="border-left: 4px solid {colour}; padding: 0.3em 0.8em; margin: 0.5em 0">'
            f"<strong>{mark}</strong> {html.escape(self.message)}</p>"
        )


class NotYetError(Exception):
    """Raised inside a check with the hint for the reader."""


Check = Callable[..., str]
EXERCISES: dict[str, Check] = {}

Answer = Tensor | float | Sequence[float]
Trap = tuple[Answer, str]
"""A wrong answer that people give, and the hint for whoever gives it."""


def exercise(name: str) -> Callable[[Check], Check]:
    """Make a function the check of the exercise with this name."""

    def register(check: Check) -> Check:
        EXERCISES[name] = check
        return check

    return register


def check(exercise: str, *answers: Any) -> Verdict:
    """Check the answers to an exercise; its name stands in the notebook's stub.

    A notebook and Python's prompt show the verdict; in a script, where a line's value is shown nowhere, it is printed.

    >>> check("first-step", None, None)
    Not yet. Put your answer in place of None (or ...) and run the cell again.
    >>> check("first-step", 0.4)
    Not yet. first-step takes 2 answers (after one step, in the end); you gave 1.
    >>> check("first-step", 0.4, 1.6)
    Right. The first step goes a quarter of the way; the last word is the slope that the two points agree on best.
    """
    verdict = _judge(exercise, answers)
    if _dropped_by_a_script(sys._getframe(1)):
        print(verdict)
    return verdict


def _judge(exercise: str, answers: tuple[Any, ...]) -> Verdict:
    judge = EXERCISES[check_choice("exercise", exercise, EXERCISES)]
    asked = [name.replace("_", " ") for name in inspect.signature(judge).parameters]
    if len(answers) != len(asked):
        takes = f"{len(asked)} answer{'s' if len(asked) > 1 else ''} ({', '.join(asked)})"
        return Verdict(False, f"{exercise} takes {takes}; you gave {len(answers) or 'none'}.")
    if any(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "Put your answer in place of None (or ...) and run the cell again.")
    try:
        return Verdict(True, judge(*answers))
    except NotYetError as hint:
        return Verdict(False, str(hint))


def _dropped_by_a_script(caller: FrameType) -> bool:
    """Whether a script called, and drops what it is given: what comes next there is to take it from the stack."""
    file, next_ones = caller.f_code.co_filename, dis.get_instructions(caller.f_code)
    script = caller.f_globals.get("__name__") == "__main__" and os.path.isfile(file) and "ipykernel" not in file
    return script and next(each.opname for each in next_ones if each.offset > caller.f_lasti) == "POP_TOP"


# --- what counts as numbers, and how near is near enough ----------------------------------------------

HALVES = torch.float16, torch.bfloat16
AS_FLOAT32 = 1e-5
"""How closely a result can be asked for, as a part of its largest number. A reader may work in float32, whose rounding
is a hundred times smaller, whatever comes out in the end (``.item()`` makes a float of it); so every check's inputs are
such that what is nearly right is much further off."""


def as_numbers(given: Any) -> Tensor:
    """The numbers in an answer: a tensor, an array, a number, a text such as "1/81", a sequence or generator of these.

    In float64; but what is in half precision stays so, and ``close`` makes allowance for it.

    >>> as_numbers(["1/4", np.float32(2), torch.tensor([3])])
    tensor([0.2500, 2.0000, 3.0000], dtype=torch.float64)
    """
    if isinstance(given, Tensor):
        given = given.detach().cpu()
        if given.is_complex():
            raise TypeError("complex numbers")
        return given if given.dtype in HALVES else given.double()
    if isinstance(given, str):
        top, _, bottom = given.partition("/")
        return torch.tensor(float(top) / float(bottom or 1), dtype=torch.float64)
    if isinstance(given, Mapping | set | frozenset | bytes):
        raise TypeError(f"a {type(given).__name__} has no order")
    if hasattr(given, "__array__"):
        array = np.asarray(given)
        numbers = torch.tensor(array.astype(np.float64, casting="unsafe" if array.dtype == object else "same_kind"))
        return numbers.half() if array.dtype == np.float16 else numbers
    if isinstance(given, Iterable):
        parts = [as_numbers(part) for part in itertools.islice(given, 1_000_000)]
        if len({part.numel() for part in parts}) == 1 and parts[0].numel() == 1:
            parts = [part.reshape(()) for part in parts]
        return torch.stack(parts) if parts else torch.zeros(0, dtype=torch.float64)
    return torch.tensor(float(given), dtype=torch.float64)


def close(given: Any, wanted: Any, near: float = 1e-6) -> bool:
    """Whether two answers agree in every number: within ``near``, or as closely as their precision allows.

    >>> close(torch.tensor(100.0004), 100), close(100.01, 100), close(torch.tensor(100.1).half(), 100)
    (True, False, True)
    """
    one, other = as_numbers(given), as_numbers(wanted)
    part = max(AS_FLOAT32, 4 * torch.finfo(one.dtype).eps if one.dtype in HALVES else 0)
    other = other.double()
    size = other[other.isfinite()].abs()
    return torch.allclose(one.double(), other, rtol=0, atol=max(near, part * float(size.max()) if size.numel() else 0))


def rounded(value: float, right: float, digits: int) -> bool:
    """Whether a number is another one rounded, to so many digits or more. Whole numbers are not to be rounded.

    >>> rounded(0.53, 0.5310, 2), rounded(0.5, 0.5310, 2), rounded(460, 456, 2)
    (True, False, False)
    """
    if right == round(right) or not math.isfinite(right):
        return False
    return any(close(value, float(f"{right:.{kept}g}"), 0) for kept in range(digits, 7))


def ways(arguments: Sequence[Any]) -> Iterator[list[Any]]:
    """The arguments as a reader's function may want them: in float64, in torch's usual dtype, as numpy's arrays."""

    def given(change: Callable[[Tensor], Any]) -> list[Any]:
        return [change(each) if isinstance(each, Tensor) else each for each in arguments]

    yield given(torch.clone)
    if any(isinstance(argument, Tensor) for argument in arguments):
        yield given(lambda each: each.to(torch.get_default_dtype()) if each.is_floating_point() else each.clone())
        yield given(lambda each: each.clone().numpy())


def call(function: Any, *arguments: Any) -> Any:
    """What a reader's function returns, given its arguments in the first of the ``ways`` in which it runs.

    A function that stops with a ``ValueError`` or says that it is not written is taken at its word. Else the first
    error is raised, which is the one that its reader knows.
    """
    first: Exception | None = None
    for way in ways(arguments):
        try:
            result = function(*way)
            return list(result) if isinstance(result, Iterator) else result
        except (ValueError, NotImplementedError):
            raise
        except Exception as error:
            first = first or error
    assert first is not None
    raise first


# --- tools for checks ------------------------------------------------------------------------------


def expect(
    given: Answer,
    right: Answer,
    traps: Iterable[Trap],
    otherwise: str,
    said: str = "",
    near: float = 1e-6,
    near_trap: float = 1e-6,
) -> None:
    """Pass if ``given`` is right; else hint: as the first trap says that it fell into, or ``otherwise``.

    ``said`` stands before every hint: what was asked, and what came instead. A trap may be met less closely
    than the right answer (``near_trap``): to hint a little too readily does no harm.

    >>> expect(2.0, 2.0, [(4.0, "Take the root.")], "How long is the side?")
    >>> expect(4.0, 2.0, [(4.0, "Take the root.")], "How long is the side?", said="4 is not right.")
    Traceback (most recent call last):
    ...
    minigen.course.checks.judging.NotYetError: 4 is not right. Take the root.
    """
    if close(given, right, near):
        return
    hints = (hint for trap, hint in traps if close(given, trap, max(near, near_trap)))
    raise NotYetError(f"{said} {next(hints, otherwise)}".strip())


def apart(given: Tensor, wanted: Tensor) -> float:
    """The largest difference between two tensors of one shape."""
    return float((given.double() - wanted).abs().max())


def expect_number(
    what: str,
    given: Any,
    right: float,
    traps: Mapping[float, str] | None = None,
    hint: str = "",
    near: float | None = None,
    digits: int = 2,
) -> None:
    """Pass if ``given`` is ``right``; a trap is a wrong answer that has a hint of its own.

    Within ``near`` (a thousandth of it) is right, and so is what is rounded to ``digits`` digits or more, as people
    write it; a whole number is not to be rounded.
    """
    try:
        number = as_numbers(given)
    except NotYetError as percent:
        raise NotYetError(f"{what}: {percent}") from None
    except (TypeError, ValueError, RuntimeError, ArithmeticError):
        raise NotYetError(f"{what} should be a number, but it is a {type(given).__name__}.") from None
    if number.numel() != 1:
        raise NotYetError(f"{what} should be a number, but it is a {type(given).__name__} of {number.numel()}.")
    value = float(number)
    if not math.isfinite(value):
        raise NotYetError(f"{what} is {value}; a finite number is wanted.")
    near = 1e-3 * abs(right or 1) if near is None else near
    if rounded(value, right, digits):
        return
    if 0 < right < 1 and value > 1 and close(value, 100 * right, 100 * near):
        raise NotYetError(f"{what}: that is in per cent. Write it as a part of 1.")
    if not close(value, right, near):
        found = [hint for trap, hint in (traps or {}).items() if rounded(value, trap, digits)]
        traps = dict.fromkeys([value], found[0]) if found else traps
    expect(value, right, (traps or {}).items(), f"{what} is not {value:g}. {hint}".strip(), near=near)


def ask(function: Any, *arguments: Any, said: str = "") -> Any:
    """The reader's function on some input; its errors become hints, and None means "not written yet".

    ``said`` stands before such a hint: what was asked.
    """
    if not callable(function):
        raise NotYetError(f"A function is wanted, but this is a {type(function).__name__}.")
    try:
        result = call(function, *arguments)
    except NotImplementedError:
        raise NotYetError("The function is still empty: write it, then run the cell again.") from None
    except Exception as error:
        raise NotYetError(f"{said} Your function stopped with {type(error).__name__}: {error}".strip()) from None
    if result is None or result is Ellipsis:
        raise NotYetError("Your function returns nothing yet: write it, and let it return its result.")
    return result


def expect_tensor(what: str, given: Any, shape: tuple[int, ...], hint: str = "", infinite: str = "") -> Tensor:
    """The reader's result as a tensor of this shape, or one that differs by sides of length 1.

    ``hint`` says in words what is wanted; ``infinite``, what to say where a number is not finite: without it such
    numbers pass here.
    """
    try:
        value = as_numbers(given)
    except (TypeError, ValueError, RuntimeError, ArithmeticError):
        raise NotYetError(f"{what} should be numbers, but it is a {type(given).__name__}.") from None
    if [side for side in value.shape if side != 1] != [side for side in shape if side != 1]:
        raise NotYetError(f"{what} has shape {tuple(value.shape)}, wanted is {shape}. {hint}".strip())
    if infinite and not bool(value.isfinite().all()):
        raise NotYetError(infinite)
    return value.reshape(shape)


def expect_truth(what: str, given: Any) -> bool:
    """The reader's True or False; 1 and 0 are as good, and a tensor or an array that holds one."""
    try:
        value = None if isinstance(given, str) else as_numbers(given)
    except (TypeError, ValueError, RuntimeError, ArithmeticError):
        value = None
    if value is None or value.numel() != 1 or float(value) not in (0, 1):
        raise NotYetError(f"{what} should return True or False, but it returned a {type(given).__name__}.")
    return bool(value)


def refuses(function: Any, *arguments: Any) -> bool:
    """Whether the reader's function answers with a ``ValueError``."""
    try:
        call(function, *arguments)
    except ValueError:
        return True
    except Exception as error:
        said = f"Your function stopped with {type(error).__name__}{f': {error}' if str(error) else ''}."
        raise NotYetError(f"{said} Wanted is a ValueError: raise ValueError(...)") from None
    return False

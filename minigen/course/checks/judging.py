"""The checks of the exercises: they say what is wrong and hint, and never give the answer away.

``check("first-step", 0.4, 1.6)`` looks at an answer and returns a ``Verdict``. An answer that is still
None (or Ellipsis) is "not yet". A reader's own function is tried on inputs that the reader has not seen,
in float64, and whatever goes wrong inside it is told in a sentence.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

    >>> check("first-step", None, None)
    Not yet. Put your answer in place of None (or ...) and run the cell again.
    >>> check("first-step", 0.4, 1.6)
    Right. The first step goes a quarter of the way; the last word is the slope that the two points agree on best.
    """
    judge = EXERCISES[check_choice("exercise", exercise, EXERCISES)]
    if any(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "Put your answer in place of None (or ...) and run the cell again.")
    try:
        return Verdict(True, judge(*answers))
    except NotYetError as hint:
        return Verdict(False, str(hint))


# --- tools for checks ------------------------------------------------------------------------------


def close(given: Answer, wanted: Answer, near: float = 1e-9, relative: float = 0.0) -> bool:
    """Whether two answers agree in every number, within ``near`` and a ``relative`` part of the wanted number."""
    one, other = (torch.as_tensor(answer, dtype=torch.float64) for answer in (given, wanted))
    return torch.allclose(one, other, rtol=relative, atol=near)


def expect(
    given: Answer,
    right: Answer,
    traps: Iterable[Trap],
    otherwise: str,
    said: str = "",
    near: float = 1e-9,
    relative: float = 0.0,
    near_trap: float = 1e-9,
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
    if close(given, right, near, relative):
        return
    hints = (hint for trap, hint in traps if close(given, trap, max(near, near_trap), relative))
    raise NotYetError(f"{said} {next(hints, otherwise)}".strip())


def apart(given: Tensor, wanted: Tensor) -> float:
    """The largest difference between two tensors of one shape."""
    return float((given - wanted).abs().max())


def expect_number(
    what: str, given: Any, right: float, traps: Mapping[float, str] | None = None, hint: str = "", near: float = 1e-3
) -> None:
    """Pass if ``given`` is within ``near`` of ``right``; a trap is a wrong answer that has a hint of its own."""
    try:
        value = float(given)
    except (TypeError, ValueError, RuntimeError):  # a tensor of several numbers raises the last
        raise NotYetError(f"{what} should be a number, but it is a {type(given).__name__}.") from None
    if not math.isfinite(value):
        raise NotYetError(f"{what} is {value}; a finite number is wanted.")
    expect(value, right, (traps or {}).items(), f"{what} is not {value:g}. {hint}".strip(), near=near)


def ask(function: Any, *arguments: Any) -> Any:
    """The reader's function on some input; its errors become hints, and None means "not written yet"."""
    if not callable(function):
        raise NotYetError(f"A function is wanted, but this is a {type(function).__name__}.")
    copies = [argument.clone() if isinstance(argument, Tensor) else argument for argument in arguments]
    try:
        result = function(*copies)
    except NotImplementedError:
        raise NotYetError("The function is still empty: write it, then run the cell again.") from None
    except Exception as error:
        raise NotYetError(f"Your function stopped with {type(error).__name__}: {error}") from None
    if result is None or result is Ellipsis:
        raise NotYetError("Your function returns nothing yet: write it, and let it return its result.")
    return result


def expect_tensor(what: str, given: Any, shape: tuple[int, ...], hint: str = "", infinite: str = "") -> Tensor:
    """The reader's result as a float64 tensor of this shape; ``hint`` says in words what is wanted.

    ``infinite``: what to say where a number is not finite; without it such numbers pass here.
    """
    try:
        value = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise NotYetError(f"{what} should be numbers, but it is a {type(given).__name__}.") from None
    if tuple(value.shape) != shape:
        raise NotYetError(f"{what} has shape {tuple(value.shape)}, wanted is {shape}. {hint}".strip())
    if infinite and not bool(value.isfinite().all()):
        raise NotYetError(infinite)
    return value


def expect_truth(what: str, given: Any) -> bool:
    """The reader's True or False; a tensor that holds one is as good."""
    if isinstance(given, Tensor) and given.numel() == 1:
        given = bool(given)
    if not isinstance(given, bool):
        raise NotYetError(f"{what} should return True or False, but it returned a {type(given).__name__}.")
    return given


def refuses(function: Any, *arguments: Any) -> bool:
    """Whether the reader's function answers with a ``ValueError``."""
    try:
        function(*arguments)
    except ValueError:
        return True
    except Exception as error:
        said = f"Your function stopped with {type(error).__name__}{f': {error}' if str(error) else ''}."
        raise NotYetError(f"{said} Wanted is a ValueError: raise ValueError(...)") from None
    return False

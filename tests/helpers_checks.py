"""What the cases of all exercises share: the form of a case, and functions that are no answer to anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One exercise: answers that pass, wrong ones by a word of the hint that each gets, and what no hint may hold."""

    right: list[Any]
    wrong: dict[str, list[Any]]
    secret: str
    """A regular expression for the answer."""

    function: bool = False
    """Whether an answer is one function; else it is a tuple of what the exercise asks for."""

    def rights(self) -> list[tuple[Any, ...]]:
        """What ``check`` is given, for each right answer."""
        return [self._given(answer) for answer in self.right]

    def wrongs(self) -> list[tuple[tuple[Any, ...], str]]:
        """What ``check`` is given, and the word of the hint, for each wrong answer."""
        rows = [*self.wrong.items(), *(NO_FUNCTION.items() if self.function else [])]
        return [(self._given(answer), word) for word, answers in rows for answer in answers]

    def _given(self, answer: Any) -> tuple[Any, ...]:
        return (answer,) if self.function else answer


def empty(*given: Any) -> None:
    """What a function is before it is written."""


def unwritten(*given: Any) -> None:
    """A reader's function that says so itself: checks must take it for one that is not written yet."""
    raise NotImplementedError


def breaks(*given: Any) -> None:
    """A function that stops with an error."""
    raise KeyError("pixel")


NO_FUNCTION: dict[str, list[Any]] = {
    "returns nothing yet": [empty],
    "still empty": [unwritten],
    "stopped with KeyError": [breaks],
    "stopped with TypeError": [lambda: 0],
    "A function is wanted": [0.5],
}
"""Wrong in every exercise that asks for one function."""

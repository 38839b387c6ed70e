"""Answers to the exercises of chapter 12, right and wrong: for tests/test_checks.py, helpers above and cases in CASES.

``python -m pytest drafts`` tries them here.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import checks_prompts
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import test_checks
from test_checks import Case, breaks, empty, unwritten

assert checks_prompts  # importing it registers the checks

# --- chapter 12 ------------------------------------------------------------------------------------


def to_numbers(prompt: str, words: tuple[str, ...]) -> list[int]:
    numbers = []
    for word in prompt.split():
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1, cutoff=0)
            raise ValueError(f"{word} is unknown; did you mean {near[0]}?")
        numbers.append(words.index(word))
    return numbers


def to_words(numbers: list[int], words: tuple[str, ...]) -> str:
    return " ".join(words[number] for number in numbers)


def without_a_word(prompt: str, words: tuple[str, ...]) -> list[int]:
    return [words.index(word) for word in prompt.split() if word in words]


def silent(prompt: str, words: tuple[str, ...]) -> list[int]:
    if any(word not in words for word in prompt.split()):
        raise ValueError("a word is unknown")
    return without_a_word(prompt, words)


def not_helpful(prompt: str, words: tuple[str, ...]) -> list[int]:
    for word in prompt.split():
        if word not in words:
            raise ValueError(f"{word} is unknown")
    return without_a_word(prompt, words)


def by_dictionary(prompt: str, words: tuple[str, ...]) -> list[int]:
    numbers = {word: number for number, word in enumerate(words)}
    return [numbers[word] for word in prompt.split()]


def hears(encoder: Any, one: Tensor, other: Tensor) -> bool:
    return bool((encoder(one[None]) - encoder(other[None])).abs().max() > 1e-6)


CASES: dict[str, Case] = {
    "words-and-numbers": Case(
        right=[(to_numbers, to_words), (lambda p, w: torch.tensor(to_numbers(p, w)), to_words)],
        wrong=[
            ((lambda p, w: [n + 1 for n in to_numbers(p, w)], to_words), "begin at 1"),
            ((lambda p, w: sorted(to_numbers(p, w)), to_words), "in the words' order"),
            ((lambda p, w: sorted(set(to_numbers(p, w))), to_words), "in the words' order"),
            ((lambda p, w: [len(word) for word in p.split()], to_words), "Where does each word stand"),
            ((lambda p, w: p.split(), to_words), "list of whole numbers"),
            ((lambda p, w: 3, to_words), "list of whole numbers"),
            ((to_numbers, lambda n, w: [w[i] for i in n]), "a str"),
            ((to_numbers, lambda n, w: "".join(w[i] for i in n)), "There and back"),
            ((without_a_word, to_words), "nobody is told"),
            ((by_dictionary, to_words), "stopped with KeyError"),
            ((silent, to_words), "which word is unknown"),
            ((not_helpful, to_words), "difflib"),
            ((breaks, to_words), "stopped with KeyError"),
            ((to_numbers, unwritten), "still empty"),
            ((empty, to_words), "returns nothing yet"),
            ((7, to_words), "A function is wanted"),
        ],
        secret=r"words\.index|get_close_matches|join",
    ),
    "hears-order": Case(
        right=[(hears,), (lambda e, one, other: ~torch.isclose(*e(torch.stack([one, other])), atol=1e-5).all(),)],
        wrong=[
            ((lambda e, one, other: True,), "The rows of tokens differ"),
            ((lambda e, one, other: False,), "far apart"),
            ((lambda e, one, other: not torch.equal(one, other),), "The rows of tokens differ"),
            ((lambda e, one, other: not torch.equal(e(one[None]), e(other[None])),), "a millionth"),
            ((lambda e, one, other: bool((e(one[None]) - e(other[None])).abs().max() > 0.05),), "faintly"),
            ((lambda e, one, other: e(one[None]) - e(other[None]),), "True or False"),
        ],
        secret=r"abs\(|allclose|isclose",
        function=True,
    ),
    "count-meanings": Case(
        right=[(20736, 10368, 0), (4 * 72**2, torch.tensor(2 * 72**2), 0.0)],
        wrong=[
            ((72, 10368, 0), "how many things"),
            ((5184, 10368, 0), "how many pairs"),
            ((288, 10368, 0), "so can the other"),
            ((144, 10368, 0), "multiply"),
            ((10368, 10368, 0), "all four"),
            ((20448, 10368, 0), "may be alike"),
            ((10224, 10368, 0), "may be alike"),
            ((20000, 10368, 0), "how many pairs"),
            ((20736, 20736, 0), "which is on top"),
            ((20736, 5184, 0), "two sentences, not four"),
            ((20736, 10404, 0), "like things"),
            ((20736, 10332, 0), "like things"),
            ((20736, 10224, 0), "may be alike"),
            ((20736, 7, 0), "does a picture have"),
            ((20736, 10368, 6), "Count them"),
            (("many", 10368, 0), "should be a number"),
        ],
        secret=r"20,?736|10,?368|\b0\b",
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

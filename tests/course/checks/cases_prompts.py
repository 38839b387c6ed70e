"""The cases of chapter 12, from labels to prompts: right answers, and wrong ones that people give."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np
import torch
from helpers_checks import Case, breaks, empty, unwritten
from torch import Tensor, nn

from minigen.base import text
from minigen.data import shapes
from minigen.training import History


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


def names_all(prompt: str, words: tuple[str, ...]) -> list[int]:
    for word in prompt.split():
        if word not in words:
            raise ValueError(f"{word} is unknown; allowed: {', '.join(words)}")
    return without_a_word(prompt, words)


def names_all_and_the_nearest(prompt: str, words: tuple[str, ...]) -> list[int]:
    try:
        return to_numbers(prompt, words)
    except ValueError as error:
        raise ValueError(f"{error} Allowed: {', '.join(words)}") from None


def by_dictionary(prompt: str, words: tuple[str, ...]) -> list[int]:
    numbers = {word: number for number, word in enumerate(words)}
    return [numbers[word] for word in prompt.split()]


def hears(encoder: Any, one: Tensor, other: Tensor) -> bool:
    return bool((encoder(one[None]) - encoder(other[None])).abs().max() > 1e-6)


def hears_by_closeness(encoder: Any, one: Tensor, other: Tensor) -> Tensor:
    """Both sentences at once, and a tensor for an answer."""
    first, second = encoder(torch.stack([one, other]))
    return ~torch.isclose(first, second, atol=1e-5).all()


QUESTIONS = (4, 3, 7, 7, 3, 7, 7)


class Reads(nn.Module):
    """A reader that needs no training: it parses. ``swaps``: in how many sentences of ten it mixes the things up."""

    def __init__(self, swaps: int = 0) -> None:
        super().__init__()
        self.swaps = swaps
        self.weight = nn.Parameter(torch.zeros(1))

    def meant(self, tokens: Tensor) -> Tensor:
        said = torch.stack([shapes.parse(text.decode(row, shapes.WORDS)) for row in tokens]) + 1
        mixed = torch.cat([said[:, :1], said[:, 4:], said[:, 1:4]], dim=1)
        mixes = (tokens.sum(dim=1) % 10 < self.swaps) & (said[:, 0] > 1)
        return torch.where(mixes[:, None], mixed, said)

    def forward(self, tokens: Tensor) -> Tensor:
        meant = self.meant(tokens)
        return torch.cat([nn.functional.one_hot(meant[:, k], n) for k, n in enumerate(QUESTIONS)], dim=1) + self.weight


class OfABag(Reads):
    """It knows which words were said, and puts the things in the order of the alphabet."""

    def meant(self, tokens: Tensor) -> Tensor:
        said = super().meant(tokens)
        first, second = said[:, 1:4], said[:, 4:]
        turned = ((first - second) * torch.tensor([10_000, 100, 1])).sum(dim=1, keepdim=True) > 0
        one, other = torch.where(turned, second, first), torch.where(turned, first, second)
        two = said[:, :1] > 1
        return torch.cat([said[:, :1], torch.where(two, one, first), torch.where(two, other, second)], dim=1)


class Wavers(Reads):
    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens) + torch.randn(len(tokens), sum(QUESTIONS))


CASES = {
    "words-and-numbers": Case(
        right=[
            (to_numbers, to_words),
            (lambda p, w: torch.tensor(to_numbers(p, w)), to_words),
            (to_numbers, lambda n, w: " ".join(np.array(w)[n])),
            (names_all_and_the_nearest, to_words),
        ],
        wrong={
            "begin at 1": [(lambda p, w: [n + 1 for n in to_numbers(p, w)], to_words)],
            "begin at 2": [(lambda p, w: [n + 2 for n in to_numbers(p, w)], to_words)],
            "in the words' order": [
                (lambda p, w: sorted(to_numbers(p, w)), to_words),
                (lambda p, w: sorted(set(to_numbers(p, w))), to_words),
            ],
            "Where does each word stand": [(lambda p, w: [len(word) for word in p.split()], to_words)],
            "list of whole numbers": [(lambda p, w: p.split(), to_words), (lambda p, w: 3, to_words)],
            "a str": [(to_numbers, lambda n, w: [w[i] for i in n])],
            "Mind the blanks": [(to_numbers, lambda n, w: "".join(w[i] for i in n))],
            "There and back": [(to_numbers, lambda n, w: " ".join(w[i - 1] for i in n))],
            "alphabet": [(lambda p, w: [sorted(w).index(word) for word in p.split()], to_words)],
            "each character": [(lambda p, w: [max(0, "abcdefgh".find(letter)) for letter in p], to_words)],
            "known words only": [(lambda p, w: [w.index(letter) for letter in p], to_words)],
            "many known words": [(names_all, to_words)],
            "nobody is told": [(without_a_word, to_words)],
            "stopped with KeyError": [(by_dictionary, to_words), (breaks, to_words)],
            "which word is unknown": [(silent, to_words)],
            "difflib": [(not_helpful, to_words)],
            "still empty": [(to_numbers, unwritten)],
            "returns nothing yet": [(empty, to_words)],
            "A function is wanted": [(7, to_words)],
        },
        secret=r"words\.index|get_close_matches|join",
    ),
    "hears-order": Case(
        right=[
            hears,
            hears_by_closeness,
            lambda *given: int(hears(*given)),
            lambda *given: np.array(hears(*given)),
        ],
        wrong={
            "is an average": [lambda e, one, other: True],
            "far apart": [lambda e, one, other: False],
            "rows of tokens differ": [lambda e, one, other: not torch.equal(one, other)],
            "largest difference": [
                lambda e, one, other: bool((e(one[None]) - e(other[None])).sum().abs() > 1e-6),
                lambda e, one, other: bool(((e(one[None]) - e(other[None])).abs() > 1e-6).all()),
            ],
            "whichever way": [
                lambda e, one, other: bool((e(one[None]) - e(other[None]) > 1e-6).any()),
                lambda e, one, other: bool((e(other[None]) - e(one[None]) > 1e-6).any()),
            ],
            "of shape (1, 12)": [lambda e, one, other: bool((e(one) - e(other)).abs().max() > 1e-6)],
            "a millionth": [lambda e, one, other: not torch.equal(e(one[None]), e(other[None]))],
            "faintly": [lambda e, one, other: bool((e(one[None]) - e(other[None])).abs().max() > 0.05)],
            "True or False": [lambda e, one, other: e(one[None]) - e(other[None])],
        },
        secret=r"abs\(|allclose|isclose",
        function=True,
    ),
    "train-reader": Case(
        right=[(Reads(),), (Reads(swaps=2),)],
        wrong={
            "the same sum": [(OfABag(),)],
            "hardly any right": [(Reads(swaps=10),)],
            "short from each word": [(Reads(swaps=5),)],
            "Was it trained": [
                (text.Reader(text.PromptEncoder(len(shapes.WORDS), 16, 16, layers=1, heads=1), QUESTIONS).eval(),)
            ],
            "not its encoder": [(text.PromptEncoder(len(shapes.WORDS), 16, 16, layers=1, heads=1).eval(),)],
            "still in training mode": [(Wavers(),)],
            "the class Reads": [(Reads,)],
            "the history of a training": [(History(),)],
            "a module of torch": [("a reader",)],
            "nothing to train": [(nn.Identity(),)],
        },
        secret=r"flatten|16 \* size|side by side|PromptEncoder",
    ),
}

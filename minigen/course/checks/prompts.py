"""The checks of chapter 12, from labels to prompts."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.judging import NotYetError, ask, exercise, expect_number, expect_truth


def _refuses(encode: Any, prompt: str, words: tuple[str, ...], unknown: str, near: str) -> None:
    """Raise unless the reader's function raises a ValueError that names the unknown word and the nearest known one."""
    try:
        given = encode(prompt, words)
    except ValueError as error:
        if unknown not in str(error):
            raise NotYetError(f"For {prompt!r} your error does not say which word is unknown.") from None
        if near not in str(error).replace(unknown, ""):
            raise NotYetError(
                f"Your error names the unknown word {unknown!r}, but not the one among {words} that is nearest to it."
                " The module difflib finds near words."
            ) from None
        named = [word for word in re.findall(r"\w+", str(error)) if word in words and word not in prompt.split()]
        if named[0] != near and any(named.count(word) >= named.count(near) for word in set(named) - {near}):
            raise NotYetError(
                f"Your error names many known words. Which of them is the nearest to {unknown!r}?"
            ) from None
        return
    except Exception as error:
        raise NotYetError(
            f"For {prompt!r}, with a word that is not in {words}, it stopped with {type(error).__name__}; wanted is a"
            " ValueError that names the word."
        ) from None
    raise NotYetError(
        f"For {prompt!r} and the words {words} it gave {given!r}. A word was lost there, and nobody is told: raise a"
        " ValueError."
    )


def _judge_numbers(numbers: Any, prompt: str, words: tuple[str, ...]) -> None:
    """Raise the hint for numbers that are not the places of the prompt's words."""
    try:
        given = [int(number) for number in numbers]
    except (TypeError, ValueError):
        raise NotYetError(f"encode should return a list of whole numbers, not {numbers!r}.") from None
    said = prompt.split()
    wanted = [words.index(word) for word in said]
    if given == wanted:
        return
    first = "Here the first word of the list has the number 0."
    hints = {
        f"Your numbers begin at 1. {first}": given == [number + 1 for number in wanted],
        f"Your numbers begin at 2, as in the package, where 0 and 1 stand for no word. {first}": (
            given == [number + 2 for number in wanted]
        ),
        "Your numbers are places in the alphabet. Where does each word stand in words, as given?": (
            given == [sorted(words).index(word) for word in said]
        ),
        f"For {prompt!r} you give {len(given)} numbers, one for each character. Words are asked.": (
            len(given) == len(prompt) != len(wanted)
        ),
        f"For {prompt!r} you give {given}: as many numbers as words, in the words' order.": (
            given in (sorted(wanted), sorted(set(wanted)))
        ),
        f"For {prompt!r} and the words {words} you give {given}. Where does each word stand?": True,
    }
    raise NotYetError(next(hint for hint, holds in hints.items() if holds))


@exercise("words-and-numbers")
def _words_and_numbers(encode: Any, decode: Any) -> str:
    vocabularies = (("a", "blue", "circle", "red", "star"), ("star", "small", "a", "above", "red", "heart", "ring"))
    for words in vocabularies:
        for prompt in (" ".join(words), f"{words[2]} {words[0]} {words[2]}", words[-1], f"{words[0]} {words[-2]}"):
            numbers = ask(encode, prompt, words, said=f"{prompt!r} holds known words only.")
            _judge_numbers(numbers, prompt, words)
            again = ask(decode, numbers, words)
            if not isinstance(again, str):
                raise NotYetError(f"decode should return a sentence, a str, but it returned a {type(again).__name__}.")
            if again != prompt:
                blanks = " Mind the blanks." if again.replace(" ", "") == prompt.replace(" ", "") else ""
                raise NotYetError(f"There and back, {prompt!r} becomes {again!r}.{blanks}")
        _judge_numbers(ask(encode, "", words, said="The empty prompt has no words, and none is unknown."), "", words)
    _refuses(encode, "a rad star", vocabularies[0], "rad", "red")
    _refuses(encode, "a red strat", vocabularies[1], "strat", "star")
    return "Nothing is lost on the way, and what can't be said is answered with a proposal."


class _Hears(nn.Module):
    """A prompt encoder for the exercise: the mean of its words' vectors, and some of the second word's besides.

    ``along``: how its eight numbers hear the second word, if not each in its own way.
    """

    def __init__(self, order: float, words: float = 1.0, along: list[int] | None = None) -> None:
        super().__init__()
        self.order, self.words, self.along = order, words, along
        self.register_buffer("vectors", torch.randn(60, 8, generator=seeded(20)))

    def forward(self, tokens: Tensor) -> Tensor:
        vectors = self.vectors[tokens]  # type: ignore[index]
        said = (tokens > 0).unsqueeze(2)
        mean = (vectors * said).sum(dim=1) / said.sum(dim=1)
        second = vectors[:, 2]
        if self.along:
            second = second[:, :1] * second.new_tensor(self.along)
        return self.words * mean + self.order * second


def _encoders() -> tuple[tuple[_Hears, bool, str], ...]:
    """Encoders, whether they hear the order of words, and the hint for whoever is mistaken about that."""
    tokens = (
        "This encoder is an average: it makes the same of both sentences. (That the rows of tokens differ is known."
        " Asked is whether what the encoder makes of them does.)"
    )
    rounding = (
        "This encoder takes the average of the words. Its two answers differ in the last digit, since sums in another"
        " order are rounded otherwise: let a millionth pass as equal."
    )
    two = (
        "This encoder's answers differ in two of eight numbers, up in the one and down as much in the other. Look at"
        " the largest difference, whichever way it goes."
    )
    one_way = "This encoder's answers differ in all numbers in the same direction. It counts whichever way it goes."
    return (
        (_Hears(1.0), True, "This encoder's answers for the two sentences are far apart. You missed it."),
        (_Hears(0.0), False, tokens),
        (_Hears(1e-7), False, rounding),
        (_Hears(1.0, along=[1, -1] + 6 * [0]), True, two),
        (_Hears(1.0, along=8 * [1]), True, one_way),
        (_Hears(-1.0, along=8 * [1]), True, one_way),
        (_Hears(1e-3), True, "This encoder hears the order faintly: its answers differ by about a thousandth."),
        (_Hears(0.0, 0.0), False, "This encoder answers the same to everything: it hears nothing, and no order."),
    )


@exercise("hears-order")
def _hears_order(function: Any) -> str:
    one = torch.tensor([1, 5, 21, 9, 3, 5, 7, 25, 0, 0, 0, 0])
    other = torch.tensor([1, 5, 7, 25, 3, 5, 21, 9, 0, 0, 0, 0])
    for encoder, truth, hint in _encoders():
        try:
            given = ask(function, encoder, one, other)
        except NotYetError as error:
            if "Error" in str(error):
                raise NotYetError(f"{error} (The encoder takes rows of tokens, here of shape (1, 12).)") from None
            raise
        if expect_truth("hears_order", given) is not truth:
            raise NotYetError(hint)
    return "The same words in two orders, and a look at whether anything moves: averages can't pass, by definition."


@exercise("count-meanings")
def _count_meanings(sentences: Any, pictures: Any, new: Any) -> str:
    traps = {
        5184.0: "That is how many pairs of things there are. In how many ways can two things stand?",
        72.0: "That is how many things there are.",
        288.0: "One of the two things can be anything, and so can the other.",
        10368.0: "Left of, right of, above, below: all four can be said.",
        20448.0: "The two things may be alike: a red ring above a red ring.",
        10224.0: "The two things may be alike. And all four relations can be said.",
        144.0: "Two sizes for each thing, six colours, six shapes: multiply, for both things.",
    }
    hint = "How many things are there, how many pairs of them, and how many ways to stand?"
    expect_number("The number of sentences", sentences, 20736, traps, hint)
    traps = {
        20736.0: "Some sentences say the same of the same picture: which is on top if A is below B?",
        5184.0: "Each picture has two sentences, not four: above is not left of.",
        10404.0: "Even a pair of like things can be told in two ways: each is seen from the other.",
        10332.0: "Even a pair of like things can be told in two ways: each is seen from the other.",
        10224.0: "The two things may be alike.",
    }
    expect_number(
        "The number of pictures to tell apart", pictures, 10368, traps, "How many sentences does a picture have?"
    )
    expect_number(
        "The number of scenes with something new", new, 0, {}, "Count them by is_new in scenes of the split 'train'."
    )
    return "Ten thousand different pictures from two dozen words; and what training never shows, it never shows."

"""The checks of chapter 12, from labels to prompts."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base import text
from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net
from minigen.course.checks.judging import NotYetError, ask, exercise, expect_truth
from minigen.data import shapes


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


_QUESTIONS = tuple(1 + len(kind) for kind in (shapes.LAYOUTS, *(shapes.SIZES, shapes.COLOURS, shapes.SHAPES) * 2))
"""How many answers each of the seven questions has, "it does not say" among them."""

_READ = 0.7
"""The share of sentences that must be read right. Measured after 400 updates of 128 sentences, on new pairs and on new
relations: an average .39 to .40 and 0 (with places .39 and 0), a linear layer of all places .47 and 0, the same with a
layer between .91 to .92 and .94 to .96 (seeds 0 to 2), a GRU .85 and .52."""


def _sentences(split: str, count: int = 500) -> tuple[Tensor, Tensor]:
    """Tokens of sentences of a split, and what they say: 0 is nothing."""
    random = seeded(12)
    said = shapes.describe(shapes.draw_meanings(count, split, random), random)
    tokens = torch.stack([text.encode(sentence, shapes.WORDS, 16) for sentence in said])
    return tokens, torch.stack([shapes.parse(sentence) for sentence in said]) + 1


def _answered(net: nn.Module, tokens: Tensor) -> Tensor:
    """The network's answers to the seven questions, (count, 7)."""
    said = answers_of(net, tokens)
    if tuple(said.shape) != (len(tokens), sum(_QUESTIONS)):
        raise NotYetError(
            f"Asked about {len(tokens)} sentences, it answers with shape {tuple(said.shape)}; wanted is"
            f" ({len(tokens)}, {sum(_QUESTIONS)}). Hand in the whole reader, mg.text.Reader(...), not its encoder."
        )
    return torch.stack([belief.argmax(dim=1) for belief in said.split(_QUESTIONS, dim=1)], dim=1)


@exercise("train-reader")
def _train_reader(trained: Any) -> str:
    net = expect_net(trained)
    right = {}
    for split in ("train", "new pairs", "new relations"):
        tokens, answers = _sentences(split)
        right[split] = float((_answered(net, tokens) == answers).all(dim=1).double().mean())
    usual, *new = right.values()
    said = f"It reads {new[0]:.0%} of sentences with a new pair, and {new[1]:.0%} of those with a new relation"
    if min(new) >= _READ:
        return f"{said}: what stands in which place decides what belongs to which thing."
    said = f"{said}; at least {_READ:.0%} of both are wanted."
    if usual < 0.2:
        raise NotYetError(f"{said} Of sentences like those in training it is {usual:.0%}. Was it trained?")
    swapped = ("a red star above a blue ring", "a blue ring above a red star")
    rows = torch.stack([text.encode(sentence, shapes.WORDS, 16) for sentence in swapped])
    one, other = answers_of(net, rows)
    if torch.allclose(one, other, atol=1e-4):
        raise NotYetError(
            f"{said} It can't tell {swapped[0]!r} from {swapped[1]!r}: the same words, the same sum. Where is it lost"
            " which word stood in which place?"
        )
    said = f"{said} Of sentences like those in training it is {usual:.0%}, so it hears some of the order."
    if new[1] < 0.1:
        raise NotYetError(
            f"{said} But of two things it gets hardly any right. Does every answer see all words, each in its place,"
            " and is there a layer between that can put two of them together, a place and 'below'?"
        )
    raise NotYetError(
        f"{said} Is the way short from each word to the answers? (More updates may do as well: what learns slowly may"
        " still learn it.)"
    )

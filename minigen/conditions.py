"""Conditions: what a generator is told besides the picture, a class or a sentence (chapters 2, 12 and 13).

A condition turns labels or prompts into *tokens*, says which tokens mean "not told", and makes the module that
embeds tokens as the context vector of a network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from minigen.base import text
from minigen.base.errors import check_labels, check_number, check_whole
from minigen.base.parts import Config, Part, described


class Condition(Part, ABC, kind="condition"):
    """What every condition can do. ``dropout`` is the share of the tokens that training replaces by "not told".

    An own one says ``tokens``, ``none`` and ``embedding``. What is asked for reaches it through the argument of
    ``sample`` that ``argument`` names. Training takes tokens beside the images, so what a picture is told is made once,
    before: here from the pictures themselves. ::

        class Ink(Condition):                                    # how much of a picture is ink, from 0 to 1
            def tokens(self, given, count):
                given = torch.full((count,), 0.2) if given is None else given
                return torch.as_tensor(given).expand(count)[:, None]
            def none(self, count):
                return torch.full((count, 1), -1.0)              # no picture has so little
            def embedding(self, size):
                return nn.Linear(1, size)

        ink = (images.mean(dim=(1, 2, 3)) + 1) / 2               # measured in the pictures: (count,)
        train(model, images, model.condition.tokens(ink, len(images)))
        sample(model, 16, labels=0.3)
    """

    argument: ClassVar[str] = "labels"
    """Of ``sample``: "labels" or "prompt"."""

    dropout: float = 0.1

    @abstractmethod
    def tokens(self, given: Any, count: int) -> Tensor:
        """What was asked for as tokens, (count, ...); ``given`` is None where nothing was said."""

    @abstractmethod
    def none(self, count: int) -> Tensor:
        """Tokens for so many images that say "not told"."""

    @abstractmethod
    def embedding(self, size: int) -> nn.Module:
        """A fresh module that turns tokens (B, ...) into context vectors (B, size)."""

    def check(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if training can use them, else raise: here, if they are like those for "not told"."""
        like = self.none(1)
        if not isinstance(tokens, Tensor) or tokens.shape[1:] != like.shape[1:] or tokens.dtype != like.dtype:
            got = f"shape {tuple(tokens.shape)} and dtype {tokens.dtype}" if isinstance(tokens, Tensor) else tokens
            wanted = ", ".join(map(str, ("count", *like.shape[1:])))
            raise ValueError(
                f"{argument} has {got}; allowed for {type(self).__name__}: ({wanted}) of {like.dtype}, such as its"
                " tokens() makes"
            )
        return self.check_finite(argument, tokens)

    def check_finite(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if all are finite, or those for "not told" are not either, else raise."""
        if not bool(tokens.isfinite().all()) and bool(self.none(1).isfinite().all()):
            raise ValueError(f"{argument} holds NaN or infinite values; allowed for {type(self).__name__}: finite ones")
        return tokens


@dataclass(frozen=True)
class Labels(Condition):
    """A condition: which of ``classes`` classes to draw (chapters 2 and 12).

    In training a share ``dropout`` of the labels is replaced by "none" (the number ``classes``), so
    that one network learns to draw with and without: what guidance needs (chapter 13).

    >>> Labels(10).tokens([3, 3, 7], count=3)
    tensor([3, 3, 7])
    >>> Labels(10).tokens(None, count=12)                 # equal counts of each class
    tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """

    classes: int
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", check_whole("classes", self.classes))  # also of a tensor's largest number
        check_number("dropout", self.dropout, 0, 1)

    def tokens(self, given: Tensor | Sequence[int] | int | None, count: int) -> Tensor:
        """What was asked for, as one whole number an image; None means every class equally often."""
        if given is None:
            return torch.arange(count) % self.classes
        try:
            labels = torch.as_tensor(given)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(
                f"labels is {given!r}; allowed: a whole number from 0 to {self.classes - 1}, or one for each image"
            ) from None
        labels = labels.expand(count) if labels.dim() == 0 else labels
        check_labels("labels", labels, self.classes)
        if len(labels) != count:
            raise ValueError(f"labels holds {len(labels)} labels; allowed: one, or as many as images: {count}")
        return labels.long()

    def none(self, count: int) -> Tensor:
        """Tokens for so many images that say "not told"."""
        return torch.full((count,), self.classes)

    def check(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if they are labels to train with, else raise."""
        return check_labels(argument, tokens, self.classes)

    def embedding(self, size: int) -> nn.Module:
        """A fresh module that turns tokens (B,) into context vectors (B, size)."""
        return nn.Embedding(self.classes + 1, size)


@dataclass(frozen=True)
class Prompt(Condition):
    """A condition: a sentence made of ``words`` (chapter 12).

    A share ``dropout`` of the prompts is replaced by the empty one in training, so that the network can
    draw without a prompt, too.

    Args:
        words: the vocabulary, such as ``data.SCENE_WORDS``.
        length: tokens a prompt, the start among them; a prompt has at most ``length - 1`` words.
        layers: of the transformer that reads it.

    >>> Prompt(("a", "circle", "red")).tokens(["a red circle", ""], count=2)[:, :5]
    tensor([[1, 2, 4, 3, 0],
            [1, 0, 0, 0, 0]])
    """

    argument = "prompt"

    words: tuple[str, ...]
    length: int = 16
    dropout: float = 0.1
    layers: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", text.check_words(self.words))  # JSON gives a list
        check_whole("length", self.length, least=2)
        check_whole("layers", self.layers)
        check_number("dropout", self.dropout, 0, 1)

    def tokens(self, given: str | Sequence[str] | Tensor | None, count: int) -> Tensor:
        """The tokens (count, length) of one prompt, or of one an image; None is the empty prompt."""
        if given is None or isinstance(given, str):
            return text.encode(given or "", self.words, self.length).expand(count, -1)
        if not isinstance(given, Sequence | Tensor) or len(given) == 0:
            raise TypeError(f"prompt is {given!r}; allowed: a sentence, or one for each image")
        rows = (
            given
            if isinstance(given, Tensor)
            else torch.stack([text.encode(p, self.words, self.length) for p in given])
        )
        if len(rows) != count:
            raise ValueError(f"prompt holds {len(rows)} prompts; allowed: one, or as many as images: {count}")
        return self.check("prompt", rows)

    def none(self, count: int) -> Tensor:
        """Tokens of so many empty prompts."""
        return self.tokens(None, count)

    def check(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if they are rows of this vocabulary, (B, length), else raise."""
        if tokens.dtype != torch.int64 or tuple(tokens.shape[1:]) != (self.length,):
            raise ValueError(
                f"{argument} has shape {tuple(tokens.shape)} and dtype {tokens.dtype};"
                f" allowed: tokens (count, {self.length}) int64, such as Prompt.tokens makes"
            )
        check_labels(argument, tokens.flatten(), len(self.words) + 2)
        return tokens

    def embedding(self, size: int) -> nn.Module:
        """A fresh module that turns tokens (B, length) into context vectors (B, size)."""
        return text.PromptEncoder(len(self.words), self.length, size, self.layers)


CONDITIONS: dict[str, type[Condition]] = {each.__name__: each for each in (Labels, Prompt)}


def config(condition: Condition | None) -> Config | None:
    """What ``build`` needs to make this condition again; None for none."""
    return None if condition is None else condition.config()


def build(config: Config | None) -> Condition | None:
    """The condition that ``config`` described.

    >>> build(config(Labels(10))), build(config(None))
    (Labels(classes=10, dropout=0.1), None)
    """
    if config is None:
        return None
    return cast(Condition, described(Condition, config, CONDITIONS))

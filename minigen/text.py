"""From words to numbers: a vocabulary, tokens, and a small transformer that reads a prompt (chapter 12).

A prompt becomes a row of tokens, one whole number a word: ``[START, word, word, ..., PAD, PAD]``. The encoder turns
the row into one vector, the same kind of context that a label gives, and the image network never learns the
difference. It is trained together with that network, from nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minigen.errors import check_whole, nearest

PAD, START = 0, 1
"""What fills a short row, and what begins every row, the empty prompt's, too."""


def words_of(prompt: str) -> list[str]:
    """The words of a prompt: small letters, no punctuation.

    >>> words_of("A small, red circle.")
    ['a', 'small', 'red', 'circle']
    """
    if not isinstance(prompt, str):
        raise TypeError(f"prompt is {prompt!r}, a {type(prompt).__name__}; allowed: a str")
    return "".join(letter if letter.isalnum() else " " for letter in prompt.lower()).split()


def encode(prompt: str, words: Sequence[str], length: int) -> Tensor:
    """The tokens of a prompt, (length,) int64; word i of the vocabulary ``words`` is token i + 2.

    An empty prompt is ``START`` alone: the model is told nothing.

    Raises:
        ValueError: if it has more than ``length - 1`` words, or words that the vocabulary lacks; the
            message names them and the nearest known ones.

    >>> encode("a red circle", ("a", "circle", "red"), length=6)
    tensor([1, 2, 4, 3, 0, 0])
    >>> encode("a rad circle", ("a", "circle", "red"), length=6)
    Traceback (most recent call last):
    ValueError: prompt has the unknown word 'rad'; did you mean 'red'? Known words: a, circle, red
    """
    number = {word: i for i, word in enumerate(words, start=2)}
    said = words_of(prompt)
    if unknown := [word for word in dict.fromkeys(said) if word not in number]:
        hints = ", ".join(repr(word) for word in unknown) + "".join(nearest(word, words) for word in unknown)
        raise ValueError(
            f"prompt has the unknown word{'s' * (len(unknown) > 1)} {hints}{'' if hints.endswith('?') else '.'}"
            f" Known words: {', '.join(words)}"
        )
    if len(said) > length - 1:
        raise ValueError(f"prompt has {len(said)} words; allowed: up to {length - 1}")
    row = [START, *(number[word] for word in said)]
    return torch.tensor(row + [PAD] * (length - len(row)))


def decode(tokens: Tensor, words: Sequence[str]) -> str:
    """The words of tokens (length,), in a line.

    >>> decode(encode("a red circle", ("a", "circle", "red"), length=6), ("a", "circle", "red"))
    'a red circle'
    """
    return " ".join(words[token - 2] for token in tokens.tolist() if token > START)


class PromptEncoder(nn.Module):
    """Tokens (B, length) to context vectors (B, size): a transformer, then one linear layer that reads all places.

    Each word is a learned vector plus a learned vector for its place, so "red circle above blue square"
    and "blue square above red circle", which hold the same words, are not the same (their averages are).
    Attention is torch's (Vaswani et al. 2017; norms first, as in GPT-2).

    >>> encoder = PromptEncoder(words=3, length=6, size=32)
    >>> encoder(encode("a red circle", ("a", "circle", "red"), length=6)[None]).shape
    torch.Size([1, 32])
    """

    def __init__(self, words: int, length: int, size: int, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        for argument, value in (("words", words), ("length", length), ("layers", layers), ("heads", heads)):
            check_whole(argument, value)
        self.word = nn.Embedding(words + 2, size)
        self.place = nn.Parameter(torch.randn(length, size))  # as loud as the words, or the order isn't heard
        layer = nn.TransformerEncoderLayer(
            size, heads, 2 * size, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(size), enable_nested_tensor=False)
        self.read = nn.Linear(length * size, size)

    def forward(self, tokens: Tensor) -> Tensor:
        empty = tokens == PAD
        h = self.layers(self.word(tokens) + self.place, src_key_padding_mask=empty)  # (B, length, size)
        return self.read(h.masked_fill(empty[:, :, None], 0).flatten(1))

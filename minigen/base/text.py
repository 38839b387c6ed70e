"""From words to numbers: a vocabulary, tokens, and a small transformer that reads a prompt (chapter 12).

A prompt becomes a row of tokens, one whole number a word: ``[START, word, word, ..., PAD, PAD]``. The encoder turns
the row into one vector, the same kind of context that a label gives, and the image network never learns the
difference. ``Reader`` teaches the encoder what sentences mean before it meets a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import check_whole, nearest

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


def check_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return a vocabulary as a tuple if it is one or more different words, else raise.

    >>> check_words("a red circle")
    Traceback (most recent call last):
    TypeError: words is 'a red circle', one text; allowed: a list of words, such as 'a red circle'.split()
    """
    if isinstance(words, str):
        raise TypeError(f"words is {words!r}, one text; allowed: a list of words, such as {words!r}.split()")
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words is {words!r}; allowed: a list of words, each a str")
    twice = [word for word in dict.fromkeys(words) if words.count(word) > 1]
    if twice or not words:
        raise ValueError(f"words {f'has {twice[0]!r} twice' if twice else 'is empty'}; allowed: different words")
    return tuple(words)


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
    check_whole("length", length, least=2)
    number = {word: i for i, word in enumerate(check_words(words), start=2)}
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
        self.size = size
        self.word = nn.Embedding(words + 2, size)
        self.place = nn.Parameter(torch.randn(length, size))  # as loud as the words, or the order isn't heard
        layer = nn.TransformerEncoderLayer(
            size, heads, 2 * size, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(size), enable_nested_tensor=False)
        self.read = nn.Sequential(nn.Linear(length * size, size), nn.LayerNorm(size, elementwise_affine=False))

    def forward(self, tokens: Tensor) -> Tensor:
        """A vector for each prompt, (B, size), from its tokens, (B, length)."""
        empty = tokens == PAD
        h = self.layers(self.word(tokens) + self.place, src_key_padding_mask=empty)  # (B, length, size)
        return self.read(h.masked_fill(empty[:, :, None], 0).flatten(1))


def answers_loss(beliefs: Tensor, answers: Tensor, questions: Sequence[int]) -> Tensor:
    """The cross-entropy of answers (B, questions), summed over the questions; -1 is none, and costs nothing.

    ``beliefs`` are (B, sum of ``questions``): as many logits for each question as it has answers.

    >>> round(float(answers_loss(torch.zeros(4, 5), torch.zeros(4, 2).long(), (2, 3))), 4)    # ln 2 + ln 3
    1.7918
    """
    pairs = zip(beliefs.split(tuple(questions), dim=1), answers.unbind(dim=1), strict=True)
    losses = [F.cross_entropy(said, right, ignore_index=-1, reduction="none").mean() for said, right in pairs]
    return torch.stack(losses).sum()


class Reader(nn.Module):
    """An encoder and one linear layer that answers questions about a prompt: a lesson in reading.

    Trained with a picture network only, the encoder hears which words a prompt has long before it hears which
    word belongs to which thing (chapter 12 shows both). So it learns to read first, from sentences alone, as
    text-to-image systems do whose encoders come from CLIP (Ramesh et al. 2022) or from a language model
    (Saharia et al. 2022). The linear layer is thrown away.

    ``questions`` says how many answers each question has.

    >>> reader = Reader(PromptEncoder(words=3, length=6, size=32), questions=(2, 3))
    >>> tokens = encode("a red circle", ("a", "circle", "red"), length=6)[None]
    >>> reader(tokens).shape, reader.loss((tokens, torch.tensor([[1, 2]]))).shape
    (torch.Size([1, 5]), torch.Size([]))
    """

    def __init__(self, encoder: PromptEncoder, questions: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.questions = encoder, tuple(questions)
        self.answer = nn.Linear(encoder.size, sum(self.questions))

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits of the answers to all questions, side by side: (B, sum of questions)."""
        return self.answer(self.encoder(tokens))

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        """The cross-entropy of a batch (tokens, answers), summed over the questions."""
        return answers_loss(self(batch[0]), batch[1], self.questions)

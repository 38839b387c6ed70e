"""Words to numbers and back, and the encoder that hears their order."""

from __future__ import annotations

import pytest
import torch
from helpers_core import ONE, OTHER
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import Prompt, scenes, text
from minigen.base.randomness import seeded

WORDS = scenes.WORDS


@settings(max_examples=100)
@given(st.lists(st.sampled_from(WORDS), max_size=15))
def test_encode_and_decode_are_a_round_trip(said: list[str]) -> None:
    tokens = text.encode(" ".join(said), WORDS, length=16)
    assert tokens.shape == (16,)
    assert text.decode(tokens, WORDS) == " ".join(said)


@pytest.mark.parametrize(
    ("prompt", "kind", "wanted"),
    [
        ("a rad sqare", ValueError, r"unknown words 'rad', 'sqare'; did you mean 'red'\?; did you mean 'square'\?"),
        ("a xyzzy", ValueError, r"unknown word 'xyzzy'\. Known words: a, above"),
        (" ".join(["a"] * 16), ValueError, "prompt has 16 words; allowed: up to 15"),
        (7, TypeError, "prompt is 7, a int; allowed: a str"),
    ],
)
def test_a_bad_prompt_is_answered(prompt: str, kind: type[Exception], wanted: str) -> None:
    with pytest.raises(kind, match=wanted):
        text.encode(prompt, WORDS, length=16)


@pytest.fixture(scope="module")
def encoder() -> text.PromptEncoder:
    torch.manual_seed(0)
    return text.PromptEncoder(len(WORDS), length=16, size=32).eval()


@torch.no_grad()
def test_the_order_of_words_counts(encoder: text.PromptEncoder) -> None:
    """The averages of the word vectors are the same, what the encoder says is not."""
    tokens = Prompt(WORDS).tokens([ONE, OTHER], 2)
    words = encoder.word(tokens).mean(dim=1)
    assert torch.allclose(words[0], words[1], atol=1e-6)
    said = encoder(tokens)
    assert float((said[0] - said[1]).abs().max()) > 1e-3


@torch.no_grad()
def test_padding_says_nothing(encoder: text.PromptEncoder) -> None:
    """What lies behind the last word can't be heard: another place vector there changes nothing."""
    tokens = Prompt(WORDS).tokens("a red circle", 1)
    before = encoder(tokens)
    was = encoder.place.clone()
    moved = torch.randn(16, 32, generator=seeded(0))
    encoder.place[4:] += moved[4:]
    assert torch.allclose(encoder(tokens), before, atol=1e-6)
    encoder.place[3] += moved[3]
    assert not torch.allclose(encoder(tokens), before, atol=1e-2)
    encoder.place.copy_(was)

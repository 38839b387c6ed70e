"""Conditions: labels and prompts become tokens, a share of them is dropped, and the rest is heard."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers_core import GREYS, ONE, OTHER, tiny_unet, told

from minigen import Generator, Labels, Prompt, heads, nets, plans, sample, scenes, text
from minigen.base.randomness import seeded

WORDS = scenes.WORDS

# --- labels ----------------------------------------------------------------------------------------


def test_labels_become_tokens() -> None:
    """One for all, one an image, or every class equally often."""
    labels = Labels(3)
    assert labels.tokens(None, 7).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert labels.tokens(2, 3).tolist() == [2, 2, 2]
    assert labels.tokens([2, 0], 2).tolist() == [2, 0]
    assert labels.none(2).tolist() == [3, 3]


def test_a_share_of_the_labels_is_dropped_in_training_only() -> None:
    """A quarter of them, to 4 standard errors; none while evaluating."""
    model = tiny_unet(GREYS, plans.one_shot(), condition=Labels(3, dropout=0.25))
    labels = torch.zeros(10_000, dtype=torch.int64)
    model.eval()
    assert torch.equal(model._training_tokens([labels], 10_000, seeded(0)), labels)
    model.train()
    tokens = model._training_tokens([labels], 10_000, seeded(0))
    assert set(tokens.tolist()) == {0, 3}
    assert float((tokens == 3).double().mean()) == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 10_000))


@torch.no_grad()
def test_not_told_is_a_token_of_its_own() -> None:
    """predict without tokens is predict with the number after the last class."""
    model = tiny_unet(GREYS, plans.one_shot(), condition=told(3))
    x, t = torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8)
    assert torch.equal(model.predict(x, t), model.predict(x, t, torch.tensor([3, 3])))
    assert not torch.equal(model.predict(x, t), model.predict(x, t, torch.tensor([0, 0])))


# --- prompts ---------------------------------------------------------------------------------------


def test_every_caption_fits() -> None:
    prompts = scenes.scenes(3000, "everything", seed=1).prompts
    assert Prompt(WORDS).tokens(prompts, len(prompts)).shape == (3000, 16)


def test_a_prompt_becomes_tokens() -> None:
    condition = Prompt(WORDS)
    assert torch.equal(condition.tokens(None, 2), condition.tokens(["", ""], 2))
    assert torch.equal(condition.none(2), condition.tokens("", 2))
    assert torch.equal(condition.tokens(ONE, 3), condition.tokens([ONE] * 3, 3))
    with pytest.raises(ValueError, match="prompt holds 2 prompts; allowed: one, or as many as images: 3"):
        condition.tokens([ONE, OTHER], 3)


def hearing(dropout: float = 0.1) -> Generator:
    """A tiny model with a prompt, and no layer left at 0: a fresh one does not hear its context yet."""
    torch.manual_seed(0)
    net = nets.UNet(size=8, channels=3, widths=(8, 16), context_size=32)
    model = Generator(net, heads.Regression("v"), plans.diffusion(), condition=Prompt(WORDS, dropout=dropout))
    for name, parameter in model.named_parameters():
        if name.endswith(("conv2.weight", "last.weight")):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_a_share_of_the_prompts_is_dropped_in_training_only() -> None:
    model = hearing(dropout=0.25)
    tokens = model.condition.tokens(ONE, 8000)  # type: ignore[union-attr, arg-type]
    model.eval()
    assert torch.equal(model._training_tokens([tokens], 8000, seeded(0)), tokens)  # type: ignore[arg-type]
    model.train()
    kept = model._training_tokens([tokens], 8000, seeded(0))
    assert kept is not None
    dropped = (kept == model.condition.none(8000)).all(dim=1)  # type: ignore[union-attr]
    assert torch.equal(kept[~dropped], tokens[~dropped])
    assert float(dropped.double().mean()) == pytest.approx(0.25, abs=0.02)


def test_gradients_reach_the_words() -> None:
    """Unless it is told not to, the encoder learns from the pictures: words that were said move, others don't."""
    model = hearing(dropout=0.0)
    tokens = model.condition.tokens([ONE], 1)  # type: ignore[union-attr, arg-type]
    model.loss((torch.zeros(1, 3, 8, 8), tokens), seeded(0)).backward()
    moved = model.embedding.word.weight.grad.abs().sum(dim=1) > 0  # type: ignore[union-attr]
    said = set(tokens.flatten().tolist()) - {text.PAD}
    assert set(moved.nonzero().flatten().tolist()) == said


def test_prompts_are_sampled() -> None:
    """Each picture hears its own prompt; an empty one is unconditional; guidance scale 0 hears none."""
    model = hearing()
    settings_ = dict(steps=2, eta=0.0)
    both = sample(model, 2, prompt=[ONE, OTHER], **settings_)  # type: ignore[arg-type]
    one = sample(model, 2, prompt=ONE, **settings_)  # type: ignore[arg-type]
    assert torch.allclose(both[0], one[0], atol=1e-6)
    assert not torch.allclose(both[1], one[1], atol=1e-4)
    nothing = sample(model, 2, **settings_)  # type: ignore[arg-type]
    assert torch.allclose(nothing, sample(model, 2, prompt="", **settings_), atol=1e-6)  # type: ignore[arg-type]
    unheard = sample(model, 2, prompt=ONE, guidance_scale=0.0, **settings_)  # type: ignore[arg-type]
    assert torch.allclose(nothing, unheard, atol=1e-6)
    assert not torch.allclose(nothing, one, atol=1e-4)


def test_saved_with_its_vocabulary(tmp_path: Path) -> None:
    model = hearing().eval()
    again = Generator.load(model.save(tmp_path / "told.safetensors"))
    assert again.condition == model.condition
    drawn, other = (sample(each, 1, prompt=ONE, steps=2) for each in (model, again))
    assert torch.equal(drawn, other)


# --- bad calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: sample(m, 1, labels=3), "labels was given to a model with the condition Prompt; allowed: prompt"),
        (lambda m: sample(m, 1, prompt="a rad star"), "unknown word 'rad'; did you mean 'red'"),
        (lambda m: Prompt(WORDS, length=1), "length is 1; allowed: whole numbers from 2"),
        (
            lambda m: m.check_batch((torch.zeros(2, 3, 8, 8), torch.zeros(2, 5, dtype=torch.int64))),
            r"labels has shape \(2, 5\).*allowed: tokens \(count, 16\) int64",
        ),
        (
            lambda m: m.check_batch((torch.zeros(1, 3, 8, 8), torch.full((1, 16), 99))),
            "labels holds 99; allowed: whole numbers from 0 to 28",
        ),
    ],
)
def test_bad_input(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(hearing())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Labels(0), ValueError, r"classes is 0; allowed: whole numbers from 1"),
        (lambda: Labels(3, dropout=1.5), ValueError, r"dropout is 1.5; allowed: finite numbers in \[0, 1\]"),
        (lambda: Labels(3).tokens([0, 3], 2), ValueError, r"labels holds 3; allowed: whole numbers from 0 to 2"),
        (lambda: Labels(3).tokens([-1, 0], 2), ValueError, r"labels holds -1; allowed: whole numbers from 0 to 2"),
        (lambda: Labels(3).tokens([0.5], 1), TypeError, r"labels has dtype torch.float32; allowed: whole numbers"),
        (lambda: Labels(3).tokens([0, 1], 3), ValueError, r"labels holds 2 labels; allowed: one, or.*images: 3"),
        (lambda: Labels(3).tokens([[0], [1]], 2), ValueError, r"labels has shape \(2, 1\); allowed: one label an im"),
    ],
)
def test_bad_labels_are_answered_with_what_is_allowed(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()

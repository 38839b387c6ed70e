"""Prompts: words to numbers and back, the encoder that hears their order, and the condition made of them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import Generator, Prompt, heads, nets, plans, recipes, sample, scenes, text, zoo
from minigen.base.randomness import seeded

ONE, OTHER = "a red circle above a blue square", "a blue square above a red circle"
WORDS = scenes.WORDS


@settings(max_examples=100, deadline=None)
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


def test_every_caption_fits() -> None:
    prompts = scenes.scenes(3000, "everything", seed=1).prompts
    assert Prompt(WORDS).tokens(prompts, len(prompts)).shape == (3000, 16)


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


def test_a_prompt_becomes_tokens() -> None:
    condition = Prompt(WORDS)
    assert torch.equal(condition.tokens(None, 2), condition.tokens(["", ""], 2))
    assert torch.equal(condition.none(2), condition.tokens("", 2))
    assert torch.equal(condition.tokens(ONE, 3), condition.tokens([ONE] * 3, 3))
    with pytest.raises(ValueError, match="prompt holds 2 prompts; allowed: one, or as many as images: 3"):
        condition.tokens([ONE, OTHER], 3)


def told(dropout: float = 0.1) -> Generator:
    """A tiny model with a prompt, and no layer left at 0: a fresh one does not hear its context yet."""
    torch.manual_seed(0)
    net = nets.UNet(size=8, channels=3, widths=(8, 16), context_size=32)
    model = Generator(net, heads.Regression("v"), plans.diffusion(), condition=Prompt(WORDS, dropout=dropout))
    for name, parameter in model.named_parameters():
        if name.endswith(("conv2.weight", "last.weight")):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_a_share_of_the_prompts_is_dropped_in_training_only() -> None:
    model = told(dropout=0.25)
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
    model = told(dropout=0.0)
    tokens = model.condition.tokens([ONE], 1)  # type: ignore[union-attr, arg-type]
    model.loss((torch.zeros(1, 3, 8, 8), tokens), seeded(0)).backward()
    moved = model.embedding.word.weight.grad.abs().sum(dim=1) > 0  # type: ignore[union-attr]
    said = set(tokens.flatten().tolist()) - {text.PAD}
    assert set(moved.nonzero().flatten().tolist()) == said


def test_prompts_are_sampled() -> None:
    """Each picture hears its own prompt; an empty one is unconditional; guidance scale 0 hears none."""
    model = told()
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
    model = told().eval()
    again = Generator.load(model.save(tmp_path / "told.safetensors"))
    assert again.condition == model.condition
    drawn, other = (sample(each, 1, prompt=ONE, steps=2) for each in (model, again))
    assert torch.equal(drawn, other)


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
        call(told())  # type: ignore[operator]


# --- reading first ---------------------------------------------------------------------------------


def test_sentences_come_with_what_they_say() -> None:
    """A lesson in reading: an answer for each question, 0 where nothing is said, and no held-out combination."""
    condition = Prompt(WORDS, dropout=0.25)
    tokens, said = recipes.sentences(condition, 2000, seeded(0))
    empty = (tokens == condition.none(1)).all(dim=1)
    assert float(empty.double().mean()) == pytest.approx(0.25, abs=0.04)
    assert not bool(said[empty].any())
    for row, answers in zip(tokens[~empty], said[~empty], strict=True):
        assert torch.equal(scenes.parse(text.decode(row, WORDS)) + 1, answers)
    assert not bool(scenes.is_new(said - 1).any())
    assert int(said.min()) == 0
    assert said.amax(dim=0).tolist() == list(recipes.QUESTIONS)  # answers count from 1 here


def test_a_model_reads_before_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its encoder is another one, and stays as it is; the picture's network is as fresh as before."""
    monkeypatch.setitem(recipes.READING, "iterations", 20)
    made_by = recipes.recipe("scenes")
    fresh, model = made_by.build().state_dict(), made_by.start()
    for name, tensor in model.state_dict().items():
        if not name.startswith("embedding."):
            assert torch.equal(tensor, fresh[name]), name
    assert not torch.equal(model.embedding.word.weight, fresh["embedding.word.weight"])  # type: ignore[union-attr, arg-type]
    assert {name.split(".")[0] for name, each in model.named_parameters() if each.requires_grad} == {"net", "last"}


def test_ctrl_c_while_reading_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the network would be trained with an encoder that has had half of its lessons."""
    monkeypatch.setitem(recipes.READING, "iterations", 20)
    lesson = recipes.sentences

    def interrupted(condition: Prompt, count: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        signal.raise_signal(signal.SIGINT)
        return lesson(condition, count, random)

    monkeypatch.setattr(recipes, "sentences", interrupted)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        recipes.recipe("scenes").train(iterations=1, batch_size=2, device="cpu", progress=False)


@torch.no_grad()
def test_the_shipped_encoder_knows_which_word_is_whose() -> None:
    """One linear layer, fitted by least squares, reads all that a sentence says from the encoder's vector alone."""
    model = zoo.load("scenes", device="cpu")
    assert isinstance(model.condition, Prompt)
    assert model.embedding is not None
    taken = [recipes.sentences(model.condition, 3000, seeded(seed)) for seed in (1, 2)]
    (vectors, said), (others, asked) = ((model.embedding(tokens).double(), answers) for tokens, answers in taken)
    for question, count in enumerate(recipes.QUESTIONS):
        targets = torch.nn.functional.one_hot(said[:, question], count + 1).double()
        found = others @ torch.linalg.lstsq(vectors, targets).solution
        assert float((found.argmax(dim=1) == asked[:, question]).double().mean()) > 0.98

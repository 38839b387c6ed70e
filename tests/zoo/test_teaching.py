"""What a model is taught before it draws: sentences, and what they say."""

from __future__ import annotations

import signal

import pytest
import torch

from minigen import Prompt, recipes, scenes, text, zoo
from minigen.base.randomness import seeded
from minigen.zoo import teaching

WORDS = scenes.WORDS


def test_sentences_come_with_what_they_say() -> None:
    """A lesson in reading: an answer for each question, 0 where nothing is said, and no held-out combination."""
    condition = Prompt(WORDS, dropout=0.25)
    tokens, said = teaching.sentences(condition, 2000, seeded(0))
    empty = (tokens == condition.none(1)).all(dim=1)
    assert float(empty.double().mean()) == pytest.approx(0.25, abs=0.04)
    assert not bool(said[empty].any())
    for row, answers in zip(tokens[~empty], said[~empty], strict=True):
        assert torch.equal(scenes.parse(text.decode(row, WORDS)) + 1, answers)
    assert not bool(scenes.is_new(said - 1).any())
    assert int(said.min()) == 0
    assert said.amax(dim=0).tolist() == list(teaching.QUESTIONS)  # answers count from 1 here


def test_a_model_reads_before_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its encoder is another one, and stays as it is; the picture's network is as fresh as before."""
    monkeypatch.setitem(teaching.READING, "iterations", 20)
    made_by = recipes.recipe("scenes")
    fresh, model = made_by.build().state_dict(), made_by.start()
    for name, tensor in model.state_dict().items():
        if not name.startswith("embedding."):
            assert torch.equal(tensor, fresh[name]), name
    assert not torch.equal(model.embedding.word.weight, fresh["embedding.word.weight"])  # type: ignore[union-attr, arg-type]
    assert {name.split(".")[0] for name, each in model.named_parameters() if each.requires_grad} == {"net", "last"}


def test_ctrl_c_while_reading_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the network would be trained with an encoder that has had half of its lessons."""
    monkeypatch.setitem(teaching.READING, "iterations", 20)
    lesson = teaching.sentences

    def interrupted(condition: Prompt, count: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        signal.raise_signal(signal.SIGINT)
        return lesson(condition, count, random)

    monkeypatch.setattr(teaching, "sentences", interrupted)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        recipes.recipe("scenes").train(iterations=1, batch_size=2, device="cpu", progress=False)


@torch.no_grad()
def test_the_shipped_encoder_knows_which_word_is_whose() -> None:
    """One linear layer, fitted by least squares, reads all that a sentence says from the encoder's vector alone."""
    model = zoo.load("scenes", device="cpu")
    assert isinstance(model.condition, Prompt)
    assert model.embedding is not None
    taken = [teaching.sentences(model.condition, 3000, seeded(seed)) for seed in (1, 2)]
    (vectors, said), (others, asked) = ((model.embedding(tokens).double(), answers) for tokens, answers in taken)
    for question, count in enumerate(teaching.QUESTIONS):
        targets = torch.nn.functional.one_hot(said[:, question], count + 1).double()
        found = others @ torch.linalg.lstsq(vectors, targets).solution
        assert float((found.argmax(dim=1) == asked[:, question]).double().mean()) > 0.98

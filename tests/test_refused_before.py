"""What can be known before the work is said before it: a recipe's options, labels, a plan between its rows, prompts."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers_cli import somewhere as somewhere
from helpers_core import tiny_unet
from helpers_training import tiny_recipe
from torch import Tensor, nn

import minigen as mg
from minigen import Generator, plans
from minigen.__main__ import main
from minigen.conditions import Condition
from minigen.plans import Plan, as_levels
from minigen.zoo.recipes import RECIPES


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    for root in (Plan, Condition):
        monkeypatch.setattr(root, "known", dict(root.known))


# --- recipes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"training": {"iteration": 3}},
            "training has 'iteration'; allowed: iterations, .*; did you mean 'iterations'",
        ),
        ({"training": {"lr": 0.1}}, "training has 'lr'; allowed: iterations, batch_size, .*learning_rate"),
        ({"training": {"validation": None}}, "training has 'validation'; allowed"),
        ({"training": [1]}, "training is \\[1\\], a list; allowed: a dictionary of options"),
        ({"sampling": {"step": 3}}, "sampling has 'step'; allowed: .*; did you mean 'steps'"),
    ],
)
def test_a_misspelt_option_of_a_recipe_is_refused_when_it_is_made(changes: dict[str, Any], said: str) -> None:
    def make() -> nn.Module:
        raise AssertionError("it built the model")

    with pytest.raises(TypeError, match=said):
        mg.recipes.Recipe("own", "one's own", make, **changes)


def test_a_misspelt_change_to_a_recipe_is_refused_before_the_model_is_made() -> None:
    with pytest.raises(TypeError, match=r"changes has 'batch'; allowed: .*; did you mean 'batch_size'"):
        tiny_recipe().train(batch=3)
    assert {"seed", "device", "progress"} <= set(mg.recipes.TRAINING)


# --- labels ----------------------------------------------------------------------------------------


class Tone(Condition):
    """How bright, from 0 to 1."""

    def tokens(self, given: Any, count: int) -> Tensor:
        given = torch.full((count,), 0.2) if given is None else torch.as_tensor(given)
        return given.float().expand(count)[:, None]

    def none(self, count: int) -> Tensor:
        return torch.full((count, 1), -1.0)

    def embedding(self, size: int) -> nn.Module:
        return nn.Linear(1, size)


class Pair(Tone):
    """Two numbers at once."""

    def tokens(self, given: Any, count: int) -> Tensor:
        low, high = (0.0, 1.0) if given is None else given
        return torch.tensor([[(low + high) / 2]]).expand(count, 1)


def told(condition: Condition) -> Generator:
    return tiny_unet(mg.heads.Categorical(4), plans.random_order(), condition=condition)


NO_LABELS: tuple[Any, ...] = (
    math.nan, 1.5, [0, math.nan], [0, 1.5], np.array([0, np.nan]), np.array([0.5, 1]), torch.tensor([0, math.nan]),
    torch.tensor([0.5, 1.0]), torch.tensor([1j, 2]), torch.tensor([True, False]),
)  # fmt: skip


@pytest.mark.parametrize("labels", NO_LABELS, ids=str)
def test_labels_that_are_no_whole_numbers_are_refused(labels: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"labels .*; allowed: .*whole number"):
        mg.sample(told(mg.Labels(10)), 2, labels=labels, steps=2)
    if isinstance(labels, Tensor):
        for check in (
            lambda: mg.train(told(mg.Labels(10)), torch.zeros(2, 1, 8, 8), labels, progress=False),
            lambda: mg.metrics.accuracy(torch.zeros(2, 1, 16, 16), labels),
            lambda: mg.metrics.bits_per_dimension(told(mg.Labels(10)), torch.zeros(2, 1, 8, 8), labels),
        ):
            with pytest.raises((TypeError, ValueError), match=r"labels .*; allowed: .*whole number"):
                check()


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_tokens_of_an_own_condition_are_finite(wrong: float) -> None:
    tokens = torch.tensor([[0.5], [wrong]])
    said = "labels holds NaN or infinite values; allowed for Tone: finite ones"
    with pytest.raises(ValueError, match=said):
        mg.train(told(Tone()), torch.zeros(2, 1, 8, 8), tokens, progress=False)
    with pytest.raises(ValueError, match=said):
        mg.sample(told(Tone()), 2, labels=torch.tensor([0.5, wrong]), steps=2)
    assert mg.sample(told(Tone()), 2, labels=0.5, steps=2).shape == (2, 1, 8, 8)


def test_a_condition_may_say_untold_by_no_number() -> None:
    class Silent(Tone):
        def none(self, count: int) -> Tensor:
            return torch.full((count, 1), math.nan)

        def embedding(self, size: int) -> nn.Module:
            return nn.Sequential(Zero(), nn.Linear(1, size))

    class Zero(nn.Module):
        def forward(self, tokens: Tensor) -> Tensor:
            return tokens.nan_to_num()

    labels = torch.tensor([0.5, math.nan])
    assert bool(mg.sample(told(Silent()), 2, labels=labels, steps=2).isfinite().all())


@pytest.mark.parametrize(
    ("condition", "words", "said"),
    [
        (Pair(), "--label 3", "--label is 3, which the condition Pair does not take (cannot unpack"),
        (None, "--label 3", "labels was given to a model without a condition; allowed: neither labels nor prompt"),
        (mg.Labels(3), "--label 3", "labels holds 3; allowed: whole numbers from 0 to 2"),
        (
            mg.Prompt(mg.scenes.WORDS),
            "--label 3",
            "labels was given to a model with the condition Prompt; allowed: prompt",
        ),
    ],
)
def test_a_label_that_the_condition_does_not_take_is_refused_in_words(
    condition: Condition | None, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told(condition).save("own.safetensors")  # type: ignore[arg-type]
    assert main(["sample", "own.safetensors", *words.split(), "--count", "2", "--steps", "2"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "; allowed: " in error
    assert error.count("\n") == 1
    assert not Path("grid.png").exists()


def test_a_label_that_an_own_condition_takes_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    told(Tone()).save("own.safetensors")
    assert main(["sample", "own.safetensors", "--label", "1", "--count", "2", "--steps", "2"]) == 0
    assert Path("grid.png").is_file()


# --- plans -----------------------------------------------------------------------------------------


class Wavy(Plan):
    """It falls from each of its usual rows to the next, and rises in between."""

    alike = True

    def __init__(self, waves: int = 8, height: float = 0.5) -> None:
        self.waves, self.height = waves, height

    def levels(self, progress: Tensor, shape: tuple[int, ...], drawn: Tensor | None = None) -> Tensor:
        s = progress.double()
        wave = self.height / self.waves * (2 * math.pi * self.waves * s).sin()
        level = ((1 - s + wave) * 2**20).round() / 2**20
        return as_levels(level.clamp(0, 1)[:, None].expand(-1, math.prod(plans.spatial(shape))).float(), shape)

    def default_steps(self, shape: tuple[int, ...]) -> int:
        return self.waves


@pytest.mark.parametrize("waves", [4, 8, 32])
def test_a_plan_that_rises_between_its_usual_rows_is_refused_at_the_start(waves: int) -> None:
    levels = Wavy(waves).matrix((4,))
    assert bool((levels.diff(dim=0) <= 0).all()), "at the usual rows nothing is to be seen"
    with pytest.raises(ValueError, match="plan Wavy: a pixel's level rises; allowed: rows that fall"):
        mg.Generator(mg.nets.MLP(4), mg.heads.Regression("v"), Wavy(waves))


@pytest.mark.parametrize("waves", [1, 8, 2000])
def test_a_plan_that_falls_everywhere_is_taken(waves: int) -> None:
    assert mg.Generator(mg.nets.MLP(4), mg.heads.Regression("v"), Wavy(waves, height=0.1)).plan.alike


# --- evaluate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "condition", "said"),
    [
        (8, mg.Labels(10), "shape is (1, 8, 8); allowed with evaluate: (1, 16, 16), which the digits have"),
        (16, mg.Prompt(mg.scenes.WORDS), "shape is (1, 16, 16); allowed with evaluate: (3, 32, 32) or (1, 32, 32)"),
        (16, mg.Labels(11), "classes is 11; allowed with evaluate: 10, as many as digits have"),
    ],
)
def test_evaluate_refuses_before_it_draws(
    size: int,
    condition: Condition,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_unet(mg.heads.Categorical(4), plans.random_order(), size, condition=condition).save("own.safetensors")
    monkeypatch.setattr("minigen.sampling.sample", lambda *_, **__: pytest.fail("it drew"))
    assert main(["evaluate", "own.safetensors", "--count", "500"]) == 2
    assert said in capsys.readouterr().err


def test_evaluate_refuses_a_recipe_of_another_size_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "tiny-digits", tiny_recipe(size=8))
    assert main(["train", "tiny-digits"]) == 0
    monkeypatch.setattr("minigen.sampling.sample", lambda *_, **__: pytest.fail("it drew"))
    assert main(["evaluate", "tiny-digits"]) == 2
    assert "shape is (1, 8, 8); allowed with evaluate: (1, 16, 16)" in capsys.readouterr().err


# --- prompts ---------------------------------------------------------------------------------------


@pytest.fixture
def scene_model() -> Generator:
    """Small pictures, the scenes' own words."""
    return told(mg.Prompt(mg.scenes.WORDS))


SENSELESS = {
    "a red circle above a blue star above a ring": "with 3 things; allowed: one or two",
    "red red circle": "with 2 colours for one thing, 'red', 'red'; allowed: one of a kind",
    "a red circle & a": "with the sign '&'; allowed: these words alone",
    "a red": "with a thing without a shape; allowed: a thing such as",
}


@pytest.mark.parametrize(("prompt", "said"), SENSELESS.items())
def test_a_senseless_prompt_is_drawn_and_warned_of(prompt: str, said: str, scene_model: Generator) -> None:
    with pytest.warns(UserWarning, match=re.escape(f"prompt is {prompt!r}, {said}")) as told:
        drawn = mg.sample(scene_model, 2, prompt=prompt, steps=2)
    assert drawn.shape == (2, 1, 8, 8)
    assert [each.filename for each in told] == [__file__]
    with pytest.warns(UserWarning, match="; 1 more of the prompts make no sense; they are drawn all the same"):
        mg.sample(scene_model, 3, prompt=["a red circle", prompt, "a circle a"], steps=2)


def test_sensible_prompts_and_other_vocabularies_are_not_warned_of(scene_model: Generator) -> None:
    for prompt in (None, "", "a red circle", ["a ring", "a big blue star left of a white ring"]):
        mg.sample(scene_model, 2, prompt=prompt, steps=2)
    mg.sample(told(mg.Prompt(("red", "circle"))), 2, prompt="red red circle", steps=2)


def test_words_that_no_net_has_learned_are_refused_and_the_nearest_is_named(scene_model: Generator) -> None:
    """They have no token, so there is nothing to draw."""
    with pytest.raises(ValueError, match="prompt has the unknown word 'rad'; did you mean 'red'"):
        mg.sample(scene_model, 2, prompt="a rad circle", steps=2)


def test_the_command_line_says_it_too(capsys: pytest.CaptureFixture[str], scene_model: Generator) -> None:
    scene_model.save("own.safetensors")
    words = ["sample", "own.safetensors", "--count", "2", "--steps", "2", "--prompt", "a circle a star a ring"]
    with pytest.warns(UserWarning, match="prompt is 'a circle a star a ring', with .*; allowed: "):
        assert main(words) == 0
    assert Path("grid.png").is_file()

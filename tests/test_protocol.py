"""The protocol: what is held out is read by the final score alone, and everybody plays by the same rules.

Each test here would fail if one line of the protocol were another one; nothing else would, since numbers would only
look better than they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_core import GREYS, tiny_unet
from helpers_training import QUIET, lasting, same_weights, tiny_recipe
from torch import Tensor

import minigen as mg
from minigen import __main__ as command_line
from minigen.base import text
from minigen.base.randomness import Blocks, seeded
from minigen.data import handwriting
from minigen.metrics import scores
from minigen.zoo import teaching
from minigen.zoo.recipes import RECIPES, Recipe

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"

# --- digits ----------------------------------------------------------------------------------------


def forget() -> None:
    for cached in (scores._real, scores._real_features, scores._floor):
        cached.cache_clear()


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function after whose call a split's pictures and labels are others."""
    pictures, labels = (part.clone() for part in handwriting._digits_file())

    def spoil(split: str) -> None:
        part = handwriting.SPLITS[split]
        pictures[part] = pictures[part].flip(0).flip(2)
        labels[part] = labels[part].flip(0)
        monkeypatch.setattr(handwriting, "_digits_file", lambda: (pictures, labels))
        forget()

    yield spoil
    forget()


def classifier() -> Recipe:
    return Recipe("c", "c", lambda: mg.nets.Classifier(8, widths=(8,)), 8, {"iterations": 4, "batch_size": 16})


TRAINED = {
    "a generator": tiny_recipe(iterations=4, validate_every=2),
    "one that is told nothing": tiny_recipe(condition=False, iterations=4, validate_every=2),
    "a classifier": classifier(),
}


@pytest.mark.parametrize("made_by", TRAINED.values(), ids=TRAINED.keys())
def test_training_and_stopping_do_not_read_held_out_digits(made_by: Recipe, spoilt: Any) -> None:
    """With other held-out digits the weights, all losses and the moment that is kept are the same; with other
    validation digits the losses by which it is chosen are not."""
    first, history = made_by.train(**QUIET)
    spoilt("held-out")
    again, same = made_by.train(**QUIET)
    assert same_weights(first, again)
    assert lasting(same) == lasting(history)
    spoilt("validation")
    other = made_by.train(**QUIET)[1]
    assert other.loss == history.loss
    assert other.validation != history.validation


def test_a_choice_does_not_read_held_out_digits(spoilt: Any) -> None:
    """Scores for choosing are of the validation digits, and those that are final of the held-out ones."""
    drawn, labels = (part[:500] for part in mg.data.digits(16, "train"))
    before = {split: mg.metrics.evaluate(drawn, labels, split=split) for split in ("validation", "held-out")}
    assert mg.metrics.evaluate(drawn, labels) == before["held-out"]
    spoilt("held-out")
    assert mg.metrics.evaluate(drawn, labels, split="validation").frechet == before["validation"].frechet
    assert mg.metrics.evaluate(drawn, labels).frechet != before["held-out"].frechet


@pytest.mark.parametrize("name", [name for name, each in RECIPES.items() if each.source != "scenes"])
def test_every_recipe_asks_for_the_two_splits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def source(size: int, split: str) -> tuple[Tensor, Tensor]:
        asked.append(split)
        return torch.zeros(2, 1, size, size), torch.zeros(2, dtype=torch.int64)

    made_by = RECIPES[name]
    monkeypatch.setitem(mg.data.SOURCES, str(made_by.source), source)
    teaching.of_a_set(torch.nn.Identity(), made_by.source, made_by.size)
    assert asked == ["train", "validation"]


@pytest.mark.parametrize("script", ["lessons", "loss_on"])
def test_a_benchmark_that_only_chooses_never_names_what_is_held_out(script: str) -> None:
    source = (BENCHMARKS / f"{script}.py").read_text()
    assert 'split="validation"' in source
    assert "held" not in source.lower().replace("withheld", "")


# --- scenes ----------------------------------------------------------------------------------------


def rows(images: Tensor) -> set[bytes]:
    return {each.numpy().tobytes() for each in images}


def test_no_scene_is_trained_on_and_chosen_by_and_scored_on() -> None:
    """Three streams, whatever the seed of the training is; pictures of different streams are never equal."""
    assert teaching.VALIDATION_SEED != teaching.HELDOUT_SEED
    for split in ("train", "everything"):
        chosen, final = (
            rows(mg.scenes.scenes(600, split, seed=seed).images)
            for seed in (teaching.VALIDATION_SEED, teaching.HELDOUT_SEED)
        )
        trained = set()
        for seed in (0, teaching.VALIDATION_SEED, teaching.HELDOUT_SEED):
            for iteration in range(3):  # as the loop seeds a function's batches
                trained |= rows(mg.scenes.batch(100, seeded(seed, iteration, 1), split).images)
        assert len(chosen) == len(final) == 600
        assert not chosen & final
        assert not trained & (chosen | final)


def test_a_generator_is_chosen_by_scenes_of_the_validation_seed() -> None:
    model = RECIPES["scenes"].build()
    assert isinstance(model, mg.Generator)
    _, (images, tokens) = teaching.endless_scenes(model)
    wanted = mg.scenes.scenes(1000, "train", seed=teaching.VALIDATION_SEED)
    assert torch.equal(images, wanted.images)
    assert torch.equal(tokens, model.condition.tokens(wanted.prompts, 1000))  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["scenes", "scenes-raster"])
def test_no_generator_is_shown_what_is_new(name: str) -> None:
    """In no lesson and in no scene that it is chosen by; the recogniser, which judges, sees everything."""
    model = RECIPES[name].build()
    (lesson,), (_, judged) = teaching.endless_scenes(model)
    taught = torch.cat([lesson(500, seeded(seed))[1] for seed in range(2)])
    meant = torch.stack([mg.scenes.parse(text.decode(row, mg.scenes.WORDS)) for row in torch.cat([taught, judged])])
    assert not bool(mg.scenes.is_new(meant).any())
    (lesson,), (_, judged) = teaching.endless_scenes(RECIPES["scenes-judge"].build())
    assert bool(mg.scenes.is_new(lesson(500, seeded(0))[1]).any())
    assert bool(mg.scenes.is_new(judged).any())


@pytest.mark.parametrize(("split", "seed"), [("validation", 1), ("held-out", 2)])
def test_the_command_line_scores_on_the_seed_that_the_split_means(
    split: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three kinds of prompts; the numbers are of this test, so that the two can't become one."""
    plain, asked = mg.scenes.scenes, []

    def scenes(count: int, of: str, seed: int) -> mg.scenes.Scenes:
        asked.append((of, seed))
        return plain(count, of, seed=seed)

    class Scored:
        def rounded(self) -> dict[str, float]:
            return {}

    monkeypatch.setattr(mg.scenes, "scenes", scenes)
    monkeypatch.setattr(mg.sampling, "sample", lambda model, count, **_: torch.zeros(count, 3, 32, 32))
    monkeypatch.setattr(mg.metrics, "evaluate_scenes", lambda *_: Scored())
    options = argparse.Namespace(split=split, count=4, seed=0)
    command_line.of_scenes(RECIPES["scenes"].build(), options, {})
    assert asked == [("train", seed), ("new pairs", seed), ("new relations", seed)]


def test_the_guidance_of_scenes_is_chosen_on_validation_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scenes as benchmark

    seeds: list[int] = []

    def told(model: Any, key: dict[str, Any], count: int, seed: int) -> dict[str, Any]:
        seeds.append(seed)
        return {"all": 0.5}

    class Found:
        def measure(self, part: str, key: dict[str, Any], make: Any) -> dict[str, Any]:
            return {**key, **make(key)}

    monkeypatch.setattr(benchmark, "told", told)
    parts = object.__new__(benchmark.Parts)
    parts.found, parts.model, parts.few = Found(), None, 4
    parts.scales()
    sys.modules.pop("scenes")
    assert set(seeds) == {teaching.VALIDATION_SEED}


# --- everybody is drawn by the same rules ----------------------------------------------------------


@pytest.mark.parametrize("plan", [mg.plans.random_order(), mg.plans.raster(2), mg.plans.diffusion()], ids=str)
def test_temperature_zero_writes_the_likeliest_and_throws_no_dice(
    plan: mg.plans.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pick is the likeliest value of its belief; and what ``pick`` says changes nothing."""
    monkeypatch.setattr(Blocks, "uniform", lambda *_: pytest.fail("it threw dice"))
    model = tiny_unet(GREYS, plan)
    walk = mg.trajectory(model, 4, temperature=0, steps=4, seed=1, beliefs=True)
    assert walk.beliefs is not None
    values = GREYS.values(walk.beliefs)
    for belief, picked in zip(walk.beliefs, walk.x0_hat, strict=True):
        assert torch.equal(picked, values[belief.argmax(dim=2)])
    drawn, mean = (mg.sample(model, 4, temperature=0, steps=4, seed=1, pick=pick) for pick in ("draw", "mean"))
    assert torch.equal(drawn, mean)

"""Recipes: each can be followed, and those that are compared differ in one thing alone."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from helpers_training import same_weights

from minigen import Generator, data, recipes, sample, zoo
from minigen.base.randomness import seeded
from minigen.course.measurements import stored
from minigen.zoo.recipes import RECIPES
from minigen.zoo.teaching import endless_scenes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import speedrun

# --- the recipes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_followed(name: str) -> None:
    """One update, and validation, work; its sampling arguments are allowed."""
    made_by = RECIPES[name]
    assert made_by.name == name
    assert made_by.about
    model = made_by.build()
    if made_by.source == "scenes":
        (lesson,), _ = endless_scenes(model)
        batch = lesson(4, seeded(0))
    else:
        batch = tuple(part[:4] for part in data.digits(made_by.size, "train"))
    loss = model.loss(batch, torch.Generator().manual_seed(0))
    assert math.isfinite(float(loss.detach()))
    if isinstance(model, Generator):
        assert model.shape[-1] == made_by.size
        drawn = sample(model, count=1, **{**made_by.sampling, "steps": 1})
        assert drawn.shape == (1, *model.shape)
    json.dumps(made_by.config())


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("fashion-")])
def test_clothes_have_the_recipes_of_digits(name: str) -> None:
    clothes, digits = (RECIPES[each].config() for each in (name, name.replace("fashion", "digits")))
    assert clothes.pop("data") == {"name": "fashion", "size": 16, "split": "train"}
    assert digits.pop("data")["name"] == "digits"
    assert clothes == {**digits, "name": name}


def test_the_winner_of_the_speedrun_is_a_recipe() -> None:
    """What ``benchmarks/speedrun.py`` measured as "minute" is what ``digits-minute`` makes."""
    made_by, entry = RECIPES["digits-minute"], speedrun.ENTRIES["minute"]
    assert recipes.describe(entry.make(0)) == recipes.describe(made_by.build())
    assert {"batch_size": 128, **made_by.training} == {"iterations": made_by.training["iterations"], **entry.training}
    rows = [row for row in stored("speedrun")["rows"] if row["entry"] == "minute"]
    assert len(rows) == 4
    for row in rows:
        assert row["parameters"] == sum(weight.numel() for weight in made_by.build().parameters())
        assert {"steps": row["calls"], **row["sampling"]} == made_by.sampling
        assert row["train_seconds"] <= row["budget"] == 60


def test_the_regression_head_has_the_network_and_the_budget_of_the_belief() -> None:
    """digits-diffusion-v differs from digits-diffusion in its head, and in the layer that this head needs."""
    belief, regression = (RECIPES[name] for name in ("digits-diffusion", "digits-diffusion-v"))
    configs = [each.build().config() for each in (belief, regression)]
    assert [config.pop("head")["name"] for config in configs] == ["Categorical", "Regression"]
    assert configs[0] == configs[1]
    assert belief.training == regression.training
    nets_alone = [sum(value.numel() for value in each.build().net.parameters()) for each in (belief, regression)]
    assert nets_alone[0] == nets_alone[1]


def test_the_two_classifiers_are_independent() -> None:
    features, judge = (RECIPES[name] for name in ("digits-features", "digits-judge"))
    assert features.seed != judge.seed
    assert features.config()["model"] != judge.config()["model"]


# --- what is shipped -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*(f"digits-raster-{patch}" for patch in (1, 2, 4, 8)), "digits-scattered", "digits-any"]
)
def test_the_other_plans_have_the_network_of_diffusion_weight_for_weight(name: str) -> None:
    """Same net, head, condition, first weights and training; only the plan differs."""
    diffusion, other = recipes.recipe("digits-diffusion"), recipes.recipe(name)
    assert same_weights(diffusion.build(), other.build())
    configs = [each.build().config() for each in (diffusion, other)]
    assert configs[0].pop("plan") != configs[1].pop("plan")
    assert configs[0] == configs[1]
    assert other.training == diffusion.training
    seen = [zoo.about(each.name)["trained"]["images_seen"] for each in (diffusion, other)]
    assert seen[0] == seen[1]


def test_the_raster_plans_share_one_budget() -> None:
    """As trained, not only as planned."""
    found = [zoo.about(f"digits-raster-{patch}") for patch in (1, 2, 4, 8)]
    assert len({each["trained"]["images_seen"] for each in found}) == 1
    assert len({each["parameters"] for each in found}) == 1
    distances = [each["scores"]["frechet"] for each in found]
    assert distances == sorted(distances)  # larger patches are worse, as chapter 5 says

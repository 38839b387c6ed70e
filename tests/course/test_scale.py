"""What larger pictures cost: the network is the recipe's at every side, and ratios are to pixels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

import minigen as mg

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import scale

SMALL = argparse.Namespace(batch=4, updates=1, rounds=1, threads=1)


def test_a_ratio_of_one_is_linear_in_pixels() -> None:
    assert scale.ratios([8, 16, 32], [2.0, 8.0, 16.0]) == [(1.0, 1.0), (4.0, 1.0), (8.0, 0.5)]


def test_the_network_is_that_of_the_recipe() -> None:
    recipe = mg.recipes.recipe(scale.RECIPE).make()
    assert scale.generator(16).config() == recipe.config()  # type: ignore[operator]
    assert scale.generator(64, 3).net.shape == (3, 64, 64)


def test_costs_are_measured_in_a_process_of_their_own() -> None:
    seconds, memory = scale.alone("update", 8, SMALL)
    assert seconds > 0
    assert memory > 0


def test_what_an_update_waits_for_is_a_share() -> None:
    parts = 2 * torch.rand(16, 1, 8, 8) - 1, torch.arange(16) % 10
    assert 0 < scale.waiting(parts, SMALL) < 1

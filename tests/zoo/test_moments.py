"""What is drawn on the way: at its moments, once each, also by a run that was stopped."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from helpers_training import tiny_generator

from minigen import sample
from minigen.zoo.moments import COUNT, STEPS, Moments, moments_of


@pytest.mark.parametrize("iterations", [1, 2, 7, 31, 32, 33, 1000])
def test_they_double_and_the_last_is_the_end(iterations: int) -> None:
    found = moments_of(iterations)
    assert found == sorted(set(found))
    assert found[-1] == iterations
    assert found[0] >= 1
    assert all(before == -(-then // 2) for before, then in pairwise(found))
    assert len(found) <= 6


def test_what_is_kept_is_what_is_drawn_from_the_same_noise(tmp_path: Path) -> None:
    model, moments = tiny_generator(), Moments(tmp_path / "m.safetensors", seed=4)
    for iteration in range(1, 9):
        moments(iteration, 8, model)
    assert sorted(moments.pictures) == [1, 2, 4, 8]
    drawn = sample(model, COUNT, steps=STEPS, seed=4)
    assert all((pictures - drawn).abs().max() <= 1 / 255 for pictures in moments.pictures.values())
    again = Moments(tmp_path / "m.safetensors", fresh=False)
    assert again.pictures.keys() == moments.pictures.keys()
    assert all(torch.equal(again.pictures[then], pictures) for then, pictures in moments.pictures.items())


def test_a_run_that_goes_back_draws_again_what_it_had_drawn_after_that(tmp_path: Path) -> None:
    """Killed after update 4 of 8, with a checkpoint of update 3; then once more, with one of update 8."""
    path, model = tmp_path / "m.safetensors", tiny_generator()
    first = Moments(path)
    for iteration in range(1, 5):
        first(iteration, 8, model)
    second = Moments(path, fresh=False)
    assert sorted(second.pictures) == [1, 2, 4]
    second(4, 8, model)
    second(5, 8, model)
    assert sorted(second.pictures) == [1, 2, 4]
    with torch.no_grad():
        model.last.bias.copy_(torch.linspace(-9, 9, len(model.last.bias)))  # type: ignore
    third = Moments(path, fresh=False)
    third(4, 8, model)
    assert not torch.equal(third.pictures[4], second.pictures[4])
    assert torch.equal(third.pictures[2], second.pictures[2])


def test_a_fresh_run_and_a_broken_file_begin_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    Moments(path)(1, 1, tiny_generator())
    assert Moments(path).pictures == {}
    path.write_bytes(b"not a file of pictures")
    assert Moments(path, fresh=False).pictures == {}

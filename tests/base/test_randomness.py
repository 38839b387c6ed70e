"""Random numbers that come again: by seed, block by block, whatever the batch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen.base.randomness import BLOCK, Blocks, seeded


def first(*entropy: int) -> list[float]:
    return torch.rand(4, generator=seeded(*entropy), dtype=torch.float64).tolist()


def test_neighbouring_seeds_give_other_numbers() -> None:
    drawn = [first(seed, number) for seed in range(-20, 20) for number in range(-20, 20)]
    assert len({tuple(numbers) for numbers in drawn}) == 1600
    first_numbers = np.array([numbers[0] for numbers in drawn])
    assert abs(first_numbers.mean() - 0.5) < 0.03  # five standard errors are 0.036
    assert abs(np.corrcoef(first_numbers[:-1], first_numbers[1:])[0, 1]) < 0.1
    by_seed = first_numbers.reshape(40, 40)
    assert by_seed.mean(axis=1).std() < 2 * (1 / 12 / 40) ** 0.5


def test_sign_order_and_size_of_a_seed_matter() -> None:
    asked = [(1, 2), (2, 1), (-1, 2), (1, -2), (1, 2, 3), (1, 3, 2), (2**31, 2), (2**33 + 1, 2), (2**63, 2)]
    assert len({tuple(first(*entropy)) for entropy in asked}) == len(asked)
    assert first(1, 2) == first(1, 2)


def test_numbers_are_the_same_in_another_process() -> None:
    code = (
        "import torch; from minigen.base.randomness import seeded; print(torch.rand(1, generator=seeded(3, -7)).item())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(told) == torch.rand(1, generator=seeded(3, -7)).item()


def test_torchs_own_numbers_are_left_alone() -> None:
    before = torch.get_rng_state()
    Blocks(seed=0, first=3, count=200).normal((2, 2))
    assert torch.equal(torch.get_rng_state(), before)


@settings(max_examples=40)
@given(first=st.integers(0, 300), count=st.integers(1, 200), seed=st.integers(-5, 5))
def test_image_i_gets_its_numbers_in_any_batch(first: int, count: int, seed: int) -> None:
    whole, part = Blocks(seed, 0, 512), Blocks(seed, first, count)
    for _ in range(2):  # also the second time that something is drawn
        everything = whole.normal((3,))
        assert torch.equal(part.normal((3,)), everything[first : first + count])
    assert torch.equal(part.uniform((2, 1)), whole.uniform((2, 1))[first : first + count])


def test_blocks_are_the_written_streams() -> None:
    drawn = Blocks(seed=9, first=BLOCK - 1, count=2).uniform((1,))
    last, start = (torch.rand(64, 1, generator=seeded(9, block)) for block in (0, 1))
    assert BLOCK == 64
    assert torch.equal(drawn, torch.cat([last[-1:], start[:1]]))


def test_every_image_has_numbers_of_its_own() -> None:
    drawn = Blocks(0, 0, 1000).normal((16,))
    assert len({tuple(row) for row in drawn.tolist()}) == 1000
    assert drawn.mean().abs() < 0.04
    assert drawn.std().item() == pytest.approx(1.0, abs=0.03)


def test_draw_some() -> None:
    assert Blocks(0, 0, 5).draw_some(lambda count, stream: None) is None
    sizes: list[int] = []

    def make(count: int, stream: torch.Generator) -> torch.Tensor:
        sizes.append(count)
        return torch.randperm(count, generator=stream)

    drawn = Blocks(0, 70, 80).draw_some(make)
    assert sizes == [64, 64]  # full blocks always
    assert drawn is not None
    assert torch.equal(drawn, torch.cat([torch.randperm(64, generator=seeded(0, b)) for b in (1, 2)])[6:86])

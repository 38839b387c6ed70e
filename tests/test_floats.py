"""Floats of other kinds than the weights: numpy's float64, halves, weights that were made halves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minigen as mg

PICTURES = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
QUIET = dict(iterations=2, device="cpu", precision="float32", progress=False)


def model(seed: int = 0) -> mg.Generator:
    torch.manual_seed(seed)
    return mg.Generator(mg.nets.UNet(4, widths=(8,)), mg.heads.Categorical(4), mg.plans.random_order())


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_training_pictures_of_any_float_are_taken_as_the_weights_are(kind: torch.dtype) -> None:
    pictures = PICTURES.to(kind)
    one, other = model(), model()
    mg.train(one, pictures, validation=(pictures,), **QUIET)
    mg.train(other, pictures.float(), validation=(pictures.float(),), **QUIET)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("kind", [torch.float64, torch.float16])
def test_known_pictures_and_likelihoods_take_any_float(kind: torch.dtype) -> None:
    made, mask = model(), torch.zeros(4, 4).bool()
    mask[0] = True
    pictures = PICTURES.to(kind)
    drawn = [mg.sample(made, 8, steps=2, known=each, mask=mask) for each in (pictures, pictures.float())]
    assert drawn[0].dtype == torch.float32
    assert torch.equal(*drawn)
    bits = [mg.metrics.bits_per_dimension(made, each) for each in (pictures, pictures.float())]
    assert torch.equal(*bits)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_a_model_of_other_weights_draws(kind: torch.dtype) -> None:
    made = model()
    mg.train(made, PICTURES, **QUIET)
    usual = mg.sample(made, 8, steps=4)
    assert (mg.sample(made.to(kind), 8, steps=4) == usual).float().mean() > (0.99 if kind == torch.float64 else 0.9)


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.float16(0.5)])
def test_numbers_of_numpy_are_numbers(number: float) -> None:
    assert torch.equal(mg.plans.ramp(number).matrix((4,), 4), mg.plans.ramp(0.5).matrix((4,), 4))
    assert mg.sample(model(), 1, steps=np.int64(2), temperature=number).shape == (1, 1, 4, 4)

"""Gradients inside of patches and at their borders; likelihood has a file of its own."""

from __future__ import annotations

import pytest
import torch

from minigen import data, metrics
from minigen.base.randomness import seeded
from minigen.metrics import patch_gradients


@pytest.mark.parametrize("patch", [1, 2, 4, 8, 16])
def test_gradients_of_real_digits_are_one(patch: int) -> None:
    real = data.digits(16, "held-out")[0]
    found = patch_gradients(real, patch)
    assert found == metrics.PatchGradients(None if patch == 16 else 1.0, None if patch == 1 else 1.0)
    others = patch_gradients(data.digits(16, "train")[0], patch)
    for value in (others.border, others.inside):
        assert value is None or value == pytest.approx(1.0, abs=0.03)


def test_gradients_by_hand() -> None:
    #  0 0 | 1 1      inside: eight pairs across, of 0; and eight down, of 0
    #  0 0 | 1 1      border: across 1 in four places, down 0 in two and 0.5 in two
    #  -----------
    #  0 0 | .5 .5
    #  0 0 | .5 .5
    sample = torch.zeros(1, 1, 4, 4)
    sample[..., :2, 2:] = 1.0
    sample[..., 2:, 2:] = 0.5
    real = torch.tensor([[0.0, 0.1, 0.2, 0.3]]).expand(4, 4)[None, None]
    # real: inside 0.1 across in eight places, 0 down in eight; border 0.1 across in four, 0 down in four
    found = patch_gradients(sample, 2, real)
    assert found.inside == 0.0
    assert found.border == pytest.approx(((1 + 1 + 0.5 + 0.5 + 0 + 0 + 0.5 + 0.5) / 8) / (0.1 * 4 / 8), rel=1e-6)
    whole = patch_gradients(real * 2, 4, real)
    assert (whole.border, whole.inside) == (None, pytest.approx(2.0, rel=1e-6))
    alone = patch_gradients(real * 3, 1, real)
    assert (alone.border, alone.inside) == (pytest.approx(3.0, rel=1e-6), None)


def test_torn_pictures_have_high_gradients_at_the_borders() -> None:
    real = data.digits(16, "held-out")[0]
    mixed = real.view(1000, 1, 4, 4, 4, 4).clone()  # (…, row of patches, y, column of patches, x)
    for y in range(4):
        for x in range(4):
            mixed[:, :, y, :, x] = mixed[torch.randperm(1000, generator=seeded(y, x)), :, y, :, x]
    found = patch_gradients(mixed.reshape(real.shape), 4)
    assert found.inside == pytest.approx(1.0, abs=1e-6)  # the patches themselves are real
    assert found.border > 1.3


def test_patches_that_do_not_fit_are_refused() -> None:
    real = data.digits(16, "held-out")[0][:5]
    with pytest.raises(
        ValueError, match="patch is 5, which does not divide 16 x 16 pixels; allowed: 1, 2, 4, 8, 16; the nearest"
    ):
        patch_gradients(real, 5)
    with pytest.raises(ValueError, match="patch is 0"):
        patch_gradients(real, 0)

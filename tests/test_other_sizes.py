"""Other sizes are no other program: the calls that train and draw at 16x16 do it at 28x28 and in colour at 64x64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import minigen as mg


def of_clothes_size() -> Tensor:
    """Digits as large as the clothes of Fashion-MNIST, which don't come with the package."""
    return mg.data.digits(28)[0][:8]


def large_scenes() -> Tensor:
    """Scenes of twice their side."""
    return mg.scenes.scenes(8).images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


@pytest.mark.parametrize(("pictures", "shape"), [(of_clothes_size, (1, 28, 28)), (large_scenes, (3, 64, 64))])
@pytest.mark.parametrize("plan", [mg.plans.diffusion(), mg.plans.raster(4), mg.plans.random_order()])
def test_the_same_calls_train_and_draw(
    pictures: Callable[[], Tensor], shape: tuple[int, int, int], plan: mg.plans.Plan
) -> None:
    channels, side, _ = shape
    images, labels = pictures(), torch.arange(8)
    net = mg.nets.UNet(size=side, channels=channels, widths=(8, 8, 16))
    model = mg.Generator(net, mg.heads.Categorical(16), plan, condition=mg.Labels(10))
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    history = mg.train(model, images, labels, iterations=2, batch_size=8, ema=None, progress=False)
    assert len(history.loss) == 2
    assert all(torch.isfinite(torch.tensor(history.loss)))
    assert any(not torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    drawn = mg.sample(model, 3, steps=2, labels=torch.tensor([1, 2, 3]))
    assert drawn.shape == (3, *shape)
    assert drawn.abs().max() <= 1

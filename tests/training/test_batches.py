"""Batches: every example once an epoch, endless data, and data that are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from helpers_training import QUIET, Probe, fit, flat, tiny_generator
from torch import Tensor

from minigen import data
from minigen.training import train

# --- order, and endless data -----------------------------------------------------------------------


def test_each_epoch_visits_every_example_once_in_a_new_order() -> None:
    model = Probe()
    train(model, torch.arange(12.0), iterations=9, batch_size=4, **QUIET)
    epochs = [flat(model.batches[3 * e : 3 * e + 3]) for e in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert list(range(12)) not in epochs


def test_last_smaller_batch_is_left_out() -> None:
    model = Probe()
    history = train(model, torch.arange(11.0), iterations=4, batch_size=4, **QUIET)
    assert [len(batch) for batch in model.batches] == [4] * 4
    for epoch in (model.batches[:2], model.batches[2:]):
        assert len(set(flat(epoch))) == 8
    assert history.images_seen == 16


@pytest.mark.parametrize("batch_size", [5, 6, 1000])
def test_few_data_come_all_and_in_order(batch_size: int) -> None:
    model = Probe()
    history = train(model, torch.arange(5.0), iterations=2, batch_size=batch_size, **QUIET)
    assert model.batches == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 2
    assert history.images_seen == 10


def test_pictures_and_labels_stay_together() -> None:
    class Pairs(Probe):
        def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
            assert torch.equal(batch[0] * 10, batch[1])
            return super().loss(batch, random)

    numbers = torch.arange(12.0)
    model = Pairs()
    train(model, numbers, numbers * 10, iterations=5, batch_size=4, **QUIET)
    assert len(model.batches) == 5


def test_endless_data_are_new_in_every_iteration() -> None:
    asked: list[int] = []

    def source(count: int, generator: torch.Generator) -> tuple[Tensor]:
        asked.append(count)
        return (torch.rand(count, generator=generator),)

    one, two, other = Probe(), Probe(), Probe()
    history = train(one, source, iterations=4, batch_size=6, **QUIET)
    train(two, source, iterations=4, batch_size=6, **QUIET)
    train(other, source, iterations=4, batch_size=6, seed=1, **QUIET)
    assert asked == [6] * 12
    assert history.images_seen == 24
    assert len(set(flat(one.batches))) == 24
    assert one.batches == two.batches
    assert not set(flat(one.batches)) & set(flat(other.batches))


# --- what is refused -------------------------------------------------------------------------------


def test_bad_data_are_named() -> None:
    x, y = data.curve()
    with pytest.raises(ValueError, match="data is empty; allowed: one or more tensors"):
        train(fit(), iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"data have \[0, 0\] examples; allowed: one or more"):
        train(fit(), x[:0], y[:0], iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"data have \[12, 11\] examples; allowed: one or more, all the same"):
        train(fit(), x, y[:11], iterations=1, **QUIET)
    with pytest.raises(
        TypeError, match=r"data is a ndarray; allowed: a torch\.Tensor, which torch\.from_numpy\(data\) is"
    ):
        train(fit(), x.numpy(), np.zeros((12, 1)), iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"data hold a function and more; allowed"):
        train(fit(), lambda count, generator: (x, y), y, iterations=1, **QUIET)


def test_bad_validation_data_are_named() -> None:
    x, y = data.curve()
    with pytest.raises(ValueError, match=r"validation have \[0, 0\] examples; allowed: one or more"):
        train(fit(), x, y, iterations=1, validation=(x[:0], y[:0]), **QUIET)
    with pytest.raises(ValueError, match=r"validation have \[12, 5\] examples"):
        train(fit(), x, y, iterations=1, validation=(x, y[:5]), **QUIET)
    images, labels = (part[:8] for part in data.digits(8))
    with pytest.raises(ValueError, match=r"images has values from 0 to 506; allowed: \[-1, 1\]"):
        train(tiny_generator(), images, labels, iterations=1, validation=((images + 1) * 255, labels), **QUIET)


def test_pictures_and_labels_that_do_not_fit_the_model_are_named() -> None:
    images, labels = (part[:8] for part in data.digits(8))
    with pytest.raises(ValueError, match=r"images has values from 0 to 506; allowed: \[-1, 1\]"):
        train(tiny_generator(), (images + 1) * 255, labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"images has shape \(8, 1, 16, 16\); allowed: \(any number, 1, 8, 8\)"):
        train(tiny_generator(), data.digits(16)[0][:8], labels, iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"images has dtype torch\.uint8; allowed: floating point"):
        train(tiny_generator(), ((images + 1) * 127).byte(), labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match="labels were given to a model without a condition; allowed: images alone"):
        train(tiny_generator(condition=False), images, labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match="labels holds 10; allowed: whole numbers from 0 to 9"):
        train(tiny_generator(), images, labels * 0 + 10, iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"labels has dtype torch\.float32; allowed: whole numbers"):
        train(tiny_generator(), images, labels.float(), iterations=1, **QUIET)
    with pytest.raises(ValueError, match="batch holds images alone; allowed for a model with a condition"):
        train(tiny_generator(), images, iterations=1, **QUIET)
    broken = images.clone()
    broken[3, 0, 2, 2] = math.nan
    with pytest.raises(ValueError, match="images holds NaN or infinite values"):
        train(tiny_generator(), broken, labels, iterations=1, **QUIET)

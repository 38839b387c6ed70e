"""What looks on while a model is trained: it sees every update, and changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_training import QUIET, fit, weights
from torch import nn

from minigen import data, train

DATA = data.curve()


@pytest.mark.parametrize("ema", [None, 0.9])
def test_it_sees_every_update_and_changes_nothing(ema: float | None) -> None:
    """Not even with dropout, which throws torch's own dice, and a watch that throws them too."""
    plain, watched = (fit(nn.Dropout(0.5)) for _ in range(2))
    seen: list[tuple[int, int, bool, bool]] = []

    def watch(iteration: int, iterations: int, model: Any) -> None:
        torch.rand(iteration)
        seen.append((iteration, iterations, model.training, torch.is_grad_enabled()))

    settings: dict[str, Any] = dict(iterations=5, batch_size=8, ema=ema, validate_every=2, **QUIET)
    for model, look in ((plain, None), (watched, watch)):
        torch.manual_seed(1)
        history = train(model, *DATA, validation=DATA, watch=look, **settings)
    assert seen == [(iteration, 5, False, False) for iteration in range(1, 6)]
    assert all(torch.equal(value, weights(watched)[name]) for name, value in weights(plain).items())
    assert len(history.loss) == 5


def test_it_sees_the_averaged_weights() -> None:
    model, found = fit(), []

    def watch(iteration: int, iterations: int, model: Any) -> None:
        found.append(weights(model))

    train(model, *DATA, iterations=3, batch_size=8, ema=0.9, watch=watch, **QUIET)
    assert all(torch.equal(value, found[-1][name]) for name, value in weights(model).items())


def test_what_it_raises_ends_the_training_and_leaves_a_checkpoint_of_before(tmp_path: Path) -> None:
    """It looks before a checkpoint is saved, so what it keeps is never behind that."""

    def watch(iteration: int, iterations: int, model: Any) -> None:
        if iteration == 3:
            raise OSError("no room")

    checkpoint, model = tmp_path / "c.safetensors", fit()
    settings: dict[str, Any] = dict(iterations=4, batch_size=8, checkpoint=checkpoint, checkpoint_every=1, **QUIET)
    with pytest.raises(OSError, match="no room"):
        train(model, *DATA, watch=watch, **settings)
    seen: list[int] = []
    train(fit(), *DATA, watch=lambda iteration, *_: seen.append(iteration), **settings)
    assert seen == [3, 4]


def test_what_can_not_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=re.escape("watch is 3; allowed: a function of (iteration, iterations, model)")):
        train(fit(), *DATA, iterations=1, watch=3, **QUIET)  # type: ignore[arg-type]

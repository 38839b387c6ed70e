"""How to train: the learning rate's rise and fall, and arguments that are refused."""

from __future__ import annotations

import math
import re

import pytest
import torch
from helpers_training import QUIET, Listener, Probe, fit, same_weights, weights

from minigen import data
from minigen.training import Settings, train

# --- the learning rate -----------------------------------------------------------------------------


def test_learning_rate_rises_then_falls_as_half_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener(monkeypatch)
    train(Probe(), torch.zeros(2), iterations=20, learning_rate=0.5, warmup=4, **QUIET)
    assert heard.rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert heard.rates[12] == pytest.approx(0.25)  # half way from 4 to 20
    assert heard.rates[19] == pytest.approx(0.5 * (1 - math.cos(math.pi / 16)) / 2)  # one before 0
    assert all(later < earlier for earlier, later in zip(heard.rates[4:], heard.rates[5:], strict=False))


def test_learning_rate_without_decay_or_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener(monkeypatch)
    train(Probe(), torch.zeros(2), iterations=6, learning_rate=0.5, warmup=2, decay=False, **QUIET)
    assert heard.rates == pytest.approx([0.5 / 3, 1 / 3, 0.5, 0.5, 0.5, 0.5])
    heard.rates.clear()
    train(Probe(), torch.zeros(2), iterations=4, learning_rate=0.5, warmup=0, **QUIET)
    assert heard.rates == pytest.approx([0.5 * (1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)])


def test_rate_ends_at_zero_also_when_all_is_warmup() -> None:
    def rate(iteration: int, warmup: int, decay: bool = True) -> float:
        return Settings(100, 8, "adamw", 1e-3, 0.0, warmup, decay, None, None, 0, 10).rate(iteration)

    assert rate(100, warmup=50) == pytest.approx(0.0, abs=1e-12)
    assert rate(50, warmup=50) == 1.0
    assert rate(0, warmup=50) == pytest.approx(1 / 51)
    assert rate(99, warmup=200) == pytest.approx(100 / 201)
    assert rate(99, warmup=0, decay=False) == 1.0


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"iterations": 0}, ValueError, "iterations is 0; allowed: whole numbers from 1"),
        ({"iterations": 2.5}, TypeError, "iterations is 2.5, a float; allowed: a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; allowed: whole numbers from 1"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate is -1.0; allowed"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0; allowed"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate is nan; allowed"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate is 'fast', a str; allowed: a number"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay is -0.1; allowed"),
        ({"warmup": -1}, ValueError, "warmup is -1; allowed: whole numbers from 0"),
        ({"ema": 1.5}, ValueError, "ema is 1.5; allowed: finite numbers in [0, 1]"),
        ({"clip": 0.0}, ValueError, "clip is 0.0; allowed"),
        ({"validate_every": 0}, ValueError, "validate_every is 0; allowed"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every is 0; allowed"),
        ({"device": "gpu"}, ValueError, "device is 'gpu'; allowed: 'auto', 'cpu', 'cuda'"),
        ({"device": "cuda:x"}, ValueError, "device is 'cuda:x'; allowed: 'auto', 'cpu', 'cuda'"),
        ({"precision": "bfloat"}, ValueError, "precision is 'bfloat'; allowed: 'auto', 'float32', 'bfloat16'; did"),
        ({"precision": "float16"}, ValueError, "did you mean 'bfloat16'?"),
    ],
)
def test_bad_arguments_are_named(changed: dict[str, object], kind: type[Exception], message: str) -> None:
    model = fit()
    first = weights(model)
    with pytest.raises(kind, match=re.escape(message)):
        train(model, *data.curve(), **{"iterations": 3, **QUIET, **changed})
    assert same_weights(model, first)

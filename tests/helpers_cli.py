"""What the tests of the command line share: an empty folder, a recipe that takes no time, and a signal in training."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from helpers_training import tiny_recipe

from minigen import Generator
from minigen.__main__ import main
from minigen.zoo.recipes import RECIPES


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a recipe that takes no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RECIPES, "tiny-digits", tiny_recipe(size=16))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that must succeed prints."""
    assert main(words) == 0
    return capsys.readouterr().out


def signal_in_update(monkeypatch: pytest.MonkeyPatch, number: int, kind: signal.Signals) -> None:
    """From now on a signal comes in the update of this number, counted from 1, and in no other."""
    plain, calls = Generator.loss, list[int]()

    def loss(model: Generator, *given: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == number:
            signal.raise_signal(kind)
        return plain(model, *given)

    monkeypatch.setattr(Generator, "loss", loss)

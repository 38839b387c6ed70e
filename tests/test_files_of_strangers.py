"""A generator's file that somebody has changed: one clear error, before any memory is taken for what it describes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import minigen as mg
from minigen.base import store

Change = Callable[[dict[str, Tensor], dict[str, Any]], None]


def saved(folder: Path) -> Path:
    net = mg.nets.UNet(8, widths=(8, 8), context_size=8)
    model = mg.Generator(net, mg.heads.Categorical(2), mg.plans.random_order(), condition=mg.Labels(3))
    return model.save(folder / "model.safetensors")


def described(**changes: Any) -> Change:
    def change(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
        about["generator"]["net"] |= changes

    return change


def drop(*keys: str) -> Change:
    def change(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
        for key in keys:
            about["generator"].pop(key, None)

    return change


def without(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    tensors.pop("net.first.weight")


def not_finite(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    tensors["net.first.bias"] = tensors["net.first.bias"] * float("nan")


def many_classes(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    about["generator"]["condition"]["classes"] = 10**10


def no_dictionary(tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    about["generator"] = ["a", "list"]


@pytest.mark.parametrize(
    "change",
    [
        described(widths=[8, 8192]), described(widths=[8] * 100_000), described(blocks=10**9),
        described(channels=10**9), described(size=1 << 40), described(context_size=10**9), described(name="unet"),
        described(kernel=3),
        described(widths="many"), described(widths=None), many_classes,
        without, not_finite, no_dictionary,
        *(drop(key) for key in ("net", "head", "plan", "schedule")),
    ],
)  # fmt: skip
def test_a_changed_file_is_one_error(tmp_path: Path, change: Change) -> None:
    path = saved(tmp_path)
    tensors, about = store.load(path)
    change(tensors, about)
    store.save(path, tensors, about)
    with pytest.raises((ValueError, TypeError), match="allowed"):
        mg.Generator.load(path)


def test_what_was_saved_still_loads(tmp_path: Path) -> None:
    path = saved(tmp_path)
    model = mg.Generator.load(path)
    again = mg.Generator.load(path).state_dict()
    assert model.state_dict().keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("about", ["[]", "3", "null", "[" * 5000, "{}"])
def test_odd_json_is_one_error(tmp_path: Path, about: str) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "odd.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata={"about": about})
    with pytest.raises(ValueError, match="allowed"):
        mg.Generator.load(path)

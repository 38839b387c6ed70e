"""Trained weights: those that come with the package, and those you train yourself.

Each is a pair of files, ``NAME.safetensors`` and ``NAME.json``. The JSON says what made the weights:
recipe, seed, revision of the code, seconds, hardware, scores. A file that does not match its checksum or
its recipe is refused, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minigen.base import store
from minigen.base.errors import check_path
from minigen.generator import Generator
from minigen.nets import Classifier
from minigen.training import History, pick_device
from minigen.training.hardware import hardware
from minigen.zoo.recipes import RECIPES, Recipe, recipe

SHIPPED = Path(str(files("minigen.zoo") / "weights"))


def names(folder: str | Path = SHIPPED) -> list[str]:
    """The recipes that have weights in a folder; by default, those that come with the package."""
    return [name for name in RECIPES if (Path(folder) / f"{name}.json").is_file()]


def about(name: str, folder: str | Path = SHIPPED) -> dict[str, Any]:
    """What made these weights and how good they are: the content of NAME.json."""
    check_path("folder", folder)
    path = Path(folder) / f"{recipe(name).name}.json"
    if not path.is_file():
        where = "with the package" if Path(folder) == SHIPPED else f"in {str(folder)!r}"
        have = ", ".join(names(folder)) or "none"
        raise FileNotFoundError(
            f"name is {name!r}, but no weights of it come {where}; there: {have};"
            f" python -m minigen train {name} makes them"
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as reason:
        raise ValueError(f"{path.name} is no JSON ({reason}): a changed or broken file") from reason
    return content


def load(name: str, folder: str | Path = SHIPPED, device: str = "auto") -> Generator:
    """The trained generator of this name, ready to sample.

    Raises:
        FileNotFoundError: if there are no such weights; it says how to make them.
        ValueError: if the name is unknown, or a file does not match its checksum or recipe.

    >>> model = load("digits-diffusion")
    >>> model.plan.name, model.sampling           # what suits it: sample(model, 64, **model.sampling)
    ('diffusion', {'steps': 16, 'eta': 0.0, 'pick': 'mean'})
    """
    model = _load(name, folder, device)
    if not isinstance(model, Generator):
        raise ValueError(f"name is {name!r}, which is a classifier; allowed here: generators (zoo.load_classifier)")
    model.sampling = dict(recipe(name).sampling)
    return model


def load_classifier(name: str, folder: str | Path = SHIPPED, device: str = "auto") -> Classifier:
    """The trained classifier of this name."""
    model = _load(name, folder, device)
    if not isinstance(model, Classifier):
        raise ValueError(f"name is {name!r}, which is a generator; allowed here: classifiers (zoo.load)")
    return model


def _load(name: str, folder: str | Path, device: str) -> nn.Module:
    said, made_by = about(name, folder), recipe(name)
    path = Path(folder) / f"{name}.safetensors"
    tensors, inside = store.load(path)
    if store.checksum(path) != said.get("sha256"):
        raise ValueError(f"{path.name} does not have the checksum that {name}.json gives: a changed or broken file")
    wanted = json.loads(json.dumps(made_by.config()["model"]))
    if inside.get("model") != wanted or said.get("recipe", {}).get("model") != wanted:
        raise ValueError(f"{path.name} does not hold the model of the recipe {name!r}: weights of another version")
    model = made_by.build()
    model.load_state_dict(store.unpack(tensors))
    return model.to(pick_device(device)).eval()


def save(
    folder: str | Path,
    made_by: Recipe,
    model: nn.Module,
    history: History,
    changes: dict[str, Any] | None = None,
    revision: str = "unknown",
) -> Path:
    """Write both files and return the path of the weights, which are rounded to a byte each (the model's, too).

    ``changes`` are the arguments of ``train`` that differed from the recipe; ``revision`` is that of
    the code when training began.
    """
    if isinstance(model, Generator):
        model.check_saved()
    packed = store.pack(model.state_dict())
    model.load_state_dict(store.unpack(packed))  # what is scored is what is shipped
    config = made_by.config(**(changes or {}))
    path, weights = Path(folder) / f"{made_by.name}.safetensors", store.to_bytes(packed, {"model": config["model"]})
    content = {
        "about": made_by.about,
        "recipe": config,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "parameters": sum(value.numel() for value in model.parameters()),
        "trained": {
            "date": date.today().isoformat(),
            "revision": revision,
            "torch": str(torch.__version__),
            "hardware": hardware(history.device, history.threads),
            "precision": history.precision,
            "seconds": round(history.seconds),
            "iterations": len(history.loss),
            "interrupted": history.interrupted,
            "images_seen": history.images_seen,
            "best_iteration": history.best,
            "validation_loss": round(min((loss for _, loss in history.validation), default=float("nan")), 4),
        },
    }
    store.write_together({path: weights, path.with_suffix(".json"): store.to_json(content)})
    return path


def put_aside(name: str, folder: str | Path) -> Path | None:
    """Move weights and their record from ``folder`` into the first free ``folder/earlier-1``, ``-2`` ...; say where.

    None if there are none. ``load(name, folder / "earlier-1")`` still finds them.
    """
    pair = [Path(folder) / f"{name}{ending}" for ending in (".safetensors", ".json")]
    if not all(path.is_file() for path in pair):
        return None
    number = next(
        n for n in itertools.count(1) if not any((Path(folder) / f"earlier-{n}" / p.name).exists() for p in pair)
    )
    aside = Path(folder) / f"earlier-{number}"
    aside.mkdir(parents=True, exist_ok=True)
    for path in pair:
        os.replace(path, aside / path.name)
    return aside


def add_scores(name: str, scores: dict[str, Any], folder: str | Path = SHIPPED) -> Path:
    """Write the scores of these weights into NAME.json."""
    return store.save_json(Path(folder) / f"{name}.json", {**about(name, folder), "scores": scores})

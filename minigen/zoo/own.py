"""A generator of a reader's own folder: a run that can be stopped, with what ``suggest`` chose when it began."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from minigen import data
from minigen.base import store
from minigen.generator import Generator
from minigen.training import History, train
from minigen.zoo.moments import Moments
from minigen.zoo.suggestions import CHOICES, LEAST_UPDATES, Suggestion, suggest

IN_MEMORY = 2_000_000_000
"""Bytes of pictures that are held as numbers; of more, each batch is read from the disk."""

MOST_JUDGED = 500
"""Validation pictures that the choice of the best weights reads."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A training on a folder that has ended, or was interrupted.

    Attributes:
        found, model, history: the pictures, the generator, and how it went.
        chosen: what was trained, and how many updates were planned.
        path: of the weights.
        moments: after how many updates, and what was drawn then.
        page: that an earlier part of an interrupted run wrote, if it is still as it was written.
    """

    found: data.Folder
    model: Generator
    history: History
    chosen: Suggestion
    path: Path
    moments: Mapping[int, torch.Tensor]
    page: Path | None


def own_generator(found: data.Folder, seed: int = 0) -> Generator:
    """A fresh generator as it is usual for the pictures of a folder: noise, a slim U-Net, and told the label, if any.

    It learns a belief over 16 shades, as chapter 15 does: what ``v`` draws after so few minutes has more grain
    (``benchmarks/README.md``). ``suggest`` says when something else is better.
    """
    return Suggestion(found.shape, len(found.names)).generator(seed)


def lessons(found: data.Folder, model: Generator) -> tuple[tuple[Any, ...], tuple[torch.Tensor, ...]]:
    """What ``train`` is given, and its validation data: labels only where the model is told them."""
    parts = 1 if model.condition is None else 2
    rows = found.indices("validation")[:MOST_JUDGED]
    judged = (found.at(rows),) if found.labels is None else (found.at(rows), found.labels[rows])
    if len(found) * math.prod(found.shape) * 4 <= IN_MEMORY:
        return found.split("train")[:parts], judged[:parts]
    draw = found.batches("train")
    return (lambda count, random: draw(count, random)[:parts],), judged[:parts]


def checkpoint_of(found: data.Folder, runs: str | Path = "runs") -> Path:
    """Where an interrupted training on these pictures waits."""
    return Path(runs) / f"own-{found.path.resolve().name or 'pictures'}.checkpoint.safetensors"


def train_own(
    found: data.Folder,
    minutes: float = 10,
    runs: str | Path = "runs",
    iterations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[Trained], Path] | None = None,
    tell: Callable[[Suggestion], object] | None = None,
    **settings: Any,
) -> tuple[Path, History]:
    """Train a generator on a folder's pictures and save it; the same call goes on where an interrupted one stopped.

    Args:
        found: the pictures.
        minutes: how long it takes, with what is timed before, about; a run that goes on keeps what was planned when it
            began.
        runs: the folder of the checkpoint and of the weights.
        iterations: updates, instead of minutes.
        seed, device, settings: of ``train``; what of ``suggest`` is not given is suggested.
        report: what writes a page about it, and says where (``show.report``): when the weights are saved, and the
            checkpoint is still there.
        tell: is told, before the training, what is trained.

    Returns:
        where the weights are (``Generator.load`` reads them; an earlier file stays), and the history. Of an interrupted
        run the weights as they are, at the same place; they are replaced when it has ended.
    """
    runs, checkpoint = Path(runs), checkpoint_of(found, runs)
    name = checkpoint.name.removesuffix(".checkpoint.safetensors")
    planned = runs / f"{name}.planned.json"
    store.check_writable("runs", planned)
    said = {each: settings.pop(each) for each in CHOICES if each in settings}
    said |= {} if iterations is None else {"iterations": iterations}
    about = {"folder": str(found.path.resolve()), "shape": list(found.shape), "names": list(found.names)}
    earlier = _planned(planned) if checkpoint.is_file() else {}
    if not earlier:
        chosen = _in_all(found, minutes, device, said)
        earlier = {"about": about, "weights": free(runs / f"{name}.safetensors").name, "chosen": _kept(chosen)}
        store.save_json(planned, earlier)
    if earlier["about"] != about:
        raise ValueError(
            f"runs is {str(runs)!r}, where {checkpoint.name} is of a run that was interrupted, with other pictures or"
            f" another size; allowed: the same as then, another folder, or without that file"
        )
    chosen = replace(Suggestion(found.shape, len(found.names)), **{**_read(earlier), **said})
    if tell is not None:
        tell(chosen)
    path, page, model = runs / earlier["weights"], earlier.get("page"), chosen.generator(seed)
    moments = Moments(runs / f"{name}.moments.safetensors", fresh=not checkpoint.is_file())
    given, judged = lessons(found, model)
    settings = {**chosen.training, **settings, "checkpoint": checkpoint, "watch": moments}
    history = train(model, *given, validation=judged, seed=seed, device=device, **settings)
    model.save(path, {"pictures": found.record()})
    if report is not None:
        trained = Trained(found, model, history, chosen, path, moments.pictures, _unchanged(runs, page))
        store.save_json(planned, {**earlier, "page": _stamped(report(trained))})
    if not history.interrupted:
        for each in (checkpoint, planned, moments.path):
            each.unlink(missing_ok=True)
    return path, history


def _in_all(found: data.Folder, minutes: float, device: str, said: Mapping[str, Any]) -> Suggestion:
    """What is suggested, where the minutes have to do for the timing of a few updates, too."""
    begun = time.perf_counter()
    chosen = suggest(found, minutes, device, **said)
    if not chosen.seconds:
        return chosen
    left = chosen.iterations - round((time.perf_counter() - begun) / chosen.seconds)
    return replace(chosen, iterations=max(min(LEAST_UPDATES, chosen.iterations), left))


def _kept(chosen: Suggestion) -> dict[str, Any]:
    """What a run that goes on must know of what was chosen when it began."""
    return {name: getattr(chosen, name) for name in (*CHOICES, "iterations", "seconds")}


def _read(planned: Mapping[str, Any]) -> dict[str, Any]:
    """The same, read again."""
    return {**planned["chosen"], "widths": tuple(planned["chosen"]["widths"])}


def _planned(path: Path) -> Mapping[str, Any]:
    """What the run that left a checkpoint had planned, or nothing."""
    try:
        found = json.loads(path.read_text())
        whole = Path(found["weights"]).name == found["weights"] and _read(found).keys() == _kept(Suggestion()).keys()
        return dict(found) if whole else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _stamped(page: Path) -> dict[str, str]:
    """A page by its name, and by what is in it."""
    return {"name": page.name, "sha256": hashlib.sha256(page.read_bytes()).hexdigest()}


def _unchanged(folder: Path, page: Any) -> Path | None:
    """The page that an earlier part of the run wrote, unless it is gone, or somebody has changed it since."""
    name = page.get("name") if isinstance(page, dict) else None
    if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
        return None
    return folder / name if _stamped(folder / name) == page else None


def free(path: Path) -> Path:
    """This path, or if there is a file already, the next one with a number."""
    number, found = 1, path
    while found.exists() or found.is_symlink():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found

"""A generator of a reader's own folder: how many updates fit into some minutes, and a run that can be stopped."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from minigen import data, heads, nets, plans
from minigen.base import store
from minigen.base.errors import check_number
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.training import History, train
from minigen.zoo.moments import Moments

IN_MEMORY = 2_000_000_000
"""Bytes of pictures that are held as numbers; of more, each batch is read from the disk."""

TRIED = 8
"""Updates that are timed."""

TRAINING: Mapping[str, Any] = dict(batch_size=16, optimizer="muon", ema=None)
"""Settings of ``train`` that suit few minutes: many small batches. An average of the weights would lag behind them."""

MOST_JUDGED = 500
"""Validation pictures that the choice of the best weights reads."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A training on a folder that has ended, or was interrupted.

    Attributes:
        found, model, history: the pictures, the generator, and how it went.
        iterations: updates that were planned.
        path: of the weights.
        moments: after how many updates, and what was drawn then.
        page: that an earlier part of an interrupted run wrote, if it is still as it was written.
    """

    found: data.Folder
    model: Generator
    history: History
    iterations: int
    path: Path
    moments: Mapping[int, torch.Tensor]
    page: Path | None


def own_generator(found: data.Folder, seed: int = 0) -> Generator:
    """A fresh generator for the pictures of a folder: noise, a slim U-Net, and told the label if there are two or more.

    It is made for few minutes of training, as ``digits-minute`` is. With ``TRAINING``, 280 updates bring the icons of
    ``data.icons`` at 32 x 32 to a distance of 2.2, where real ones have 1.3 +- 0.7 (``metrics.Judge``, validation, one
    training). What 70 updates of 64 pictures drew was coloured snow, at 20.

    Raises:
        ValueError: if the size can't be halved twice, which the net does.
    """
    channels, size, _ = found.shape
    if size % 4:
        raise ValueError(f"size is {size}; allowed: multiples of 4, such as 16, 32 or 64")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        condition = Labels(len(found.names)) if len(found.names) > 1 else None
        net = nets.UNet(size=size, channels=channels, widths=(16, 48, 64))
        return Generator(net, heads.Regression("v"), plans.diffusion(density="logit_normal"), condition=condition)


def lessons(found: data.Folder, model: Generator) -> tuple[tuple[Any, ...], tuple[torch.Tensor, ...]]:
    """What ``train`` is given, and its validation data: labels only where the model is told them."""
    parts = 1 if model.condition is None else 2
    rows = found.indices("validation")[:MOST_JUDGED]
    judged = (found.at(rows),) if found.labels is None else (found.at(rows), found.labels[rows])
    if len(found) * math.prod(found.shape) * 4 <= IN_MEMORY:
        return found.split("train")[:parts], judged[:parts]
    draw = found.batches("train")
    return (lambda count, random: draw(count, random)[:parts],), judged[:parts]


def updates_in(minutes: float, found: data.Folder, device: str = "auto", **settings: Any) -> int:
    """How many updates fit into so many minutes here, by the time that a few take; 20 or more."""
    check_number("minutes", minutes, 0, open_left=True)
    model = own_generator(found)
    given, _ = lessons(found, model)
    train(model, *given, iterations=2, device=device, progress=False, **settings)  # the first ones take longer
    tried = train(model, *given, iterations=TRIED, device=device, progress=False, **settings)
    return max(20, int(minutes * 60 * TRIED / tried.seconds))


def train_own(
    found: data.Folder,
    minutes: float = 10,
    runs: str | Path = "runs",
    iterations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[Trained], Path] | None = None,
    **settings: Any,
) -> tuple[Path, History]:
    """Train a generator on a folder's pictures and save it; the same call goes on where an interrupted one stopped.

    Args:
        found: the pictures.
        minutes: how long, about; a run that goes on keeps what was planned when it began.
        runs: the folder of the checkpoint and of the weights.
        iterations: updates, instead of minutes.
        seed, device, settings: of ``train``; those that are not given are ``TRAINING``.
        report: what writes a page about it, and says where (``show.report``): when the weights are saved, and the
            checkpoint is still there.

    Returns:
        where the weights are (``Generator.load`` reads them; an earlier file stays), and the history. Of an interrupted
        run the weights as they are, at the same place; they are replaced when it has ended.
    """
    name = f"own-{found.path.resolve().name or 'pictures'}"
    checkpoint, planned = Path(runs) / f"{name}.checkpoint.safetensors", Path(runs) / f"{name}.planned.json"
    store.check_writable("runs", planned)
    settings = {**TRAINING, **settings}
    model = own_generator(found, seed)
    about = {"folder": str(found.path.resolve()), "shape": list(found.shape), "names": list(found.names)}
    earlier = _planned(planned) if checkpoint.is_file() else {}
    if not earlier:
        planned_now = iterations or updates_in(minutes, found, device, **_timed(settings))
        earlier = {"about": about, "iterations": planned_now, "weights": free(Path(runs) / f"{name}.safetensors").name}
        store.save_json(planned, earlier)
    if earlier["about"] != about:
        raise ValueError(
            f"runs is {str(runs)!r}, where {checkpoint.name} is of a run that was interrupted, with other pictures or"
            f" another size; allowed: the same as then, another folder, or without that file"
        )
    path, page = Path(runs) / earlier["weights"], earlier.get("page")
    moments = Moments(Path(runs) / f"{name}.moments.safetensors", fresh=not checkpoint.is_file())
    given, judged = lessons(found, model)
    iterations = iterations or earlier["iterations"]
    history = train(
        model, *given, validation=judged, checkpoint=checkpoint, iterations=iterations, seed=seed, device=device,
        watch=moments, **settings,
    )  # fmt: skip
    model.save(path, {"pictures": found.record()})
    if report is not None:
        earlier_page = _unchanged(Path(runs), page)
        page = _stamped(report(Trained(found, model, history, iterations, path, moments.pictures, earlier_page)))
        store.save_json(planned, {**earlier, "page": page})
    if not history.interrupted:
        for each in (checkpoint, planned, moments.path):
            each.unlink(missing_ok=True)
    return path, history


def _timed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide how long an update takes."""
    return {name: settings[name] for name in TRAINING}


def _planned(path: Path) -> Mapping[str, Any]:
    """What the run that left a checkpoint had planned, or nothing."""
    try:
        found = json.loads(path.read_text())
        whole = isinstance(found["iterations"], int) and Path(found["weights"]).name == found["weights"]
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

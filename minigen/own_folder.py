"""The command line's part for a reader's own pictures: training on a folder, and scores of what came of it."""

from __future__ import annotations

import argparse
import json
import shlex
import time
import warnings
from pathlib import Path
from typing import Any

from minigen import data
from minigen.base import store
from minigen.base.errors import check_choice, check_number
from minigen.generator import Generator
from minigen.training import pick_device
from minigen.zoo.own import checkpoint_of
from minigen.zoo.suggestions import TARGETS, Suggestion

FEW_UPDATES = 100
"""What fewer updates draw is mostly noise."""

FEW_PICTURES = 50
"""So few to learn from are soon known by heart."""


def _check(options: argparse.Namespace, changes: dict[str, Any]) -> None:
    """Raise if a number or a word can't be, before any picture is read."""
    check_number("--minutes", options.minutes, 0, open_left=True)
    if options.size % 4:
        raise ValueError(
            f"--size is {options.size}; allowed: multiples of 4, such as {max(8, 4 * round(options.size / 4))}"
        )
    if "target" in changes:
        check_choice("--target", changes["target"], TARGETS)


def train_on_folder(options: argparse.Namespace, changes: dict[str, Any]) -> int:
    """Train on a reader's own pictures, and say what was taken, where the page about it is, and how to go on."""
    from minigen.data.files import find
    from minigen.show.report import train_folder

    begun = time.perf_counter()
    _check(options, changes)
    inside = Path(options.name).is_dir() and any("/" in name for name in find(Path(options.name)).files)
    labels = "folders" if inside and not options.no_labels else None
    found = data.folder(options.name, options.size, labels=labels, progress=True)
    print(found)
    learned = len(found.indices("train"))
    if learned < FEW_PICTURES:
        print(f"{learned} pictures to learn from are soon known by heart; 150 or more are better")
    going_on = checkpoint_of(found, options.runs)
    if going_on.is_file():
        print(f"going on from {going_on}")

    def tell(it: Suggestion) -> None:
        long = f", about {it.seconds * it.iterations / 60:.2g} minutes" if it.seconds else ""
        print(f"{it.line}{long}; a page about it follows", flush=True)
        if it.iterations < FEW_UPDATES:
            print(
                f"{it.iterations} updates are few, and may draw mere noise: allow more --minutes, or a smaller --size"
            )

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "interrupted: ")  # which is said below
        minutes = max(options.minutes - (time.perf_counter() - begun) / 60, options.minutes / 10)
        run = train_folder(found, minutes, options.runs, device=options.device, tell=tell, **changes)
    history = run.history
    print(f"{run.path}: loss {history.loss[-1]:.4f} after {len(history.loss)} iterations, {history.seconds:.0f} s")
    print(f"{run.page}: how it went, to be opened in any browser")
    if history.interrupted:
        print("interrupted; the same command goes on from there")
        return 130
    if len(found.names) > 1:
        print(f"labels: {', '.join(f'{label} {name}' for label, name in enumerate(found.names))}")
    print(f"python -m minigen sample {shlex.quote(str(run.path))} --out-folder drawn")
    print(f"python -m minigen evaluate {shlex.quote(str(run.path))} --folder {shlex.quote(options.name)}")
    print(f"python -m minigen export {shlex.quote(str(run.path))} {shlex.quote(f'{run.path.stem}-draws.html')}")
    return 0


def names_of(weights: str) -> tuple[str, ...]:
    """The labels' names, of weights of a reader's own folder; of others there are none."""
    said = store.load(weights)[1].get("pictures") if weights.endswith(".safetensors") else None
    return tuple(said.get("names", ())) if isinstance(said, dict) else ()


def label_number(label: str, weights: str) -> int:
    """The number of a label that is given by its number, or by its name where the weights say what these are."""
    try:
        return int(label)
    except ValueError:
        names = names_of(weights)
        if not names:
            raise ValueError(f"--label is {label!r}; allowed: a whole number") from None
        return names.index(check_choice("--label", label, names))


def check_no_folder(options: argparse.Namespace) -> None:
    """Raise where a folder of pictures stands in place of the weights that learned from it."""
    if not options.name.endswith(".safetensors") and Path(options.name).is_dir():
        made = Path(options.runs) / f"own-{Path(options.name).resolve().name}.safetensors"
        raise ValueError(
            f"name is {options.name!r}, which is a folder; allowed: a recipe, or a file of weights, which"
            f" python -m minigen train FOLDER makes, such as {made}"
        )


def check_judged_by_folder(weights: str) -> None:
    """Raise if these are weights of a reader's own folder, which no other pictures can judge."""
    if weights.endswith(".safetensors") and isinstance(store.load(weights)[1].get("pictures"), dict):
        raise ValueError(f"{weights} learned from a folder of your own; allowed: with --folder and its path")


def said_of(settings: dict[str, Any]) -> str:
    """The settings of drawing, for people.

    >>> said_of({})
    'drawn as usual'
    """
    return str(settings) if settings else "drawn as usual"


def evaluate_on_folder(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Score weights of a reader's own folder by the pictures of this folder, drawn with these settings."""
    from minigen.metrics.own_run import folder_of, score_run, usual_count

    if not options.name.endswith(".safetensors"):
        raise ValueError(
            f"--folder is {options.folder!r} with the recipe {options.name!r}; allowed: with a file of weights that"
            " python -m minigen train FOLDER made, such as runs/own-icons.safetensors"
        )
    model = Generator.load(options.name, pick_device(options.device))
    found = folder_of(options.name, model, options.folder, progress=not options.json)
    count = usual_count(found) if options.count is None else options.count
    settings = {**model.sampling, **settings}
    scores, like = score_run(model, found, count, options.split, options.seed, progress=True, **settings)
    if options.json:
        about = {"nearest": like.rounded(), "seed": options.seed, "sampling": settings}
        print(json.dumps({**scores.rounded(), **about}, indent=2))
    else:
        print(f"seed {options.seed}, sampling {said_of(settings)}", scores, like, sep="\n")

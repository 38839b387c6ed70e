"""The command line's part for a reader's own pictures: training on a folder, and scores of what came of it."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from minigen import data
from minigen.generator import Generator
from minigen.training import pick_device


def train_on_folder(options: argparse.Namespace, changes: dict[str, Any]) -> int:
    """Train on a reader's own pictures, and say what was taken, where the page about it is, and how to go on."""
    from minigen.data.files import find
    from minigen.show.report import train_folder

    inside = any("/" in name for name in find(Path(options.name)).files)
    labels = "folders" if inside and not options.no_labels else None
    found = data.folder(options.name, options.size, labels=labels, progress=True)
    print(found)
    run = train_folder(
        found,
        options.minutes,
        options.runs,
        device=options.device,
        tell=lambda it: print(it.line, flush=True),
        **changes,
    )
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
    return 0


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
        print(f"seed {options.seed}, sampling {settings}", scores, like, sep="\n")

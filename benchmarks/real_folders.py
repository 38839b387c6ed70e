"""Folders of real pictures: from how many updates on which target is the better one.

``benchmarks/budgets.py`` measures on icons that this package draws, flat ones, and on digits. Here the folders are
given, such as the icons of a desktop or emoji, and every target is trained with the same net, batch and rate for each
number of updates. Both judges (``mg.metrics.Judge``) compare with the folder's validation pictures, since this serves
a choice, which ``mg.recipes.suggest`` makes; held-out ones are not read.

    python benchmarks/real_folders.py /usr/share/icons/gnome/48x48 --sizes 32 --updates 300 1000

A second call with another folder adds its rows; a run that was stopped goes on with the training that it was in. With
``--show FOLDER`` a grid of each row's pictures is written, to look at. Writes ``runs/real_folders.json``: the folders
are not ours, so what is kept is the table in ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import time
from functools import lru_cache
from itertools import product
from pathlib import Path

import torch
from common import Row

import minigen as mg
from minigen.course.measurements import Results, arguments
from minigen.zoo.own import lessons
from minigen.zoo.suggestions import Suggestion

TARGETS = ["belief", "v"]


@lru_cache(maxsize=1)
def folder(path: str, size: int) -> mg.data.Folder:
    """Its pictures."""
    return mg.data.folder(path, size)


@lru_cache(maxsize=2)
def judge(path: str, size: int, by: str) -> mg.metrics.Judge:
    """One that knows them; the one of labels gives way to the fixed one where the kinds can't be learned."""
    return mg.metrics.Judge(folder(path, size), by=by)


def flat(pictures: torch.Tensor) -> float:
    """The share of neighbours that are equal: near 1 of flat pictures, lower of shaded ones and photographs.

    >>> flat(torch.zeros(2, 3, 8, 8)), round(flat(torch.rand(2, 3, 8, 8)), 1)
    (1.0, 0.0)
    """
    across = (pictures.diff(dim=-1).abs().amax(dim=1) < 1 / 255).double()
    return float(across.mean())


def scores_of(path: str, size: int, drawn: torch.Tensor, labels: torch.Tensor | None) -> Row:
    """What both judges say of them; of the fixed one all that a page would show."""
    found = {by: judge(path, size, by).evaluate(drawn, labels, "validation") for by in ("auto", "fixed")}
    said, fixed = found["auto"].rounded(), found["fixed"].rounded()
    kinds = {"by": judge(path, size, "auto").by, "frechet": said["frechet"], "floor": said["floor"]}
    names = ("kernel", "kernel_floor", "coverage", "coverage_ceiling", "nearer_to_train", "copies", "copies_of_real")
    return {
        **kinds,
        "accuracy": said["accuracy"],
        "fixed": fixed["frechet"],
        "fixed_floor": fixed["floor"],
        **{name: fixed[name] for name in names},
    }


def run(key: Row, path: str, given: argparse.Namespace) -> Row:
    """Train, draw, score."""
    torch.set_num_threads(1)
    found = folder(path, key["size"])
    chosen = Suggestion(found.shape, len(found.names), target=key["target"], iterations=key["iterations"])
    model = chosen.generator(given.seed)
    learned, kept_by = lessons(found, model)
    how = {"device": "cpu", "precision": "float32", "progress": False, "seed": given.seed}
    begin = time.process_time()
    history = mg.train(model, *learned, validation=kept_by, **{**chosen.training, **how})
    taken = time.process_time() - begin
    if history.interrupted:
        raise SystemExit("interrupted; the same command goes on with this row")
    count = min(given.count, len(found.indices("train")))
    labels = None if model.condition is None else judge(path, key["size"], "fixed").labels(count)
    how = {**model.sampling, "seed": given.seed, "steps": given.steps}
    begin = time.process_time()
    drawn = mg.sample(model, count, labels=labels, **how)
    drawing = time.process_time() - begin
    if given.show is not None:
        given.show.mkdir(parents=True, exist_ok=True)
        name = f"{key['folder']}-{key['size']}-{key['target']}-{key['iterations']}.png"
        mg.plots.grid(drawn[:64], alt="What was drawn, in rows").save(given.show / name)
    return {
        "in_folder": len(found),
        "kinds": len(found.names),
        "channels": found.shape[0],
        "flat": round(flat(found.split("train")[0]), 4),
        "best_iteration": history.best,
        "train_seconds": round(taken, 1),
        "draw_seconds": round(drawing, 1),
        "count": count,
        **scores_of(path, key["size"], drawn, labels),
    }


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = arguments(
        __doc__, "real_folders", count=(200, "pictures that are scored"), steps=(16, "calls of the walk down"),
        seed=(0, "of first weights, training and drawing"), sizes=([32], "of the pictures in pixels"),
        updates=([300, 1000], "of a training"), targets=(TARGETS, "what is predicted"),
    )  # fmt: skip
    parser.add_argument("folders", nargs="*", help="of pictures")
    parser.set_defaults(out=Path("runs", "real_folders.json"))
    parser.add_argument("--show", type=Path, help="where grids of what was drawn go")
    return parser


def main() -> None:
    given = parser().parse_args()
    if given.smoke:
        given.count, given.steps, given.updates, given.sizes = 24, 2, [2], [8]
        given.folders = given.folders or [str(mg.data.icons(16))]
    if not given.folders:
        raise SystemExit("folders: none is given; allowed: one or more folders of pictures")
    settings = {"count": given.count, "steps": given.steps, "threads": 1, "smoke": given.smoke}
    found = Results(given.out, settings, {"rows": ()}, seed=given.seed)
    each = product(given.folders, given.sizes, given.updates, given.targets)
    for path, size, iterations, target in each:
        key = {"folder": "-".join(Path(path).resolve().parts[-2:]), "size": size}
        key |= {"target": target, "iterations": iterations}
        found.measure("rows", key, lambda key, path=path: run(key, path, given))  # type: ignore[misc]
    found.close()


if __name__ == "__main__":
    main()

"""A page about a training on a reader's own folder: how it went, what came of it, is it copied, and how to go on.

It lies beside the weights, opens from the disk in any browser, light or dark, and asks for nothing.
"""

from __future__ import annotations

import html
import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import torch
from torch import Tensor

from minigen import data
from minigen.base.store import write_atomically
from minigen.metrics.own import ALIKE, LEAST_DRAWN, Judge, look, nearest
from minigen.metrics.own_run import check_scored, score_run, usual_count
from minigen.metrics.own_scores import OwnScores
from minigen.sampling import sample
from minigen.show.engine import text
from minigen.show.figures import Figure, unfold
from minigen.show.pictures import films
from minigen.show.plots import lines
from minigen.training import History
from minigen.zoo.own import IN_MEMORY, Trained, free, train_own

SHARE = 0.1
"""Of the training's time: what drawing and judging may take."""

AT_ONCE, COMPARED, POINTS = 1000, 200, 60
"""Training pictures that are read at once; held-out ones that are compared with them; points of the curve of losses."""


@dataclass(frozen=True)
class OwnRun:
    """What ``train_folder`` made: the file of weights, how the training went, and the page about it."""

    path: Path
    history: History
    page: Path


def train_folder(found: data.Folder, minutes: float = 10, runs: str | Path = "runs", **settings: Any) -> OwnRun:
    """Train a generator on your own pictures, save it, and write a page about it beside the weights.

    The page shows what was drawn on the way, how the loss fell, the training pictures that come nearest to what is
    drawn, and scores, if there are enough pictures and time: a tenth of the training's at most. The same call goes on
    where an interrupted one stopped. No file of yours is written over.

    Args:
        found: the pictures, as ``data.folder`` found them.
        minutes: how long in all, about; the page gets its share.
        runs: the folder of weights and page.
        settings: of ``train``, such as ``seed``, and of ``mg.recipes.suggest``, which chooses what is not given.

    Returns:
        ``path`` (for ``Generator.load``), ``history`` and ``page``.

    Raises:
        ValueError: if the pictures are no multiple of 4 wide, or of another run that was interrupted.
    """
    pages: list[Path] = []

    def report(trained: Trained) -> Path:
        pages.append(write_report(trained))
        return pages[-1]

    path, history = train_own(found, minutes / (1 + SHARE), runs, report=report, **settings)
    return OwnRun(path, history, pages[-1])


def write_report(trained: Trained) -> Path:
    """Write the page: in place of that of an earlier part of the same run, else where there is no file yet."""
    sections = [_moments(trained), _losses(trained), _nearest(trained), _scores(trained), _onwards(trained)]
    updates, seconds = len(trained.history.loss), trained.history.seconds
    channels, height, width = trained.found.shape
    lead = (
        f"{updates:,} updates in {_long(seconds)}, on {len(trained.found.indices('train')):,} of"
        f" {len(trained.found):,} pictures, {height} x {width}, in {'grey' if channels == 1 else 'colour'}."
    )
    if trained.history.interrupted:
        lead = (
            f"Interrupted after {updates:,} of {trained.chosen.iterations:,} updates; the same command goes on. {lead}"
        )
    page = Template(text("html/report.html")).substitute(
        title=html.escape(f"What {_said(trained.path.stem)} learned"),
        style=f"{text('css/page.css')}\n{text('css/report.css')}",
        lead=html.escape(lead),
        sections="\n".join(f"<section>\n<h2>{title}</h2>\n{body}\n</section>" for title, body in sections),
    )
    place = trained.page or free(trained.path.with_suffix(".html"))
    return write_atomically(place, page.encode())


# --- the sections ----------------------------------------------------------------------------------

Section = tuple[str, str]


def _moments(trained: Trained) -> Section:
    """What was drawn on the way."""
    rows = [(f"update {then:,}", drawn, None) for then, drawn in sorted(trained.moments.items())]
    if not rows:
        return "What it drew on the way", _words("Nothing was drawn yet.")
    figure = films(
        rows, alt="Rows of drawn pictures, a row for each moment of the training.", titles=_titles(trained),
        caption="The same noise, and 16 steps, at each moment. The last row is what the training ended with.",
    )  # fmt: skip
    return "What it drew on the way", _set(figure)


def _losses(trained: Trained) -> Section:
    """The loss on what is learned from, and on what is not."""
    loss, wide = trained.history.loss, max(1, len(trained.history.loss) // POINTS)
    parts = [loss[begin : begin + wide] for begin in range(0, len(loss), wide)]
    curves: dict[str, Any] = {
        "training": ([min(len(loss), wide * (n + 1)) for n in range(len(parts))], [sum(p) / len(p) for p in parts])
    }
    if trained.history.validation:
        curves["validation"] = tuple(zip(*trained.history.validation, strict=True))
    best = trained.history.best
    kept = f" The weights of update {best:,} are the best by that, and were kept." if best else ""
    figure = lines(
        curves, "updates", "loss", alt="The loss of the training and of validation pictures, over the updates.",
        caption="Validation pictures are not learned from: where their loss rises and the other falls, it learns by"
        f" heart.{kept}", xscale="log" if len(loss) > POINTS else "linear",
    )  # fmt: skip
    return "How the loss fell", _set(figure)


def _nearest(trained: Trained) -> Section:
    """What is drawn, above the training pictures that come nearest."""
    drawn = sample(trained.model, 8, seed=1, **trained.model.sampling)
    places, far = nearest_training(drawn, trained.found)
    rows = trained.found.indices("train")[places]
    held = trained.found.indices("held-out")[:COMPARED]
    usual = float(nearest_training(trained.found.at(held), trained.found)[1].median())
    copies = int((far < ALIKE).sum())
    figure = films(
        [("drawn", drawn, None), ("nearest", trained.found.at(rows), None)],
        alt="Eight drawn pictures, and below each the training picture that comes nearest to it.",
        titles=[f"{value:.2f}" for value in far.tolist()],
        caption="Above each pair, how far they are apart (root mean square, values from -1 to 1): in the middle"
        f" {float(far.median()):.2f}. Held-out pictures are {usual:.2f} from training ones; far less than that is"
        f" copying. Copies that nobody could tell from the picture below: {copies or 'none'} of these eight.",
    )  # fmt: skip
    return "Is it copying?", _set(figure)


def _scores(trained: Trained) -> Section:
    """Scores beside those of real pictures, or why there are none."""
    found = scored(trained)
    if isinstance(found, str):
        return "Scores", _words(found)
    rows = [
        ("distance (frechet)", f"{found.frechet:.2f}", f"{found.floor.mean:.2f} ± {found.floor.spread:.2f}"),
        (
            "coverage",
            f"{found.coverage:.2f}",
            f"{found.coverage_ceiling.mean:.2f} ± {found.coverage_ceiling.spread:.2f}",
        ),
        ("nearer to training pictures", f"{found.nearer_to_train:.2f}", "0.50"),
        ("copies", f"{found.copies:.2f}", f"{found.copies_of_real:.2f}"),
    ]
    if found.accuracy is not None:
        rows.insert(2, ("seen as asked", f"{found.accuracy:.2f}", ""))
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{drawn}</td><td>{real}</td></tr>' for name, drawn, real in rows
    )
    head = '<tr><td></td><th scope="col">drawn</th><th scope="col">real pictures</th></tr>'
    said = f"{found.count} drawn pictures against {found.real} held-out ones. {' '.join(found.remarks)}"
    return "Scores", f"<table>{head}{cells}</table>\n{_words(said)}"


def _onwards(trained: Trained) -> Section:
    """The commands to go on with."""
    lines = "\n".join(f"{_words(said)}\n<pre>{html.escape(line)}</pre>" for said, line in commands(trained))
    return "How to go on", lines


def commands(trained: Trained) -> list[tuple[str, str]]:
    """What each of the commands does, and its line for a shell.

    A longer training is three times as long as this was, and at least ten minutes.
    """
    weights, folder = (shlex.quote(_said(str(path))) for path in (trained.path, trained.found.path))
    page, runs = shlex.quote(_said(f"{trained.path.stem}-draws.html")), trained.path.parent
    names = trained.found.names
    plain = len(names) > 1 and not any("," in name for name in names)  # since commas stand between them
    named = f" --names={shlex.quote(_said(','.join(names)))}" if plain else ""
    minutes = max(10, round(3 * trained.history.seconds / 60))
    again = f"python -m minigen train {folder} --size {trained.found.shape[-1]}"
    again += " --no-labels" if trained.found.labels is None and _has_folders(trained.found) else ""
    again += "" if str(runs) == "runs" else f" --runs {shlex.quote(_said(str(runs)))}"
    goes_on = [("Go on where it was interrupted:", again)]
    longer = [("Train anew, for longer; these weights stay:", f"{again} --minutes {minutes}")]
    return [
        *(goes_on if trained.history.interrupted else []),
        ("Draw pictures into a new folder:", f"python -m minigen sample {weights} --out-folder drawn"),
        ("Score it, with more pictures than here:", f"python -m minigen evaluate {weights} --folder {folder}"),
        ("Make a page that draws, to show to others:", f"python -m minigen export {weights} {page}{named}"),
        *([] if trained.history.interrupted else longer),
    ]


# --- what it rests on ------------------------------------------------------------------------------


def nearest_training(images: Tensor, found: data.Folder) -> tuple[Tensor, Tensor]:
    """Of each image the nearest training picture, and how far it is, see ``Judge.nearest``; some are read at a time."""
    places, far = torch.zeros(len(images), dtype=torch.int64), torch.full((len(images),), torch.inf)
    for number, rows in enumerate(found.indices("train").split(AT_ONCE)):
        where, here = nearest(images, found.at(rows))
        places = torch.where(here < far, where + number * AT_ONCE, places)
        far = torch.minimum(here, far)
    return places, far


def scored(trained: Trained) -> OwnScores | str:
    """Scores on held-out pictures that take a tenth of the training's time at most, or why there are none."""
    found, history = trained.found, trained.history
    if history.interrupted:
        return "There are none before the training has ended."
    try:
        check_scored(found, LEAST_DRAWN)
    except ValueError as reason:
        return f"There are none: {_said(str(reason))}."
    if len(found) * math.prod(found.shape) * 4 > IN_MEMORY:
        return "There are none: the folder is too large for a judge to hold at once."
    drawing = _seconds(lambda: sample(trained.model, 8, seed=1, **trained.model.sampling)) / 8
    looking = _seconds(lambda: look(found.at(torch.arange(min(16, len(found)))))) / min(16, len(found))
    share, by = (SHARE / 2, "auto") if SHARE / 2 * len(history.loss) > LEARNING else (SHARE, "fixed")
    count = affordable(share * history.seconds, drawing, looking, len(found), usual_count(found))
    if count < LEAST_DRAWN:
        return (
            "There are none here, since drawing and judging would take more than a tenth of the training's time;"
            " evaluate, below, takes that time."
        )
    return score_run(trained.model, found, count, judge=Judge(found, by=by), **trained.model.sampling)[0]


LEARNING = 150
"""Updates of the training that take as long as a judge's 300, or longer: one of the judge's takes 0.12 to 0.48 of one
of the training's (icons of 8 to 64 pixels, one core). It has half of the share of time."""


def affordable(seconds: float, drawing: float, looking: float, pictures: int, usual: int) -> int:
    """How many pictures can be drawn and judged in so many seconds, by what one of them takes; at most ``usual``.

    The judge looks at every picture of the folder about twice.

    >>> affordable(30, drawing=0.1, looking=0.005, pictures=640, usual=224)
    214
    >>> affordable(60, 0.1, 0.005, 640, 224), affordable(30, 1.0, 0.005, 640, 224), affordable(3, 0.1, 0.005, 640, 224)
    (224, 23, 0)
    """
    left = seconds - 2 * looking * pictures
    return max(0, min(usual, int(left / (drawing + 2 * looking))))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _long(seconds: float) -> str:
    """How long something took.

    >>> _long(1.2), _long(99.4), _long(610)
    ('1 s', '99 s', '10.2 minutes')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"


def _titles(trained: Trained) -> Sequence[str] | None:
    """The label of each of the eight pictures, which get the labels in turn."""
    names = trained.found.names
    return [_said(names[place % len(names)]) for place in range(8)] if len(names) > 1 else None


def _has_folders(found: data.Folder) -> bool:
    return any("/" in name for name in found.files)


def _said(name: str) -> str:
    """A name as it can be written: what is no letter in any alphabet, as its number."""
    return name.encode("utf-8", "backslashreplace").decode()


def _words(said: str) -> str:
    return f"<p>{html.escape(said)}</p>"


def _set(figure: Figure) -> str:
    """A figure in the page; a chart becomes a part of it, so that it has the page's colours."""
    return unfold(figure.to_html())

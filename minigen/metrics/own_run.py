"""Weights that learned from a reader's own folder, and how good what they draw is, judged by that folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from minigen import data
from minigen.base import store
from minigen.base.errors import check_choice, check_whole
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.metrics.own import LEAST_DRAWN, LEAST_OF, Judge
from minigen.metrics.own_scores import OwnScores
from minigen.metrics.scores import Rounded
from minigen.sampling import sample

MOST_DRAWN = 1000
"""Pictures that are drawn where nobody says how many."""


@dataclass(frozen=True)
class Likeness(Rounded):
    """How far pictures are from the nearest training picture (root mean square, values in [-1, 1]).

    Attributes:
        median, least: of the drawn ones; far below those of real pictures they are copies.
        median_of_real, least_of_real: the same of held-out pictures.
        alike: the file of the training picture that a drawn one comes nearest to.
    """

    median: float
    least: float
    median_of_real: float
    least_of_real: float
    alike: str

    def __str__(self) -> str:
        return (
            f"nearest training picture: {self.median:.3f} away in the middle, {self.least:.3f} at least ({self.alike});"
            f" of real pictures {self.median_of_real:.3f} and {self.least_of_real:.3f}"
        )


def folder_of(weights: str | Path, model: Generator, folder: str | Path, progress: bool = False) -> data.Folder:
    """The folder that weights learned from, read again as it was then.

    What ``train FOLDER`` saved says which pictures these were; of other weights it can only be seen whether size,
    colours and the number of labels fit.

    Raises:
        ValueError: if the model draws no squares, is told something else than labels, or the folder has another number
            of labels or other pictures than the weights learned from.
    """
    shape, condition = model.shape, model.condition
    if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] != shape[2]:
        raise ValueError(f"shape is {shape}; allowed with a folder: (1 or 3, side, side)")
    if condition is not None and not isinstance(condition, Labels):
        raise ValueError(
            f"condition is {type(condition).__name__}; allowed with a folder: Labels or none, whose answers are known"
        )
    said = store.load(weights)[1].get("pictures")
    then: Mapping[str, Any] = said if isinstance(said, dict) else {}
    labels = "folders" if (then.get("names") if then else condition) else None
    found = data.folder(folder, shape[-1], None if then else shape[0], labels, progress=progress)
    _check_same(str(weights), model, found, then)
    return found


def _check_same(weights: str, model: Generator, found: data.Folder, then: Mapping[str, Any]) -> None:
    """Raise unless these are the pictures that the weights learned from, as far as it can be known."""
    classes = model.condition.classes if isinstance(model.condition, Labels) else None
    place = f"folder is {str(found.path)!r}, "
    if classes is not None and classes != len(found.names):
        raise ValueError(
            f"{place}which has {len(found.names)} labels, and {weights} knows {classes}; allowed: the folder that it"
            " learned from"
        )
    if found.shape != model.shape:
        raise ValueError(f"{place}whose pictures are {found.shape}, and {weights} draws {model.shape}; allowed: alike")
    if then and then.get("checksum") != found.record()["checksum"]:
        raise ValueError(
            f"{place}and {weights} learned from other pictures ({then.get('count')} then, {len(found)} now) or from"
            " other splits of them, so what it was trained with might be held out; allowed: the folder as it was then,"
            " or in Python mg.metrics.Judge with pictures of your choice"
        )


def usual_count(found: data.Folder) -> int:
    """How many pictures to draw: half as many as there are to train with, so that the floor's sets differ."""
    return min(MOST_DRAWN, max(LEAST_DRAWN, len(found.indices("train")) // 2))


def check_scored(found: data.Folder, count: int, split: str = "held-out") -> None:
    """Raise, before anything is drawn, unless a ``Judge`` can score so many pictures against this split."""
    check_choice("split", split, ("held-out", "validation"))
    for part, least in LEAST_OF.items():
        there, wanted = len(found.indices(part)), LEAST_OF["held-out"] if part == split else least
        if there < wanted:
            raise ValueError(
                f"folder is {str(found.path)!r}, which has {there} {part} pictures; allowed: {wanted} or more, to say"
                " anything (about 50 in all, and 100 with split='validation')"
            )
    check_whole("count", count, LEAST_DRAWN, len(found.indices("train")))


def score_run(
    model: Generator,
    found: data.Folder,
    count: int | None = None,
    split: str = "held-out",
    seed: int = 0,
    progress: bool = False,
    judge: Judge | None = None,
    **options: Any,
) -> tuple[OwnScores, Likeness]:
    """Draw from weights of a reader's own folder, and score that with a ``Judge`` of this folder.

    Args:
        model: the generator; see ``folder_of``.
        found: the pictures that it learned from.
        count: how many to draw, from 20 to the number of training pictures; None is half of these, at most 1,000.
        split: "held-out", or "validation" while something is being chosen.
        seed: of the labels and of the dice.
        progress: show a bar while drawing.
        judge: of these pictures; None makes one, by their labels if these can be learned.
        options: of ``sample``, such as steps.

    Returns:
        the scores, each beside what real pictures get, and how near the drawn pictures come to training ones.

    Raises:
        ValueError: before anything is drawn, if there are too few pictures to say anything.
    """
    count = usual_count(found) if count is None else count
    check_scored(found, count, split)
    judge = judge or Judge(found)
    labels = judge.labels(count, seed) if isinstance(model.condition, Labels) else None
    drawn = sample(model, count, seed=seed, labels=labels, progress=progress, **options)
    return judge.evaluate(drawn, labels, split), _likeness(judge, found, drawn, split)


def _likeness(judge: Judge, found: data.Folder, drawn: Tensor, split: str) -> Likeness:
    """How near they come to training pictures, beside the same of real ones."""
    (places, far), (_, usual) = judge.nearest(drawn), judge.nearest(found.at(found.indices(split)))
    file = found.files[int(found.indices("train")[places[int(far.argmin())]])]
    return Likeness(
        median=float(far.median()), least=float(far.min()),
        median_of_real=float(usual.median()), least_of_real=float(usual.min()),
        alike=file.encode("utf-8", "backslashreplace").decode(),
    )  # fmt: skip

"""Scenes: is what was asked for in the picture? (chapters 12 and 13)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from minigen.base.errors import check_images, said_already
from minigen.base.randomness import seeded
from minigen.data import shapes
from minigen.metrics.distances import LEAST, density_coverage, frechet
from minigen.metrics.judges import in_parts
from minigen.metrics.scores import Rounded, Spread
from minigen.nets import Recogniser
from minigen.zoo.pretrained import load_classifier
from minigen.zoo.teaching import HELDOUT_SEED


@dataclass(frozen=True)
class PromptAccuracy:
    """The share of scenes in which the recogniser finds what the prompts said, by attribute and in all of them.

    ``size``, ``colour`` and ``shape`` are right if they are so in every thing that the prompt names; what it
    leaves unsaid is not judged.
    """

    count: int
    layout: float
    size: float
    colour: float
    shape: float
    all: float


@dataclass(frozen=True)
class SceneScores(Rounded):
    """How scenes did against real ones of the same kind; see ``Scores``."""

    prompt: PromptAccuracy
    frechet: float
    floor: Spread
    coverage: float
    coverage_ceiling: Spread


@lru_cache(maxsize=1)
def _recogniser() -> Recogniser:
    found = load_classifier("scenes-judge", device="cpu")
    assert isinstance(found, Recogniser)
    return found


def recognise(images: Tensor, by: Recogniser | None = None) -> Tensor:
    """What the recogniser sees in scenes (N, 3, 32, 32): their meanings (N, 7), as ``minigen.scenes`` has them.

    ``by`` is another recogniser than the package's.

    >>> some = shapes.scenes(100, seed=5)
    >>> bool((recognise(some.images) == some.meanings).double().mean() > 0.98)
    True
    """
    judge = by or _recogniser()
    check_images("images", images, judge.shape)
    found = in_parts(judge.answers, images.float().cpu())
    found[found[:, 0] == 0, 4:] = -1  # one thing alone: there is no second
    return found


def prompt_accuracy(images: Tensor, asked: Sequence[str] | Tensor, by: Recogniser | None = None) -> PromptAccuracy:
    """How often scenes show what was asked for: prompts, or meanings (N, 7) with -1 for what is left open.

    >>> some = shapes.scenes(100, seed=5)
    >>> prompt_accuracy(some.images, some.prompts).all > 0.95
    True
    """
    check_images("images", images, (by or _recogniser()).shape)
    if isinstance(asked, str) or not isinstance(asked, Sequence | Tensor):
        raise TypeError(f"asked is {asked!r}, a {type(asked).__name__}; allowed: a prompt for each image, in a list")
    if len(asked) != len(images):
        raise ValueError(f"asked holds {len(asked)} prompts; allowed: one an image, {len(images)}")
    wanted = asked if isinstance(asked, Tensor) else torch.stack([shapes.parse(prompt) for prompt in asked])
    right = (recognise(images, by) == wanted) | (wanted == -1)
    layout, things = right[:, 0], right[:, 1:].view(-1, 2, 3).all(dim=1)
    # nothing more is asked of a second thing that should not be there: the layout says that
    parts = [layout, *things.unbind(dim=1), layout & things.all(dim=1)]
    return PromptAccuracy(len(images), *(float(part.double().mean()) for part in parts))


NEAR, SECOND = 0.25, 0.05
"""How near a pixel must be to one of the six colours, of lengths where black to white is 1.7, to count as that colour;
and the share of a thing's pixels from which on a second colour is seen."""


def one_colour(images: Tensor, by: Recogniser | None = None) -> Tensor:
    """Whether every thing in scenes (N, 3, 32, 32) has one colour, told from the pixels: (N,) bool.

    The recogniser has no word for a thing in two colours, and names one of them; so this looks at the pixels. Each that
    is near one of the six colours counts for it (edges, mixed with the ground, are near none). Two colours are seen if
    the second has a twentieth or more of a thing's pixels. How the things stand says the recogniser, ``by`` or the
    package's: of two, each has its half of the picture. Of 6,000 real scenes all things have one colour.

    >>> some = shapes.scenes(2, seed=5)
    >>> one_colour(some.images).tolist()
    [True, True]
    """
    layout = recognise(images, by)[:, 0]
    counts = in_parts(_colour_counts, images.float().cpu())  # (N, halves, colours)
    halves = torch.tensor([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]], dtype=torch.bool)[layout]
    share = counts.topk(2, dim=2).values[..., 1] / counts.sum(dim=2).clamp(min=1)
    return ~((share >= SECOND) & halves).any(dim=1)


def _colour_counts(images: Tensor) -> Tensor:
    """How many pixels have each of the six colours, (N, 5, 6): in all, at left and right, above and below."""
    colours = torch.tensor(list(shapes.COLOURS.values()))[:, :, None, None]
    far, which = ((images[:, None] + 1) / 2 - colours).norm(dim=2).min(dim=1)
    clear = nn.functional.one_hot(which, len(colours)) * (far < NEAR)[..., None]  # (N, 32, 32, 6)
    half = shapes.SIZE // 2
    parts = clear, clear[:, :, :half], clear[:, :, half:], clear[:, :half], clear[:, half:]
    return torch.stack([part.sum(dim=(1, 2)) for part in parts], dim=1)


def recogniser_accuracy(recogniser: Recogniser, count: int = 5000) -> PromptAccuracy:
    """How often a recogniser is right on fresh scenes of all kinds: the ceiling of every prompt accuracy."""
    fresh = shapes.scenes(count, "everything", seed=HELDOUT_SEED)
    return prompt_accuracy(fresh.images, fresh.meanings, recogniser.cpu())


def evaluate_scenes(images: Tensor, asked: shapes.Scenes) -> SceneScores:
    """Score pictures drawn for the prompts of real scenes: what was asked for, and distances to the real ones.

    Distances are on the 64 features of the recogniser. The floor is other scenes of the same prompts against
    these, mean and spread of 5 draws.

    >>> real = shapes.scenes(500, seed=5)
    >>> scores = evaluate_scenes(real.images, real)
    >>> scores.coverage, scores.frechet < scores.floor.mean
    (1.0, True)
    """
    check_images("images", images, _recogniser().shape, least=LEAST)
    with said_already():
        return _scene_scores(images, asked)


def _scene_scores(images: Tensor, asked: shapes.Scenes) -> SceneScores:
    real, found = (in_parts(_recogniser().embed, each.float().cpu()) for each in (asked.images, images))
    others = [
        in_parts(_recogniser().embed, shapes.draw(asked.meanings, seeded(draw, len(images)))) for draw in range(5)
    ]
    return SceneScores(
        prompt=prompt_accuracy(images, asked.prompts),
        frechet=frechet(real, found),
        floor=Spread.of([frechet(real, other) for other in others]),
        coverage=density_coverage(real, found)[1],
        coverage_ceiling=Spread.of([density_coverage(real, other)[1] for other in others]),
    )

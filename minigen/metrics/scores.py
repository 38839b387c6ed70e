"""All scores of a set of pictures at once, each beside its floor."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from minigen import data
from minigen.base.errors import check_choice, check_images, check_labels, check_truth, said_already
from minigen.base.randomness import seeded
from minigen.metrics.distances import LEAST, density_coverage, frechet, kernel_distance, nearer_to_train
from minigen.metrics.judges import SIZE, accuracy, features

MOST = 3600
"""As many as there are training digits, from which the floor is drawn."""


@dataclass(frozen=True)
class Spread:
    """A mean and a standard deviation over repetitions.

    >>> Spread.of([1.0, 2.0, 3.0])
    Spread(mean=2.0, spread=1.0)
    """

    mean: float
    spread: float

    @staticmethod
    def of(values: list[float]) -> Spread:
        """Of two or more values."""
        numbers = torch.tensor(values, dtype=torch.float64)
        return Spread(float(numbers.mean()), float(numbers.std()))

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.spread:.1f}"


class Rounded:
    """What all scores can do."""

    def rounded(self, digits: int = 4) -> dict[str, Any]:
        """Plain numbers for a JSON file."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: plain(part) for name, part in value.items()}
            if isinstance(value, float):  # JSON knows no NaN
                return round(value, digits) if math.isfinite(value) else None
            return value

        result: dict[str, Any] = plain(asdict(self))  # type: ignore[call-overload]
        return result


@dataclass(frozen=True)
class Scores(Rounded):
    """How a set of samples did; each attribute is explained by the function of its name.

    ``frechet`` and ``kernel`` are better the lower, never much below their ``floor`` and ``kernel_floor``.
    ``coverage`` is best at what real pictures reach, ``coverage_ceiling``. ``accuracy`` is None without labels.
    """

    count: int
    frechet: float
    floor: Spread
    kernel: float
    kernel_floor: Spread
    density: float
    coverage: float
    coverage_ceiling: Spread
    accuracy: float | None
    nearer_to_train: float


def evaluate(
    samples: Tensor, labels: Tensor | None = None, split: str = "held-out", balanced: bool = True, of: str = "digits"
) -> Scores:
    """Score 16x16 digits, or clothes, against real ones.

    Args:
        samples: (N, 1, 16, 16) in [-1, 1], N from 500 to 3,600.
        labels: the digits that were asked for, (N,), for the accuracy.
        split: "held-out", or "validation" while something is being chosen.
        balanced: True if the samples hold each digit equally often; False gives them a floor of
            random classes (for generators that are not told the digit).
        of: what they should look like, "digits" or "fashion". Of each there are as many real pictures to
            compare with, and distances of one say nothing about the other.

    >>> images, labels = data.digits(split="train")
    >>> real = labels.argsort(stable=True).view(10, 360)[:, :100].flatten()     # 100 of each
    >>> scores = evaluate(images[real], labels[real])
    >>> scores.frechet < 2 * scores.floor.mean, scores.accuracy > 0.95
    (True, True)
    """
    check_images("samples", samples, (1, SIZE, SIZE), least=LEAST)
    if len(samples) > MOST:
        raise ValueError(f"samples holds {len(samples)} pictures; allowed: {LEAST} to {MOST}")
    check_choice("split", split, ("held-out", "validation"))
    check_truth("balanced", balanced)
    if labels is not None:  # before the work
        check_labels("labels", labels, data.CLASSES)
        if len(labels) != len(samples):
            raise ValueError(f"labels holds {len(labels)}; allowed: one an image, {len(samples)}")
    with said_already():
        return _scores(samples, labels, split, balanced, of)


def _scores(samples: Tensor, labels: Tensor | None, split: str, balanced: bool, of: str) -> Scores:
    found, real = features(samples, of), _real_features(split, of)
    floor = _floor(len(samples), split, balanced, of)
    density, coverage = density_coverage(real, found)
    real_images, _ = _real(split, of)
    train_images, _ = _real("train", of)
    return Scores(
        count=len(samples),
        frechet=frechet(real, found),
        floor=floor["frechet"],
        kernel=kernel_distance(real, found) if len(real) >= LEAST else float("nan"),
        kernel_floor=floor["kernel"],
        density=density,
        coverage=coverage,
        coverage_ceiling=floor["coverage"],
        accuracy=None if labels is None else accuracy(samples, labels, of),
        nearer_to_train=nearer_to_train(samples, train_images[: len(real_images)], real_images),
    )


@lru_cache(maxsize=4)
def _real(split: str, of: str) -> tuple[Tensor, Tensor]:
    """The real pictures that samples are compared with: as many of each class as the digits have."""
    images, labels = data.SOURCES[of](SIZE, split)
    part = data.SPLITS[split]
    each = (part.stop - part.start) // data.CLASSES
    rows = [(labels == kind).nonzero()[:each, 0] for kind in range(data.CLASSES)]
    chosen = torch.cat(rows).sort().values  # for digits, that is all of them
    return images[chosen], labels[chosen]


@lru_cache(maxsize=4)
def _real_features(split: str, of: str) -> Tensor:
    return features(_real(split, of)[0], of)


@lru_cache(maxsize=16)
def _floor(count: int, split: str, balanced: bool, of: str = "digits", draws: int = 20) -> dict[str, Spread]:
    """What ``count`` real training pictures score against those of ``split``: mean and spread of 20 draws.

    Drawn without replacement, so with over 1,800 of the 3,600 the draws overlap much and the spread is
    too small.
    """
    _, labels = _real("train", of)
    train, real = _real_features("train", of), _real_features(split, of)
    found: dict[str, list[float]] = {"frechet": [], "kernel": [], "coverage": []}
    for draw in range(draws):
        rows = _draw_rows(labels, count, balanced, seeded(draw, count))
        found["frechet"].append(frechet(real, train[rows]))
        found["kernel"].append(kernel_distance(real, train[rows]) if len(real) >= LEAST else float("nan"))
        found["coverage"].append(density_coverage(real, train[rows])[1])
    return {name: Spread.of(values) for name, values in found.items()}


def _draw_rows(labels: Tensor, count: int, balanced: bool, random: torch.Generator) -> Tensor:
    """Random rows of the training set: each class equally often (to within one), or any."""
    if not balanced:
        return torch.randperm(len(labels), generator=random)[:count]
    shuffled = torch.randperm(len(labels), generator=random)
    # the first of each class, then the second of each class, ...
    by_class = [shuffled[labels[shuffled] == digit] for digit in range(data.CLASSES)]
    return torch.stack(by_class, dim=1).flatten()[:count]

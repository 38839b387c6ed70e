"""All scores at once, beside their floors: they order pictures rightly."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from minigen import data, metrics
from minigen.base.randomness import seeded
from minigen.metrics import Spread, evaluate, frechet
from minigen.metrics.scores import _draw_rows, _floor, _real

COUNT = 500


def training_sample(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random training digits, equally many of each class."""
    images, labels = data.digits(16, "train")
    shuffled = torch.randperm(len(images), generator=seeded(seed, 77))
    rows = torch.cat([shuffled[labels[shuffled] == digit][: count // 10] for digit in range(10)])
    return images[rows], labels[rows]


# --- other pictures than digits --------------------------------------------------------------------


def test_as_many_of_each_class_as_the_digits_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each, in the set's own order; of the digits that is all of them, as they are."""
    for split in data.SPLITS:
        for own, real in zip(data.digits(16, split), _real(split, "digits"), strict=True):
            assert torch.equal(own, real)
    labels = torch.randint(10, (900,), generator=seeded(0))
    images = torch.arange(900.0).view(900, 1, 1, 1)
    monkeypatch.setitem(data.SOURCES, "numbers", lambda size, split: (images, labels))
    chosen, their = _real("validation", "numbers")
    assert their.bincount().tolist() == [40] * 10
    assert bool((chosen.flatten().diff() > 0).all())
    assert torch.equal(labels[chosen.flatten().long()], their)
    last = max(int((labels == kind).nonzero()[39]) for kind in range(10))
    assert chosen.max() == last


# --- all of them -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_scores() -> metrics.Scores:
    """500 training digits."""
    return evaluate(*training_sample(COUNT, seed=1))


def test_real_pictures_score_like_the_floor(real_scores: metrics.Scores) -> None:
    assert real_scores.count == COUNT
    for found, floor in (
        (real_scores.frechet, real_scores.floor),
        (real_scores.kernel, real_scores.kernel_floor),
        (real_scores.coverage, real_scores.coverage_ceiling),
    ):
        assert floor.spread > 0
        assert abs(found - floor.mean) < 3 * floor.spread
    assert abs(real_scores.kernel_floor.mean) < real_scores.floor.mean / 10
    assert 0.8 < real_scores.density < 1.2
    assert 0.7 < real_scores.coverage_ceiling.mean < 1
    assert real_scores.accuracy > 0.97


def test_floor_is_deterministic(real_scores: metrics.Scores) -> None:
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(_floor.__wrapped__(COUNT, "held-out", True, draws=2))
    assert found[0] == found[1]
    assert evaluate(*training_sample(COUNT, seed=1)) == real_scores


def test_floor_is_the_mean_and_spread_of_twenty_draws(real_scores: metrics.Scores) -> None:
    """Drawn here once more: 20 draws, equally many of each class, without replacement, against held-out."""
    images, labels = data.digits(16, "train")
    real, train = metrics.features(data.digits(16, "held-out")[0]), metrics.features(images)
    found = []
    for draw in range(20):
        rows = _draw_rows(labels, COUNT, True, seeded(draw, COUNT))
        assert len(set(rows.tolist())) == COUNT
        assert labels[rows].bincount().tolist() == [COUNT // 10] * 10
        found.append(frechet(real, train[rows]))
    assert real_scores.floor.mean == pytest.approx(np.mean(found), rel=1e-9)
    assert real_scores.floor.spread == pytest.approx(np.std(found, ddof=1), rel=1e-9)


def test_random_classes_have_a_floor_of_their_own(real_scores: metrics.Scores) -> None:
    labels = data.digits(16, "train")[1]
    rows = _draw_rows(labels, COUNT, False, seeded(0))
    assert len(set(rows.tolist())) == COUNT
    assert labels[rows].bincount().tolist() != [COUNT // 10] * 10
    floor = evaluate(*training_sample(COUNT, seed=1), balanced=False).floor
    assert floor != real_scores.floor
    assert floor.mean > real_scores.floor.mean


def test_rows_of_a_count_that_ten_does_not_divide() -> None:
    labels = data.digits(16, "train")[1]
    counts = labels[_draw_rows(labels, 507, True, seeded(0))].bincount()
    assert sorted(counts.tolist()) == [50] * 3 + [51] * 7
    assert _draw_rows(labels, 3600, True, seeded(0)).unique().numel() == 3600


def test_blurry_means_score_far_above_the_floor(real_scores: metrics.Scores) -> None:
    images, labels = data.digits(16, "train")
    means = torch.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
    asked = torch.arange(COUNT) % 10
    scores = evaluate(means[asked], asked)
    assert scores.frechet > 20 * real_scores.floor.mean
    assert scores.kernel > 20 * real_scores.kernel_floor.spread
    assert scores.coverage < 0.1
    assert scores.accuracy > 0.8  # a mean is easily read, and that's why accuracy alone says little


def test_blur_and_noise_cost(real_scores: metrics.Scores) -> None:
    images, asked = training_sample(COUNT, seed=1)
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(images, (1, 1, 1, 1), value=-1.0), 3, stride=1)
    for worse, factor in (
        (blurred, 5),
        ((images + 0.5 * torch.randn(images.shape, generator=seeded(3))).clamp(-1, 1), 5),
    ):
        scores = evaluate(worse, asked)
        assert scores.frechet > factor * real_scores.floor.mean
        assert scores.coverage < real_scores.coverage_ceiling.mean
    noise = evaluate(torch.rand(images.shape, generator=seeded(4)) * 2 - 1, asked)
    assert noise.frechet > 50 * real_scores.floor.mean
    assert noise.accuracy < 0.3


def test_a_missing_class_costs_coverage(real_scores: metrics.Scores) -> None:
    images, labels = data.digits(16, "train")
    half = torch.cat([images[labels == digit][:100] for digit in range(5)])
    scores = evaluate(half)
    assert scores.accuracy is None
    assert scores.coverage < 0.6 * real_scores.coverage_ceiling.mean
    assert scores.frechet > 5 * real_scores.floor.mean


def test_copies_of_training_pictures_are_found_out() -> None:
    images, labels = data.digits(16, "train")
    scores = evaluate(images[:COUNT], labels[:COUNT])
    assert scores.nearer_to_train == 1.0
    assert scores.accuracy > 0.97
    held = evaluate(data.digits(16, "held-out")[0][:COUNT])
    assert held.nearer_to_train == 0.0


def test_scores_on_validation_and_as_plain_numbers(real_scores: metrics.Scores) -> None:
    scores = evaluate(*training_sample(COUNT, seed=1), split="validation")
    assert scores.floor != real_scores.floor
    assert abs(scores.frechet - scores.floor.mean) < 4 * scores.floor.spread
    assert math.isnan(scores.kernel)  # 400 pictures are too few for it

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for each in (scores, real_scores):
        plain = json.loads(json.dumps(each.rounded()), parse_constant=refuse)
        assert plain["count"] == COUNT
        assert plain["frechet"] == round(each.frechet, 4)
        assert plain["floor"] == {"mean": round(each.floor.mean, 4), "spread": round(each.floor.spread, 4)}
    assert scores.rounded()["kernel"] is None
    assert real_scores.rounded(1)["kernel"] == round(real_scores.kernel, 1)


def test_evaluate_refuses() -> None:
    good = torch.zeros(500, 1, 16, 16)
    broken = good.clone()
    broken[499, 0, 15, 15] = math.nan
    for kind, given, message in (
        (ValueError, {"samples": good[:499]}, "samples holds 499 examples; allowed: 500 or more"),
        (ValueError, {"samples": torch.zeros(3601, 1, 16, 16)}, "samples holds 3601 pictures; allowed: 500 to 3600"),
        (
            ValueError,
            {"samples": torch.zeros(500, 1, 28, 28)},
            "samples has shape (500, 1, 28, 28); allowed: (any number",
        ),
        (
            ValueError,
            {"samples": torch.zeros(500, 256)},
            "samples has shape (500, 256); allowed: (any number, 1, 16, 16)",
        ),
        (ValueError, {"samples": broken}, "samples holds NaN or infinite values"),
        (ValueError, {"samples": good + 1.5}, "samples has values from 1.5 to 1.5; allowed: [-1, 1]"),
        (TypeError, {"samples": good.long()}, "samples has dtype torch.int64"),
        (ValueError, {"samples": good, "split": "train"}, "split is 'train'; allowed: 'held-out', 'validation'"),
        (ValueError, {"samples": good, "labels": torch.zeros(3).long()}, "labels holds 3; allowed: one an image, 500"),
    ):
        with pytest.raises(kind, match=re.escape(message)):
            evaluate(**given)


def test_spread() -> None:
    assert Spread.of([1.0, 2.0, 4.0, 9.0]) == Spread(4.0, pytest.approx(np.std([1, 2, 4, 9], ddof=1)))
    assert str(Spread(7.04, 0.25)) == "7.0 ± 0.2"

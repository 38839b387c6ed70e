"""A judge for any set: it tells damage from luck, notices copies, and says what its numbers are worth."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from minigen import data
from minigen.metrics import Judge, OwnScores
from minigen.metrics.distances import kernel_distance
from minigen.metrics.own import LEAST_OF
from minigen.metrics.own_scores import kernel

Split = Callable[[str], tuple[Tensor, ...]]


def digits(train: int = 400, validation: int = 40, heldout: int = 150, labels: bool = False) -> Split:
    """A small set: some of the 8x8 digits."""
    counts = {"train": train, "validation": validation, "held-out": heldout}
    return lambda split: tuple(part[: counts[split]] for part in data.digits(8, split)[: 1 + labels])


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(digits())


def new(count: int = 150) -> Tensor:
    """Real digits that no split has."""
    return data.digits(8, "train")[0][1000 : 1000 + count]


def damaged(images: Tensor) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    other = images[torch.randperm(len(images), generator=random)]
    return {
        "blur": F.interpolate(F.avg_pool2d(images, 2), scale_factor=2.0),
        "noise": (images + 0.5 * torch.randn(images.shape, generator=random)).clamp(-1, 1),
        "two that don't belong together": torch.cat([images[..., :4], other[..., 4:]], dim=3),
        "the mean of two": (images + other) / 2,
        "few kinds": images[:8].repeat(19, 1, 1, 1)[:150],
    }


def test_real_pictures_score_as_the_floor_says(judge: Judge) -> None:
    scores = judge.evaluate(new())
    assert judge.by == "fixed"
    assert abs(scores.frechet - scores.floor.mean) < 4 * scores.floor.spread
    assert abs(scores.kernel) < 0.3
    assert scores.coverage == pytest.approx(scores.coverage_ceiling.mean, abs=0.1)
    assert scores.nearer_to_train == pytest.approx(0.5, abs=0.12)
    assert max(scores.copies, scores.copies_of_real) < 0.03  # of such small ones some are alike by chance
    assert (scores.count, scores.real, scores.split, scores.accuracy) == (150, 150, "held-out", None)


@pytest.mark.parametrize("kind", damaged(new()))
def test_damage_is_seen(judge: Judge, kind: str) -> None:
    scores = judge.evaluate(damaged(new())[kind])
    assert scores.frechet > scores.floor.mean + 5 * scores.floor.spread
    assert scores.coverage < scores.coverage_ceiling.mean


def test_copies_are_noticed(judge: Judge) -> None:
    """Also where they are changed so little that nobody sees it."""
    train = digits()("train")[0]
    scores = judge.evaluate((train[:150] + 0.02).clamp(-1, 1))
    assert scores.copies == 1
    assert scores.copies_of_real < 0.05
    assert scores.nearer_to_train > 0.6  # less than half of what is copied is looked at, for a fair comparison
    places, far = judge.nearest(train[[7, 3]])
    assert places.tolist() == [7, 3]
    assert far.tolist() == [0, 0]


def test_labels_that_can_be_learned_make_the_judge() -> None:
    """A kind is bright, another dark: 30 updates are enough. Asked for the other way round, nothing is as asked."""

    def of(split: str) -> tuple[Tensor, Tensor]:
        pictures = digits(120, 40, 60)(split)[0]
        labels = torch.arange(len(pictures)) % 3 // 2  # two thirds are of kind 0
        return torch.where(labels.view(-1, 1, 1, 1) == 1, -pictures, pictures), labels

    judge = Judge(of, iterations=30)
    assert judge.by == "labels"
    assert judge.accuracy is not None
    assert judge.accuracy > 0.9
    assert judge.chance == pytest.approx(2 / 3, abs=0.02)
    pictures, labels = of("held-out")
    scores = judge.evaluate(pictures, labels)
    assert scores.accuracy is not None
    assert scores.accuracy > 0.9
    assert not any(each.startswith("Whatever the distance") for each in scores.remarks)
    others = judge.evaluate(pictures, 1 - labels)
    assert others.accuracy == pytest.approx(1 - scores.accuracy)
    said = f"Whatever the distance, only {others.accuracy:.0%} of the drawn ones look like what was asked for."
    assert others.remarks == (said, *scores.remarks)
    assert "learned the labels" in scores.remarks[0]
    assert judge.labels(3000).double().mean().item() == pytest.approx(1 / 3, abs=0.03)
    assert torch.equal(judge.labels(9, seed=1), judge.labels(9, seed=1))
    fixed = Judge(of, by="fixed")
    assert fixed.evaluate(pictures, labels).accuracy is None
    assert not scores.comparable(fixed.evaluate(pictures))


def test_labels_of_chance_are_not_trusted() -> None:
    """Then the fixed net judges, and that is said."""

    def of(split: str) -> tuple[Tensor, Tensor]:
        pictures = digits(120, 40, 60)(split)[0]
        return pictures, torch.arange(len(pictures)) % 4

    judge = Judge(of, iterations=10)
    assert judge.by == "fixed"
    scores = judge.evaluate(of("held-out")[0])
    assert "could not be learned" in scores.remarks[0]
    assert Judge(of, by="labels", iterations=1).by == "labels"  # who asks for it gets it
    alike = Judge(lambda split: (of(split)[0], torch.zeros(len(of(split)[0])).long()))
    assert (alike.by, alike.accuracy) == ("fixed", None)


def test_fifty_pictures_are_enough_and_that_is_little() -> None:
    few = Judge(digits(35, 5, 10))
    scores = few.evaluate(new(20))
    assert any("only gross faults show" in said for said in scores.remarks)
    assert any("overlap" in said for said in scores.remarks)
    assert few.features(new(3)).shape == (3, 4)
    assert few.evaluate(torch.randn(20, 1, 8, 8).clamp(-1, 1)).frechet > scores.floor.mean + 5 * scores.floor.spread


def test_what_may_be_compared(judge: Judge) -> None:
    first = judge.evaluate(new())
    assert first.comparable(judge.evaluate(damaged(new())["blur"]))
    assert not first.comparable(judge.evaluate(new(100)))
    assert not first.comparable(judge.evaluate(new(), split="validation"))
    again = Judge(digits())
    assert again.name == judge.name
    assert again.evaluate(new()) == first
    assert Judge(digits(train=399)).name != judge.name
    assert "Compare only scores of this judge, of this split and of 150 samples." in first.remarks


def test_scores_are_printed_and_kept(judge: Judge) -> None:
    scores = judge.evaluate(new())
    said = str(scores)
    assert said.startswith(f"150 samples, 150 held-out pictures, judge {judge.name}\n")
    assert re.search(r"^frechet +\d+\.\d\d +\d+\.\d\d ± \d+\.\d\d$", said, re.MULTILINE)
    assert said.endswith(scores.remarks[-1])
    assert scores.rounded()["floor"].keys() == {"mean", "spread"}


def test_the_kernel_distance_is_that_of_the_package() -> None:
    """Of 500 and 500 there is one subset: all of them."""
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn(500, 5, generator=random), torch.randn(500, 5, generator=random) * 1.2
    assert kernel(real, fake) == pytest.approx(kernel_distance(real, fake), rel=1e-6)


def test_colour_and_another_size_are_judged() -> None:
    """Scenes in 32x32 colours; without their colours they are far away."""
    images = data.scenes(300).images
    parts = {"train": images[:200], "validation": images[200:220], "held-out": images[220:270]}
    judge = Judge(lambda split: (parts[split],))
    grey = images[270:].mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    real, without = judge.evaluate(images[270:]), judge.evaluate(grey)
    assert without.frechet > real.floor.mean + 5 * real.floor.spread
    assert isinstance(real, OwnScores)


def test_wrong_calls(judge: Judge) -> None:
    cases: list[tuple[Callable[[], Any], str]] = [
        (lambda: Judge("digits"), "of is a str; allowed: a Folder, or a function"),  # type: ignore[arg-type]
        (lambda: Judge(digits(train=19)), f"of has 19 train pictures; allowed: {LEAST_OF['train']} train"),
        (lambda: Judge(digits(heldout=9)), "of has 9 held-out pictures; allowed"),
        (lambda: Judge(lambda split: (torch.zeros(50, 1, 8, 8),)), "of has training pictures that all look the same"),
        (lambda: Judge(lambda split: (torch.zeros(50, 64),)), "of has pictures of shape (64,); allowed"),
        (lambda: Judge(digits(), by="labels"), "by is 'labels', and the pictures have no labels; allowed: 'fixed'"),
        (lambda: Judge(digits(), by="label"), "by is 'label'; allowed: 'auto', 'labels', 'fixed'"),
        (lambda: Judge(digits(), iterations=0), "iterations is 0; allowed"),
        (lambda: judge.evaluate(new(19)), "samples holds 19 examples; allowed: 20 or more"),
        (lambda: judge.evaluate(new(401)), "samples holds 401 pictures; allowed: 20 to 400"),
        (lambda: judge.evaluate(torch.zeros(50, 1, 16, 16)), "samples has shape (50, 1, 16, 16); allowed: (any number"),
        (lambda: judge.evaluate(new(), split="train"), "split is 'train'; allowed: 'held-out', 'validation'"),
        (lambda: judge.evaluate(new(), torch.zeros(150).long()), "labels are given, and the pictures have none"),
        (lambda: judge.labels(5), "labels: the pictures have none; allowed"),
        (lambda: judge.answers(new()), "by is 'fixed', which knows no labels; allowed"),
        (lambda: Judge(digits(validation=5)).evaluate(new(), split="validation"), "split is 'validation', which has 5"),
    ]  # fmt: skip
    for call, said in cases:
        with pytest.raises((ValueError, TypeError), match=re.escape(said)):
            call()

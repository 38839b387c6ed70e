"""How good are the pictures? Distances, accuracies, and how far each can be trusted.

Distances are measured on 64 features of the project's own small classifier, so they compare only inside
this project and one data set. A distance means nothing without its *floor*: what real training pictures
score against held-out ones at the same N. Chapter 5 shows sheets of pictures at known distances.

Fréchet distance (FID's formula) and kernel distance (KID) come from torchmetrics.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from minigen import data, scenes, zoo
from minigen.errors import check_choice, check_images, check_labels, check_whole
from minigen.generator import Generator
from minigen.heads import Categorical
from minigen.nets import Classifier, Recogniser
from minigen.plans import Staircase, spatial
from minigen.randomness import Blocks, seeded
from minigen.recipes import HELDOUT_SEED
from minigen.sampling import Model, evaluating

LEAST = 500
"""Fewer samples than this give no distance: with 64 features the covariance would be mostly chance."""

MOST = 3600
"""As many as there are training digits, from which the floor is drawn."""

SIZE = 16


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


class _Rounded:
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
class Scores(_Rounded):
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


# --- the judges ------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _classifier(name: str) -> Classifier:
    return zoo.load_classifier(name, device="cpu")


@torch.no_grad()
def _in_parts(function: Any, images: Tensor) -> Tensor:
    """``function`` of 500 pictures at a time."""
    return torch.cat([function(part) for part in images.split(500)])


def features(images: Tensor, of: str = "digits") -> Tensor:
    """The 64 features of 16x16 digits (or "fashion") on which distances are measured: (B, 64)."""
    check_images("images", images, (1, SIZE, SIZE))
    check_choice("of", of, data.SOURCES)
    return _in_parts(_classifier(f"{of}-features").embed, images.float().cpu())


def judged_labels(images: Tensor, of: str = "digits") -> Tensor:
    """Which digit an independent classifier (other shape, other seed) sees in each picture: (B,)."""
    check_images("images", images, (1, SIZE, SIZE))
    check_choice("of", of, data.SOURCES)
    return _in_parts(_classifier(f"{of}-judge"), images.float().cpu()).argmax(dim=1)


def accuracy(images: Tensor, labels: Tensor, of: str = "digits") -> float:
    """The share of pictures in which the independent classifier sees the digit that was asked for.

    It rewards playing safe: read it beside ``coverage``.
    """
    check_labels("labels", labels, data.CLASSES)
    if len(labels) != len(images):
        raise ValueError(f"labels holds {len(labels)}; allowed: one an image, {len(images)}")
    return float((judged_labels(images, of) == labels.cpu()).double().mean())


def classifier_accuracy(classifier: Classifier, of: str = "digits") -> dict[str, float]:
    """A classifier's share of right labels on validation and held-out pictures."""
    result = {}
    for split in ("validation", "held-out"):
        images, labels = data.SOURCES[check_choice("of", of, data.SOURCES)](classifier.shape[-1], split)
        seen = _in_parts(classifier.cpu(), images).argmax(dim=1)
        result[split] = float((seen == labels).double().mean())
    return result


# --- distances -------------------------------------------------------------------------------------


def _metric(kind: Any, real: Tensor, fake: Tensor, **settings: Any) -> Any:
    """A torchmetrics distance between two sets of features (which the metric takes as they are)."""
    identity = nn.Identity()
    identity.num_features = real.shape[1]  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Metric .* will save all extracted features")
        metric = kind(feature=identity, **settings).set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return metric.compute()


def frechet(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance between two sets of features, (N, D) and (M, D).

    Both are taken for Gaussians: ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Heusel et al. 2017).
    It is too high for small N, which is why the floor is measured at the same N (chapter 5).

    >>> x = torch.randn(2000, 4, generator=seeded(0))
    >>> round(frechet(x, x + torch.tensor([3.0, 0, 0, 0])), 3)         # moved by 3: the distance is 9
    9.0
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    return float(_metric(FrechetInceptionDistance, real, fake))


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """The kernel distance between two sets of features: the squared MMD of a cubic kernel (Bińkowski et al. 2018).

    The kernel is ``(x . y / c + 1)^3`` with c the mean squared length of the real features (KID's c is
    their number, which suits Inception's features only). For independent samples it is right on
    average at any N: equal distributions give 0, or a little below as often as above. Sets that hold
    each class equally often lie a little below. The mean of 20 subsets of 500.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    gamma = 1 / float((real.double() ** 2).sum(dim=1).mean())
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the subsets
        return float(_metric(KernelInceptionDistance, real, fake, subsets=20, subset_size=LEAST, gamma=gamma)[0])


def density_coverage(real: Tensor, fake: Tensor, nearest: int = 5) -> tuple[float, float]:
    """Density and coverage of Naeem et al. 2020, on features.

    Around each real sample lies a ball that reaches to its ``nearest``-th real neighbour. Coverage is
    the share of balls with a fake sample in them; density counts balls per fake sample, over
    ``nearest`` (it can pass 1).

    >>> x = torch.randn(500, 4, generator=seeded(0))
    >>> density_coverage(x, x + 100)
    (0.0, 0.0)
    """
    check_whole("nearest", nearest, 1, len(real) - 1)
    radius = torch.cdist(real.double(), real.double()).kthvalue(nearest + 1, dim=1).values  # itself is the first
    inside = torch.cdist(real.double(), fake.double()) < radius[:, None]
    return float(inside.double().sum() / (nearest * len(fake))), float(inside.any(dim=1).double().mean())


def nearer_to_train(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    """The share of samples whose nearest picture is a training one, not a held-out one.

    The two sets must be equally large; then a generator that copies nothing gives about one half, and
    one that copies training pictures gives 1. Nearest by pixels (Euclidean); a tie counts half.
    """
    if len(train) != len(heldout):
        raise ValueError(f"train holds {len(train)}, heldout {len(heldout)} pictures; allowed: equally many")
    for argument, images in (("samples", samples), ("train", train), ("heldout", heldout)):
        check_images(argument, images, tuple(samples.shape[1:]))
    to_train, to_heldout = (_nearest_distance(samples, images) for images in (train, heldout))
    return float(((to_train < to_heldout).double() + 0.5 * (to_train == to_heldout)).mean())


def _nearest_distance(samples: Tensor, images: Tensor) -> Tensor:
    # not by matrix products, whose rounding would hide exact copies
    flat = images.flatten(1).float()
    mode = "donot_use_mm_for_euclid_dist"
    parts = samples.flatten(1).float().cpu().split(500)
    return torch.cat([torch.cdist(part, flat, compute_mode=mode).amin(dim=1) for part in parts])


# --- all of them -----------------------------------------------------------------------------------


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


# --- scenes: is what was asked for in the picture? --------------------------------------------------


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
class SceneScores(_Rounded):
    """How scenes did against real ones of the same kind; see ``Scores``."""

    prompt: PromptAccuracy
    frechet: float
    floor: Spread
    coverage: float
    coverage_ceiling: Spread


@lru_cache(maxsize=1)
def _recogniser() -> Recogniser:
    found = zoo.load_classifier("scenes-judge", device="cpu")
    assert isinstance(found, Recogniser)
    return found


def recognise(images: Tensor, by: Recogniser | None = None) -> Tensor:
    """What the recogniser sees in scenes (N, 3, 32, 32): their meanings (N, 7), as ``minigen.scenes`` has them.

    ``by`` is another recogniser than the package's.

    >>> some = scenes.scenes(100, seed=5)
    >>> bool((recognise(some.images) == some.meanings).double().mean() > 0.98)
    True
    """
    judge = by or _recogniser()
    check_images("images", images, judge.shape)
    found = _in_parts(judge.answers, images.float().cpu())
    found[found[:, 0] == 0, 4:] = -1  # one thing alone: there is no second
    return found


def prompt_accuracy(images: Tensor, asked: Sequence[str] | Tensor, by: Recogniser | None = None) -> PromptAccuracy:
    """How often scenes show what was asked for: prompts, or meanings (N, 7) with -1 for what is left open.

    >>> some = scenes.scenes(100, seed=5)
    >>> prompt_accuracy(some.images, some.prompts).all > 0.95
    True
    """
    wanted = asked if isinstance(asked, Tensor) else torch.stack([scenes.parse(prompt) for prompt in asked])
    if len(wanted) != len(images):
        raise ValueError(f"asked holds {len(wanted)} prompts; allowed: one an image, {len(images)}")
    right = (recognise(images, by) == wanted) | (wanted == -1)
    layout, things = right[:, 0], right[:, 1:].view(-1, 2, 3).all(dim=1)
    # nothing more is asked of a second thing that should not be there: the layout says that
    parts = [layout, *things.unbind(dim=1), layout & things.all(dim=1)]
    return PromptAccuracy(len(images), *(float(part.double().mean()) for part in parts))


def recogniser_accuracy(recogniser: Recogniser, count: int = 5000) -> PromptAccuracy:
    """How often a recogniser is right on fresh scenes of all kinds: the ceiling of every prompt accuracy."""
    fresh = scenes.scenes(count, "everything", seed=HELDOUT_SEED)
    return prompt_accuracy(fresh.images, fresh.meanings, recogniser.cpu())


def evaluate_scenes(images: Tensor, asked: scenes.Scenes) -> SceneScores:
    """Score pictures drawn for the prompts of real scenes: what was asked for, and distances to the real ones.

    Distances are on the 64 features of the recogniser. The floor is other scenes of the same prompts against
    these, mean and spread of 5 draws.

    >>> real = scenes.scenes(500, seed=5)
    >>> scores = evaluate_scenes(real.images, real)
    >>> scores.coverage, scores.frechet < scores.floor.mean
    (1.0, True)
    """
    check_images("images", images, _recogniser().shape, least=LEAST)
    real, found = (_in_parts(_recogniser().embed, each.float().cpu()) for each in (asked.images, images))
    others = [
        _in_parts(_recogniser().embed, scenes.draw(asked.meanings, seeded(draw, len(images)))) for draw in range(5)
    ]
    return SceneScores(
        prompt=prompt_accuracy(images, asked.prompts),
        frechet=frechet(real, found),
        floor=Spread.of([frechet(real, other) for other in others]),
        coverage=density_coverage(real, found)[1],
        coverage_ceiling=Spread.of([density_coverage(real, other)[1] for other in others]),
    )


# --- what happens inside a picture -----------------------------------------------------------------


@dataclass(frozen=True)
class PatchGradients:
    """Mean absolute difference of neighbouring pixels, over that of real pictures at the same places.

    ``border``: neighbours in different patches; ``inside``: in the same patch. 1 is like real pictures,
    above is torn or grainy, below is too smooth. None where there are no such neighbours.
    """

    border: float | None
    inside: float | None


def patch_gradients(samples: Tensor, patch: int, real: Tensor | None = None) -> PatchGradients:
    """Where the damage sits: gradients at patch borders and inside patches (chapter 5).

    ``real`` is what they are divided by, held-out digits unless given.

    >>> real, _ = data.digits(split="held-out")
    >>> patch_gradients(real, patch=4)
    PatchGradients(border=1.0, inside=1.0)
    """
    check_images("samples", samples)
    real = data.digits(samples.shape[-1], "held-out")[0] if real is None else real
    check_images("real", real, tuple(samples.shape[1:]))
    place = Staircase("raster", check_whole("patch", patch)).places(tuple(samples.shape[1:]))
    place = place.view(spatial(tuple(samples.shape[1:])))
    ratios = {}
    for name, wanted in (("border", True), ("inside", False)):
        sums = [_gradient(images.cpu(), place, wanted) for images in (samples, real)]
        ratios[name] = None if sums[1] is None else sums[0] / sums[1]  # type: ignore[operator]
    return PatchGradients(**ratios)


def _gradient(images: Tensor, place: Tensor, across: bool) -> float | None:
    """The mean absolute difference of neighbours whose patches differ (or are the same)."""
    parts = []
    for dim in (-1, -2):
        chosen = (place.diff(dim=dim) != 0) == across
        parts.append(images.diff(dim=dim).abs()[..., chosen].flatten())
    joined = torch.cat(parts)
    return float(joined.double().mean()) if len(joined) else None


@torch.no_grad()
def bits_per_dimension(
    model: Model, images: Tensor, labels: Tensor | None = None, steps: int | None = None, seed: int = 0
) -> Tensor:
    """How many bits a pixel the model needs to write each picture: (N,), lower is better (chapter 10).

    The sum over the walk of -log2 p(pixels written at that step), over the number of pixels, for the
    picture rounded to the head's grey levels. Exact for ``raster()``, an upper bound for
    ``random_order()`` (one random order an image), not defined here for noise.

    >>> from minigen import heads, plans
    >>> from minigen.generator import IdealGenerator
    >>> two = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    >>> bits_per_dimension(IdealGenerator(two, heads.Categorical(2), plans.raster()), two)
    tensor([0.5000, 0.5000])
    """
    plan, head = model.plan, model.head
    if not isinstance(head, Categorical) or not isinstance(plan, Staircase):
        raise ValueError(
            f"model has the head {type(head).__name__} and the plan {plan.name}; allowed:"
            " Categorical with one_shot(), raster() or random_order()"
        )
    check_images("images", images, model.shape)
    steps = plan.check_steps(steps, model.shape)
    count, x0 = len(images), head.prepare(images.to(model.device))
    tokens = None
    if model.condition is not None and labels is not None:
        tokens = model.condition.tokens(labels, count).to(model.device)
    random = Blocks(seed, 0, count, model.device)
    drawn = random.draw_some(lambda block, stream: plan.draw(block, model.shape, stream))
    # A causal net sees only what comes before each pixel, so one pass over the whole picture is the walk
    one_pass = isinstance(model, Generator) and model.net.causal
    progress = torch.linspace(0, 1, 2 if one_pass else steps + 1, dtype=torch.float64)
    rows = [plan.levels(p.expand(count), model.shape, drawn).to(model.device) for p in progress]
    bits = torch.zeros(count, dtype=torch.float64, device=model.device)
    with evaluating(model):
        for t, u in itertools.pairwise(rows):
            log_p = head.log_probabilities(model.belief(x0, u if one_pass else t, tokens)).double()
            log_p = log_p.gather(2, head.index(x0).unsqueeze(2)).squeeze(2)  # of the true grey level
            bits -= torch.where(u < t, log_p, 0).flatten(1).sum(1) / math.log(2)
    return (bits / x0[0].numel()).float()

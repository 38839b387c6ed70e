"""A judge for any set of pictures, such as a folder of your own: what it sees, and what that is worth.

The digits have a classifier that was trained once for all. A set of your own has none, so its judge is made here: from
its labels, in about a minute, or without labels from a fixed net that has learned nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from minigen.base import store
from minigen.base.errors import check_choice, check_images, check_labels, check_seed, check_whole, said_already
from minigen.base.randomness import seeded
from minigen.data import SPLITS, Folder
from minigen.metrics.distances import density_coverage, frechet, nearer_to_train
from minigen.metrics.judges import in_parts
from minigen.metrics.own_scores import OwnScores, kernel, remarks
from minigen.metrics.scores import Spread
from minigen.nets import Classifier
from minigen.training import train

LEAST_OF = {"train": 20, "validation": 3, "held-out": 10}
"""Pictures that there must be in each split; with the usual shares 50 in all are enough."""

LEAST_DRAWN = 20

MOST_FEATURES = 32

ALIKE = 0.05
"""Two pictures that differ by less (root mean square, values in [-1, 1]) are told apart by nobody: copies."""

MUCH_LESS = 0.2
"""If so much less of what is drawn than of real pictures looks like its label, the scores say so first."""

DRAWS = 20
"""Sets of real pictures that the floor is measured on."""

Split = Callable[[str], tuple[Tensor, ...]]


class Judge:
    """What compares drawn pictures with real ones of any set.

    With ``by="labels"`` a small classifier learns the set's labels, and its last layer but one is what it sees: it
    looks for what tells the kinds apart. With ``by="fixed"`` a net with random weights looks at the pictures, and at
    their averages on a grid of 8x8: it notices blur, torn or mixed pictures and too little variety well, noise and
    wrong colours only if they are plain, and knows nothing of what the pictures show. Of either only the 32 directions
    in which the training pictures differ most are kept, fewer if there are few pictures.

    Args:
        of: a ``Folder``, or a function that gives the pictures (and labels) of "train", "validation" and "held-out".
        by: "labels", "fixed", or "auto": by labels if there are some that can be learned, else fixed.
        iterations: updates of the classifier.
        seed: of the classifier.

    Attributes:
        by: what it judges by in the end.
        accuracy: the share of labels that the classifier has right on validation pictures, and ``chance``, what always
            saying the commonest would have; None without one.
        name: of this judge. Only scores of judges with the same name can be compared.

    Raises:
        ValueError: if there are too few pictures, or no labels where they are asked for.

    Source: features of random nets for sets that no classifier knows: Naeem et al. 2020, section 4.

    >>> from minigen import data
    >>> judge = Judge(lambda split: (data.digits(16, split)[0][:60],))
    >>> drawn = data.digits(16)[0][100:140]                                     # real, and not among the 60
    >>> scores = judge.evaluate(drawn)
    >>> scores.frechet < 2 * scores.floor.mean, scores.copies, judge.evaluate(-drawn).frechet > 10 * scores.frechet
    (True, 0.0, True)
    """

    def __init__(self, of: Folder | Split, by: str = "auto", iterations: int = 300, seed: int = 0) -> None:
        check_choice("by", by, ("auto", "labels", "fixed"))
        check_whole("iterations", iterations)
        check_seed("seed", seed)
        self._parts = _parts(of)
        self.shape = tuple(self._parts["train"][0].shape[1:])
        self.classifier: Classifier | None = None
        self.accuracy: float | None = None
        self.chance: float | None = None
        pictures = self._parts["train"][0]
        # what classifiers are trained with is turned a little, which leaves black corners; on white that would be odd
        self._sign = -1.0 if float(_border(pictures).mean()) > 0 else 1.0
        why = _no_labels(self._parts)
        if by == "labels" and why:
            raise ValueError(f"by is 'labels', and {why}; allowed: 'fixed'")
        if by == "labels" or (by == "auto" and not why):
            self._learn(iterations, seed)
        if by == "auto" and self.classifier is not None and not self._has_learned():
            self.classifier = None  # it sees nothing that tells the kinds apart
        self.by = "fixed" if self.classifier is None else "labels"
        self._centre, self._directions = self._turn(pictures)
        # not of what it sees, which is rounded otherwise on another machine
        about = {split: part[0] for split, part in self._parts.items()}
        learned: dict[str, Tensor] = {} if self.classifier is None else self.classifier.state_dict()
        self.name = f"{self.by}-{store.digest(about | learned)[:8]}"

    def _learn(self, iterations: int, seed: int) -> None:
        """Train the classifier, and count its right answers on the validation pictures."""
        (pictures, labels), (others, wanted) = self._parts["train"], self._parts["validation"]
        channels, size, _ = self.shape
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            widths = (16, 32, 64) if size >= 24 else (32, 64)
            self.classifier = Classifier(size, channels, int(labels.max()) + 1, widths)
        known = wanted <= labels.max()  # a kind of few pictures may be in one split only
        with said_already():
            train(
                self.classifier, self._sign * pictures, labels, iterations=iterations, batch_size=64, seed=seed,
                weight_decay=0.01, progress=False, device="cpu", precision="float32", validate_every=50,
                validation=(self._sign * others[known], wanted[known]) if bool(known.any()) else None,
            )  # fmt: skip
        self.classifier.eval()
        right = self.answers(others) == wanted
        self.accuracy, self.chance = (
            float(right.double().mean()),
            float((wanted == labels.mode().values).double().mean()),
        )

    def _has_learned(self) -> bool:
        """Whether it does better than always saying the commonest, by more than chance gives."""
        assert self.accuracy is not None
        assert self.chance is not None
        count = len(self._parts["validation"][0])
        return self.accuracy > self.chance + (self.chance * (1 - self.chance) / count) ** 0.5

    def answers(self, images: Tensor) -> Tensor:
        """Which label the classifier sees in each picture (B,); only of a judge by labels."""
        if self.classifier is None:
            raise ValueError("by is 'fixed', which knows no labels; allowed: a judge with by='labels'")
        check_images("images", images, self.shape)
        with said_already():
            return in_parts(self.classifier, self._sign * images.float().cpu()).argmax(dim=1)

    def _seen(self, images: Tensor) -> Tensor:
        with said_already():
            if self.classifier is not None:
                return in_parts(self.classifier.embed, self._sign * images.float().cpu()).double()
            return in_parts(look, images.float().cpu()).double()

    def _turn(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The centre of what is seen in the training pictures, and the directions in which it varies most, in such a
        unit that training pictures lie 10 from the centre (root mean square)."""
        seen = self._seen(pictures)
        fewest = min(len(seen), len(self._parts["held-out"][0]))
        count = max(4, min(MOST_FEATURES, fewest // 5))
        centre = seen.mean(dim=0)
        _, size, directions = torch.linalg.svd(seen - centre, full_matrices=False)
        kept = directions[:count].T
        spread = float((size[:count] ** 2).sum() / len(seen)) ** 0.5
        if spread < 1e-6:
            raise ValueError("of has training pictures that all look the same to the judge; allowed: different ones")
        return centre, kept * (10 / spread)

    def features(self, images: Tensor) -> Tensor:
        """What the judge sees in pictures (B, C, H, W): (B, up to 32)."""
        check_images("images", images, self.shape, shown=True)
        return (self._seen(images) - self._centre) @ self._directions

    def nearest(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Of each picture the nearest training picture: its place among these, and how far it is: two (B,) tensors.

        How far is the root of the mean squared difference of the pixels, values in [-1, 1].
        """
        check_images("images", images, self.shape, shown=True)
        return nearest(images, self._parts["train"][0])

    def labels(self, count: int, seed: int = 0) -> Tensor:
        """Labels to ask a generator for, as often as the training pictures have them: (count,) int64.

        Asked for in equal counts, a set that has them unequally would be at a distance even if each were drawn well.
        """
        check_whole("count", count)
        if len(self._parts["train"]) < 2:
            raise ValueError("labels: the pictures have none; allowed: a set with labels")
        labels = self._parts["train"][1]
        rows = torch.randint(len(labels), (count,), generator=seeded(check_seed("seed", seed), 7))
        return labels[rows]

    def evaluate(self, samples: Tensor, labels: Tensor | None = None, split: str = "held-out") -> OwnScores:
        """Score drawn pictures against real ones that were not trained on, each number beside what real ones get.

        Args:
            samples: (N, C, H, W) in [-1, 1], N from 20 to the number of training pictures, from which the floor comes.
            labels: what was asked for, (N,), for the share that the judge's classifier sees as asked; see ``labels``.
            split: "held-out", or "validation" while something is being chosen.

        Raises:
            ValueError: if there are too few or too many samples, or they have another shape.
        """
        check_images("samples", samples, self.shape, least=LEAST_DRAWN)
        check_choice("split", split, ("held-out", "validation"))
        pictures, real = self._parts["train"][0], self._parts[split][0]
        if len(samples) > len(pictures):
            raise ValueError(
                f"samples holds {len(samples)} pictures; allowed: {LEAST_DRAWN} to {len(pictures)}, the number of"
                " pictures to train with, since the floor is measured on as many"
            )
        if len(real) < LEAST_OF["held-out"]:
            raise ValueError(f"split is {split!r}, which has {len(real)} pictures; allowed: one with 10 or more")
        accuracy = self._as_asked(samples, labels)
        with said_already():
            found, wanted, trained = (self.features(each) for each in (samples, real, pictures))
            floors = _floors(trained, wanted, len(samples))
            density, coverage = density_coverage(wanted, found, _near(wanted))
            few = min(len(pictures), len(real))
            chosen = torch.randperm(len(pictures), generator=seeded(0, 8))[:few]
            nearer = nearer_to_train(samples.float().cpu(), pictures[chosen], real[:few])
        said = remarks(self.by, self.accuracy, self.chance, len(samples), len(real), len(pictures), floors["frechet"])
        if accuracy is not None and self.accuracy is not None and accuracy < self.accuracy - MUCH_LESS:
            said = (
                f"Whatever the distance, only {accuracy:.0%} of the drawn ones look like what was asked for.",
                *said,
            )
        return OwnScores(
            judge=self.name, split=split, count=len(samples), real=len(real),
            frechet=frechet(wanted, found), floor=floors["frechet"],
            kernel=kernel(wanted, found), kernel_floor=floors["kernel"],
            density=density, coverage=coverage, coverage_ceiling=floors["coverage"], accuracy=accuracy,
            nearer_to_train=nearer, copies=self._alike(samples), copies_of_real=self._alike(real), remarks=said,
        )  # fmt: skip

    def _alike(self, images: Tensor) -> float:
        return float((self.nearest(images)[1] < ALIKE).double().mean())

    def _as_asked(self, samples: Tensor, labels: Tensor | None) -> float | None:
        """The share of samples in which the classifier sees what was asked for."""
        if labels is None:
            return None
        if len(self._parts["train"]) < 2:
            raise ValueError("labels are given, and the pictures have none; allowed: None")
        check_labels("labels", labels, int(self._parts["train"][1].max()) + 1)
        if len(labels) != len(samples):
            raise ValueError(f"labels holds {len(labels)}; allowed: one a sample, {len(samples)}")
        if self.classifier is None:
            return None
        return float((self.answers(samples) == labels.cpu()).double().mean())


def nearest(images: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Of each image (B, C, H, W) the nearest of some pictures: its place, and how far it is, see ``Judge.nearest``.

    >>> pictures = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(-1, 1, 8, 8)
    >>> nearest(pictures[1:2] + 0.25, pictures)
    (tensor([1]), tensor([0.2500]))
    """
    flat, found = pictures.flatten(1), []
    for part in images.float().cpu().flatten(1).split(200):
        # not by matrix products, whose rounding would hide exact copies
        found.append(torch.cdist(part, flat, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1))
    far = torch.cat([each.values for each in found]) / flat.shape[1] ** 0.5
    return torch.cat([each.indices for each in found]), far


def _parts(of: Folder | Split) -> Mapping[str, tuple[Tensor, ...]]:
    """The three splits, if there are enough pictures in each."""
    read: Any = of.split if isinstance(of, Folder) else of
    if not callable(read):
        raise TypeError(
            f"of is a {type(of).__name__}; allowed: a Folder, or a function of 'train', 'validation', 'held-out'"
        )
    parts = {split: tuple(read(split)) for split in SPLITS}
    for split, part in parts.items():
        check_images("of", part[0], tuple(parts["train"][0].shape[1:]))
        if part[0].dim() != 4 or part[0].shape[1] not in (1, 3) or part[0].shape[2] != part[0].shape[3]:
            raise ValueError(f"of has pictures of shape {tuple(part[0].shape[1:])}; allowed: (1 or 3, side, side)")
        if len(part[0]) < LEAST_OF[split]:
            least = ", ".join(f"{count} {name}" for name, count in LEAST_OF.items())
            raise ValueError(f"of has {len(part[0])} {split} pictures; allowed: {least} or more (about 50 in all)")
    return {split: (part[0].float().cpu(), *(each.cpu() for each in part[1:2])) for split, part in parts.items()}


def _no_labels(parts: Mapping[str, tuple[Tensor, ...]]) -> str:
    """Why nothing can be learned from the labels, or nothing."""
    if len(parts["train"]) < 2:
        return "the pictures have no labels"
    if int(parts["train"][1].unique().numel()) < 2:
        return "all training pictures have the same label"
    return "the pictures have fewer than 8 pixels on a side" if parts["train"][0].shape[-1] < 8 else ""


def _border(pictures: Tensor) -> Tensor:
    """The outermost pixels, which are mostly background."""
    return torch.cat(
        [pictures[..., edge].flatten() for edge in (0, -1)] + [pictures[..., edge, :].flatten() for edge in (0, -1)]
    )


@torch.no_grad()
def look(images: Tensor) -> Tensor:
    """What a net with random weights sees in pictures (B, 1 or 3, S, S), and their averages on a grid: (B, 768).

    Of three layers the mean and the spread of each channel, and the last one in four quarters.

    >>> look(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 768])
    """
    coarse = F.interpolate(images.expand(-1, 3, -1, -1), (8, 8), mode="bilinear", antialias=True, align_corners=False)
    seen = F.interpolate(images.expand(-1, 3, -1, -1), (32, 32), mode="bilinear", antialias=True, align_corners=False)
    random, found, before = seeded(2020), [], 3
    for width in (32, 64, 64):
        weights = torch.randn(width, before, 3, 3, generator=random) * (2 / (9 * before)) ** 0.5
        seen, before = F.leaky_relu(F.conv2d(seen, weights, padding=1), 0.1), width
        found += [seen.mean(dim=(2, 3)), seen.std(dim=(2, 3))]
        seen = F.avg_pool2d(seen, 2)
    found.append(F.adaptive_avg_pool2d(seen, 2).flatten(1))
    # the averages are many and vary much: weighed so that they count about as much as the rest together
    return torch.cat([*found, 0.05 * coarse.flatten(1)], dim=1)


def _near(wanted: Tensor) -> int:
    """How many neighbours a ball holds for coverage: 5 as usual, fewer where 5 would be half of all."""
    return min(5, max(2, len(wanted) // 20))


def _floors(trained: Tensor, wanted: Tensor, count: int) -> dict[str, Spread]:
    """What as many real training pictures score: mean and spread of 20 draws without replacement."""
    values: dict[str, list[float]] = {"frechet": [], "kernel": [], "coverage": []}
    for draw in range(DRAWS):
        some = trained[torch.randperm(len(trained), generator=seeded(draw, count))[:count]]
        values["frechet"].append(frechet(wanted, some))
        values["kernel"].append(kernel(wanted, some))
        values["coverage"].append(density_coverage(wanted, some, _near(wanted))[1])
    return {name: Spread.of(found) for name, found in values.items()}

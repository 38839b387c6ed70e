"""The scores of a judge of one's own, and in words what they can and can't say."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from minigen.metrics.scores import Rounded, Spread

MANY = 100
"""From so many pictures on a distance is worth comparing; with fewer it only finds what is plainly wrong."""


@dataclass(frozen=True)
class OwnScores(Rounded):
    """How a set of samples did before a ``Judge``; printed, each number stands beside what real pictures get.

    Attributes:
        judge, split, count, real: who judged, against which pictures; how many samples, and how many real ones.
        frechet, kernel: distances, better the lower, never much below ``floor`` and ``kernel_floor``, which as many
            real training pictures score. The kernel distance is right on average also for few pictures.
        density, coverage: as in ``density_coverage``; the latter is best at ``coverage_ceiling``.
        accuracy: the share in which the judge's classifier sees what was asked for, or None.
        nearer_to_train: about one half if nothing is copied, more if training pictures are.
        copies: the share of samples that nobody could tell from a training picture; ``copies_of_real`` is the same of
            real pictures, since a set may hold near-copies of its own.
        remarks: what must be known to read these numbers.
    """

    judge: str
    split: str
    count: int
    real: int
    frechet: float
    floor: Spread
    kernel: float
    kernel_floor: Spread
    density: float
    coverage: float
    coverage_ceiling: Spread
    accuracy: float | None
    nearer_to_train: float
    copies: float
    copies_of_real: float
    remarks: tuple[str, ...]

    def comparable(self, other: OwnScores) -> bool:
        """Whether two scores may be compared: the same judge, split and number of samples.

        Another number of samples has another floor, and another judge sees something else.
        """
        return (self.judge, self.split, self.count) == (other.judge, other.split, other.count)

    def __str__(self) -> str:
        accuracy = [] if self.accuracy is None else [("as asked", f"{self.accuracy:.2f}", "")]
        lines = [
            ("", "drawn", "real pictures"),
            ("frechet", f"{self.frechet:.2f}", f"{self.floor.mean:.2f} ± {self.floor.spread:.2f}"),
            ("kernel", f"{self.kernel:.3f}", f"{self.kernel_floor.mean:.3f} ± {self.kernel_floor.spread:.3f}"),
            (
                "coverage",
                f"{self.coverage:.2f}",
                f"{self.coverage_ceiling.mean:.2f} ± {self.coverage_ceiling.spread:.2f}",
            ),
            *accuracy,
            ("nearer to train", f"{self.nearer_to_train:.2f}", "0.50"),
            ("copies", f"{self.copies:.2f}", f"{self.copies_of_real:.2f}"),
        ]
        table = [f"{name:15} {drawn:>8}  {real}".rstrip() for name, drawn, real in lines]
        return "\n".join(
            [f"{self.count} samples, {self.real} {self.split} pictures, judge {self.judge}", *table, *self.remarks]
        )


def kernel(real: Tensor, fake: Tensor) -> float:
    """The squared distance of two sets of features (N, D), (M, D) by a cubic kernel, right on average from 2 on.

    What ``kernel_distance`` averages over subsets of 500, here of all: ``E k(x, x') + E k(y, y') - 2 E k(x, y)``
    without the pairs of a picture with itself (Gretton et al. 2012, lemma 6).

    >>> import torch
    >>> x = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    >>> abs(kernel(x[:2000], x[2000:])) < 0.01 < kernel(x[:2000], x[2000:] + 1)
    True
    """
    scale = (real.double() ** 2).sum(dim=1).mean()

    def similar(a: Tensor, b: Tensor) -> Tensor:
        return (a.double() @ b.double().T / scale + 1) ** 3

    within = 0.0
    for each in (real, fake):
        every = similar(each, each)
        within += float((every.sum() - every.diagonal().sum()) / (len(each) * (len(each) - 1)))
    return within - 2 * float(similar(real, fake).mean())


def remarks(
    by: str, accuracy: float | None, chance: float | None, count: int, real: int, trained: int, floor: Spread
) -> tuple[str, ...]:
    """What must be known to read scores, in sentences.

    >>> said = remarks("fixed", None, None, count=40, real=120, trained=600, floor=Spread(9.0, 1.5))
    >>> print(*said[1:], sep="\\n")
    A distance below 12.0 can't be told from that of real pictures.
    With so few pictures (40 drawn, 120 real; 100 or more are better) only gross faults show.
    Compare only scores of this judge, of this split and of 40 samples.
    """
    said = list[str]()
    if by == "labels":
        said += [
            f"The judge learned the labels: it has {accuracy:.0%} of the validation pictures right, and always saying"
            f" the commonest would have {chance:.0%}."
        ]
    else:
        if accuracy is not None:
            said += [f"The labels could not be learned: {accuracy:.0%} right, {chance:.0%} by chance."]
        said += [
            "The judge is a fixed net that has learned nothing: it sees blur and how a picture is laid out, colours and"
            " noise less well, and not what it shows."
        ]
    said += [f"A distance below {floor.mean + 2 * floor.spread:.1f} can't be told from that of real pictures."]
    if min(count, real) < MANY:
        said += [
            f"With so few pictures ({count} drawn, {real} real; {MANY} or more are better) only gross faults show."
        ]
    if count > trained / 2:
        said += ["The sets of real pictures that the floor comes from overlap, so its spread is too small."]
    return (*said, f"Compare only scores of this judge, of this split and of {count} samples.")

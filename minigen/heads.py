"""Heads: what the network predicts, and which loss fits it. x0_hat is the currency they all pay in.

``Regression`` predicts numbers and fits them by least squares, so it answers with the average: good
where the average is the next small step (diffusion), useless for writing whole pixels (chapter 2).
``Categorical`` predicts, for each pixel, a belief over grey levels; drawing from it works under every
plan, which is why the controlled comparison uses it everywhere (chapters 3 and 11).

A head turns a network's ``output`` into its ``belief`` (logits, or x0 itself), in which guidance acts,
and the belief into ``x0_hat``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from minigen.base.errors import check_choice, check_number, check_whole
from minigen.base.parts import Config, Part, described
from minigen.process import TARGETS, Schedule, convert, corrupt

PICKS = ("draw", "mean")


class Head(Part, ABC, kind="head"):
    """What every head can do. Shapes: x is (B, C, H, W) or (B, D); an output has ``outputs(C)`` channels.

    An own head says its ``loss``, its ``belief`` and ``x0_hat``, the picture that a belief means; and the rest where it
    differs from plain numbers, one for each number of the picture.
    """

    draws: ClassVar[bool] = False
    """Whether picking x0_hat can use random numbers; only then can whole pixels be written one by one."""

    needs_signal: bool = False
    """Whether its output says nothing of the picture where nothing of it is left (alpha = 0)."""

    def outputs(self, channels: int) -> int:
        """How many numbers a pixel of so many channels needs from the network's last layer."""
        return channels

    def prepare(self, x0: Tensor) -> Tensor:
        """x0 as this head can say it (rounded to its grey levels, say), before it is corrupted."""
        return x0

    def mixes_with(self, other: Head) -> bool:
        """Whether its beliefs and those of another head can be added up: guidance by a worse generator does that."""
        return self.config() == other.config()

    @abstractmethod
    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        """The loss of every number of x0, in its shape. Where alpha(t) is 0, ``eps`` must be 0."""

    @abstractmethod
    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        """The output in the form in which two outputs may be mixed: guidance acts here (chapter 13)."""

    @abstractmethod
    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        """The guess at x0: drawn with the ``uniform`` numbers (in x0's shape), or the mean without."""


@dataclass(frozen=True)
class Regression(Head):
    """Numbers by least squares: the network predicts ``target`` "x0", "eps", "v" or "less_noisy" (chapter 9).

    The squared error is taken in the target itself, which weights the levels: an error of x0 counts
    (alpha/sigma)^2 times in the eps loss, 1/sigma^2 times in the v loss, with every schedule here. "eps" is
    undefined at t = 1, so it goes with ``diffusion(start=0.995)`` only.

    "less_noisy" is the picture after one more step: ``x_u = alpha(u) x0 + sigma(u) eps`` with the same
    noise, at the level ``u = t - gap`` (0 below). It holds x0 through ``x_t``, as the others do:
    ``x0 = (sigma(t) x_u - sigma(u) x_t) / d`` with ``d = alpha(u) sigma(t) - alpha(t) sigma(u)``, so an error
    of x0 counts ``(d / sigma(t))^2`` times: hardly at all if the gap is small.

    ``x0_hat`` is clipped to [-1, 1] (after guidance): most papers' code does, few papers say so.
    """

    target: str = "v"
    gap: float | None = None

    @property
    def needs_signal(self) -> bool:  # type: ignore[override]
        return self.target == "eps"

    def mixes_with(self, other: Head) -> bool:
        return isinstance(other, Regression)  # the belief is x0, whatever is predicted

    def __post_init__(self) -> None:
        check_choice("target", self.target, (*TARGETS, "less_noisy"))
        if self.target == "less_noisy" and self.gap is not None:
            check_number("gap", self.gap, 0, 1, open_left=True)
        elif (self.target == "less_noisy") != (self.gap is not None):
            raise ValueError(
                f"gap is {self.gap} with the target {self.target!r}; allowed: how many levels less noisy, such as"
                " 1/16, with 'less_noisy', and None with the others"
            )

    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        if self.gap:
            return (output - corrupt(x0, self._less(t), eps, schedule)) ** 2
        if self.target == "v":
            d_alpha, d_sigma = schedule.velocity(t)
            return (output - (d_alpha * x0 + d_sigma * eps)) ** 2
        return (output - (x0 if self.target == "x0" else eps)) ** 2

    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        if not self.gap:
            return convert(output, x_t, t, schedule, source=self.target, target="x0")
        (alpha_t, sigma_t), (alpha_u, sigma_u) = schedule(t), schedule(self._less(t))
        d = alpha_u * sigma_t - alpha_t * sigma_u
        # at t = 0 the pixel is there already, d is 0, and 0/0 would be no number
        return torch.where(t == 0, x_t, (sigma_t * output - sigma_u * x_t) / torch.where(t == 0, 1, d))

    def _less(self, t: Tensor) -> Tensor:
        """The level of the less noisy picture."""
        return (t - (self.gap or 0)).clamp(min=0)

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        return belief.clamp(-1, 1) if clip else belief


@dataclass(frozen=True)
class Categorical(Head):
    """A belief over ``levels`` grey values for every pixel, by cross-entropy (chapter 3).

    The values are evenly spaced from -1 to 1; x0 is rounded to them before it is corrupted. Pixels are
    drawn one by one from their beliefs, so those written in one step can't agree with each other: what
    that costs is chapters 5 and 6.

    >>> head = Categorical(levels=3)
    >>> head.prepare(torch.tensor([[-0.9, 0.2, 0.6]]))
    tensor([[-1.,  0.,  1.]])
    """

    levels: int = 16
    draws = True

    def __post_init__(self) -> None:
        check_whole("levels", self.levels, least=2, most=256)

    def outputs(self, channels: int) -> int:
        return channels * self.levels

    def values(self, like: Tensor) -> Tensor:
        """The grey values, (levels,)."""
        return torch.linspace(-1, 1, self.levels, dtype=like.dtype, device=like.device)

    def index(self, x0: Tensor) -> Tensor:
        """Which grey level each pixel is: whole numbers from 0 (black) to levels - 1 (white)."""
        return ((x0 + 1) / 2 * (self.levels - 1)).round().long().clamp(0, self.levels - 1)

    def prepare(self, x0: Tensor) -> Tensor:
        return self.values(x0)[self.index(x0)]

    def log_probabilities(self, belief: Tensor) -> Tensor:
        """log p of every grey level, (B, C, levels, H, W) or (B, D, levels), from a belief."""
        return belief.log_softmax(dim=2)

    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        logits = self.belief(output, x0, t, schedule).flatten(0, 1)  # (B * C, levels, ...)
        return F.cross_entropy(logits, self.index(x0).flatten(0, 1), reduction="none").view_as(x0)

    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        return output.unflatten(1, (-1, self.levels))

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float = 1.0, clip: bool = True) -> Tensor:
        values = self.values(belief)
        if temperature == 0:
            return values[belief.argmax(dim=2)]
        p = (belief / temperature).softmax(dim=2)
        if uniform is None:
            return torch.einsum("bcl...,l->bc...", p, values)
        # The level at which the running sum passes the uniform number has exactly probability p
        passed = p.cumsum(dim=2)[:, :, :-1] <= uniform.unsqueeze(2)
        return values[passed.sum(dim=2)]


HEADS: dict[str, type[Head]] = {each.__name__: each for each in (Regression, Categorical)}


def check_pick(pick: str, temperature: float) -> None:
    """Raise unless ``pick`` is "draw" or "mean" and ``temperature`` is 0 (the likeliest value) or above."""
    check_choice("pick", pick, PICKS)
    check_number("temperature", temperature, 0)


def build(config: Config) -> Head:
    """The head that ``head.config()`` described.

    >>> build({"name": "Regression", "target": "x0"})
    Regression(target='x0', gap=None)
    """
    return cast(Head, described(Head, config, HEADS))

"""How to train, and what a training did."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minigen.base.errors import check_number, check_seed, check_truth, check_whole


@dataclass(frozen=True)
class Settings:
    """How to train, checked: the keyword arguments of ``train``, which explains them."""

    iterations: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    warmup: int
    decay: bool
    ema: float | None
    clip: float | None
    seed: int
    validate_every: int
    validate_with: Mapping[str, Any] = field(default_factory=dict)
    validate_draws: int = 1

    def __post_init__(self) -> None:
        for argument in ("iterations", "batch_size", "validate_every", "validate_draws"):
            check_whole(argument, getattr(self, argument))
        check_whole("warmup", self.warmup, least=0)
        check_seed("seed", self.seed)
        check_truth("decay", self.decay)
        if not isinstance(self.validate_with, Mapping):
            raise TypeError(f"validate_with is {self.validate_with!r}; allowed: a dictionary of arguments of loss()")
        object.__setattr__(self, "validate_with", dict(self.validate_with))
        check_number("learning_rate", self.learning_rate, 0, open_left=True)
        check_number("weight_decay", self.weight_decay, 0)
        if self.ema is not None:
            check_number("ema", self.ema, 0, 1)
        if self.clip is not None:
            check_number("clip", self.clip, 0, open_left=True)

    def rate(self, iteration: int) -> float:
        """The learning rate's factor: a linear rise over ``warmup``, then a half cosine down to 0."""
        rise = min(1.0, (iteration + 1) / (self.warmup + 1))
        left = max(0.0, (iteration - self.warmup) / max(1, self.iterations - self.warmup))
        return rise * (0.5 * (1 + math.cos(math.pi * left)) if self.decay else 1.0)


@dataclass
class History:
    """What a training run did.

    Attributes:
        loss: one number an iteration.
        validation: (iteration, loss of the averaged weights on the validation data).
        best: the iteration whose weights were kept, where there are validation data.
        seconds: time spent, over all resumed parts.
        images_seen: examples that training has used.
        device, precision, threads: where and how it ran last.
        interrupted: True if Ctrl-C ended it early.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: int | None = None
    seconds: float = 0.0
    images_seen: int = 0
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    interrupted: bool = False

"""Where the batches come from: tensors in a shuffled order, or a function that makes endless data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from minigen.base.errors import check_tensor
from minigen.base.randomness import seeded
from minigen.training.settings import Settings

Batch = tuple[Tensor, ...]

Source = Callable[[int, torch.Generator], Batch]


def source_of(
    data: tuple[Any, ...], settings: Settings, device: torch.device, kind: torch.dtype | None = None
) -> Callable[[int], Batch]:
    """The function that gives the batch of an iteration (counted from 0), its floats as ``kind``."""
    if not data:
        raise ValueError("data is empty; allowed: one or more tensors, or a function (count, generator) -> tensors")
    if callable(data[0]) and not isinstance(data[0], Tensor):
        make = data[0]
        if len(data) > 1:
            raise TypeError("data hold a function and more; allowed: the function alone")
        return lambda iteration: make(settings.batch_size, seeded(settings.seed, iteration, 1, device=device))
    tensors = as_kind(check_parts("data", data), device, kind)
    if settings.batch_size >= len(tensors[0]):
        return lambda iteration: tensors
    return _Shuffled(tensors, settings)


def as_kind(parts: Batch, device: torch.device, kind: torch.dtype | None) -> Batch:
    """The tensors on a device, and those with floats as ``kind``: numpy's are float64, and no weights are."""
    return tuple(part.to(device, kind) if part.is_floating_point() else part.to(device) for part in parts)


def check_parts(argument: str, parts: tuple[Any, ...]) -> Batch:
    """Return ``parts`` if they are tensors with equally many examples, else raise."""
    if not isinstance(parts, tuple | list):
        raise TypeError(
            f"{argument} is a {type(parts).__name__}; allowed: a tuple of tensors, such as (images, labels)"
        )
    for part in parts:
        if not isinstance(part, Tensor):
            check_tensor(argument, part)
    counts = [len(part) for part in parts]
    if not counts or min(counts) == 0 or len(set(counts)) > 1:
        raise ValueError(f"{argument} have {counts} examples; allowed: one or more, all the same")
    return parts


class _Shuffled:
    """Batches of data in a new order every epoch; the order of epoch e depends on the seed and e alone."""

    def __init__(self, tensors: Batch, settings: Settings) -> None:
        self.tensors, self.seed, self.size = tensors, settings.seed, settings.batch_size
        self.per_epoch = len(tensors[0]) // settings.batch_size  # the last, smaller batch is left out
        self.epoch, self.order = -1, torch.empty(0, dtype=torch.int64)

    def __call__(self, iteration: int) -> Batch:
        epoch, place = divmod(iteration, self.per_epoch)
        if epoch != self.epoch:
            order = torch.randperm(len(self.tensors[0]), generator=seeded(self.seed, epoch, 2))
            self.epoch, self.order = epoch, order.to(self.tensors[0].device)
        rows = self.order[place * self.size : (place + 1) * self.size]
        return tuple(part[rows] for part in self.tensors)

"""Several processes of the machine that train together, each on its own part of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """The processes that train together, and which of them this one is: one alone, unless torchrun started it.

    Every process makes the same batches and the same dice, judges its own part of each batch, and the
    gradients are averaged (DistributedDataParallel). So N processes follow the path of one, up to rounding.
    """

    rank: int = 0
    count: int = 1

    @staticmethod
    def here() -> Processes:
        """Those of torch.distributed, if it is in use."""
        if not (dist.is_available() and dist.is_initialized()):
            return Processes()
        return Processes(dist.get_rank(), dist.get_world_size())

    def part(self, size: int) -> slice:
        """This process's part of a batch of ``size``.

        >>> Processes(rank=1, count=2).part(6)
        slice(3, 6, None)
        """
        if size % self.count:
            near = max(1, round(size / self.count)) * self.count
            raise ValueError(
                f"batch_size is {size} with {self.count} processes; allowed: multiples of {self.count};"
                f" the nearest is {near}"
            )
        share = size // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def any(self, wished: bool) -> bool:
        """Whether one of the processes wishes it: all of them must know, or some would wait for ever."""
        return wished if self.count == 1 else bool(self.mean(torch.tensor(float(wished))) > 0)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a number over the processes."""
        if self.count > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.count
        return value


@contextmanager
def together() -> Iterator[Processes]:
    """Join the other processes that torchrun has started, for the time of the ``with``; alone, do nothing.

    >>> with together() as processes:
    ...     processes
    Processes(rank=0, count=1)
    """
    if "RANK" not in os.environ or dist.is_initialized():
        yield Processes.here()
        return
    dist.init_process_group()  # gloo for what is on CPUs and, where there are GPUs, nccl for what is on them
    try:
        yield Processes.here()
    finally:
        dist.destroy_process_group()

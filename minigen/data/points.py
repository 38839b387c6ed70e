"""Points for curves: what the first chapters fit."""

from __future__ import annotations

import torch
from torch import Tensor

from minigen.base.errors import check_number, check_seed, check_whole
from minigen.base.randomness import seeded


def curve(count: int = 12, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Dots around a sine for chapter 1's first fit: x (count, 1) in [-3, 3], y (count, 1).

    >>> x, y = curve(count=12)
    >>> x.shape, bool((x.diff(dim=0) > 0).all())
    (torch.Size([12, 1]), True)
    """
    check_whole("count", count)
    check_number("noise", noise, 0)
    random = seeded(check_seed("seed", seed))
    x = torch.rand(count, 1, generator=random).mul(6).sub(3).sort(dim=0).values
    return x, torch.sin(1.5 * x) + noise * torch.randn(count, 1, generator=random)


def branches(count: int = 400, noise: float = 0.05, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A fork: for x in [-1, 1] y is near +(1 + x) / 2 or near -(1 + x) / 2, equally often; at -1 the two meet.

    Least squares can't take both, so it lands between them, on 0, where no dot is but on the far left (chapter 2).

    >>> x, y = branches(count=10_000)
    >>> bool(y.mean().abs() < 0.03)
    True
    """
    check_whole("count", count)
    check_number("noise", noise, 0)
    random = seeded(check_seed("seed", seed))
    x = torch.rand(count, 1, generator=random).mul(2).sub(1)
    side = torch.randint(2, (count, 1), generator=random).mul(2).sub(1)
    return x, side * (1 + x) / 2 + noise * torch.randn(count, 1, generator=random)

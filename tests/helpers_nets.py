"""Networks to hand in that need no training: what they say is known, and they have a weight, as trained ones have."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Says(nn.Module):
    """Says what a function says; its only weight is a 1."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function, self.one = function, nn.Parameter(torch.ones(1))

    def forward(self, *given: Tensor) -> Tensor:
        return self.function(*given) * self.one


class Wavers(nn.Module):
    """A network in training mode: its dropout is on."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside, self.dropout = inside, nn.Dropout(0.2)

    def forward(self, *given: Tensor) -> Tensor:
        said: Tensor = self.dropout(self.inside(*given))
        return said


def around(pictures: Tensor, hidden: Tensor, share: bool = True) -> Tensor:
    """A mean of the seen pixels around each, the near ones counting more; ``share``: of as many as are seen."""
    far = torch.arange(-2.0, 3)
    near = torch.exp(-(far[:, None] ** 2 + far**2) / 1.5).view(1, 1, 5, 5).to(pictures.dtype)
    near[..., 2, 2] = 0
    seen = (~hidden).to(pictures.dtype)
    total = F.conv2d((pictures + 1) * seen, near, padding=2)
    weight = F.conv2d(seen, near, padding=2) if share else near.sum()
    return total / (weight + 1e-6) - 1

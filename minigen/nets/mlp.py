"""Networks for numbers: curves and points."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import check_choice, check_whole
from minigen.nets.net import LevelEmbedding, Net, dense


class Fit(nn.Module):
    """A network and the loss that fits it to answers: what ``train`` needs for curves and classifiers.

    ``loss``: "squared" (mean squared error) or "absolute" for numbers, "cross-entropy" for labels.
    Calling it calls the network (chapters 1 and 2).

    >>> Fit(dense(1, 8, 1)).loss((torch.zeros(4, 1), torch.zeros(4, 1))).shape
    torch.Size([])
    """

    LOSSES: ClassVar[dict[str, Callable[..., Tensor]]] = {
        "squared": F.mse_loss,
        "absolute": F.l1_loss,
        "cross-entropy": F.cross_entropy,
    }

    def __init__(self, net: nn.Module, loss: str = "squared") -> None:
        super().__init__()
        if not isinstance(net, nn.Module):
            hint = "; call the class to make one" if isinstance(net, type) else ""
            raise TypeError(f"net is {net!r}; allowed: a torch module, such as nets.dense(1, 32, 1){hint}")
        self.net, self.loss_name = net, check_choice("loss", loss, self.LOSSES)

    def forward(self, x: Tensor) -> Tensor:
        """The curve at the points ``x``, a row each."""
        return self.net(x)

    def extra_repr(self) -> str:
        """The loss, which torch prints before the layers: a checkpoint knows its run by it."""
        return f"loss={self.loss_name!r}"

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        """The mean loss over a batch (inputs, answers)."""
        inputs, answers = batch
        return self.LOSSES[self.loss_name](self(inputs), answers)


class MLP(Net):
    """A generator's network for vectors of ``size`` numbers, such as points in the plane (chapters 6 to 9).

    Input: the numbers, the level of each, and the embedding, all side by side.

    >>> net = MLP(size=2, width=32)
    >>> net(torch.zeros(5, 2), torch.ones(5, 2), None).shape
    torch.Size([5, 32])
    """

    def __init__(self, size: int, width: int = 128, depth: int = 3, context_size: int = 64) -> None:
        super().__init__()
        sizes = {"size": size, "width": width, "depth": depth, "context_size": context_size}
        for argument, value in sizes.items():
            check_whole(argument, value)
        self.shape, self.features, self.context_size = (size,), width, context_size
        self.embedding = LevelEmbedding(context_size)
        self.net = nn.Sequential(dense(2 * size + context_size, *[width] * depth), nn.SiLU())

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        """The features, (B, features), of vectors (B, D) at the levels ``t``, (B, 1 or D)."""
        return self.net(torch.cat([x_t, t.expand_as(x_t), self.embedding(t, context)], dim=1))

"""What every network is made of, and what a generator asks of its own."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.errors import check_whole
from minigen.base.parts import Part

Memory = dict[Any, Any]
"""What a causal net remembers of the pixels before: its cache. The net fills it, nobody else reads it."""


class Net(nn.Module, Part, kind="net"):
    """What a generator asks of its network: a ``forward(x_t, t, context)`` and these attributes.

    An own network is a subclass with both; ``context`` is None where nothing is told. It can be saved and loaded if
    its ``__init__`` takes only what a file can hold. ::

        class Plain(Net):
            def __init__(self, size=16, width=32):
                super().__init__()
                self.shape, self.features, self.context_size = (1, size, size), width, width
                self.conv = nn.Conv2d(2, width, 5, padding=2)

            def forward(self, x_t, t, context):
                h = self.conv(torch.cat([x_t, t.expand_as(x_t)], dim=1))
                return F.silu(h if context is None else h + context[:, :, None, None])
    """

    shape: tuple[int, ...]
    """Of one example: (C, H, W) or (D,)."""

    features: int
    """Numbers that ``forward`` returns for every pixel: (B, features, H, W) or (B, features)."""

    context_size: int
    """Numbers in the context vector, (B, context_size)."""

    causal: bool = False
    """Whether the features of a pixel see the pixels before it, and no other; then there is ``next``, too."""

    def extra_repr(self) -> str:
        """Its settings, which torch prints before the layers."""
        return Part.__repr__(self).removeprefix(f"{type(self).__name__}(").removesuffix(")")

    def next(self, x: Tensor, context: Tensor | None, memory: Memory) -> Tensor:
        """A causal net's features of one more pixel: (B, features, 1, 1), those that ``forward`` gives there.

        The first call is about pixel 0, the next about pixel 1, and so on; ``memory``, an empty dict at
        first, keeps what the net needs of the earlier calls. Only the pixels before it are looked at.
        """
        raise TypeError(f"net is {type(self).__name__}; allowed: a causal net, since no other has a next pixel")


def dense(*sizes: int) -> nn.Sequential:
    """A plain multilayer perceptron: linear layers of these sizes with SiLU between them (chapter 1).

    >>> sum(p.numel() for p in dense(1, 32, 32, 1).parameters())
    1153
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes is {sizes}; allowed: two or more whole numbers, such as 1, 32, 32, 1")
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(check_whole("sizes", before), check_whole("sizes", after)), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class LevelEmbedding(nn.Module):
    """Mean level (and context) to a vector: sines and cosines of the level, then two linear layers.

    Vaswani et al. 2017 place words this way; DDPM places noise levels.
    """

    def __init__(self, size: int, frequencies: int = 16) -> None:
        super().__init__()
        self.rates: Tensor
        self.register_buffer("rates", torch.logspace(0, 2, frequencies) * math.pi, persistent=False)
        self.net = dense(2 * frequencies, size, size)

    def forward(self, t: Tensor, context: Tensor | None) -> Tensor:
        """A vector for the mean level of each example, (B, size), and the context, where there is one, added to it."""
        angle = t.flatten(1).mean(dim=1, keepdim=True) * self.rates  # (B, frequencies)
        embedding = self.net(torch.cat([angle.sin(), angle.cos()], dim=1))  # (B, size)
        return embedding if context is None else embedding + context

"""Pictures pixel by pixel: convolutions and attention by turns (chapter 10)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from minigen.base.errors import check_whole
from minigen.nets.causal_conv import CausalConv
from minigen.nets.causal_transformer import AttentionBlock, check_heads, turns
from minigen.nets.net import Memory


class CausalMixed(CausalConv):
    """Masked gated convolutions, and after every few of them attention to all pixels before (chapter 10).

    Convolutions look near, which is where most of what is needed lies; attention looks anywhere and compares: are
    both loops of this 8 equally bold? On the course's digits the mixture learns more in equal time than convolutions
    alone, and the more the oftener it attends. Source: Chen et al. 2018, "PixelSNAIL".

    Args:
        size, channels, layers, kernel, context_size, dropout: see ``CausalConv``; residual is True here.
        width: channels of either stack; heads divides it into multiples of 4.
        every: attention comes after this many layers, again and again.
        heads: of attention.

    >>> import torch
    >>> net = CausalMixed(size=8, width=16, layers=4, every=2)
    >>> len(net.attention), net(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), None).shape
    (2, torch.Size([2, 16, 8, 8]))
    """

    later: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        width: int = 80,
        layers: int = 4,
        kernel: int = 5,
        every: int = 1,
        heads: int = 2,
        context_size: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(size, channels, width, layers, kernel, context_size, dropout, residual=True)
        self.every = check_whole("every", every, 1, layers)
        check_heads(width, check_whole("heads", heads))
        self.attention = nn.ModuleList(AttentionBlock(width, heads, dropout) for _ in range(layers // every))
        self.turn: Tensor
        self.register_buffer("turn", turns(size, width // heads), persistent=False)

    def between(self, i: int, h: Tensor, memory: Memory | None = None) -> Tensor:
        number, left = divmod(i + 1, self.every)
        if left:
            return h
        asked = self.attention[number - 1](h.flatten(2).transpose(1, 2), self.turn, memory)  # (B, places, width)
        return asked.transpose(1, 2).unflatten(2, h.shape[2:])

"""Pictures pixel by pixel: masked attention (chapter 10)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import check_number, check_odd, check_truth, check_whole
from minigen.nets.causal_conv import with_ones
from minigen.nets.net import Memory, Net, dense


class MaskedConv(nn.Conv2d):
    """A convolution that looks up and to the left: at rows above, and in its own row at what comes before.

    ``centre``: whether it also looks at the present pixel; the first layer of a stack must not. Such
    layers alone, stacked, leave a blind spot to the upper right, which ``GatedLayer`` cures and
    attention does not have (chapter 10; van den Oord et al. 2016).

    >>> MaskedConv(1, 1, kernel=3, centre=False).mask[0, 0].int().tolist()
    [[1, 1, 1], [1, 0, 0]]
    """

    def __init__(self, before: int, after: int, kernel: int, centre: bool) -> None:
        for argument, value in (("before", before), ("after", after)):
            check_whole(argument, value)
        self.reach = check_odd("kernel", kernel) // 2
        check_truth("centre", centre)
        super().__init__(before, after, (self.reach + 1, kernel))
        self.mask: Tensor
        self.register_buffer("mask", torch.ones_like(self.weight), persistent=False)
        self.mask[:, :, -1, self.reach + centre :] = 0

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H, W); what comes later in reading order is not seen."""
        return self.look(F.pad(x, (self.reach, self.reach, self.reach, 0)))

    def look(self, padded: Tensor) -> Tensor:
        """The convolution alone, of what is padded (or cut out) already."""
        return F.conv2d(padded, self.weight * self.mask, self.bias)


class AttentionBlock(nn.Module):
    """Each place asks all places before it, and itself; then two linear layers. Both are added to what came in.

    A question q and a place's key k are turned by the place's row and column before they meet, so how
    well they match depends on how far apart the two are (rotary positions, Su et al. 2021, here in 2-D).
    ``dropout`` is the share of what is added that training sets to 0.
    Source: Vaswani et al. 2017, with the norms in front.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.net = dense(width, 4 * width, width)

    def forward(self, h: Tensor, turn: Tensor, memory: Memory | None = None) -> Tensor:
        """(B, N, width) to the same shape: each of N pixels asks those up to itself; ``turn`` tells the places."""
        B, N, width = h.shape
        q, k, v = self.qkv(self.norm1(h)).view(B, N, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, N, size)
        here = slice(0, N) if memory is None else slice(memory["position"], memory["position"] + 1)
        q, k = _rotate(q, turn[:, here]), _rotate(k, turn[:, here])
        if memory is None:
            asked = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            if self not in memory:  # keys and values of all places, filled one by one
                memory[self] = k.new_zeros(2, B, self.heads, turn.shape[1], k.shape[3])
            keys, values = memory[self]
            keys[:, :, here], values[:, :, here] = k, v
            asked = F.scaled_dot_product_attention(q, keys[:, :, : here.stop], values[:, :, : here.stop])
        h = h + self.dropout(self.out(asked.transpose(1, 2).reshape(B, N, width)))
        return h + self.dropout(self.net(self.norm2(h)))


def _rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn pairs of numbers of (B, heads, N, size) by their angles, ``turn`` = (cosines, sines), (2, N, size / 2)."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = turn
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class CausalTransformer(Net):
    """Masked attention: the features of pixel i see the pixels before it, and no other.

    As ``CausalConv`` it learns from every pixel of a picture in one pass (chapter 10). The picture is
    first moved on by one pixel, so that each place holds the pixel before it; a masked convolution
    looks around; then attention over all places before. Convolution and 2-D positions are what lets it
    learn from few digits: a plain transformer has to find out that pixel 16 lies under pixel 0.

    Args:
        size, channels: of the pictures.
        width: numbers a place; heads divides it into multiples of 4.
        layers, heads: of attention.
        kernel: of the masked convolution in front.
        context_size: length of the context vector.
        dropout: see ``AttentionBlock``.

    >>> net = CausalTransformer(size=8, width=32, layers=2)
    >>> net(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), None).shape
    torch.Size([2, 32, 8, 8])
    """

    causal = True
    later = ("dropout",)

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        kernel: int = 7,
        context_size: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = dict(size=size, channels=channels, width=width, layers=layers, heads=heads, context_size=context_size)
        for argument, value in sizes.items():
            check_whole(argument, value)
        check_number("dropout", dropout, 0, 1)
        check_heads(width, heads)
        check_odd("kernel", kernel)
        self.shape, self.features, self.context_size = (channels, size, size), width, context_size
        self.stem = MaskedConv(channels + 1, width, kernel, centre=True)
        self.place = nn.Parameter(0.02 * torch.randn(2, size, width))  # of each row, of each column
        self.context = nn.Linear(context_size, width)
        self.layers: Sequence[AttentionBlock] = nn.ModuleList(  # type: ignore[assignment]
            AttentionBlock(width, heads, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.turn: Tensor
        self.register_buffer("turn", turns(size, width // heads), persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        """The features of each pixel, from those before it alone: (B, features, H, W). ``t`` is not looked at."""
        h = self._enter(self.stem(_moved_on(x_t)), self._places(), context)
        for layer in self.layers:
            h = layer(h, self.turn)
        return self.norm(h).transpose(1, 2).unflatten(2, self.shape[1:])

    def next(self, x: Tensor, context: Tensor | None, memory: Memory) -> Tensor:
        position = memory.setdefault("position", 0)
        row, column = divmod(position, self.shape[2])
        reach = self.stem.reach
        around = F.pad(_moved_on(x), (reach, reach, reach, 0))[:, :, row : row + reach + 1]
        around = around[..., column : column + 2 * reach + 1]
        h = self._enter(self.stem.look(around), self._places()[position, None], context)
        for layer in self.layers:
            h = layer(h, self.turn, memory)
        memory["position"] += 1
        return self.norm(h).transpose(1, 2).unflatten(2, (1, 1))

    def _places(self) -> Tensor:
        """What each place is told of where it is: (pixels, width)."""
        return (self.place[0][:, None] + self.place[1]).flatten(0, 1)

    def _enter(self, looked: Tensor, places: Tensor, context: Tensor | None) -> Tensor:
        """(B, width, H, W) of the convolution to (B, places, width), with position and context."""
        h = looked.flatten(2).transpose(1, 2) + places
        return h if context is None else h + self.context(context)[:, None]


def _moved_on(x: Tensor) -> Tensor:
    """The picture moved on by one pixel in reading order, with a channel of ones where there is one."""
    flat = F.pad(with_ones(x).flatten(2), (1, 0))[..., :-1]
    return flat.unflatten(2, x.shape[2:])


def check_heads(width: int, heads: int) -> None:
    """Raise unless so many heads share the width in multiples of 4: two angles each for rows and columns."""
    if width % (4 * heads):
        raise ValueError(f"width is {width}; allowed with {heads} heads: multiples of {4 * heads}")


def turns(size: int, numbers: int) -> Tensor:
    """Cosines and sines of every place's angles: a quarter of the numbers for rows, a quarter for columns."""
    rates = torch.logspace(0, -1.5, numbers // 4)  # from 1 radian a pixel to 1/32
    place = torch.arange(size, dtype=torch.float32)
    row, column = place[:, None].expand(size, size).flatten(), place.expand(size, size).flatten()
    angle = torch.cat([row[:, None] * rates, column[:, None] * rates], dim=1)  # (pixels, numbers / 2)
    return torch.stack([angle.cos(), angle.sin()])

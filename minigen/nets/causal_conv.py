"""Pictures pixel by pixel: masked gated convolutions (chapter 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import check_number, check_odd, check_truth, check_whole
from minigen.nets.net import Memory, Net


class GatedLayer(nn.Module):
    """One layer of the gated PixelCNN: a stack that looks up, a stack that looks left (chapter 10).

    The vertical stack sees the rows above, whole; the horizontal one sees its own row to the left and,
    at every layer, what the vertical one has seen. One stack alone leaves a blind spot to the upper
    right. Source: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders".

    The horizontal stack adds what a layer finds to what came in; ``residual`` has the vertical one do so,
    too, which deep stacks need. ``dropout`` is the share of gated numbers that training sets to 0, in both
    (Salimans et al. 2017, "PixelCNN++": without it, the training pictures are learned by heart).
    """

    def __init__(
        self,
        before: int,
        width: int,
        kernel: int,
        context_size: int,
        first: bool,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        reach = kernel // 2
        self.first, self.reach, self.rows = first, reach, reach + (0 if first else 1)
        self.residual, self.dropout = residual and not first, nn.Dropout(dropout)
        self.vertical = nn.Conv2d(before, 2 * width, (self.rows, kernel))
        self.horizontal = nn.Conv2d(before, 2 * width, (1, self.rows))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.context = nn.Linear(context_size, 4 * width)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, v: Tensor, h: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """The next features of the vertical and the horizontal stack, each (B, width, H, W)."""
        reach, first = self.reach, self.first
        # The first layer must not see the present row (vertical) or pixel (horizontal): its input is
        # shifted by one. Later layers may, since what they see there was made without it.
        above = F.pad(v[:, :, : v.shape[2] - first], (reach, reach, reach, 0))
        left = F.pad(h[:, :, :, : h.shape[3] - first], (reach, 0))
        v_out, passed = self.look_up(above, context)
        return v_out, self.look_left(left, passed, h)

    def look_up(self, above: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """The vertical stack: from padded rows, what goes up to the next layer and what goes across."""
        v = self.vertical(above)
        passed = self.link(v)
        if context is not None:
            shift_v, shift_h = self.context(context)[:, :, None, None].chunk(2, dim=1)
            v, passed = v + shift_v, passed + shift_h
        v = self.dropout(_gate(v))
        # what came in at the same places lies in the last rows of what was padded
        return v + above[:, :, self.reach :, self.reach : -self.reach] if self.residual else v, passed

    def look_left(self, left: Tensor, passed: Tensor, h: Tensor) -> Tensor:
        """The horizontal stack: from padded pixels to the left and what the vertical stack passed."""
        h_out = self.out(self.dropout(_gate(self.horizontal(left) + passed)))
        return h_out if self.first else h + h_out


def _gate(x: Tensor) -> Tensor:
    """tanh of one half of the channels times sigmoid of the other."""
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


class CausalConv(Net):
    """Masked gated convolutions: the features of pixel i see the pixels before it, and no other.

    So one pass over a whole picture gives every next-pixel prediction at once, and training uses all of
    them (chapter 10). It goes with ``raster(1)`` only and needs no level: what is not written yet is
    never looked at.

    Args:
        size, channels: of the pictures.
        width: channels of either stack.
        layers, kernel: how many of ``GatedLayer``, and how far each looks.
        context_size: length of the context vector, which every layer is told.
        dropout, residual: see ``GatedLayer``; a net that sees few pictures often needs the first.

    >>> net = CausalConv(size=8, width=16, layers=3)
    >>> x = torch.zeros(1, 1, 8, 8, requires_grad=True)
    >>> net(x, torch.zeros(1, 1, 8, 8), None)[0, :, 4, 4].sum().backward()
    >>> bool(x.grad.flatten()[4 * 8 + 4 :].any())        # pixel (4, 4) and all after it
    False
    """

    causal = True
    later: ClassVar[tuple[str, ...]] = ("dropout", "residual")

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        width: int = 64,
        layers: int = 8,
        kernel: int = 5,
        context_size: int = 128,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        sizes = dict(size=size, channels=channels, width=width, layers=layers, context_size=context_size)
        for argument, value in sizes.items():
            check_whole(argument, value)
        check_odd("kernel", kernel)
        check_number("dropout", dropout, 0, 1)
        check_truth("residual", residual)
        self.shape, self.features, self.context_size = (channels, size, size), width, context_size
        self.layers: Sequence[GatedLayer] = nn.ModuleList(  # type: ignore[assignment]
            GatedLayer(channels + 1 if i == 0 else width, width, kernel, context_size, i == 0, dropout, residual)
            for i in range(layers)
        )
        self.last = nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU())

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        """The features of each pixel, from those before it alone: (B, features, H, W). ``t`` is not looked at."""
        v = h = with_ones(x_t)
        if self.training:  # a pixel's channels side by side in memory: an update takes two thirds of the time on a CPU
            v = h = h.contiguous(memory_format=torch.channels_last)
        for i, layer in enumerate(self.layers):
            v, h = layer(v, h, context)
            h = self.between(i, h)
        return self.last(h)

    def between(self, i: int, h: Tensor, memory: Memory | None = None) -> Tensor:
        """What is done to the features after layer ``i``: nothing; in ``CausalMixed``, now and then, attention."""
        return h

    def next(self, x: Tensor, context: Tensor | None, memory: Memory) -> Tensor:
        reach = self.layers[0].reach
        if not memory:
            memory["position"] = 0
            # what each layer's vertical stack reads, padded, and what its horizontal stack reads in this row
            sizes = [self.shape[0] + 1] + [self.features] * len(self.layers)
            H, W = self.shape[1:]
            memory["rows"] = [x.new_zeros(len(x), size, H + reach, W + 2 * reach) for size in sizes]
            memory["row"] = [x.new_zeros(len(x), size, 1, W + reach) for size in sizes]
            memory["passed"] = [x.new_empty(0)] * len(self.layers)
        row, column = divmod(memory["position"], self.shape[2])
        rows, left, passed = memory["rows"], memory["row"], memory["passed"]
        if column == 0:  # a new row: the vertical stacks see the one above for the first time, at all columns
            if row:
                rows[0][:, :, reach + row - 1, reach:-reach] = with_ones(x)[:, :, row - 1]
            for i, layer in enumerate(self.layers):
                up, passed[i] = layer.look_up(rows[i][:, :, row : row + layer.rows], context)
                rows[i + 1][:, :, reach + row, reach:-reach] = up[:, :, 0]
                left[i].zero_()
        else:
            left[0][:, :, :, reach + column - 1] = with_ones(x)[:, :, row, column - 1, None]
        h = x.new_empty(0)
        for i, layer in enumerate(self.layers):
            h = layer.look_left(left[i][..., column : column + layer.rows], passed[i][..., column, None], h)
            h = self.between(i, h, memory)
            left[i + 1][..., reach + column, None] = h
        memory["position"] += 1
        return self.last(h)


def with_ones(x: Tensor) -> Tensor:
    """One more channel, of ones: it tells the picture from the zeros of the padding."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)

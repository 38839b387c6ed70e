"""The curves: small networks, written to be read.

A generator's network is called as ``net(x_t, t, context)`` and returns *features*, ``net.features``
numbers for every pixel. It knows neither what is predicted from them (the generator's last layer does
that) nor what the context means: a label or a prompt reaches it as a vector of ``net.context_size``
numbers, or as None. ``net.shape`` is the shape of one example, (C, H, W) or (D,).

``MLP`` is for vectors; ``UNet`` for pictures; ``CausalConv`` and ``CausalTransformer`` for pictures
written pixel by pixel; ``Classifier`` turns pictures into labels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.data import CLASSES
from minigen.errors import check_choice, check_images, check_whole
from minigen.text import answers_loss

Memory = dict[Any, Any]
"""What a causal net remembers of the pixels before: its cache. The net fills it, nobody else reads it."""


class Net(nn.Module):
    """What a generator asks of its network: a ``forward(x_t, t, context)`` and these attributes."""

    shape: tuple[int, ...]
    features: int
    context_size: int
    config: dict[str, Any]
    causal: bool = False

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
        self.net, self.loss_name = net, check_choice("loss", loss, self.LOSSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def loss(
        self, batch: tuple[Tensor, ...], random: torch.Generator | None = None, part: slice = slice(None)
    ) -> Tensor:
        """The mean loss over a batch (inputs, answers), or over a part of it."""
        inputs, answers = batch
        return self.LOSSES[self.loss_name](self(inputs[part]), answers[part])


# --- telling a network how much is left ------------------------------------------------------------


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
        angle = t.flatten(1).mean(dim=1, keepdim=True) * self.rates  # (B, frequencies)
        embedding = self.net(torch.cat([angle.sin(), angle.cos()], dim=1))  # (B, size)
        return embedding if context is None else embedding + context


class MLP(Net):
    """A generator's network for vectors of ``size`` numbers, such as points in the plane (chapters 6 to 9).

    Input: the numbers, the level of each, and the embedding, all side by side.

    >>> net = MLP(size=2, width=32)
    >>> net(torch.zeros(5, 2), torch.ones(5, 2), None).shape
    torch.Size([5, 32])
    """

    def __init__(self, size: int, width: int = 128, depth: int = 3, context_size: int = 64) -> None:
        super().__init__()
        self.config = {"size": size, "width": width, "depth": depth, "context_size": context_size}
        for argument, value in self.config.items():
            check_whole(argument, value)
        self.shape, self.features, self.context_size = (size,), width, context_size
        self.embedding = LevelEmbedding(context_size)
        self.net = nn.Sequential(dense(2 * size + context_size, *[width] * depth), nn.SiLU())

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        return self.net(torch.cat([x_t, t.expand_as(x_t), self.embedding(t, context)], dim=1))


# --- pictures --------------------------------------------------------------------------------------


class Residual(nn.Module):
    """Two 3x3 convolutions around a shift and scale by the embedding, added to what came in."""

    def __init__(self, before: int, after: int, embedding: int, groups: int = 8) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, before), nn.Conv2d(before, after, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups, after), nn.Conv2d(after, after, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * after)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        nn.init.zeros_(self.conv2.weight)  # starts as the identity, which trains faster

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return self.skip(x) + h


class UNet(Net):
    """The course's picture network: down, across, up again, with shortcuts (Ronneberger et al. 2015).

    Input: the picture and, as one more channel, the level of every pixel; so one network serves every
    plan. No attention: at 16x16 the middle sees everything, and convolutions are fast on a CPU.

    Args:
        size, channels: of the pictures; size must halve len(widths) - 1 times.
        widths: channels at each resolution, multiples of 8.
        blocks: residual blocks at each resolution.
        context_size: length of the context vector.

    >>> net = UNet(size=16, channels=1)
    >>> net(torch.zeros(2, 1, 16, 16), torch.ones(2, 1, 16, 16), None).shape
    torch.Size([2, 32, 16, 16])
    """

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        widths: tuple[int, ...] = (32, 64, 128),
        blocks: int = 1,
        context_size: int = 128,
    ) -> None:
        super().__init__()
        widths = tuple(widths)
        self.config = dict(size=size, channels=channels, widths=widths, blocks=blocks, context_size=context_size)
        for argument, value in (("size", size), ("channels", channels), ("blocks", blocks)):
            check_whole(argument, value)
        if not widths or any(check_whole("widths", width) % 8 for width in widths):
            raise ValueError(f"widths is {widths}; allowed: one or more multiples of 8, such as (32, 64, 128)")
        least = 2 ** (len(widths) - 1)
        if size % least:
            raise ValueError(f"size is {size}; allowed with {len(widths)} widths: multiples of {least}")
        self.shape, self.features, self.context_size = (channels, size, size), widths[0], context_size
        self.embedding = LevelEmbedding(context_size)
        self.first = nn.Conv2d(channels + 1, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        stack, now = [widths[0]], widths[0]
        for width in widths:
            for _ in range(blocks):
                self.down.append(Residual(now, width, context_size))
                now = width
                stack.append(now)
        self.middle = Residual(now, now, context_size)
        for width in reversed(widths):
            for _ in range(blocks):
                self.up.append(Residual(now + stack.pop(), width, context_size))
                now = width
        self.last = nn.Sequential(nn.GroupNorm(8, now), nn.SiLU(), nn.Conv2d(now, now, 3, padding=1), nn.SiLU())
        self.blocks = blocks

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        B, _, H, W = x_t.shape
        embedding = F.silu(self.embedding(t, context))  # (B, context_size)
        h = self.first(torch.cat([x_t, t.expand(B, 1, H, W)], dim=1))  # (B, widths[0], H, W)
        shortcuts = []
        for i, block in enumerate(self.down):
            if i and i % self.blocks == 0:
                h = F.avg_pool2d(h, 2)  # half the height and width
            h = block(h, embedding)
            shortcuts.append(h)
        h = self.middle(h, embedding)  # (B, widths[-1], H / 2^k, W / 2^k)
        for i, block in enumerate(self.up):
            if i and i % self.blocks == 0:
                h = F.interpolate(h, scale_factor=2.0, mode="nearest")
            h = block(torch.cat([h, shortcuts.pop()], dim=1), embedding)
        return self.last(h)  # (B, widths[0], H, W)


class GatedLayer(nn.Module):
    """One layer of the gated PixelCNN: a stack that looks up, a stack that looks left (chapter 10).

    The vertical stack sees the rows above, whole; the horizontal one sees its own row to the left and,
    at every layer, what the vertical one has seen. One stack alone leaves a blind spot to the upper
    right. Source: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders".
    """

    def __init__(self, before: int, width: int, kernel: int, context_size: int, first: bool) -> None:
        super().__init__()
        reach = kernel // 2
        self.first, self.reach, self.rows = first, reach, reach + (0 if first else 1)
        self.vertical = nn.Conv2d(before, 2 * width, (self.rows, kernel))
        self.horizontal = nn.Conv2d(before, 2 * width, (1, self.rows))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.context = nn.Linear(context_size, 4 * width)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, v: Tensor, h: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
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
        return _gate(v), passed

    def look_left(self, left: Tensor, passed: Tensor, h: Tensor) -> Tensor:
        """The horizontal stack: from padded pixels to the left and what the vertical stack passed."""
        h_out = self.out(_gate(self.horizontal(left) + passed))
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

    >>> net = CausalConv(size=8, width=16, layers=3)
    >>> x = torch.zeros(1, 1, 8, 8, requires_grad=True)
    >>> net(x, torch.zeros(1, 1, 8, 8), None)[0, :, 4, 4].sum().backward()
    >>> bool(x.grad.flatten()[4 * 8 + 4 :].any())        # pixel (4, 4) and all after it
    False
    """

    causal = True

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        width: int = 64,
        layers: int = 8,
        kernel: int = 5,
        context_size: int = 128,
    ) -> None:
        super().__init__()
        self.config = dict(
            size=size, channels=channels, width=width, layers=layers, kernel=kernel, context_size=context_size
        )
        for argument, value in self.config.items():
            check_whole(argument, value)
        if kernel % 2 == 0 or kernel < 3:
            raise ValueError(f"kernel is {kernel}; allowed: odd numbers from 3")
        self.shape, self.features, self.context_size = (channels, size, size), width, context_size
        self.layers: Sequence[GatedLayer] = nn.ModuleList(  # type: ignore[assignment]
            GatedLayer(channels + 1 if i == 0 else width, width, kernel, context_size, first=i == 0)
            for i in range(layers)
        )
        self.last = nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU())

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        v = h = _with_ones(x_t)
        for layer in self.layers:
            v, h = layer(v, h, context)
        return self.last(h)

    def next(self, x: Tensor, context: Tensor | None, memory: Memory) -> Tensor:
        row, column = divmod(memory.get("position", 0), self.shape[2])
        reach = self.layers[0].reach
        if not memory:
            # what each layer's vertical stack reads, padded, and what its horizontal stack reads in this row
            sizes = [self.shape[0] + 1] + [self.features] * len(self.layers)
            H, W = self.shape[1:]
            memory["rows"] = [x.new_zeros(len(x), size, H + reach, W + 2 * reach) for size in sizes]
            memory["row"] = [x.new_zeros(len(x), size, 1, W + reach) for size in sizes]
            memory["passed"] = [x.new_empty(0)] * len(self.layers)
        rows, left, passed = memory["rows"], memory["row"], memory["passed"]
        if column == 0:  # a new row: the vertical stacks see the one above for the first time, at all columns
            if row:
                rows[0][:, :, reach + row - 1, reach:-reach] = _with_ones(x)[:, :, row - 1]
            for i, layer in enumerate(self.layers):
                up, passed[i] = layer.look_up(rows[i][:, :, row : row + layer.rows], context)
                rows[i + 1][:, :, reach + row, reach:-reach] = up[:, :, 0]
                left[i].zero_()
        else:
            left[0][:, :, :, reach + column - 1] = _with_ones(x)[:, :, row, column - 1, None]
        h = x.new_empty(0)
        for i, layer in enumerate(self.layers):
            h = layer.look_left(left[i][..., column : column + layer.rows], passed[i][..., column, None], h)
            left[i + 1][..., reach + column, None] = h
        memory["position"] = memory.get("position", 0) + 1
        return self.last(h)


def _with_ones(x: Tensor) -> Tensor:
    """One more channel, of ones: it tells the picture from the zeros of the padding."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


class MaskedConv(nn.Conv2d):
    """A convolution that looks up and to the left: at rows above, and in its own row at what comes before.

    ``centre``: whether it also looks at the present pixel; the first layer of a stack must not. Such
    layers alone, stacked, leave a blind spot to the upper right, which ``GatedLayer`` cures and
    attention does not have (chapter 10; van den Oord et al. 2016).

    >>> MaskedConv(1, 1, kernel=3, centre=False).mask[0, 0].int().tolist()
    [[1, 1, 1], [1, 0, 0]]
    """

    def __init__(self, before: int, after: int, kernel: int, centre: bool) -> None:
        self.reach = check_whole("kernel", kernel) // 2
        super().__init__(before, after, (self.reach + 1, kernel))
        self.mask: Tensor
        self.register_buffer("mask", torch.ones_like(self.weight), persistent=False)
        self.mask[:, :, -1, self.reach + centre :] = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.look(F.pad(x, (self.reach, self.reach, self.reach, 0)))

    def look(self, padded: Tensor) -> Tensor:
        """The convolution alone, of what is padded (or cut out) already."""
        return F.conv2d(padded, self.weight * self.mask, self.bias)


class AttentionBlock(nn.Module):
    """Each place asks all places before it, and itself; then two linear layers. Both are added to what came in.

    A question q and a place's key k are turned by the place's row and column before they meet, so how
    well they match depends on how far apart the two are (rotary positions, Su et al. 2021, here in 2-D).
    Source: Vaswani et al. 2017, with the norms in front.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.net = dense(width, 4 * width, width)

    def forward(self, h: Tensor, turn: Tensor, memory: Memory | None = None) -> Tensor:
        B, N, width = h.shape
        q, k, v = self.qkv(self.norm1(h)).view(B, N, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, N, size)
        q, k = _rotate(q, turn), _rotate(k, turn)
        if memory is None:
            asked = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            place = memory["position"]
            keys, values = memory[self]
            keys[:, :, place], values[:, :, place] = k[:, :, 0], v[:, :, 0]
            asked = F.scaled_dot_product_attention(q, keys[:, :, : place + 1], values[:, :, : place + 1])
        h = h + self.out(asked.transpose(1, 2).reshape(B, N, width))
        return h + self.net(self.norm2(h))


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

    >>> net = CausalTransformer(size=8, width=32, layers=2)
    >>> net(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), None).shape
    torch.Size([2, 32, 8, 8])
    """

    causal = True

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        kernel: int = 7,
        context_size: int = 128,
    ) -> None:
        super().__init__()
        self.config = dict(
            size=size, channels=channels, width=width, layers=layers, heads=heads, kernel=kernel,
            context_size=context_size,
        )  # fmt: skip
        for argument, value in self.config.items():
            check_whole(argument, value)
        if width % (4 * heads):
            raise ValueError(f"width is {width}; allowed with {heads} heads: multiples of {4 * heads}")
        if kernel % 2 == 0 or kernel < 3:
            raise ValueError(f"kernel is {kernel}; allowed: odd numbers from 3")
        self.shape, self.features, self.context_size = (channels, size, size), width, context_size
        self.stem = MaskedConv(channels + 1, width, kernel, centre=True)
        self.place = nn.Parameter(0.02 * torch.randn(2, size, width))  # of each row, of each column
        self.context = nn.Linear(context_size, width)
        self.layers: Sequence[AttentionBlock] = nn.ModuleList(  # type: ignore[assignment]
            AttentionBlock(width, heads) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.turn: Tensor
        self.register_buffer("turn", _turns(size, width // heads), persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        h = self._enter(self.stem(_moved_on(x_t)), self._places(), context)
        for layer in self.layers:
            h = layer(h, self.turn)
        return self.norm(h).transpose(1, 2).unflatten(2, self.shape[1:])

    def next(self, x: Tensor, context: Tensor | None, memory: Memory) -> Tensor:
        if not memory:
            heads, size = self.layers[0].heads, 2 * self.turn.shape[2]
            memory["position"] = 0
            shape = len(x), heads, self.turn.shape[1], size
            for layer in self.layers:  # keys and values of all places, filled one by one
                memory[layer] = x.new_zeros(shape), x.new_zeros(shape)
        here = slice(memory["position"], memory["position"] + 1)
        row, column = divmod(memory["position"], self.shape[2])
        reach = self.stem.reach
        around = F.pad(_moved_on(x), (reach, reach, reach, 0))[:, :, row : row + reach + 1]
        around = around[..., column : column + 2 * reach + 1]
        h = self._enter(self.stem.look(around), self._places()[here], context)
        for layer in self.layers:
            h = layer(h, self.turn[:, here], memory)
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
    flat = F.pad(_with_ones(x).flatten(2), (1, 0))[..., :-1]
    return flat.unflatten(2, x.shape[2:])


def _turns(size: int, numbers: int) -> Tensor:
    """Cosines and sines of every place's angles: a quarter of the numbers for rows, a quarter for columns."""
    rates = torch.logspace(0, -1.5, numbers // 4)  # from 1 radian a pixel to 1/32
    place = torch.arange(size, dtype=torch.float32)
    row, column = place[:, None].expand(size, size).flatten(), place.expand(size, size).flatten()
    angle = torch.cat([row[:, None] * rates, column[:, None] * rates], dim=1)  # (pixels, numbers / 2)
    return torch.stack([angle.cos(), angle.sin()])


# --- labels ----------------------------------------------------------------------------------------


def shake(images: Tensor, random: torch.Generator, angle: float = 0.2, zoom: float = 0.1, shift: float = 0.1) -> Tensor:
    """Each picture a little turned, scaled and moved, at random: more data from the same (B, C, H, W).

    ``angle`` in radians, ``zoom`` as a share, ``shift`` in halves of the picture.
    """
    a, z, x, y = torch.rand(4, len(images), generator=random, device=random.device).to(images.device) * 2 - 1
    cos, sin = torch.cos(angle * a) * (1 + zoom * z), torch.sin(angle * a) * (1 + zoom * z)
    rows = torch.stack([torch.stack([cos, -sin, shift * x], 1), torch.stack([sin, cos, shift * y], 1)], 1)
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    # Outside lies black, which is -1, while grid_sample fills in 0
    return F.grid_sample(images + 1, grid, align_corners=False) - 1


class Classifier(nn.Module):
    """Pictures to labels; its last but one layer gives the features that distances are measured on.

    Training shakes the pictures a little, so that 3,600 digits are enough (chapter 1; metrics).

    >>> net = Classifier(size=16)
    >>> images = torch.zeros(2, 1, 16, 16)
    >>> net(images).shape, net.embed(images).shape
    (torch.Size([2, 10]), torch.Size([2, 64]))
    """

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        classes: int = CLASSES,
        widths: tuple[int, ...] = (32, 64),
        kernel: int = 3,
        features: int = 64,
    ) -> None:
        super().__init__()
        widths = tuple(widths)
        self.config = dict(
            size=size, channels=channels, classes=classes, widths=widths, kernel=kernel, features=features
        )
        self.shape, self.num_features = (channels, size, size), features  # torchmetrics asks for num_features
        layers: list[nn.Module] = []
        for before, after in zip((channels, *widths), widths, strict=False):
            layers += [nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.GroupNorm(8, after), nn.SiLU()]
            layers += [nn.Conv2d(after, after, kernel, padding=kernel // 2), nn.SiLU(), nn.MaxPool2d(2)]
        side = size // 2 ** len(widths)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side * side, features))
        self.last = nn.Sequential(nn.SiLU(), nn.Linear(features, classes))

    def embed(self, images: Tensor) -> Tensor:
        """The features of pictures (B, C, H, W) in [-1, 1]: (B, num_features)."""
        return self.body(check_images("images", images, self.shape))

    def forward(self, images: Tensor) -> Tensor:
        """The logits of the classes: (B, classes)."""
        return self.last(self.embed(images))

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator, part: slice = slice(None)) -> Tensor:
        """The mean cross-entropy of a batch (images, labels), or of a part; shaken while in training mode."""
        images, labels = batch
        return F.cross_entropy(self((shake(images, random) if self.training else images)[part]), labels[part])


class Recogniser(Classifier):
    """Several questions about one picture: what are the layout, the first thing's size, its colour ... (chapter 12)

    ``questions`` says how many answers each has; an answer of -1 means that the question does not apply.

    >>> net = Recogniser(size=32, channels=3, questions=(3, 2, 6))
    >>> net.answers(torch.zeros(4, 3, 32, 32)).shape
    torch.Size([4, 3])
    """

    def __init__(self, size: int, channels: int, questions: tuple[int, ...], **shape: Any) -> None:
        self.questions = tuple(questions)
        super().__init__(size, channels, sum(self.questions), **shape)
        del self.config["classes"]
        self.config["questions"] = self.questions

    def answers(self, images: Tensor) -> Tensor:
        """The likeliest answer to each question: (B, questions)."""
        return torch.stack([part.argmax(dim=1) for part in self(images).split(self.questions, dim=1)], dim=1)

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator, part: slice = slice(None)) -> Tensor:
        """The cross-entropy of a batch (images, answers), or of a part, summed over the questions."""
        images, answers = batch[0][part], batch[1][part]
        return answers_loss(self(images), answers, self.questions)


NETS = {each.__name__: each for each in (MLP, UNet, CausalConv, CausalTransformer, Classifier, Recogniser)}


def config(net: nn.Module) -> dict[str, Any]:
    """What ``build`` needs to make a network of this kind again (its weights apart)."""
    check_choice("net", type(net).__name__, NETS)
    return {"name": type(net).__name__, **net.config}  # type: ignore[dict-item]


def build(config: dict[str, Any]) -> nn.Module:
    """The network that ``config`` described, with fresh weights.

    >>> type(build(config(MLP(size=2)))).__name__
    'MLP'
    """
    arguments = dict(config)
    return NETS[check_choice("net", arguments.pop("name", None), NETS)](**arguments)

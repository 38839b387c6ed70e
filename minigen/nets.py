"""The curves: small networks, written to be read.

A generator's network is called as ``net(x_t, t, context)`` and returns *features*, ``net.features``
numbers for every pixel. It knows neither what is predicted from them (the generator's last layer does
that) nor what the context means: a label or a prompt reaches it as a vector of ``net.context_size``
numbers, or as None. ``net.shape`` is the shape of one example, (C, H, W) or (D,).

``MLP`` is for vectors; ``UNet`` for pictures; ``CausalConv`` for pictures written pixel by pixel;
``Classifier`` turns pictures into labels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.data import CLASSES
from minigen.errors import check_choice, check_images, check_whole


class Net(nn.Module):
    """What a generator asks of its network: a ``forward(x_t, t, context)`` and these attributes."""

    shape: tuple[int, ...]
    features: int
    context_size: int
    config: dict[str, Any]
    causal: bool = False


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

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        """The mean loss over a batch (inputs, answers)."""
        inputs, answers = batch
        return self.LOSSES[self.loss_name](self(inputs), answers)


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
        v_new, h_new = self.vertical(above), self.horizontal(left)
        h_new = h_new + self.link(v_new)
        if context is not None:
            shift_v, shift_h = self.context(context)[:, :, None, None].chunk(2, dim=1)
            v_new, h_new = v_new + shift_v, h_new + shift_h
        v_out, h_out = (torch.tanh(a) * torch.sigmoid(b) for a, b in (v_new.chunk(2, 1), h_new.chunk(2, 1)))
        h_out = self.out(h_out)
        return v_out, h_out if first else h + h_out


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
        self.layers = nn.ModuleList(
            GatedLayer(channels + 1 if i == 0 else width, width, kernel, context_size, first=i == 0)
            for i in range(layers)
        )
        self.last = nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU())

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        # A channel of ones tells the picture from the zeros of the padding
        v = h = torch.cat([x_t, torch.ones_like(x_t[:, :1])], dim=1)
        for layer in self.layers:
            v, h = layer(v, h, context)
        return self.last(h)


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

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        """The mean cross-entropy of a batch (images, labels); shaken while in training mode."""
        images, labels = batch
        return F.cross_entropy(self(shake(images, random) if self.training else images), labels)


NETS = {each.__name__: each for each in (MLP, UNet, CausalConv, Classifier)}


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

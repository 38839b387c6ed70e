"""The course's picture network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import check_whole, check_wholes
from minigen.nets.net import LevelEmbedding, Net


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
        """(B, before, H, W) to (B, after, H, W), told by ``embedding``, (B, numbers), the level and the context."""
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
        widths = check_wholes("widths", widths, such="(32, 64, 128)")
        sizes = dict(size=size, channels=channels, blocks=blocks, context_size=context_size)
        for argument, value in sizes.items():
            check_whole(argument, value)
        if any(width % 8 for width in widths):
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
        """The features, (B, features, H, W), of pictures (B, C, H, W) at the levels ``t``, (B, 1, 1 or H, 1 or W)."""
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

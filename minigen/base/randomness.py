"""Random numbers that can be asked for again: by seed, on any device, in any batch size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

BLOCK = 64
"""Images that share one stream of random numbers when sampling."""


def seeded(*entropy: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for this tuple of whole numbers, such as ``(seed, block)`` or ``(seed, iteration)``.

    Torch's CPU generator keeps only the lowest 32 bits of its seed, so neighbouring seeds can't simply
    be added or multiplied together; NumPy's ``SeedSequence`` mixes them well.

    >>> torch.rand(1, generator=seeded(0, 1)) == torch.rand(1, generator=seeded(0, 1))
    tensor([True])
    >>> torch.rand(1, generator=seeded(0, 1)) == torch.rand(1, generator=seeded(1, 0))
    tensor([False])
    """
    state = np.random.SeedSequence([abs(int(part)) * 2 + (part < 0) for part in entropy]).generate_state(1)
    return torch.Generator(device).manual_seed(int(state[0]))


class Blocks:
    """The random numbers of images ``first`` to ``first + count - 1`` of a run with this seed.

    Image i belongs to block i // 64, and each block draws for all its 64 images, wanted or not. So
    image i gets the same numbers whatever the batch size, and on whatever device (they come from the
    CPU). The loops run over blocks, never over images.

    >>> whole, part = Blocks(seed=0, first=0, count=100), Blocks(seed=0, first=70, count=5)
    >>> torch.equal(whole.normal((3,))[70:75], part.normal((3,)))
    True
    """

    def __init__(self, seed: int, first: int, count: int, device: torch.device | str = "cpu") -> None:
        blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
        self._streams = [seeded(seed, block) for block in blocks]
        self._wanted = slice(first % BLOCK, first % BLOCK + count)
        self._device = device

    def draw(self, make: Callable[[int, torch.Generator], Tensor]) -> Tensor:
        """``make(64, generator)`` once a block, put together and cut to the wanted images."""
        return torch.cat([make(BLOCK, stream) for stream in self._streams])[self._wanted].to(self._device)

    def draw_some(self, make: Callable[[int, torch.Generator], Tensor | None]) -> Tensor | None:
        """As ``draw``, for a ``make`` that may have nothing to draw and then returns None."""
        blocks = [block for stream in self._streams if (block := make(BLOCK, stream)) is not None]
        return torch.cat(blocks)[self._wanted].to(self._device) if blocks else None

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers of shape (count, *shape)."""
        return self.draw(lambda count, stream: torch.randn(count, *shape, generator=stream))

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform numbers in [0, 1) of shape (count, *shape)."""
        return self.draw(lambda count, stream: torch.rand(count, *shape, generator=stream))

"""What a generator drew on the way: the same few pictures, from the same noise, while it learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from minigen.base import store
from minigen.sampling import sample

COUNT, STEPS, HALVINGS = 8, 16, 5


def moments_of(iterations: int) -> list[int]:
    """After which updates it draws: a thirty-second of all, a sixteenth, ..., all; fewer where these fall together.

    >>> moments_of(320), moments_of(3)
    ([10, 20, 40, 80, 160, 320], [1, 2, 3])
    """
    return sorted({-(-iterations // 2**halved) for halved in range(HALVINGS + 1)})


class Moments:
    """Looks on at ``train``, draws, and keeps what was drawn in a file, so that a run that was stopped has it all.

    Args:
        path: the file, beside the checkpoint.
        fresh: forget what is in the file: it is of a run that can't be gone on with.
        seed: of the noise that each of the pictures begins with.

    Attributes:
        pictures: after how many updates, and what was drawn then, (8, C, H, W) in steps of 256.
    """

    def __init__(self, path: str | Path, fresh: bool = True, seed: int = 0) -> None:
        self.path, self.seed, self._begun = Path(path), seed, False
        self.pictures: dict[int, Tensor] = {} if fresh else _kept(self.path)

    def __call__(self, iteration: int, iterations: int, model: Any) -> None:
        """Draw, if it is time; a run that went back to its checkpoint draws again what it had drawn after that."""
        if not self._begun:
            self.pictures = {then: drawn for then, drawn in self.pictures.items() if then < iteration}
            self._begun = True
        if iteration in moments_of(iterations):
            drawn = sample(model, COUNT, **{**model.sampling, "steps": STEPS, "seed": self.seed})
            self.pictures[iteration] = _shown(_bytes(drawn))
            store.save(self.path, {str(then): _bytes(drawn) for then, drawn in self.pictures.items()}, {})


def _bytes(pictures: Tensor) -> Tensor:
    return ((pictures.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def _shown(values: Tensor) -> Tensor:
    return values.float() / 127.5 - 1


def _kept(path: Path) -> dict[int, Tensor]:
    """What is in the file; nothing if it can't be read, since the pictures are only to be looked at."""
    try:
        found, _ = store.load(path)
        return {int(then): _shown(values) for then, values in found.items()}
    except (OSError, ValueError):
        return {}

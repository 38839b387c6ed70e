"""The course's data: handwritten digits that come with the package, and points for curves.

Pictures are float32 tensors (count, channels, height, width) with values in [-1, 1]: -1 black, 1 white.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from minigen.errors import check_choice, check_number, check_whole
from minigen.randomness import seeded

SPLITS = {"train": slice(0, 3600), "validation": slice(3600, 4000), "held-out": slice(4000, 5000)}
SIZES = (8, 16, 28, 32)
CLASSES = 10


@lru_cache(maxsize=1)
def _digits_file() -> tuple[Tensor, Tensor]:
    with (files("minigen") / "files" / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"]).long()


def digits(size: int = 16, split: str = "train") -> tuple[Tensor, Tensor]:
    """Handwritten digits and their labels: 3,600 for training, 400 for validation, 1,000 held out.

    Every choice (when to stop, which learning rate) reads "validation"; "held-out" is for the final
    score alone. All three hold the ten digits equally often, in a fixed shuffled order.

    Args:
        size: 16 is the course's working size: padded to 32x32, then 2x2 averaged. Also 8, 28, 32.
        split: "train", "validation" or "held-out".

    Returns:
        images (count, 1, size, size) float32 in [-1, 1], labels (count,) int64.

    Source: 5,000 MNIST digits (LeCun and Cortes, CC BY-SA 3.0). Chapter 1 meets them first.

    >>> images, labels = digits(size=16)
    >>> images.shape, labels.bincount().tolist()
    (torch.Size([3600, 1, 16, 16]), [360, 360, 360, 360, 360, 360, 360, 360, 360, 360])
    """
    size = int(check_choice("size", size, SIZES))
    part = SPLITS[check_choice("split", split, SPLITS)]
    pictures, labels = _digits_file()
    images = pictures[part, None].float() / 255
    if size != 28:
        images = F.avg_pool2d(F.pad(images, (2, 2, 2, 2)), 32 // size)
    return images * 2 - 1, labels[part].clone()


def curve(count: int = 12, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Dots around a sine for chapter 1's first fit: x (count, 1) in [-3, 3], y (count, 1).

    >>> x, y = curve(count=12)
    >>> x.shape, bool((x.diff(dim=0) > 0).all())
    (torch.Size([12, 1]), True)
    """
    check_whole("count", count)
    check_number("noise", noise, 0)
    random = seeded(seed)
    x = torch.rand(count, 1, generator=random).mul(6).sub(3).sort(dim=0).values
    return x, torch.sin(1.5 * x) + noise * torch.randn(count, 1, generator=random)


def branches(count: int = 400, noise: float = 0.05, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two right answers for every x in [-1, 1]: y near +(1 + x) / 2 or near -(1 + x) / 2, equally often.

    Least squares can't take both, so it lands between them, on 0, where no dot is (chapter 2).

    >>> x, y = branches(count=10_000)
    >>> bool(y.mean().abs() < 0.03)
    True
    """
    check_whole("count", count)
    check_number("noise", noise, 0)
    random = seeded(seed)
    x = torch.rand(count, 1, generator=random).mul(2).sub(1)
    side = torch.randint(2, (count, 1), generator=random).mul(2).sub(1)
    return x, side * (1 + x) / 2 + noise * torch.randn(count, 1, generator=random)

"""Handwritten digits, which come with the package: what nearly every chapter is about."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from minigen.base.errors import check_choice

SPLITS = {"train": slice(0, 3600), "validation": slice(3600, 4000), "held-out": slice(4000, 5000)}

SIZES = (8, 16, 28, 32)

CLASSES = 10


@lru_cache(maxsize=1)
def _digits_file() -> tuple[Tensor, Tensor]:
    with (files("minigen.data") / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
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
    return at_size(pictures[part], size), labels[part].clone()


def at_size(pictures: Tensor, size: int) -> Tensor:
    """Grey bytes (count, 28, 28) as images (count, 1, size, size): padded to 32x32, then averaged."""
    images = pictures[:, None].float() / 255
    if size != 28:
        images = F.avg_pool2d(F.pad(images, (2, 2, 2, 2)), 32 // size)
    return images * 2 - 1

"""The course's data: handwritten digits that come with the package, clothes, captioned scenes, and points for curves.

Pictures are float32 tensors (count, channels, height, width) with values in [-1, 1]: -1 black, 1 white.
"""

from __future__ import annotations

import gzip
import hashlib
import urllib.request
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from minigen import scenes as _scenes
from minigen.errors import check_choice, check_number, check_whole
from minigen.randomness import seeded
from minigen.store import write_atomically

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
    return _at_size(pictures[part], size), labels[part].clone()


def _at_size(pictures: Tensor, size: int) -> Tensor:
    """Grey bytes (count, 28, 28) as images (count, 1, size, size): padded to 32x32, then averaged."""
    images = pictures[:, None].float() / 255
    if size != 28:
        images = F.avg_pool2d(F.pad(images, (2, 2, 2, 2)), 32 // size)
    return images * 2 - 1


# --- Fashion-MNIST ---------------------------------------------------------------------------------

FASHION_PLACES = (
    Path("/usr/share/datasets/fashion-mnist"),  # Debian's package dataset-fashion-mnist
    Path.home() / ".cache" / "minigen" / "fashion-mnist",  # where download=True puts it
)
FASHION_ADDRESS = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FASHION_FILES = {  # SHA-256 of what is inside: the archives differ from place to place
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FASHION_SPLITS = {
    "train": ("train", slice(0, 54_000)),
    "validation": ("train", slice(54_000, 60_000)),
    "held-out": ("t10k", slice(0, 10_000)),
}


def fashion(
    size: int = 16, split: str = "train", folder: str | Path | None = None, download: bool = False
) -> tuple[Tensor, Tensor]:
    """Pieces of clothing in grey and their kinds: 54,000 for training, 6,000 for validation, 10,000 held out.

    They do not come with the package: nothing in the course needs them but chapter 11's question whether
    what holds for digits holds for other pictures.

    Args:
        size, split: as for ``digits``.
        folder: where the four ``.gz`` files are; None looks where Debian's package
            ``dataset-fashion-mnist`` and an earlier download put them.
        download: fetch what is missing (31 MB) into ``folder``, or into a cache in the home folder.

    Returns:
        images (count, 1, size, size) float32 in [-1, 1], labels (count,) int64 from 0 to 9.

    Raises:
        FileNotFoundError: if they are nowhere; it says how to get them.
        ValueError: if a file is not the published one.

    Source: Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv 1708.07747; Zalando SE, MIT licence).
    """
    size = int(check_choice("size", size, SIZES))
    name, part = FASHION_SPLITS[check_choice("split", split, FASHION_SPLITS)]
    places = FASHION_PLACES if folder is None else (Path(folder),)
    pictures, labels = (
        _fashion_file(f"{name}-{rest}", places, download) for rest in ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
    )
    return _at_size(pictures[16:].view(-1, 28, 28)[part], size), labels[8:][part].long()


@lru_cache(maxsize=4)
def _fashion_file(name: str, places: tuple[Path, ...], download: bool) -> Tensor:
    """The bytes of one of the four files, unpacked and checked; the first 16 or 8 are its header."""
    path = next((place / name for place in places if (place / name).is_file()), places[-1] / name)
    if not path.is_file():
        if not download:
            raise FileNotFoundError(
                f"Fashion-MNIST's {name} is not in {' or '.join(map(str, places))}; allowed: a folder that has it,"
                " download=True, or, on Debian, apt-get install dataset-fashion-mnist"
            )
        with urllib.request.urlopen(FASHION_ADDRESS + name, timeout=60) as answer:
            packed = answer.read()
        _unpacked(packed, name)  # what is not the published file is not kept
        write_atomically(path, packed)
    return torch.frombuffer(bytearray(_unpacked(path.read_bytes(), str(path))), dtype=torch.uint8)


def _unpacked(packed: bytes, path: str) -> bytes:
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError) as reason:
        raise ValueError(f"{path} is no whole gzip file ({reason})") from reason
    if hashlib.sha256(content).hexdigest() != FASHION_FILES[Path(path).name]:
        raise ValueError(f"{path} does not hold the published file: a changed or broken one")
    return content


SOURCES = {"digits": digits, "fashion": fashion}
"""Sets of pictures by name, each a function of size and split."""

scenes = _scenes.scenes
SCENE_WORDS = _scenes.WORDS
"""Coloured shapes with captions, endless: the file ``scenes.py`` draws them (chapters 12 and 13)."""


# --- points for curves -----------------------------------------------------------------------------


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

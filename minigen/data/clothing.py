"""Fashion-MNIST: pieces of clothing, of which there are many more. They are read from a folder, or downloaded."""

from __future__ import annotations

import gzip
import hashlib
import urllib.request
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_truth
from minigen.base.store import write_atomically
from minigen.data.handwriting import SIZES, at_size

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
    check_truth("download", download)
    name, part = FASHION_SPLITS[check_choice("split", split, FASHION_SPLITS)]
    places = FASHION_PLACES if folder is None else (Path(folder),)
    pictures, labels = (
        _fashion_file(f"{name}-{rest}", places, download) for rest in ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
    )
    return at_size(pictures[16:].view(-1, 28, 28)[part], size), labels[8:][part].long()


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

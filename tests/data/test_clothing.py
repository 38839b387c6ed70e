"""Fashion-MNIST: read from a folder or downloaded, and only if it is the published one."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from minigen import data
from minigen.data import clothing


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small files in the published format, known to ``clothing`` by their checksums."""
    random = np.random.default_rng(0)
    contents = {
        "train-images-idx3-ubyte.gz": b"h" * 16 + random.integers(0, 256, 60 * 28 * 28, dtype=np.uint8).tobytes(),
        "train-labels-idx1-ubyte.gz": b"h" * 8 + bytes(range(10)) * 6,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(gzip.compress(content))
        monkeypatch.setitem(clothing.FASHION_FILES, name, hashlib.sha256(content).hexdigest())
    splits = {"train": ("train", slice(0, 50)), "validation": ("train", slice(50, 60)), "held-out": ("t10k", slice(9))}
    monkeypatch.setattr(clothing, "FASHION_SPLITS", splits)
    clothing._fashion_file.cache_clear()
    return tmp_path


def test_clothes_are_the_bytes_of_the_file(shelf: Path) -> None:
    images, labels = data.fashion(28, "validation", folder=shelf)
    content = gzip.decompress((shelf / "train-images-idx3-ubyte.gz").read_bytes())
    by_hand = np.frombuffer(content[16:], np.uint8).reshape(60, 1, 28, 28)[50:] / 127.5 - 1
    assert torch.allclose(images, torch.from_numpy(by_hand).float(), atol=1e-6)
    assert labels.tolist() == list(range(10))
    small, _ = data.fashion(16, "validation", folder=shelf)
    padded = F.pad(images, (2, 2, 2, 2), value=-1.0)
    assert torch.allclose(small, padded.view(10, 1, 16, 2, 16, 2).mean(dim=(3, 5)), atol=1e-6)


def test_clothes_that_are_nowhere_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"allowed: a folder that has it, download=True, or, on Debian"):
        data.fashion(folder=tmp_path)


def test_clothes_of_a_changed_or_broken_file_are_refused(shelf: Path) -> None:
    path = shelf / "train-labels-idx1-ubyte.gz"
    whole = path.read_bytes()
    for content, reason in ((gzip.compress(b"h" * 8 + bytes(60)), "published"), (whole[:20], "no whole gzip")):
        path.write_bytes(content)
        clothing._fashion_file.cache_clear()
        with pytest.raises(ValueError, match=reason):
            data.fashion(folder=shelf)


def test_a_download_is_checked_before_it_is_kept(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clothing, "FASHION_ADDRESS", shelf.as_uri() + "/")
    images, labels = data.fashion(folder=tmp_path / "new", download=True)
    assert (len(images), len(labels)) == (50, 50)
    (shelf / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"an error page"))
    clothing._fashion_file.cache_clear()
    with pytest.raises(ValueError, match="published"):
        data.fashion(folder=tmp_path / "newer", download=True)
    assert not (tmp_path / "newer" / "train-images-idx3-ubyte.gz").exists()


@pytest.mark.skipif(not clothing.FASHION_PLACES[0].is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_all_clothes() -> None:
    for split, count in (("train", 54_000), ("validation", 6_000), ("held-out", 10_000)):
        images, labels = data.fashion(split=split)
        assert images.shape == (count, 1, 16, 16)
        assert labels.unique().tolist() == list(range(10))
        assert images.min() == -1
    assert labels.bincount().tolist() == [1000] * 10

"""The digits: counts, splits, ranges, sizes that agree."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from minigen import data
from minigen.data import handwriting

COUNTS = {"train": 3600, "validation": 400, "held-out": 1000}


@pytest.mark.parametrize("size", data.SIZES)
@pytest.mark.parametrize("split", COUNTS)
def test_counts_range_and_dtype(size: int, split: str) -> None:
    images, labels = data.digits(size, split)
    count = COUNTS[split]
    assert images.shape == (count, 1, size, size)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert labels.shape == (count,)
    assert labels.bincount().tolist() == [count // 10] * 10
    assert images.min() == -1
    assert 0.9 < images.max() <= 1
    assert images.mean() < -0.5  # white on black
    assert labels[:20].unique().numel() > 5  # shuffled, not sorted by class


def test_default_is_the_training_split_at_sixteen() -> None:
    for default, told, number in zip(data.digits(), data.digits(16, "train"), data.digits(16.0), strict=True):
        assert torch.equal(default, told)
        assert torch.equal(number, told)


def test_no_picture_is_in_two_splits_or_twice() -> None:
    seen: dict[bytes, str] = {}
    for split in COUNTS:
        for picture in data.digits(28, split)[0].numpy():
            key = picture.tobytes()
            assert key not in seen, f"in {seen[key]} and in {split}"
            seen[key] = split
    assert len(seen) == 5000


def test_sizes_are_the_same_pictures() -> None:
    by_size = {size: data.digits(size, "validation")[0] for size in data.SIZES}
    by_hand = by_size[32].view(400, 1, 16, 2, 16, 2).mean(dim=(3, 5))
    assert torch.allclose(by_size[16], by_hand, atol=1e-6)
    assert torch.allclose(by_size[8], by_size[16].view(400, 1, 8, 2, 8, 2).mean(dim=(3, 5)), atol=1e-6)
    assert torch.equal(by_size[32][:, :, 2:-2, 2:-2], by_size[28])
    assert torch.equal(by_size[32], F.pad(by_size[28], (2, 2, 2, 2), value=-1.0))
    # the grey values are the file's
    levels = (by_size[28] + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_labels_are_right() -> None:
    """A digit is nearest to the mean training picture of its own class far more often than by chance."""
    images, labels = data.digits(16, "train")
    held, truth = data.digits(16, "held-out")
    means = torch.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
    guess = torch.cdist(held.flatten(1), means.flatten(1)).argmin(dim=1)
    assert (guess == truth).float().mean() > 0.75


def test_what_a_reader_changes_stays_with_the_reader() -> None:
    images, labels = data.digits(28)
    kept_images, kept_labels = images.clone(), labels.clone()
    images.zero_()
    labels.zero_()
    again = data.digits(28)
    assert torch.equal(again[0], kept_images)
    assert torch.equal(again[1], kept_labels)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 20}, "size is 20; allowed: 8, 16, 28, 32; the nearest is 16"),
        ({"size": 0}, "size is 0; allowed: 8, 16, 28, 32; the nearest is 8"),
        ({"size": "16"}, "size is '16'; allowed: 8, 16, 28, 32"),
        (
            {"split": "heldout"},
            "split is 'heldout'; allowed: 'train', 'validation', 'held-out'; did you mean 'held-out'?",
        ),
        ({"split": "test"}, "split is 'test'; allowed: 'train', 'validation', 'held-out'"),
        ({"split": None}, "split is None; allowed: 'train'"),
    ],
)
def test_errors_name_the_argument_and_what_is_allowed(given: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        data.digits(**given)


def test_the_file_is_read_without_pickle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real file holds plain arrays; one that holds objects is refused, and nothing in it runs."""
    path = Path(data.__file__).parent / "digits.npz"
    with np.load(path, allow_pickle=False) as arrays:
        assert {name: (arrays[name].dtype, arrays[name].shape) for name in arrays} == {
            "images": (np.dtype("uint8"), (5000, 28, 28)),
            "labels": (np.dtype("uint8"), (5000,)),
        }

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "ran").write_text, ("boo",))

    np.savez(tmp_path / "digits.npz", images=np.array([Evil()], dtype=object), labels=np.zeros(1))
    monkeypatch.setattr(handwriting, "files", lambda package: tmp_path)
    handwriting._digits_file.cache_clear()
    try:
        with pytest.raises(ValueError, match="allow_pickle=False"):
            data.digits()
    finally:
        handwriting._digits_file.cache_clear()
    assert not (tmp_path / "ran").exists()

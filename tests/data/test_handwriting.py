"""The data: counts, splits, ranges, sizes that agree, and points for curves."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from minigen import data

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

    (tmp_path / "files").mkdir()
    np.savez(tmp_path / "files" / "digits.npz", images=np.array([Evil()], dtype=object), labels=np.zeros(1))
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    data._digits_file.cache_clear()
    try:
        with pytest.raises(ValueError, match="allow_pickle=False"):
            data.digits()
    finally:
        data._digits_file.cache_clear()
    assert not (tmp_path / "ran").exists()


# --- points ----------------------------------------------------------------------------------------


def test_curve_is_a_sorted_noisy_sine() -> None:
    x, y = data.curve(count=2000, noise=0.1, seed=3)
    assert x.shape == y.shape == (2000, 1)
    assert bool((x.diff(dim=0) >= 0).all())
    assert -3 <= x.min() < -2.9
    assert 2.9 < x.max() <= 3
    rest = y - torch.sin(1.5 * x)
    assert abs(rest.mean().item()) < 0.01
    assert rest.std().item() == pytest.approx(0.1, rel=0.06)
    exact_x, exact_y = data.curve(count=50, noise=0.0)
    assert torch.equal(exact_y, torch.sin(1.5 * exact_x))


def test_branches_has_two_right_answers() -> None:
    x, y = data.branches(count=20_000, noise=0.0, seed=1)
    assert x.shape == y.shape == (20_000, 1)
    assert -1 <= x.min() < -0.99
    assert 0.99 < x.max() <= 1
    assert torch.allclose(y.abs(), (1 + x) / 2, atol=1e-7)
    assert (y > 0).float().mean().item() == pytest.approx(0.5, abs=0.015)
    right = x[:, 0] > 0.5  # the side does not depend on x
    assert (y[right] > 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    noisy_x, noisy_y = data.branches(count=20_000, noise=0.05, seed=1)
    assert torch.equal(noisy_x, x)
    assert (noisy_y - y).std().item() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("points", [data.curve, data.branches])
def test_points_come_by_seed(points: object) -> None:
    same, again, other = points(seed=4), points(seed=4), points(seed=5)
    assert all(torch.equal(a, b) for a, b in zip(same, again, strict=True))
    assert not torch.equal(same[0], other[0])
    for given, message in (
        ({"count": 0}, "count is 0; allowed: whole numbers from 1"),
        ({"noise": -0.1}, "noise is -0.1; allowed: finite numbers in [0, inf)"),
        ({"noise": float("nan")}, "noise is nan; allowed"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            points(**given)


# --- Fashion-MNIST ---------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small files in the published format, known to ``data`` by their checksums."""
    random = np.random.default_rng(0)
    contents = {
        "train-images-idx3-ubyte.gz": b"h" * 16 + random.integers(0, 256, 60 * 28 * 28, dtype=np.uint8).tobytes(),
        "train-labels-idx1-ubyte.gz": b"h" * 8 + bytes(range(10)) * 6,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(gzip.compress(content))
        monkeypatch.setitem(data.FASHION_FILES, name, hashlib.sha256(content).hexdigest())
    splits = {"train": ("train", slice(0, 50)), "validation": ("train", slice(50, 60)), "held-out": ("t10k", slice(9))}
    monkeypatch.setattr(data, "FASHION_SPLITS", splits)
    data._fashion_file.cache_clear()
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
        data._fashion_file.cache_clear()
        with pytest.raises(ValueError, match=reason):
            data.fashion(folder=shelf)


def test_a_download_is_checked_before_it_is_kept(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "FASHION_ADDRESS", shelf.as_uri() + "/")
    images, labels = data.fashion(folder=tmp_path / "new", download=True)
    assert (len(images), len(labels)) == (50, 50)
    (shelf / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"an error page"))
    data._fashion_file.cache_clear()
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

"""A folder of a reader's own pictures as training data: one call, and a count of what became of every file."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_number, check_path, check_seed, check_truth, check_whole, nearest
from minigen.base.randomness import seeded
from minigen.data import kept
from minigen.data.files import FITS, NO_PICTURE, Look, find, kinds
from minigen.data.handwriting import SPLITS as DIGITS_SPLITS

SPLITS = tuple(DIGITS_SPLITS)

LARGEST = 1024
"""Pixels on a side; the nets here are made for much smaller ones."""


@dataclass(frozen=True, eq=False, repr=False)
class Folder:
    """What ``folder`` found. Printed, it is a count of what was taken and what was not.

    Attributes:
        path: the folder.
        files: where each picture is inside the folder, in the order of all that follows.
        labels: (count,) int64, or None; ``names[labels[i]]`` is the sub-folder that picture i lies in.
        names: the names of the labels, in their order.
        left_out: the files that were not taken, each with the reason.
        copies: files whose pictures are the same to the pixel, in groups; each group lies in one split.
        enlarged: how many pictures were smaller than ``size``, and are blurred therefore.
        part: (count,) int64: 0 is training, 1 validation, 2 held out.
    """

    path: Path
    files: tuple[str, ...]
    labels: Tensor | None
    names: tuple[str, ...]
    left_out: dict[str, str]
    copies: tuple[tuple[str, ...], ...]
    enlarged: int
    part: Tensor
    _bytes: np.ndarray
    _rows: np.ndarray
    _channels: int

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """One picture's channels, height and width: what a net is made for."""
        return (self._channels, *self._bytes.shape[2:])

    @property
    def pictures(self) -> Tensor:
        """All pictures at once: (count, C, H, W) float32 in [-1, 1], made anew at each call."""
        return self.at(torch.arange(len(self)))

    def at(self, indices: Tensor) -> Tensor:
        """Some of the pictures, by their places in ``files``; only these come into memory."""
        chosen = self._bytes[self._rows[indices.cpu().numpy()], : self._channels]  # a copy, also of what is on disk
        return torch.from_numpy(np.ascontiguousarray(chosen)).float().div_(127.5).sub_(1)

    def indices(self, split: str = "train") -> Tensor:
        """The places in ``files`` of "train", "validation" or "held-out"."""
        return (self.part == SPLITS.index(check_choice("split", split, SPLITS))).nonzero()[:, 0]

    def split(self, split: str = "train") -> tuple[Tensor, ...]:
        """What ``train`` takes: pictures of "train", "validation" or "held-out", and their labels if they have any."""
        rows = self.indices(split)
        return (self.at(rows),) if self.labels is None else (self.at(rows), self.labels[rows])

    def batches(self, split: str = "train") -> Callable[[int, torch.Generator], tuple[Tensor, ...]]:
        """The same for more than fits into memory: a function that ``train`` asks for each batch, drawn with
        replacement. Only that batch is read.

        ``mg.train(model, found.batches(), validation=found.split("validation"))``
        """
        rows = self.indices(split)

        def draw(count: int, random: torch.Generator) -> tuple[Tensor, ...]:
            chosen = rows[torch.randint(len(rows), (count,), generator=random, device=random.device).cpu()]
            found = (self.at(chosen),) if self.labels is None else (self.at(chosen), self.labels[chosen])
            return tuple(each.to(random.device) for each in found)

        return draw

    def source(self, size: int, split: str) -> tuple[Tensor, ...]:
        """The same as the ``source`` of a recipe, whose size must be that of the pictures."""
        check_choice("size", size, [self.shape[-1]])
        return self.split(split)

    def record(self) -> dict[str, Any]:
        """What weights say of the pictures that they learned from, so that these are known again.

        The checksum is of each picture's pixels, label and split, not of the files' names or their order.
        """
        marks = []
        for place, row in enumerate(self._rows):
            pixels = hashlib.sha256(self._bytes[row, : self._channels].tobytes()).hexdigest()
            label = "" if self.labels is None else self.names[int(self.labels[place])]
            marks.append(f"{pixels} {int(self.part[place])} {label}".encode("utf-8", "surrogateescape"))
        checksum = hashlib.sha256(b"\n".join(sorted(marks))).hexdigest()
        return {"count": len(self), "names": list(self.names), "checksum": checksum}

    @property
    def _torn(self) -> str:
        """What is said of pictures that lie under several labels."""
        if self.labels is None:
            return ""
        label = dict(zip(self.files, self.labels.tolist(), strict=True))
        torn = [group for group in self.copies if len({label[file] for file in group}) > 1]
        return f", {len(torn)} of them under several labels, such as {torn[0][0]}" if torn else ""

    def __repr__(self) -> str:
        channels, height, width = self.shape
        colours = {1: "grey", 3: "colour"}[channels]
        every = len(self) + len(self.left_out)
        lines = [f"{len(self)} pictures, {height} x {width}, {colours}, of {every} files in {_short(self.path)}"]
        if self.labels is not None:
            each = self.labels.bincount(minlength=len(self.names)).tolist()
            lines.append(_some("labels", [f"{name} {count}" for name, count in zip(self.names, each, strict=True)]))
        counts = self.part.bincount(minlength=3).tolist()
        lines.append("splits: " + ", ".join(f"{name} {n}" for name, n in zip(SPLITS, counts, strict=True)))
        if self.copies:
            groups = "1 group" if len(self.copies) == 1 else f"{len(self.copies)} groups"
            lines.append(f"exact copies: {sum(map(len, self.copies))} pictures in {groups}{self._torn}")
        if self.enlarged:
            lines.append(f"enlarged, since they are smaller: {self.enlarged}")
        if self.left_out:
            heads = {name: why.partition(" (")[0] for name, why in self.left_out.items()}
            reasons = Counter(heads.values())
            lines.append(_some(f"left out: {len(heads)}", [f"{count} {why}" for why, count in reasons.most_common()]))
            rare = sorted(heads, key=lambda name: reasons[heads[name]])  # what is one of few is what one looks for
            lines += [f"  {name}: {self.left_out[name]}" for name in rare[:5] if heads[name] != NO_PICTURE]
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def _short(path: Path) -> str:
    """The path as one writes it: ``~`` is the reader's home, which is nobody else's business in a notebook.

    >>> _short(Path.home() / "icons")
    '~/icons'
    """
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _some(title: str, parts: Sequence[str], most: int = 12) -> str:
    """The first few of many.

    >>> _some("labels", ["cats 2", "dogs 3", "owls 1"], most=2)
    'labels: cats 2, dogs 3 and 1 more'
    """
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return f"{title}: {', '.join(parts[:most])}{more}"


def folder(
    path: str | Path,
    size: int,
    channels: int | None = None,
    labels: str | None = "folders",
    fit: str = "crop",
    background: float = 1.0,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    cache: bool | str | Path = True,
    progress: bool = False,
) -> Folder:
    """Your own pictures: every file below a folder, brought to one size, in three splits that share nothing.

    Grey, colour, palettes, CMYK, 16 bits; turned as the camera noted (EXIF); of an animation the first frame. What is
    broken, unreadable or no picture is left out, and the result says which and why. Nothing in the folder is changed.

    Pictures that are the same to the pixel once they have this size are copies: they go to the same split, because
    what is trained on must not be what is scored with. Pictures that are only alike (the same one, brighter; the next
    of a series) are not noticed: keep such groups out of the folder, or read the scores with that in mind.

    Args:
        path: the folder, with sub-folders to any depth.
        size: pixels on a side; 16 and 32 train in minutes.
        channels: 1 (grey) or 3 (red, green, blue); None is 1 if all pictures are grey, else 3.
        labels: "folders": the sub-folder of ``path`` that a picture is in is its label; None: there are none.
        fit: what becomes of pictures that are no squares: "crop" keeps the middle, "pad" the whole with margins,
            "stretch" draws them out.
        background: the grey in [-1, 1] behind what is transparent, and of the margins; 1 is white.
        shares: how much of all goes to training, validation and held out. Choose on validation, score on held out.
        seed: another one, other splits.
        cache: True keeps what was read, small, in the cache folder of the user; or a folder for that; False keeps
            it in memory alone. It may be deleted at any time. A changed, new or removed file is noticed by its length
            and times, and only that is read again.
        progress: show a bar while reading.

    Returns:
        a ``Folder``; its ``pictures`` are (count, channels, size, size) float32 in [-1, 1].

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if there are not three different pictures in it, one a split, or no sub-folders with
            labels="folders".

    Source: sub-folders as labels is torchvision's ``ImageFolder``.

    >>> import tempfile
    >>> from PIL import Image
    >>> place = Path(tempfile.mkdtemp()) / "mine"
    >>> for number, name in enumerate(("cats/a.png", "cats/b.gif", "dogs/c.jpg", "dogs/d.png")):
    ...     (place / name).parent.mkdir(parents=True, exist_ok=True)
    ...     Image.new("RGB", (20 + number, 30), (60 * number, 0, 90)).save(place / name)
    >>> found = folder(place, size=8, cache=False)
    >>> found.pictures.shape, found.labels, found.names
    (torch.Size([4, 3, 8, 8]), tensor([0, 0, 1, 1]), ('cats', 'dogs'))
    >>> [len(found.indices(split)) for split in SPLITS]
    [2, 1, 1]
    """
    look, root = _checked(path, size, channels, labels, fit, background, shares), Path(path)
    check_seed("seed", seed)
    check_truth("progress", progress)
    if not isinstance(cache, bool):
        check_path("cache", cache)
    files, left_out = find(root)
    if labels is not None:
        files, left_out = _with_labels(root, files, left_out)
    if not files:
        raise ValueError(_none(root, left_out))
    place = kept.place_of(cache, root, size=len(files) * look.channels * look.size**2)
    pixels, known = kept.read_all(root, files, look, place, progress)
    broken = {name: entry["why"] for name, entry in known.items() if "why" in entry}
    return _result(root, pixels, known, dict(sorted((left_out | broken).items())), channels, labels, (shares, seed))


def _checked(
    path: str | Path,
    size: int,
    channels: int | None,
    labels: str | None,
    fit: str,
    background: float,
    shares: tuple[float, float, float],
) -> Look:
    """What can be known before the first file is opened."""
    check_path("path", path)
    place = Path(path)
    if not place.is_dir():
        if place.exists():
            raise ValueError(f"path is {str(path)!r}, which is a file; allowed: a folder (unpack an archive first)")
        beside = [each.name for each in place.parent.iterdir() if each.is_dir()] if place.parent.is_dir() else []
        raise FileNotFoundError(
            f"path is {str(path)!r}, where there is no folder; allowed: a folder with pictures"
            f"{nearest(place.name, beside)}"
        )
    if not os.access(place, os.R_OK | os.X_OK):
        raise ValueError(f"path is {str(path)!r}, which can't be read; allowed: a folder that you may read")
    check_whole("size", size, 4, LARGEST)
    if channels is not None:
        check_whole("channels", channels)
        check_choice("channels", channels, (1, 3))
    check_choice("labels", labels, ("folders", None))
    check_choice("fit", fit, FITS)
    check_number("background", background, -1, 1)
    if not isinstance(shares, tuple | list) or len(shares) != 3:
        raise ValueError(f"shares is {shares!r}; allowed: three numbers that sum to 1, such as (0.7, 0.1, 0.2)")
    for share in shares:
        check_number("shares", share, 0, 1, open_left=True)
    if abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares is {shares!r}, which sum to {sum(shares):g}; allowed: three numbers that sum to 1")
    return Look(int(size), channels or 3, fit, float(background))


def _none(root: Path, left_out: dict[str, str]) -> str:
    """What to say of a folder without a picture."""
    some = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
    ends = ", ".join(sorted(kinds()[1] & {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".avif"}))
    return (
        f"path is {str(root)!r}, in which no picture could be read ({f'left out: {some}' if some else 'it is empty'});"
        f" allowed: a folder with files that end in {ends} or the like"
    )


def _with_labels(
    root: Path, files: dict[str, Path], left_out: dict[str, str]
) -> tuple[dict[str, Path], dict[str, str]]:
    """Only the files in sub-folders: what lies beside them has no label."""
    inside = {name: path for name, path in files.items() if "/" in name}
    if files and not inside:
        raise ValueError(
            f"labels is 'folders', and {str(root)!r} has its pictures not in sub-folders; allowed: labels=None, or a"
            " sub-folder for each label"
        )
    beside = {name: "beside the sub-folders, so it has no label" for name in files if name not in inside}
    return inside, left_out | beside


def _result(
    root: Path,
    pixels: np.ndarray,
    known: kept.Entries,
    left_out: dict[str, str],
    channels: int | None,
    labels: str | None,
    division: tuple[tuple[float, float, float], int],
) -> Folder:
    """The result, from what is known of each file."""
    files = tuple(name for name in known if "why" not in known[name])
    entries = [known[name] for name in files]
    if not files:
        raise ValueError(_none(root, left_out))
    groups: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        groups.setdefault(entry["digest"], []).append(place)
    if len(groups) < 3:
        raise ValueError(
            f"path is {str(root)!r}, which holds {len(files)} {'picture' if len(files) == 1 else 'pictures'}, and"
            f" {len(groups)} different; allowed: 3 or more different ones, for training, validation and held out"
        )
    kind = [name.partition("/")[0] if labels else "" for name in files]
    names = tuple(sorted(set(kind))) if labels else ()
    grey = all(entry["grey"] for entry in entries)
    return Folder(
        path=root,
        files=files,
        labels=torch.tensor([names.index(each) for each in kind]) if labels else None,
        names=names,
        left_out=left_out,
        copies=tuple(tuple(files[place] for place in group) for group in groups.values() if len(group) > 1),
        enlarged=sum(entry["small"] for entry in entries),
        part=_divide(groups, kind, *division),
        _bytes=pixels,
        _rows=np.array([entry["row"] for entry in entries]),
        _channels=(1 if grey else 3) if channels is None else channels,
    )


def _divide(groups: dict[str, list[int]], kind: Sequence[str], shares: tuple[float, float, float], seed: int) -> Tensor:
    """The split of each picture, of each kind about the same share; what is the same goes to the same split.

    The order comes from what is in the pictures, not from their names: renamed files stay where they were.
    """
    by_kind: dict[str, list[str]] = {}
    for digest in sorted(groups):
        by_kind.setdefault(kind[groups[digest][0]], []).append(digest)
    random, ranked = seeded(seed), list[tuple[float, float, str]]()
    for name in sorted(by_kind):
        dice = torch.rand(len(by_kind[name]), generator=random).tolist()
        shuffled = sorted(zip(dice, by_kind[name], strict=True))
        ranked += [((place + 0.5) / len(shuffled), draw, digest) for place, (draw, digest) in enumerate(shuffled)]
    ranked.sort()
    count = len(ranked)
    rest = [max(1, round(count * share)) for share in shares[1:]]
    bounds = [0, max(1, count - sum(rest)), 0, count]
    bounds[2] = min(max(bounds[1] + 1, bounds[1] + rest[0]), count - 1)
    part = torch.zeros(len(kind), dtype=torch.int64)
    for number, (start, end) in enumerate(pairwise(bounds)):
        for _, _, digest in ranked[start:end]:
            part[groups[digest]] = number
    return part

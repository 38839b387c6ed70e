"""Pictures that were read once are kept, small, on disk: reading the same folder again takes a moment.

Two files of ours in a cache folder that may be deleted at any time: the bytes of all pictures, which stay on disk until
some of them are asked for, and an index that says of each file when it had been written. So a file that is changed, new
or gone is noticed, and only what changed is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minigen.base import store
from minigen.base.errors import warn
from minigen.data.files import Look, decode, stamp

VERSION = 1
"""Of the two files; others are read anew."""

CHUNK = 256
"""Pictures that are read between two looks at the clock, and at Ctrl-C."""

Entries = dict[str, dict[str, Any]]
"""Of each file its stamp, and where its pixels are and what is known of them, or why there are none."""


def cache_folder(inside: str = "folders") -> Path:
    """Where a user's programs keep what they can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigen" / inside


def place_of(cache: bool | str | Path, root: Path, size: int) -> Path | None:
    """The folder for the cache, or None where nothing is to be kept; raise, before the work, if it can't be one.

    Where our usual folder can't be written to, that is only warned of.
    """
    if cache is False:
        return None
    place = cache_folder() if cache is True else Path(cache)
    if place.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"cache is {str(place)!r}, which is inside path; allowed: a folder outside of your pictures")
    if place.exists() and not place.is_dir():
        raise ValueError(f"cache is {str(place)!r}, which is a file; allowed: a folder, True or False")
    try:
        store.check_writable("cache", place / "index.json", size)
    except ValueError as reason:
        if cache is not True:
            raise
        warn(f"nothing is kept for the next time: {reason}, or cache=False")
        return None
    return place


def read_all(
    root: Path, files: Mapping[str, Path], look: Look, place: Path | None, progress: bool = False
) -> tuple[np.ndarray, Entries]:
    """The bytes (rows, channels, size, size) of all files that can be read, and what is known of each file."""
    stem, old, pixels = "", Entries(), None
    if place is not None:
        stem = _stem(root, look)
        old, pixels = _load(place, stem, look)
    known: Entries = {}
    for name, path in files.items():
        try:
            known[name] = {"stamp": stamp(path)}
        except OSError as reason:  # gone since it was found
            known[name] = {"stamp": [], "why": str(reason.strerror)}
    same = [name for name in files if name in old and old[name]["stamp"] == known[name]["stamp"]]
    if pixels is not None and len(same) == len(old) == len(files):
        return pixels, old
    shape = (len(files), look.channels, look.size, look.size)
    if place is None:
        made = np.zeros(shape, np.uint8)
        _fill(made, files, known, {}, None, look, progress)
        return made, known
    target = place / f"{stem}-{os.urandom(6).hex()}.npy"
    try:
        on_disk = np.lib.format.open_memmap(target, "w+", np.uint8, shape)  # however many they are
        _fill(on_disk, files, known, {name: old[name] for name in same}, pixels, look, progress)
        on_disk.flush()
        return _keep(place, stem, target, known)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _fill(
    made: np.ndarray,
    files: Mapping[str, Path],
    known: Entries,
    same: Entries,
    pixels: np.ndarray | None,
    look: Look,
    progress: bool,
) -> None:
    """Copy what stayed the same into its new row, and read the rest."""
    rows = {name: row for row, name in enumerate(files)}
    new = [name for name in files if name not in same and "why" not in known[name]]
    for name, entry in same.items():
        known[name] = {**entry, "row": rows[name]}
        if pixels is not None and "why" not in entry:
            made[rows[name]] = pixels[entry["row"]]
    for name, (picture, about) in _read({name: files[name] for name in new}, look, progress):
        known[name] |= {**about, "row": rows[name]}
        if picture is not None:
            made[rows[name]] = picture


def _read(
    files: Mapping[str, Path], look: Look, progress: bool
) -> Iterator[tuple[str, tuple[np.ndarray | None, dict[str, Any]]]]:
    """Each file's pixels and what is known of them, in order; several at once, since decoders leave Python free."""
    names = list(files)
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        tqdm(total=len(names), desc="reading", disable=not progress) as bar,
    ):
        warnings.simplefilter("ignore")  # of strange but readable files; of the others the reason is kept
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            yield from zip(chunk, pool.map(lambda name: _one(files[name], look), chunk), strict=True)
            bar.update(len(chunk))


def _one(path: Path, look: Look) -> tuple[np.ndarray | None, dict[str, Any]]:
    try:
        picture, small = decode(path, look)
    except Exception as reason:  # a broken file can make a decoder raise anything
        said = " ".join(str(reason).replace(repr(str(path)), "the file").replace(str(path), "the file").split())
        return None, {"why": f"broken or of an unknown kind ({said or type(reason).__name__})"}
    grey = bool((picture == picture[:1]).all())
    return picture, {"digest": hashlib.sha256(picture.tobytes()).hexdigest(), "grey": grey, "small": small}


def _stem(root: Path, look: Look) -> str:
    """How the names of the two files begin: another folder or another look has others."""
    from PIL import __version__

    about = [VERSION, __version__, os.path.realpath(root), *look]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", root.resolve().name)[:30].strip("-") or "pictures"
    return f"{readable}-{look.size}-{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]}"


def _load(place: Path, stem: str, look: Look) -> tuple[Entries, np.ndarray | None]:
    """What was kept, or nothing if it is not there, not whole, or somebody else's."""
    try:
        about = json.loads((place / f"{stem}.json").read_text())
        entries, name = about["files"], about["pixels"]
        if about["version"] != VERSION or Path(name).name != name:
            return {}, None
        pixels = np.load(place / name, mmap_mode="r", allow_pickle=False)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (look.channels, look.size, look.size):
            return {}, None
        for entry in entries.values():
            if "stamp" not in entry or ("why" not in entry and not 0 <= entry["row"] < len(pixels)):
                return {}, None
        return entries, pixels
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, None


def _keep(place: Path, stem: str, path: Path, known: Entries) -> tuple[np.ndarray, Entries]:
    """Write the index, which makes the new pixels the ones that count, and delete those before."""
    store.write_atomically(
        place / f"{stem}.json", json.dumps({"version": VERSION, "pixels": path.name, "files": known}).encode()
    )
    for earlier in place.glob(f"{stem}-*.npy"):
        if earlier.name != path.name:
            with suppress(OSError):  # somebody reads it, and where an open file can't be deleted it stays
                earlier.unlink(missing_ok=True)
    return np.load(path, mmap_mode="r"), known

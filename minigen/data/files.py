"""A reader's own picture files: which there are in a folder, and one of them as bytes of one size.

Whatever a folder holds, it is either read or named together with the reason why not: nothing is lost in silence, and
no broken file ends the work. Pillow does the reading.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI",
           "TGA", "TIFF", "WEBP", "XBM", "XPM")  # fmt: skip
"""Kinds of files that are read: pixels that Pillow decodes by itself. EPS and the like start other programs."""

MOST_PIXELS = 100_000_000
"""A picture of more is left out before it is decoded: a file of some KB can claim to be as large as the memory."""

FITS = ("crop", "pad", "stretch")

NO_PICTURE = "no picture by the ending of its name"


class Look(NamedTuple):
    """How every picture is brought to one shape; see ``folder``."""

    size: int
    channels: int
    fit: str
    background: float

    @property
    def ground(self) -> int:
        """The background as a byte."""
        return round((self.background + 1) * 127.5)


class Found(NamedTuple):
    """The files of a folder: those to read, by their path inside it, and the others with the reason."""

    files: dict[str, Path]
    left_out: dict[str, str]


@lru_cache(maxsize=1)
def kinds() -> tuple[tuple[str, ...], frozenset[str]]:
    """Which of ``FORMATS`` this Pillow reads, and the endings of their names."""
    from PIL import Image

    Image.init()
    known = tuple(kind for kind in FORMATS if kind in Image.OPEN)
    return known, frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in known)


def find(root: Path) -> Found:
    """All files below ``root``, by name; links are followed, but no folder is read twice, so a loop ends.

    What begins with a dot is passed over: so do the notes of file managers and version control.
    """
    files: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    waiting, links, read = [root], list[Path](), {Path(os.path.realpath(root))}
    while waiting:
        place = waiting.pop()
        try:
            entries = sorted(each.path for each in os.scandir(place) if not each.name.startswith("."))
        except OSError as reason:
            left_out[_inside(root, place)] = f"a folder that can't be read ({reason.strerror})"
            continue
        for path in map(Path, entries):
            if not os.path.isdir(path):
                why = _why_not(path)
                if why:
                    left_out[_inside(root, path)] = why
                else:
                    files[_inside(root, path)] = path
                continue
            real = Path(os.path.realpath(path))
            if real in read or root.resolve().is_relative_to(real):
                left_out[_inside(root, path)] = "a link to a folder that is read already"
            elif path.is_symlink():
                links.append(path)
            else:
                read.add(real)
                waiting.append(path)
        while links and not waiting:  # after all real folders, whose names their pictures then have
            real = Path(os.path.realpath(path := links.pop(0)))
            if real in read:
                left_out[_inside(root, path)] = "a link to a folder that is read already"
            else:
                read.add(real)
                waiting.append(path)
    return Found(dict(sorted(files.items())), dict(sorted(left_out.items())))


def _inside(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _why_not(path: Path) -> str:
    """Why a file is not even opened, or nothing: a pipe, for one, would never end."""
    if path.suffix.lower() not in kinds()[1]:
        return "a drawing of lines (SVG), which Pillow does not read" if path.suffix.lower() == ".svg" else NO_PICTURE
    try:
        mode = os.stat(path).st_mode
    except OSError as reason:
        return f"a link that leads nowhere ({reason.strerror})" if path.is_symlink() else f"{reason.strerror}"
    return "" if stat.S_ISREG(mode) else "no file but a pipe, a device or the like"


def stamp(path: Path) -> list[int]:
    """What changes when a file is written: its length, and when it was last written and last changed at all.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> path.write_bytes(b"one"), stamp(path)[0]
    (3, 3)
    """
    about = os.stat(path)
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def decode(path: Path, look: Look) -> tuple[np.ndarray, bool]:
    """One picture as bytes (channels, size, size), and whether it had to be enlarged.

    The first frame of an animation; turned as the camera says (EXIF); on the background where it is transparent.

    Raises:
        Exception: nearly any, if the file is broken: decoders are strict in their own ways.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=kinds()[0]) as file:
        if file.width * file.height > MOST_PIXELS:
            raise ValueError(f"{file.width} x {file.height} pixels, more than the {MOST_PIXELS:,} that are decoded")
        if file.format == "JPEG":  # decoded at a half, a quarter or an eighth of its size where that is enough
            file.draft(None, (4 * look.size, 4 * look.size))
        file.load()
        turned = ImageOps.exif_transpose(file)
    plain = _opaque(turned, look.ground).convert("L" if look.channels == 1 else "RGB")
    small = min(plain.size) < look.size
    pixels = np.asarray(_square(plain, look)).reshape(look.size, look.size, look.channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), small


def _opaque(image: Image, ground: int) -> Image:
    """The picture without transparency, on a grey ``ground``."""
    from PIL import Image as Images

    if image.mode == "F" or image.mode.startswith("I"):
        return _of_numbers(image)
    if "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Images.alpha_composite(Images.new("RGBA", image.size, (ground, ground, ground, 255)), image)
    return image


def _of_numbers(image: Image) -> Image:
    """Greys of more than 8 bits, which Pillow itself would cut off at 255: scaled."""
    from PIL import Image as Images

    values = np.asarray(image).astype(np.float64)
    low, high = values.min(), values.max()
    of_16_bits = image.mode != "F" and (";" in image.mode or high > 255)
    top = 65535 if of_16_bits else 1 if high <= 1 and image.mode == "F" else 255
    if not (np.isfinite([low, high]).all() and low >= 0 and high <= top):
        raise ValueError(f"numbers from {low:g} to {high:g}, which are neither of 8 nor of 16 bits nor in [0, 1]")
    return Images.fromarray((values * (255 / top)).round().astype(np.uint8))


def _square(image: Image, look: Look) -> Image:
    """``size`` by ``size`` pixels, averaged where it shrinks: the middle, the whole with margins, or drawn out."""
    from PIL import Image as Images

    width, height = image.size
    how = Images.Resampling.BICUBIC
    if look.fit == "pad":
        share = look.size / max(width, height)
        inner = (max(1, round(width * share)), max(1, round(height * share)))
        sheet = Images.new(image.mode, (look.size, look.size), look.ground if image.mode == "L" else (look.ground,) * 3)
        sheet.paste(
            image.resize(inner, how, reducing_gap=3.0), ((look.size - inner[0]) // 2, (look.size - inner[1]) // 2)
        )
        return sheet
    side_x, side_y = (width, height) if look.fit == "stretch" else (min(width, height),) * 2
    left, top = (width - side_x) / 2, (height - side_y) / 2
    box = (left, top, left + side_x, top + side_y)
    return image.resize((look.size, look.size), how, box=box, reducing_gap=3.0)

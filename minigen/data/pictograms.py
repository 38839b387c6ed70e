"""Icons: a folder of small coloured pictures of eight kinds, drawn by formulas, for who has no folder at hand yet.

Each kind is a short list of plain forms in a square from 0 to 1, x to the right and y down. Colours and sizes are drawn
at random, so that a network has something to learn beside eight pictures.
"""

from __future__ import annotations

import math
import random as dice
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from minigen.base.errors import check_path, check_seed, check_whole
from minigen.base.store import write_atomically
from minigen.data.kept import cache_folder

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = 64
"""The side of an icon in pixels, as it lies in the folder; ``folder`` makes them smaller."""

FINER = 8
"""Each is drawn so many times as large, and the mean of each square becomes a pixel: that smooths the edges."""

PAPER = (255, 253, 247)
COLOURS = {
    "red": (214, 64, 54), "orange": (240, 142, 44), "yellow": (247, 200, 60), "green": (86, 160, 72),
    "teal": (38, 146, 140), "blue": (58, 110, 200), "purple": (136, 82, 176), "pink": (236, 120, 160),
}  # fmt: skip
DARK, WOOD, STONE, SKY = (58, 52, 66), (140, 94, 58), (232, 222, 206), (170, 214, 240)

Colour = tuple[int, int, int]


class Sheet:
    """A square to draw on, in coordinates from 0 to 1; what is drawn later covers what is there."""

    def __init__(self, pen: ImageDraw, side: int) -> None:
        self.pen, self.side = pen, side

    def polygon(self, colour: Colour, *corners: tuple[float, float]) -> None:
        """A filled polygon."""
        self.pen.polygon([(x * self.side, y * self.side) for x, y in corners], fill=colour)

    def box(self, colour: Colour, left: float, top: float, right: float, bottom: float, round_by: float = 0.0) -> None:
        """A filled rectangle, with rounded corners if asked for."""
        where = [value * self.side for value in (left, top, right, bottom)]
        self.pen.rounded_rectangle(where, radius=round_by * self.side, fill=colour)

    def disc(self, colour: Colour, x: float, y: float, wide: float, high: float | None = None) -> None:
        """A filled ellipse around (x, y) with these half-axes."""
        high = wide if high is None else high
        self.pen.ellipse([v * self.side for v in (x - wide, y - high, x + wide, y + high)], fill=colour)

    def pie(self, colour: Colour, x: float, y: float, wide: float, high: float, begin: float, end: float) -> None:
        """A sector of an ellipse, from one angle to another, in degrees, clockwise from the right."""
        where = [v * self.side for v in (x - wide, y - high, x + wide, y + high)]
        self.pen.pieslice(where, begin, end, fill=colour)

    def arc(self, colour: Colour, x: float, y: float, radius: float, begin: float, end: float, thick: float) -> None:
        """A part of a circle's line."""
        where = [v * self.side for v in (x - radius, y - radius, x + radius, y + radius)]
        self.pen.arc(where, begin, end, fill=colour, width=round(thick * self.side))


def _house(on: Sheet, wall: Colour, roof: Colour, free: dice.Random) -> None:
    wide, top = free.uniform(0.26, 0.34), free.uniform(0.42, 0.5)
    on.box(DARK, 0.5 + 0.5 * wide, 0.2, 0.5 + 0.5 * wide + 0.08, 0.4)
    on.box(STONE, 0.5 - wide, top, 0.5 + wide, 0.88)
    on.polygon(roof, (0.5 - wide - 0.08, top + 0.02), (0.5, 0.14), (0.5 + wide + 0.08, top + 0.02))
    on.box(wall, 0.43, 0.62, 0.57, 0.88)
    for x in (0.5 - 0.62 * wide, 0.5 + 0.62 * wide):
        on.box(SKY, x - 0.06, 0.58, x + 0.06, 0.7)


def _tree(on: Sheet, fruit: Colour, _: Colour, free: dice.Random) -> None:
    size, green = free.uniform(0.25, 0.32), COLOURS[free.choice(("green", "teal"))]
    on.box(WOOD, 0.45, 0.5, 0.55, 0.92)
    for x, y in ((0.5 - 0.6 * size, 0.46), (0.5 + 0.6 * size, 0.46), (0.5, 0.3)):
        on.disc(green, x, y, 0.75 * size)
    for x, y in ((-0.7, 0.05), (0.0, -0.75), (0.65, 0.1), (0.05, 0.3)):
        on.disc(fruit, 0.5 + x * size, 0.42 + y * size, 0.045)


def _fish(on: Sheet, body: Colour, fins: Colour, free: dice.Random) -> None:
    high, side = free.uniform(0.17, 0.25), free.choice((-1, 1))
    at = 0.5 + 0.02 * side
    on.polygon(fins, (at - 0.18 * side, 0.5), (at - 0.42 * side, 0.32), (at - 0.42 * side, 0.68))
    on.polygon(fins, (at - 0.1 * side, 0.5 - 0.6 * high), (at + 0.1 * side, 0.5 - 0.6 * high), (at, 0.4 - high))
    on.disc(body, at + 0.06 * side, 0.5, 0.3, high)
    on.disc((255, 255, 255), at + 0.22 * side, 0.46, 0.05)
    on.disc(DARK, at + 0.23 * side, 0.46, 0.026)


def _flower(on: Sheet, petals: Colour, middle: Colour, free: dice.Random) -> None:
    count, size, turn = free.choice((5, 6, 8)), free.uniform(0.18, 0.205), free.uniform(0, 1)
    on.box(COLOURS["green"], 0.475, 0.4, 0.525, 0.94)
    on.disc(COLOURS["green"], 0.6, 0.76, 0.11, 0.05)
    for petal in range(count):
        angle = 2 * math.pi * (petal + turn) / count
        on.disc(petals, 0.5 + size * math.cos(angle), 0.36 + size * math.sin(angle), 0.62 * size)
    on.disc(middle, 0.5, 0.36, 0.6 * size)


def _boat(on: Sheet, sail: Colour, hull: Colour, free: dice.Random) -> None:
    tall, water = free.uniform(0.08, 0.18), COLOURS["blue"]
    on.box(WOOD, 0.485, tall, 0.52, 0.7)
    on.polygon(sail, (0.53, tall + 0.02), (0.53, 0.58), (0.86, 0.58))
    on.polygon(STONE, (0.475, tall + 0.1), (0.475, 0.58), (0.24, 0.58))
    on.polygon(hull, (0.14, 0.64), (0.86, 0.64), (0.74, 0.82), (0.26, 0.82))
    on.box(water, 0.06, 0.8, 0.94, 0.88, 0.03)


def _mushroom(on: Sheet, cap: Colour, _: Colour, free: dice.Random) -> None:
    wide, high = free.uniform(0.34, 0.42), free.uniform(0.32, 0.42)
    on.box(STONE, 0.39, 0.5, 0.61, 0.9, 0.07)
    on.pie(cap, 0.5, 0.56, wide, high, 180, 360)
    for x, y in ((-0.5, 0.3), (0.05, 0.62), (0.5, 0.28)):
        on.disc((255, 255, 255), 0.5 + x * wide, 0.56 - y * high, 0.06)


def _cup(on: Sheet, cup: Colour, stripe: Colour, free: dice.Random) -> None:
    wide, top = free.uniform(0.22, 0.28), free.uniform(0.36, 0.44)
    on.arc(cup, 0.46 + wide, 0.6, 0.15, -90, 90, 0.06)
    on.box(cup, 0.46 - wide, top, 0.46 + wide, 0.86, 0.08)
    on.box(stripe, 0.46 - wide, 0.58, 0.46 + wide, 0.68)
    for x in (0.38, 0.54):
        on.arc(DARK, x - 0.045, top - 0.14, 0.06, -80, 80, 0.025)


def _umbrella(on: Sheet, cloth: Colour, stripe: Colour, free: dice.Random) -> None:
    wide, high = free.uniform(0.36, 0.44), free.uniform(0.34, 0.42)
    on.box(DARK, 0.48, 0.5, 0.52, 0.82)
    on.arc(DARK, 0.43, 0.82, 0.09, 0, 180, 0.04)
    on.pie(cloth, 0.5, 0.54, wide, high, 180, 360)
    on.pie(stripe, 0.5, 0.54, 0.36 * wide, high, 180, 360)
    on.box(DARK, 0.485, 0.5 - high, 0.515, 0.56 - high)


KINDS: dict[str, Callable[[Sheet, Colour, Colour, dice.Random], None]] = {
    "boat": _boat, "cup": _cup, "fish": _fish, "flower": _flower,
    "house": _house, "mushroom": _mushroom, "tree": _tree, "umbrella": _umbrella,
}  # fmt: skip
"""Each is drawn in two colours, with sizes from a stream of random numbers."""

VERSION = 1
"""Of the drawings: another one goes into another folder."""


def icons(count: int = 80, folder: str | Path | None = None, seed: int = 0) -> Path:
    """A folder of icons, which is drawn if it isn't there: boats, cups, fish, flowers, houses, mushrooms, trees and
    umbrellas, each in a sub-folder that is called so. They are free of any licence.

    Args:
        count: of each kind; the first ones stay the same when there are more.
        folder: where they go; None is a folder for what can be made again, in the reader's home.
        seed: another seed, other icons.

    Returns:
        the folder, of ``count`` PNG files of 64 x 64 pixels for each kind: what ``mg.data.folder`` reads.

    Raises:
        ValueError: if ``folder`` has anything else in it, since icons would get lost among it.

    >>> import tempfile
    >>> place = icons(2, Path(tempfile.mkdtemp()) / "icons")
    >>> sorted(path.relative_to(place).as_posix() for path in place.glob("*/*"))[:3]
    ['boat/000.png', 'boat/001.png', 'cup/000.png']
    """
    check_whole("count", count)
    check_seed("seed", seed)
    if folder is not None:
        check_path("folder", folder)
    place = cache_folder("icons") / f"version-{VERSION}-seed-{seed}-{count}" if folder is None else Path(folder)
    wanted = {place / kind / f"{number:03}.png": (kind, number) for kind in KINDS for number in range(count)}
    foreign = [path for path in place.rglob("*") if path.is_file() and path not in wanted]
    if foreign or place.is_file():
        has = f"{foreign[0].name} in it, which is no icon of these" if foreign else "a file in its place"
        raise ValueError(f"folder is {str(place)!r}, which has {has}; allowed: a new or empty folder")
    for path, (kind, number) in wanted.items():
        if not path.is_file():
            write_atomically(path, _png(kind, dice.Random(f"{seed} {kind} {number}")))
    return place


def _png(kind: str, free: dice.Random) -> bytes:
    """One icon, as the bytes of its file."""
    from PIL import Image, ImageDraw

    large = Image.new("RGB", (SIZE * FINER, SIZE * FINER), PAPER)
    one, other = free.sample(sorted(COLOURS), 2)
    KINDS[kind](Sheet(ImageDraw.Draw(large), SIZE * FINER), COLOURS[one], COLOURS[other], free)
    content = BytesIO()
    large.reduce(FINER).save(content, format="PNG")
    return content.getvalue()

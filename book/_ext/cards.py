"""The picture that chats and networks show beside a link to a page: its title, and a figure of its own."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, EDGE, GAP = 1200, 630, 60, 14
INK, MUTED, INDIGO = "#222832", "#48566b", "#4f46e5"
FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
PICTURE = re.compile(r'<img[^>]*?src="data:image/png;base64,([^"]+)"')
LEAST = 30_000
"""Pixels of a figure that is worth a card."""

SCALES = (5.0, 4.0, 3.5, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
Place = tuple[int, int, int, int]


def draw(title: str, book: str, body: str, source: Path, path: Path) -> None:
    """Write the card of a page whose HTML is ``body``; one without a figure gets the book's own, from ``source``."""
    card = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(card)
    pen.rectangle((0, 0, WIDTH, 12), fill=INDIGO)
    pen.text((EDGE, 50), book, font=font("DejaVuSans", 30), fill=MUTED)
    lines = wrapped(title, font("DejaVuSans-Bold", 56))
    for number, line in enumerate(lines):
        pen.text((EDGE, 105 + 68 * number), line, font=font("DejaVuSans-Bold", 56), fill=INK)
    top = 105 + 68 * len(lines) + 40
    pictures = figure(body) or [Image.open(source / "book" / "_static" / "restoring.png")]
    for picture, (x, y, wide, high) in zip(*arranged(pictures, HEIGHT - top - 50), strict=False):
        big = picture.convert("RGBA").resize((wide, high), Image.Resampling.NEAREST if wide > picture.width else None)
        card.paste(big, (EDGE + x, top + y), big)
    path.parent.mkdir(parents=True, exist_ok=True)
    card.quantize(64).save(path, optimize=True)


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that come with matplotlib."""
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/{name}.ttf", size)


def wrapped(title: str, letters: ImageFont.FreeTypeFont) -> list[str]:
    """The title in lines that fit."""
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if letters.getlength(longer) > WIDTH - 2 * EDGE and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def figure(body: str) -> list[Image.Image]:
    """The pictures of the first figure that shows enough."""
    for found in FIGURE.findall(body):
        pictures: list[Image.Image] = [
            Image.open(io.BytesIO(base64.b64decode(each))) for each in PICTURE.findall(found)
        ]
        if sum(each.width * each.height for each in pictures) >= LEAST:
            return pictures
    return []


def arranged(pictures: list[Image.Image], room: int) -> tuple[list[Image.Image], list[Place]]:
    """The pictures and their places, in rows, as large as they fit; where all don't, the first of them."""
    for scale in SCALES:
        places, bottom = rows([(round(scale * each.width), round(scale * each.height)) for each in pictures])
        if bottom <= room and all(x + wide <= WIDTH - 2 * EDGE for x, _, wide, _ in places):
            return pictures, places
    return arranged(pictures[:-1], room) if len(pictures) > 1 else ([], [])


def rows(sizes: list[tuple[int, int]]) -> tuple[list[Place], int]:
    """Places from left to right, a new row where one is full; and how far down they reach.

    >>> rows([(600, 100), (400, 100), (400, 50)])
    ([(0, 0, 600, 100), (614, 0, 400, 100), (0, 114, 400, 50)], 164)
    """
    places: list[Place] = []
    x = y = bottom = 0
    for wide, high in sizes:
        if x and x + wide > WIDTH - 2 * EDGE:
            x, y = 0, bottom + GAP
        places.append((x, y, wide, high))
        x, bottom = x + wide + GAP, max(bottom, y + high)
    return places, bottom

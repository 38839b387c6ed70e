"""What a figure is: HTML that reads on light and dark pages, on a phone and on paper, with words for what is seen.

A chart is an SVG whose letters stay letters and whose colours have names, so that a page can change both; in a
notebook it stands as an ordinary picture. Pictures of pixels are PNG. Panels stand side by side where there is room
and one below the other where there is not, so that no letter becomes too small to read.
"""

from __future__ import annotations

import html
import io
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigen.base.errors import check_kind
from minigen.base.store import write_atomically
from minigen.show.svg import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

INK = "#69707d"
"""Axes and labels where no page says otherwise: 4.5 to 1 and more on white. On the site it is the text's own colour."""

COLOURS = ("#4f46e5", "#be185d", "#0f766e", "#b45309")
"""Indigo, pink, teal, amber: lines and the words beside them, in this order; 5 to 1 and more on white."""

DENSITY = 1.5
"""Dots for each pixel of the page in a PNG that matplotlib draws."""

TEXT = 10.0
"""Points of every letter in a chart: 13 pixels at full size, and 9 where a chart of 480 pixels stands on a phone."""

MANY = 200
"""So many dots or arrows of a kind are one picture inside the chart: as shapes they would weigh ten times as much."""

STYLE: Any = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.2,
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "minigen",
}


@dataclass(frozen=True)
class Figure:
    """A finished figure: HTML, what is to be seen on it (``alt``), a caption, its width on the page in pixels."""

    content: str
    alt: str
    caption: str
    width: int
    draw: Callable[[], bytes]
    """Makes the PNG, for whoever saves it."""

    @property
    def png(self) -> bytes:
        """The picture as PNG bytes."""
        return self.draw()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": f"[figure: {self.alt}]"}

    def to_html(self) -> str:
        """A ``<figure>`` element with the picture inside it."""
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        return f'<figure class="mg-figure">{self.content}{caption}</figure>'

    def save(self, path: str | Path) -> Path:
        """Write the PNG file."""
        return write_atomically(path, self.png)


def check_alt(alt: str) -> str:
    """``alt`` itself, if it says what is to be seen."""
    check_kind("alt", alt, str, "'Ten digits in a row.'")
    if len(alt.split()) < 3:
        raise ValueError(f"alt is {alt!r}; allowed: a sentence that says what is to be seen")
    return alt


def of_png(png: bytes, size: tuple[int, int], alt: str, caption: str = "") -> Figure:
    """A figure of a finished PNG, shown ``size`` (width, height) pixels large where there is room."""
    return Figure(image(png, "png", size, check_alt(alt)), alt, caption, size[0], lambda: png)


def image(data: bytes, kind: str, size: tuple[int, int], alt: str) -> str:
    """An ``<img>`` that holds its own data and never grows wider than its place."""
    mime = "image/svg+xml" if kind == "svg" else "image/png"
    named = ' class="mg-svg"' if kind == "svg" else ""
    return (
        f'<img{named} src="data:{mime};base64,{_letters(data)}" alt="{html.escape(alt)}"'
        f' width="{size[0]}" height="{size[1]}" style="max-width: 100%; height: auto; background: none">'
    )


def _letters(data: bytes) -> str:
    return b64encode(data).decode()


# --- charts ----------------------------------------------------------------------------------------


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """An empty matplotlib figure in the course's style, and its axes as a 2-D array: draw, then ``finish``.

    Width and height are in inches of 96 pixels; ``options`` go to matplotlib's ``Figure.subplots``. Nothing of
    pyplot's global state is used. Up to 5 inches wide the letters can be read on a phone.

    >>> figure, axes = canvas(4, 2, columns=2)
    >>> line, dots = axes[0, 0].plot([0, 1], [1, 0]), axes[0, 1].scatter([0, 1], [0, 1])
    >>> finish(figure, alt="a falling line, and two dots").width
    384
    """
    import matplotlib
    from matplotlib.figure import Figure as MatplotlibFigure

    with matplotlib.rc_context(STYLE):
        figure = MatplotlibFigure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def finish(figure: MatplotlibFigure, alt: str, caption: str = "") -> Figure:
    """Turn a matplotlib figure into a ``Figure``; ``alt`` must say what is to be seen."""
    import matplotlib

    def draw() -> bytes:
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format="png", dpi=96 * DENSITY, metadata={"Software": None})
        return fewer_colours(buffer.getvalue())

    check_alt(alt)
    for axis in figure.axes:
        for marks in axis.collections:
            marks.set_rasterized(np.shape(marks.get_offsets())[0] >= MANY)
    size = round(figure.get_figwidth() * 96), round(figure.get_figheight() * 96)
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(
            buffer, format="svg", dpi=96 * DENSITY, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    content = image(_on_a_page(buffer.getvalue()).encode(), "svg", size, alt)
    return Figure(content, alt, caption, size[0], draw)


def _on_a_page(text: str) -> str:
    """matplotlib's SVG with the names of the page's colours, which are as drawn where no page sets them."""
    named = {colour: f"var(--mg-colour-{number},{colour})" for number, colour in enumerate(COLOURS)}
    text = plain(text, TEXT, {**named, INK: "currentColor"})
    text = lighter(text)
    look = f"color:{INK};font-family:system-ui,sans-serif;font-size:{TEXT:g}px"
    return text.replace("<svg ", f'<svg style="{look}" stroke-linejoin="round" ', 1)


HELD = re.compile(
    r'<img class="mg-svg" src="data:image/svg\+xml;base64,(?P<data>[^"]+)" alt="(?P<alt>[^"]*)"'
    r' width="(?P<width>\d+)" height="(?P<height>\d+)"[^>]*>'
)
"""A chart as a notebook has it: a picture that holds its SVG."""


def unfold(content: str) -> str:
    """HTML with every chart set into it, instead of standing there as a picture: so a page can set its colours.

    >>> figure, axes = canvas(2, 2)
    >>> chart = finish(figure, alt="a line that rises")
    >>> unfold(chart.content)[:67]
    '<svg class="mg-chart" role="img" aria-label="a line that rises" wid'
    """

    def set_in(picture: re.Match[str]) -> str:
        svg = b64decode(picture["data"]).decode()
        svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
        named = f'class="mg-chart" role="img" aria-label="{picture["alt"]}"'
        size = f'width="{picture["width"]}" height="{picture["height"]}"'
        return svg.replace("<svg ", f"<svg {named} {size} ", 1)

    return HELD.sub(set_in, content)


def lighter(content: str) -> str:
    """The same HTML or SVG, each PNG inside it with at most 256 colours, where that is smaller."""

    def smaller(found: re.Match[str]) -> str:
        return min(found[0], _letters(fewer_colours(b64decode(found[0]))), key=len)

    return re.sub(r"(?<=data:image/png;base64,)[^\"]+", smaller, content)


def fewer_colours(png: bytes) -> bytes:
    """The same PNG with at most 256 colours, which is a third of the bytes."""
    from PIL import Image

    small = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(small, "PNG", optimize=True)
    return small.getvalue()


# --- panels ----------------------------------------------------------------------------------------


def check_figures(figures: Sequence[Figure], argument: str = "figures") -> None:
    """Raise unless these are one or more figures."""
    if not isinstance(figures, Sequence) or not all(isinstance(figure, Figure) for figure in figures):
        raise TypeError(f"{argument} is {figures!r}; allowed: a list of figures, such as plots.grid makes")
    if not figures:
        raise ValueError(f"{argument} is empty; allowed: one figure or more")


def join(figures: Sequence[Figure], alt: str, caption: str = "", across: bool = True) -> Figure:
    """Several figures as the panels of one: side by side where there is room, or always one below the other.

    A panel that has a caption keeps it, as the words above it.

    >>> import torch
    >>> from minigen.show.pictures import grid
    >>> one = grid(torch.zeros(1, 1, 16, 16), alt="a grey square alone")
    >>> join([one, one], alt="two grey squares in a row").width
    112
    """
    check_alt(alt)
    check_figures(figures)
    gap = 12
    widths = [figure.width for figure in figures]
    width = sum(widths) + gap * (len(figures) - 1) if across else max(widths)
    panels = "".join(_panel(figure) for figure in figures)
    style = "display: flex; flex-wrap: wrap; justify-content: center; align-items: center"
    if not across:
        style = "display: flex; flex-direction: column; align-items: center"
    words = html.escape(alt)
    content = f'<div class="mg-panels" role="img" aria-label="{words}" style="{style}; gap: {gap}px">{panels}</div>'
    return Figure(content, alt, caption, width, lambda: _beside([each.png for each in figures], widths, gap, across))


def _panel(figure: Figure) -> str:
    words = f'<p class="mg-over" style="margin: 0; text-align: center">{html.escape(figure.caption)}</p>'
    return f'<div style="max-width: 100%">{words if figure.caption else ""}{figure.content}</div>'


def _beside(pngs: Sequence[bytes], widths: Sequence[int], gap: int, across: bool) -> bytes:
    """Several PNGs as one, centred, all in the same density."""
    from PIL import Image

    pictures = []
    for png, width in zip(pngs, widths, strict=True):
        picture = Image.open(io.BytesIO(png)).convert("RGBA")
        size = round(width * DENSITY), round(picture.height * width / picture.width * DENSITY)
        pictures.append(picture if picture.size == size else picture.resize(size, Image.Resampling.NEAREST))
    gap, along = round(gap * DENSITY), 0 if across else 1
    length = sum(picture.size[along] for picture in pictures) + gap * (len(pictures) - 1)
    breadth = max(picture.size[1 - along] for picture in pictures)
    sheet, place = Image.new("RGBA", (length, breadth) if across else (breadth, length)), 0
    for picture in pictures:
        aside = (breadth - picture.size[1 - along]) // 2
        sheet.paste(picture, (place, aside) if across else (aside, place))
        place += picture.size[along] + gap
    return fewer_colours(to_png(np.asarray(sheet)))


def to_png(pixels: np.ndarray) -> bytes:
    """uint8 pixels (H, W, 1 to 4), grey or RGB with or without alpha, as a PNG file's bytes."""
    from PIL import Image

    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if mode == "L" else pixels, mode).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()

"""Figures in one style that reads on light and dark pages, each with a caption and alternative text.

Every function returns a ``Figure``: a notebook shows it as HTML, a picture with ``alt`` text and a
caption, the same in Jupyter, in Colab and on the site; ``save`` writes it as a PNG file.

Hidden pixels are hatched everywhere: black is a colour of the digits.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_images, check_whole
from minigen.base.store import write_atomically
from minigen.plans import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

INK = "#7c8594"
"""Axes and labels: a grey that reads on white and on black."""

COLOURS = ("#6366f1", "#ec4899", "#14b8a6", "#f59e0b")
"""Indigo, pink, teal, amber: lines, in this order."""

DENSITY = 1.5
"""Dots for each pixel of the page: sharp enough on most screens, and small files."""

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
    "font.size": 10,
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Figure:
    """A finished picture: PNG bytes, what is to be seen on it (``alt``), a caption, and its width on the page."""

    png: bytes
    alt: str
    caption: str = ""
    width: int = 640

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": f"[figure: {self.alt}]"}

    def to_html(self) -> str:
        """A ``<figure>`` element with the picture inside it."""
        source = base64.b64encode(self.png).decode()
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure class="mg-figure"><img src="data:image/png;base64,{source}" alt="{html.escape(self.alt)}"'
            f' width="{self.width}" style="max-width: 100%; height: auto; background: none">{caption}</figure>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the PNG file."""
        return write_atomically(path, self.png)


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """An empty matplotlib figure in the course's style, and its axes as a 2-D array: draw, then ``finish``.

    Width and height are in inches of 96 pixels; ``options`` go to matplotlib's ``Figure.subplots``. Nothing of
    pyplot's global state is used.

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

    if len(alt.split()) < 3:
        raise ValueError(f"alt is {alt!r}; allowed: a sentence that says what is to be seen")
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=96 * DENSITY, metadata={"Software": None})
    return Figure(_fewer_colours(buffer.getvalue()), alt, caption, width=round(figure.get_figwidth() * 96))


def _fewer_colours(png: bytes) -> bytes:
    """The same PNG with at most 256 colours, which is a third of the bytes."""
    from PIL import Image

    small = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(small, "PNG", optimize=True)
    return small.getvalue()


def picture(axes: Axes, image: Tensor, hidden: Tensor | None = None) -> None:
    """Draw one picture (C, H, W) into ``axes``, without ticks; ``hidden`` pixels (H, W) are hatched."""
    pixels = ((image.detach().float().cpu().clamp(-1, 1) + 1) / 2).permute(1, 2, 0).numpy()
    alpha = None if hidden is None else (~hidden.cpu().numpy()).astype(float)
    if pixels.shape[2] == 1:
        axes.imshow(pixels[:, :, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest", alpha=alpha)
    else:
        axes.imshow(pixels if alpha is None else np.dstack([pixels, alpha]), interpolation="nearest")
    if hidden is not None:
        _hatch(axes, hidden.cpu().numpy())
    bare(axes)


def _hatch(axes: Axes, hidden: np.ndarray) -> None:
    """Diagonal lines over the True pixels: one rectangle a run of pixels in a row."""
    from matplotlib.patches import Rectangle

    for y, row in enumerate(hidden):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            corner = (left - 0.5, y - 0.5)
            axes.add_patch(Rectangle(corner, right - left, 1, fill=False, hatch="////", linewidth=0, edgecolor=INK))


def bare(axes: Axes) -> None:
    """Take ticks and grid away and draw a thin frame, as around every picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)


def grid(
    images: Tensor, alt: str, caption: str = "", columns: int | None = None, rows: int = 1, scale: int = 3
) -> Figure:
    """Many pictures (B, C, H, W) in rows; each pixel is ``scale`` pixels wide. Places left over stay empty.

    ``columns`` is chosen if not given; there are at least ``rows`` rows.

    >>> grid(torch.zeros(10, 1, 16, 16), alt="ten grey squares").width
    500
    """
    check_images("images", images)
    check_whole("scale", scale)
    if images.dim() != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images has shape {tuple(images.shape)}; allowed: (count, 1 or 3, height, width)")
    count, channels, height, width = images.shape
    columns = check_whole("columns", columns) if columns else min(count, max(10, round(count**0.5)))
    rows, gap = max(check_whole("rows", rows), -(-count // columns)), 2
    sheet = torch.zeros(rows * columns, channels + 1, height * scale + gap, width * scale + gap)  # transparent
    shown = (images.detach().float().cpu().clamp(-1, 1) + 1) / 2
    shown = shown.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    sheet[:count, :channels, : height * scale, : width * scale] = shown
    sheet[:count, channels, : height * scale, : width * scale] = 1
    sheet = sheet.view(rows, columns, *sheet.shape[1:]).permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)
    return from_pixels(sheet, alt, caption)


def from_pixels(pixels: Tensor, alt: str, caption: str = "") -> Figure:
    """A figure of exactly these pixels, (H, W, 1 to 4) in [0, 1]: grey or RGB, with or without alpha."""
    from PIL import Image

    if len(alt.split()) < 3:
        raise ValueError(f"alt is {alt!r}; allowed: a sentence that says what is to be seen")
    values = (pixels * 255).round().byte().numpy()
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[values.shape[2]]
    buffer = io.BytesIO()
    Image.fromarray(values.squeeze(2) if mode == "L" else values, mode).save(buffer, "PNG", optimize=True)
    return Figure(buffer.getvalue(), alt, caption, width=values.shape[1])


def matrices(plans: dict[str, Plan], shape: tuple[int, ...], steps: int | None, alt: str, caption: str = "") -> Figure:
    """Plans as the matrices they are: one row a step, one column a pixel, dark where all is hidden."""
    figure, axes = canvas(1.55 * len(plans), 2.1, 1, len(plans))
    for axis, (name, plan) in zip(axes[0], plans.items(), strict=True):
        possible = steps
        if steps is not None and hasattr(plan, "pieces"):
            possible = min(steps, plan.pieces(shape))
        matrix = plan.matrix(shape, possible)
        rows, columns = matrix.shape
        image = axis.imshow(matrix.numpy(), cmap=levels_map(), vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        bare(axis)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel(f"{columns} pixels", fontsize=8)
        axis.set_ylabel(f"{rows - 1} step{'s' if rows > 2 else ''}", fontsize=8)
    bar = figure.colorbar(image, ax=axes[0], fraction=0.05, ticks=[0, 0.5, 1])
    bar.set_label("level (1: nothing is left)", fontsize=8)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.ax.yaxis.label.set_color(INK)
    bar.outline.set(linewidth=0.6, edgecolor=INK)
    return finish(figure, alt, caption)


def levels_map() -> Any:
    """The colours of levels: 0 is nearly clear, 1 dark indigo."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("levels", ["#eef0ff", "#a5b4fc", COLOURS[0], "#312e81"])


def films(
    rows: Sequence[tuple[str, Tensor, Tensor | None]], alt: str, caption: str = "", titles: Sequence[str] | None = None
) -> Figure:
    """Pictures side by side, one row a film: (name, pictures (F, C, H, W), levels (F, 1, H, W) or None).

    Pixels at level 1 carry nothing and are hatched. A shorter film ends where the longest does.
    """
    columns = max(len(pictures) for _, pictures, _ in rows)
    figure, axes = canvas(1.3 + 0.86 * columns, 0.9 * len(rows) + (0.2 if titles else 0), len(rows), columns)
    for line, (name, pictures, levels) in zip(axes, rows, strict=True):
        missing = columns - len(pictures)
        for axis in line[1 : 1 + missing]:
            axis.set_axis_off()
        for number, shown in enumerate(pictures):
            axis = line[number + missing if number else 0]
            picture(axis, shown, None if levels is None else levels[number, 0] == 1)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    for axis, title in zip(axes[0], titles or [], strict=False):
        axis.set_title(title, fontsize=8)
    return finish(figure, alt, caption)


def lines(
    curves: Mapping[str, tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]],
    xlabel: str,
    ylabel: str,
    alt: str,
    caption: str = "",
    dots: Mapping[str, tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]] | None = None,
    size: tuple[float, float] = (6, 3.2),
    **axes_options: Any,
) -> Figure:
    """Named curves (x, y), and named ``dots`` that are not joined, in one pair of axes.

    ``axes_options`` go to matplotlib's ``Axes.set``: ``xscale="log"``, ``ylim=(0, 1)``.

    >>> lines({"loss": ([1, 2, 3], [3, 2, 1])}, "iteration", "loss", alt="the loss falls from 3 to 1").width
    576
    """
    figure, axes = canvas(*size)
    axis = axes[0, 0]
    dots = dots or {}
    for number, (name, (x, y)) in enumerate(curves.items()):
        marker = "o" if len(x) < 20 else None
        axis.plot(x, y, color=COLOURS[number % 4], label=name, linewidth=1.6, marker=marker, markersize=4)
    for number, (name, (x, y)) in enumerate(dots.items(), len(curves)):
        axis.plot(x, y, "o", color=COLOURS[number % 4], label=name, markersize=4, alpha=0.8)
    axis.set(xlabel=xlabel, ylabel=ylabel, **axes_options)
    if len(curves) + len(dots) > 1:
        axis.legend(fontsize=8, labelcolor=INK, frameon=False)
    return finish(figure, alt, caption)


def bars(
    values: Sequence[float] | Tensor,
    labels: Sequence[str],
    xlabel: str,
    ylabel: str,
    alt: str,
    caption: str = "",
    size: tuple[float, float] = (4, 2.4),
    **axes_options: Any,
) -> Figure:
    """One bar for each value, such as a belief over ten digits or sixteen greys.

    >>> bars([0.25, 0.75], ["4", "9"], "digit", "belief", alt="a quarter for 4, three quarters for 9").width
    384
    """
    figure, axes = canvas(*size)
    axes[0, 0].bar(range(len(values)), values, color=COLOURS[0], tick_label=list(labels), width=0.75)
    axes[0, 0].set(xlabel=xlabel, ylabel=ylabel, **axes_options)
    return finish(figure, alt, caption)


def join(figures: Sequence[Figure], alt: str, caption: str = "", across: bool = True) -> Figure:
    """Several figures as one, side by side or (``across=False``) one below the other, centred.

    >>> one = grid(torch.zeros(1, 1, 16, 16), alt="a grey square alone")
    >>> join([one, one], alt="two grey squares in a row").width
    112
    """
    from PIL import Image

    # all to matplotlib's density first; figures made of pixels have one dot a pixel
    pictures = []
    for figure in figures:
        picture = Image.open(io.BytesIO(figure.png)).convert("RGBA")
        size = round(figure.width * DENSITY), round(picture.height * figure.width / picture.width * DENSITY)
        pictures.append(picture if picture.size == size else picture.resize(size, Image.Resampling.NEAREST))
    gap, along = 18, 0 if across else 1
    length = sum(picture.size[along] for picture in pictures) + gap * (len(pictures) - 1)
    breadth = max(picture.size[1 - along] for picture in pictures)
    sheet, place = Image.new("RGBA", (length, breadth) if across else (breadth, length)), 0
    for picture in pictures:
        aside = (breadth - picture.size[1 - along]) // 2
        sheet.paste(picture, (place, aside) if across else (aside, place))
        place += picture.size[along] + gap
    pixels = torch.from_numpy(np.asarray(sheet).copy()).float() / 255
    joined = from_pixels(pixels, alt, caption)
    return Figure(_fewer_colours(joined.png), alt, caption, width=round(sheet.width / DENSITY))


def spread_rows(count: int, shown: int) -> Tensor:
    """``shown`` row numbers, evenly over 0 to ``count - 1``, with both ends.

    >>> spread_rows(257, 5).tolist()
    [0, 64, 128, 192, 256]
    """
    return torch.linspace(0, count - 1, min(count, check_whole("shown", shown, 2))).round().long()

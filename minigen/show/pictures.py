"""Pictures of pixels: many in a grid, or in rows that show a walk. Hidden pixels are tinted and hatched.

Black is a colour of the digits, so what is hidden must look like nothing that a digit could be. Words stand beside
the pictures as words, not inside them: they keep their size however narrow the page.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_images, check_whole
from minigen.show.figures import INK, TEXT, Figure, canvas, check_alt, finish, image, of_png, to_png

SIZE = 64
"""Pixels of the page that a picture in a film is wide, where there is room."""

TINT, HATCH = (129, 140, 248, 80), (99, 102, 241, 230)
"""Of hidden pixels, RGBA: indigo that lets the page shine through, and the lines on it."""


def grid(
    images: Tensor, alt: str, caption: str = "", columns: int | None = None, rows: int = 1, scale: int = 3
) -> Figure:
    """Many pictures (B, C, H, W) in rows; each pixel is ``scale`` pixels wide. Places left over stay empty.

    ``columns`` is chosen if not given; there are at least ``rows`` rows.

    >>> grid(torch.zeros(10, 1, 16, 16), alt="ten grey squares").width
    500
    """
    check_images("images", images, shown=True)  # levels and shares are looked at, too
    check_whole("scale", scale)
    if images.dim() != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images has shape {tuple(images.shape)}; allowed: (count, 1 or 3, height, width)")
    count, channels, height, width = images.shape
    columns = check_whole("columns", columns) if columns is not None else min(count, max(10, round(count**0.5)))
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
    check_alt(alt)
    values = (pixels * 255).round().byte().numpy()
    return of_png(to_png(values), (values.shape[1], values.shape[0]), alt, caption)


def films(
    rows: Sequence[tuple[str, Tensor, Tensor | None]],
    alt: str,
    caption: str = "",
    titles: Sequence[str] | None = None,
    size: int = SIZE,
) -> Figure:
    """Pictures side by side, one row a film: (name, pictures (F, C, H, W), levels (F, 1, H, W) or None).

    Pixels at level 1 carry nothing and are hatched. A shorter film ends where the longest does. Names stand beside
    their rows, and above them on a phone; ``titles`` stand above the columns. In both, ``\\n`` begins a new line.

    >>> films([("a digit", torch.zeros(3, 1, 16, 16), None)], alt="three grey squares").width
    300
    """
    check_alt(alt)
    columns = max(len(pictures) for _, pictures, _ in rows)
    strips = [strip(pictures, levels, columns) for _, pictures, levels in rows]
    wide, named = columns * size, any(name for name, _, _ in rows)
    parts = _title_row(titles, columns, named) if titles else []
    for (name, _, _), pixels in zip(rows, strips, strict=True):
        if named:
            parts.append(
                f'<span class="mg-label" style="text-align: right; line-height: 1.25">{_in_lines(name)}</span>'
            )
        high = round(wide * pixels.shape[0] / pixels.shape[1])
        parts.append(image(to_png(pixels), "png", (wide, high), alt))
    tracks = f"{'max-content ' if named else ''}minmax(0, {wide}px)"
    style = (
        f"display: grid; grid-template-columns: {tracks}; gap: 4px 10px; justify-content: center; align-items: center"
    )
    content = f'<div class="mg-films" role="img" aria-label="{html.escape(alt)}" style="{style}">{"".join(parts)}</div>'
    names = [name for name, _, _ in rows]
    return Figure(content, alt, caption, wide + 108 * named, lambda: _labelled(strips, names, wide / 96))


def _title_row(titles: Sequence[str], columns: int, named: bool) -> list[str]:
    words = [_in_lines(title) for title in titles]
    cells = "".join(f"<span>{each}</span>" for each in words)
    style = f"display: grid; grid-template-columns: repeat({columns}, 1fr); text-align: center"
    blank = ['<span class="mg-label mg-blank"></span>'] if named else []
    return [*blank, f'<div class="mg-titles" style="{style}">{cells}</div>']


def _in_lines(words: str) -> str:
    """HTML of words; the space is for a page that has room for one line only.

    >>> _in_lines("two\\nlines")
    'two <br>lines'
    """
    return html.escape(words).replace("\n", " <br>")


def strip(pictures: Tensor, levels: Tensor | None, columns: int) -> np.ndarray:
    """Pictures (F, C, H, W) in a row as RGBA pixels, eight for one; the first at the left, the last at the right."""
    scale, gap = 8, 8
    count, channels, height, width = pictures.shape
    out = np.zeros((height * scale, columns * (width * scale + gap) - gap, 4), np.uint8)
    shown = ((pictures.detach().float().cpu().clamp(-1, 1) + 1) / 2 * 255).round().byte()
    for number in range(count):
        rgb = shown[number].expand(3, -1, -1) if channels == 1 else shown[number]
        tile = np.dstack([rgb.permute(1, 2, 0).numpy(), np.full((height, width), 255, np.uint8)])
        tile = tile.repeat(scale, axis=0).repeat(scale, axis=1)
        if levels is not None:
            hatch(tile, (levels[number, 0] == 1).cpu().numpy().repeat(scale, axis=0).repeat(scale, axis=1))
        place = (number + columns - count if number else 0) * (width * scale + gap)
        out[:, place : place + width * scale] = tile
    return out


def hatch(tile: np.ndarray, hidden: np.ndarray) -> None:
    """Replace the hidden pixels of RGBA ``tile`` by a tint with diagonal lines, in place."""
    y, x = np.indices(hidden.shape)
    tile[hidden] = TINT
    tile[hidden & ((x + y) % 12 < 2)] = HATCH


def _labelled(strips: Sequence[np.ndarray], names: Sequence[str], width: float) -> bytes:
    """The rows with their names, as one PNG."""
    high = sum(pixels.shape[0] / pixels.shape[1] for pixels in strips) * width
    figure, axes = canvas(width + 1.2, high + 0.1 * len(strips), len(strips))
    for axis, name, pixels in zip(axes[:, 0], names, strips, strict=True):
        axis.imshow(pixels, interpolation="nearest")
        axis.set_axis_off()
        axis.text(-0.01, 0.5, name, transform=axis.transAxes, ha="right", va="center", fontsize=TEXT - 1, color=INK)
    return finish(figure, alt="rows of small pictures").png

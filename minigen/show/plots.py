"""Charts in one style that reads on light and dark pages, each with a caption and alternative text.

Every function returns a ``Figure``: a notebook shows it as HTML, a picture with ``alt`` text and a
caption, the same in Jupyter, in Colab and on the site; ``save`` writes it as a PNG file.

Curves are named where they end, so that no eye has to travel to a legend. Pictures of pixels come from
``show/pictures``, what a figure is stands in ``show/figures``; their names are handed on here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_whole
from minigen.plans import Plan
from minigen.show.figures import COLOURS, INK, Figure, canvas, finish, join
from minigen.show.pictures import films, from_pixels, grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "INK",
    "Figure",
    "bare",
    "bars",
    "canvas",
    "films",
    "finish",
    "from_pixels",
    "grid",
    "join",
    "levels_map",
    "lines",
    "matrices",
    "name_curves",
    "picture",
    "plain_numbers",
    "spread_rows",
]

Points = Mapping[str, tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]]
"""Names, and the x and y of each."""

TINT = "#818cf850"
"""Over hidden pixels: indigo that lets the page shine through."""


def lines(
    curves: Points,
    xlabel: str,
    ylabel: str,
    alt: str,
    caption: str = "",
    dots: Points | None = None,
    size: tuple[float, float] = (5, 3),
    **axes_options: Any,
) -> Figure:
    """Named curves (x, y), and named ``dots`` that are not joined, in one pair of axes.

    The names stand at the right ends, unless there is one alone. ``axes_options`` go to matplotlib's ``Axes.set``:
    ``xscale="log"``, ``ylim=(0, 1)``.

    >>> lines({"loss": ([1, 2, 3], [3, 2, 1])}, "iteration", "loss", alt="the loss falls from 3 to 1").width
    480
    """
    dots = dots or {}
    _check_points("curves", curves)
    _check_points("dots", dots)
    figure, axes = canvas(*size)
    axis = axes[0, 0]
    for number, (x, y) in enumerate(curves.values()):
        marker = "o" if len(x) < 20 else None
        axis.plot(x, y, color=COLOURS[number % 4], linewidth=1.6, marker=marker, markersize=4)
    for number, (x, y) in enumerate(dots.values(), len(curves)):
        axis.plot(x, y, "o", color=COLOURS[number % 4], markersize=4)
    axis.set(xlabel=xlabel, ylabel=ylabel, **axes_options)
    plain_numbers(axis)
    if len(curves) + len(dots) > 1:
        name_curves(axis, [*curves, *dots])
    return finish(figure, alt, caption)


def _check_points(argument: str, given: Points) -> None:
    """Raise unless these are named pairs (x, y), each with as many x as y."""
    if not isinstance(given, dict):
        raise TypeError(f"{argument} is a {type(given).__name__}; allowed: a dictionary {{name: (x, y)}}")
    for name, pair in given.items():
        if len(pair) != 2 or len(pair[0]) != len(pair[1]):
            raise ValueError(f"{argument} has {name!r}: {pair!r}; allowed: (x, y), equally many of both")


def name_curves(axis: Axes, names: Sequence[str]) -> None:
    """Write the name of every line of ``axis`` beside its right end, in its colour, and none over another."""
    figure: Any = axis.get_figure()
    figure.draw_without_rendering()  # the layout decides how high the axes are
    _, low, _, high = axis.get_window_extent().extents
    ends = []
    for line, name in zip(axis.get_lines(), names, strict=True):
        where = np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        last = axis.transData.transform(where)[np.argmax(where[:, 0])]
        ends.append((float(np.clip(last[1], low, high)), line, name))
    least = 17 * figure.dpi / 96  # a line of letters
    heights = _apart([height for height, _, _ in ends], least, low, high)
    for (_, line, name), height in zip(ends, heights, strict=True):
        share = (height - low) / (high - low)
        axis.annotate(
            name, (1, share), (6, 0), xycoords="axes fraction", textcoords="offset points", color=line.get_color(),
            va="center", annotation_clip=False,
        )  # fmt: skip


def _apart(heights: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """The same heights, in their order, moved so that neighbours are ``least`` apart and none leaves the axes.

    >>> _apart([5.0, 5.0, 1.0], 2.0, 0.0, 10.0)
    [6.0, 4.0, 1.0]
    """
    order = sorted(range(len(heights)), key=lambda number: (heights[number], -number))
    placed = [heights[number] for number in order]
    for _ in range(100):
        for below in range(len(placed) - 1):
            short = least - (placed[below + 1] - placed[below])
            if short > 1e-9:
                placed[below] -= short / 2
                placed[below + 1] += short / 2
        placed = [min(max(height, low), high) for height in placed]
    return [placed[order.index(number)] for number in range(len(heights))]


def plain_numbers(axis: Axes) -> None:
    """Label a logarithmic axis 0.1, 1, 10 up to 1,000,000: small raised powers can't be read."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for each, scale in ((axis.xaxis, axis.get_xscale()), (axis.yaxis, axis.get_yscale())):
        if scale == "log":
            each.set_major_locator(LogLocator(numticks=6))
            each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1e4 else f"{value:g}"))
            each.set_minor_formatter(NullFormatter())


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
    for argument, given in (("values", values), ("labels", labels)):
        if not isinstance(given, Sequence | Tensor | np.ndarray) or len(given) == 0:
            raise TypeError(f"{argument} is {given!r}; allowed: one or more in a list")
    if len(values) != len(labels):
        raise ValueError(f"labels holds {len(labels)}, and values {len(values)}; allowed: equally many")
    figure, axes = canvas(*size)
    axes[0, 0].bar(range(len(values)), values, color=COLOURS[0], tick_label=list(labels), width=0.75)
    axes[0, 0].set(xlabel=xlabel, ylabel=ylabel, **axes_options)
    axes[0, 0].grid(visible=False, axis="x")
    return finish(figure, alt, caption)


def matrices(plans: dict[str, Plan], shape: tuple[int, ...], steps: int | None, alt: str, caption: str = "") -> Figure:
    """Plans as the matrices they are: one row a step, one column a pixel, dark where all is hidden."""
    panels = []
    for name, plan in plans.items():
        possible = steps
        if steps is not None and hasattr(plan, "pieces"):
            possible = min(steps, plan.pieces(shape))
        matrix = plan.matrix(shape, possible)
        rows, columns = matrix.shape
        figure, axes = canvas(1.55, 1.8)
        axes[0, 0].imshow(matrix.numpy(), cmap=levels_map(), vmin=0, vmax=1, aspect="auto", interpolation="none")
        bare(axes[0, 0])
        axes[0, 0].set(xlabel=f"{columns} pixels", ylabel=f"{rows - 1} step{'s' if rows > 2 else ''}")
        panels.append(finish(figure, f"the matrix of {name}: {rows} rows, {columns} columns", name))
    figure, axes = canvas(0.9, 1.8)
    scale = torch.linspace(1, 0, 64)[:, None].numpy()
    axes[0, 0].imshow(scale, cmap=levels_map(), aspect="auto", extent=(0, 1, 0, 1), interpolation="none")
    axes[0, 0].set(xticks=[], yticks=[0, 0.5, 1], ylabel="level")
    axes[0, 0].yaxis.set_label_position("right")
    return join([*panels, finish(figure, "a scale of colours from light, 0, to dark, 1")], alt, caption)


def levels_map() -> Any:
    """The colours of levels: 0 is nearly clear, 1 dark indigo."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("levels", ["#eef0ff", "#a5b4fc", COLOURS[0], "#312e81"])


def picture(axes: Axes, image: Tensor, hidden: Tensor | None = None) -> None:
    """Draw one picture (C, H, W) into ``axes``, without ticks; ``hidden`` pixels (H, W) are tinted and hatched."""
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
    """A tint and diagonal lines over the True pixels: one rectangle a run of pixels in a row."""
    from matplotlib.patches import Rectangle

    for y, row in enumerate(hidden):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            corner = (left - 0.5, y - 0.5)
            axes.add_patch(Rectangle(corner, right - left, 1, facecolor=TINT, hatch="////", linewidth=0, edgecolor=INK))


def bare(axes: Axes) -> None:
    """Take ticks and grid away and draw a thin frame, as around every picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)


def spread_rows(count: int, shown: int) -> Tensor:
    """``shown`` row numbers, evenly over 0 to ``count - 1``, with both ends.

    >>> spread_rows(257, 5).tolist()
    [0, 64, 128, 192, 256]
    """
    return torch.linspace(0, count - 1, min(count, check_whole("shown", shown, 2))).round().long()

"""Sliders that work without a kernel: on the static site, in Jupyter, in Colab and in VS Code.

A slider is an ordinary HTML output: all its frames in one picture, and a small script that shows one of
them. It is moved with the mouse or the keyboard and says in words what it shows. Where no script runs,
one frame is shown and no control. (On the site the script is loaded once, from the site itself.)
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from minigen.errors import check_whole
from minigen.plots import Figure

MOST_RADIO = 3
"""Up to so many options are radio buttons; more are a slider."""


@lru_cache(maxsize=1)
def script() -> str:
    """The script that drives every slider."""
    return (files("minigen") / "files" / "scrub.js").read_text()


@dataclass(frozen=True)
class Scrubber:
    """A finished slider; a notebook shows it as HTML."""

    html: str
    alt: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": f"[slider: {self.alt}]"}


def scrub(
    frames: Sequence[Figure], controls: Mapping[str, Sequence[Any]], caption: str = "", start: int | None = None
) -> Scrubber:
    """A picture that changes with one or more controls.

    Args:
        frames: one ``Figure`` for every combination of options, the last control changing fastest, all
            of the same size. Each frame's ``alt`` is shown below it, as the words for what is seen.
        controls: label and options of each, such as ``{"hidden pixels": [0, 1, 4], "told": ["no", "yes"]}``.
        caption: below it all.
        start: the frame shown first (and where no script runs); the last unless said otherwise.

    Raises:
        ValueError: if the number of frames is not the product of the numbers of options, or sizes differ.

    >>> import torch
    >>> from minigen import plots
    >>> dots = [plots.grid(torch.full((1, 1, 4, 4), v), alt=f"a square of grey {v}") for v in (-1.0, 0.0, 1.0, 0.5)]
    >>> slider = scrub(dots, {"grey": ["black", "middle", "white", "light"]})
    >>> "data-options" in slider.html
    True
    """
    options = {label: [str(option) for option in values] for label, values in controls.items()}
    wanted = math.prod(len(values) for values in options.values())
    if not options or len(frames) != wanted:
        raise ValueError(f"frames holds {len(frames)} figures; allowed: one for each combination of options, {wanted}")
    start = len(frames) - 1 if start is None else check_whole("start", start, 0, len(frames) - 1)
    sprite, width, height = _sprite(frames)
    texts = [frame.alt for frame in frames]
    identity = hashlib.sha256(sprite + json.dumps([texts, options, caption]).encode()).hexdigest()[:10]
    source = base64.b64encode(sprite).decode()
    alt, shown, moved = html.escape(texts[start]), frames[0].width, -100 * start / len(frames)
    film = (
        f'<div class="mg-film" role="img" aria-label="{alt}" style="overflow: hidden; max-width: {shown}px;'
        f' aspect-ratio: {width} / {height}; margin: 0 auto">'
        f'<img src="data:image/png;base64,{source}" alt="{alt}" style="width: 100%; max-width: none; height: auto;'
        f' display: block; margin: 0; background: none; transform: translateY({moved:.6g}%)"></div>'
    )
    content = (
        f'<figure class="mg-figure mg-scrub" id="mg-{identity}" data-texts="{html.escape(json.dumps(texts))}">'
        f"{film}{_controls(options, start, identity)}"
        f'<p class="mg-text" aria-live="polite" style="text-align: center; font-size: 0.9em">{alt}</p>'
        f"{f'<figcaption>{html.escape(caption)}</figcaption>' if caption else ''}</figure>"
    )
    return Scrubber(f"{content}<script data-mg>{script()}</script>", texts[start])


def _sprite(frames: Sequence[Figure]) -> tuple[bytes, int, int]:
    """All frames, one below the other, as one PNG; and the size of one."""
    from PIL import Image

    pictures = [Image.open(io.BytesIO(frame.png)).convert("RGBA") for frame in frames]
    width, height = pictures[0].size
    if any(picture.size != (width, height) for picture in pictures):
        raise ValueError(f"frames have sizes {sorted({picture.size for picture in pictures})}; allowed: all the same")
    sheet = Image.new("RGBA", (width, height * len(pictures)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (0, height * number))
    buffer = io.BytesIO()
    sheet.quantize(256, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), width, height


def _controls(options: Mapping[str, Sequence[str]], start: int, identity: str) -> str:
    """The controls, hidden until the script shows them."""
    places: list[int] = []
    for values in reversed(list(options.values())):
        start, place = divmod(start, len(values))
        places.insert(0, place)
    parts = []
    for number, ((label, values), place) in enumerate(zip(options.items(), places, strict=True)):
        data = html.escape(json.dumps(list(values)))
        inner = (_radio if len(values) <= MOST_RADIO else _range)(label, values, place, f"mg-{identity}-{number}")
        style = "display: flex; gap: 0.6em; justify-content: center; align-items: center; flex-wrap: wrap"
        parts.append(f'<div class="mg-control" data-options="{data}" hidden><div style="{style}">{inner}</div></div>')
    return "".join(parts)


def _range(label: str, values: Sequence[str], place: int, name: str) -> str:
    now = html.escape(values[place])
    return (
        f'<label for="{name}">{html.escape(label)}</label>'
        f'<input type="range" id="{name}" min="0" max="{len(values) - 1}" step="1" value="{place}"'
        f' aria-valuetext="{now}" style="flex: 1; max-width: 22em">'
        f'<output for="{name}" style="min-width: 3.5em">{now}</output>'
    )


def _radio(label: str, values: Sequence[str], place: int, name: str) -> str:
    buttons = []
    for number, value in enumerate(values):
        checked = " checked" if number == place else ""
        button = f'<input type="radio" name="{name}" value="{number}"{checked}>'
        buttons.append(f"<label>{button} {html.escape(value)}</label>")
    return f"<span>{html.escape(label)}</span>{''.join(buttons)}"

"""Sliders, which work without a kernel, anywhere; and, handed on, places for a drawing and lists of prepared ones.

``scrub`` makes an ordinary HTML output: one frame in the open, the others as data, and a small script that shows one
of them. It is moved with the mouse or the keyboard and says in words what it shows. Where no script runs, one frame is
shown and no control. (On the site the script is loaded once, from the site itself.)
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from minigen.base.errors import check_whole
from minigen.show.controls import Control, Paintable, Sentence
from minigen.show.demonstrations import Demonstration, Demonstrations
from minigen.show.drawing import IN_THE_BOOK, Drawing, drawing
from minigen.show.figures import Figure, check_figures, lighter, unfold

__all__ = [
    "IN_THE_BOOK",
    "Control",
    "Demonstration",
    "Demonstrations",
    "Drawing",
    "Paintable",
    "Scrubber",
    "Sentence",
    "drawing",
    "script",
    "scrub",
]

MOST_RADIO = 3
"""Up to so many options are radio buttons; more are a slider."""

SHORTCUTS = ' data-lm-suppress-shortcuts="true"'
"""Tells JupyterLab that arrow keys are the control's, not for moving between cells."""


@lru_cache(maxsize=1)
def script() -> str:
    """The script that drives every slider."""
    return (files("minigen.show") / "scrub.js").read_text(encoding="utf-8")


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
        frames: one ``Figure`` for every combination of options, the last control changing fastest. Each frame's
            ``alt`` is shown below it, as the words for what is seen.
        controls: label and options of each, such as ``{"hidden pixels": [0, 1, 4], "told": ["no", "yes"]}``.
            Up to three options are radio buttons, more are a slider.
        caption: below it all.
        start: the frame shown first (and where no script runs); the last unless said otherwise.

    Raises:
        ValueError: if the number of frames is not the product of the numbers of options.

    >>> import torch
    >>> from minigen.show import plots
    >>> dots = [plots.grid(torch.full((1, 1, 4, 4), v), alt=f"a square of grey {v}") for v in (-1.0, 0.0, 1.0, 0.5)]
    >>> scrub(dots, {"grey": ["black", "middle", "white", "light"]}).alt
    'a square of grey 0.5'
    """
    if frames:  # how many there must be is said below
        check_figures(frames, "frames")
    options = _options(controls)
    wanted = math.prod(len(values) for values in options.values())
    if len(frames) != wanted:
        raise ValueError(f"frames holds {len(frames)} figures; allowed: one for each combination of options, {wanted}")
    start = len(frames) - 1 if start is None else check_whole("start", start, 0, len(frames) - 1)
    texts = [frame.alt for frame in frames]
    # the frame that is shown stands in the page already
    others = json.dumps(
        [None if number == start else unfold(lighter(frame.content)) for number, frame in enumerate(frames)]
    )
    identity = hashlib.sha256(json.dumps([others, texts, options, caption, start]).encode()).hexdigest()[:10]
    alt = html.escape(texts[start])
    content = (
        f'<figure class="mg-figure mg-scrub" id="mg-{identity}" data-texts="{html.escape(json.dumps(texts))}"'
        f' data-start="{start}"><div class="mg-film"><div>{frames[start].content}</div></div>'
        f"{_controls(options, start, identity)}"
        f'<p class="mg-text" aria-live="polite" style="text-align: center; font-size: 0.9em">{alt}</p>'
        f"{f'<figcaption>{html.escape(caption)}</figcaption>' if caption else ''}"
        f'<script type="text/plain" class="mg-frames">{packed(others)}</script></figure>'
    )
    return Scrubber(f"{content}<script data-mg>{script()}</script>", texts[start])


def packed(text: str) -> str:
    """A text in letters that HTML leaves alone, deflated: frames are much alike, and shrink to a fifth.

    >>> zlib.decompress(base64.b64decode(packed("frames")))
    b'frames'
    """
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _options(controls: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Every control's options as words."""
    if not controls:
        raise ValueError("controls is empty; allowed: one label with its options, or more")
    options = {label: [str(option) for option in values] for label, values in controls.items()}
    for label, values in options.items():
        if len(values) < 2 or len(set(values)) < len(values):
            raise ValueError(f"controls[{label!r}] is {values}; allowed: two or more options that all differ")
    return options


def _controls(options: Mapping[str, Sequence[str]], start: int, identity: str) -> str:
    """The controls, hidden until the script shows them."""
    places: list[int] = []
    for values in reversed(list(options.values())):
        start, place = divmod(start, len(values))
        places.insert(0, place)
    parts = []
    for number, ((label, values), place) in enumerate(zip(options.items(), places, strict=True)):
        few = len(values) <= MOST_RADIO
        inner = (_radio if few else _range)(label, values, place, f"mg-{identity}-{number}")
        group = f' role="radiogroup" aria-label="{html.escape(label)}"' if few else ""
        data = html.escape(json.dumps(list(values)))
        style = "display: flex; gap: 0.6em; justify-content: center; align-items: center; flex-wrap: wrap"
        parts.append(
            f'<div class="mg-control" data-options="{data}"{group} hidden><div style="{style}">{inner}</div></div>'
        )
    return "".join(parts)


def _range(label: str, values: Sequence[str], place: int, name: str) -> str:
    now = html.escape(values[place])
    return (
        f'<label for="{name}">{html.escape(label)}</label>'
        f'<input type="range" id="{name}" min="0" max="{len(values) - 1}" step="1" value="{place}"{SHORTCUTS}'
        f' aria-valuetext="{now}" style="flex: 1; max-width: 22em">'
        f'<output for="{name}" style="min-width: 3.5em">{now}</output>'
    )


def _radio(label: str, values: Sequence[str], place: int, name: str) -> str:
    buttons = []
    for number, value in enumerate(values):
        checked = " checked" if number == place else ""
        button = f'<input type="radio" name="{name}" value="{number}"{checked}{SHORTCUTS}>'
        buttons.append(f"<label>{button} {html.escape(value)}</label>")
    return f"<span>{html.escape(label)}</span>{''.join(buttons)}"

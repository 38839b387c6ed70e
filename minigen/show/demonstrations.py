"""Prepared drawings for a lesson: a list of links, each of which sets a drawing and says what is to be seen.

A link is an address: ``#digits?steps=4&seed=3`` sets the drawing of this name and draws; after another ``?`` stand
the settings of a drawing that is kept on its left, to compare. On the site a script (js/playground.js) shows the words
of the link above the pictures, and leads on to the next. In a notebook ``draw`` draws what a link would.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minigen.base.errors import check_whole
from minigen.show.drawing import Drawing
from minigen.show.figures import Figure, join


@dataclass(frozen=True)
class Demonstration:
    """One prepared drawing.

    Attributes:
        title: the words of the link.
        text: what to look for, in a sentence or two.
        place: the drawing that it sets, which has an ``anchor``.
        now: settings that differ from those at its start.
        kept: what is different again in the drawing on the left; if there is nothing, no drawing is kept.
        measured: numbers of the book that belong to it.
    """

    title: str
    text: str
    place: Drawing
    now: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    measured: str = ""

    def __post_init__(self) -> None:
        if not self.place.anchor:
            raise ValueError("place has no anchor; allowed: a drawing that was made with one, such as anchor='digits'")
        for each in self.drawn:
            self.place.settings(**each)  # raises where something is not allowed

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """The settings of what it draws: now, and of what is kept, if there is something."""
        return [dict(self.now), *([{**self.now, **self.kept}] if self.kept else [])]

    @property
    def link(self) -> str:
        """The address."""
        return "?".join([f"#{self.place.anchor}", *(self.place.settings(**each) for each in self.drawn)])

    def figure(self) -> Figure:
        """What the link draws, by the kernel: what is kept on the left."""
        called = {each.name: each for each in self.place.controls}
        drawn = [
            self.place.figure(**{name: called[name].of_word(word) for name, word in each.items()})
            for each in reversed(self.drawn)
        ]
        return join(drawn, alt=" ".join(each.alt for each in drawn), caption=f"{self.title}. {self.text}")


@dataclass(frozen=True)
class Demonstrations:
    """A list of prepared drawings; a page shows it as links.

    Attributes:
        shown: the demonstrations, in their order.
    """

    shown: Sequence[Demonstration]

    def draw(self, number: int) -> Figure:
        """What the ``number``-th link draws, counted from 1, by the kernel.

        Raises:
            ValueError: if there is no such link.
        """
        return self.shown[check_whole("number", number, 1, len(self.shown)) - 1].figure()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        items = []
        for each in self.shown:
            measured = f' <span class="mg-measured">{html.escape(each.measured)}</span>' if each.measured else ""
            words = f'<a href="{html.escape(each.link)}">{html.escape(each.title)}</a>'
            items.append(f"<li>{words} <span>{html.escape(each.text)}</span>{measured}</li>")
        plain = [f"{number}. {each.title}. {each.text}" for number, each in enumerate(self.shown, start=1)]
        return {
            "text/html": f'<ol class="mg-demonstrations">{"".join(items)}</ol>',
            "text/plain": "\n".join(plain),
        }

"""What a reader may change: sliders, choices and boxes to write in, as data; and as ipywidgets where a kernel runs."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from minigen.base.errors import check_choice, check_whole
from minigen.plans import Plan

Allowed = tuple[int, int] | range | Sequence[Any] | Mapping[str, Any]


class Paintable(dict[str, Any]):
    """Choices, beside which a page lets its reader paint: for ``known`` a picture, for ``plan`` the order of a ramp.

    >>> control("plan", Paintable({"rows": "raster", "any": "random"})).kind
    'paint'
    """


@dataclass(frozen=True)
class Control:
    """One thing that can be changed.

    Attributes:
        name: of the option, or of the function's argument.
        kind: "range" (whole numbers, a slider), "choice", "paint" (a choice, or painted on a page) or "text" (a box
            to write in).
        values: what is allowed: the least and the most, or every choice by the words for it; empty for a text.
        start: the value at the beginning.
        called: what readers see, if not the name.
    """

    name: str
    kind: str
    values: Mapping[str, Any]
    start: Any
    called: str = ""

    @property
    def chosen(self) -> bool:
        """Whether it is one of the values by their words."""
        return self.kind in ("choice", "paint")

    @property
    def words(self) -> str:
        """What it is called."""
        return self.called or self.name.replace("_", " ")

    def word(self, value: Any) -> str:
        """What one of its values is called."""
        choices = self.values if self.chosen else {}
        return next((word for word, each in choices.items() if each == value), str(value))

    def of_word(self, word: Any) -> Any:
        """The choice that is called so; what is no word, or a choice itself, stays as it is."""
        if not self.chosen or not isinstance(word, str) or word in self.values.values():
            return word
        return self.values[check_choice(self.name, word, self.values)]

    def plain(self) -> dict[str, Any]:
        """All of it, for a file; a choice has lists, since not every reader keeps an object's order."""
        lists = {"words": list(self.values), "values": list(self.values.values())}
        said = lists if self.chosen else dict(self.values)
        called = {"called": self.called} if self.called else {}
        return {"name": self.name, "kind": self.kind, **called, **said, "start": self.start}

    def allows(self, value: Any) -> bool:
        """Whether it may begin with a value."""
        try:
            return self.at_start(value) is not None
        except (ValueError, TypeError):
            return False

    def at_start(self, value: Any) -> Control:
        """The same, beginning with another value, if that is allowed."""
        if self.kind == "range":
            check_whole(self.name, value, self.values["least"], self.values["most"])
        elif self.chosen:
            check_choice(self.name, value, self.values.values())
        return replace(self, start=value)


def control(name: str, allowed: Allowed) -> Control:
    """A control from what is allowed.

    A pair ``(least, most)`` of whole numbers is a slider, and so is ``range(10)``; a list is a choice, and so is a
    dictionary of words and values; a sentence is a box to write in. Each begins with its first value.

    >>> control("seed", (0, 20)).kind, control("told", {"yes": 3, "no": None}).start
    ('range', 3)
    >>> control("seed", (9, 0))
    Traceback (most recent call last):
    ValueError: seed is (9, 0); allowed: (least, most) in whole numbers, or a list of two or more choices
    """
    if isinstance(allowed, str):
        return Control(name, "text", {}, allowed)
    if isinstance(allowed, range) and allowed.step == 1:
        allowed = (allowed.start, allowed.stop - 1)
    if isinstance(allowed, tuple) and len(allowed) == 2 and all(type(each) is int for each in allowed):
        least, most = allowed
        if least < most:
            return Control(name, "range", {"least": least, "most": most}, least)
    elif isinstance(allowed, Mapping | Sequence):
        named = allowed if isinstance(allowed, Mapping) else {_word(each): each for each in allowed}
        if len(named) == len(allowed) >= 2:
            kind = "paint" if isinstance(allowed, Paintable) else "choice"
            return Control(name, kind, dict(named), next(iter(named.values())))
    raise ValueError(
        f"{name} is {allowed!r}; allowed: (least, most) in whole numbers, or a list of two or more choices"
    )


def _word(value: Any) -> str:
    return value.name if isinstance(value, Plan) else str(value)


def listed(words: Sequence[str]) -> str:
    """Words with commas and an "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


@dataclass(frozen=True)
class Sentence:
    """What stands where no control can work, or says what is wrong with a choice."""

    text: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": f'<p class="mg-live"><em>{html.escape(self.text)}</em></p>', "text/plain": self.text}


def box(controls: Sequence[Control], draw: Callable[..., Any]) -> Any:
    """Controls that call ``draw`` and show what it returns, each time one is moved: ipywidgets 7.7 (Colab) and 8."""
    import ipywidgets
    from IPython.display import display

    def show(**given: Any) -> None:
        chosen = {each.name: each.values[given[each.name]] for each in controls if each.chosen}
        try:
            result = draw(**{**given, **chosen})
        except ValueError as reason:
            result = Sentence(str(reason))
        if result is not None:
            display(result)

    parts: dict[str, Any] = {}
    for each in controls:
        look = dict(description=each.words, style={"description_width": "initial"})
        if each.kind == "range":
            low, high = each.values["least"], each.values["most"]
            parts[each.name] = ipywidgets.IntSlider(each.start, low, high, continuous_update=False, **look)
        elif each.kind == "text":
            wide = ipywidgets.Layout(width="95%", max_width="34em")
            parts[each.name] = ipywidgets.Text(each.start, continuous_update=False, layout=wide, **look)
        else:
            parts[each.name] = ipywidgets.Dropdown(options=list(each.values), value=each.word(each.start), **look)
    return ipywidgets.VBox([*parts.values(), ipywidgets.interactive_output(show, parts)])

"""A place for a drawing: what a net of the course draws, and what a reader may change about it.

``drawing`` only says *what* is drawn: a net that comes with the package, options of ``sample``, and to what a reader
may change some of them. In a running notebook controls appear, and the kernel draws at every change. In the book it
is the picture as it is drawn at the start, and a sentence; all that was said stands in the page beside it, as
``data-drawing``. On the site a script makes controls of it, and the page draws the same pictures (js/drawing.js).
"""

from __future__ import annotations

import html
import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from torch import Tensor, tensor

from minigen.base.errors import check_choice, check_whole
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.guided import Guided
from minigen.nets.classifier import Classifier
from minigen.plans import Plan
from minigen.sampling import Options, sample
from minigen.show.controls import Allowed, Control, box, control, listed
from minigen.show.engine import page_plan
from minigen.show.figures import Figure, check_alt
from minigen.show.judge import below, reading
from minigen.show.pictures import grid
from minigen.zoo.pretrained import load, load_classifier, names

IN_THE_BOOK = "MINIGEN_BOOK"
"""Set in the environment while the book's notebooks are executed (``tools/execute.py``)."""

CHANGEABLE = ("net", "plan", "negative", *(each.name for each in fields(Options) if each.name != "cache"))
"""What a control may be called, where a net draws."""

TRAINS = ("curve", "cloud", "average")
"""What pages train (``js/train.js``)."""

PICTURES = ("known", "mask")
"""Options that are tensors; a drawing takes them as nested lists, which a page can hold."""


# --- a drawing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawing:
    """A place for a drawing; a notebook shows it, with its controls where a kernel runs.

    Attributes:
        controls: what can be changed.
        make: draws the figure for values of all controls, by name.
        caption: below it.
        said: all that a page would need to draw by itself, as JSON; empty if it can't.
        trains: what a page trains there instead, one of ``TRAINS``; or empty.
        answers: the pictures among which a reader chooses there, by their names, as JSON; or empty.
        anchor: its name in addresses, or empty.
    """

    controls: tuple[Control, ...]
    make: Callable[..., Figure]
    caption: str
    said: str = ""
    trains: str = ""
    answers: str = ""
    anchor: str = ""

    @property
    def start(self) -> dict[str, Any]:
        """The values of all controls at the beginning."""
        return {each.name: each.start for each in self.controls}

    def figure(self, **changes: Any) -> Figure:
        """The figure after these changes."""
        for name in changes:
            check_choice("changes", name, self.start)
        figure = self.make(**{**self.start, **changes})
        return replace(figure, caption=self.caption or figure.caption)

    def settings(self, **changes: Any) -> str:
        """All settings after these changes, as an address keeps them; a choice may be named by the word for it.

        Raises:
            ValueError, TypeError: naming the control, and what it allows.
        """
        for name in changes:
            check_choice("settings", name, self.start)
        given = {each.name: each.of_word(changes.get(each.name, each.start)) for each in self.controls}
        return urlencode({each.name: each.word(each.at_start(given[each.name]).start) for each in self.controls})

    def still(self) -> str:
        """The HTML of the page: the figure at the start, and a sentence in the room that controls will need."""
        at = [f"{each.words} {each.word(each.start)}" for each in self.controls]
        text = f"Drawn with {listed(at)}, which you can change in a running notebook."
        figure = self.figure()
        data = f' data-drawing="{html.escape(self.said)}" style="--mg-controls: {len(at)}"' if self.said else ""
        data += f' data-train="{self.trains}"' if self.trains else ""
        data += f' data-answers="{html.escape(self.answers)}"' if self.answers else ""
        data += f' id="{self.anchor}"' if self.anchor else ""
        return (
            f'<figure class="mg-figure mg-drawing"{data}>{figure.content}'
            f'<div class="mg-drawing-controls"><p class="mg-live"><em>{html.escape(text)}</em></p></div>'
            f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
        )

    def box(self) -> Any:
        """The controls, and below them what the kernel draws: an ipywidgets ``VBox``."""
        return box(self.controls, self.figure)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if not os.environ.get(IN_THE_BOOK):
            try:
                display(self.box())
                return
            except ImportError:
                pass
        plain = f"[drawing: {listed([each.words for each in self.controls])} can be changed]"
        display({"text/html": self.still(), "text/plain": plain}, raw=True)


def drawing(
    net: str | None = None,
    controls: Mapping[str, Allowed] | None = None,
    count: int = 10,
    *,
    draw: Callable[..., Figure] | None = None,
    trains: str = "",
    answers: Mapping[str, Tensor] | None = None,
    called: Mapping[str, str] | None = None,
    judge: str = "",
    anchor: str = "",
    alt: str = "",
    caption: str = "",
    columns: int | None = None,
    scale: int = 3,
    **options: Any,
) -> Drawing:
    """A drawing by a net of the course, of which a reader can change something.

    It begins as ``sample(zoo.load(net), count, **options)``; options that are not given are those that suit the net
    best, its ``sampling``. Each control has the name of an option and begins with it. ::

        mg.widgets.drawing(
            "digits-diffusion", {"steps": [1, 2, 4, 8, 16, 32], "labels": range(10), "seed": (0, 20)},
            labels=3, alt="Ten pictures of the digit {labels} in {steps} calls.", caption="Drawn from noise.",
        )

    Args:
        net: the name of one of ``zoo.names()`` that draws.
        controls: by the option's name what it may be: ``(least, most)`` in whole numbers, a list of choices, a
            dictionary of words and choices, or a sentence. Three more names: ``net``; ``plan``, for nets that learned
            more than one; ``negative``, what ``Guided`` draws away from. ``known`` and ``mask`` are nested lists.
        count: of pictures.
        draw: instead of a net, a function with the controls as arguments that returns a figure. A page can't call
            it, so there it stays the picture of the start. Its figure says itself what is to be seen.
        trains: with ``draw``, what the page trains there before its reader's eyes: "curve", a curve through dots
            (chapter 1), "average", one answer to several pictures (chapter 2), or "cloud", from noise to points in
            the plane (chapter 7).
        answers: with ``trains="average"``, by their names the pictures (1, 16, 16) that a reader may call right.
        called: by a control's name what readers see in its place, such as ``{"mask": "rows given"}``.
        judge: a classifier that says below the pictures what it reads in them, such as "digits-judge".
        anchor: its name in the page's addresses, such as "digits" in ``#digits?steps=4``; else the page counts.
        alt: what is to be seen; names of options in braces become what they are.
        caption: below the picture.
        columns, scale: of the grid, as in ``plots.grid``.
        options: of ``sample``; and ``plan``, ``negative``.

    Raises:
        ValueError, TypeError: naming the control or option, and what is allowed.

    >>> place = drawing(
    ...     "digits-diffusion", {"steps": [1, 4, 16], "seed": (0, 20)}, count=2,
    ...     labels=7, alt="Two sevens after {steps} calls.", caption="Sevens.",
    ... )
    >>> place.start, place.figure(steps=1).alt
    ({'steps': 16, 'seed': 0}, 'Two sevens after 1 calls.')
    >>> drawing("digits-diffusion", {"step": [1, 4]}, alt="Ten digits, drawn.", caption="Digits.")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: controls is 'step'; allowed: 'net', ...; did you mean 'steps'?
    """
    if not controls:
        raise ValueError("controls is empty; allowed: what can be changed, such as {'seed': (0, 9)}")
    made = controlled(controls, called or {})
    if (net is None) == (draw is None):
        raise ValueError("net and draw are both " + ("missing" if net is None else "given") + "; allowed: one of them")
    if draw is not None:
        if judge:
            raise ValueError(f"judge is {judge!r} with draw; allowed: with a net, whose pictures it reads")
        if alt:
            raise ValueError(f"alt is {alt!r} with draw; allowed: none, since the figure that draw returns has its own")
        place = _by_function(draw, made, caption, options)
        if (trains == "average") != bool(answers):
            raise ValueError(f"answers and trains={trains!r} do not fit; allowed: answers with trains='average' alone")
        told = _letters(answers) if answers else ""
        return replace(place, trains=check_choice("trains", trains, TRAINS), answers=told) if trains else place
    if trains:
        raise ValueError(f"trains is {trains!r} with a net; allowed: with draw, since a net has learned already")
    for each in made:
        check_choice("controls", each.name, CHANGEABLE)
    sheet = Sheet(str(net), check_whole("count", count), options, alt, columns, scale, judge=judge)
    if anchor and not re.fullmatch(r"[a-z][a-z0-9-]*", anchor):
        raise ValueError(f"anchor is {anchor!r}; allowed: small letters, digits and hyphens, a letter first")
    return replace(sheet.place(made, caption), anchor=anchor)


def _letters(answers: Mapping[str, Tensor]) -> str:
    """Pictures by their names as JSON, a byte a pixel, in base64."""
    levels = {name: ((each.clamp(-1, 1) + 1) * 127.5).round().byte() for name, each in answers.items()}
    return json.dumps({name: b64encode(bytes(each.flatten().tolist())).decode() for name, each in levels.items()})


def controlled(controls: Mapping[str, Allowed], called: Mapping[str, str]) -> tuple[Control, ...]:
    """The controls, by what they allow and what readers see in place of their names."""
    for name in called:
        check_choice("called", name, list(controls))
    return tuple(replace(control(name, allowed), called=called.get(name, "")) for name, allowed in controls.items())


def _by_function(
    draw: Callable[..., Figure], controls: tuple[Control, ...], caption: str, options: Mapping[str, Any]
) -> Drawing:
    """A drawing by a function, which only a kernel can call. Options say with what its controls begin."""
    if not callable(draw):
        raise TypeError(f"draw is a {type(draw).__name__}; allowed: a function that returns a figure")
    for name in options:
        check_choice("option", name, [each.name for each in controls])
    controls = tuple(each.at_start(options.get(each.name, each.start)) for each in controls)

    def make(**values: Any) -> Figure:
        figure = draw(**values)
        if not isinstance(figure, Figure):
            raise TypeError(f"draw returned a {type(figure).__name__}; allowed: a figure, such as plots.grid makes")
        return figure

    return Drawing(controls, make, caption)


# --- by a net --------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _net(name: str) -> Generator:
    """The net, loaded once: on the CPU, so that the book is the same wherever it is made."""
    return load(check_choice("net", name, names()), device="cpu")


@lru_cache(maxsize=2)
def _judge(name: str) -> Classifier:
    """The classifier that reads, loaded once."""
    return load_classifier(check_choice("judge", name, names()), device="cpu")


@dataclass(frozen=True)
class Sheet:
    """What is drawn and how it is laid out: by a net of the course, or by a reader's ``own``."""

    net: str
    count: int
    given: Mapping[str, Any]
    alt: str
    columns: int | None
    scale: int
    own: Generator | None = None
    judge: str = ""

    def loaded(self, name: str) -> Generator:
        """The net of this name."""
        return self.own or _net(name)

    def model(self, values: Mapping[str, Any]) -> tuple[Generator | Guided, dict[str, Any]]:
        """The net that draws, along the plan that is asked for; and the options of ``sample``."""
        given = {"net": self.net, **self.given, **values}
        net = self.loaded(given.pop("net"))
        options = {**net.sampling, **given}
        plan, negative, levels = (options.pop(name, None) for name in ("plan", "negative", "levels"))
        for name in PICTURES:
            if options.get(name) is not None:
                options[name] = tensor(options[name])
        model = net if plan is None else net.along(plan)
        other = negative or levels is not None
        return (Guided(model, negative=negative, levels=levels) if other else model), options

    def pictures(self, **values: Any) -> Tensor:
        """What ``sample`` draws."""
        model, options = self.model(values)
        return sample(model, self.count, **options)

    def place(self, controls: tuple[Control, ...], caption: str) -> Drawing:
        """The drawing with its controls, once all that they allow is checked."""
        begun = tuple(self.begun(each) for each in controls)
        start = {each.name: each.start for each in begun}
        for each in begun:
            for value in [each.start] if each.kind == "text" else each.values.values():  # of a range its ends
                try:
                    self.check({**start, each.name: value})
                except (ValueError, TypeError) as reason:
                    raise type(reason)(f"controls[{each.name!r}] allows {each.word(value)}: {reason}") from reason

        def make(**values: Any) -> Figure:
            pictures = self.pictures(**values)
            figure = grid(pictures, self.told(begun, values), caption, self.columns, scale=self.scale)
            return self.judged(figure, pictures, values) if self.judge else figure

        check_alt(self.told(begun, start))
        return Drawing(begun, make, caption, self.json(begun))

    def begun(self, one: Control) -> Control:
        """The control with the value that is given, or else with the one that suits the net, if that is allowed."""
        if one.name in self.given:
            return one.at_start(self.given[one.name])
        usual = {"net": self.net, **self.loaded(self.net).sampling}
        suits = one.kind != "text" and one.name in usual and one.allows(usual[one.name])
        return one.at_start(usual[one.name]) if suits else one

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise where ``sample`` would, as far as can be seen without drawing."""
        model, options = self.model(values)
        if self.judge and _judge(self.judge).shape != model.shape:
            raise ValueError(f"judge reads pictures of {_judge(self.judge).shape}; allowed: of {model.shape}, as drawn")
        chosen = Options.of(options, "plan")
        model.plan.check_steps(chosen.steps, model.shape)
        told = {"labels": chosen.labels, "prompt": chosen.prompt}
        asked = None if model.condition is None else told.pop(model.condition.argument)
        wrong = [name for name, value in told.items() if value is not None]
        if wrong or (model.condition is None and chosen.guidance_scale != 1):
            what = model.condition.argument if model.condition else "neither labels, prompt nor guidance_scale"
            raise ValueError(f"{(wrong or ['guidance_scale'])[0]} is given to this net; allowed: {what}")
        if model.condition is not None:
            model.condition.tokens(asked, self.count)

    def told(self, controls: Sequence[Control], values: Mapping[str, Any]) -> str:
        """The words for what is seen."""
        _, options = self.model(values)
        words = {each.name: each.word(values[each.name]) for each in controls}
        try:
            return self.alt.format_map({"net": self.net, "count": self.count, **options, **words})
        except (KeyError, IndexError, ValueError) as reason:
            raise ValueError(f"alt is {self.alt!r}; allowed: a sentence with names of options in braces") from reason

    def judged(self, figure: Figure, pictures: Tensor, values: Mapping[str, Any]) -> Figure:
        """The figure with a sentence below it: what the judge reads."""
        model, options = self.model(values)
        asked = None
        if isinstance(model.condition, Labels) and "labels" in options and options.get("guidance_scale") != 0:
            asked = model.condition.tokens(options["labels"], self.count).tolist()
        return replace(figure, content=figure.content + below(reading(_judge(self.judge), pictures, asked)))

    def json(self, controls: Sequence[Control]) -> str:
        """Everything, as a page can read it; what can't be written down is refused."""
        start = {"net": self.net, "plan": None, **self.given, **{each.name: each.start for each in controls}}
        net = self.loaded(start["net"])
        options = {**net.sampling, **start}
        content = {
            **{name: start[name] for name in ("net", "plan")},
            **{name: getattr(self, name) for name in ("count", "columns", "scale", "alt")},
            "options": {name: value for name, value in options.items() if name not in ("net", "plan")},
            "controls": [each.plain() for each in controls],
            **({"judge": self.judge} if self.judge else {}),
        }
        return json.dumps(content, default=lambda value: _plain(value, net))


def _plain(value: Any, net: Generator) -> Any:
    """A plan as the engine reads it."""
    if isinstance(value, Plan):
        return page_plan(value, net.shape)
    raise TypeError(
        f"an option is a {type(value).__name__}; allowed: what a page can hold: numbers, words, lists, plans"
    )

"""Parts: the choices that make a generator, and how a file names them.

A part is a plan, a head, a net, a schedule or a condition. It is written as a class, and defining the class registers
it: from then on a file that names the class and its settings can be read. Nothing in a file is executed.

    class Spiral(mg.plans.Plan):
        ...                       # trained, saved, loaded and sampled like the package's own
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Self

from minigen.base.errors import nearest

Config = dict[str, Any]


class Part:
    """What every plan, head, net, schedule and condition can do: say what it is, and be made again from that.

    A class that gives ``kind`` is the root of a kind, such as ``Plan``; its subclasses are registered by name. A class
    of the same name takes the place of an earlier one, so a notebook's cell can be run twice. The names of the
    package's own parts are refused.

    What a part is made with must be something that a file can hold: numbers, words, truth values, None, and lists or
    dictionaries of them. It is remembered by itself; a class need not write it down.
    """

    kind: ClassVar[str] = ""
    known: ClassVar[dict[str, type[Part]]] = {}
    """The classes of a kind, by name."""

    taken: ClassVar[set[str]] = set()
    """Other names that files use for parts of this kind."""

    later: ClassVar[tuple[str, ...]] = ()
    """Arguments that came when there were files already: left out of ``config`` as long as they are their defaults."""

    _given: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, kind: str | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if kind is not None:
            cls.kind, cls.known, cls.taken = kind, {}, set()
            return
        name, before = cls.__name__, cls.known.get(cls.__name__)
        if not is_ours(cls) and (name in cls.taken or (before is not None and is_ours(before))):
            raise ValueError(f"class is {name}, which is the name of a {cls.kind} of minigen's; allowed: another name")
        cls.known[name] = cls

    def __new__(cls, *given: Any, **named: Any) -> Self:
        made = super().__new__(cls)
        object.__setattr__(made, "_given", (given, named))  # a frozen dataclass refuses the short way
        return made

    def settings(self) -> dict[str, Any]:
        """The arguments that it was made with, those left out included."""
        if is_dataclass(self):
            return {field.name: getattr(self, field.name) for field in fields(self) if field.init}
        given, named = self._given
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *given, **named)
        bound.apply_defaults()
        found: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            several = signature.parameters[name].kind
            found |= value if several is inspect.Parameter.VAR_KEYWORD else {name: value}
        # a file gives lists back for tuples: they are the same setting
        return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}

    def without_later(self) -> dict[str, Any]:
        """The settings, but for the ``later`` ones that are their defaults."""
        defaults = inspect.signature(type(self).__init__).parameters
        return {
            name: value
            for name, value in self.settings().items()
            if name not in self.later or value != defaults[name].default
        }

    def config(self) -> Config:
        """What a file says of this part: what ``build`` needs to make it again."""
        if is_ours(type(self)):
            return {"name": type(self).__name__, **self.without_later()}
        return {"class": type(self).__name__, "settings": self.settings()}


def is_ours(of: type) -> bool:
    """Whether a class is the package's own."""
    return of.__module__.partition(".")[0] == "minigen"


def rebuilt(root: type[Part], config: Mapping[str, Any]) -> Part:
    """The reader's own part that ``config`` describes.

    Raises:
        ValueError: if its class is not defined here; it says which one to define or import first.
    """
    name, found = config["class"], root.known.get(config["class"])
    if found is None:
        own = [each for each, of in root.known.items() if not is_ours(of)]
        have = f"; defined here: {', '.join(own)}{nearest(name, own)}" if own else ""
        raise ValueError(
            f"{root.kind} is {name!r}, a class that is not defined here; allowed: to define or import"
            f" class {name}({root.__name__}) first, and then to load again{have}"
        )
    return found(**config["settings"])


def plain(part: Part) -> Config:
    """A part's config as a file gives it back.

    Raises:
        TypeError: if it was made with something that no file can hold.

    >>> class Word(Part, kind="word"): pass
    >>> class Short(Word):
    ...     def __init__(self, letters=("a", "b")): self.letters = letters
    >>> plain(Short())
    {'name': 'Short', 'letters': ['a', 'b']}
    >>> plain(Short({1, 2}))
    Traceback (most recent call last):
    TypeError: word Short was made with letters={1, 2}, a set; allowed: what a file can hold: numbers, words, truth \
values, None, lists and dictionaries
    """
    try:
        found: Config = json.loads(json.dumps(part.config()))
        return found
    except (TypeError, ValueError):
        name, value = next((name, value) for name, value in part.settings().items() if not _can_be_kept(value))
        raise TypeError(
            f"{part.kind} {type(part).__name__} was made with {name}={value!r}, a {type(value).__name__}; allowed:"
            " what a file can hold: numbers, words, truth values, None, lists and dictionaries"
        ) from None


def _can_be_kept(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True

"""Parts: the choices that make a generator, and how a file names them.

A part is a plan, a head, a net, a schedule or a condition. It is written as a class, and defining the class registers
it: from then on a file that names the class and its settings can be read. Nothing in a file is executed.

    class Spiral(mg.plans.Plan):
        ...                       # trained, saved, loaded and sampled like the package's own
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from minigen.base.errors import check_choice, nearest

Config = dict[str, Any]


class ClassName:
    """An attribute that is the name of the class, unless a part gives itself another: ``self.name = "snake"``."""

    def __get__(self, part: object, of: type) -> str:
        return of.__name__


class Part:
    """What every plan, head, net, schedule and condition can do: say what it is, and be made again from that.

    A class that gives ``kind`` is the root of a kind, such as ``Plan``; its subclasses are registered by name. A class
    of the same name takes the place of an earlier one, so a notebook's cell can be run twice. The names of the
    package's own parts are refused.

    What a part is made with must be something that a file can hold: numbers, words, truth values, None, and lists or
    dictionaries of them. It is remembered by itself; a class need not write it down. Lists come back as tuples.
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
        if cls.__init__ is object.__init__ and (given or named):  # Python itself would let it pass
            raise TypeError(f"{cls.__name__}() takes no arguments, and was given {[*given, *named]}")
        made = super().__new__(cls)
        object.__setattr__(made, "_given", (given, named))  # a frozen dataclass refuses the short way
        return made

    def __repr__(self) -> str:
        """As it would be written again: the class and its settings."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings().items())})"

    def settings(self) -> dict[str, Any]:
        """The arguments that it was made with, those left out included."""
        given, named = self._given
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *given, **named)
        bound.apply_defaults()
        kept: set[str] = {field.name for field in fields(self)} if is_dataclass(self) else set()
        found: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                found |= value
            elif kind is not inspect.Parameter.VAR_POSITIONAL or value:
                found[name] = getattr(self, name) if name in kept else value
        return {name: _with_tuples(value) for name, value in found.items()}

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


def described(root: type[Part], config: Any, known: Mapping[str, Callable[..., Any]]) -> Any:
    """The part that ``config`` describes: one of ours, by its name in ``known``, or the reader's own.

    Raises:
        TypeError, ValueError: if it is no description, or none of such a part.

    >>> described(Part, "raster", {})
    Traceback (most recent call last):
    TypeError: config is 'raster', a str; allowed: what config() of a part says, a dictionary
    """
    if not isinstance(config, Mapping):
        raise TypeError(
            f"config is {config!r}, a {type(config).__name__}; allowed: what config() of a part says, a dictionary"
        )
    if "class" in config:
        return rebuilt(root, config)
    arguments = dict(config)
    make = known[check_choice(f"{root.kind} in config", arguments.pop("name", None), known)]
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as reason:
        raise ValueError(f"config of {config['name']}: {reason}; allowed: what its config() says") from None
    return make(**arguments)


def rebuilt(root: type[Part], config: Mapping[str, Any]) -> Part:
    """The reader's own part that ``config`` describes. Lists reach its class as tuples: a file can't tell them apart.

    Raises:
        ValueError: if its class is not defined here; it says which one to define or import first.
        TypeError: if its class can't be made from what the file says.
    """
    lacking = [key for key in ("class", "settings") if key not in config]
    if lacking:
        raise ValueError(f"config has no {lacking[0]!r}; allowed: what config() of a {root.kind} says")
    name, found = config["class"], root.known.get(config["class"])
    if found is None:
        own = [each for each, of in root.known.items() if not is_ours(of)]
        have = f"; defined here: {', '.join(own)}{nearest(name, own)}" if own else ""
        raise ValueError(
            f"{root.kind} is {name!r}, a class that is not defined here; allowed: to define or import"
            f" class {name}({root.__name__}) first, and then to load again{have}"
        )
    settings = {key: _with_tuples(value) for key, value in config["settings"].items()}
    try:
        return found(**settings)
    except Exception as reason:
        raise TypeError(
            f"{root.kind} {name} can't be made from {settings}, which is what a file says of it"
            f" ({type(reason).__name__}: {reason}); allowed: a class that takes these by name, tuples for lists"
        ) from reason


def plain(part: Part) -> Config:
    """A part's config as a file gives it back.

    Raises:
        TypeError: if it was made with something that no file can hold, or can't say its settings.

    >>> class Word(Part, kind="word"): pass
    >>> class Short(Word):
    ...     def __init__(self, letters=("a", "b")): self.letters = letters
    >>> plain(Short())
    {'name': 'Short', 'letters': ['a', 'b']}
    >>> plain(Short({1, 2}))
    Traceback (most recent call last):
    TypeError: word Short was made with letters={1, 2}, a set; allowed: what a file can hold: numbers (not NaN), \
words, truth values, None, lists, and dictionaries whose keys are words
    """
    who = f"{part.kind} {type(part).__name__}"
    for name in ("config", "settings"):
        if name in vars(part):
            raise TypeError(f"{who} has an attribute {name!r} of its own; allowed: another name, for files ask for it")
    for name, value in part.settings().items():
        if not can_be_kept(value):
            raise TypeError(
                f"{who} was made with {name}={value!r}, a {type(value).__name__}; allowed: what a file can hold:"
                " numbers (not NaN), words, truth values, None, lists, and dictionaries whose keys are words"
            )
    found: Config = json.loads(json.dumps(part.config()))
    return found


def check_kept(part: Part) -> None:
    """Raise unless a file can hold what a part is, and give it back.

    Raises:
        TypeError, ValueError: naming the part, and what is wrong with it.
    """
    said = plain(part)
    if is_ours(type(part)):
        return
    again = plain(rebuilt(type(part), said))
    if again != said:
        raise ValueError(
            f"{part.kind} {type(part).__name__} says {again} of itself after loading, and {said} before; allowed: an"
            " __init__ whose arguments are all that makes it"
        )


def _with_tuples(value: Any) -> Any:
    """Lists as tuples, in whatever they lie."""
    if isinstance(value, dict):
        return {key: _with_tuples(part) for key, part in value.items()}
    return tuple(_with_tuples(part) for part in value) if isinstance(value, list | tuple) else value


def can_be_kept(value: Any) -> bool:
    """Whether a file gives the same back: keys are words, and no number is NaN, which does not equal itself."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and can_be_kept(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(can_be_kept, value))
    return value is None or (isinstance(value, bool | int | float | str) and value == value)


def import_parts(path: Path) -> None:
    """Run a reader's own file, which defines parts (classes) and adds recipes; only what is named is ever run."""
    if not path.is_file():
        raise FileNotFoundError(f"--import is {str(path)!r}, which is no file; allowed: a Python file with your parts")
    name = f"imported_{path.stem}"  # of its own: a file called random.py must not take the place of the library's
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"--import is {str(path)!r}; allowed: a Python file, whose name ends in .py")
    if (beside := str(path.resolve().parent)) not in sys.path:
        sys.path.append(beside)  # modules that lie beside it are found, and none takes the place of another one
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

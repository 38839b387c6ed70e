"""Errors that help: what was given, what is allowed and, where it helps, the nearest allowed thing.

Every public function checks its arguments with these few helpers, so a mistake is answered in the
same words everywhere: the argument's name first, then what it was, then what it may be.
"""

from __future__ import annotations

import difflib
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

INSIDE = (str(Path(__file__).resolve().parents[1]), str(Path(torch.__file__).resolve().parent))
"""What the package and torch call among themselves is in files of these folders."""


def nearest(given: object, allowed: Iterable[object]) -> str:
    """A half sentence that names the allowed thing closest to ``given``, or nothing.

    >>> nearest("difusion", ["raster", "diffusion"])
    "; did you mean 'diffusion'?"
    >>> nearest(5, [1, 2, 4, 8, 16])
    '; the nearest is 4'
    >>> nearest("zzz", ["raster", "diffusion"])
    ''
    """
    choices = list(allowed)
    if isinstance(given, int | float) and choices and all(isinstance(c, int) for c in choices):
        return f"; the nearest is {min(choices, key=lambda c: abs(c - given))}"  # type: ignore[operator]
    names = {str(c).lower(): str(c) for c in choices}  # so that "unet" finds "UNet"
    close = difflib.get_close_matches(str(given).lower(), names, n=1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""


def check_choice(argument: str, given: T, allowed: Iterable[T]) -> T:
    """Return ``given`` if it is one of ``allowed``, else raise ``ValueError`` with the nearest one."""
    choices = list(allowed)
    if given not in choices:
        names = ", ".join(repr(c) for c in choices)
        raise ValueError(f"{argument} is {given!r}; allowed: {names}{nearest(given, choices)}")
    return given


def check_options(argument: str, given: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """Raise unless ``given`` is a dictionary of options that are ``allowed``.

    >>> check_options("training", {"iteration": 3}, ["iterations", "seed"])
    Traceback (most recent call last):
    TypeError: training has 'iteration'; allowed: iterations, seed; did you mean 'iterations'?
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: a dictionary of options")
    names = list(allowed)
    for name in given:
        if name not in names:
            raise TypeError(f"{argument} has {name!r}; allowed: {', '.join(names)}{nearest(name, names)}")


def check_whole(argument: str, given: int, least: int = 1, most: int | None = None) -> int:
    """Return ``given`` if it is a whole number in [least, most], else raise.

    >>> check_whole("steps", 0)
    Traceback (most recent call last):
    ValueError: steps is 0; allowed: whole numbers from 1
    """
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: a whole number")
    value = given.__index__()
    if value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise ValueError(f"{argument} is {value}; allowed: whole numbers from {least}{end}")
    return value


def check_odd(argument: str, given: int) -> int:
    """Return ``given`` if it is an odd whole number from 3, such as the side of a window around a pixel."""
    if check_whole(argument, given) % 2 == 0 or given < 3:
        raise ValueError(f"{argument} is {given}; allowed: odd numbers from 3")
    return given


def check_number(
    argument: str, given: float, least: float = -math.inf, most: float = math.inf, open_left: bool = False
) -> float:
    """Return ``given`` if it is a finite number in [least, most] (or (least, most]), else raise.

    >>> check_number("eta", 1.5, 0, 1)
    Traceback (most recent call last):
    ValueError: eta is 1.5; allowed: finite numbers in [0, 1]
    """
    if isinstance(given, bool) or not isinstance(given, Real):  # numpy's numbers are Real, too
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: a number")
    too_low = given < least or (open_left and given == least)
    if not math.isfinite(given) or too_low or given > most:
        left = "(" if open_left or least == -math.inf else "["
        right = ")" if most == math.inf else "]"
        raise ValueError(f"{argument} is {given}; allowed: finite numbers in {left}{least}, {most}{right}")
    return float(given)


def check_truth(argument: str, given: bool) -> bool:
    """Return ``given`` if it is True or False; the word "no" would pass for True otherwise.

    >>> check_truth("clip", "no")
    Traceback (most recent call last):
    TypeError: clip is 'no', a str; allowed: True or False
    """
    if not isinstance(given, bool):
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: True or False")
    return given


def check_seed(argument: str, given: int) -> int:
    """Return ``given`` if it is a whole number that can be a seed."""
    return check_whole(argument, given, least=-(2**63))


def check_wholes(argument: str, given: Iterable[int], least: int = 1, such: str = "(32, 64)") -> tuple[int, ...]:
    """Return ``given`` as a tuple if it is one or more whole numbers from ``least``, else raise.

    >>> check_wholes("widths", 32)
    Traceback (most recent call last):
    TypeError: widths is 32, a int; allowed: one or more whole numbers, such as (32, 64)
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(
            f"{argument} is {given!r}, a {type(given).__name__}; allowed: one or more whole numbers, such as {such}"
        )
    found = tuple(check_whole(argument, each, least) for each in given)
    if not found:
        raise ValueError(f"{argument} is empty; allowed: one or more whole numbers, such as {such}")
    return found


def check_kind(argument: str, given: Any, kind: type, such: str) -> None:
    """Raise unless ``given`` is a ``kind``; of its class, say that it must be called.

    >>> check_kind("size", 3, str, "'large'")
    Traceback (most recent call last):
    TypeError: size is 3; allowed: a str, such as 'large'
    """
    if not isinstance(given, kind):
        hint = "; call the class to make one" if isinstance(given, type) and issubclass(given, kind) else ""
        raise TypeError(f"{argument} is {given!r}; allowed: a {kind.__name__}, such as {such}{hint}")


def check_device(argument: str, given: torch.device | str) -> None:
    """Raise unless ``given`` names a device that torch has here.

    >>> check_device("device", "gpu")
    Traceback (most recent call last):
    ValueError: device is 'gpu'; allowed: 'cpu', or 'cuda' where torch finds a GPU
    """
    try:
        if isinstance(given, str | torch.device) and torch.empty(0, device=given).device:
            return
    except (RuntimeError, AssertionError, NotImplementedError):
        pass
    raise ValueError(f"{argument} is {given!r}; allowed: 'cpu', or 'cuda' where torch finds a GPU")


def check_path(argument: str, given: str | PathLike[str]) -> None:
    """Raise unless ``given`` can name a file or a folder."""
    if not isinstance(given, str | PathLike) or str(given) == "":
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: a path, such as 'runs/mine'")


def check_tensor(argument: str, given: Tensor) -> Tensor:
    """Return ``given`` if it is a tensor, else say which call makes one of it.

    >>> check_tensor("real", [[0.0, 1.0]])
    Traceback (most recent call last):
    TypeError: real is a list; allowed: a torch.Tensor, which torch.tensor(real) is
    """
    if isinstance(given, Tensor):
        return given
    makes = {"ndarray": "torch.from_numpy", "list": "torch.tensor", "tuple": "torch.tensor", "float": "torch.tensor"}
    kind = type(given).__name__
    hint = f", which {makes[kind]}({argument}) is" if kind in makes else ""
    if kind == "DataLoader":
        hint = f", such as torch.cat([batch[0] for batch in {argument}])"
    raise TypeError(f"{argument} is a {kind}; allowed: a torch.Tensor{hint}")


def check_like(argument: str, given: Tensor, other: str, like: Tensor) -> Tensor:
    """Return ``given`` if it is a tensor that broadcasts against another, as one picture does against many noises."""
    check_tensor(argument, given)
    try:
        torch.broadcast_shapes(given.shape, like.shape)
    except RuntimeError:
        raise ValueError(
            f"{argument} has shape {tuple(given.shape)}; allowed: what broadcasts against {other}, {tuple(like.shape)}"
        ) from None
    return given


def warn(text: str) -> None:
    """Warn whoever called the package, in the line where that was: so the same is not said for each check inside."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)


@contextmanager
def said_already() -> Iterator[None]:
    """Inside, what ``check_images`` suspects is not said: of pictures that were checked, then go through others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", f"{SUSPECTED} ")
        yield


SUSPECTED = "pictures have values from"


def check_images(
    argument: str, given: Tensor, shape: tuple[int, ...] | None = None, least: int = 1, shown: bool = False
) -> Tensor:
    """Return ``given`` if it is a batch of float pictures (or vectors) with finite values in [-1, 1].

    ``shape`` is the shape of one example, (C, H, W) or (D,); ``least`` the smallest batch allowed. Pictures that look
    like [0, 1] are warned of, unless they are only ``shown``: several, of more than a few pixels, from about black to
    white and none below 0.

    >>> check_images("images", torch.zeros(2, 1, 8, 8), shape=(1, 16, 16))
    Traceback (most recent call last):
    ValueError: images has shape (2, 1, 8, 8); allowed: (any number, 1, 16, 16)
    """
    check_tensor(argument, given)
    if not given.is_floating_point():
        hint = f", such as {argument}.float() / 127.5 - 1 of values from 0 to 255" if given.dtype == torch.uint8 else ""
        raise TypeError(f"{argument} has dtype {given.dtype}; allowed: floating point with values in [-1, 1]{hint}")
    if shape is not None and tuple(given.shape[1:]) != tuple(shape):
        wanted, last = ", ".join(str(size) for size in shape), (*shape[1:], shape[0])
        hint = (
            f", which {argument}.permute(0, 3, 1, 2) has" if tuple(given.shape[1:]) == last and len(shape) == 3 else ""
        )
        raise ValueError(f"{argument} has shape {tuple(given.shape)}; allowed: (any number, {wanted}){hint}")
    if len(given) < least:
        raise ValueError(f"{argument} holds {len(given)} examples; allowed: {least} or more")
    low, high = torch.aminmax(given.detach())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{argument} holds NaN or infinite values; allowed: finite values in [-1, 1]")
    if low < -1.001 or high > 1.001:
        raise ValueError(
            f"{argument} has values from {low:.3g} to {high:.3g}; allowed: [-1, 1] (-1 black, 1 white);"
            " pictures from 0 to 255 are x / 127.5 - 1"
        )
    several = given.dim() == 4 and len(given) >= SEVERAL and given[0].numel() >= SEVERAL_PIXELS
    if several and not shown and low > -0.001 and high - low > 0.5:
        warn(
            f"{SUSPECTED} {low + 0:.2g} to {high:.2g}, and none below 0, as those in [0, 1] have; allowed:"
            " [-1, 1] (-1 black, 1 white), which is 2 * x - 1 of them"
        )
    return given


SEVERAL, SEVERAL_PIXELS = 8, 16
"""From so many pictures on, and so many pixels of each, it is no chance that none is dark."""


def check_labels(argument: str, given: Tensor, classes: int) -> Tensor:
    """Return ``given`` if it is a vector of whole numbers from 0 to ``classes - 1``, else raise.

    >>> check_labels("labels", torch.tensor([3, 10]), 10)
    Traceback (most recent call last):
    ValueError: labels holds 10; allowed: whole numbers from 0 to 9
    """
    if not isinstance(given, Tensor):
        raise TypeError(f"{argument} is a {type(given).__name__}; allowed: a torch.Tensor of whole numbers")
    if given.dtype.is_floating_point or given.dtype.is_complex or given.dtype == torch.bool:
        raise TypeError(f"{argument} has dtype {given.dtype}; allowed: whole numbers (torch.int64)")
    if given.dim() != 1:
        raise ValueError(f"{argument} has shape {tuple(given.shape)}; allowed: one label an image, shape (count,)")
    wrong = given[(given < 0) | (given >= classes)]
    if len(wrong):
        raise ValueError(f"{argument} holds {int(wrong[0])}; allowed: whole numbers from 0 to {classes - 1}")
    return given.long()

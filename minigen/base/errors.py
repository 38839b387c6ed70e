"""Errors that help: what was given, what is allowed and, where it helps, the nearest allowed thing.

Every public function checks its arguments with these few helpers, so a mistake is answered in the
same words everywhere: the argument's name first, then what it was, then what it may be.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


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


def check_number(
    argument: str, given: float, least: float = -math.inf, most: float = math.inf, open_left: bool = False
) -> float:
    """Return ``given`` if it is a finite number in [least, most] (or (least, most]), else raise.

    >>> check_number("eta", 1.5, 0, 1)
    Traceback (most recent call last):
    ValueError: eta is 1.5; allowed: finite numbers in [0, 1]
    """
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(f"{argument} is {given!r}, a {type(given).__name__}; allowed: a number")
    too_low = given < least or (open_left and given == least)
    if not math.isfinite(given) or too_low or given > most:
        left = "(" if open_left or least == -math.inf else "["
        right = ")" if most == math.inf else "]"
        raise ValueError(f"{argument} is {given}; allowed: finite numbers in {left}{least}, {most}{right}")
    return float(given)


def check_images(argument: str, given: Tensor, shape: tuple[int, ...] | None = None, least: int = 1) -> Tensor:
    """Return ``given`` if it is a batch of float pictures (or vectors) with finite values in [-1, 1].

    ``shape`` is the shape of one example, (C, H, W) or (D,); ``least`` the smallest batch allowed.

    >>> check_images("images", torch.zeros(2, 1, 8, 8), shape=(1, 16, 16))
    Traceback (most recent call last):
    ValueError: images has shape (2, 1, 8, 8); allowed: (any number, 1, 16, 16)
    """
    if not isinstance(given, Tensor):
        raise TypeError(f"{argument} is a {type(given).__name__}; allowed: a torch.Tensor")
    if not given.is_floating_point():
        raise TypeError(f"{argument} has dtype {given.dtype}; allowed: floating point with values in [-1, 1]")
    if shape is not None and tuple(given.shape[1:]) != tuple(shape):
        wanted = ", ".join(str(size) for size in shape)
        raise ValueError(f"{argument} has shape {tuple(given.shape)}; allowed: (any number, {wanted})")
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
    return given


def check_labels(argument: str, given: Tensor, classes: int) -> Tensor:
    """Return ``given`` if it is a vector of whole numbers from 0 to ``classes - 1``, else raise.

    >>> check_labels("labels", torch.tensor([3, 10]), 10)
    Traceback (most recent call last):
    ValueError: labels holds 10; allowed: whole numbers from 0 to 9
    """
    if not isinstance(given, Tensor):
        raise TypeError(f"{argument} is a {type(given).__name__}; allowed: a torch.Tensor of whole numbers")
    if given.dtype.is_floating_point or given.dtype == torch.bool:
        raise TypeError(f"{argument} has dtype {given.dtype}; allowed: whole numbers (torch.int64)")
    if given.dim() != 1:
        raise ValueError(f"{argument} has shape {tuple(given.shape)}; allowed: one label an image, shape (count,)")
    wrong = given[(given < 0) | (given >= classes)]
    if len(wrong):
        raise ValueError(f"{argument} holds {int(wrong[0])}; allowed: whole numbers from 0 to {classes - 1}")
    return given.long()

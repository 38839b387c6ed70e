"""Peers that import torchvision for data sets that are not used here get an empty stand-in where it is missing.

It would bring another torch, and so another comparison.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

PARTS = ("torchvision", "torchvision.transforms", "torchvision.utils")


def stand_in(name: str) -> types.ModuleType:
    """A module whose every name is a function that does nothing."""
    module = types.ModuleType(name)
    module.__getattr__ = lambda attribute: lambda *given, **named: None  # type: ignore[method-assign]
    return module


@contextmanager
def stand_ins() -> Iterator[None]:
    """While this is open, torchvision can be imported. Afterwards nobody else is to take the stand-in for the real one.

    What asks whether torchvision is there, as diffusers does, must be imported before.
    """
    if importlib.util.find_spec("torchvision"):
        yield
        return
    sys.modules.update({part: stand_in(part) for part in PARTS})
    for part in PARTS[1:]:
        setattr(sys.modules["torchvision"], part.split(".")[1], sys.modules[part])
    try:
        yield
    finally:
        for part in PARTS:
            del sys.modules[part]

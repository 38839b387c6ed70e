"""What the sampler needs of a model: ``Generator``, ``IdealGenerator``, ``Guided``, and what a reader writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from minigen.base.errors import nearest
from minigen.base.wrappers import inside
from minigen.conditions import Condition
from minigen.heads import Head
from minigen.nets import Memory
from minigen.plans import Plan
from minigen.process import Schedule

T = TypeVar("T", float, Tensor)


class Model(Protocol):
    """Six attributes and one method: whatever has them can be sampled, completed and scored.

    Four more are asked for where a model has them:

    - ``causal`` (bool): whether ``belief`` takes a ``memory`` and then speaks of the next pixel alone;
    - ``calls(level, guidance_scale)``: network calls an image at this level, if not one, or two with guidance;
    - ``always_told`` (bool): whether it can't draw untold, so that plain guidance makes no sense;
    - ``parts``: the modules that must be in evaluation mode, if not the model itself.
    """

    @property
    def plan(self) -> Plan:
        """How information comes back."""

    @property
    def head(self) -> Head:
        """What a belief is."""

    @property
    def schedule(self) -> Schedule:
        """What a level means."""

    @property
    def condition(self) -> Condition | None:
        """What it is told, if anything."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example, (C, H, W) or (D,)."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def belief(
        self,
        x_t: Tensor,
        t: Tensor,
        tokens: Tensor | None = None,
        guidance_scale: float = 1.0,
        memory: Memory | None = None,
    ) -> Tensor:
        """What is believed of x0, given x_t at the levels t; the head says what a belief is."""


NEEDED = ("plan", "head", "schedule", "condition", "shape", "device", "belief")


def unwrapped(model: Any) -> Any:
    """The model inside a wrapper, which only knows ``forward``. So what is drawn, refused and cached is the same."""
    return inside(model, "belief")


def check_model(model: Any) -> Model:
    """The model itself, without its wrapper; raise if it is none.

    >>> check_model("digits-diffusion")
    Traceback (most recent call last):
    TypeError: model is 'digits-diffusion', a name; allowed: a model, such as zoo.load('digits-diffusion')
    """
    if isinstance(model, str):
        raise TypeError(f"model is {model!r}, a name; allowed: a model, such as zoo.load({model!r})")
    found: Model = unwrapped(model)
    lacking = [name for name in NEEDED if not hasattr(found, name)]
    if lacking:
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(found).__name__}"
        close = nearest(lacking[0], [name for name in dir(found) if not name.startswith("_")])
        raise TypeError(
            f"model is {kind}, which has no {', '.join(lacking)}{close if len(lacking) == 1 else ''}; allowed: a"
            " Generator, an IdealGenerator, a Guided, or what has all that model.Model names"
        )
    if isinstance(model, type):
        raise TypeError(f"model is the class {model.__name__}; allowed: a model made by it, {model.__name__}(...)")
    return found


def is_causal(model: Model) -> bool:
    """Whether it can be asked for the next pixel alone, with a memory."""
    return bool(getattr(model, "causal", False))


def is_always_told(model: Model) -> bool:
    """Whether it can't draw untold, since training always told it something."""
    told = getattr(model, "always_told", None)
    return model.condition is not None and model.condition.dropout == 0 if told is None else bool(told)


def calls_at(model: Model, level: float, guidance_scale: float) -> int:
    """Network calls an image at a level: two with guidance (scales other than 0 and 1), else one."""
    own = getattr(model, "calls", None)
    return int(own(level, guidance_scale)) if own else 1 if guidance_scale in (0, 1) else 2


def shifted(done: T, shift: float) -> T:
    """Where rows stand by one number, as ``spacing`` places them by a schedule: the progress in place of ``done``.

    >>> shifted(0.5, 3.0)                # half of the steps are done, and a quarter of the way
    0.25
    """
    return done / (done + shift * (1 - done))


@contextmanager
def evaluating(model: Model) -> Iterator[None]:
    """The model in evaluation mode for the time of a walk, then every part of it as it was, frozen ones included."""
    parts = getattr(model, "parts", None) or ((model,) if isinstance(model, nn.Module) else ())
    modes = [(module, module.training) for part in parts for module in part.modules()]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training

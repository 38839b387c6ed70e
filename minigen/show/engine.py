"""What the engine that draws in pages (``show/web/engine``) can read of a model, and how weights come to it.

A page that was opened as a file may not fetch another one, but it may load scripts. So weights are handed over by
scripts, as calls of ``minigen.receive``; on the book's site (``book/_ext/weights.py``) and in exported pages.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import torch
from torch import Tensor

from minigen.base import store
from minigen.base.errors import check_choice
from minigen.base.parts import Config, is_ours
from minigen.generator import Generator
from minigen.heads import Categorical, Regression
from minigen.plans import ROUNDING, Plan, Ramp, Shape
from minigen.process import SCHEDULES

PART = 3 * 2**16
"""Bytes of weights in a script: a multiple of 3, so that the parts' base64 can be put together."""

NETS = ("UNet", "CausalConv", "CausalTransformer")
CONDITIONS = ("Labels", "Prompt")
SIDES = (4, 64)
"""What the engine knows of nets and conditions, and the sides of pictures, in pixels, that it has been tried with."""

WEIGHTS = ("int8", "float16", "float32")
"""How a page can hold weights: a byte a number (with a scale a row), two, or four."""

INSTEAD = "; pictures can always be shared: data.save(sample(model, 64), 'drawn')"


# --- the scripts -----------------------------------------------------------------------------------


@lru_cache
def text(path: str) -> str:
    """A file of the engine, or of what draws with it, such as "js/film.js"."""
    return (files("minigen.show") / "web" / path).read_text(encoding="utf-8")


def engine_files() -> list[str]:
    """The parts of the engine, in their order; the first, which loads what is not there yet, before them.

    >>> engine_files()[:3]
    ['engine/engine.js', 'engine/errors.js', 'engine/randomness.js']
    """
    names = re.findall(r'"(\w+)"', text("engine/engine.js").partition("const FILES = [")[2].partition("];")[0])
    return [f"engine/{name}.js" for name in ("engine", *names)]


def weight_scripts(net: str, content: bytes, sampling: Mapping[str, Any]) -> Iterator[str]:
    """The text of the scripts that hand over a file of weights as those of ``net``, each a part of it.

    ``sampling`` are the options that suit the net.

    >>> list(weight_scripts("mine", b"abc", {"steps": 4}))
    ['minigen.receive("mine", 0, 1, "YWJj", {"steps": 4});\\n']
    """
    said, count = json.dumps(dict(sampling)), -(-len(content) // PART)
    for part in range(count):
        letters = base64.b64encode(content[part * PART : (part + 1) * PART]).decode()
        yield f'minigen.receive("{net}", {part}, {count}, "{letters}", {said});\n'


# --- weights ---------------------------------------------------------------------------------------


def packed(model: Generator, weights: str = "int8") -> dict[str, Tensor]:
    """The model's weights as a page holds them, one of ``WEIGHTS``; ``store.unpack`` makes them weights again.

    Raises:
        ValueError: if there is no such kind, or a weight is not finite, or too large for it.
    """
    check_choice("weights", weights, WEIGHTS)
    state = {name: value.detach().float().cpu() for name, value in model.state_dict().items()}
    kind = torch.float16 if weights == "float16" else torch.float32
    found = store.pack(state) if weights == "int8" else {name: value.to(kind) for name, value in state.items()}
    for name, value in found.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            finite = name not in state or bool(state[name].isfinite().all())
            why = f"is too large for {weights}; allowed: weights='float32'" if finite else "is NaN or infinite"
            raise ValueError(f"model has the weight {name}, which {why}")
    return found


# --- what it can read ------------------------------------------------------------------------------


def check_readable(model: Generator) -> Config:
    """What a file for the engine says of a model, its ``config``; raise if the engine could not draw what it draws.

    Raises:
        TypeError, ValueError: naming the part of the model, what the engine knows, and what to do instead.
    """
    model.check_saved()
    for name, part, known in (
        ("net", model.net, NETS),
        ("head", model.head, (Regression.__name__, Categorical.__name__)),
        ("condition", model.condition, CONDITIONS),
    ):
        if part is not None and not (is_ours(type(part)) and type(part).__name__ in known):
            raise ValueError(f"{name} is {_named(part)}; allowed in a page: {', '.join(known)}{INSTEAD}")
    if SCHEDULES.get(model.schedule.name) != model.schedule:
        raise ValueError(f"schedule is {_named(model.schedule)}; allowed in a page: {', '.join(SCHEDULES)}{INSTEAD}")
    _check_sizes(model)
    return {**model.config(), "plan": page_plan(model.plan, model.shape)}


def _check_sizes(model: Generator) -> None:
    """Raise unless the net has sizes that the engine knows."""
    net, (channels, height, width) = model.net.settings(), model.shape
    if channels not in (1, 3) or height != width or not SIDES[0] <= height <= SIDES[1]:
        raise ValueError(
            f"model draws {channels} x {height} x {width}; allowed in a page: 1 or 3 channels, and a side of"
            f" {SIDES[0]} to {SIDES[1]} pixels{INSTEAD}"
        )
    if net.get("residual"):
        raise ValueError(f"residual is True; allowed in a page: CausalConv without it{INSTEAD}")
    for name in ("width", "context_size"):
        if net.get(name, 8) % 8:
            raise ValueError(f"{name} is {net[name]}; allowed in a page: multiples of 8{INSTEAD}")


def page_plan(plan: Plan, shape: Shape) -> Config:
    """What the engine reads of a plan: its config, or for a reader's own the one of ours that says the same.

    An own plan can be read if it throws no dice and is an order: of whole pixels or pieces, each its turn, or of
    pixels that all fade as evenly and as long, as those of a ``ramp`` do.

    Raises:
        ValueError: if it is neither.

    >>> from minigen.plans import raster
    >>> page_plan(raster(4), (1, 16, 16))
    {'name': 'raster', 'patch': 4}
    """
    if is_ours(type(plan)):
        return plan.config()
    if type(plan).draw is Plan.draw:
        found = _places(plan, shape) if plan.whole else _as_ramp(plan, shape)
        if found is not None:
            return found
    raise ValueError(
        f"plan is {_named(plan)}; allowed in a page: the package's, and own ones that are an order without dice, of"
        f" whole pixels or as plans.ramp(width, order) fades them{INSTEAD}"
    )


def _places(plan: Plan, shape: Shape) -> Config | None:
    """The piece of each pixel, if the plan writes piece by piece as ``Plan.written`` does."""
    places = (plan.matrix(shape) > 0).sum(dim=0) - 1
    same = all(torch.equal(plan.levels(s, shape), plan.written(places, s, shape)) for s in _progress())
    return {"name": plan.name, "places": places.tolist()} if same else None


def _as_ramp(plan: Plan, shape: Shape) -> Config | None:
    """The ramp with the plan's own order, if all pixels fade alike: found by what it says, and compared with it."""
    rows = torch.cat([plan.levels(s, shape).flatten(1) for s in _progress()]).double()
    order = rows.sum(dim=0).argsort(stable=True).argsort()
    first, s = rows[:, order.argmin()], torch.cat(list(_progress()))
    fading = (first > 0) & (first < 1)
    if not bool(fading.any()):
        return None
    middle = (first - 0.5).abs().masked_fill(~fading, 2).argmin()
    width = round(float(s[middle] / (1 - first[middle])), 6)
    if not 1 / rows.shape[1] <= width <= 1:
        return None
    ramp = Ramp("ramp", width, order=tuple(order.tolist()))
    wanted = torch.cat([ramp.levels(each, shape).flatten(1) for each in _progress()])
    same = bool((rows - wanted).abs().max() <= 2 * ROUNDING)
    return {**ramp.config(), "name": "ramp"} if same else None


def _progress() -> Iterator[Tensor]:
    """So many rows of a walk, as many of them odd ones."""
    return (torch.tensor([k / 97], dtype=torch.float64) for k in range(98))


def _named(part: Any) -> str:
    """A part as it calls itself, and whose it is."""
    name = getattr(part, "name", None) if not isinstance(part, torch.nn.Module) else None
    return f"{name or type(part).__name__}, {'of another kind' if is_ours(type(part)) else 'a class of your own'}"

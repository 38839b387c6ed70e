"""What tests of exported pages share: models to take along, and what they are once a page holds them."""

from __future__ import annotations

import copy
from typing import Any

from helpers_core import wake

from minigen import Generator, Labels, heads, nets, plans
from minigen.base import store
from minigen.show.engine import packed


def small(size: int = 8, channels: int = 1, **choices: Any) -> Generator:
    """A U-Net of some thousand weights, wide awake."""
    net = choices.pop("net", None) or nets.UNet(size, channels, widths=(8, 16), context_size=16)
    head, plan = choices.pop("head", heads.Regression("v")), choices.pop("plan", plans.diffusion())
    return wake(Generator(net, head, plan, **choices))


def told(classes: int = 3) -> Labels:
    return Labels(classes)


def as_packed(model: Generator, weights: str = "int8") -> Generator:
    """The model that a page holds."""
    other = copy.deepcopy(model)
    other.load_state_dict(store.unpack(packed(model, weights)))
    return other

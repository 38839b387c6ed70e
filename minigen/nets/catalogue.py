"""Networks by name, as files describe them."""

from __future__ import annotations

from typing import Any

from torch import nn

from minigen.base.errors import check_choice
from minigen.nets.causal_conv import CausalConv
from minigen.nets.causal_transformer import CausalTransformer
from minigen.nets.classifier import Classifier, Recogniser
from minigen.nets.mlp import MLP
from minigen.nets.unet import UNet

NETS = {each.__name__: each for each in (MLP, UNet, CausalConv, CausalTransformer, Classifier, Recogniser)}


def config(net: nn.Module) -> dict[str, Any]:
    """What ``build`` needs to make a network of this kind again (its weights apart)."""
    check_choice("net", type(net).__name__, NETS)
    return {"name": type(net).__name__, **net.config}  # type: ignore[dict-item]


def build(config: dict[str, Any]) -> nn.Module:
    """The network that ``config`` described, with fresh weights.

    >>> type(build(config(MLP(size=2)))).__name__
    'MLP'
    """
    arguments = dict(config)
    return NETS[check_choice("net", arguments.pop("name", None), NETS)](**arguments)

"""Networks by name, as files describe them."""

from __future__ import annotations

from typing import cast

from torch import nn

from minigen.base.errors import check_choice
from minigen.base.parts import Config, described
from minigen.nets.causal_conv import CausalConv
from minigen.nets.causal_mixed import CausalMixed
from minigen.nets.causal_transformer import CausalTransformer
from minigen.nets.classifier import Classifier, Recogniser
from minigen.nets.mlp import MLP
from minigen.nets.net import Net
from minigen.nets.unet import UNet

NETS = {each.__name__: each for each in (MLP, UNet, CausalConv, CausalTransformer, CausalMixed, Classifier, Recogniser)}
Net.taken |= NETS.keys()


def config(net: Net | Classifier) -> Config:
    """What ``build`` needs to make a network of this kind again (its weights apart)."""
    if not isinstance(net, Net | Classifier):
        check_choice("net", type(net).__name__, NETS)
    return net.config()


def build(config: Config) -> nn.Module:
    """The network that ``config`` described, with fresh weights.

    >>> type(build(config(MLP(size=2)))).__name__
    'MLP'
    """
    return cast(nn.Module, described(Net, config, NETS))

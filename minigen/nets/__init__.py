"""The curves: small networks, written to be read.

A generator's network is called as ``net(x_t, t, context)`` and returns *features*, ``net.features``
numbers for every pixel. It knows neither what is predicted from them (the generator's last layer does
that) nor what the context means: a label or a prompt reaches it as a vector of ``net.context_size``
numbers, or as None. ``net.shape`` is the shape of one example, (C, H, W) or (D,).

``MLP`` is for vectors; ``UNet`` for pictures; ``CausalConv``, ``CausalTransformer`` and
``CausalMixed`` for pictures written pixel by pixel; ``Classifier`` turns pictures into labels.
"""

from minigen.nets.catalogue import NETS, build, config
from minigen.nets.causal_conv import CausalConv, GatedLayer
from minigen.nets.causal_mixed import CausalMixed
from minigen.nets.causal_transformer import AttentionBlock, CausalTransformer, MaskedConv
from minigen.nets.classifier import Classifier, Recogniser, shake
from minigen.nets.mlp import MLP, Fit
from minigen.nets.net import LevelEmbedding, Memory, Net, dense
from minigen.nets.unet import Residual, UNet

__all__ = [
    "MLP",
    "NETS",
    "AttentionBlock",
    "CausalConv",
    "CausalMixed",
    "CausalTransformer",
    "Classifier",
    "Fit",
    "GatedLayer",
    "LevelEmbedding",
    "MaskedConv",
    "Memory",
    "Net",
    "Recogniser",
    "Residual",
    "UNet",
    "build",
    "config",
    "dense",
    "shake",
]

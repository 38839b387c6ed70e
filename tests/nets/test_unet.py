"""The U-Net: its middle sees everything, so it is not causal."""

from __future__ import annotations

import torch
from helpers_core import dependence, normal, waked

from minigen import nets


def test_the_middle_of_the_u_net_sees_everything() -> None:
    """In a 16x16 picture each corner's features depend on every pixel (three widths, as in the course)."""
    net = waked(nets.UNet(16, widths=(8, 8, 8), context_size=8))
    x = normal(1, 1, 16, 16).requires_grad_()
    features = net(x, torch.ones(1, 1, 16, 16).double(), None)
    (grad,) = torch.autograd.grad(features[0, :, 0, 0].sum(), x)
    assert bool((grad != 0).all())


def test_a_u_net_is_not_causal() -> None:
    """The test above can fail: a U-Net's features depend on later pixels."""
    assert bool(dependence(waked(nets.UNet(4, widths=(8, 8), context_size=8))).triu().any())

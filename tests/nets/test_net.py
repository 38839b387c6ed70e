"""What every net is made of, and what only some can do."""

from __future__ import annotations

import pytest
import torch
from helpers_core import normal, wake

from minigen import Generator, heads, nets, plans


@torch.no_grad()
def test_dense_is_linear_layers_with_silu_between() -> None:
    """dense(2, 3, 1) by hand."""
    net = nets.dense(2, 3, 1).double()
    x = normal(5, 2)
    hidden = x @ net[0].weight.T + net[0].bias
    wanted = hidden / (1 + (-hidden).exp()) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), wanted, rtol=0, atol=1e-12)


def test_only_a_causal_net_has_a_next_pixel() -> None:
    """The others say so."""
    with pytest.raises(TypeError, match=r"net is UNet; allowed: a causal net"):
        nets.UNet(8).next(torch.zeros(1, 1, 8, 8), None, {})


def test_waking_gives_every_weight_a_value() -> None:
    """The helper of these tests leaves no layer at zero, so that no test passes on a net that is constant."""
    model = wake(Generator(nets.UNet(8, widths=(8, 16), context_size=8), heads.Categorical(2), plans.one_shot()))
    assert all(bool((parameter != 0).all()) for parameter in model.parameters())

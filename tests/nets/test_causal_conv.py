"""Causal convolutions, by gradient: what a pixel's features depend on."""

from __future__ import annotations

import pytest
import torch
from helpers_core import dependence, waked

from minigen import nets


@pytest.mark.parametrize(
    ("size", "layers", "kernel", "channels"), [(5, 5, 3, 1), (5, 3, 5, 2), (6, 3, 5, 1), (4, 8, 3, 3)]
)
def test_a_causal_net_sees_all_earlier_pixels_and_no_other(size: int, layers: int, kernel: int, channels: int) -> None:
    """With enough layers pixel i depends on exactly the pixels before it: no leak and no blind spot."""
    net = waked(nets.CausalConv(size, channels, width=6, layers=layers, kernel=kernel, context_size=8))
    wanted = torch.ones(size * size, size * size).tril(diagonal=-1).bool()
    assert torch.equal(dependence(net), wanted)


def test_a_shallow_causal_net_sees_its_reach_and_nothing_later() -> None:
    """One layer with a 3x3 kernel sees the pixel to the left and the three above."""
    net = waked(nets.CausalConv(5, width=6, layers=1, kernel=3, context_size=8))
    seen = dependence(net)[2 * 5 + 2].view(5, 5)
    assert seen.nonzero().tolist() == [[1, 1], [1, 2], [1, 3], [2, 1]]

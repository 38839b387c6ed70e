"""Masked attention, and the masked convolution before it: what a pixel's features depend on."""

from __future__ import annotations

import pytest
import torch
from helpers_core import dependence, normal, waked
from torch import nn

from minigen import nets
from minigen.nets.causal_transformer import _rotate, turns


@pytest.mark.parametrize(("size", "layers", "heads", "channels"), [(4, 1, 1, 1), (5, 2, 2, 2), (6, 1, 4, 3)])
def test_attention_sees_all_earlier_pixels_and_no_other(size: int, layers: int, heads: int, channels: int) -> None:
    """One layer is enough: each place asks all before it, and the pixel before the first column is the last one."""
    net = waked(nets.CausalTransformer(size, channels, 4 * heads, layers, heads, kernel=3, context_size=8))
    wanted = torch.ones(size * size, size * size).tril(diagonal=-1).bool()
    assert torch.equal(dependence(net), wanted)


def test_masked_convolutions_alone_leave_a_blind_spot() -> None:
    """However many 3x3 layers: what lies more than a row's distance to the right, further up, is never seen."""
    size, stack = 5, nn.Sequential(
        nets.MaskedConv(1, 4, 3, centre=False), *(nets.MaskedConv(4, 4, 3, centre=True) for _ in range(8))
    )  # fmt: skip
    x = normal(1, 1, size, size).requires_grad_()
    stack = waked(stack)
    for i in range(size * size):
        (grad,) = torch.autograd.grad(stack(x)[0, :].flatten(1)[:, i].sum(), x)
        for j in range(size * size):
            up, right = i // size - j // size, j % size - i % size
            # the first layer sees left and up, one to the right at most; each further one goes one up for one right
            assert bool(grad.flatten()[j] != 0) == (right <= up if up > 0 else up == 0 and right < 0)


@torch.no_grad()
@pytest.mark.parametrize("centre", [False, True])
def test_a_masked_convolution_is_a_convolution_with_half_its_kernel_at_zero(centre: bool) -> None:
    """Against an ordinary one, whose lower rows and right half are set to 0."""
    masked = waked(nets.MaskedConv(2, 3, 5, centre))
    full = torch.zeros(3, 2, 5, 5).double()
    full[:, :, :2], full[:, :, 2, : 2 + centre] = masked.weight[:, :, :2], masked.weight[:, :, 2, : 2 + centre]
    x = normal(2, 2, 6, 6)
    wanted = nn.functional.conv2d(x, full, masked.bias, padding=2)
    torch.testing.assert_close(masked(x), wanted, rtol=0, atol=1e-12)


@torch.no_grad()
def test_attention_turns_by_distance_not_by_place() -> None:
    """How well a key matches a question depends on rows and columns between them, not on where they are."""
    q, k = normal(2, 1, 1, 1, 16)
    turn = turns(6, 16).double()

    def match(a: int, b: int) -> float:
        return float((_rotate(q, turn[:, a, None]) * _rotate(k, turn[:, b, None])).sum())

    assert match(6 * 3 + 4, 6 * 1 + 5) == pytest.approx(match(6 * 4 + 1, 6 * 2 + 2), abs=1e-6)  # two down, one left
    assert abs(match(6 * 3 + 4, 6 * 1 + 5) - match(6 * 3 + 4, 6 * 1 + 4)) > 1e-3
    assert abs(match(6 * 3 + 4, 6 * 1 + 5) - match(6 * 3 + 4, 6 * 2 + 5)) > 1e-3

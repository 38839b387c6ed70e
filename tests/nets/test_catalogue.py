"""Nets by name: a configuration builds the same net again."""

from __future__ import annotations

import pytest

from minigen import nets


@pytest.mark.parametrize(
    "net",
    [
        nets.MLP(5, width=16, depth=2, context_size=8),
        nets.UNet(8, channels=3, widths=(8, 16), blocks=2, context_size=8),
        nets.CausalConv(6, channels=2, width=6, layers=3, kernel=3, context_size=8),
        nets.CausalTransformer(6, channels=2, width=8, layers=2, heads=2, kernel=3, context_size=8),
        nets.Classifier(8, widths=(8, 16), kernel=5, features=12),
    ],
    ids=lambda net: type(net).__name__,
)
def test_a_net_is_built_again_from_its_configuration(net: nets.Net) -> None:
    """The same kind, with the same weights' names and shapes."""
    again = nets.build(nets.config(net))
    assert type(again) is type(net)
    assert {k: v.shape for k, v in again.state_dict().items()} == {k: v.shape for k, v in net.state_dict().items()}

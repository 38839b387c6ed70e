"""Causal nets against learning by heart: dropout, residual stacks, attention in between, and their recipes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers_core import dependence, normal, waked
from helpers_training import same_weights, weights

from minigen import nets, recipes
from minigen.nets.causal_conv import _gate

CONV = dict(size=5, channels=2, width=8, layers=4, kernel=3, context_size=8, dropout=0.3, residual=True)
MIXED = dict(size=5, channels=2, width=8, layers=4, kernel=3, every=2, heads=2, context_size=8, dropout=0.3)
ATTENTION = dict(size=5, channels=2, width=8, layers=2, heads=2, kernel=3, context_size=8, dropout=0.3)
MAKE = {
    "conv": lambda: nets.CausalConv(**CONV),
    "mixed": lambda: nets.CausalMixed(**MIXED),
    "mixed-last": lambda: nets.CausalMixed(**{**MIXED, "layers": 5, "every": 2, "dropout": 0.0}),
    "attention": lambda: nets.CausalTransformer(**ATTENTION),
}


@pytest.fixture(params=MAKE)
def net(request: pytest.FixtureRequest) -> Any:
    return waked(MAKE[request.param]())


# --- what they look at -----------------------------------------------------------------------------


def test_a_causal_net_sees_all_earlier_pixels_and_no_other(net: nets.Net) -> None:
    wanted = torch.ones(25, 25).tril(diagonal=-1).bool()
    assert torch.equal(dependence(net), wanted)


def test_attention_in_between_reaches_where_so_few_convolutions_do_not() -> None:
    """Two layers with 3x3 kernels see two rows up; attention after them sees the first pixel from the last row."""
    shape = dict(size=6, width=8, layers=2, kernel=3, context_size=8)
    near = dependence(waked(nets.CausalConv(**shape)))
    far = dependence(waked(nets.CausalMixed(**shape, every=2, heads=1)))
    assert not near[35, 0]
    assert far[35, 0]


@torch.no_grad()
@pytest.mark.parametrize("told_something", [True, False])
def test_pixel_by_pixel_a_causal_net_says_what_it_says_at_once(net: nets.Net, told_something: bool) -> None:
    x, context = normal(3, *net.shape), normal(3, 8, seed=1) if told_something else None
    whole = net(x, torch.zeros(1, 1, 1, 1).double(), context).flatten(2)
    memory: nets.Memory = {}
    seen = torch.full_like(x, 1e9)
    for i in range(25):
        torch.testing.assert_close(net.next(seen, context, memory).flatten(1), whole[:, :, i], rtol=0, atol=1e-11)
        seen.flatten(2)[:, :, i] = x.flatten(2)[:, :, i]


# --- dropout ---------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("kind", ["conv", "mixed", "attention"])
def test_dropout_is_on_in_training_and_off_else(kind: str) -> None:
    net = waked(MAKE[kind]())
    x, t, context = normal(2, *net.shape), torch.zeros(2, 1, 5, 5).double(), normal(2, 8)
    again = [net(x, t, context) for _ in range(2)]
    assert torch.equal(*again)
    without = nets.build({**nets.config(net), "dropout": 0.0}).double().train()
    without.load_state_dict(net.state_dict())
    torch.testing.assert_close(without(x, t, context), again[0], rtol=0, atol=1e-12)  # in another layout of memory
    net.train()
    assert not torch.equal(net(x, t, context), net(x, t, context))


@pytest.mark.parametrize("kind", ["conv", "mixed", "attention"])
def test_a_share_from_0_to_1_is_dropped(kind: str) -> None:
    config = nets.config(MAKE[kind]())
    with pytest.raises(ValueError, match=r"dropout is 1.5; allowed: finite numbers in \[0, 1\]"):
        nets.build({**config, "dropout": 1.5})


def test_what_a_recipe_drops_depends_on_its_seed_alone() -> None:
    """Not on what was drawn before; and torch's own random numbers stay as they were."""
    made_by, found = recipes.recipe("digits-causal-mixed"), []
    for noise in (0, 1):
        torch.manual_seed(noise)
        before = torch.get_rng_state()
        model, _ = made_by.train(iterations=1, batch_size=2, validate_every=1, ema=None, progress=False)
        assert torch.equal(torch.get_rng_state(), before)
        found.append(weights(model))
    assert same_weights(*found)


# --- how they are made -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conv", "mixed", "attention"])
def test_a_net_is_built_again_from_its_configuration(kind: str) -> None:
    net = MAKE[kind]()
    again = nets.build(nets.config(net))
    assert nets.config(again) == nets.config(net)
    assert {k: v.shape for k, v in again.state_dict().items()} == {k: v.shape for k, v in net.state_dict().items()}


@torch.no_grad()
def test_an_old_configuration_builds_the_net_of_old() -> None:
    """Before dropout and residual stacks: the same weights' names, and the sums written out once more."""
    old = dict(size=5, channels=1, width=4, layers=2, kernel=3, context_size=8)
    net = waked(nets.build({"name": "CausalConv", **old}))
    parts = ("vertical", "horizontal", "link", "context", "out")
    names = [f"layers.{i}.{part}.{kind}" for i in range(2) for part in parts for kind in ("weight", "bias")]
    assert list(net.state_dict()) == [*names, "last.1.weight", "last.1.bias"]
    x, context = normal(2, 1, 5, 5), normal(2, 8)
    v = h = torch.cat([x, torch.ones_like(x)], 1)
    for i, layer in enumerate(net.layers):
        up = layer.vertical(F.pad(v[:, :, : 5 - (i == 0)], (1, 1, 1, 0)))
        shift_v, shift_h = layer.context(context)[:, :, None, None].chunk(2, dim=1)
        across = layer.link(up) + shift_h
        out = layer.out(_gate(layer.horizontal(F.pad(h[..., : 5 - (i == 0)], (1, 0))) + across))
        v, h = _gate(up + shift_v), out if i == 0 else h + out
    torch.testing.assert_close(net(x, x, context), net.last(h), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["digits-causal-mixed", "digits-causal-conv"])
def test_a_causal_recipe_has_the_size_and_the_budget_of_the_others(name: str) -> None:
    """About as many parameters or fewer, at most as many digits, and kept from learning them by heart."""
    made_by = recipes.recipe(name)
    count = sum(value.numel() for value in made_by.build().parameters())
    assert 1_000_000 < count < 1_600_000
    assert made_by.training["iterations"] * made_by.training["batch_size"] <= 320_000
    assert made_by.training["weight_decay"] >= 0.3

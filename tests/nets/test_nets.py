"""What several nets share: shapes, the cache, that each can learn, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers_core import black_white, normal, tiny_causal, tiny_mlp, tiny_unet, told, waked
from torch import nn

from minigen import Generator, heads, nets, plans, sample, train

HEAD = heads.Categorical(2)

# --- the protocol ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "net",
    [
        nets.MLP(5, width=16, depth=2, context_size=8),
        nets.UNet(8, channels=3, widths=(8, 16), context_size=8),
        nets.UNet(12, widths=(8, 16, 24), blocks=2, context_size=8),
        nets.UNet(5, widths=(8,), context_size=8),
        nets.CausalConv(6, channels=2, width=6, layers=3, kernel=5, context_size=8),
        nets.CausalTransformer(6, channels=2, width=8, layers=2, heads=2, kernel=3, context_size=8),
    ],
    ids=["MLP", "UNet", "UNet-3", "UNet-1", "CausalConv", "CausalTransformer"],
)
@pytest.mark.parametrize("told_something", [True, False])
def test_a_net_turns_pictures_into_features(net: nets.Net, told_something: bool) -> None:
    """(B, C, H, W) to (B, features, H, W), or (B, D) to (B, features), with and without a context."""
    x = torch.zeros(2, *net.shape)
    t = torch.ones(2, 1, *net.shape[1:]) if len(net.shape) == 3 else torch.ones(2, *net.shape)
    context = torch.zeros(2, net.context_size) if told_something else None
    assert net(x, t, context).shape == (2, net.features, *net.shape[1:])


@torch.no_grad()
@pytest.mark.parametrize("kind", ["MLP", "UNet"])
def test_level_and_context_matter(kind: str) -> None:
    """Another level, one pixel's level, or another context changes the features."""
    net = nets.MLP(4, 16, 2, 8) if kind == "MLP" else nets.UNet(4, widths=(8, 8), context_size=8)
    net, shape = waked(net), (4,) if kind == "MLP" else (1, 4, 4)
    x, t, context = normal(1, *shape), torch.full((1, *shape), 0.5).double(), normal(1, 8, seed=1)
    base = net(x, t, context)
    one_pixel = t.clone()
    one_pixel.view(-1)[2] = 0.4
    # two levels moved against each other, so that their mean stays: only the net's own input can tell
    same_mean = t.clone()
    same_mean.view(-1)[:2] += torch.tensor([0.2, -0.2]).double()
    for other in (net(x, t * 0.5, context), net(x, one_pixel, context), net(x, same_mean, context)):
        assert float((other - base).abs().max()) > 1e-3
    for other in (net(x, t, context + 1), net(x, t, None)):
        assert float((other - base).abs().max()) > 1e-3


# --- causality -------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("told_something", [True, False])
@pytest.mark.parametrize(
    "net",
    [
        nets.CausalConv(5, channels=2, width=6, layers=3, kernel=5, context_size=8),
        nets.CausalConv(6, width=6, layers=1, kernel=3, context_size=8),
        nets.CausalTransformer(5, channels=2, width=16, layers=3, heads=2, kernel=5, context_size=8),
        nets.CausalTransformer(6, width=8, layers=1, heads=1, kernel=3, context_size=8),
    ],
    ids=["conv-5", "conv-1", "attention-3", "attention-1"],
)
def test_pixel_by_pixel_a_causal_net_says_what_it_says_at_once(net: nets.Net, told_something: bool) -> None:
    """With its cache, in float64; and it does not look at what is not written yet: that is NaN or noise."""
    net, x = waked(net), normal(3, *net.shape)
    context = normal(3, 8, seed=1) if told_something else None
    whole = net(x, torch.zeros(1, 1, 1, 1).double(), context).flatten(2)
    memory: nets.Memory = {}
    seen = torch.full_like(x, 1e9)
    for i in range(whole.shape[2]):
        torch.testing.assert_close(net.next(seen, context, memory).flatten(1), whole[:, :, i], rtol=0, atol=1e-12)
        seen.flatten(2)[:, :, i] = x.flatten(2)[:, :, i]


@torch.no_grad()
@pytest.mark.parametrize("kind", ["conv", "attention"])
def test_a_causal_net_tells_the_padding_from_a_picture_of_zeros(kind: str) -> None:
    """On a picture of zeros the first pixel's features differ from the last one's, after one layer already."""
    net = waked(
        nets.CausalConv(6, width=6, layers=1, kernel=3, context_size=8)
        if kind == "conv"
        else nets.CausalTransformer(6, width=8, layers=1, heads=1, kernel=3, context_size=8)
    )
    features = net(torch.zeros(1, 1, 6, 6).double(), torch.zeros(1, 1, 6, 6).double(), None)
    assert float((features[0, :, 0, 0] - features[0, :, 5, 5]).abs().max()) > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("kind", ["conv", "attention"])
def test_the_context_reaches_every_pixel_of_a_causal_net(kind: str) -> None:
    """The first pixel too, which sees nothing else."""
    net = waked(
        nets.CausalConv(4, width=6, layers=2, kernel=3, context_size=8)
        if kind == "conv"
        else nets.CausalTransformer(4, width=8, layers=1, heads=1, kernel=3, context_size=8)
    )
    x = torch.zeros(1, 1, 4, 4).double()
    change = net(x, x, normal(1, 8)) - net(x, x, normal(1, 8, seed=1))
    assert bool((change.abs().amax(dim=1) > 1e-4).all())


# --- learning --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "iterations"),
    [
        (tiny_unet(HEAD, plans.one_shot(), condition=told(8)), 100),
        (tiny_unet(HEAD, plans.diffusion(), condition=told(8)), 100),
        (tiny_unet(heads.Regression("x0"), plans.diffusion(), condition=told(8)), 250),
        (tiny_mlp(HEAD, plans.random_order(), size=16, condition=told(8)), 200),
        (tiny_causal(4, levels=2, condition=told(8)), 200),
        (tiny_causal(4, levels=2, attention=True, condition=told(8)), 200),
    ],
    ids=["UNet-one_shot", "UNet-diffusion", "UNet-regression", "MLP-random_order", "CausalConv", "CausalTransformer"],
)
def test_every_net_can_learn_eight_pictures_by_heart(model: Generator, iterations: int) -> None:
    """Told which of the eight it is, the trained model writes that picture."""
    pictures, labels = black_white(8, *model.shape, seed=3), torch.arange(8)
    torch.manual_seed(0)
    fresh = nets.build(nets.config(model.net))
    model = Generator(fresh, model.head, model.plan, condition=model.condition)  # type: ignore[arg-type]
    train(
        model, pictures, labels, iterations=iterations, learning_rate=1e-2, warmup=10, ema=None,
        device="cpu", precision="float32", progress=False,
    )  # fmt: skip
    drawn = sample(model, 8, labels=labels, steps=None if model.plan.name != "diffusion" else 8, temperature=0)
    assert float((drawn - pictures).abs().max()) < 0.2


# --- bad calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nets.dense(3), ValueError, r"sizes is \(3,\); allowed: two or more whole numbers"),
        (lambda: nets.dense(3, 0), ValueError, r"sizes is 0; allowed: whole numbers from 1"),
        (lambda: nets.MLP(0), ValueError, r"size is 0; allowed: whole numbers from 1"),
        (lambda: nets.MLP(2, width=8.5), TypeError, r"width is 8.5, a float; allowed: a whole number"),
        (lambda: nets.UNet(18), ValueError, r"size is 18; allowed with 3 widths: multiples of 4"),
        (
            lambda: nets.UNet(16, widths=(30, 60)),
            ValueError,
            r"widths is \(30, 60\); allowed: one or more multiples of",
        ),
        (
            lambda: nets.UNet(16, widths=()),
            ValueError,
            r"widths is empty; allowed: one or more whole numbers, such as \(32, 64, 128\)",
        ),
        (lambda: nets.UNet(16, channels=0), ValueError, r"channels is 0; allowed: whole numbers from 1"),
        (lambda: nets.UNet(16, blocks=0), ValueError, r"blocks is 0; allowed: whole numbers from 1"),
        (lambda: nets.CausalConv(8, kernel=4), ValueError, r"kernel is 4; allowed: odd numbers from 3"),
        (lambda: nets.CausalConv(8, kernel=1), ValueError, r"kernel is 1; allowed: odd numbers from 3"),
        (
            lambda: nets.MaskedConv(1, 1, kernel=0, centre=True),
            ValueError,
            r"kernel is 0; allowed: whole numbers from 1",
        ),
        (
            lambda: nets.CausalTransformer(8, width=36, heads=4),
            ValueError,
            r"width is 36; allowed with 4 heads: multiples of 16",
        ),
        (lambda: nets.CausalTransformer(8, kernel=4), ValueError, r"kernel is 4; allowed: odd numbers from 3"),
        (lambda: nets.CausalTransformer(8, heads=0), ValueError, r"heads is 0; allowed: whole numbers from 1"),
        (lambda: nets.CausalConv(8, layers=0), ValueError, r"layers is 0; allowed: whole numbers from 1"),
        (
            lambda: nets.build({"name": "Unet"}),
            ValueError,
            r"net in config is 'Unet'; allowed: 'MLP', 'UNet'.*did you mean 'UNet'",
        ),
        (lambda: nets.config(nn.Linear(1, 1)), ValueError, r"net is 'Linear'; allowed: 'MLP', 'UNet', 'CausalConv'"),
        (lambda: nets.Fit(nets.dense(1, 1), "square"), ValueError, r"loss is 'square'.*did you mean 'squared'"),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(call: Any, error: type[Exception], message: str) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()

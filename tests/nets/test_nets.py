"""Nets: shapes, what each may look at (causality by gradient), and that each can learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers_core import black_white, normal, tiny_causal, tiny_mlp, tiny_unet, told, wake
from torch import nn

from minigen import Generator, heads, nets, plans, sample, train


def waked(net: nn.Module, seed: int = 0) -> nn.Module:
    """The net in float64 with random weights everywhere."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=1.0 if parameter.dim() == 1 else parameter[0].numel() ** -0.5)
    return net.double().eval()


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


def test_the_middle_of_the_u_net_sees_everything() -> None:
    """In a 16x16 picture each corner's features depend on every pixel (three widths, as in the course)."""
    net = waked(nets.UNet(16, widths=(8, 8, 8), context_size=8))
    x = normal(1, 1, 16, 16).requires_grad_()
    features = net(x, torch.ones(1, 1, 16, 16).double(), None)
    (grad,) = torch.autograd.grad(features[0, :, 0, 0].sum(), x)
    assert bool((grad != 0).all())


@torch.no_grad()
def test_dense_is_linear_layers_with_silu_between() -> None:
    """dense(2, 3, 1) by hand."""
    net = nets.dense(2, 3, 1).double()
    x = normal(5, 2)
    hidden = x @ net[0].weight.T + net[0].bias
    wanted = hidden / (1 + (-hidden).exp()) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), wanted, rtol=0, atol=1e-12)


# --- causality -------------------------------------------------------------------------------------


def dependence(net: nets.Net) -> torch.Tensor:
    """Which pixel's features depend on which pixel: (pixels, pixels) of True and False, by gradient."""
    channels, size, _ = net.shape
    x = normal(1, channels, size, size).requires_grad_()
    features = net(x, torch.zeros(1, 1, size, size).double(), normal(1, net.context_size)).flatten(2)
    rows = [torch.autograd.grad(features[0, :, i].sum(), x, retain_graph=True)[0] for i in range(size * size)]
    return torch.stack([(row != 0).any(dim=1).flatten() for row in rows])


@pytest.mark.parametrize(
    ("size", "layers", "kernel", "channels"), [(5, 5, 3, 1), (5, 3, 5, 2), (6, 3, 5, 1), (4, 8, 3, 3)]
)
def test_a_causal_net_sees_all_earlier_pixels_and_no_other(size: int, layers: int, kernel: int, channels: int) -> None:
    """With enough layers pixel i depends on exactly the pixels before it: no leak and no blind spot."""
    net = waked(nets.CausalConv(size, channels, width=6, layers=layers, kernel=kernel, context_size=8))
    wanted = torch.ones(size * size, size * size).tril(diagonal=-1).bool()
    assert torch.equal(dependence(net), wanted)


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


def test_only_a_causal_net_has_a_next_pixel() -> None:
    """The others say so."""
    with pytest.raises(TypeError, match=r"net is UNet; allowed: a causal net"):
        nets.UNet(8).next(torch.zeros(1, 1, 8, 8), None, {})


@torch.no_grad()
def test_attention_turns_by_distance_not_by_place() -> None:
    """How well a key matches a question depends on rows and columns between them, not on where they are."""
    q, k = normal(2, 1, 1, 1, 16)
    turn = nets._turns(6, 16).double()

    def match(a: int, b: int) -> float:
        return float((nets._rotate(q, turn[:, a, None]) * nets._rotate(k, turn[:, b, None])).sum())

    assert match(6 * 3 + 4, 6 * 1 + 5) == pytest.approx(match(6 * 4 + 1, 6 * 2 + 2), abs=1e-6)  # two down, one left
    assert abs(match(6 * 3 + 4, 6 * 1 + 5) - match(6 * 3 + 4, 6 * 1 + 4)) > 1e-3
    assert abs(match(6 * 3 + 4, 6 * 1 + 5) - match(6 * 3 + 4, 6 * 2 + 5)) > 1e-3


def test_a_shallow_causal_net_sees_its_reach_and_nothing_later() -> None:
    """One layer with a 3x3 kernel sees the pixel to the left and the three above."""
    net = waked(nets.CausalConv(5, width=6, layers=1, kernel=3, context_size=8))
    seen = dependence(net)[2 * 5 + 2].view(5, 5)
    assert seen.nonzero().tolist() == [[1, 1], [1, 2], [1, 3], [2, 1]]


def test_a_u_net_is_not_causal() -> None:
    """The test above can fail: a U-Net's features depend on later pixels."""
    assert bool(dependence(waked(nets.UNet(4, widths=(8, 8), context_size=8))).triu().any())


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

HEAD = heads.Categorical(2)


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
        (lambda: nets.UNet(16, widths=()), ValueError, r"widths is \(\); allowed: one or more multiples of 8"),
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
            r"net is 'Unet'; allowed: 'MLP', 'UNet'.*did you mean 'UNet'",
        ),
        (lambda: nets.config(nn.Linear(1, 1)), ValueError, r"net is 'Linear'; allowed: 'MLP', 'UNet', 'CausalConv'"),
        (lambda: nets.Fit(nets.dense(1, 1), "square"), ValueError, r"loss is 'square'.*did you mean 'squared'"),
        (
            lambda: nets.Classifier(8)(torch.zeros(2, 1, 16, 16)),
            ValueError,
            r"images has shape \(2, 1, 16, 16\); allowed: \(any number, 1, 8, 8\)",
        ),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(call: Any, error: type[Exception], message: str) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()


def test_waking_gives_every_weight_a_value() -> None:
    """The helper of these tests leaves no layer at zero, so that no test passes on a net that is constant."""
    model = wake(Generator(nets.UNet(8, widths=(8, 16), context_size=8), HEAD, plans.one_shot()))
    assert all(bool((parameter != 0).all()) for parameter in model.parameters())

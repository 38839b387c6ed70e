"""What the tests of the core share: tiny models with random weights, and a tiny set of pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from minigen import Generator, IdealGenerator, Labels, heads, nets, plans, process
from minigen.base.randomness import seeded

PATIENCE = 1200
"""Seconds after which a test gives up on another process: on a busy machine minutes may be nothing."""

GREYS = heads.Categorical(4)

BINARY = heads.Categorical(2)

FOUR = (
    torch.tensor([[float(c == "1") for c in row] for row in ("11001010", "01100111", "00011100", "10110001")]) * 2 - 1
)
"""Four vectors of eight numbers, each pair differing in four or more."""

ONE, OTHER = "a red circle above a blue square", "a blue square above a red circle"
"""Two prompts of the same words."""

SCHEDULES = (process.cosine, process.flow, process.linear_beta_leaky, process.shifted)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def black_white(*shape: int, seed: int = 0) -> Tensor:
    """Pictures of -1 and 1 (float32)."""
    return torch.randint(0, 2, shape, generator=seeded(seed)).float() * 2 - 1


def wake(model: Generator, seed: int = 0) -> Generator:
    """The model in evaluation mode with random weights everywhere, also where it starts from zeros."""
    random = seeded(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            scale = 1.0 if parameter.dim() == 1 else parameter[0].numel() ** -0.5
            parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)
    return model.eval()


def tiny_unet(head: heads.Head, plan: plans.Plan, size: int = 8, seed: int = 0, **choices: Any) -> Generator:
    """A U-Net of a few hundred weights."""
    return wake(Generator(nets.UNet(size, widths=(8, 16), context_size=8), head, plan, **choices), seed)


def tiny_mlp(head: heads.Head, plan: plans.Plan, size: int = 4, seed: int = 0, **choices: Any) -> Generator:
    """An MLP for vectors of a few numbers."""
    return wake(Generator(nets.MLP(size, width=16, depth=2, context_size=8), head, plan, **choices), seed)


def tiny_causal(
    size: int = 4, levels: int = 4, layers: int = 4, seed: int = 0, attention: bool = False, **choices: Any
) -> Generator:
    """A causal net with the one head and the one plan that it goes with."""
    net: nets.Net = nets.CausalConv(size, width=6, layers=layers, kernel=3, context_size=8)
    if attention:
        net = nets.CausalTransformer(size, width=16, layers=layers // 2, heads=2, kernel=3, context_size=8)
    return wake(Generator(net, heads.Categorical(levels), plans.raster(), **choices), seed)


def ideal(plan: plans.Plan, head: heads.Head = BINARY, pictures: Tensor = FOUR, **settings: Any) -> IdealGenerator:
    """The perfect denoiser of a few pictures."""
    return IdealGenerator(pictures, head, plan, **settings)


def which(drawn: Tensor, pictures: Tensor, near: float = 0.0) -> Tensor:
    """The number of the picture that each sample is (to ``near``), or -1: (count,)."""
    distance = (drawn.flatten(1)[:, None] - pictures.flatten(1)).abs().amax(dim=2)
    return torch.where(distance.amin(dim=1) <= near, distance.argmin(dim=1), -1)


def told(classes: int = 3) -> Labels:
    """A condition without dropout."""
    return Labels(classes, dropout=0.0)


def waked(net: nn.Module, seed: int = 0) -> nn.Module:
    """The net in float64 with random weights everywhere."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=1.0 if parameter.dim() == 1 else parameter[0].numel() ** -0.5)
    return net.double().eval()


def dependence(net: nets.Net) -> Tensor:
    """Which pixel's features depend on which pixel: (pixels, pixels) of True and False, by gradient."""
    channels, size, _ = net.shape
    x = normal(1, channels, size, size).requires_grad_()
    features = net(x, torch.zeros(1, 1, size, size).double(), normal(1, net.context_size)).flatten(2)
    rows = [torch.autograd.grad(features[0, :, i].sum(), x, retain_graph=True)[0] for i in range(size * size)]
    return torch.stack([(row != 0).any(dim=1).flatten() for row in rows])

"""What the checks of "train it" share: a trained network is handed in, and asked what its reader has not seen."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.course.checks.judging import NotYetError, as_numbers
from minigen.generator import Generator
from minigen.training import History


def expect_net(given: Any) -> nn.Module:
    """The network that was handed in, or a hint on what else it is."""
    if isinstance(given, History):
        raise NotYetError("That is the history of a training. Hand in the network that was trained.")
    if isinstance(given, type):
        raise NotYetError(f"That is the class {given.__name__}. Hand in the one that you have made of it, and trained.")
    if not isinstance(given, nn.Module):
        raise NotYetError(f"Hand in the trained network itself, a module of torch; this is a {type(given).__name__}.")
    if not any(True for _ in given.parameters()):
        raise NotYetError("This has no weights, so there was nothing to train.")
    return given


def expect_digits(given: Any) -> Generator:
    """The generator of digits that was handed in, or a hint on what else it is."""
    net = expect_net(given)
    if not isinstance(net, Generator) or math.prod(net.shape) != 256:
        raise NotYetError(f"Hand in a mg.Generator of pictures of 256 pixels; this is a {type(net).__name__}.")
    return net


class Named(nn.Module):
    """A generator as the picture that it names, by its mean, for flat x_t at levels (count, 1)."""

    def __init__(self, inside: Generator, clip: bool) -> None:
        super().__init__()
        self.inside, self.clip = inside, clip

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        shape = self.inside.shape
        belief = self.inside.belief(x_t.view(-1, *shape), t.view(-1, *(1 for _ in shape)))
        return self.inside.head.x0_hat(belief, None, 1.0, self.clip).flatten(1)


def answers_of(net: nn.Module, *inputs: Tensor) -> Tensor:
    """What the network says, asked on its own device, in its own dtype, and twice, to see if it wavers."""
    weights = next(net.parameters())
    given = [part.to(weights.device, weights.dtype if part.is_floating_point() else part.dtype) for part in inputs]
    try:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)  # the reader's own random numbers stay as they are
            said, again = (as_numbers(net(*(part.clone() for part in given))) for _ in range(2))
    except NotYetError:
        raise
    except Exception as error:
        shapes = " and ".join(str(tuple(part.shape)) for part in given)
        raise NotYetError(f"Asked with {shapes}, your network stopped with {type(error).__name__}: {error}") from None
    if not bool(said.isfinite().all()):
        raise NotYetError("Your network answers with numbers that are not finite. Did its loss stay finite?")
    if said.shape != again.shape or not torch.allclose(said, again, rtol=1e-4, atol=1e-5):
        raise NotYetError(
            "Asked the same twice, your network gives two answers. Is it still in training mode? net.eval() ends that."
        )
    return said


def typical(difference: Tensor) -> float:
    """The root of the mean square: how far off, typically."""
    return float(difference.double().square().mean().sqrt())

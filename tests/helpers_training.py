"""What the tests of training share: small models, a recipe that takes a moment, and models that listen."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from minigen import Generator, History, Labels, heads, nets, plans
from minigen.zoo.recipes import Recipe

if TYPE_CHECKING:
    import pytest

PLAIN: dict[str, Any] = dict(ema=None, clip=None, warmup=0, decay=False)
"""No extras: what is left is AdamW."""

QUIET: dict[str, Any] = dict(progress=False, device="cpu")


def fit(*between: nn.Module, width: int = 8, loss: str = "squared", seed: int = 0) -> nets.Fit:
    """A little curve with first weights of its own; ``between`` comes after the hidden layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nets.Fit(nn.Sequential(nn.Linear(1, width), nn.SiLU(), *between, nn.Linear(width, 1)), loss)


def _tiny(size: int, condition: bool = True) -> Generator:
    net = nets.UNet(size=size, widths=(8, 16), context_size=16)
    return Generator(net, heads.Categorical(4), plans.diffusion(), condition=Labels(10) if condition else None)


def tiny_generator(size: int = 8, condition: bool = True) -> Generator:
    """A U-Net of some thousand weights, told which digit, always with the same first weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _tiny(size, condition)


def tiny_recipe(name: str = "tiny-digits", size: int = 8, condition: bool = True, **training: Any) -> Recipe:
    """A recipe that trains in a moment."""
    return Recipe(
        name,
        "a very small generator for the tests",
        lambda: _tiny(size, condition),
        size=size,
        training={"iterations": 2, "batch_size": 16, **training},
        sampling={"steps": 2},
        seed=3,
    )


def weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of a model's state."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same_weights(one: nn.Module | dict[str, Tensor], other: nn.Module | dict[str, Tensor]) -> bool:
    """True if two models have the very same bits."""
    a, b = (each.state_dict() if isinstance(each, nn.Module) else each for each in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def lasting(history: History) -> dict[str, Any]:
    """What must be the same in a run that was resumed: all but the time it took."""
    return {name: getattr(history, name) for name in ("loss", "validation", "best", "images_seen")}


# --- what the loop asks and gives ------------------------------------------------------------------


class Probe(nn.Module):
    """One weight w, the loss ``slope * w``, and a log of all that the loop asks and gives."""

    def __init__(self, slope: float = 1.0) -> None:
        super().__init__()
        self.w, self.slope = nn.Parameter(torch.zeros(())), slope
        self.batches: list[list[float]] = []
        self.seen: list[float] = []

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        self.batches.append(batch[0].flatten().tolist())
        self.seen.append(self.w.item())
        return self.slope * self.w


class Listener:
    """Wraps ``AdamW.step`` and writes down the rate and the gradient that it really gets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rates: list[float] = []
        self.norms: list[float] = []
        self.gradients: list[Tensor] = []
        plain = torch.optim.AdamW.step

        def step(optimizer: torch.optim.AdamW, *given: object) -> object:
            flat = torch.cat([p.grad.flatten() for g in optimizer.param_groups for p in g["params"]])
            self.rates.append(optimizer.param_groups[0]["lr"])
            self.norms.append(float(flat.norm()))
            self.gradients.append(flat.clone())
            return plain(optimizer, *given)

        monkeypatch.setattr(torch.optim.AdamW, "step", step)


def flat(batches: Iterable[list[float]]) -> list[float]:
    """All numbers of some batches, in order."""
    return list(itertools.chain.from_iterable(batches))

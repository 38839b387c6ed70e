"""What moves the weights down the gradient: AdamW, and Muon for those that are matrices.

A short training gets further with Muon: after 100 updates on small digits its loss is a tenth below AdamW's
(``tests/training/test_optimizers.py``). Each of its updates costs a little more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from minigen.base.errors import check_choice

MUON_RATE = 10.0
"""Muon's learning rate over AdamW's, since its steps are measured by the largest singular value of a matrix."""

MUON_LEAST = 16
"""Rows and columns that a weight must have to be worth it."""

MUON_STEPS = 3
"""Of Newton and Schulz; torch's five cost a tenth of an update more, and a minute's digits are no better for it."""


class Muon(torch.optim.Muon):
    """torch's Muon for layers of convolution, too: their weight is seen as a matrix with a row for each output.

    The momentum M = U S V^T of a matrix becomes U V^T, roughly, before it is a step. So the directions that few
    gradients point in are followed as far as those that most point in. A few steps of Newton and Schulz find it,
    without a decomposition (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/).

    Args:
        weights: of two dimensions or more, contiguous.
        settings: those of ``torch.optim.Muon``.

    >>> weight = nn.Parameter(torch.zeros(2, 3, 1, 1))
    >>> weight.grad = torch.tensor([[3.0, 0, 0], [0, 4e-2, 0]]).view(2, 3, 1, 1)
    >>> Muon([weight], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False).step()
    >>> [f"{weight.detach()[i, i].item():.1f}" for i in (0, 1)]       # nearly a hundred times less, and as far
    ['-0.7', '-0.9']
    """

    def __init__(self, weights: Iterable[nn.Parameter], **settings: Any) -> None:
        self.weights = list(weights)
        # view(), unlike reshape(), never copies: a step of the matrix is one of the weight
        super().__init__([nn.Parameter(w.detach().view(len(w), -1)) for w in self.weights], **settings)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the weights."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every weight that has a gradient."""
        if closure is not None:
            raise ValueError("closure is given; allowed: None, for gradients that are there already")
        for weight, matrix in zip(self.weights, self.param_groups[0]["params"], strict=True):
            matrix.grad = None if weight.grad is None else weight.grad.reshape(matrix.shape)
        return super().step()


def of(name: str, model: nn.Module, learning_rate: float, weight_decay: float) -> list[Optimizer]:
    """The optimizers of this name for all weights of a model.

    "muon" is for the weights of linear layers and convolutions of at least ``MUON_LEAST`` inputs and outputs; its rate
    is ``MUON_RATE`` times ``learning_rate``, and its weights decay as much a step as the others, which get AdamW.

    Raises:
        ValueError: for another name.

    >>> net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.Conv2d(32, 16, 3), nn.Conv2d(16, 1, 3))
    >>> [len(each.param_groups[0]["params"]) for each in of("muon", net, 2e-3, 0.0)]
    [5, 1]
    >>> of("adam", net, 2e-3, 0.0)
    Traceback (most recent call last):
    ValueError: optimizer is 'adam'; allowed: 'adamw', 'muon'; did you mean 'adamw'?
    """
    check_choice("optimizer", name, ("adamw", "muon"))
    matrices = _matrices(model) if name == "muon" else []
    known = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in known]
    found: list[Optimizer] = [AdamW(rest, learning_rate, weight_decay=weight_decay, fused=True)] if rest else []
    if matrices:
        rate, decay = MUON_RATE * learning_rate, weight_decay / MUON_RATE
        found.append(Muon(matrices, lr=rate, weight_decay=decay, ns_steps=MUON_STEPS))
    return found


def _matrices(model: nn.Module) -> list[nn.Parameter]:
    """The weights that Muon is for, each once."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d)]
    shared: dict[int, Tensor] = {id(layer.weight): layer.weight for layer in layers}
    return [w for w in shared.values() if min(len(w), w[0].numel()) >= MUON_LEAST]  # type: ignore[misc]

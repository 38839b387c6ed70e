"""Muon for convolutions is torch's Muon on their matrices; every weight has one optimizer; it learns faster."""

from __future__ import annotations

import pytest
import torch
from helpers_training import fit, tiny_generator, weights
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from minigen import Generator, Labels, data, heads, nets, plans
from minigen.training import optimizers, train
from minigen.training.optimizers import Muon

SETTINGS = dict(lr=0.1, weight_decay=0.3, momentum=0.9)


def filled(*shape: int) -> nn.Parameter:
    """A weight with a gradient."""
    weight = nn.Parameter(torch.randn(shape))
    weight.grad = torch.randn(shape)
    return weight


@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 6),
    side=st.sampled_from([(1, 1), (3, 3), (1, 4)]),
    seed=st.integers(0, 99),
)
def test_a_convolution_moves_as_torchs_muon_moves_its_matrix(
    rows: int, columns: int, side: tuple[int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    kernel = filled(rows, columns, *side)
    matrix = nn.Parameter(kernel.detach().flatten(1).clone())
    ours, theirs = Muon([kernel], **SETTINGS), torch.optim.Muon([matrix], **SETTINGS)
    before = kernel.detach().clone()
    for _ in range(3):
        assert kernel.grad is not None
        matrix.grad = kernel.grad.flatten(1)
        ours.step()
        theirs.step()
        kernel.grad = torch.randn_like(kernel)
    assert torch.equal(kernel.detach().flatten(1), matrix.detach())
    assert not torch.equal(kernel, before)


def test_the_step_is_nearly_orthogonal() -> None:
    """The singular values, which span a factor of 100 in the gradient, are all between 0.6 and 1.3 in the step."""
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.zeros(8, 4, 3, 3))
    u, _, vh = torch.linalg.svd(torch.randn(8, 36), full_matrices=False)
    kernel.grad = (u @ torch.diag(torch.logspace(0, -2, 8)) @ vh).view_as(kernel)
    Muon([kernel], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False).step()
    step = -kernel.detach().flatten(1)
    values = torch.linalg.svdvals(step)
    assert 0.6 < values.min() < values.max() < 1.3
    along = (u.T @ step @ vh.T).diagonal()
    assert torch.allclose(along, values.new_tensor(1.0), atol=0.4), "in the gradient's own directions"


def test_a_weight_without_a_gradient_stays() -> None:
    torch.manual_seed(0)
    moved, still = filled(4, 4), nn.Parameter(torch.randn(4, 4))
    before = still.detach().clone()
    optimizer = Muon([moved, still], **SETTINGS)
    optimizer.step()
    assert torch.equal(still, before)
    optimizer.zero_grad()
    assert moved.grad is None
    at = moved.detach().clone()
    optimizer.step()
    assert torch.equal(moved, at), "no gradient, no step"
    with pytest.raises(ValueError, match="closure is given; allowed: None"):
        optimizer.step(lambda: 0)


def test_every_weight_has_one_optimizer() -> None:
    """Muon gets the layers' large matrices; biases, norms, embeddings and thin layers get AdamW."""
    model = tiny_generator()
    model.net.register_module("more", nn.Sequential(nn.Conv2d(16, 16, 1), nn.Conv2d(16, 15, 1), nn.Embedding(20, 20)))
    adam, muon = optimizers.of("muon", model, 1e-3, 0.2)
    assert isinstance(muon, Muon)
    given = [id(weight) for weight in [*adam.param_groups[0]["params"], *muon.weights]]
    assert sorted(given) == sorted(id(weight) for weight in model.parameters())
    names = {id(weight): name for name, weight in model.named_parameters()}
    theirs = {names[id(weight)] for weight in muon.weights}
    assert "net.more.0.weight" in theirs
    assert not {"net.more.1.weight", "net.more.2.weight", "net.more.0.bias"} & theirs
    assert all(weight.ndim >= 2 and min(len(weight), weight[0].numel()) >= 16 for weight in muon.weights)
    assert adam.param_groups[0]["lr"] * 10 == pytest.approx(muon.param_groups[0]["lr"])
    (alone,) = optimizers.of("adamw", model, 1e-3, 0.2)
    assert len(alone.param_groups[0]["params"]) == len(given)


def test_weights_decay_as_much_under_both() -> None:
    """A gradient of nought: what is left is the decay."""
    ends = []
    for name in ("adamw", "muon"):
        torch.manual_seed(0)
        model = nn.Linear(16, 16, bias=False)
        model.weight.grad = torch.zeros_like(model.weight)
        for optimizer in optimizers.of(name, model, 0.01, 0.5):
            optimizer.step()
        ends.append(model.weight.detach())
    assert torch.allclose(*ends, rtol=1e-6)
    torch.manual_seed(0)
    assert torch.allclose(ends[0], nn.Linear(16, 16, bias=False).weight * (1 - 0.01 * 0.5), rtol=1e-6)


def test_a_shared_matrix_is_stepped_once() -> None:
    layers = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))
    layers[1].weight = layers[0].weight
    adam, muon = optimizers.of("muon", layers, 1e-3, 0.0)
    assert isinstance(muon, Muon)
    assert len(muon.weights) == 1
    assert len(adam.param_groups[0]["params"]) == 2


def test_digits_are_learned_faster_and_all_weights_move() -> None:
    images, labels = data.digits(8)
    left = {}
    for name in ("adamw", "muon"):
        torch.manual_seed(0)
        model = Generator(nets.UNet(8, widths=(16, 32)), heads.Regression("v"), plans.diffusion(), condition=Labels(10))
        before = weights(model)
        settings = dict(precision="float32", device="cpu", progress=False)
        history = train(model, images, labels, iterations=100, batch_size=64, optimizer=name, **settings)
        assert all(not torch.equal(before[key], value) for key, value in weights(model).items())
        left[name] = sum(history.loss[-30:]) / 30
    assert left["muon"] < 0.95 * left["adamw"]


def test_another_optimizer_is_refused() -> None:
    with pytest.raises(ValueError, match="optimizer is 'adm'; allowed: 'adamw', 'muon'; did you mean 'adamw'"):
        train(fit(), *data.curve(), optimizer="adm", progress=False)

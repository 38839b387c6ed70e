"""Likelihood: bits per dimension against enumeration, and one causal pass against the walk."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from helpers_core import BINARY, black_white, normal, tiny_causal, tiny_mlp, tiny_unet, told
from torch import Tensor

from minigen import Generator, IdealGenerator, data, heads, nets, plans
from minigen.metrics import bits_per_dimension

EVERY = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=4)))
"""All 16 pictures of four black or white pixels."""

COUNTS = [3, 0, 1, 2, 0, 5, 1, 0, 2, 2, 0, 1, 4, 0, 0, 3]
DATA = EVERY.repeat_interleave(torch.tensor(COUNTS), dim=0)
"""A set in which each of them occurs so often: 24 pictures, some several times and some never."""


def probability(picture: Tensor, groups: list[list[int]]) -> float:
    """p(picture) when the pixels are written in groups, those of a group each alone: by counting in DATA."""
    fitting, p = DATA, 1.0
    for group in groups:
        for pixel in group:
            share = float((fitting[:, pixel] == picture[pixel]).double().mean()) if len(fitting) else 0.0
            p *= share
        fitting = fitting[(fitting[:, group] == picture[group]).all(dim=1)]
        if p == 0:
            return 0.0
    return p


def total(bits: Tensor, pixels: int = 4) -> float:
    """The sum of p over all pictures, from their bits per pixel."""
    return float(torch.exp2(-bits.double() * pixels).sum())


# --- the ideal denoiser ----------------------------------------------------------------------------


def test_raster_is_exact() -> None:
    """Pixel by pixel the chain rule gives each picture its share of the data: -log2(count / 24) / 4 bits."""
    bits = bits_per_dimension(IdealGenerator(DATA, BINARY, plans.raster()), EVERY)
    wanted = [-math.log2(count / 24) / 4 if count else math.inf for count in COUNTS]
    assert bits.tolist() == pytest.approx(wanted, abs=1e-5)
    assert total(bits) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_random_order_is_exact_for_its_order(seed: int) -> None:
    """One pixel a step, any order gives the same shares; in two steps it is the product for the drawn groups."""
    model = IdealGenerator(DATA, BINARY, plans.random_order())
    full = torch.cat([bits_per_dimension(model, picture[None], seed=seed) for picture in EVERY])
    wanted = [-math.log2(count / 24) / 4 if count else math.inf for count in COUNTS]
    assert full.tolist() == pytest.approx(wanted, abs=1e-5)

    # each picture alone is image 0 of its run, so that all get the same order: the matrix's
    two = torch.cat([bits_per_dimension(model, picture[None], steps=2, seed=seed) for picture in EVERY])
    written = model.plan.matrix((4,), steps=2, seed=seed).diff(dim=0) < 0
    groups = [row.nonzero().flatten().tolist() for row in written]
    by_hand = [probability(picture, groups) for picture in EVERY]
    assert sum(by_hand) == pytest.approx(1)
    assert torch.exp2(-two.double() * 4).tolist() == pytest.approx(by_hand, abs=1e-5)
    assert total(two) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("plan", "groups"),
    [(plans.one_shot(), [[0, 1, 2, 3]]), (plans.raster(2), [[0, 1], [2, 3]])],
    ids=["one_shot", "patches"],
)
def test_pixels_of_one_step_are_independent(plan: plans.Plan, groups: list[list[int]]) -> None:
    """Written together, the pixels' chances multiply: by enumeration."""
    bits = bits_per_dimension(IdealGenerator(DATA, BINARY, plan), EVERY)
    by_hand = [probability(picture, groups) for picture in EVERY]
    assert torch.exp2(-bits.double() * 4).tolist() == pytest.approx(by_hand, abs=1e-5)
    assert total(bits) == pytest.approx(1, abs=1e-5)


def test_fewer_steps_cost_bits() -> None:
    """On the data's average, writing more pixels at once can only cost: 4, 2, 1 steps of raster order."""
    model = IdealGenerator(DATA, BINARY, plans.raster())
    costs = [float(bits_per_dimension(model, DATA, steps=steps).mean()) for steps in (4, 2, 1)]
    entropy = -sum(count / 24 * math.log2(count / 24) for count in COUNTS if count) / 4
    assert costs[0] == pytest.approx(entropy, abs=1e-5)
    assert costs[0] + 0.01 < costs[1] < costs[2] - 0.01


# --- networks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        tiny_mlp(BINARY, plans.raster()),
        tiny_mlp(BINARY, plans.raster(2)),
        tiny_mlp(BINARY, plans.one_shot()),
        tiny_unet(BINARY, plans.raster(), size=2),
        tiny_causal(2, levels=2),
        tiny_causal(2, levels=2, attention=True),
    ],
    ids=["MLP-raster", "MLP-patches", "MLP-one_shot", "UNet", "CausalConv", "CausalTransformer"],
)
def test_the_probabilities_of_all_pictures_add_up_to_one(model: Generator) -> None:
    """A network with random weights is a distribution, and not the uniform one."""
    bits = bits_per_dimension(model, EVERY.view(16, *model.shape))
    assert total(bits) == pytest.approx(1, abs=1e-5)
    assert float(bits.std()) > 0.05


def test_for_each_order_the_probabilities_add_up_to_one() -> None:
    """A network has another distribution for every order, which is why random order is a bound."""
    model, seen = tiny_mlp(BINARY, plans.random_order()), []
    for seed in range(3):
        bits = torch.cat([bits_per_dimension(model, picture[None], seed=seed) for picture in EVERY])
        assert total(bits) == pytest.approx(1, abs=1e-5)
        seen.append(bits)
    assert float((seen[0] - seen[1]).abs().max()) > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("told_labels", [True, False])
def test_one_causal_pass_equals_the_walk(told_labels: bool, attention: bool) -> None:
    """Step by step, with everything that is not yet written hidden, and the labels told or not."""
    model = tiny_causal(4, levels=4, attention=attention, condition=told(3))
    images = model.head.prepare(normal(5, 1, 4, 4).float().clamp(-1, 1))
    labels = torch.tensor([0, 1, 2, 0, 1]) if told_labels else None
    rows, bits = model.plan.matrix(model.shape), torch.zeros(5, dtype=torch.float64)
    for k in range(16):
        t = rows[k].view(1, 1, 4, 4).expand(5, 1, 4, 4)
        log_p = model.belief(torch.where(t == 0, images, math.nan), t, labels).double().log_softmax(dim=2)
        for i in range(5):
            grey = round((float(images[i].flatten()[k]) + 1) / 2 * 3)
            bits[i] -= float(log_p[i, 0, grey, k // 4, k % 4]) / math.log(2) / 16
    assert bits_per_dimension(model, images, labels).tolist() == pytest.approx(bits.tolist(), abs=1e-5)


def test_labels_change_the_likelihood() -> None:
    """Another label, and none at all, give other bits."""
    model = tiny_mlp(BINARY, plans.raster(), condition=told(3))
    images = black_white(6, 4)
    bits = [bits_per_dimension(model, images, labels) for labels in (torch.zeros(6).long(), torch.ones(6).long(), None)]
    for one, other in itertools.combinations(bits, 2):
        assert float((one - other).abs().max()) > 1e-3


def test_channels_count_as_dimensions() -> None:
    """An untrained generator believes in all greys equally: log2(levels) bits a number, in colour too."""
    for levels, bits in ((2, 1.0), (16, 4.0)):
        net = nets.UNet(4, channels=3, widths=(8,), context_size=8)
        model = Generator(net, heads.Categorical(levels), plans.raster(2))
        found = bits_per_dimension(model, black_white(2, 3, 4, 4))
        assert found.tolist() == pytest.approx([bits, bits], abs=1e-5)


def test_pictures_are_rounded_to_the_greys() -> None:
    """A picture and its rounding have the same bits."""
    model = tiny_mlp(heads.Categorical(4), plans.raster())
    images = normal(5, 4).float().clamp(-1, 1)
    assert torch.equal(bits_per_dimension(model, images), bits_per_dimension(model, model.head.prepare(images)))


def test_bits_of_an_ideal_generator_are_the_entropy() -> None:
    """Four of eight binary pictures, each equally likely: 2 bits over 3 pixels, however it is written."""
    pictures = torch.tensor([[-1.0, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    for plan in (plans.raster(), plans.random_order()):
        ideal = IdealGenerator(pictures, heads.Categorical(2), plan)
        assert bits_per_dimension(ideal, pictures).tolist() == pytest.approx([2 / 3] * 4, abs=1e-4)
    ideal = IdealGenerator(pictures, heads.Categorical(2), plans.one_shot())
    assert bits_per_dimension(ideal, pictures).tolist() == pytest.approx([1.0] * 4, abs=1e-4)


def test_bits_of_an_untrained_model_are_those_of_chance() -> None:
    images = data.digits(8, "validation")[0][:3]
    for net, plan in (
        (nets.UNet(size=8, widths=(8,)), plans.raster(4)),
        (nets.UNet(size=8, widths=(8,)), plans.random_order()),
        (nets.CausalConv(size=8, width=8, layers=2), plans.raster(1)),
    ):
        model = Generator(net, heads.Categorical(4), plan)
        steps = 4 if plan == plans.random_order() else None
        assert bits_per_dimension(model, images, steps=steps).tolist() == pytest.approx([2.0] * 3, abs=1e-5)


def test_one_pass_of_a_causal_net_is_the_walk_pixel_by_pixel() -> None:
    """The likelihood of the one pass against a walk that really hides what is not written yet."""
    images = data.digits(8, "validation")[0][:2]
    torch.manual_seed(0)
    model = Generator(nets.CausalConv(size=8, width=8, layers=2), heads.Categorical(4), plans.raster(1)).eval()
    torch.nn.init.normal_(model.last.weight, std=5.0)
    x0 = model.head.prepare(images)
    true = model.head.index(x0).flatten(1)
    bits = torch.zeros(2, dtype=torch.float64)
    with torch.no_grad():
        for pixel in range(64):
            t = (torch.arange(64) >= pixel).float().view(1, 1, 8, 8).expand(2, 1, 8, 8)
            log_p = model.head.log_probabilities(model.belief(x0 * (1 - t), t)).flatten(3)[..., pixel]
            bits -= log_p[torch.arange(2), 0, true[:, pixel]].double() / math.log(2)
    found = bits_per_dimension(model, images)
    assert found.tolist() == pytest.approx((bits / 64).tolist(), rel=1e-4)
    assert (found - 2).abs().min() > 0.05  # not what an untrained model says anyway


# --- bad calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "plan"),
    [(BINARY, plans.diffusion()), (BINARY, plans.ramp(0.5)), (heads.Regression("x0"), plans.raster())],
)
def test_noise_and_regression_have_no_likelihood_here(head: heads.Head, plan: plans.Plan) -> None:
    """The message says which head and plans have one."""
    with pytest.raises(ValueError, match=rf"{type(head).__name__} and the plan {plan.name}; allowed: Categorical with"):
        bits_per_dimension(IdealGenerator(DATA, head, plan), EVERY)


def test_bad_arguments_are_named() -> None:
    """Wrong shapes, steps and labels."""
    model = tiny_mlp(BINARY, plans.raster(), condition=told(3))
    with pytest.raises(ValueError, match=r"images has shape \(16, 4\); allowed: \(any number, 5\)"):
        bits_per_dimension(tiny_mlp(BINARY, plans.raster(), size=5), EVERY)
    with pytest.raises(ValueError, match=r"steps is 5; allowed: 1 to 4"):
        bits_per_dimension(model, EVERY, steps=5)
    with pytest.raises(ValueError, match=r"labels holds 3; allowed: whole numbers from 0 to 2"):
        bits_per_dimension(model, EVERY, torch.full((16,), 3))


def test_bits_refuses_noise_and_numbers() -> None:
    images = data.digits(8, "validation")[0][:2]
    for head, plan in ((heads.Categorical(4), plans.diffusion()), (heads.Regression("x0"), plans.raster(4))):
        model = Generator(nets.UNet(size=8, widths=(8,)), head, plan)
        with pytest.raises(ValueError, match=r"allowed: Categorical with one_shot\(\), raster\(\) or random_order\(\)"):
            bits_per_dimension(model, images)

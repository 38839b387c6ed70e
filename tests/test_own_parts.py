"""A reader's own parts do what the package's do; what can't work or can't be kept is refused before training."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path
from typing import Any

import helpers_own as own
import pytest
import torch
from helpers_core import FOUR, black_white, which
from helpers_training import same_weights
from torch import Tensor, nn

from minigen import Generator, IdealGenerator, data, heads, nets, plans, process, sample, trajectory
from minigen.base.parts import Part
from minigen.conditions import Condition
from minigen.metrics import bits_per_dimension

ROOTS: tuple[type[Part], ...] = (plans.Plan, heads.Head, nets.Net, process.Schedule, Condition)


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    for root in ROOTS:
        monkeypatch.setattr(root, "known", dict(root.known))


@pytest.fixture(scope="module")
def trained() -> dict[str, tuple[Generator, list[float]]]:
    """Every model after its training, and the losses."""
    return {name: own.taught(name) for name in own.MODELS}


EVERY = pytest.mark.parametrize("name", own.MODELS)

# --- trained, sampled, saved -----------------------------------------------------------------------


@EVERY
def test_it_learns(name: str, trained: Any) -> None:
    model, losses = trained[name]
    assert len(losses) == own.ITERATIONS
    assert sum(losses[-3:]) < sum(losses[:3])
    assert not model.training
    assert not same_weights(model, own.MODELS[name]())


@EVERY
def test_interrupted_and_resumed_to_the_bit(
    name: str, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, losses = trained[name]
    plain, calls = Generator.loss, itertools.count(1)

    def loss(self: Generator, *given: Any, **named: Any) -> Tensor:
        if next(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return plain(self, *given, **named)

    monkeypatch.setattr(Generator, "loss", loss)
    with pytest.warns(UserWarning, match="interrupted"):
        _, begun = own.taught(name, tmp_path / "checkpoint")
    assert begun == losses[:4]
    again, resumed = own.taught(name, tmp_path / "checkpoint")
    assert resumed == losses
    assert same_weights(again, model)


@EVERY
def test_saved_and_loaded_it_draws_the_same(name: str, trained: Any, tmp_path: Path) -> None:
    model, _ = trained[name]
    again = Generator.load(model.save(tmp_path / "mine.safetensors"))
    assert [type(part) for part in (again.plan, again.head, again.net, again.schedule, again.condition)] == [
        type(part) for part in (model.plan, model.head, model.net, model.schedule, model.condition)
    ]
    assert json.dumps(again.config()) == json.dumps(model.config())
    expected = own.drawn(model)
    assert all(torch.equal(value, expected[way]) for way, value in own.drawn(again).items())
    if "guided" in expected:
        assert not torch.equal(expected["guided"], expected["told"])


@EVERY
def test_a_trajectory_walks_down_the_rows_of_the_plan(name: str, trained: Any) -> None:
    model, _ = trained[name]
    steps = model.plan.default_steps(model.shape)
    walk = trajectory(model, 2, seed=3)
    assert walk.nfe == steps
    assert torch.equal(walk.images[-1], sample(model, 2, seed=3))
    assert walk.levels.dtype == torch.float32
    assert torch.equal(walk.levels[0].unique(), torch.ones(1))
    assert not walk.levels[-1].any()
    assert bool((walk.levels.diff(dim=0) <= 0).all())
    if not isinstance(model.plan, own.Lines):  # which draws an order for each picture
        matrix = model.plan.matrix(model.shape)
        assert matrix.dtype == torch.float32
        assert torch.equal(walk.levels[:, 0].flatten(1), matrix)


def test_an_order_is_drawn_for_each_picture(trained: Any) -> None:
    """Eight steps, and each writes one line in each picture."""
    levels = trajectory(trained["lines"][0], 6).levels[:, :, 0, :, 0]  # (rows, pictures, lines)
    assert torch.equal(levels.sum(dim=2), torch.arange(8, -1, -1.0)[:, None].expand(-1, 6))
    assert len({tuple(order) for order in levels.sum(dim=0).tolist()}) == 6


def test_the_spiral_is_one() -> None:
    """How long each pixel of 4 x 4 stays hidden, by hand."""
    places = own.Spiral().matrix((1, 4, 4)).sum(dim=0).int().view(4, 4) - 1
    assert places.tolist() == [[0, 1, 2, 3], [11, 12, 13, 4], [10, 15, 14, 5], [9, 8, 7, 6]]


def test_fewer_steps_write_several_pieces_at_once(trained: Any) -> None:
    walk = trajectory(trained["spiral"][0], 1, steps=4)
    assert walk.levels.sum(dim=(1, 2, 3, 4)).tolist() == [64, 48, 32, 16, 0]
    with pytest.raises(ValueError, match="steps is 65; allowed: 1 to 64, since Spiral has 64 piece"):
        sample(trained["spiral"][0], 1, steps=65)


# --- completed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 5, 8])
def test_what_the_first_rows_write_is_completed(rows: int) -> None:
    """By the perfect curve of all pictures of 3 x 3: only those that agree with what is known are drawn."""
    pictures = black_white(12, 1, 3, 3, seed=1).unique(dim=0)
    model = IdealGenerator(pictures, heads.Categorical(2), own.Spiral())
    mask = own.Spiral().matrix((1, 3, 3))[rows].view(3, 3) == 0
    assert int(mask.sum()) == rows
    drawn = sample(model, 40, known=pictures[:1], mask=mask)
    agree = (pictures[:, 0, mask] == pictures[0, 0, mask]).all(dim=1).nonzero().flatten().tolist()
    assert set(which(drawn, pictures).tolist()) == set(agree)
    assert trajectory(model, 1, known=pictures[:1], mask=mask).nfe == 9 - rows


@pytest.mark.parametrize("name", ["spiral", "lines", "curtain", "slowly"])
def test_what_it_can_not_have_written_is_not_completed(name: str, trained: Any) -> None:
    model, mask = trained[name][0], torch.zeros(8, 8, dtype=torch.bool)
    mask[3:5, 2:4] = True
    said = "that {} can't have written yet" if model.plan.whole else "can't be used with the plan {}: its training"
    with pytest.raises(ValueError, match=f"^mask .*{said.format(model.plan.name)}.*; allowed: .*random_order"):
        sample(model, 2, known=data.digits(8)[0][:1], mask=mask)


# --- how many bits ---------------------------------------------------------------------------------


def test_bits_of_every_picture_of_a_tiny_world() -> None:
    """Their probabilities add up to 1, and each is the product along the spiral."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Generator(own.Plain(3, 4), heads.Categorical(2), own.Spiral()).eval()
        nn.init.normal_(model.last.weight, std=5)  # type: ignore[arg-type]
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=9))).view(-1, 1, 3, 3)
    probability = 2 ** -(bits_per_dimension(model, every).double() * 9)
    assert float(probability.sum()) == pytest.approx(1, abs=1e-5)
    order = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (1, 1)]
    hidden, product = torch.ones(1, 1, 3, 3), torch.ones(len(every))
    with torch.no_grad():
        for y, x in order:
            belief = model.belief(every, hidden.expand(len(every), -1, -1, -1)).softmax(dim=2)
            product *= torch.where(every[:, 0, y, x] > 0, belief[:, 0, 1, y, x], belief[:, 0, 0, y, x])
            hidden[..., y, x] = 0
    torch.testing.assert_close(probability.float(), product, rtol=1e-4, atol=0)
    assert float(product.max()) > 3 * float(product.min()), "the pictures differ"


def test_bits_of_the_perfect_curve_are_the_entropy() -> None:
    """Four pictures, equally likely: two bits each, in whatever order they are written."""
    pictures = torch.cat([FOUR, -FOUR[:, :1]], dim=1).view(4, 1, 3, 3)
    found = bits_per_dimension(IdealGenerator(pictures, heads.Categorical(2), own.Spiral()), pictures)
    torch.testing.assert_close(found, torch.full((4,), 2 / 9))


# --- schedules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_a_schedule_whose_slope_has_no_limit_has_a_velocity(power: float) -> None:
    """alpha^2 + sigma^2 = 1, so v is alpha eps - sigma x0, as it is for ours."""
    t = torch.tensor([0.0, 1e-3, 0.25, 0.5, 0.999, 1.0]).double()
    for where in (t, t[-1].expand(2, 3), t.float()):
        schedule = own.Root(power)
        (alpha, sigma), (d_alpha, d_sigma) = schedule(where), schedule.velocity(where)
        inside = ((where > 0) & (where < 1)).expand(2, *where.shape)
        expected, found = torch.stack([-sigma, alpha]), torch.stack([d_alpha, d_sigma])
        torch.testing.assert_close(found[inside], expected[inside], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found, expected, rtol=0, atol=0.04)  # a hair inside: 2^-20 to the power 1/4 is .03


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_velocity_needs_no_gradient_and_gives_none(mode: Any) -> None:
    with mode():
        found = torch.cat(own.Root().velocity(torch.tensor([0.25])))
    assert not found.requires_grad
    torch.testing.assert_close(found, torch.tensor([-0.5, 0.75**0.5]))

"""Ramps in any order and of any width: what is left to chance, completion, rows spaced as another schedule's."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from helpers_core import black_white, tiny_causal, tiny_mlp, tiny_unet
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import heads, plans, process, sample, trajectory
from minigen.base.randomness import seeded

steady = settings(derandomize=True, max_examples=60)
SHAPE = (1, 4, 4)
IN_ANY_ORDER = [plans.any_ramp(), plans.ramp(0.25, "random"), plans.ramp(1.0, "random")]


# --- levels ----------------------------------------------------------------------------------------


def test_the_narrowest_ramp_in_a_random_order_is_random_order() -> None:
    """The same matrix if the same order is drawn, at every row."""
    order = seeded(3)
    places = torch.stack([torch.randperm(16, generator=order) for _ in range(5)])
    ours = torch.cat([torch.full((5, 1), 1 / 16), places], dim=1).double()
    for progress in torch.linspace(0, 1, 17, dtype=torch.float64):
        here = progress.expand(5)
        theirs = plans.random_order().levels(here, SHAPE, places)
        assert torch.equal(plans.ramp(1 / 16, "random").levels(here, SHAPE, ours), theirs)


@steady
@given(st.integers(0, 20), st.floats(0, 1))
def test_a_ramp_of_width_1_is_diffusion_whatever_the_order(seed: int, progress: float) -> None:
    here, plan = torch.full((3,), progress, dtype=torch.float64), plans.ramp(1.0, "random")
    drawn = plan.draw(3, SHAPE, seeded(seed))
    assert torch.equal(plan.levels(here, SHAPE, drawn), plans.diffusion().levels(here, SHAPE))


@steady
@given(st.sampled_from(IN_ANY_ORDER), st.integers(0, 30), st.integers(1, 12))
def test_every_drawn_matrix_starts_at_1_ends_at_0_and_never_rises(plan: plans.Ramp, seed: int, steps: int) -> None:
    matrix = plan.matrix(SHAPE, steps, seed)
    assert bool((matrix[0] == 1).all())
    assert bool((matrix[-1] == 0).all())
    assert bool((matrix.diff(dim=0) <= 0).all())


def test_a_random_order_is_the_reading_order_with_its_columns_moved() -> None:
    plan = plans.ramp(0.5, "random")
    drawn = plan.draw(4, SHAPE, seeded(1))
    assert drawn is not None
    for progress in (0.2, 0.5, 0.9):
        here = torch.full((4,), progress, dtype=torch.float64)
        read, moved = plans.ramp(0.5).levels(here, SHAPE), plan.levels(here, SHAPE, drawn)
        place = drawn[:, 1:].long()
        assert torch.equal(moved.flatten(1), read.flatten(1).gather(1, place))
        assert not torch.equal(moved, read)


# --- what is left to chance ------------------------------------------------------------------------


def test_any_ramp_draws_each_width_and_both_orders_equally_often() -> None:
    """Widths 1, 1/2 ... 1/16 for 16 pixels, a fifth of the pictures each; half of them in reading order."""
    drawn = plans.any_ramp().draw(20_000, SHAPE, seeded(0))
    assert drawn is not None
    widths, counts = drawn[:, 0].unique(return_counts=True)
    assert widths.tolist() == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]
    assert bool(((counts - 4_000).abs() < 4.5 * math.sqrt(20_000 * 0.2 * 0.8)).all())
    in_order = (drawn[:, 1:] == torch.arange(16)).all(dim=1)
    assert abs(int(in_order.sum()) - 10_000) < 4.5 * math.sqrt(5_000)
    assert torch.equal(drawn[:, 1:].sort(dim=1).values, torch.arange(16.0).double().expand(20_000, 16))


def test_the_narrowest_width_is_one_pixel_where_halving_does_not_end_there() -> None:
    drawn = plans.any_ramp().draw(500, (1, 3, 3), seeded(0))
    assert drawn is not None
    assert drawn[:, 0].amin() == pytest.approx(1 / 9)


@pytest.mark.parametrize("plan", IN_ANY_ORDER, ids=lambda plan: f"{plan.name}-{plan.width}")
def test_training_rows_start_from_nothing_often_enough_and_are_never_empty(plan: plans.Ramp) -> None:
    progress = plan.draw_progress(40_000, SHAPE, seeded(0))
    levels = plan.levels(progress, SHAPE, plan.draw(40_000, SHAPE, seeded(1))).flatten(1)
    assert bool((levels > 0).any(dim=1).all())
    share = float((levels == 1).all(dim=1).double().mean())
    assert share > 0.02 - 3 * math.sqrt(0.02 * 0.98 / 40_000)


def test_a_ramp_in_reading_order_draws_nothing() -> None:
    assert plans.ramp(0.25).draw(3, SHAPE, seeded(0)) is None


@pytest.mark.parametrize("plan", [*IN_ANY_ORDER, plans.diffusion(spacing="flow")], ids=lambda plan: str(plan))
def test_it_is_built_again_from_its_configuration(plan: plans.Plan) -> None:
    assert plans.build(plan.config()) == plan


def test_configurations_of_older_weights_still_hold() -> None:
    """What is as it always was is not named, so that files written before still describe the same plan."""
    assert plans.diffusion().config() == {"name": "diffusion", "width": 1.0, "start": 1.0}


# --- sampling along it -----------------------------------------------------------------------------


@pytest.mark.parametrize("plan", IN_ANY_ORDER, ids=lambda plan: f"{plan.name}-{plan.width}")
def test_image_i_depends_neither_on_the_count_nor_on_the_batch(plan: plans.Plan) -> None:
    model = tiny_unet(heads.Categorical(4), plan)
    whole = sample(model, 70, steps=3, seed=5)
    assert torch.equal(sample(model, 3, steps=3, seed=5), whole[:3])
    assert torch.allclose(sample(model, 70, steps=3, seed=5, batch_size=66), whole, atol=1e-5)


@settings(derandomize=True, max_examples=15)
@given(st.data(), st.sampled_from(IN_ANY_ORDER), st.integers(1, 6))
def test_known_pixels_are_kept_and_at_level_0_all_the_way(data: st.DataObject, plan: plans.Plan, steps: int) -> None:
    """Any mask, any number of steps; what is not known begins hidden and ends written."""
    cells = data.draw(st.lists(st.booleans(), min_size=64, max_size=64).filter(lambda cells: not all(cells)))
    mask = torch.tensor(cells).view(8, 8)
    model, known = tiny_unet(heads.Categorical(4), plan), black_white(2, 1, 8, 8)
    walk = trajectory(model, 2, steps=steps, known=known, mask=mask)
    assert torch.equal(walk.images[-1][..., mask], known[..., mask])
    assert bool((walk.levels[..., mask] == 0).all())
    if mask.any():
        assert bool((walk.levels[0][..., ~mask] > 0).all())
    else:
        assert bool((walk.levels[0] == 1).all())
    assert bool((walk.levels[-1] == 0).all())
    assert bool((walk.levels.diff(dim=0) <= 0).all())


# --- spacing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["flow", "linear_beta_leaky"])
def test_rows_lie_where_the_other_schedule_has_as_much_noise(name: str) -> None:
    """The ratio of alpha and sigma at row k is that of the other schedule at level 1 - k/8; the ends stay ends."""
    rows = plans.diffusion(spacing=name).matrix((1,), 8).flatten()
    assert rows[0] == 1
    assert rows[-1] == 0
    ours, theirs = (
        schedule(levels)
        for schedule, levels in (
            (process.cosine, rows[1:-1].double()),
            (process.SCHEDULES[name], torch.arange(7, 0, -1, dtype=torch.float64) / 8),
        )
    )
    torch.testing.assert_close(ours[1] / ours[0], theirs[1] / theirs[0], rtol=2e-5, atol=0)


def test_the_default_spacing_is_even() -> None:
    assert plans.diffusion(spacing="cosine") == plans.diffusion()
    assert plans.diffusion().matrix((1,), 4).flatten().tolist() == [1, 0.75, 0.5, 0.25, 0]


# --- another plan for the same weights -------------------------------------------------------------


def test_along_shares_the_weights_and_changes_nothing_else() -> None:
    model = tiny_unet(heads.Categorical(4), plans.any_ramp())
    narrow = model.along(plans.ramp(0.25))
    assert (model.plan, narrow.plan) == (plans.any_ramp(), plans.ramp(0.25))
    assert all(one is other for one, other in zip(model.parameters(), narrow.parameters(), strict=True))
    fresh = tiny_unet(heads.Categorical(4), plans.ramp(0.25))  # the same random weights
    assert torch.equal(sample(narrow, 4, steps=5), sample(fresh, 4, steps=5))


# --- bad calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plans.ramp(0.5, "rasta"), r"order is 'rasta'; allowed: 'raster', 'random'; did you mean 'raster'\?"),
        (lambda: plans.diffusion(spacing="flaw"), r"spacing is 'flaw'; allowed: .*; did you mean 'flow'\?"),
        (lambda: plans.ramp(0.0), r"width is 0"),
        (lambda: plans.ramp(1.5, "random"), r"width is 1.5"),
        (lambda: plans.ramp(0.01).matrix(SHAPE, 4), r"width is 0.01; allowed with 16 pixels: 1/16 = 0.0625 to 1"),
        (
            lambda: plans.any_ramp().levels(torch.zeros(2), SHAPE),
            r"drawn is None; allowed with any_ramp: what draw\(\) returned, \(count, 1 \+ pixels\)",
        ),
        (
            lambda: plans.ramp(0.5).complete(torch.ones(1, 16, dtype=torch.bool), None, SHAPE),
            r"mask can't be used with the plan ramp.*allowed: random_order\(\).*or a ramp with order='random'",
        ),
        (
            lambda: tiny_causal().along(plans.diffusion()),
            r"raster\(1\)|raster\(patch=1\)|raster",
        ),
        (
            lambda: tiny_mlp(heads.Regression("eps"), plans.diffusion(0.995)).along(plans.diffusion()),
            r"eps.*'x0'.*'v'|eps.*x0",
        ),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()

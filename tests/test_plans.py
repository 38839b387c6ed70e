"""Plans: matrices of levels that start at 1, end at 0 and never rise, whatever the shape."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigen import plans
from minigen.base.randomness import seeded
from minigen.plans import Plan

sides = st.integers(1, 6)
shapes = st.one_of(st.tuples(sides), st.tuples(st.integers(1, 3), sides, sides))
steady = settings(derandomize=True, max_examples=60)


@st.composite
def walks(draw: st.DrawFn) -> tuple[Plan, tuple[int, ...], int]:
    """Any plan with a shape that it fits and a number of steps that it can be walked in."""
    shape = draw(shapes)
    pixels = plans.spatial(shape)
    count, common = math.prod(pixels), math.gcd(*pixels)
    patch = draw(st.sampled_from([size for size in range(1, common + 1) if common % size == 0]))
    width = draw(st.floats(1 / count, 1))
    start = draw(st.floats(0.01, 1))
    makers = [plans.one_shot(), plans.raster(patch), plans.random_order(), plans.diffusion(start), plans.ramp(width)]
    makers += [plans.diffusion(start, density="logit_normal")]
    plan = draw(st.sampled_from(makers))
    most = plan.pieces(shape) if isinstance(plan, plans.Staircase) else 12
    return plan, shape, draw(st.integers(1, most))


@steady
@given(walks(), st.integers(0, 5))
def test_every_matrix_starts_at_1_ends_at_0_and_never_rises(walk: tuple[Plan, tuple[int, ...], int], seed: int) -> None:
    """Exactly, for every plan, shape and number of steps (a diffusion that starts lower starts there)."""
    plan, shape, steps = walk
    matrix = plan.matrix(shape, steps, seed)
    top = plan.start if isinstance(plan, plans.Ramp) else 1.0
    assert matrix.shape == (steps + 1, math.prod(plans.spatial(shape)))
    assert matrix.dtype == torch.float32
    assert bool((matrix[0] == torch.tensor(top)).all())
    assert bool((matrix[-1] == 0).all())
    assert bool((matrix.diff(dim=0) <= 0).all())
    if isinstance(plan, plans.Staircase):
        assert bool(((matrix == 0) | (matrix == 1)).all())
        assert bool((matrix.diff(dim=0) < 0).any(dim=1).all())  # every step writes something


@steady
@given(walks())
def test_levels_have_one_channel_and_broadcast(walk: tuple[Plan, tuple[int, ...], int]) -> None:
    """(B, 1, H, W) for pictures, (B, D) for vectors."""
    plan, shape, _ = walk
    levels = plan.levels(torch.rand(3, generator=seeded(0)), shape, plan.draw(3, shape, seeded(1)))
    assert tuple(levels.shape) == ((3, 1, *shape[1:]) if len(shape) == 3 else (3, *shape))


@steady
@given(walks())
def test_a_training_row_always_has_something_to_restore(walk: tuple[Plan, tuple[int, ...], int]) -> None:
    """draw_progress gives one number an image in [0, 1), and a row that is never all 0."""
    plan, shape, _ = walk
    progress = plan.draw_progress(200, shape, seeded(0))
    levels = plan.levels(progress, shape, plan.draw(200, shape, seeded(1)))
    assert progress.shape == (200,)
    assert float(progress.min()) >= 0
    assert float(progress.max()) < 1
    assert bool((levels.flatten(1) > 0).any(dim=1).all())


@steady
@given(shapes)
def test_the_narrowest_ramp_is_raster_and_the_widest_is_diffusion(shape: tuple[int, ...]) -> None:
    """As matrices, exactly; the ramp of width 1/n in n steps, the ramp of width 1 in any number."""
    count = math.prod(plans.spatial(shape))
    assert torch.equal(plans.ramp(1 / count).matrix(shape, count), plans.raster(1).matrix(shape))
    for steps in (1, 2, 7, 32):
        assert torch.equal(plans.ramp(1.0).matrix(shape, steps), plans.diffusion().matrix(shape, steps))


@steady
@given(st.integers(1, 6), st.integers(1, 3))
def test_a_patch_as_large_as_the_picture_is_one_shot(size: int, channels: int) -> None:
    """raster(size) has the same matrix as one_shot()."""
    shape = (channels, size, size)
    assert torch.equal(plans.raster(size).matrix(shape), plans.one_shot().matrix(shape))


@steady
@given(walks(), st.integers(0, 5))
def test_the_ramp_is_its_formula(walk: tuple[Plan, tuple[int, ...], int], steps: int) -> None:
    """level_i(s) = clip(1 - (s - (1 - w) i / (n - 1)) / w, 0, 1), written out for each pixel."""
    _, shape, _ = walk
    n = math.prod(plans.spatial(shape))
    for w in {1 / n, min(1.0, 2 / n + 0.05), 0.5 + 0.5 / n, 1.0}:
        matrix = plans.ramp(w).matrix(shape, steps + 1)
        for k, row in enumerate(matrix.tolist()):
            s = k / (steps + 1)
            wanted = [min(1.0, max(0.0, 1 - (s - (1 - w) * i / max(1, n - 1)) / w)) for i in range(n)]
            assert row == pytest.approx(wanted, abs=1e-6)


# --- the five matrices of the course ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "steps", "rows"),
    [
        (plans.one_shot(), None, ["1 1 1 1", "0 0 0 0"]),
        (plans.raster(1), None, ["1 1 1 1", "0 1 1 1", "0 0 1 1", "0 0 0 1", "0 0 0 0"]),
        (plans.raster(2), None, ["1 1 1 1", "0 0 1 1", "0 0 0 0"]),
        (plans.diffusion(), 4, ["1 1 1 1", ".75 .75 .75 .75", ".5 .5 .5 .5", ".25 .25 .25 .25", "0 0 0 0"]),
        (plans.ramp(0.5), 4, ["1 1 1 1", ".5 .83 1 1", "0 .33 .67 1", "0 0 .17 .5", "0 0 0 0"]),
    ],
    ids=["one_shot", "raster", "patches", "diffusion", "ramp"],
)
def test_the_matrices_of_the_first_page(plan: Plan, steps: int | None, rows: list[str]) -> None:
    """The tables that the course opens with."""
    wanted = torch.tensor([[float(level) for level in row.split()] for row in rows])
    torch.testing.assert_close(plan.matrix((4,), steps), wanted, rtol=0, atol=0.005)


def test_patches_are_written_row_by_row() -> None:
    """Four 2 by 2 patches of a 4 by 4 picture, in reading order."""
    places = plans.raster(2).places((1, 4, 4)).view(4, 4)
    assert places.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


def test_patches_of_a_wide_picture() -> None:
    """The picture need not be square."""
    places = plans.raster(2).places((3, 2, 6)).view(2, 6)
    assert places.tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]


@pytest.mark.parametrize(("patch", "steps"), [(1, 256), (2, 64), (4, 16), (8, 4), (16, 1)])
def test_the_ladder_of_patches(patch: int, steps: int) -> None:
    """A 16x16 picture has 256, 64, 16, 4 and 1 steps: the matrix has one row more."""
    assert plans.raster(patch).matrix((1, 16, 16)).shape == (steps + 1, 256)


def test_a_staircase_walks_in_fewer_steps() -> None:
    """With 3 steps for 8 pixels each step writes 2 or 3 of them."""
    written = -plans.raster(1).matrix((8,), steps=3).sum(dim=1).diff()
    assert written.tolist() == [3, 2, 3]


# --- drawing ---------------------------------------------------------------------------------------


def test_random_order_draws_a_permutation_for_each_image() -> None:
    """Every row holds 0 to n - 1 once, the rows differ, and every pixel comes first about equally often."""
    drawn = plans.random_order().draw(3000, (1, 2, 3), seeded(0))
    assert drawn is not None
    assert bool((drawn.sort(dim=1).values == torch.arange(6)).all())
    assert len(drawn.unique(dim=0)) > 680  # of 720; 3,000 draws leave 11 out on average
    first = (drawn == 0).sum(dim=0)
    assert bool(((first - 500).abs() < 5 * math.sqrt(500 * 5 / 6)).all())


def test_random_order_writes_in_the_drawn_order() -> None:
    """The pixel with place k is written by step k."""
    plan = plans.random_order()
    drawn = torch.tensor([[2, 0, 1]])
    rows = [plan.levels(torch.tensor([k / 3]), (3,), drawn).tolist()[0] for k in range(4)]
    assert rows == [[1, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("plan", [plans.one_shot(), plans.raster(2), plans.diffusion(), plans.ramp(0.5)])
def test_only_random_order_draws_anything(plan: Plan) -> None:
    """The other plans are the same for every image."""
    assert plan.draw(4, (1, 4, 4), seeded(0)) is None


@pytest.mark.parametrize(
    "plan",
    [plans.one_shot(), plans.raster(1), plans.raster(4), plans.random_order(), plans.diffusion(), plans.ramp(0.3)],
)
def test_the_first_call_is_trained(plan: Plan) -> None:
    """At least 2 % of the training rows are all 1 (measured on 40,000 to three standard errors)."""
    progress = plan.draw_progress(40_000, (1, 16, 16), seeded(0))
    drawn = plan.draw(1, (1, 16, 16), seeded(0))
    start = plan.levels(torch.zeros(1), (1, 16, 16), drawn)
    assert bool((start == 1).all())
    share = float((progress == 0).double().mean())
    assert share > 0.02 - 3 * math.sqrt(0.02 * 0.98 / 40_000)


def test_staircases_train_every_count_equally_often() -> None:
    """Apart from the share that starts from nothing, each number of written patches has the same chance."""
    progress = plans.raster(4).draw_progress(160_000, (1, 16, 16), seeded(0))
    counts = (progress * 16).round().long().bincount(minlength=16)
    assert len(counts) == 16
    wanted = 160_000 * 0.98 / 16
    assert bool(((counts[1:] - wanted).abs() < 4.5 * math.sqrt(wanted)).all())


def test_noise_trains_every_level_equally_often() -> None:
    """Apart from the share that starts from nothing, each tenth of the walk has the same chance."""
    progress = plans.diffusion().draw_progress(100_000, (1, 16, 16), seeded(0))
    counts = progress[progress > 0].histc(10, 0, 1)
    assert bool(((counts - 9_800).abs() < 4.5 * math.sqrt(9_800)).all())


def test_middle_levels_may_come_more_often() -> None:
    """Each of 1,000 equally likely stretches of a normal number gives at most one image, in no order."""
    plan, normal = plans.diffusion(density="logit_normal"), statistics.NormalDist()
    batches = [plan.draw_progress(1000, (1, 16, 16), seeded(seed)) for seed in (0, 1)]
    for progress in batches:
        chances = [normal.cdf(math.log(s / (1 - s))) for s in progress[progress > 0].double().tolist()]
        assert len(chances) > 960
        assert len({math.floor(1000 * chance) for chance in chances}) == len(chances)
        assert abs(float(progress[:500].mean()) - 0.5) < 0.05
    assert abs(float(torch.corrcoef(torch.stack(batches))[0, 1])) < 0.15
    assert plans.build(plan.config()) == plan
    assert "density" not in plans.diffusion().config()


@pytest.mark.parametrize("density", ["uniform", "logit_normal"])
def test_where_a_walk_begins_is_practised_by_every_density(density: str) -> None:
    """Nothing is left there, and nothing is shown: no other level teaches what to say. Two rows in a hundred."""
    progress = plans.diffusion(density=density).draw_progress(100_000, (1, 16, 16), seeded(0))
    assert abs(int((progress == 0).sum()) - 2_000) < 4.5 * math.sqrt(2_000)


@pytest.mark.parametrize("density", ["uniform", "logit_normal"])
def test_noise_never_trains_on_a_finished_picture(density: str) -> None:
    """Of four million rows none is so close to the end that its levels round to 0, which made the loss 0/0."""
    plan = plans.diffusion(density=density)
    progress = plan.draw_progress(4_000_000, (1,), seeded(0))
    assert float(plan.levels(progress.amax()[None], (1,))) > 0


# --- steps, strides, configurations ----------------------------------------------------------------


def test_defaults_and_strides() -> None:
    """A staircase walks piece by piece unless told otherwise; noise in 32 steps, and its stride has no limit."""
    shape = (1, 8, 8)
    assert plans.one_shot().default_steps(shape) == 1
    assert plans.raster(2).default_steps(shape) == 16
    assert plans.random_order().default_steps(shape) == 64
    assert plans.diffusion().default_steps(shape) == 32
    assert plans.raster(2).stride(shape) == 1 / 16
    assert plans.random_order().stride(shape) == 1 / 64
    assert plans.ramp(0.5).stride(shape) == 1


@pytest.mark.parametrize(
    "plan",
    [
        plans.one_shot(),
        plans.raster(4),
        plans.random_order(),
        plans.diffusion(0.995),
        plans.diffusion(),
        plans.ramp(0.3),
    ],
)
def test_a_plan_is_built_again_from_its_configuration(plan: Plan) -> None:
    """config and build are each other's inverse."""
    assert plans.build(plan.config()) == plan


def test_diffusion_can_start_below_1() -> None:
    """diffusion(start) is diffusion() with every level times start."""
    lower, whole = plans.diffusion(0.995).matrix((5,), 4), plans.diffusion().matrix((5,), 4)
    torch.testing.assert_close(lower, whole * 0.995, rtol=1e-7, atol=0)


# --- completion ------------------------------------------------------------------------------------


def test_random_order_moves_the_known_pixels_to_the_front() -> None:
    """The walk goes on with the known pixels written, and both groups keep their drawn order."""
    plan, shape = plans.random_order(), (6,)
    drawn = torch.tensor([[5, 3, 0, 1, 2, 4]])
    known = torch.tensor([[True, False, False, True, False, False]])
    again, start = plan.complete(known, drawn, shape)
    assert start.tolist() == pytest.approx([2 / 6])
    assert again is not None
    assert again.tolist() == [[1, 4, 2, 0, 3, 5]]
    assert torch.equal(plan.levels(start, shape, again) == 0, known)


@steady
@given(st.integers(1, 5), st.data())
def test_random_order_completes_any_mask(side: int, data: st.DataObject) -> None:
    """The row where the walk goes on has level 0 at exactly the known pixels."""
    count = side * side
    known = torch.tensor([data.draw(st.lists(st.booleans(), min_size=count, max_size=count)) for _ in range(3)])
    plan, shape = plans.random_order(), (2, side, side)
    drawn, start = plan.complete(known, plan.draw(3, shape, seeded(0)), shape)
    assert torch.equal(plan.levels(start, shape, drawn).flatten(1) == 0, known)


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_raster_completes_a_prefix_of_patches(patch: int) -> None:
    """Every number of whole patches, from none to all, is a row of the plan."""
    plan, shape = plans.raster(patch), (1, 4, 4)
    places = plan.places(shape)
    for written in range(plan.pieces(shape) + 1):
        _, start = plan.complete(places < written, None, shape)
        assert torch.equal(plan.levels(start, shape).flatten(1) == 0, places < written)


# --- bad calls -------------------------------------------------------------------------------------

HALF_PATCH = torch.tensor([[True, False, False, False]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plans.raster(0), ValueError, r"patch is 0; allowed: whole numbers from 1"),
        (lambda: plans.raster(2.0), TypeError, r"patch is 2.0, a float; allowed: a whole number"),
        (lambda: plans.raster(True), TypeError, r"patch is True, a bool; allowed: a whole number"),
        (
            lambda: plans.raster(5).matrix((1, 16, 16)),
            ValueError,
            r"patch is 5, which does not divide 16 x 16 pixels; allowed: 1, 2, 4, 8, 16; the nearest is 4",
        ),
        (lambda: plans.raster(4).matrix((6,)), ValueError, r"patch is 4.*6 pixels; allowed: 1, 2, 3, 6"),
        (lambda: plans.raster(2).matrix((1, 2, 5)), ValueError, r"patch is 2.*2 x 5 pixels; allowed: 1; the nearest"),
        (lambda: plans.diffusion(0), ValueError, r"start is 0; allowed: finite numbers in \(0, 1\]"),
        (lambda: plans.diffusion(1.1), ValueError, r"start is 1.1; allowed: finite numbers in \(0, 1\]"),
        (lambda: plans.diffusion("1"), TypeError, r"start is '1', a str; allowed: a number"),
        (lambda: plans.ramp(0), ValueError, r"width is 0; allowed: finite numbers in \(0, 1\]"),
        (lambda: plans.ramp(math.nan), ValueError, r"width is nan; allowed: finite numbers in \(0, 1\]"),
        (lambda: plans.ramp(0.01).matrix((8,)), ValueError, r"width is 0.01; allowed with 8 pixels: 1/8 = 0.125 to 1"),
        (lambda: plans.raster(2).matrix((1, 4, 4), 5), ValueError, r"steps is 5; allowed: 1 to 4, since raster has 4"),
        (lambda: plans.one_shot().matrix((4,), 2), ValueError, r"steps is 2; allowed: 1 to 1, since one_shot has 1"),
        (lambda: plans.random_order().matrix((4,), 0), ValueError, r"steps is 0; allowed: whole numbers from 1"),
        (lambda: plans.diffusion().matrix((4,), 0), ValueError, r"steps is 0; allowed: whole numbers from 1"),
        (lambda: plans.diffusion().matrix((4,), 2.5), TypeError, r"steps is 2.5, a float; allowed: a whole number"),
        (lambda: plans.diffusion().matrix((4, 4)), ValueError, r"shape is \(4, 4\); allowed: \(channels, height, wid"),
        (
            lambda: plans.build({"name": "difusion", "width": 1.0}),
            ValueError,
            r"plan in config is 'difusion'; allowed: 'one_shot', 'raster', .* did you mean 'diffusion'\?",
        ),
        (
            lambda: plans.build({"name": "diffusion", "width": 1.0, "spacing": "flaw"}),
            ValueError,
            r"spacing is 'flaw'; allowed: 'cosine', 'shifted', 'flow', 'linear_beta_leaky'; did you mean 'flow'\?",
        ),
        (
            lambda: plans.diffusion(density="logit-normal"),
            ValueError,
            r"density is 'logit-normal'; allowed: 'uniform', 'logit_normal'; did you mean 'logit_normal'\?",
        ),
        (
            lambda: plans.build({"name": "ramp", "width": 0.5, "order": "rasta"}),
            ValueError,
            r"order is 'rasta'; allowed: 'raster', 'random', None; did you mean 'raster'\?",
        ),
        (
            lambda: plans.build({"name": "ramp", "width": 1.5}),
            ValueError,
            r"width is 1.5; allowed: finite numbers in \(0, 1\]",
        ),
        (
            lambda: plans.build({"name": "diffusion", "width": 1.0, "start": 2.0}),
            ValueError,
            r"start is 2.0; allowed: finite numbers in \(0, 1\]",
        ),
        (lambda: plans.ramp(0.5, order=None), ValueError, r"order is None; allowed: 'raster', 'random'"),
        (
            lambda: plans.random_order().levels(torch.zeros(1), (4,)),
            ValueError,
            r"drawn is None; allowed with random_order\(\): what draw\(\) returned",
        ),
        (
            lambda: plans.raster(2).complete(HALF_PATCH, None, (4,)),
            ValueError,
            r"mask marks pixels that raster can't have written yet; allowed: the first whole patches",
        ),
        (
            lambda: plans.raster(1).complete(~HALF_PATCH, None, (4,)),
            ValueError,
            r"mask marks pixels that raster can't have written.*random_order\(\) completes any mask",
        ),
        (
            lambda: plans.diffusion().complete(HALF_PATCH, None, (4,)),
            ValueError,
            r"mask can't be used with the plan diffusion.*allowed: random_order\(\), or raster\(\)",
        ),
        (
            lambda: plans.ramp(0.5).complete(HALF_PATCH, None, (4,)),
            ValueError,
            r"mask can't be used with the plan ramp",
        ),
    ],
)
def test_a_bad_call_is_answered_with_what_is_allowed(call: Any, error: type[Exception], message: str) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()


def test_equal_numbers_keep_their_order_on_every_processor() -> None:
    """An order drawn by 24-bit numbers, of which two are equal here: the pixel that is read first comes first."""
    rand = torch.rand(4000, 256, generator=seeded(0, 0))
    drawn = plans.random_order().draw(4000, (1, 16, 16), seeded(0, 0))
    tied = [row for row in range(4000) if len(rand[row].unique()) < 256]
    assert len(tied) > 2
    for row in tied:
        by_hand = sorted(range(256), key=lambda pixel, row=row: (float(rand[row, pixel]), pixel))
        assert drawn is not None
        assert drawn[row].tolist() == by_hand

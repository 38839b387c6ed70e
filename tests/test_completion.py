"""Completion: what is known stays, and the rest is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers_core import FOUR, black_white, ideal, normal, tiny_mlp, tiny_unet, which
from torch import Tensor

from minigen import Generator, IdealGenerator, heads, plans, sample, trajectory


def square(*shape: int, seed: int = 0) -> Tensor:
    """Pictures of the four greys of a Categorical(4) head."""
    return heads.Categorical(4).prepare(normal(*shape, seed=seed).float().clamp(-1, 1))


@pytest.mark.parametrize("head", [heads.Categorical(4), heads.Regression("x0")], ids=["grey", "x0"])
def test_random_order_completes_any_mask(head: heads.Head) -> None:
    """Known pixels are kept bit by bit, one mask an image; the rest is written."""
    known = square(6, 1, 8, 8)
    mask = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.6
    model = tiny_unet(head, plans.random_order())
    drawn = sample(model, 6, known=known, mask=mask)
    assert torch.equal(drawn[mask], known[mask])
    assert not torch.equal(drawn[~mask], known[~mask])
    other = sample(model, 6, known=torch.where(mask, known, -known), mask=mask)
    assert torch.equal(other, drawn)  # what `known` holds beside the mask is never looked at


@pytest.mark.parametrize("written", [0, 1, 5, 15])
def test_raster_completes_a_prefix_of_whole_patches(written: int) -> None:
    """For every number of patches: kept bit by bit, and as many steps as patches are left."""
    plan, known = plans.raster(2), square(1, 1, 8, 8)
    mask = (plan.places((1, 8, 8)) < written).view(8, 8)
    walk = trajectory(tiny_unet(heads.Categorical(4), plan), 3, known=known, mask=mask)
    assert torch.equal(walk.images[-1][:, :, mask], known.expand(3, 1, 8, 8)[:, :, mask])
    assert walk.nfe == 16 - written
    assert bool((walk.levels[:, :, :, mask] == 0).all())
    assert bool((walk.levels[0][:, :, ~mask] == 1).all())
    assert bool((walk.levels[-1] == 0).all())


def test_the_default_is_as_many_steps_as_pieces_are_left() -> None:
    """For masks of different sizes the largest rest counts; fewer steps can be asked for."""
    mask = torch.tensor([[True, True, True, False, False, False, False, False], [True] * 6 + [False] * 2])
    model, known = ideal(plans.random_order()), FOUR[:2]
    assert trajectory(model, 2, known=known, mask=mask).nfe == 5
    walk = trajectory(model, 2, known=known, mask=mask, steps=2)
    assert walk.nfe == 2
    assert bool((walk.levels[-1] == 0).all())


def test_the_ideal_denoiser_completes_with_what_fits() -> None:
    """Of the pictures that agree with the known pixels, and only of those, each is drawn equally often."""
    pictures = black_white(40, 8, seed=2).unique(dim=0)
    mask = torch.tensor([False, True, False, False, False, True, False, True])
    fitting = pictures[(pictures[:, mask] == pictures[0, mask]).all(dim=1)]
    assert 2 < len(fitting) < len(pictures)
    drawn = sample(ideal(plans.random_order(), pictures=pictures), 2000, known=pictures[:1], mask=mask)
    counts = (which(drawn, fitting) + 1).bincount(minlength=len(fitting) + 1)
    assert int(counts[0]) == 0
    p = 1 / len(fitting)
    assert bool(((counts[1:] - 2000 * p).abs() < 5 * math.sqrt(2000 * p * (1 - p))).all())


def test_completion_does_not_depend_on_batch_size() -> None:
    """With a mask of its own for each image, bit by bit."""
    known = FOUR[torch.arange(70) % 4]
    mask = torch.rand(70, 8, generator=torch.Generator().manual_seed(1)) < 0.5
    model = ideal(plans.random_order())
    whole = sample(model, 70, known=known, mask=mask)
    assert torch.equal(whole[mask], known[mask])
    assert torch.equal(sample(model, 70, known=known, mask=mask, batch_size=9), whole)


def test_an_empty_mask_is_plain_sampling() -> None:
    """Nothing known: the images of a walk without completion."""
    for plan in (plans.raster(2), plans.random_order()):
        model = tiny_unet(heads.Categorical(4), plan)
        completed = sample(model, 3, known=square(1, 1, 8, 8), mask=torch.zeros(8, 8).bool())
        assert torch.equal(completed, sample(model, 3))


def test_known_pixels_are_rounded_to_what_the_head_can_say() -> None:
    """A grey between two levels becomes the nearer one, as in training."""
    head, known = heads.Categorical(4), normal(1, 1, 8, 8).float().clamp(-1, 1)
    mask = torch.ones(8, 8).bool()
    mask[7, 7] = False
    drawn = sample(tiny_unet(head, plans.random_order()), 1, known=known, mask=mask)
    assert torch.equal(drawn[:, :, mask], head.prepare(known)[:, :, mask])


def test_vectors_are_completed_too() -> None:
    """A mask of shape (D,) for an MLP, with random order."""
    model = tiny_mlp(heads.Categorical(4), plans.random_order(), size=6)
    known, mask = square(1, 6), torch.tensor([True, False, True, False, False, True])
    drawn = sample(model, 5, known=known, mask=mask)
    assert torch.equal(drawn[:, mask], known[:, mask].expand(5, 3))


# --- bad calls -------------------------------------------------------------------------------------

FREE = tiny_unet(heads.Categorical(4), plans.raster(4))
ANY = tiny_unet(heads.Categorical(4), plans.random_order())
TOP = torch.arange(8)[:, None].expand(8, 8) < 4
KNOWN = torch.zeros(1, 1, 8, 8)


def completing(model: Generator | IdealGenerator = FREE, **changes: Any) -> Tensor:
    return sample(model, 2, **(dict(known=KNOWN, mask=TOP) | changes))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: completing(known=None), ValueError, r"known is None; allowed: known and mask together"),
        (lambda: completing(mask=None), ValueError, r"mask is None; allowed: mask and known together"),
        (lambda: completing(mask=TOP.float()), ValueError, r"mask has shape \(8, 8\) and dtype torch.float32; all"),
        (lambda: completing(mask=TOP[:4]), ValueError, r"mask has shape \(4, 8\).*allowed: torch.bool, \(8, 8\)"),
        (lambda: completing(mask=TOP.expand(3, 1, 8, 8)), ValueError, r"mask holds 3 masks; allowed: 1, or .*drawn: 2"),
        (lambda: completing(mask=TOP | True), ValueError, r"mask is True everywhere; allowed: at least one pixel left"),
        (lambda: completing(mask=~TOP), ValueError, r"mask marks pixels that raster can't have written.*random_order"),
        (lambda: completing(mask=TOP.T), ValueError, r"mask marks pixels that raster can't have written.*row by row"),
        (lambda: completing(known=KNOWN[..., :4]), ValueError, r"known has shape \(1, 1, 8, 4\); allowed: \(any"),
        (lambda: completing(known=KNOWN.expand(3, 1, 8, 8)), ValueError, r"known holds 3 pictures; allowed: 1, or"),
        (lambda: completing(known=KNOWN + 9), ValueError, r"known has values from 9 to 9; allowed: \[-1, 1\]"),
        (lambda: completing(known=KNOWN.long()), TypeError, r"known has dtype torch.int64; allowed: floating point"),
        (lambda: completing(known=KNOWN + math.nan), ValueError, r"known holds NaN or infinite values; allowed"),
        (lambda: completing(steps=3), ValueError, r"steps is 3; allowed: 1 to 2, the pieces that the mask leaves"),
        (lambda: completing(ANY, steps=33), ValueError, r"steps is 33; allowed: 1 to 32, the pieces that the mask le"),
        *[
            (
                lambda plan=plan: completing(ideal(plan, pictures=square(3, 1, 8, 8))),
                ValueError,
                rf"mask can't be used with the plan {plan.name}.*allowed: random_order\(\), or raster\(\)",
            )
            for plan in (plans.diffusion(), plans.ramp(0.5), plans.one_shot(), plans.raster(8))
        ],
    ],
)  # fmt: skip
def test_a_bad_completion_is_answered_with_what_is_allowed(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()

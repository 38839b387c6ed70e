"""Sampling: a walk is its steps; images depend on the seed and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers_core import black_white, ideal, normal, tiny_causal, tiny_unet

from minigen import Guided, Labels, heads, nfe, plans, process, sample, trajectory
from minigen.base.randomness import Blocks
from minigen.process import step

# --- the walk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", [plans.raster(2), plans.random_order(), plans.diffusion(), plans.ramp(0.5)])
def test_a_walk_is_repeated_application_of_step(plan: plans.Plan) -> None:
    """Every row of images follows from the one before by ``step``, with the plan's levels and the kept guess."""
    walk = trajectory(tiny_unet(heads.Categorical(4), plan), 3, eta=0)
    steps = len(walk.x0_hat)
    assert walk.images.shape == (steps + 1, 3, 1, 8, 8)
    assert walk.levels.shape == (steps + 1, 3, 1, 8, 8)
    assert walk.nfe == steps == plan.default_steps((1, 8, 8))
    if plan.name == "random_order":
        assert walk.levels.flatten(2).sum(dim=2).T.tolist() == [list(range(64, -1, -1))] * 3
    else:
        assert torch.equal(walk.levels[:, 0].flatten(1), plan.matrix((1, 8, 8)))
    for k in range(steps):
        after = step(walk.images[k], walk.x0_hat[k], walk.levels[k], walk.levels[k + 1])
        assert torch.equal(walk.images[k + 1], after)
    assert torch.equal(walk.images[-1], sample(tiny_unet(heads.Categorical(4), plan), 3, eta=0))


def test_the_noise_follows_the_clipped_guess() -> None:
    """After clipping x0_hat the sampler recomputes eps_hat from it: the next image is alpha x0_hat + sigma eps_hat."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    model.last.weight.data *= 5
    walk = trajectory(model, 3, steps=4, eta=0, beliefs=True)
    assert walk.beliefs is not None
    assert float(walk.beliefs[1].abs().max()) > 1.5
    assert torch.equal(walk.x0_hat, walk.beliefs.clamp(-1, 1))
    alpha, sigma = process.cosine(walk.levels)
    eps_hat = (walk.images[1] - alpha[1] * walk.x0_hat[1]) / sigma[1]
    torch.testing.assert_close(walk.images[2], alpha[2] * walk.x0_hat[1] + sigma[2] * eps_hat, rtol=0, atol=1e-5)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_eta_and_fresh_noise_reach_every_step(eta: float) -> None:
    """The whole walk again by hand from the seed's numbers: with fresh noise at each step but the last."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    walk, random = trajectory(model, 3, steps=4, seed=7, eta=eta), Blocks(7, 0, 3)
    x = random.normal((1, 8, 8))
    for k in range(4):
        assert torch.equal(walk.images[k], x)
        noise = random.normal((1, 8, 8)) if eta > 0 and k < 3 else torch.zeros_like(x)
        x = step(x, walk.x0_hat[k], walk.levels[k], walk.levels[k + 1], eta=eta, noise=noise)
    torch.testing.assert_close(walk.images[4], x, rtol=0, atol=1e-6)


def test_a_walk_starts_from_the_noise_of_its_seed() -> None:
    """Row 0 is the standard normal numbers that the seed gives the images."""
    walk = trajectory(ideal(plans.diffusion()), 5, seed=3)
    assert torch.equal(walk.images[0], Blocks(3, 0, 5).normal((8,)))


def test_each_image_has_an_order_of_its_own() -> None:
    """The rows of random_order differ between images and are kept for the whole walk (levels never rise)."""
    walk = trajectory(ideal(plans.random_order()), 20)
    assert len(walk.levels[4].unique(dim=0)) > 10
    assert bool((walk.levels.diff(dim=0) <= 0).all())


def test_beliefs_are_kept_when_asked_for() -> None:
    """One belief a step, and none otherwise."""
    model = ideal(plans.raster())
    assert trajectory(model, 2).beliefs is None
    beliefs = trajectory(model, 2, beliefs=True).beliefs
    assert beliefs is not None
    assert beliefs.shape == (8, 2, 8, 2)
    torch.testing.assert_close(beliefs[0].softmax(-1), torch.full((2, 8, 2), 0.5))


def test_nfe_counts_what_the_network_runs() -> None:
    """1, 1 and 2 calls a step at scales 1, 0 and 3: counted at the network, images and calls."""
    assert [nfe(7, scale) for scale in (1, 0, 3.0)] == [7, 7, 14]
    model = tiny_unet(heads.Categorical(4), plans.diffusion(), condition=Labels(3))
    sizes: list[int] = []
    model.net.register_forward_hook(lambda net, inputs, output: sizes.append(len(inputs[0])))
    for scale in (1.0, 0.0, 3.0):
        sizes.clear()
        walk = trajectory(model, 5, steps=7, guidance_scale=scale)
        assert len(sizes) == 7
        assert sum(sizes) == 5 * walk.nfe == 5 * nfe(7, scale)


def test_guidance_scale_1_is_off() -> None:
    """The same images as without it, bit by bit; other scales give others."""
    model = tiny_unet(heads.Categorical(4), plans.diffusion(), condition=Labels(3))
    plain = sample(model, 4, steps=4)
    assert torch.equal(sample(model, 4, steps=4, guidance_scale=1.0), plain)
    assert not torch.equal(sample(model, 4, steps=4, guidance_scale=3.0), plain)
    assert not torch.equal(sample(model, 4, steps=4, guidance_scale=0.0), plain)


def test_guidance_scale_0_ignores_the_labels() -> None:
    """Whatever the labels say, bit by bit."""
    model = tiny_unet(heads.Categorical(4), plans.diffusion(), condition=Labels(3))
    drawn = [sample(model, 4, steps=4, guidance_scale=0.0, labels=label) for label in (0, 2)]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_who_was_always_told_is_not_asked_to_draw_untold(scale: float) -> None:
    """With dropout 0 nothing has taught the network what "not told" is: it would answer, with nonsense."""
    model = tiny_unet(heads.Categorical(4), plans.diffusion(), condition=Labels(3, dropout=0.0))
    with pytest.raises(
        ValueError, match=rf"guidance_scale is {scale} for a model that training always told .* allowed: 1"
    ):
        sample(model, 2, steps=2, guidance_scale=scale)
    assert sample(model, 2, steps=2).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="that training always told"):
        sample(Guided(model, levels=(0.0, 1.0)), 2, steps=2, guidance_scale=scale)
    other = tiny_unet(heads.Categorical(4), plans.diffusion(), seed=1, condition=Labels(3, dropout=0.0))
    for guided in (Guided(model, negative=0), Guided(model, worse=other)):  # these have something else to draw
        assert sample(guided, 2, steps=2, labels=1, guidance_scale=scale).shape == (2, 1, 8, 8)


def test_regression_is_clipped_unless_told_otherwise() -> None:
    """Without clipping a network with random weights leaves [-1, 1]; with it the result stays inside."""
    model = tiny_unet(heads.Regression("x0"), plans.diffusion())
    model.last.weight.data *= 20
    assert float(sample(model, 4, steps=4).abs().max()) <= 1
    assert float(sample(model, 4, steps=4, clip=False).abs().max()) > 1.5


@pytest.mark.parametrize("plan", [plans.raster(2), plans.random_order(), plans.ramp(0.5), plans.any_ramp()])
@pytest.mark.parametrize("head", [heads.Regression("v"), heads.Regression("less_noisy", gap=1 / 16)])
def test_the_guess_at_a_finished_pixel_is_that_pixel(head: heads.Head, plan: plans.Plan) -> None:
    """At level 0 nothing is left to guess; in particular the guess is a number."""
    walk = trajectory(tiny_unet(head, plan), 3, steps=4)
    there = walk.levels[:-1] == 0
    assert bool(there.any())
    torch.testing.assert_close(walk.x0_hat[there], walk.images[:-1][there].clamp(-1, 1), rtol=0, atol=1e-6)


def test_temperature_0_makes_raster_repeat_itself() -> None:
    """Without dice the noise of the seed does not matter: every image is the same."""
    drawn = sample(tiny_causal(4), 3, temperature=0)
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(*sample(tiny_causal(4), 2))


# --- shifted rows ----------------------------------------------------------------------------------


def test_a_shift_moves_the_rows_by_its_equation() -> None:
    """Levels 1, 3/4, 1/2, 1/4, 0 shifted by 2 are 1, 6/7, 2/3, 2/5, 0; by 1/2 the same backwards."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    for shift, rows in (
        (2.0, [1, 6 / 7, 2 / 3, 2 / 5, 0]),
        (0.5, [1, 3 / 5, 1 / 3, 1 / 7, 0]),
        (1.0, [1, 0.75, 0.5, 0.25, 0]),
    ):
        walk = trajectory(model, 1, steps=4, eta=0.0, shift=shift)
        assert walk.levels[:, 0, 0, 0, 0].tolist() == pytest.approx(rows, abs=2**-20)
        assert bool((walk.levels == walk.levels[..., :1, :1]).all())


@pytest.mark.parametrize("shift", [0.5, 2.0, 3.0])
def test_on_a_straight_line_a_shift_multiplies_the_noise(shift: float) -> None:
    """What it is for: rows of flow matching get ``shift`` times the noise for the same picture (equation 23)."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion(spacing="flow"))
    plain, shifted = (
        trajectory(model, 1, steps=8, eta=0.0, shift=each).levels[1:-1, 0, 0, 0, 0].double() for each in (1.0, shift)
    )
    noise = [(level * math.pi / 2).tan() for level in (plain, shifted)]  # sigma over alpha of the cosine schedule
    torch.testing.assert_close(noise[1], shift * noise[0], rtol=1e-4, atol=0)


def test_sample_walks_the_shifted_rows() -> None:
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    plain, shifted = (sample(model, 2, steps=4, eta=0.0, shift=shift) for shift in (1.0, 2.0))
    assert torch.equal(shifted, trajectory(model, 2, steps=4, eta=0.0, shift=2.0).images[-1])
    assert not torch.allclose(shifted, plain, atol=1e-3)


def test_a_shift_leaves_the_first_row_where_the_plan_starts() -> None:
    model = tiny_unet(heads.Regression("v"), plans.diffusion(start=0.5))
    levels = trajectory(model, 1, steps=2, eta=0.0, shift=3.0).levels[:, 0, 0, 0, 0]
    assert levels.tolist() == pytest.approx([0.5, 0.5 * 3 / 4, 0], abs=2**-20)


@pytest.mark.parametrize("shift", [1e-9, 1e9])
@pytest.mark.parametrize("second_order", [False, True])
def test_an_extreme_shift_ends_in_a_picture_all_the_same(shift: float, second_order: bool) -> None:
    """Rows that fall together make no division by zero, also where two guesses are extrapolated."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion())
    drawn = sample(model, 2, steps=4, eta=0.0, shift=shift, second_order=second_order)
    assert bool((drawn.abs() <= 1).all())


# --- the cache of causal nets ----------------------------------------------------------------------


@pytest.mark.parametrize("attention", [False, True], ids=["conv", "attention"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"temperature": 0.5}, {"temperature": 0}, {"guidance_scale": 2.5}, {"guidance_scale": 0}, {"labels": 1}],
    ids=lambda settings: str(settings),
)
def test_the_cache_changes_nothing_but_the_time(attention: bool, settings: dict[str, Any]) -> None:
    """The same pictures, pixel for pixel, over more than one block and batch."""
    model = tiny_causal(5, attention=attention, condition=Labels(3))
    slow = sample(model, 70, seed=3, cache=False, **settings)
    assert torch.equal(sample(model, 70, seed=3, **settings), slow)
    assert torch.equal(sample(model, 70, seed=3, batch_size=33, **settings), slow)
    if settings.get("temperature") != 0:
        assert len(slow.unique(dim=0)) > 60


@pytest.mark.parametrize("attention", [False, True], ids=["conv", "attention"])
@pytest.mark.parametrize("written", [1, 5, 7, 24])
def test_the_cache_reads_what_is_known_first(attention: bool, written: int) -> None:
    """Completing pictures with the cache equals completing them without, from any pixel on."""
    model = tiny_causal(5, attention=attention)
    known = model.head.prepare(normal(6, 1, 5, 5).float().clamp(-1, 1))
    mask = (torch.arange(25) < written).view(5, 5)
    quick = sample(model, 6, known=known, mask=mask)
    assert torch.equal(quick, sample(model, 6, known=known, mask=mask, cache=False))
    assert torch.equal(quick[..., mask], known[..., mask])
    if 1 < written < 24:  # what is known matters: with some of it, and some pixels left to show it
        other = sample(model, 6, known=-known, mask=mask)
        assert not torch.equal(quick[..., ~mask], other[..., ~mask])


def test_with_a_cache_each_call_is_about_one_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 calls for 256 pixels, none about the whole picture; with other walks there is no cache."""
    model, calls = tiny_causal(4), []
    forward, following = model.net.forward, model.net.next
    monkeypatch.setattr(model.net, "forward", lambda *given: calls.append("whole") or forward(*given))
    monkeypatch.setattr(model.net, "next", lambda *given: calls.append("pixel") or following(*given))

    def made(**settings: Any) -> list[str]:
        calls.clear()
        sample(model, 2, **settings)
        return list(calls)

    assert made() == ["pixel"] * 16
    assert made(cache=False) == ["whole"] * 16
    assert made(steps=4) == ["whole"] * 4  # four pixels a call
    masks = torch.stack([(torch.arange(16) < n).view(1, 4, 4) for n in (2, 3)])  # not the same pixel in both
    assert made(known=torch.ones(2, 1, 4, 4), mask=masks) == ["whole"] * 14


def test_a_trajectory_is_that_of_the_sample_with_its_cache() -> None:
    """It keeps whole guesses, and arrives at the same pictures."""
    model = tiny_causal(4)
    walk = trajectory(model, 3, beliefs=True)
    assert walk.beliefs is not None
    assert walk.beliefs.shape == (16, 3, 1, 4, 4, 4)
    assert torch.equal(walk.images[-1], sample(model, 3))


def test_a_model_is_left_in_the_mode_that_it_was_in() -> None:
    """Sampling evaluates and then goes back to training, or not."""
    model = tiny_unet(heads.Categorical(4), plans.one_shot())
    for mode in (True, False):
        model.train(mode)
        sample(model, 1)
        assert model.training is mode


# --- seeds, counts, batch sizes --------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan", [plans.one_shot(), plans.raster(1), plans.random_order(), plans.diffusion(), plans.ramp(0.5)],
    ids=lambda plan: plan.name,
)  # fmt: skip
def test_image_i_does_not_depend_on_count_or_batch_size(plan: plans.Plan) -> None:
    """Bit by bit on the ideal denoiser, across the blocks of 64 in which random numbers come."""
    model, steps = ideal(plan), 1 if plan.name == "one_shot" else 8
    whole = sample(model, 150, seed=5, steps=steps)
    for count, batch_size in ((150, 7), (150, 100), (70, 256), (65, 64), (1, 1)):
        assert torch.equal(sample(model, count, seed=5, steps=steps, batch_size=batch_size), whole[:count])


@pytest.mark.parametrize(
    "plan", [plans.one_shot(), plans.raster(2), plans.random_order(), plans.diffusion()], ids=lambda plan: plan.name
)
def test_image_i_of_a_network_does_not_depend_on_batch_size(plan: plans.Plan) -> None:
    """Within rounding on a U-Net with a regression head, told its labels and guided."""
    model = tiny_unet(heads.Regression("v"), plan, size=4, condition=Labels(3))
    settings = dict(seed=5, guidance_scale=2.0, steps=1 if plan.name == "one_shot" else 4)
    whole = sample(model, 70, **settings)
    for count, batch_size in ((70, 29), (66, 256)):
        found = sample(model, count, batch_size=batch_size, **settings)
        torch.testing.assert_close(found, whole[:count], rtol=0, atol=1e-5)


def test_large_pictures_go_through_in_small_batches() -> None:
    """On a CPU 16 of 32x32 pixels at a time, unless told otherwise; the pictures are the same."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion(), size=32)
    seen = []
    model.net.register_forward_pre_hook(lambda net, inputs: seen.append(len(inputs[0])))
    found = sample(model, 20, steps=1)
    assert seen == [16, 4]
    torch.testing.assert_close(found, sample(model, 20, steps=1, batch_size=20), rtol=0, atol=1e-5)
    assert seen == [16, 4, 20]


@pytest.mark.parametrize("plan", [plans.raster(1), plans.random_order(), plans.diffusion()], ids=lambda plan: plan.name)
def test_the_seed_decides(plan: plans.Plan) -> None:
    """The same seed gives the same images, another seed others (negative ones too), and no global state takes part."""
    model = ideal(plan, pictures=black_white(200, 8))
    first = sample(model, 100, seed=1)
    torch.manual_seed(123)
    assert torch.equal(sample(model, 100, seed=1), first)
    for other in (0, 2, -1, 2**40):
        assert float((sample(model, 100, seed=other) != first).any(dim=1).double().mean()) > 0.7


def test_images_of_one_seed_differ() -> None:
    """No two blocks share their numbers."""
    noise = Blocks(0, 0, 200).normal((3,))
    assert len(noise.unique(dim=0)) == 200
    assert not torch.equal(Blocks(0, 64, 64).normal((3,)), Blocks(1, 0, 64).normal((3,)))


def test_images_of_a_long_and_a_short_count_get_the_same_labels() -> None:
    """Classes are dealt in turn, so that image i's label is i modulo the number of classes."""
    model = tiny_unet(heads.Regression("x0"), plans.one_shot(), size=4, condition=Labels(3))
    dealt = sample(model, 7)
    for i in range(7):
        torch.testing.assert_close(sample(model, 7, labels=i % 3)[i], dealt[i], rtol=0, atol=1e-5)


# --- bad calls -------------------------------------------------------------------------------------

FREE = tiny_unet(heads.Categorical(4), plans.raster(4))

TOLD = tiny_unet(heads.Categorical(4), plans.raster(4), condition=Labels(3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sample(FREE, 0), ValueError, r"count is 0; allowed: whole numbers from 1"),
        (lambda: sample(FREE, 2.0), TypeError, r"count is 2.0, a float; allowed: a whole number"),
        (lambda: trajectory(FREE, 0), ValueError, r"count is 0; allowed: whole numbers from 1"),
        (lambda: sample(FREE, 1, batch_size=0), ValueError, r"batch_size is 0; allowed: whole numbers from 1"),
        (lambda: sample(FREE, 1, seed=0.5), TypeError, r"seed is 0.5, a float; allowed: a whole number"),
        (lambda: sample(FREE, 1, steps=0), ValueError, r"steps is 0; allowed: whole numbers from 1"),
        (lambda: sample(FREE, 1, steps=2.5), TypeError, r"steps is 2.5, a float; allowed: a whole number"),
        (lambda: sample(FREE, 1, steps=5), ValueError, r"steps is 5; allowed: 1 to 4, since raster has 4 piece"),
        (lambda: sample(ideal(plans.one_shot()), 1, steps=2), ValueError, r"steps is 2; allowed: 1 to 1"),
        (lambda: sample(FREE, 1, eta=1.5), ValueError, r"eta is 1.5; allowed: finite numbers in \[0, 1\]"),
        (lambda: sample(FREE, 1, eta=-0.5), ValueError, r"eta is -0.5; allowed: finite numbers in \[0, 1\]"),
        (lambda: sample(FREE, 1, eta=math.nan), ValueError, r"eta is nan; allowed: finite numbers in \[0, 1\]"),
        (lambda: sample(FREE, 1, pick="drew"), ValueError, r"pick is 'drew'; allowed: 'draw', 'mean'; did you mean"),
        (lambda: sample(FREE, 1, temperature=-1), ValueError, r"temperature is -1; allowed: finite numbers in \[0, i"),
        (lambda: sample(FREE, 1, temperature=math.inf), ValueError, r"temperature is inf; allowed: finite numbers"),
        (lambda: sample(TOLD, 1, guidance_scale=math.nan), ValueError, r"guidance_scale is nan; allowed: finite num"),
        (lambda: sample(TOLD, 1, guidance_scale=math.inf), ValueError, r"guidance_scale is inf; allowed: finite num"),
        (lambda: sample(TOLD, 1, guidance_scale="3"), TypeError, r"guidance_scale is '3', a str; allowed: a number"),
        (
            lambda: sample(FREE, 1, guidance_scale=3),
            ValueError,
            r"guidance_scale is 3 for a model without a condition; allowed: 1",
        ),
        (lambda: sample(FREE, 1, labels=1), ValueError, r"labels was given to a model without a condition.*: neither"),
        (lambda: sample(TOLD, 1, labels=3), ValueError, r"labels holds 3; allowed: whole numbers from 0 to 2"),
        (lambda: sample(TOLD, 2, labels=[0, -1]), ValueError, r"labels holds -1; allowed: whole numbers from 0 to 2"),
        (lambda: sample(TOLD, 3, labels=[0, 1]), ValueError, r"labels holds 2 labels; allowed: one, or.*images: 3"),
        (lambda: sample(TOLD, 1, labels=[0.5]), TypeError, r"labels has dtype torch.float32; allowed: whole numbers"),
        (lambda: sample(FREE, 1, shift=0), ValueError, r"shift is 0; allowed: finite numbers in \(0, inf"),
        (lambda: sample(FREE, 1, shift=2.0), ValueError, r"shift is 2.0 with the plan raster.*: 1, or diffusion"),
        (lambda: nfe(0), ValueError, r"steps is 0; allowed: whole numbers from 1"),
        (
            lambda: trajectory(FREE, 1, step=3),
            TypeError,
            r"option 'step' is unknown; allowed: steps, .*; did you mean 'steps'\?",
        ),
    ],
)  # fmt: skip
def test_a_bad_call_is_answered_with_what_is_allowed(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    """The message names the argument, what it was and what it may be."""
    with pytest.raises(error, match=message):
        call()

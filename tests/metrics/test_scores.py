"""The judges: each distance against an independent formula, and scores that order pictures rightly."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import prdc
import pytest
import scipy.linalg
import torch
from torch import Tensor

from minigen import data, heads, metrics, nets, plans, zoo
from minigen.base.randomness import seeded
from minigen.generator import Generator
from minigen.ideal import IdealGenerator
from minigen.metrics import (
    Spread,
    density_coverage,
    evaluate,
    frechet,
    kernel_distance,
    nearer_to_train,
    patch_gradients,
)

COUNT = 500


def gaussian(count: int, size: int, seed: int) -> Tensor:
    """Correlated samples with a mean of their own."""
    random = seeded(seed)
    mixed = torch.randn(count, size, generator=random, dtype=torch.float64)
    return mixed @ torch.randn(size, size, generator=random, dtype=torch.float64) + torch.randn(
        size, generator=random, dtype=torch.float64
    )


def exactly_normal(count: int, size: int, seed: int = 0) -> Tensor:
    """Samples whose mean is exactly 0 and whose covariance (over count - 1) is exactly the identity."""
    x = torch.randn(count, size, generator=seeded(seed), dtype=torch.float64)
    x = x - x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (count - 1))).T


def training_sample(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random training digits, equally many of each class."""
    images, labels = data.digits(16, "train")
    shuffled = torch.randperm(len(images), generator=seeded(seed, 77))
    rows = torch.cat([shuffled[labels[shuffled] == digit][: count // 10] for digit in range(10)])
    return images[rows], labels[rows]


# --- Fréchet distance ------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "count", "other_count"), [(1, 50, 70), (5, 300, 200), (16, 400, 400), (64, 500, 600)])
def test_frechet_is_the_formula_with_scipys_square_root(size: int, count: int, other_count: int) -> None:
    one, other = gaussian(count, size, seed=1), gaussian(other_count, size, seed=2)
    c1, c2 = (np.atleast_2d(np.cov(x.numpy(), rowvar=False)) for x in (one, other))
    m1, m2 = one.numpy().mean(axis=0), other.numpy().mean(axis=0)
    root = scipy.linalg.sqrtm(c1 @ c2)
    expected = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * np.real(root))
    assert expected > 0.1
    assert frechet(one, other) == pytest.approx(expected, rel=1e-7)
    assert frechet(other, one) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("mean", "scale", "expected"),
    [(0.0, 1.0, 0.0), (1.0, 2.0, 2.0), (0.0, 3.0, 4.0), (-2.0, 0.5, 4.25), (3.0, 1.0, 9.0)],
)
def test_frechet_in_one_dimension(mean: float, scale: float, expected: float) -> None:
    """(m1 - m2)^2 + (s1 - s2)^2; N(0, 1) and N(1, 4) are 2 apart."""
    x = exactly_normal(200, 1)
    assert frechet(x, x * scale + mean) == pytest.approx(expected, abs=1e-9)


def test_frechet_of_other_shapes() -> None:
    x = exactly_normal(300, 3)
    stretched = x * torch.tensor([1.0, 2.0, 5.0]) + torch.tensor([0.0, 1.0, -2.0])
    assert frechet(x, stretched) == pytest.approx(5 + 1 + 16, rel=1e-9)
    correlated = (
        x
        @ torch.linalg.cholesky(
            torch.tensor([[1.0, 0.6, 0.0], [0.6, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
        ).T
    )
    # eigenvalues 1.6, 0.4, 1: the squares of (square root - 1)
    assert frechet(x, correlated) == pytest.approx((1.6**0.5 - 1) ** 2 + (0.4**0.5 - 1) ** 2, rel=1e-8)


def test_frechet_of_a_shift_is_its_square() -> None:
    x, shift = gaussian(700, 6, seed=3), torch.tensor([3.0, -1.0, 0.0, 2.0, 0.5, 1.0], dtype=torch.float64)
    assert frechet(x, x + shift) == pytest.approx(float(shift.square().sum()), rel=1e-8)


# --- kernel distance -------------------------------------------------------------------------------


def direct_mmd(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased squared MMD of the kernel (x y / c + 1)^3 over all pairs; c is the mean of |x|^2 over real ones."""
    c = np.mean([x @ x for x in real])

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (np.einsum("id,jd->ij", a, b) / c + 1) ** 3

    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(real, real), kernel(fake, fake))]
    return float(sum(within) - 2 * kernel(real, fake).mean())


def test_kernel_distance_of_one_subset_is_the_direct_formula() -> None:
    """With exactly 500 each, all of the 20 subsets are everything."""
    for seed, shift in ((1, 0.0), (2, 0.3)):
        x = 3 * torch.randn(500, 8, generator=seeded(seed), dtype=torch.float64)
        y = torch.randn(500, 8, generator=seeded(seed, 9), dtype=torch.float64) + shift
        expected = direct_mmd(x.numpy(), y.numpy())
        assert abs(expected) > 1e-4
        assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-9)
        assert kernel_distance(7 * x, 7 * y) == pytest.approx(expected, rel=1e-9)  # features have no scale of their own


def test_kernel_distance_of_many_is_near_the_direct_formula_of_all() -> None:
    x = torch.randn(1000, 8, generator=seeded(1), dtype=torch.float64)
    y = torch.randn(800, 8, generator=seeded(2), dtype=torch.float64) * 1.2
    assert kernel_distance(x, y) == pytest.approx(direct_mmd(x.numpy(), y.numpy()), rel=0.1)


def test_kernel_distance_of_equal_distributions_is_around_zero() -> None:
    found = [
        kernel_distance(torch.randn(500, 8, generator=seeded(s)), torch.randn(500, 8, generator=seeded(s, 5)))
        for s in range(12)
    ]
    assert min(found) < 0 < max(found)
    assert abs(np.mean(found)) < 3 * np.std(found) / 12**0.5


def test_kernel_distance_is_deterministic_and_leaves_torchs_numbers_alone() -> None:
    x, y = torch.randn(700, 4, generator=seeded(1)), torch.randn(700, 4, generator=seeded(2))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = kernel_distance(x, y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert kernel_distance(x, y) == first


# --- density and coverage --------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "other_count", "shift"), [(200, 200, 0.0), (150, 300, 0.7), (300, 120, 2.0)])
def test_density_and_coverage_are_those_of_prdc(count: int, other_count: int, shift: float) -> None:
    real = torch.randn(count, 6, generator=seeded(1), dtype=torch.float64)
    fake = torch.randn(other_count, 6, generator=seeded(2), dtype=torch.float64) + shift
    expected = prdc.compute_prdc(real.numpy(), fake.numpy(), nearest_k=5)
    assert 0 < expected["coverage"] < 1
    assert density_coverage(real, fake) == pytest.approx((expected["density"], expected["coverage"]), rel=1e-12)


def test_density_and_coverage_by_hand() -> None:
    real = torch.tensor([[0.0], [1.0], [3.0], [10.0]])
    # radii to the nearest neighbour: 1, 1, 2, 7
    fake = torch.tensor([[0.5], [4.0], [4.5], [100.0]])
    # 0.5 lies in the balls of 0 and 1; 4.0 in those of 3 and 10; 4.5 in those of 3 and 10
    assert density_coverage(real, fake, nearest=1) == (6 / 4, 1.0)
    assert density_coverage(real, fake[3:], nearest=1) == (0.0, 0.0)
    with pytest.raises(ValueError, match="nearest is 4; allowed: whole numbers from 1 to 3"):
        density_coverage(real, fake, nearest=4)


# --- memory ----------------------------------------------------------------------------------------


def test_copies_are_nearer_to_what_they_copy() -> None:
    train, held = data.digits(16, "train")[0][:1000], data.digits(16, "held-out")[0]
    assert nearer_to_train(train[:600], train, held) == 1.0
    assert nearer_to_train(held[:600], train, held) == 0.0
    assert nearer_to_train(torch.cat([train[:100], held[:300]]), train, held) == 0.25
    assert nearer_to_train(train[:50], held, held) == 0.5  # ties count half


def test_nearly_copies_are_found_and_strangers_are_half() -> None:
    train, held = data.digits(16, "train")[0], data.digits(16, "held-out")[0]
    noise = 0.02 * torch.randn(300, 1, 16, 16, generator=seeded(0))
    assert nearer_to_train((train[:300] + noise).clamp(-1, 1), train[:1000], held) == 1.0
    strangers = train[2000:3000]
    assert nearer_to_train(strangers, train[:1000], held) == pytest.approx(0.5, abs=0.05)  # three standard errors


def test_sets_of_unequal_size_are_refused() -> None:
    x = torch.zeros(5, 1, 4, 4)
    with pytest.raises(ValueError, match="train holds 5, heldout 4 pictures; allowed: equally many"):
        nearer_to_train(x, x, x[:4])
    with pytest.raises(ValueError, match=r"train has shape \(5, 1, 4, 4\); allowed: \(any number, 1, 2, 2\)"):
        nearer_to_train(torch.zeros(5, 1, 2, 2), x, x)


# --- patches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [1, 2, 4, 8, 16])
def test_gradients_of_real_digits_are_one(patch: int) -> None:
    real = data.digits(16, "held-out")[0]
    found = patch_gradients(real, patch)
    assert found == metrics.PatchGradients(None if patch == 16 else 1.0, None if patch == 1 else 1.0)
    others = patch_gradients(data.digits(16, "train")[0], patch)
    for value in (others.border, others.inside):
        assert value is None or value == pytest.approx(1.0, abs=0.03)


def test_gradients_by_hand() -> None:
    #  0 0 | 1 1      inside: eight pairs across, of 0; and eight down, of 0
    #  0 0 | 1 1      border: across 1 in four places, down 0 in two and 0.5 in two
    #  -----------
    #  0 0 | .5 .5
    #  0 0 | .5 .5
    sample = torch.zeros(1, 1, 4, 4)
    sample[..., :2, 2:] = 1.0
    sample[..., 2:, 2:] = 0.5
    real = torch.tensor([[0.0, 0.1, 0.2, 0.3]]).expand(4, 4)[None, None]
    # real: inside 0.1 across in eight places, 0 down in eight; border 0.1 across in four, 0 down in four
    found = patch_gradients(sample, 2, real)
    assert found.inside == 0.0
    assert found.border == pytest.approx(((1 + 1 + 0.5 + 0.5 + 0 + 0 + 0.5 + 0.5) / 8) / (0.1 * 4 / 8), rel=1e-6)
    whole = patch_gradients(real * 2, 4, real)
    assert (whole.border, whole.inside) == (None, pytest.approx(2.0, rel=1e-6))
    alone = patch_gradients(real * 3, 1, real)
    assert (alone.border, alone.inside) == (pytest.approx(3.0, rel=1e-6), None)


def test_torn_pictures_have_high_gradients_at_the_borders() -> None:
    real = data.digits(16, "held-out")[0]
    mixed = real.view(1000, 1, 4, 4, 4, 4).clone()  # (…, row of patches, y, column of patches, x)
    for y in range(4):
        for x in range(4):
            mixed[:, :, y, :, x] = mixed[torch.randperm(1000, generator=seeded(y, x)), :, y, :, x]
    found = patch_gradients(mixed.reshape(real.shape), 4)
    assert found.inside == pytest.approx(1.0, abs=1e-6)  # the patches themselves are real
    assert found.border > 1.3


def test_patches_that_do_not_fit_are_refused() -> None:
    real = data.digits(16, "held-out")[0][:5]
    with pytest.raises(
        ValueError, match="patch is 5, which does not divide 16 x 16 pixels; allowed: 1, 2, 4, 8, 16; the nearest"
    ):
        patch_gradients(real, 5)
    with pytest.raises(ValueError, match="patch is 0"):
        patch_gradients(real, 0)


# --- the classifiers -------------------------------------------------------------------------------


def test_features_are_those_of_the_shipped_classifier() -> None:
    images = data.digits(16, "validation")[0]
    found = metrics.features(images)
    model = zoo.load_classifier("digits-features")
    assert found.shape == (400, 64)
    with torch.no_grad():
        assert torch.allclose(found, model.embed(images), atol=1e-5)
    assert torch.allclose(metrics.features(images[7:9]), found[7:9], atol=1e-5)


def test_both_classifiers_know_digits_that_they_never_saw() -> None:
    for name in ("digits-features", "digits-judge"):
        found = metrics.classifier_accuracy(zoo.load_classifier(name))
        assert found.keys() == {"validation", "held-out"}
        assert all(share > 0.97 for share in found.values()), (name, found)
        assert all(share < 1 for share in found.values())


def test_accuracy_is_the_share_of_right_labels() -> None:
    images, labels = data.digits(16, "held-out")
    seen = metrics.judged_labels(images)
    assert metrics.accuracy(images, labels) == float((seen == labels).double().mean()) > 0.97
    wrong = labels.clone()
    wrong[:250] = (seen[:250] + 1) % 10
    wrong[250:] = seen[250:]
    assert metrics.accuracy(images, wrong) == 0.75


def test_accuracy_refuses() -> None:
    images, labels = data.digits(16, "validation")
    for kind, given, message in (
        (ValueError, (images, labels[:5]), "labels holds 5; allowed: one an image, 400"),
        (ValueError, (images, labels + 1), "labels holds 10; allowed: whole numbers from 0 to 9"),
        (TypeError, (images, labels.float()), "labels has dtype torch.float32; allowed: whole numbers"),
        (TypeError, (images, labels.tolist()), "labels is a list; allowed: a torch.Tensor of whole numbers"),
        (ValueError, (data.digits(8, "validation")[0], labels), "images has shape (400, 1, 8, 8); allowed"),
    ):
        with pytest.raises(kind, match=re.escape(message)):
            metrics.accuracy(*given)


# --- other pictures than digits --------------------------------------------------------------------


def test_what_they_should_look_like_is_a_known_set() -> None:
    images, labels = data.digits(16, "held-out")
    for call in (
        lambda of: metrics.features(images, of),
        lambda of: metrics.judged_labels(images, of),
        lambda of: metrics.accuracy(images, labels, of),
        lambda of: evaluate(images, labels, of=of),
    ):
        with pytest.raises(ValueError, match="of is 'fashon'; allowed: 'digits', 'fashion'; did you mean 'fashion'"):
            call("fashon")


def test_as_many_of_each_class_as_the_digits_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each, in the set's own order; of the digits that is all of them, as they are."""
    for split in data.SPLITS:
        for own, real in zip(data.digits(16, split), metrics._real(split, "digits"), strict=True):
            assert torch.equal(own, real)
    labels = torch.randint(10, (900,), generator=seeded(0))
    images = torch.arange(900.0).view(900, 1, 1, 1)
    monkeypatch.setitem(data.SOURCES, "numbers", lambda size, split: (images, labels))
    chosen, their = metrics._real("validation", "numbers")
    assert their.bincount().tolist() == [40] * 10
    assert bool((chosen.flatten().diff() > 0).all())
    assert torch.equal(labels[chosen.flatten().long()], their)
    last = max(int((labels == kind).nonzero()[39]) for kind in range(10))
    assert chosen.max() == last


# --- all of them -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_scores() -> metrics.Scores:
    """500 training digits."""
    return evaluate(*training_sample(COUNT, seed=1))


def test_real_pictures_score_like_the_floor(real_scores: metrics.Scores) -> None:
    assert real_scores.count == COUNT
    for found, floor in (
        (real_scores.frechet, real_scores.floor),
        (real_scores.kernel, real_scores.kernel_floor),
        (real_scores.coverage, real_scores.coverage_ceiling),
    ):
        assert floor.spread > 0
        assert abs(found - floor.mean) < 3 * floor.spread
    assert abs(real_scores.kernel_floor.mean) < real_scores.floor.mean / 10
    assert 0.8 < real_scores.density < 1.2
    assert 0.7 < real_scores.coverage_ceiling.mean < 1
    assert real_scores.accuracy > 0.97


def test_floor_is_deterministic(real_scores: metrics.Scores) -> None:
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(metrics._floor.__wrapped__(COUNT, "held-out", True, draws=2))
    assert found[0] == found[1]
    assert evaluate(*training_sample(COUNT, seed=1)) == real_scores


def test_floor_is_the_mean_and_spread_of_twenty_draws(real_scores: metrics.Scores) -> None:
    """Drawn here once more: 20 draws, equally many of each class, without replacement, against held-out."""
    images, labels = data.digits(16, "train")
    real, train = metrics.features(data.digits(16, "held-out")[0]), metrics.features(images)
    found = []
    for draw in range(20):
        rows = metrics._draw_rows(labels, COUNT, True, seeded(draw, COUNT))
        assert len(set(rows.tolist())) == COUNT
        assert labels[rows].bincount().tolist() == [COUNT // 10] * 10
        found.append(frechet(real, train[rows]))
    assert real_scores.floor.mean == pytest.approx(np.mean(found), rel=1e-9)
    assert real_scores.floor.spread == pytest.approx(np.std(found, ddof=1), rel=1e-9)


def test_random_classes_have_a_floor_of_their_own(real_scores: metrics.Scores) -> None:
    labels = data.digits(16, "train")[1]
    rows = metrics._draw_rows(labels, COUNT, False, seeded(0))
    assert len(set(rows.tolist())) == COUNT
    assert labels[rows].bincount().tolist() != [COUNT // 10] * 10
    floor = evaluate(*training_sample(COUNT, seed=1), balanced=False).floor
    assert floor != real_scores.floor
    assert floor.mean > real_scores.floor.mean


def test_rows_of_a_count_that_ten_does_not_divide() -> None:
    labels = data.digits(16, "train")[1]
    counts = labels[metrics._draw_rows(labels, 507, True, seeded(0))].bincount()
    assert sorted(counts.tolist()) == [50] * 3 + [51] * 7
    assert metrics._draw_rows(labels, 3600, True, seeded(0)).unique().numel() == 3600


def test_blurry_means_score_far_above_the_floor(real_scores: metrics.Scores) -> None:
    images, labels = data.digits(16, "train")
    means = torch.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
    asked = torch.arange(COUNT) % 10
    scores = evaluate(means[asked], asked)
    assert scores.frechet > 20 * real_scores.floor.mean
    assert scores.kernel > 20 * real_scores.kernel_floor.spread
    assert scores.coverage < 0.1
    assert scores.accuracy > 0.8  # a mean is easily read, and that's why accuracy alone says little


def test_blur_and_noise_cost(real_scores: metrics.Scores) -> None:
    images, asked = training_sample(COUNT, seed=1)
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(images, (1, 1, 1, 1), value=-1.0), 3, stride=1)
    for worse, factor in (
        (blurred, 5),
        ((images + 0.5 * torch.randn(images.shape, generator=seeded(3))).clamp(-1, 1), 5),
    ):
        scores = evaluate(worse, asked)
        assert scores.frechet > factor * real_scores.floor.mean
        assert scores.coverage < real_scores.coverage_ceiling.mean
    noise = evaluate(torch.rand(images.shape, generator=seeded(4)) * 2 - 1, asked)
    assert noise.frechet > 50 * real_scores.floor.mean
    assert noise.accuracy < 0.3


def test_a_missing_class_costs_coverage(real_scores: metrics.Scores) -> None:
    images, labels = data.digits(16, "train")
    half = torch.cat([images[labels == digit][:100] for digit in range(5)])
    scores = evaluate(half)
    assert scores.accuracy is None
    assert scores.coverage < 0.6 * real_scores.coverage_ceiling.mean
    assert scores.frechet > 5 * real_scores.floor.mean


def test_copies_of_training_pictures_are_found_out() -> None:
    images, labels = data.digits(16, "train")
    scores = evaluate(images[:COUNT], labels[:COUNT])
    assert scores.nearer_to_train == 1.0
    assert scores.accuracy > 0.97
    held = evaluate(data.digits(16, "held-out")[0][:COUNT])
    assert held.nearer_to_train == 0.0


def test_scores_on_validation_and_as_plain_numbers(real_scores: metrics.Scores) -> None:
    scores = evaluate(*training_sample(COUNT, seed=1), split="validation")
    assert scores.floor != real_scores.floor
    assert abs(scores.frechet - scores.floor.mean) < 4 * scores.floor.spread
    assert math.isnan(scores.kernel)  # 400 pictures are too few for it

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for each in (scores, real_scores):
        plain = json.loads(json.dumps(each.rounded()), parse_constant=refuse)
        assert plain["count"] == COUNT
        assert plain["frechet"] == round(each.frechet, 4)
        assert plain["floor"] == {"mean": round(each.floor.mean, 4), "spread": round(each.floor.spread, 4)}
    assert scores.rounded()["kernel"] is None
    assert real_scores.rounded(1)["kernel"] == round(real_scores.kernel, 1)


def test_evaluate_refuses() -> None:
    good = torch.zeros(500, 1, 16, 16)
    broken = good.clone()
    broken[499, 0, 15, 15] = math.nan
    for kind, given, message in (
        (ValueError, {"samples": good[:499]}, "samples holds 499 examples; allowed: 500 or more"),
        (ValueError, {"samples": torch.zeros(3601, 1, 16, 16)}, "samples holds 3601 pictures; allowed: 500 to 3600"),
        (
            ValueError,
            {"samples": torch.zeros(500, 1, 28, 28)},
            "samples has shape (500, 1, 28, 28); allowed: (any number",
        ),
        (
            ValueError,
            {"samples": torch.zeros(500, 256)},
            "samples has shape (500, 256); allowed: (any number, 1, 16, 16)",
        ),
        (ValueError, {"samples": broken}, "samples holds NaN or infinite values"),
        (ValueError, {"samples": good + 1.5}, "samples has values from 1.5 to 1.5; allowed: [-1, 1]"),
        (TypeError, {"samples": good.long()}, "samples has dtype torch.int64"),
        (ValueError, {"samples": good, "split": "train"}, "split is 'train'; allowed: 'held-out', 'validation'"),
        (ValueError, {"samples": good, "labels": torch.zeros(3).long()}, "labels holds 3; allowed: one an image, 500"),
    ):
        with pytest.raises(kind, match=re.escape(message)):
            evaluate(**given)


def test_spread() -> None:
    assert Spread.of([1.0, 2.0, 4.0, 9.0]) == Spread(4.0, pytest.approx(np.std([1, 2, 4, 9], ddof=1)))
    assert str(Spread(7.04, 0.25)) == "7.0 ± 0.2"


# --- likelihood ------------------------------------------------------------------------------------


def test_bits_of_an_ideal_generator_are_the_entropy() -> None:
    """Four of eight binary pictures, each equally likely: 2 bits over 3 pixels, however it is written."""
    pictures = torch.tensor([[-1.0, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    for plan in (plans.raster(), plans.random_order()):
        ideal = IdealGenerator(pictures, heads.Categorical(2), plan)
        assert metrics.bits_per_dimension(ideal, pictures).tolist() == pytest.approx([2 / 3] * 4, abs=1e-4)
    ideal = IdealGenerator(pictures, heads.Categorical(2), plans.one_shot())
    assert metrics.bits_per_dimension(ideal, pictures).tolist() == pytest.approx([1.0] * 4, abs=1e-4)


def test_bits_of_an_untrained_model_are_those_of_chance() -> None:
    images = data.digits(8, "validation")[0][:3]
    for net, plan in (
        (nets.UNet(size=8, widths=(8,)), plans.raster(4)),
        (nets.UNet(size=8, widths=(8,)), plans.random_order()),
        (nets.CausalConv(size=8, width=8, layers=2), plans.raster(1)),
    ):
        model = Generator(net, heads.Categorical(4), plan)
        steps = 4 if plan == plans.random_order() else None
        assert metrics.bits_per_dimension(model, images, steps=steps).tolist() == pytest.approx([2.0] * 3, abs=1e-5)


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
    found = metrics.bits_per_dimension(model, images)
    assert found.tolist() == pytest.approx((bits / 64).tolist(), rel=1e-4)
    assert (found - 2).abs().min() > 0.05  # not what an untrained model says anyway


def test_bits_refuses_noise_and_numbers() -> None:
    images = data.digits(8, "validation")[0][:2]
    for head, plan in ((heads.Categorical(4), plans.diffusion()), (heads.Regression("x0"), plans.raster(4))):
        model = Generator(nets.UNet(size=8, widths=(8,)), head, plan)
        with pytest.raises(ValueError, match=r"allowed: Categorical with one_shot\(\), raster\(\) or random_order\(\)"):
            metrics.bits_per_dimension(model, images)


def test_the_package_file_is_where_the_classifiers_come_from() -> None:
    assert Path(zoo.__file__).parent / "weights" == zoo.SHIPPED

"""Distances between sets of pictures, each against an independent formula."""

from __future__ import annotations

import numpy as np
import prdc
import pytest
import scipy.linalg
import torch
from torch import Tensor

from minigen import data
from minigen.base.randomness import seeded
from minigen.metrics import density_coverage, frechet, kernel_distance, nearer_to_train


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

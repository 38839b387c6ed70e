"""Points for curves: what they are drawn from."""

from __future__ import annotations

import re

import pytest
import torch

from minigen import data


def test_curve_is_a_sorted_noisy_sine() -> None:
    x, y = data.curve(count=2000, noise=0.1, seed=3)
    assert x.shape == y.shape == (2000, 1)
    assert bool((x.diff(dim=0) >= 0).all())
    assert -3 <= x.min() < -2.9
    assert 2.9 < x.max() <= 3
    rest = y - torch.sin(1.5 * x)
    assert abs(rest.mean().item()) < 0.01
    assert rest.std().item() == pytest.approx(0.1, rel=0.06)
    exact_x, exact_y = data.curve(count=50, noise=0.0)
    assert torch.equal(exact_y, torch.sin(1.5 * exact_x))


def test_branches_has_two_right_answers() -> None:
    x, y = data.branches(count=20_000, noise=0.0, seed=1)
    assert x.shape == y.shape == (20_000, 1)
    assert -1 <= x.min() < -0.99
    assert 0.99 < x.max() <= 1
    assert torch.allclose(y.abs(), (1 + x) / 2, atol=1e-7)
    assert (y > 0).float().mean().item() == pytest.approx(0.5, abs=0.015)
    right = x[:, 0] > 0.5  # the side does not depend on x
    assert (y[right] > 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    noisy_x, noisy_y = data.branches(count=20_000, noise=0.05, seed=1)
    assert torch.equal(noisy_x, x)
    assert (noisy_y - y).std().item() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("points", [data.curve, data.branches])
def test_points_come_by_seed(points: object) -> None:
    same, again, other = points(seed=4), points(seed=4), points(seed=5)
    assert all(torch.equal(a, b) for a, b in zip(same, again, strict=True))
    assert not torch.equal(same[0], other[0])
    for given, message in (
        ({"count": 0}, "count is 0; allowed: whole numbers from 1"),
        ({"noise": -0.1}, "noise is -0.1; allowed: finite numbers in [0, inf)"),
        ({"noise": float("nan")}, "noise is nan; allowed"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            points(**given)

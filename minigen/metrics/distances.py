"""Distances between two sets of features or pictures.

Fréchet distance (FID's formula) and kernel distance (KID) come from torchmetrics.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.errors import check_images, check_tensor, check_whole

LEAST = 500
"""``evaluate`` takes no fewer samples: with 64 features the covariance would be mostly chance."""


def _metric(kind: Any, real: Tensor, fake: Tensor, **settings: Any) -> Any:
    """A torchmetrics distance between two sets of features (which the metric takes as they are)."""
    identity = nn.Identity()
    identity.num_features = real.shape[1]  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Metric .* will save all extracted features")
        metric = kind(feature=identity, **settings).set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return metric.compute()


def _check_features(real: Tensor, fake: Tensor, least: int = 2) -> None:
    """Raise unless both are features, (N, D) and (M, D), of at least so many pictures, and finite."""
    for argument, given in (("real", real), ("fake", fake)):
        if check_tensor(argument, given).dim() != 2 or given.shape[1] != real.shape[1]:
            columns = "number of features" if argument == "real" else str(real.shape[1])
            raise ValueError(f"{argument} has shape {tuple(given.shape)}; allowed: (pictures, {columns})")
        if len(given) < least:
            raise ValueError(f"{argument} holds {len(given)} rows; allowed: {least} or more")
        if not bool(given.isfinite().all()):
            raise ValueError(f"{argument} holds NaN or infinite values; allowed: finite ones")


def frechet(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance between two sets of features, (N, D) and (M, D).

    Both are taken for Gaussians: ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Heusel et al. 2017).
    It is too high for small N, which is why the floor is measured at the same N (chapter 5).

    >>> x = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    >>> round(frechet(x, x + torch.tensor([3.0, 0, 0, 0])), 3)         # moved by 3: the distance is 9
    9.0
    """
    _check_features(real, fake)
    from torchmetrics.image.fid import FrechetInceptionDistance

    return float(_metric(FrechetInceptionDistance, real, fake))


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """The kernel distance between two sets of features: the squared MMD of a cubic kernel (Bińkowski et al. 2018).

    The kernel is ``(x . y / c + 1)^3`` with c the mean squared length of the real features (KID's c is
    their number, which suits Inception's features only). For independent samples it is right on
    average at any N: equal distributions give 0, or a little below as often as above. Sets that hold
    each class equally often lie a little below. The mean of 20 subsets of 500.
    """
    _check_features(real, fake, least=LEAST)
    from torchmetrics.image.kid import KernelInceptionDistance

    gamma = 1 / float((real.double() ** 2).sum(dim=1).mean())
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the subsets
        return float(_metric(KernelInceptionDistance, real, fake, subsets=20, subset_size=LEAST, gamma=gamma)[0])


def density_coverage(real: Tensor, fake: Tensor, nearest: int = 5) -> tuple[float, float]:
    """Density and coverage of Naeem et al. 2020, on features.

    Around each real sample lies a ball that reaches to its ``nearest``-th real neighbour. Coverage is
    the share of balls with a fake sample in them; density counts balls per fake sample, over
    ``nearest`` (it can pass 1).

    >>> x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    >>> density_coverage(x, x + 100)
    (0.0, 0.0)
    """
    _check_features(real, fake, least=1)
    check_whole("nearest", nearest, 1, len(real) - 1)
    radius = torch.cdist(real.double(), real.double()).kthvalue(nearest + 1, dim=1).values  # itself is the first
    inside = torch.cdist(real.double(), fake.double()) < radius[:, None]
    return float(inside.double().sum() / (nearest * len(fake))), float(inside.any(dim=1).double().mean())


def nearer_to_train(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    """The share of samples whose nearest picture is a training one, not a held-out one.

    The two sets must be equally large; then a generator that copies nothing gives about one half, and
    one that copies pictures of ``train`` gives 1. Nearest by pixels (Euclidean); a tie counts half.
    (``evaluate`` compares with as many training digits as are held out, 1,000 of 3,600: copies of any give about 0.64.)
    """
    check_images("samples", samples)
    for argument, images in (("train", train), ("heldout", heldout)):
        check_images(argument, images, tuple(samples.shape[1:]))
    if len(train) != len(heldout):
        raise ValueError(f"train holds {len(train)}, heldout {len(heldout)} pictures; allowed: equally many")
    to_train, to_heldout = (_nearest_distance(samples, images) for images in (train, heldout))
    return float(((to_train < to_heldout).double() + 0.5 * (to_train == to_heldout)).mean())


def _nearest_distance(samples: Tensor, images: Tensor) -> Tensor:
    # not by matrix products, whose rounding would hide exact copies
    flat = images.flatten(1).float()
    mode = "donot_use_mm_for_euclid_dist"
    parts = samples.flatten(1).float().cpu().split(500)
    return torch.cat([torch.cdist(part, flat, compute_mode=mode).amin(dim=1) for part in parts])

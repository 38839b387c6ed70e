"""Flat data in many dimensions: which target can a small net learn: x0, the noise, v, or the less noisy point?

A spiral lies in a plane, and the plane lies in D dimensions (a random orthonormal D x 2 matrix). One small network
(``mg.nets.MLP``, width 256, 5 linear layers counting the last) learns to bring it back from noise by predicting x0,
eps, v or x_u, the point one sixteenth less noisy. Everything else is equal: points, noise, first weights, updates,
schedule. Each target is fitted by least squares in itself. The experiment is that of section 3.3 of Li and He, "Back to
Basics" (arXiv 2511.13720); they fit all targets by the loss in v, and their net has ReLU where ours has SiLU.

Measured on samples of 32 steps, eta 0, nothing clipped: how far they lie off the plane (root mean square); within it,
how far they lie from the curve (mean distance to its nearest point) and how far all of them together are from points
of the spiral (sliced Wasserstein-1 over 64 directions). Beside them the floor (fresh points of the spiral) and plain
noise. Writes ``minigen/course/results/flat.json``.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time

import torch
from common import Row
from torch import Tensor

import minigen as mg
from minigen.base.randomness import seeded
from minigen.course.measurements import Results, arguments

DIMENSIONS = (2, 8, 16, 32, 128, 512)
TARGETS = mg.recipes.TARGETS
SHOWN = 300


def winding(along: Tensor) -> Tensor:
    """The spiral's points at these parts of its radius, from 0 to 1: (count, 2)."""
    return 2 * along[:, None] * torch.stack([(3 * math.pi * along).cos(), (3 * math.pi * along).sin()], dim=1)


def spiral(count: int, random: torch.Generator) -> Tensor:
    """Points on a spiral of one and a half turns, evenly along it, with a mean square of 1 a coordinate: (count, 2).

    >>> spiral(3, seeded(0)).shape
    torch.Size([3, 2])
    """
    return winding(torch.rand(count, generator=random, device=random.device).sqrt())


def plane(dimensions: int, seed: int) -> Tensor:
    """An orthonormal basis of a random plane: (dimensions, 2). In two dimensions the plane is all there is."""
    return torch.linalg.qr(torch.randn(dimensions, 2, generator=seeded(seed, dimensions)))[0]


def sliced(a: Tensor, b: Tensor, directions: int = 64) -> float:
    """Sliced Wasserstein-1 distance of two equally large sets of points in the plane."""
    angle = torch.arange(directions) * (math.pi / directions)
    lines = torch.stack([angle.cos(), angle.sin()])
    return float(((a @ lines).sort(dim=0).values - (b @ lines).sort(dim=0).values).abs().mean())


def inside_plane(points: Tensor, seed: int) -> dict[str, float]:
    """What is measured within the plane, of (count, 2) points."""
    curve = winding(torch.linspace(0, 1, 4000).sqrt())
    return {
        "off_curve": round(float(torch.cdist(points, curve).amin(dim=1).mean()), 4),
        "distance": round(sliced(points, spiral(len(points), seeded(1_000 + seed))), 4),
    }


def fit(key: Row, given: argparse.Namespace) -> Row:
    """Train one network and measure its samples; those of the first seed are kept to be shown."""
    dimensions, seed = key["dimensions"], key["seed"]
    head, plan = TARGETS[key["target"]]
    basis = plane(dimensions, seed)
    torch.manual_seed(seed)
    model = mg.Generator(mg.nets.MLP(dimensions, width=given.width, depth=4), head, plan)
    begin = time.perf_counter()
    history = mg.train(
        model, lambda count, random: (spiral(count, random) @ basis.T,), iterations=given.iterations,
        batch_size=given.batch, learning_rate=given.learning_rate, seed=seed, device="cpu", precision="float32",
        progress=False,
    )  # fmt: skip
    drawn = mg.sample(model, given.count, steps=given.steps, eta=0.0, clip=False, seed=seed)
    inside = drawn @ basis
    outside = drawn - inside @ basis.T
    found = {
        "parameters": sum(value.numel() for value in model.parameters()),
        "seconds": round(time.perf_counter() - begin, 1),
        "loss": round(sum(history.loss[-100:]) / len(history.loss[-100:]), 5),
        "off_plane": round(float(outside.square().sum(dim=1).mean().sqrt()), 4),
        **inside_plane(inside, seed),
    }
    shown = listed(x=inside[:, 0], y=inside[:, 1], off=outside.norm(dim=1)) if seed == given.seeds[0] else {}
    return {**found, **shown}


def listed(**columns: Tensor) -> Row:
    """The first values of each column, for a figure."""
    return {name: [round(value, 2) for value in values[:SHOWN].tolist()] for name, values in columns.items()}


def bounds(count: int) -> Row:
    """What is measured of so many fresh points of the spiral, of noise; and points of the spiral themselves."""
    floor = torch.tensor([inside_plane(spiral(count, seeded(n)), n)["distance"] for n in range(20)])
    shown = spiral(SHOWN, seeded(7))
    return {
        "floor": {"mean": round(float(floor.mean()), 4), "spread": round(float(floor.std()), 4), "draws": len(floor)},
        "noise": inside_plane(torch.randn(count, 2, generator=seeded(7)), 0),
        "data": listed(x=shown[:, 0], y=shown[:, 1]),
    }


def main() -> None:
    options = arguments(
        __doc__, "flat", dimensions=(list(DIMENSIONS), "of the space that the plane lies in"),
        seeds=([0], "of first weights, plane and samples"), iterations=(1500, "updates of each network"),
        batch=(256, "points an update"), learning_rate=(2e-3, "at its largest"), width=(256, "of the network"),
        steps=(32, "of the walk down"), count=(1000, "samples that are measured"),
    )  # fmt: skip
    options.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    given = options.parse_args()
    if given.smoke:
        given.dimensions, given.seeds, given.iterations, given.count = [2, 16], [0], 30, 500
    shared = ("iterations", "batch", "learning_rate", "width", "steps", "count", "smoke")
    settings = {name: getattr(given, name) for name in shared}
    found = Results(given.out, settings, {"rows": ()}, facts=bounds(given.count))
    for seed, dimensions, target in itertools.product(given.seeds, given.dimensions, given.targets):
        key = {"dimensions": dimensions, "target": target, "seed": seed}
        found.measure("rows", key, lambda key: fit(key, given))
    found.close()


if __name__ == "__main__":
    main()

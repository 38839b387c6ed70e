"""Flat data in many dimensions: which target can a small net learn: x0, the noise, v, or the less noisy point?

A spiral lies in a plane, and the plane lies in D dimensions (a random orthonormal D x 2 matrix). One small network
(``mg.nets.MLP``, width 256, 5 linear layers counting the last) learns to bring it back from noise by predicting x0,
eps, v or x_u, the point one sixteenth less noisy. Everything else is equal: points, noise, first weights, updates,
schedule. Each target is fitted by least squares in itself. The experiment is that of section 3.3 of Li and He, "Back to
Basics" (arXiv 2511.13720); they fit all targets by the loss in v, and their net has ReLU where ours has SiLU.

Measured on samples of 32 steps, eta 0, nothing clipped: how far they lie off the plane (root mean square); within it,
how far they lie from the curve (mean distance to its nearest point) and how far all of them together are from points
of the spiral (sliced Wasserstein-1 over 64 directions). Beside them the floor (fresh points of the spiral) and plain
noise. Writes ``minigen/course/results/flat.json``, after every network; run again with the same settings it goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shlex
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import minigen as mg
from minigen.base import store
from minigen.base.randomness import seeded

OUT = mg.zoo.RESULTS / "flat.json"
DIMENSIONS = (2, 8, 16, 32, 128, 512)
TARGETS = mg.recipes.TARGETS
SHOWN = 300


def spiral(count: int, random: torch.Generator) -> Tensor:
    """Points on a spiral of one and a half turns, evenly along it, with a mean square of 1 a coordinate: (count, 2).

    >>> spiral(3, seeded(0)).shape
    torch.Size([3, 2])
    """
    along = torch.rand(count, generator=random, device=random.device).sqrt()
    return 2 * along[:, None] * torch.stack([(3 * math.pi * along).cos(), (3 * math.pi * along).sin()], dim=1)


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
    along = torch.linspace(0, 1, 4000).sqrt()
    curve = 2 * along[:, None] * torch.stack([(3 * math.pi * along).cos(), (3 * math.pi * along).sin()], dim=1)
    return {
        "off_curve": round(float(torch.cdist(points, curve).amin(dim=1).mean()), 4),
        "distance": round(sliced(points, spiral(len(points), seeded(1_000 + seed))), 4),
    }


def fit(dimensions: int, target: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one network and measure its samples."""
    head, plan = TARGETS[target]
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
    off = (drawn - inside @ basis.T).square().sum(dim=1).mean().sqrt()
    found = {
        "dimensions": dimensions,
        "target": target,
        "seed": seed,
        "parameters": sum(value.numel() for value in model.parameters()),
        "seconds": round(time.perf_counter() - begin, 1),
        "loss": round(sum(history.loss[-100:]) / len(history.loss[-100:]), 5),
        "off_plane": round(float(off), 4),
        **inside_plane(inside, seed),
    }
    print(found, flush=True)
    if seed == given.seeds[0]:
        off_each = (drawn - inside @ basis.T).norm(dim=1)
        for name, values in (("x", inside[:, 0]), ("y", inside[:, 1]), ("off", off_each)):
            found[name] = [round(value, 2) for value in values[:SHOWN].tolist()]
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dimensions", type=int, nargs="+", default=list(DIMENSIONS))
    options.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--iterations", type=int, default=1500)
    options.add_argument("--batch", type=int, default=256)
    options.add_argument("--learning-rate", type=float, default=2e-3)
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--steps", type=int, default=32)
    options.add_argument("--count", type=int, default=1000, help="samples that are measured")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="seconds only, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.dimensions, given.seeds, given.iterations, given.count = [2, 16], [0], 30, 500

    settings = {
        name: getattr(given, name)
        for name in ("iterations", "batch", "learning_rate", "width", "steps", "count", "smoke")
    }
    rows: list[dict[str, Any]] = []
    if given.out.is_file():
        before = json.loads(given.out.read_text())
        rows = before["rows"] if before["settings"] == settings else []
    floor = torch.tensor([inside_plane(spiral(given.count, seeded(n)), n)["distance"] for n in range(20)])
    shown = spiral(SHOWN, seeded(7))
    content = {
        "command": shlex.join(["python", "benchmarks/flat.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seed": given.seeds[0],
        "settings": settings,
        "floor": {"mean": round(float(floor.mean()), 4), "spread": round(float(floor.std()), 4), "draws": len(floor)},
        "noise": inside_plane(torch.randn(given.count, 2, generator=seeded(7)), 0),
        "data": {name: [round(value, 2) for value in shown[:, k].tolist()] for k, name in enumerate("xy")},
        "rows": rows,
    }
    for seed in given.seeds:  # what is there already is not made again
        for dimensions in given.dimensions:
            for target in given.targets:
                if any((row["dimensions"], row["target"], row["seed"]) == (dimensions, target, seed) for row in rows):
                    continue
                rows.append(fit(dimensions, target, seed, given))
                save(given.out, content)
    rows.sort(key=lambda row: (row["seed"], row["dimensions"], list(TARGETS).index(row["target"])))
    save(given.out, content)
    print(given.out.name)


def save(path: Path, content: dict[str, Any]) -> None:
    """Write the JSON with each list of numbers on one line: a quarter of the size."""
    text = re.sub(r"\[[-\d.e+,\s]+\]", lambda found: " ".join(found[0].split()), json.dumps(content, indent=2))
    store.write_atomically(path, (text + "\n").encode())


if __name__ == "__main__":
    main()

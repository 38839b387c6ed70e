"""How much of what the machine can compute does training use, and drawing?

The peak is that of one large matrix product, in the same precision and with the same threads, the best of some
rounds. Beside it stand the updates of ``digits-diffusion`` and ``scenes`` and drawing with them, in floating-point
operations a second: counted by torch (convolutions and matrix products; what is pointwise counts nothing), divided by
the median seconds. Below it, a profile: where the time of an update goes, by kind of operation; and how near to the
peak convolutions and matrix products come by themselves: what is pointwise, or moves numbers, takes time and counts
nothing, so no update is nearer than they are.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

import minigen as mg
from minigen.base.randomness import seeded
from minigen.training import pick_device, pick_precision
from minigen.zoo.teaching import endless_scenes

SIDE = 2048
"""Of the square matrices whose product is the peak."""

UPDATES = 5
"""In a row, as ``mg.train`` makes them."""

COUNTED = ("convolution", "matrix product")
"""The kinds whose operations count."""

KINDS = {
    "convolution": ("conv", "mkldnn", "cudnn"),
    "matrix product": ("mm", "linear", "attention"),
    "norm": ("norm",),
    "memory": ("copy", "cat", "pool", "upsample", "contiguous", "clone", "to_"),
    "optimizer": ("adam", "foreach", "lerp"),
}
"""What the names of torch's operations are sorted by; the rest is pointwise."""


def seconds_of(work: Callable[[], object], rounds: int, device: torch.device) -> list[float]:
    """How long each of some rounds takes, after one that warms up."""
    taken = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - begin)
    return taken[1:]


def flops_of(work: Callable[[], object]) -> int:
    """Floating-point operations of convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def peak(kind: torch.dtype, rounds: int, device: torch.device) -> float:
    """Operations a second of a matrix product: the best round's."""
    a, b = (torch.randn(SIDE, SIDE, generator=seeded(i)).to(device, kind) for i in range(2))
    return 2 * SIDE**3 / min(seconds_of(lambda: a @ b, rounds, device))


def lessons(made_by: mg.recipes.Recipe, model: mg.Generator) -> tuple[Any, ...]:
    """What a recipe trains on, as ``mg.train`` takes it."""
    return endless_scenes(model)[0] if made_by.source == "scenes" else mg.data.digits(size=16)


def shares(work: Callable[[], object]) -> dict[str, float]:
    """The share of each kind of operation in the time of ``work``."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        work()
    sums: dict[str, float] = defaultdict(float)
    for event in found.key_averages():
        name = event.key.lower()
        kind = next(
            (kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "pointwise and rest"
        )
        sums[kind] += event.self_cpu_time_total
    whole = sum(sums.values())
    return {kind: part / whole for kind, part in sorted(sums.items(), key=lambda item: -item[1])}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="auto")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--precision", default="auto")
    given = options.parse_args()
    device = pick_device(given.device)
    kind = pick_precision(given.precision, device)
    best = peak(getattr(torch, kind), given.rounds, device)
    drawing_best = peak(torch.float32, given.rounds, device)
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"peak: {best / 1e9:,.0f} GFLOP/s in {kind}, {drawing_best / 1e9:,.0f} in float32")
    for name in ("digits-diffusion", "scenes"):
        made_by = mg.recipes.recipe(name)
        model = made_by.build().to(device)
        assert isinstance(model, mg.Generator)
        data = lessons(made_by, model)
        settings = {**made_by.training, "device": str(device), "precision": kind, "progress": False}
        update = partial(mg.train, model, *data, **{**settings, "iterations": 1})
        updates = partial(mg.train, model, *data, **{**settings, "iterations": UPDATES})
        update_rate = UPDATES * flops_of(update) / statistics.median(seconds_of(updates, given.rounds, device))
        print(f"{name:18} an update: {update_rate / 1e9:7,.0f} GFLOP/s, {update_rate / best:4.0%} of the peak")

        draw = partial(mg.sample, model, 64, steps=4, eta=0.0)
        rate = flops_of(draw) / statistics.median(seconds_of(draw, given.rounds, device))
        print(f"{'':18} drawing:   {rate / 1e9:7,.0f} GFLOP/s, {rate / drawing_best:4.0%} of the peak in float32")
        if device.type == "cpu":
            parts = shares(updates)
            print("   an update's time: " + ", ".join(f"{part} {share:.0%}" for part, share in parts.items()))
            alone = update_rate / sum(parts.get(each, 0.0) for each in COUNTED)
            print(f"   what counts, in its own time: {alone / 1e9:,.0f} GFLOP/s, {alone / best:.0%} of the peak")


if __name__ == "__main__":
    main()

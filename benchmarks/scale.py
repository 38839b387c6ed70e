"""What larger pictures and larger folders cost: seconds and memory by the side, and who waits for the data.

``sides``: the network and training of ``digits-minute`` at 8 to 64 pixels a side: seconds and memory of an update, and
of a picture that is drawn in 16 calls. Each is measured in a process of its own, since memory is its peak over what the
process held before. Beside each stands its ratio to the smallest side, and that over the ratio of pixels: 1 is linear,
less is cheaper. The pictures are noise, for costs don't ask what they show.

``real``: pieces of clothing at 28 x 28 pixels, where they are on this machine, or else digits, and scenes at 64 x 64
are trained and drawn by the same calls.

``folder``: a folder of ten thousand icons. How long it is read, the first time and again, and which share of the time
of the training the network waits for its pictures.

Seconds are processor time over threads, which a busy machine stretches little. Two processes on two cores:
``processes.py``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

import minigen as mg
from minigen.training.batches import source_of
from minigen.training.settings import Settings

RECIPE = "digits-minute"
KINDS = 8
"""Of icons, in a folder."""


def seconds_of(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds, after one that warms up: processor time over threads."""
    work()
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append((time.process_time() - begin) / torch.get_num_threads())
    return statistics.median(taken)


def peak() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # what Linux tells by ``getrusage`` begins with the peak of the process that started this one
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1e3  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def generator(side: int, channels: int = 1) -> mg.Generator:
    """That of the recipe, for pictures of this size."""
    recipe: Any = mg.recipes.recipe(RECIPE).make()
    net = mg.nets.UNet(size=side, channels=channels, widths=recipe.net.config()["widths"])
    return mg.Generator(net, recipe.head, recipe.plan, condition=recipe.condition)


def train(model: mg.Generator, images: torch.Tensor, labels: torch.Tensor, given: argparse.Namespace) -> None:
    """Some updates, as the recipe makes them."""
    how = {**mg.recipes.recipe(RECIPE).training, "iterations": given.updates, "batch_size": given.batch}
    mg.train(model, images, labels, **how, progress=False)


def draw(model: mg.Generator, given: argparse.Namespace) -> torch.Tensor:
    """A batch of pictures, as the recipe draws them."""
    return mg.sample(model, given.batch, labels=torch.arange(given.batch) % 10, **mg.recipes.recipe(RECIPE).sampling)


def cost(what: str, side: int, given: argparse.Namespace) -> tuple[float, float]:
    """Seconds and MB of an update, or of a picture; memory is that of a batch."""
    torch.set_num_threads(given.threads)
    model = generator(side)
    images, labels = torch.rand(2 * given.batch, 1, side, side) * 2 - 1, torch.arange(2 * given.batch) % 10
    before = peak()
    if what == "update":
        seconds = seconds_of(lambda: train(model, images, labels, given), given.rounds) / given.updates
    else:
        seconds = seconds_of(lambda: draw(model, given), given.rounds) / given.batch
    return seconds, peak() - before


def alone(what: str, side: int, given: argparse.Namespace) -> tuple[float, float]:
    """The cost, in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as one:
        return one.submit(cost, what, side, given).result()


def ratios(sides: list[int], costs: list[float]) -> list[tuple[float, float]]:
    """Each over that of the first side, and the same over the ratio of pixels.

    >>> ratios([8, 16, 32], [2.0, 8.0, 16.0])
    [(1.0, 1.0), (4.0, 1.0), (8.0, 0.5)]
    """
    pixels = [(side / sides[0]) ** 2 for side in sides]
    return [(each / costs[0], each / costs[0] / more) for each, more in zip(costs, pixels, strict=True)]


def by_side(given: argparse.Namespace) -> None:
    """A table for an update, and one for drawing."""
    for what, batch in (("update", f"an update of {given.batch}"), ("picture", f"a picture, {given.batch} at a time")):
        found = [alone(what, side, given) for side in given.sides]
        print(f"\n{batch}\n\n| side | seconds | over side {given.sides[0]} | a pixel | MB | over | a pixel |")
        print("|--:|" + "--:|" * 6)
        times, memory = (ratios(given.sides, list(column)) for column in zip(*found, strict=True))
        for side, (seconds, held), a, b in zip(given.sides, found, times, memory, strict=True):
            print(
                f"| {side} | {seconds:.4f} | {a[0]:.1f} | {a[1]:.2f} | {held:.0f} | {b[0]:.1f} | {b[1]:.2f} |",
                flush=True,
            )


def real(given: argparse.Namespace) -> None:
    """Clothing at 28 pixels and scenes at 64, by the same calls."""
    try:
        name, (images, labels) = "clothing", mg.data.fashion(28, "train")
    except FileNotFoundError:
        name, (images, labels) = "digits (clothing is not on this machine)", mg.data.digits(28, "train")
    many = mg.scenes.scenes(4 * given.batch, seed=0).images  # of 32 pixels, in colour
    large = torch.nn.functional.interpolate(many, scale_factor=2, mode="nearest")
    for said, pictures, told in ((name, images, labels), ("scenes", large, torch.arange(len(large)) % 10)):
        model = generator(pictures.shape[-1], pictures.shape[1])
        update = seconds_of(lambda m=model, p=pictures, t=told: train(m, p, t, given), given.rounds) / given.updates
        drawn = draw(model, given)
        assert drawn.shape == (given.batch, *pictures.shape[1:])
        print(f"\n{said}, {pictures.shape[-1]} x {pictures.shape[-1]}: {update:.3f} s an update of {given.batch}")


def folder(given: argparse.Namespace) -> None:
    """Reading, and who waits for whom."""
    with tempfile.TemporaryDirectory() as place:
        icons, cache = mg.data.icons(given.pictures // KINDS, Path(place) / "icons"), Path(place) / "cache"
        read = []
        for _ in range(2):
            begin = time.process_time()
            found = mg.data.folder(icons, 32, cache=cache)
            read.append(time.process_time() - begin)
        parts = found.split("train")
    share = waiting(parts, given)
    print(f"\n{given.pictures:,} pictures: read in {read[0]:.1f} s, again in {read[1]:.1f} s of one core")
    print(f"of an update {share:.2%} is waiting for the pictures")


def waiting(parts: tuple[torch.Tensor, ...], given: argparse.Namespace) -> float:
    """The share of an update's time in which its pictures are fetched."""
    images, labels = parts
    model = generator(images.shape[-1], images.shape[1])
    update = seconds_of(lambda: train(model, images, labels, given), given.rounds) / given.updates
    settings = {**mg.recipes.recipe(RECIPE).training, "batch_size": given.batch}
    batch = source_of(parts, every(settings), torch.device("cpu"), torch.float32)
    times = len(images) // given.batch  # a whole round, with its shuffle
    fetch = seconds_of(lambda: [batch(iteration) for iteration in range(times)], given.rounds) / times
    return fetch / update


def every(settings: dict[str, Any]) -> Settings:
    """These settings of a training, and for the others those of ``train``."""
    others = dict(learning_rate=2e-3, weight_decay=0.0, warmup=50, decay=True, clip=1.0, seed=0, validate_every=250)
    return Settings(**{**others, **settings})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"sides": by_side, "real": real, "folder": folder}
    options.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    options.add_argument("--sides", type=int, nargs="+", default=[8, 16, 32, 64])
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--updates", type=int, default=5, help="that are timed in a row")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--pictures", type=int, default=10_000, help="in the folder")
    options.add_argument("--smoke", action="store_true", help="once, and few pictures, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.sides, given.batch, given.updates, given.rounds, given.pictures = [8, 16], 4, 1, 1, 80
    torch.set_num_threads(given.threads)
    print(f"{RECIPE}, {given.threads} threads, torch {torch.__version__}")
    for part in given.parts:
        parts[part](given)


if __name__ == "__main__":
    main()

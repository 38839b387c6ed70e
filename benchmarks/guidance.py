"""Guidance: what it gains, what it costs, and other ways to do it (chapter 13).

Always the shipped weights. ``digits`` and ``scenes``: pictures in 16 steps without dice at ten scales, from 0 (not
told) over 1 (told) to 10, scored against held-out digits, and against scenes of a seed that no choice has seen. Beside
the scores stands ``saturation``, the share of values at the ends of the range (within 0.01 of -1 or 1). Then the other
ways: guiding at some levels only (``intervals``), with a small and hardly trained network in the place of the one not
told (``worse``, trained here in a minute), in auto-regression by patches (``patches``), and with a negative prompt
(``negative``). ``seconds`` compares a told walk with a guided one, its two runs batched as one or one after the other.
Writes ``minigen/course/results/guidance.json``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from common import Row, scored
from torch import Tensor

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums
from minigen.zoo.teaching import HELDOUT_SEED

SCALES = (1.0, 2.0, 0.0, 4.0, 1.5, 3.0, 10.0, 0.5, 6.0, 8.0)
AGAIN = (1.0, 1.5, 2.0, 3.0)
"""Scales that are drawn with a second seed."""

PUSH = 3.0
"""The scale at which intervals are compared."""

THIRDS = {"high": (0.67, 1.0), "middle": (0.34, 0.66), "low": (0.0, 0.33)}
"""Of the levels; all of them together are a row of ``digits``."""

WALK: dict[str, Any] = dict(steps=16, eta=0.0, pick="mean", batch_size=64)
WORSE: dict[str, Any] = dict(iterations=300, batch_size=64, weight_decay=0.01)
PROMPT, NEGATIVE = "a circle", "a red circle"
NETS = {
    "digits": "digits-diffusion", "intervals": "digits-diffusion", "worse": "digits-diffusion",
    "patches": "digits-raster-4", "scenes": "scenes", "negative": "scenes", "seconds": "digits-diffusion",
}  # fmt: skip
"""The parts of the file, and the network that each rests on."""


def saturation(images: Tensor) -> float:
    """The share of values at the ends of the range."""
    return round(float((images.abs() >= 0.99).double().mean()), 4)


def variety(images: Tensor, labels: Tensor) -> float:
    """How far apart two pictures of the same digit are on average (root of the mean squared difference)."""
    distances = []
    for digit in range(10):
        same = images[labels == digit].flatten(1).double()
        distances.append(float(torch.pdist(same).mean()) / same.shape[1] ** 0.5)
    return round(statistics.fmean(distances), 4)


def real_digits() -> Row:
    """What held-out digits have of what is measured beside the scores."""
    images, labels = mg.data.digits(size=16, split="held-out")
    return {"saturation": saturation(images), "variety": variety(images, labels)}


@cache
def model(name: str) -> mg.Generator:
    return mg.zoo.load(name, device="cpu")


@cache
def worse() -> mg.Generator:
    """The network of digits-diffusion, smaller and hardly trained."""
    like = model("digits-diffusion")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = mg.Generator(mg.recipes.small_unet(), like.head, like.plan, condition=mg.Labels(10))
    mg.train(made, *mg.data.digits(size=16, split="train"), seed=0, device="cpu", progress=False, **WORSE)
    return made


def draw_digits(how: mg.Generator | mg.Guided, row: Row, count: int) -> Row:
    """Digits that are asked for in turn, and their scores."""
    scale, given = row["guidance_scale"], dict(WALK)
    if how.plan.name == "raster":
        given = dict(steps=16, batch_size=64)
    labels = torch.arange(count) % 10
    drawn = mg.sample(how, count, labels=labels, seed=row["seed"], guidance_scale=scale, **given)
    calls = how.nfe(16, scale) if isinstance(how, mg.Guided) else mg.nfe(16, scale)
    beside = {"saturation": saturation(drawn), "variety": variety(drawn, labels)}
    return {"calls": calls, **scored(drawn, labels), **beside}


def draw_scenes(row: Row, count: int) -> Row:
    """Scenes and their scores."""
    asked = mg.data.scenes(count, "train", seed=HELDOUT_SEED)
    scale = row["guidance_scale"]
    walk = {**WALK, "batch_size": None}
    drawn = mg.sample(model("scenes"), count, prompt=asked.prompts, seed=row["seed"], guidance_scale=scale, **walk)
    scores = mg.metrics.evaluate_scenes(drawn, asked).rounded() if count >= mg.metrics.LEAST else {"frechet": None}
    real = {"real_saturation": saturation(asked.images)}
    return {"calls": mg.nfe(16, scale), "count": count, **scores, "saturation": saturation(drawn), **real}


def draw_negative(row: Row, count: int) -> Row:
    """How often each colour comes up when the prompt names none."""
    how = mg.Guided(model("scenes"), negative=row["name"])
    given = dict(prompt=PROMPT, seed=row["seed"], guidance_scale=row["guidance_scale"], **WALK)
    seen = mg.metrics.recognise(mg.sample(how, count, **given))
    colours = torch.bincount(seen[:, 2], minlength=len(mg.scenes.COLOURS)).tolist()
    circles = (seen[:, 0] == 0) & (seen[:, 3] == list(mg.scenes.SHAPES).index("circle"))
    shown = dict(zip(mg.scenes.COLOURS, colours, strict=True))
    return {"count": count, "as_asked": round(float(circles.double().mean()), 4), "colours": shown}


def time_walks(count: int, rounds: int) -> Row:
    """Median seconds of a walk: told; guided, both runs as one batch; guided, one run after the other."""
    net = model("digits-diffusion")

    class Apart(mg.Guided):
        """Two runs one after the other: the second network is the first, told nothing."""

        def belief(self, x_t: Tensor, t: Tensor, tokens: Tensor | None = None, *others: Any, **more: Any) -> Tensor:
            uncond, cond = net.belief(x_t, t), net.belief(x_t, t, tokens)
            return uncond + 3.0 * (cond - uncond)

    ways: dict[str, Callable[[], Tensor]] = {
        "told": lambda: mg.sample(net, count, **WALK),
        "one batch": lambda: mg.sample(net, count, guidance_scale=3.0, **WALK),
        "two runs": lambda: mg.sample(Apart(net), count, guidance_scale=3.0, **WALK),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, draw in ways.items():
            begin = time.process_time()  # of the processor, since others may want it, too
            draw()
            taken[name] += [time.process_time() - begin] if number else []  # the first round warms up
    medians = {name: round(statistics.median(values), 4) for name, values in taken.items()}
    ratios = {
        name: [round(one / told, 3) for one, told in zip(values, taken["told"], strict=True)]
        for name, values in taken.items()
        if name != "told"
    }
    return {"rounds": rounds, "seconds": medians, "seconds_over_told": ratios}


def wanted(given: argparse.Namespace) -> Iterator[tuple[str, Row, Callable[[Row], Row]]]:
    """What is measured: the part of the file, the row's name and what makes it, the most important first."""

    def digits(how: Callable[[], mg.Generator | mg.Guided]) -> Callable[[Row], Row]:
        return lambda row: draw_digits(how(), row, given.count)

    net = NETS["digits"]
    for scale in SCALES:
        yield "digits", {"guidance_scale": scale, "seed": 0}, digits(lambda: model(net))
    for batch in (1, 64):
        yield "seconds", {"batch": batch}, lambda row: time_walks(row["batch"], given.rounds)
    for name, levels in THIRDS.items():
        row = {"way": name, "levels": list(levels), "guidance_scale": PUSH, "seed": 0}
        yield "intervals", row, lambda row: draw_digits(
            mg.Guided(model(net), levels=tuple(row["levels"])), row, given.count
        )  # fmt: skip
    for scale in (2.0, 3.0, 0.0, 1.5):
        yield "worse", {"guidance_scale": scale, "seed": 0}, digits(lambda: mg.Guided(model(net), worse=worse()))
    for scale in (1.0, 2.0, 3.0, 1.5, 4.0):
        yield "patches", {"guidance_scale": scale, "seed": 0}, digits(lambda: model(NETS["patches"]))
    for scale in SCALES:
        yield "scenes", {"guidance_scale": scale, "seed": 0}, lambda row: draw_scenes(row, given.scenes)
    for name in ("", NEGATIVE):
        row = {"way": "negative" if name else "plain", "name": name, "guidance_scale": 2.0, "seed": 0}
        yield "negative", row, lambda row: draw_negative(row, given.negative)
    for scale in AGAIN:
        yield "digits", {"guidance_scale": scale, "seed": 1}, digits(lambda: model(net))


def main() -> None:
    options = arguments(
        __doc__, "guidance", count=(1000, "digits a row"), scenes=(1000, "scenes a row"),
        negative=(200, "scenes a row with a negative prompt"), rounds=(5, "of the comparison of seconds"),
    )  # fmt: skip
    options.add_argument("--parts", nargs="*", choices=NETS, default=list(NETS), help="measure these only")
    given = options.parse_args()
    if given.smoke:
        given.count, given.scenes, given.negative, given.rounds = 20, 4, 4, 1
        WORSE.update(iterations=2, batch_size=4)
    settings = {
        "count": given.count, "scenes": given.scenes, "negative": given.negative, "rounds": given.rounds,
        "split": "held-out", "walk": WALK, "worse": WORSE, "prompt": PROMPT, "smoke": given.smoke,
    }  # fmt: skip
    tables = {part: [net] for part, net in NETS.items()}
    facts = {"real_digits": real_digits()}
    found = Results(given.out, settings, tables, checksums(sorted({*NETS.values()})), facts)
    for part, key, make in wanted(given):
        if part in given.parts:
            found.measure(part, key, make)
    found.close()


if __name__ == "__main__":
    main()

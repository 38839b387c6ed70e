"""What a cache is worth when writing: seconds a picture, with and without, against the number of pixels.

Both causal nets, fresh weights (what is written does not change the work). Without a cache every call reads the whole
picture and costs the same, so with many pixels only some of the calls are timed, and multiplied. The median of some
rounds. Writes ``minigen/course/results/cache.json``.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from typing import Any

import torch
from common import Row, seconds_of

import minigen as mg
from minigen.course.measurements import Results, arguments

NETS: dict[str, Any] = {"CausalConv": mg.nets.CausalConv, "CausalTransformer": mg.nets.CausalTransformer}


def measure(key: Row, given: argparse.Namespace) -> Row:
    """Seconds a picture, with a cache and without."""
    size, pixels, calls = key["size"], key["pixels"], key["calls_timed"]
    torch.manual_seed(0)
    small = dict(width=16, layers=1) if given.smoke else {}
    model = mg.Generator(NETS[key["net"]](size=size, **small), mg.heads.Categorical(16), mg.plans.raster(1)).eval()
    draw = partial(mg.sample, model, given.batch)
    draw(steps=1, cache=False)  # not counted
    cached = [seconds_of(partial(draw, steps=pixels, cache=True)) for _ in range(given.rounds)]
    uncached = [seconds_of(partial(draw, steps=calls, cache=False)) * pixels / calls for _ in range(given.rounds)]
    return {
        "cached": round(statistics.median(cached) / given.batch, 5),
        "uncached": round(statistics.median(uncached) / given.batch, 5),
    }


def main() -> None:
    given = arguments(
        __doc__, "cache", sizes=([8, 12, 16, 24, 32], "height and width, in pixels"), batch=(16, "pictures at once"),
        rounds=(3, "of which the median counts"), calls=(16, "calls without a cache that are timed, at most"),
    ).parse_args()  # fmt: skip
    if given.smoke:
        given.sizes, given.batch, given.calls = [4, 6], 2, 8
    settings = {"batch": given.batch, "rounds": given.rounds, "smoke": given.smoke}
    found = Results(given.out, settings, {"rows": ()})
    for net in NETS:
        for size in given.sizes:
            pixels = size * size
            key = {"net": net, "size": size, "pixels": pixels, "calls_timed": min(pixels, given.calls)}
            found.measure("rows", key, lambda key: measure(key, given))
    found.close()


if __name__ == "__main__":
    main()

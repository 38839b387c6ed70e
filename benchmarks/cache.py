"""What a cache is worth when writing: seconds a picture, with and without, against the number of pixels.

Both causal nets, fresh weights (what is written does not change the work). Without a cache every call reads the whole
picture and costs the same, so with many pixels only some of the calls are timed, and multiplied. The median of some
rounds. Writes ``minigen/course/results/cache.json``.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch

import minigen as mg
from minigen.base import store

OUT = mg.zoo.RESULTS / "cache.json"
NETS: dict[str, Any] = {"CausalConv": mg.nets.CausalConv, "CausalTransformer": mg.nets.CausalTransformer}


def seconds(model: mg.Generator, batch: int, calls: int, cache: bool) -> float:
    """Of so many calls of the sampler."""
    begin = time.perf_counter()
    mg.sample(model, batch, steps=calls, cache=cache)
    return time.perf_counter() - begin


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[8, 12, 16, 24, 32])
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--calls", type=int, default=16, help="calls without a cache that are timed, at most")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="small nets and pictures, to see that it runs")
    given = options.parse_args()
    small = dict(width=16, layers=1) if given.smoke else {}
    if given.smoke:
        given.sizes, given.batch, given.calls = [4, 6], 2, 8
    rows = []
    for name, net in NETS.items():
        for size in given.sizes:
            torch.manual_seed(0)
            model = mg.Generator(net(size=size, **small), mg.heads.Categorical(16), mg.plans.raster(1)).eval()
            pixels = size * size
            calls = min(pixels, given.calls)
            seconds(model, given.batch, 1, cache=False)
            with_cache = [seconds(model, given.batch, pixels, cache=True) for _ in range(given.rounds)]
            without = [seconds(model, given.batch, calls, cache=False) * pixels / calls for _ in range(given.rounds)]
            row = {
                "net": name,
                "size": size,
                "pixels": pixels,
                "cached": round(statistics.median(with_cache) / given.batch, 5),
                "uncached": round(statistics.median(without) / given.batch, 5),
                "calls_timed": calls,
            }
            print(f"{row}  ratio {row['uncached'] / row['cached']:.1f}", flush=True)
            rows.append(row)
    content = {
        "command": shlex.join(["python", "benchmarks/cache.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "seed": 0,
        "settings": {"batch": given.batch, "rounds": given.rounds, "smoke": given.smoke},
        "rows": rows,
    }
    print(store.save_json(given.out, content).name)


if __name__ == "__main__":
    main()

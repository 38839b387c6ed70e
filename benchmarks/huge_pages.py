"""What do huge pages buy? Updates of digits-minute, and drawings of digits-diffusion, with and without them.

``import minigen`` asks torch for them (THP_MEM_ALLOC_ENABLE), where the system leaves the choice to the program. Both
ways in fresh interpreters, by turns; the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

import torch
from common import by_turns, ratio

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""What Linux says about them; only "[madvise]" leaves the choice to the program."""

CODE = """
import sys, time
import minigen as mg
updates, digits = int(sys.argv[1]), int(sys.argv[2])
recipe = mg.recipes.recipe("digits-minute")
recipe.train(iterations=5, progress=False)                         # once without counting
print(recipe.train(iterations=updates, progress=False)[1].seconds)
model = mg.zoo.load("digits-diffusion")
mg.sample(model, digits, steps=1)
begin = time.perf_counter()
mg.sample(model, digits, steps=16)
print(time.perf_counter() - begin)
"""


def seconds(huge: bool, given: argparse.Namespace) -> list[float]:
    """The time of the updates and of the drawing, in an interpreter of its own."""
    environment = {**os.environ, "THP_MEM_ALLOC_ENABLE": "1" if huge else "0"}
    command = [sys.executable, "-c", CODE, str(given.updates), str(given.digits)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--updates", type=int, default=40)
    options.add_argument("--digits", type=int, default=256)
    given = options.parse_args()
    says = ENABLED.read_text().strip() if ENABLED.is_file() else "has none"
    print(f"{date.today()}, torch {torch.__version__}, {torch.get_num_threads()} threads; the system says: {says}")
    without, with_them = by_turns(given.rounds, lambda: seconds(False, given), lambda: seconds(True, given))
    for number, what in enumerate((f"{given.updates} updates", f"{given.digits} digits in 16 calls")):
        small, huge = ([taken[number] for taken in way] for way in (without, with_them))
        print(f"{what}: {statistics.median(small):.2f} s, with huge pages {statistics.median(huge):.2f} s,", end=" ")
        print(f"ratio {ratio(small, huge)}")


if __name__ == "__main__":
    main()

"""How much does ``import minigen`` cost over ``import torch``?

Both in fresh interpreters, by turns, so that a busy moment of the machine hits both; medians of 9.
"""

import statistics
import subprocess
import sys
import time


def seconds(module: str) -> float:
    """The time to start an interpreter and import ``module``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def main() -> None:
    seconds("minigen")  # once without counting: byte code and disk
    pairs = [(seconds("torch"), seconds("minigen")) for _ in range(9)]
    torch, minigen = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"import torch   {torch:6.2f} s\nimport minigen {minigen:6.2f} s\nratio          {minigen / torch:6.2f}")


if __name__ == "__main__":
    main()

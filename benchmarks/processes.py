"""One process with all threads, or several that share every batch? Updates of digits-diffusion by turns.

Both train the same network on the same batches (``tests/test_processes.py``); what differs is who computes what.
Torch's own threads split every operation; processes split the batch and then average the gradients. Rounds of a few
updates by turns, each timed by the training itself; the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import by_turns, ratio


def updates_a_second(processes: int, threads: int, given: argparse.Namespace) -> float:
    """Train for a few updates in so many processes of so many threads each."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        options = ["--runs", runs, "--iterations", str(given.iterations), "--precision", given.precision]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        subprocess.run(
            [*command, "-m", "minigen", "train", "digits-diffusion", *options],
            env=environment, check=True, capture_output=True,
        )  # fmt: skip
        trained = json.loads((Path(runs) / "digits-diffusion.json").read_text())["trained"]
    seconds: float = trained["seconds"]
    return given.iterations / seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--threads", type=int, default=os.cpu_count(), help="in all")
    options.add_argument("--iterations", type=int, default=60)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--precision", default="float32")
    given = options.parse_args()
    each = max(1, given.threads // given.processes)
    one, several = by_turns(
        given.rounds,
        lambda: updates_a_second(1, given.threads, given),
        lambda: updates_a_second(given.processes, each, given),
    )
    print(f"one process of {given.threads} threads: {statistics.median(one):.2f} updates a second")
    print(f"{given.processes} processes of {each}:        {statistics.median(several):.2f}")
    print(f"ratio {ratio(several, one)}")


if __name__ == "__main__":
    main()

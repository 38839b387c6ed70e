"""Everything that must pass before a change lands, cheap before dear: ``make test``.

    python tools/check.py                    # all parts; the first failure stops
    python tools/check.py style types        # some of them
    python tools/check.py --list             # only show the commands

In the end it says what share of the time each part took. How fast a machine is decides nothing: on two idle cores the
whole takes at most ``BUDGET``, and longer is only said.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUDGET = 45 * 60
"""Seconds."""

CELL = 1800
"""Seconds that a notebook's cell may take: on a busy machine some take many times as long."""

SCRIPTS = ("tools", "book/_ext", "tests/site", "tests/book", "tests/tools")
"""Python files beside the package: its own are named in pyproject.toml."""

WORKERS = 2
"""Programs that share the tests' files, each with its part of the cores."""

SHARED = f"-n {WORKERS} --dist loadfile"

PARTS: Mapping[str, tuple[str, ...]] = {
    "style": ("ruff check .", "ruff format --check ."),
    "types": ("mypy", f"mypy {' '.join(SCRIPTS)}"),
    "tests": (f"pytest {SHARED} --doctest-modules minigen tests --ignore=tests/site",),
    "notebooks": (f"pytest --nbval-lax --nbval-current-env --nbval-cell-timeout={CELL} book",),
    "site": (f"pytest {SHARED} tests/site",),
}
"""What each part runs, as modules of this interpreter."""


def environment(part: str = "") -> dict[str, str]:
    """Threads that wait for one another sleep meanwhile: beside another program they would else take its core, and a
    training on all cores becomes several times slower (the README says by how much). Of the tests' two programs each
    has its own cores, for the same reason. What is set stays."""
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // WORKERS))} if part in ("tests", "site") else {}
    return {"OMP_WAIT_POLICY": "PASSIVE", **threads, **os.environ}


def share(seconds: Mapping[str, float]) -> str:
    """What each part took, and its share of the whole.

    >>> print(share({"style": 6.0, "tests": 234.0}))
    style      0:06    2 %
    tests      3:54   98 %
    in all     4:00, of 45:00 on two idle cores
    """

    def clock(time: float) -> str:
        return f"{int(time) // 60}:{int(time) % 60:02}"

    whole = sum(seconds.values())
    lines = [f"{part:10} {clock(took):>4} {100 * took / whole:4.0f} %" for part, took in seconds.items()]
    over = "; this is longer" if whole > BUDGET else ""
    return "\n".join([*lines, f"in all     {clock(whole):>4}, of {clock(BUDGET)} on two idle cores{over}"])


def main(arguments: list[str] | None = None) -> int:
    """Run the parts; the exit status is that of the first command that fails."""
    parser = argparse.ArgumentParser(description="Run what must pass before a change lands.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--list", action="store_true", help="only show the commands")
    given = parser.parse_args(arguments)
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}; allowed: {', '.join(PARTS)}")
    seconds: dict[str, float] = {}
    for part in given.parts or PARTS:
        begin = time.monotonic()
        for command in PARTS[part]:
            print(f"python -m {command}", flush=True)
            if given.list:
                continue
            done = subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=ROOT, env=environment(part))
            if done.returncode:
                print(f"{part}: this command failed: python -m {command}", file=sys.stderr)
                return done.returncode
        seconds[part] = time.monotonic() - begin
    if not given.list:
        print(share(seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

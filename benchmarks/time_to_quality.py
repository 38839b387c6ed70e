"""Seconds to quality: from the start of the program to digits within 4, 2 and 1.5 times the floor.

Everybody learns from the same 3,600 digits of 16x16 pixels on as many threads. Each peer has its own network, loss and
way of drawing (``rivals.py``), once as its documentation says and once tuned by us; ours is ``digits-minute``, told
which digit and not. Each training is a process of its own (``train_rival.py``), and the clock counts from its start:
imports, the building of the network and the first update belong to it; reading the data and looking on do not.

``--clock processor`` (the default) counts processor time over threads, which a busy machine stretches little; ``wall``
is for idle cores. At each of ``--budgets`` 500 digits are drawn and scored by their Fréchet distance to the validation
digits, over the floor of as many real ones; a level is reached at the first look at which the distance is so small, so
the times are as coarse as the looks. A rate that stays is looked at in one training; one that goes to an end needs to
know it, so each budget is another training, and its seconds are those that it took. A training ends when the last
level is reached. What was not reached by the last look has its distance there in brackets. No walk has more than
``--most-calls`` calls, but for those that take as many as they like; a pixel is a call for x-transformers.

``tuned``: ``GRID`` in ``rivals.py`` is tried without labels for ``--grid-seconds``, one setting after the other, each
with the best so far. All of it reads validation digits; nothing here is a score for the book.

    python benchmarks/time_to_quality.py --rivals minigen smalldiffusion --ways documented --seeds 0

Writes ``minigen/course/results/time_to_quality.json`` and prints the table. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from common import Row, scored
from rivals import DOCUMENTED, GRID, PEERS, SAMPLERS, START, Settings

import minigen as mg
from minigen.course.measurements import Results, arguments
from minigen.training.hardware import pick_device, pick_precision

LEVELS = (4.0, 2.0, 1.5)
"""Times the floor."""

OURS = "minigen"
RIVALS = (OURS, *PEERS)
WAYS = ("documented", "tuned")
TOLD = {"labels": True, "none": False}

FEW, SOME = 10, 60
"""Updates by which ours is timed, on models that are thrown away: the rate goes to an end after so many updates."""

CHILD = Path(__file__).with_name("train_rival.py")


class MissingError(Exception):
    """A peer's library is not installed."""


@dataclass(frozen=True)
class Training:
    """What is trained: who, and how."""

    rival: str
    way: str
    told: bool
    seed: int
    settings: Settings | None = None  # ours has none

    def key(self, budget: float) -> Row:
        """What names its row."""
        about = "digits-minute" if self.settings is None else f"{self.settings.words()}, {self.settings.sampler}"
        return {"entry": self.rival, "way": self.way, "told": self.told, "seed": self.seed, "budget": budget,
                "about": about}  # fmt: skip


# --- one training ----------------------------------------------------------------------------------


def looks(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Start the training; what it says at each look. Whoever asks for the next lets it go on.

    Raises:
        MissingError: if a library is not there.
        RuntimeError: if it fails otherwise, with its last words.
    """
    threads = str(job["threads"])
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TQDM_DISABLE": "1"}
    with tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, str(CHILD)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as child:  # in the end its input is closed, which reads as "stop"
            assert child.stdin is not None
            assert child.stdout is not None
            print(json.dumps(job), file=child.stdin, flush=True)
            for line in child.stdout:
                if line.startswith("{"):
                    yield json.loads(line)
                    print("go", file=child.stdin, flush=True)
        errors.seek(0)
        said = errors.read().strip()
    if child.returncode:
        last = said.splitlines()[-1] if said else "no word"
        raise MissingError(last) if "ModuleNotFoundError" in last else RuntimeError(f"{job['rival']}: {said[-2000:]}")


def job_of(training: Training, folder: str, given: argparse.Namespace) -> dict[str, Any]:
    """What the process needs to know."""
    data = f"{folder}/digits.pt"
    torch.save(mg.data.digits(16, "train"), data)
    settings = training.settings
    return {
        "rival": training.rival, "told": training.told, "seed": training.seed, "folder": folder, "data": data,
        "settings": {} if settings is None else asdict(settings),
        "samplers": ["own"] if settings is None else [settings.sampler],
        "threads": given.threads, "count": given.count, "most_calls": given.most_calls,
        "began": time.time() if given.clock == "wall" else None,
        "reduced": pick_precision("auto", pick_device("cpu")) == "bfloat16",
    }  # fmt: skip


@lru_cache(maxsize=4)
def seconds_of_ours(told: bool, threads: int, clock: str, few: int, some: int) -> tuple[float, float]:
    """The seconds until the first update of ours, and those of each update."""
    given = argparse.Namespace(threads=threads, clock=clock, count=1, most_calls=1)
    taken = []
    for updates in (few, some):
        with tempfile.TemporaryDirectory() as folder:
            job = job_of(Training(OURS, "documented", told, 0), folder, given)
            taken.append(next(looks({**job, "updates": updates}))["seconds"])
    each = max((taken[1] - taken[0]) / (some - few), 1e-4)
    return taken[0] - few * each, each


def measure(training: Training, budgets: list[float], samplers: list[str], given: argparse.Namespace) -> Row:
    """Train; at each budget draw by all samplers, and keep the best distance."""
    found: dict[str, list[Any]] = {
        name: [] for name in ("seconds", "updates", "frechet", "over_floor", "accuracy", "sampler", "draw_seconds")
    }
    extra: Row = {}
    with tempfile.TemporaryDirectory() as folder:
        job = {**job_of(training, folder, given), "budgets": budgets}
        if training.settings is None:
            start, each = seconds_of_ours(training.told, given.threads, given.clock, *given.timed)
            job["updates"] = max(1, round((budgets[-1] - start) / each))
        else:
            job["samplers"] = samplers
        job["began"] = time.time() if given.clock == "wall" else None  # now
        for said in looks(job):
            point = best_of(said["drawn"], training.told)
            floor = point.pop("floor")
            extra = {"parameters": said["parameters"], "floor": floor}
            point |= {"seconds": round(said["seconds"], 1), "updates": said["updates"]}
            point["over_floor"] = point["frechet"] and round(point["frechet"] / floor["mean"], 3)
            for name, values in found.items():
                values.append(point[name])
            if point["over_floor"] and point["over_floor"] <= LEVELS[-1]:
                break
    return {**extra, **found}


def best_of(drawn: dict[str, Any], told: bool) -> Row:
    """The scores of the sampler with the least distance."""
    rows = []
    for sampler, each in drawn.items():
        pictures = torch.load(each["file"])
        asked = torch.arange(len(pictures)) % 10 if told else None
        row = {"floor": None, "accuracy": None, **scored(pictures, asked, split="validation", balanced=told)}
        kept = {name: row[name] for name in ("frechet", "floor", "accuracy")}
        rows.append({**kept, "sampler": sampler, "draw_seconds": round(each["draw_seconds"], 1)})
    return min(rows, key=lambda row: math.inf if row["frechet"] is None else row["frechet"])


# --- all of them -----------------------------------------------------------------------------------


def tuned(rival: str, found: Results, given: argparse.Namespace) -> Settings:
    """The best of the grid: one setting after the other is changed, and what is better stays."""

    def distance(settings: Settings) -> tuple[float, str]:
        key = {"entry": rival, "way": settings.words(), "told": False, "seed": 0, "budget": given.grid_seconds}
        training = Training(rival, "tuned", False, 0, settings)
        samplers = list(SAMPLERS[rival])
        row = found.measure("grid", key, lambda _: measure(training, [given.grid_seconds], samplers, given))
        return (math.inf if row["frechet"][-1] is None else row["frechet"][-1]), row["sampler"][-1]

    best, (least, sampler) = START, distance(START)
    for name, values in GRID.items():
        if name == "target" and rival in ("torchcfm", "x-transformers"):
            continue  # there is but one
        for value in values[:1] if given.smoke else values:
            settings = replace(best, **{name: value})
            now, by = distance(settings)
            if now < least:
                best, least, sampler = settings, now, by
        if given.smoke:
            break
    return replace(best, sampler=sampler)


def train(training: Training, found: Results, given: argparse.Namespace) -> None:
    """The rows of one training, or of one for each budget until the last level is reached."""
    settings = training.settings
    if settings is not None and not settings.ends:
        found.measure("rows", training.key(given.budgets[-1]),
                      lambda _: measure(training, given.budgets, [settings.sampler], given))  # fmt: skip
        return
    samplers = [] if settings is None else [settings.sampler]
    for budget in given.budgets:
        row = found.measure("rows", training.key(budget), lambda _, b=budget: measure(training, [b], samplers, given))
        if row["over_floor"][-1] is not None and row["over_floor"][-1] <= LEVELS[-1]:
            return


def everything(found: Results, given: argparse.Namespace) -> None:
    """All that was asked for, the cheap first."""
    for seed in given.seeds:
        for rival in given.rivals:
            try:
                for way in given.ways if rival != OURS else WAYS[:1]:
                    settings = None if rival == OURS else DOCUMENTED[rival]
                    if way == "tuned":
                        settings = tuned(rival, found, given)
                    for told in given.told:
                        train(Training(rival, way, TOLD[told], seed, settings), found, given)
            except MissingError as reason:
                print(f"{rival} is left out: {reason}; see benchmarks/requirements.txt", flush=True)


# --- the table -------------------------------------------------------------------------------------

Who = tuple[str, str, bool]


def reached(rows: list[Row]) -> dict[Who, dict[int, list[tuple[float, float]]]]:
    """The points (seconds, times the floor) of each rival and way, by seed and in order of time.

    >>> row = {"entry": "a", "way": "tuned", "told": True, "seed": 0, "seconds": [9.0], "over_floor": [2.5]}
    >>> reached([row, {**row, "seconds": [4.0], "over_floor": [7.0]}])
    {('a', 'tuned', True): {0: [(4.0, 7.0), (9.0, 2.5)]}}
    """
    found: dict[Who, dict[int, list[tuple[float, float]]]] = {}
    for row in rows:
        points = found.setdefault((row["entry"], row["way"], row["told"]), {}).setdefault(row["seed"], [])
        pairs = zip(row["seconds"], row["over_floor"], strict=True)
        points += [(at, math.inf if over is None else over) for at, over in pairs]
        points.sort()
    return found


def seconds_to(level: float, trainings: dict[int, list[tuple[float, float]]]) -> float:
    """The median over trainings of the first time at which it is so good; infinite if it is not.

    >>> seconds_to(2.0, {0: [(4.0, 7.0), (9.0, 1.9)], 1: [(4.0, 2.0)], 2: [(4.0, 3.0)]})
    9.0
    """
    return statistics.median(
        next((at for at, over in points if over <= level), math.inf) for points in trainings.values()
    )


def table(rows: list[Row]) -> str:
    """The table of README.md: seconds to each level, and how many times as long as ours with as much told.

    What never comes there takes more than its last look, so the ratio is at least that.
    """
    found = reached(rows)
    lines = ["| | trainings | " + " | ".join(f"{level:g} times the floor" for level in LEVELS) + " |"]
    lines += ["|---|--:|" + "--:|" * len(LEVELS)]
    for (rival, way, told), trainings in sorted(
        found.items(), key=lambda each: (not each[0][2], RIVALS.index(each[0][0]))
    ):
        mine = found.get((OURS, "documented", told), {})
        cells = []
        for level in LEVELS:
            seconds = seconds_to(level, trainings)
            ends = statistics.median(points[-1][0] for points in trainings.values())
            over = statistics.median(points[-1][1] for points in trainings.values())
            cell = f"{seconds:.0f} s" if math.isfinite(seconds) else f"not in {ends:.0f} s ({over:.1f})"
            base = seconds_to(level, mine) if mine and rival != OURS else math.inf
            if math.isfinite(base):
                more = "" if math.isfinite(seconds) else "more than "
                cell += f", {more}{min(seconds, ends) / base:.1f} times"
            cells.append(cell)
        name = f"{rival}{'' if rival == OURS else ', ' + way}, {'told' if told else 'not told'}"
        lines.append(f"| {name} | {len(trainings)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    options = arguments(
        __doc__, "time_to_quality", budgets=([15.0, 30.0, 60.0, 120.0, 240.0, 480.0], "seconds at which to look"),
        seeds=([0, 1, 2], "of the trainings"), threads=(2, "that compute"), count=(500, "digits that are scored"),
        most_calls=(50, "of a walk"), grid_seconds=(60.0, "of each training of the grid"),
    )  # fmt: skip
    options.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    options.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="of the peers")
    options.add_argument("--told", nargs="+", choices=TOLD, default=list(TOLD), help="told which digit, or nothing")
    options.add_argument("--clock", choices=("processor", "wall"), default="processor")
    given = options.parse_args()
    given.timed = (FEW, SOME)
    if given.smoke:
        given.budgets, given.grid_seconds, given.seeds, given.count = [6.0], 6.0, [0], 10
        given.most_calls, given.timed = 2, (1, 3)
    given.budgets.sort()
    settings = {name: getattr(given, name) for name in ("count", "most_calls", "threads", "clock", "smoke")}
    found = Results(given.out, settings, {"rows": (), "grid": ()})
    everything(found, given)
    found.close()
    print(table(found.content["rows"]))


if __name__ == "__main__":
    main()

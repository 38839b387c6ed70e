"""Measure the book's results again and say what differs: ``python tools/reproduce.py [NAME ...]``.

Each file of ``minigen/course/results`` names the command that made it. This runs the command once more, into
``runs/reproduce/NAME.json``, compares that file with the committed one, and prints every number that moved, rows that
are new and rows that are gone. The committed file stays as it is. Without names: all of them, the quick ones first.
That takes many hours, since some of them train networks. A stopped run goes on: what is finished is only
compared, and a benchmark that keeps its rows as they come takes them up again. ``--again`` starts from nothing.

Times differ from machine to machine, so they are summed up in one line; other numbers count as moved when they differ
by more than ``--tolerance`` (in parts of the larger one). Weights trained on another processor differ a little, and
distances then move by about the spread that chapter 11 shows between trainings.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "minigen" / "course" / "results"
FRESH = ROOT / "runs" / "reproduce"

ORDER = ("lessons", "cache", "stages", "few_steps", "spreading", "flat", "scenes", "guidance", "future", "frontier")
"""From minutes to most of a day; a file that is not named comes last."""

IDENTITY = (
    "curve", "net", "way", "kind", "name", "schedule", "spacing", "target", "networks", "updates_each", "training_seed",
    "seed", "told", "calls", "width", "order", "patch", "size", "batch", "dimensions",
    "split", "scale", "guidance_scale", "iterations", "what", "entry", "budget",
)  # fmt: skip
"""The words that say which row a row is; everything else in it was measured."""

TIMES = ("seconds", "median", "cached", "uncached")
ASIDE = (
    "date",
    "torch",
    "threads",
    "command",
    "hardware",
    "revision",
    "weights",
    "sha256",
    "from",
    "pictures",
    "trained",
    "x",
    "y",
    "off",
)
"""What is not compared: when, where and from which weights it was made, and what is drawn, pixels or points."""

SHOWN = 40
Key = tuple[str, ...]


@dataclass
class Differences:
    """What a new file has otherwise than the old one."""

    compared: int = 0
    moved: list[tuple[Key, float, float]] = field(default_factory=list)
    """Where, the old number, the new one; those that moved most come first."""

    changed: list[tuple[Key, Any, Any]] = field(default_factory=list)
    """What is no number, and differs."""

    new: list[Key] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """New over old."""

    def __bool__(self) -> bool:
        return bool(self.moved or self.changed or self.new or self.gone)


def row_key(row: Mapping[str, Any]) -> str:
    """Which row it is, in words.

    >>> row_key({"curve": "noise", "calls": 16, "frechet": 4.6})
    'curve noise, calls 16'
    """
    return ", ".join(f"{word} {row[word]}" for word in IDENTITY if word in row)


def leaves(content: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every value of a results file with the way to it; rows go by what they are, not by their place."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name not in ASIDE:
                yield from leaves(value, (*key, name))
    elif isinstance(content, list):
        rows = bool(content) and all(isinstance(each, dict) and row_key(each) for each in content)
        for place, value in enumerate(content):
            yield from leaves(value, (*key, row_key(value) if rows else str(place)))
    else:
        yield key, content


def named(content: Any) -> dict[Key, Any]:
    """The values by their way; an error if two rows can't be told apart."""
    found: dict[Key, Any] = {}
    for key, value in leaves(content):
        if key in found:
            raise ValueError(f"two rows are called {' / '.join(key)}: IDENTITY lacks a word")
        found[key] = value
    return found


def compare(old: Any, new: Any, tolerance: float = 0.0) -> Differences:
    """What differs between two results.

    >>> was = {"rows": [{"calls": 4, "frechet": 8.0}, {"calls": 16, "frechet": 4.6}]}
    >>> now = {"rows": [{"calls": 16, "frechet": 4.6}, {"calls": 4, "frechet": 7.2}, {"calls": 64, "frechet": 3.4}]}
    >>> found = compare(was, now)
    >>> found.moved, found.new, found.gone
    ([(('rows', 'calls 4', 'frechet'), 8.0, 7.2)], [('rows', 'calls 64')], [])
    """
    before, after = named(old), named(new)
    found = Differences(gone=missing(before, after), new=missing(after, before))
    for key in before.keys() & after.keys():
        was, now = before[key], after[key]
        if any(part in TIMES for part in key):
            found.times += [now / was] if was and now else []
            continue
        found.compared += 1
        if not (is_number(was) and is_number(now)):
            found.changed += [(key, was, now)] if was != now else []
        elif relative(was, now) > tolerance:
            found.moved.append((key, was, now))
    found.moved.sort(key=lambda each: (-relative(each[1], each[2]), each[0]))
    found.changed.sort(key=lambda each: each[0])
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def relative(was: float, now: float) -> float:
    """The difference in parts of the larger one."""
    return abs(was - now) / max(abs(was), abs(now)) if was != now else 0.0


def missing(values: Mapping[Key, Any], others: Mapping[Key, Any]) -> list[Key]:
    """What the others lack: whole rows where a whole row is not there, else single values."""
    have = {key[:length] for key in others for length in range(1, len(key) + 1)}
    found: dict[Key, None] = {}
    for key in values:
        if key not in others:
            found[next(key[:length] for length in range(1, len(key) + 1) if key[:length] not in have)] = None
    return list(found)


def report(name: str, found: Differences, shown: int = SHOWN) -> str:
    """The differences in words."""
    lines = [f"{name}: {found.compared} values compared; " + ("nothing differs" if not found else "these differ")]
    lines += [
        f"  moved    {' / '.join(key)}: {was:g} -> {now:g} ({now - was:+.4g})" for key, was, now in found.moved[:shown]
    ]
    if len(found.moved) > shown:
        lines.append(f"  moved    and {len(found.moved) - shown} more, by less")
    lines += [f"  changed  {' / '.join(key)}: {was!r} -> {now!r}" for key, was, now in found.changed]
    lines += [f"  new      {' / '.join(key)}" for key in found.new]
    lines += [f"  gone     {' / '.join(key)}" for key in found.gone]
    if found.times:
        low, middle, high = min(found.times), statistics.median(found.times), max(found.times)
        lines.append(f"  times    {middle:.2f} of what they were (from {low:.2f} to {high:.2f})")
    return "\n".join(lines)


def known() -> list[str]:
    """The results that there are, quick ones first."""
    names = {path.stem for path in RESULTS.glob("*.json")}
    return [name for name in ORDER if name in names] + sorted(names - set(ORDER))


def command_for(name: str, out: Path) -> list[str]:
    """The command that the committed file names, writing to ``out``."""
    script, *rest = shlex.split(json.loads((RESULTS / f"{name}.json").read_text())["command"])[1:]
    return [sys.executable, str(ROOT / script), *rest, "--out", str(out)]


def spelled(command: list[str]) -> str:
    """A command as one would type it at the root of the repository."""
    return shlex.join(["python", *(part.removeprefix(f"{ROOT}/") for part in command[1:])])


def measure(name: str, again: bool) -> bool:
    """Run the command of a results file, unless that was done; whether it went well."""
    out, done = FRESH / f"{name}.json", FRESH / f"{name}.done"
    if again:
        out.unlink(missing_ok=True)
        done.unlink(missing_ok=True)
    if done.is_file() and out.is_file():
        return True
    FRESH.mkdir(parents=True, exist_ok=True)
    command = command_for(name, out)
    print(f"{name}: {spelled(command)}", flush=True)
    if subprocess.run(command, cwd=ROOT).returncode:
        print(f"{name}: the command failed; the same call tries again", file=sys.stderr)
        return False
    done.touch()
    return True


def main(arguments: list[str] | None = None) -> int:
    """Measure and compare the named results, or all; 1 if a command failed, 0 else, whatever has moved."""
    parser = argparse.ArgumentParser(description="Measure the book's results again and say what differs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known())} (default: all)")
    parser.add_argument("--tolerance", type=float, default=0.01, help="in parts of a number (default: 0.01)")
    parser.add_argument("--again", action="store_true", help="start from nothing, also what is finished")
    parser.add_argument("--list", action="store_true", help="only show the commands")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(known())
    if unknown:
        parser.error(f"no results are called {', '.join(sorted(unknown))}; allowed: {', '.join(known())}")
    failed = False
    for name in given.names or known():
        if given.list:
            print(f"{name:10} {spelled(command_for(name, FRESH / f'{name}.json'))}")
        elif measure(name, given.again):
            old, new = (json.loads((folder / f"{name}.json").read_text()) for folder in (RESULTS, FRESH))
            print(report(name, compare(old, new, given.tolerance)), flush=True)
        else:
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

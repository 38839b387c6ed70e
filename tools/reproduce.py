"""Measure the book's results again and say what differs: ``python tools/reproduce.py [NAME ...]``.

Each file of ``minigen/course/results`` names the command that made it, and earlier ones, where it took several. This
runs them once more, into ``runs/reproduce/NAME.json``, compares that file with the committed one, and prints every
number that moved, rows that are new and rows that are gone. The committed file stays as it is. Without names: all of
them, the quick ones first. That takes many hours, since some of them train networks. A stopped run goes on: what is
finished is only compared, and a benchmark takes up the rows that it has. ``--again`` starts from nothing.

On the same machine nothing moves but times, which are summed up in one line. Elsewhere sums are rounded otherwise, some
pictures come out different, and networks that are trained anew end elsewhere. So each kind of number has a tolerance of
its own: the table ``COMPARED`` says which, and why. ``--tolerance 0`` shows whatever differs.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from deepdiff import DeepDiff

from minigen.course.measurements import RESULTS, key_of

ROOT = Path(__file__).resolve().parent.parent
FRESH = ROOT / "runs" / "reproduce"

ORDER = (
    "lessons", "cache", "orders", "stages", "speedrun", "few_steps", "spreading", "flat", "scenes", "guidance",
    "future", "frontier", "trial",
)  # fmt: skip
"""From minutes to most of a day; a file that is not named comes last."""


class Compared(NamedTuple):
    """How the numbers of some columns are compared: ``relative`` in parts of the larger one, ``absolute`` as it is."""

    columns: str
    relative: float = 0.0
    absolute: float = 0.0
    kind: str = "moved"


COMPARED = (
    # what was set, or counted: exactly, as is whatever has no line here
    Compared("learning_rate weight_decay batch_size eta shift levels count rounds said bits_of pixels calls_timed"),
    Compared("parameters flops"),
    # when, where and from which weights it was made, and what is drawn, as pixels or points
    Compared("command date earlier revision machine threads torch hardware weights from pictures x y off", kind="not"),
    # how fast the machine is, and how far a training came in its time
    Compared("seconds training_minutes train_seconds draw_seconds median cached uncached", kind="times"),
    Compared("per_second fastest used_threads iterations images_seen best_iteration", kind="not"),
    # ratios of two times, taken by turns on one machine
    Compared("seconds_over_told", relative=0.25),
    # two seeds of the same weights differ by 8 % (the middle of 31 pairs in few_steps.json), two trainings by 10 %
    Compared("frechet frechet_seeds over_floor fixed", relative=0.10),
    # near 0 for good pictures; the spread of its floor is 0.0007
    Compared("kernel", relative=0.10, absolute=0.002),
    # two trainings differ by 3.5 %
    Compared("density", relative=0.05),
    # shares of 1,000 pictures: the standard error is 0.016 for a half and 0.009 for a tenth
    Compared("accuracy coverage nearer_to_train", absolute=0.02),
    # shares of 200 pictures, or of those of 1,000 that say something; and counts of 200 with a standard error of 5
    Compared("layout size colour shape all all_said as_asked", absolute=0.04),
    Compared("colours", absolute=12),
    # means over thousands of pixels: two seeds of the same weights differ by 0.2 %
    Compared("grain border inside saturation variety to_reference other_noise eta_0_to_eta_1", relative=0.01),
    # what a training led to, or the bits of 100 pictures, with a standard error of 2 %
    Compared("bits standard_error validation_loss loss loss_mean", relative=0.02),
    Compared("off_plane off_curve distance", relative=0.10, absolute=0.005),
    Compared("difference", absolute=0.002),
    # of real pictures, always the same ones
    Compared("floor kernel_floor fixed_floor coverage_ceiling real_saturation real_digits", relative=0.001),
)

HOW = {column: each for each in COMPARED for column in each.columns.split()}
LEFT_OUT = "|".join(column for column, each in HOW.items() if each.kind == "not")
SHOWN = 40
Place = tuple[str, ...]
Difference = tuple[Place, Any, Any]
"""Where, the old value, and the new one."""


def by_name(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a results file with the rows of each table by their names, wherever they stand.

    >>> by_name({"seed": 0, "rows": [{"curve": "noise", "calls": 16, "frechet": 4.6}]})["rows"].keys()
    dict_keys(['curve noise, calls 16'])
    """
    found = dict(content)
    for table, rows in content.items():
        if not (isinstance(rows, list) and rows and all(isinstance(row, dict) and key_of(row) for row in rows)):
            continue
        found[table] = {}
        for row in rows:
            name = ", ".join(f"{word} {value}" for word, value in key_of(row).items())
            if name in found[table]:
                raise ValueError(f"two rows are called {table} / {name}: KEYS lacks a word")
            found[table][name] = row
    return found


def compare(old: dict[str, Any], new: dict[str, Any], tolerance: float = 1.0) -> dict[str, list[Difference]]:
    """What is "new", "gone", "moved" (a number) or "changed", and "times"; those that moved most come first.

    >>> was = {"rows": [{"calls": 4, "frechet": 8.0}, {"calls": 16, "frechet": 4.6}]}
    >>> now = {"rows": [{"calls": 16, "frechet": 4.6}, {"calls": 4, "frechet": 6.9}]}
    >>> compare(was, now)["moved"]
    [(('rows', 'calls 4', 'frechet'), 8.0, 6.9)]
    """
    tree = DeepDiff(
        by_name(old), by_name(new), view="tree", ignore_numeric_type_changes=True, ignore_nan_inequality=True,
        zip_ordered_iterables=True, threshold_to_diff_deeper=0, exclude_regex_paths=[rf"\['({LEFT_OUT})'\]"],
    )  # fmt: skip
    found: dict[str, list[Difference]] = {kind: [] for kind in ("moved", "changed", "new", "gone", "times", "same")}
    for what, levels in tree.items():
        for level in levels:
            place = tuple(map(str, level.path(output_format="list")))
            kind = kind_of(what, place, level.t1, level.t2, tolerance)
            found[kind].append((place, level.t1, level.t2))
    found["moved"].sort(key=lambda each: (-abs(each[1] - each[2]) / max(abs(each[1]), abs(each[2])), each[0]))
    return found


def kind_of(what: str, place: Place, was: Any, now: Any, tolerance: float) -> str:
    """What a difference is, which DeepDiff calls ``what``; "same" if it is none that counts."""
    how = next((HOW[part] for part in reversed(place) if part in HOW), COMPARED[0])
    if what.endswith(("added", "removed")):
        return "new" if what.endswith("added") else "gone"
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (was, now)):
        return "changed"
    if how.kind == "times" and was and now:
        return "times"
    near = math.isclose(was, now, rel_tol=tolerance * how.relative, abs_tol=tolerance * how.absolute)
    return "same" if near else "moved"


def report(name: str, found: dict[str, list[Difference]], shown: int = SHOWN) -> str:
    """The differences in words."""
    differs = any(found[kind] for kind in ("moved", "changed", "new", "gone"))
    lines = [f"{name}: " + ("these differ" if differs else "nothing differs")]
    for place, was, now in found["moved"][:shown]:
        lines.append(f"  moved    {' / '.join(place)}: {was:g} -> {now:g} ({now - was:+.4g})")
    if len(found["moved"]) > shown:
        lines.append(f"  moved    and {len(found['moved']) - shown} more, by less")
    lines += [f"  changed  {' / '.join(place)}: {was!r} -> {now!r}" for place, was, now in found["changed"]]
    lines += [f"  {kind:8} {' / '.join(place)}" for kind in ("new", "gone") for place, *_ in found[kind]]
    if found["times"]:
        ratios = [now / was for _, was, now in found["times"]]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        lines.append(f"  times    {middle:.2f} of what they were (from {low:.2f} to {high:.2f})")
    return "\n".join(lines)


def known() -> list[str]:
    """The results that there are, quick ones first."""
    names = {path.stem for path in RESULTS.glob("*.json")}
    return [name for name in ORDER if name in names] + sorted(names - set(ORDER))


def stored(name: str, folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return content


def commands_for(name: str, out: Path) -> list[list[str]]:
    """The commands that the committed file names, each once, the last one last; all writing to ``out``."""
    content = stored(name, RESULTS)
    made = dict.fromkeys(each["command"] for each in (*content.get("earlier", []), content))
    scripts = [shlex.split(command)[1:] for command in made]
    return [[sys.executable, str(ROOT / script), *rest, "--out", str(out)] for script, *rest in scripts]


def spelled(command: list[str]) -> str:
    """A command as one would type it at the root of the repository."""
    return shlex.join(["python", *(part.removeprefix(f"{ROOT}/") for part in command[1:])])


def measure(name: str, again: bool) -> bool:
    """Run the commands of a results file, unless that was done; whether it went well."""
    out, done = FRESH / f"{name}.json", FRESH / f"{name}.done"
    if again:
        out.unlink(missing_ok=True)
        done.unlink(missing_ok=True)
    if done.is_file() and out.is_file():
        return True
    FRESH.mkdir(parents=True, exist_ok=True)
    for command in commands_for(name, out):
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
    parser.add_argument("--tolerance", type=float, default=1.0, help="times those of the table (default: 1)")
    parser.add_argument("--again", action="store_true", help="start from nothing, also what is finished")
    parser.add_argument("--list", action="store_true", help="only show the commands")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(known())
    if unknown:
        parser.error(f"no results are called {', '.join(sorted(unknown))}; allowed: {', '.join(known())}")
    failed = False
    for name in given.names or known():
        if given.list:
            for command in commands_for(name, FRESH / f"{name}.json"):
                print(f"{name:10} {spelled(command)}")
        elif measure(name, given.again):
            found = compare(stored(name, RESULTS), stored(name, FRESH), given.tolerance)
            print(report(name, found), flush=True)
        else:
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""What longer measurements found: the results files, written and read in one place.

A results file is JSON. It says what made it (command, date, revision, machine, settings, the weights' checksums) and
holds tables, which are lists of rows with named columns, and single facts. A benchmark writes it through ``Results``,
row by row, so that a run that was stopped goes on; notebooks read a table of it by ``results``, or all by ``stored``.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_choice
from minigen.base.origin import ORIGIN, origin
from minigen.base.store import write_atomically
from minigen.zoo.pretrained import SHIPPED, about, names

if TYPE_CHECKING:
    from pandas import DataFrame

RESULTS = Path(str(files("minigen.course") / "results"))
SMOKE = Path("runs/smoke")
"""Where ``--smoke`` writes, unless ``--out`` says where."""

KEYS = (
    "curve", "net", "way", "kind", "name", "schedule", "spacing", "target", "networks", "updates_each", "training_seed",
    "seed", "told", "calls", "width", "order", "patch", "size", "batch", "dimensions", "things",
    "split", "scale", "guidance_scale", "temperature", "iterations", "what", "entry", "budget", "in_folder",
)  # fmt: skip
"""The columns that say which row a row is; everything else in it was measured."""

HOLDS_FOR = ("weights", "about", "sampling", "learning_rate", "pixels", "calls_timed")
"""What else a key may say: for what the row was measured. With another of these it is the same row, measured anew."""

MEASURED_BESIDE = {"layout": "size", "entry": "iterations", "in_folder": "iterations"}
"""Where two things have one name: beside ``layout``, ``size`` is the share of sizes that are right, and beside
``entry`` or ``in_folder``, ``iterations`` is how many updates the time allowed. Both were measured."""

POINTS = ("images_seen", "seconds", "bits")
"""The columns of a curve, lists of equal length in one row; lists elsewhere are rounds, seeds or quarters."""

Row = dict[str, Any]


def key_of(row: Mapping[str, Any]) -> Row:
    """What says which row a row is.

    >>> key_of({"curve": "noise", "calls": 16, "frechet": 4.6})
    {'curve': 'noise', 'calls': 16}
    """
    measured = {MEASURED_BESIDE[word] for word in MEASURED_BESIDE.keys() & row.keys()}
    return {word: row[word] for word in KEYS if word in row and word not in measured}


# --- writing ---------------------------------------------------------------------------------------


def arguments(about: str | None, name: str, **options: tuple[Any, str]) -> argparse.ArgumentParser:
    """The command line of a benchmark: ``--out``, ``--smoke``, and an option for each name, with default and meaning.

    The default also says of which type the values are; one that is a list takes one or more.

    >>> arguments(None, "some", sizes=([8, 16], "in pixels")).parse_args(["--sizes", "4"]).sizes
    [4]
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for option, (default, meaning) in options.items():
        several = isinstance(default, list)
        parser.add_argument(
            f"--{option.replace('_', '-')}", type=type(default[0] if several else default), default=default,
            nargs="+" if several else None, help=f"{meaning} (default: %(default)s)",
        )  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json", help="the results file")
    parser.add_argument(
        "--smoke", action="store_true", help=f"a few pictures and updates, to see that it runs; into {SMOKE}"
    )
    return parser


def checksums(nets: Iterable[str], folder: str | Path = SHIPPED) -> dict[str, str]:
    """The checksums of those of these nets that have weights in the folder.

    >>> checksums(["digits-any", "of another course"]).keys()
    dict_keys(['digits-any'])
    """
    return {name: about(name, folder)["sha256"] for name in nets if name in names(folder)}


class Results:
    """A results file that is being written.

    Rows that the file has already are kept, if they were made with the same settings, seed and weights. What made
    them is listed under ``earlier``, where it was another command, revision or machine: to make the file anew is to run
    those commands, and then the last. A run that measures nothing leaves the file as it is.

    Args:
        out: the file. With the setting "smoke", never one that comes with the package: a file in ``SMOKE`` instead.
        settings: what all rows have in common; JSON-able.
        tables: the names of the tables, each with the nets that its rows rest on. A row with one of them as its "net"
            rests on that one alone.
        weights: the checksums of the nets.
        facts: what stands beside the tables and is known at once.
        notes: the names of what stands beside the tables and is measured; it rests on all nets.
        seed: of what is not said in a row.

    >>> import tempfile
    >>> found = Results(Path(tempfile.mkdtemp()) / "some.json", {"count": 3}, {"rows": ()})
    >>> row = found.measure("rows", {"calls": 4}, lambda key: {"frechet": 2 * key["calls"]}, quiet=True)
    >>> found.measure("rows", {"calls": 4}, lambda key: {"frechet": 9}, quiet=True)    # it is there
    {'calls': 4, 'frechet': 8}
    """

    def __init__(
        self,
        out: Path,
        settings: Mapping[str, Any],
        tables: Mapping[str, Iterable[str]],
        weights: Mapping[str, str] | None = None,
        facts: Mapping[str, Any] | None = None,
        notes: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        self.out = SMOKE / out.name if settings.get("smoke") and out.resolve().parent == RESULTS.resolve() else out
        self.tables = {name: set(nets) for name, nets in tables.items()}
        self.had: dict[str, Any] = json.loads(self.out.read_text(encoding="utf-8")) if self.out.is_file() else {}
        self.fits = (self.had.get("settings"), self.had.get("seed")) == (_plain(settings), seed)
        now, before = dict(weights or {}), self.had.get("weights", {})
        self.changed = {name for name in {*now, *before} if now.get(name) != before.get(name)}
        kept = {table: self._kept(table) for table in tables}
        if self.fits and not self.changed:
            kept |= {name: self.had[name] for name in notes if name in self.had}
        head = origin()
        earlier = _earlier(self.had, head) if any(kept.values()) else []
        head |= {"earlier": earlier} if earlier else {}
        head |= {"seed": seed, "settings": settings}
        head |= {"weights": now} if now else {}
        self.content: dict[str, Any] = _plain({**head, **(facts or {}), **kept})

    def _kept(self, table: str) -> list[Row]:
        """The rows of the old file that still hold."""
        rows: list[Row] = self.had.get(table, []) if self.fits else []
        return [
            row
            for row in rows
            if not self.changed & ({row["net"]} if row.get("net") in self.tables[table] else self.tables[table])
        ]

    def find(self, table: str, key: Row) -> Row | None:
        """The row with all of this, if there is one."""
        return next((row for row in self.content[table] if key.items() <= row.items()), None)

    def measure(self, table: str, key: Row, make: Callable[[Row], Row], quiet: bool = False) -> Row:
        """The row with all of ``key``: it is there, or ``make`` measures the rest of it, and it is written at once.

        A row that was measured for something else of ``HOLDS_FOR``, say for other weights, makes room for it.

        Raises:
            ValueError: if ``key`` names no row, or one that ``KEYS`` can't tell from another.
        """
        key = _plain(key)
        there = self.find(table, key)
        if there is not None:
            return there
        named = {column: value for column, value in key.items() if column not in HOLDS_FOR}
        others = [row for row in self.content[table] if not named.items() <= row.items()]
        if not named or any(key_of(key).items() <= row.items() for row in others):
            raise ValueError(f"key is {key}, which does not name one row; allowed: differing in {', '.join(KEYS)}")
        begin = time.perf_counter()
        row = _plain({**key, **make(key)})
        self.content[table] = [*others, row]
        self.save()
        if not quiet:
            short = {name: value for name, value in row.items() if len(str(value)) < 100}
            print(f"{self.out.stem} {table}, {time.perf_counter() - begin:.0f} s: {short}", flush=True)
        return row

    def note(self, name: str, make: Callable[[], Any]) -> None:
        """Have what stands beside the tables under this name: it is there, or else ``make`` measures it."""
        if name not in self.content:
            self.content[name] = _plain(make())
            self.save()
            print(f"{self.out.stem} {name}", flush=True)

    def save(self) -> Path:
        """Write the file; each list of numbers on one line, which is a quarter of the size."""
        text = json.dumps(self.content, indent=2)
        text = re.sub(r"\[[-\d.e+,\s]+\]", lambda found: " ".join(found[0].split()), text)
        return write_atomically(self.out, (text + "\n").encode())

    def close(self) -> None:
        """Write the file, if anything in it is new, and say how much is in it."""
        if _found(self.content) != _found(self.had):
            self.save()
        print(f"{self.out}: " + ", ".join(f"{len(self.content[table])} {table}" for table in self.tables))


def _plain(value: Any) -> Any:
    """As it will be read again: tuples are lists, and keys are text."""
    return json.loads(json.dumps(value))


def _found(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says but for what made it."""
    return {name: value for name, value in content.items() if name not in (*ORIGIN, "earlier")}


def _earlier(had: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What made the rows that a file has already, each once, whatever the day; what goes on now is not earlier."""

    def undated(made: Mapping[str, Any]) -> str:
        return json.dumps({**made, "date": None}, sort_keys=True)

    last = {name: had[name] for name in ORIGIN if name in had}
    found = {undated(made): made for made in (*had.get("earlier", []), last)}
    found.pop(undated(now), None)
    return list(found.values())


def packed(images: Tensor) -> str:
    """Pictures in [-1, 1] as text for a results file: a byte a value, compressed, in base64.

    >>> unpacked(packed(torch.tensor([[-1.0, 1.0]])), (2,))
    tensor([[-1.,  1.]])
    """
    grey = ((images.detach().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return base64.b64encode(zlib.compress(grey.numpy().tobytes(), 9)).decode()


def unpacked(text: str, shape: Sequence[int]) -> Tensor:
    """The pictures that ``packed`` made text of: (count, then ``shape``)."""
    values = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8)
    return torch.from_numpy(values.copy()).view(-1, *shape).float() / 127.5 - 1


# --- reading ---------------------------------------------------------------------------------------


def stored(name: str) -> dict[str, Any]:
    """What a longer measurement found, as committed with the package: the content of results/NAME.json.

    Its "command" makes the file anew. ``results`` gives its tables.

    Raises:
        ValueError: if there is no such measurement; it names those that there are.
    """
    path = RESULTS / f"{check_choice('name', name, _known())}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def results(name: str | None = None, table: str | None = None) -> DataFrame:
    """A table of what a longer measurement found, as a pandas DataFrame: one row a measurement.

    Without a name: what there is. With a name: the main table of that measurement, or the ``table`` named. Values that
    belong together become columns side by side: ``floor`` and ``floor_spread``, ``gradients_border``; a curve in a row
    becomes a row for each of its points. What is known of a row's curve and network is joined in. ``X`` stands for the
    rest of a name.

    ===========================  ===============================================================  =================
    column                       what it is                                                       unit
    ===========================  ===============================================================  =================
    net                          the network: a recipe, or a class of ``mg.nets``
    curve, kind                  the line in chapter 11's figure; what kind of network costs
    way, what, name              how it was done; what was drawn; which run, or which prompt
    entry, about                 what was tried in a minute, and the same in words
    schedule, spacing, target    of the training; of the steps; what is predicted
    width, order                 of a ramp; none: another plan                                    share, word
    patch                        side of a raster's patches; none: another plan                   pixels
    size, pixels                 height or width of a picture; all of it                          pixels
    in_folder                    pictures in a folder, of which seven tenths are learned from     number
    dimensions                   of the space that flat data lie in                               number
    networks, updates_each       that share the levels of noise; what each of them had            number
    split                        which digits or prompts are scored
    scale, guidance_scale        of the guidance: 1 is off, 0 does not tell                       factor
    levels                       from where to where it was guided; a list                        0 data, 1 noise
    things                       in each scene                                                    number
    told, controlled             the digit was; all but the plan is equal (chapter 11)            yes or no
    seed, training_seed          of the dice; of the training
    calls, calls_timed           of the network, for a picture; those that were timed             number
    batch, batch_size            pictures drawn at once; digits an update                         number
    budget, precision            of the training: its time, and its numbers                       seconds, word
    learning_rate                of the training, at its largest
    weight_decay                 of the training                                                  number
    iterations, updates          of a training; of all networks together                          number
    pick, eta, second_order      how a curve draws: see ``mg.sample``
    steps, temperature           the same
    sampling_X                   how an entry draws: ``X`` as above, or shift
    like, from, weights          has the same pictures; scored there; start of the checksum
    count, bits_of               pictures that were scored; digits for the bits                   number
    rounds                       by turns, of which the medians are                               number
    frechet, over_floor          Fréchet distance on 64 features; the same over its floor         squared, ratio
    fixed, fixed_floor           by a judge that knows no labels: distance, and that of real      squared
    frechet_seeds                the distance for each of three seeds; a list                     squared
    floor                        the distance of real pictures, the mean of 20 draws              squared
    kernel                       kernel distance on the features; may fall below 0                squared
    kernel_floor                 that of real pictures, the mean of 20 draws                      squared
    density, coverage            of Naeem et al. 2020                                             ratio, share
    coverage_ceiling             what real pictures reach, the mean of 20 draws                   share
    X_spread                     deviation of the draws of ``X``, one of the three above          as ``X``
    accuracy                     read by the judge as asked; none where nothing was asked         share
    nearer_to_train              to training digits than to held-out ones; 0.5 copies nothing     share
    bits, standard_error         mean, and its standard error; also that of ``difference``        bits a pixel
    grain                        differences of neighbours, over those in real pictures           ratio
    gradients_border             the same where two patches meet                                  ratio
    gradients_inside             the same inside patches                                          ratio
    saturation                   of values within 0.01 of black or white                          share
    real_saturation              the same in real scenes                                          share
    variety                      how far apart two pictures of a digit are                        grey, -1 to 1
    loss, loss_mean              squared error; in ``stages`` by quarter, a list, and the mean    squared
    difference                   one loss less another: each quarter, and all; a list             squared
    off_plane, off_curve         how far flat data lie off: root mean square, and mean            data's deviation
    distance                     of flat data from the spiral: sliced Wasserstein-1               data's deviation
    x, y, off                    flat data as drawn; lists                                        data's deviation
    layout, size, colour         right in this, as the recogniser sees it (``size`` again)        share
    shape, all, as_asked         right in this; in everything; one circle and no more             share
    prompt_X                     ``X`` as in the two lines above, or count                        share, number
    said, all_said               prompts that say a new pair; right in everything, of those       number, share
    pairs_X_count                prompts that say the new pair X                                  number
    pairs_X_all                  right in everything, of those                                    share
    one_colour                   every thing has one colour, by its pixels                        share
    colours_X                    pictures of this colour where none was asked for                 number
    seconds, median              of what the row does; in ``costs`` a list, a picture each        seconds
    seconds_X                    of a walk that is told, guided as one batch or in two runs       seconds
    seconds_over_told_X          the same over the walk that is told, by round; a list            ratio
    cached, uncached             of a picture, with a cache and without                           seconds
    train_seconds                of the training alone                                            seconds
    draw_seconds                 of the drawing alone                                             seconds
    per_second, fastest          scenes drawn: median and best                                    a second
    used_threads                 for that                                                         number
    flops                        for a picture; a product and a sum count as two                  operations
    parameters                   that the network has learned                                     number
    digits_seen, images_seen     in the training, with repeats                                    number
    best_update, best_iteration  after which the weights were kept                                number
    validation_loss              of those weights                                                 as the head's
    training_minutes             how long the training took                                       minutes
    date, revision, torch        of the training: when, and by which code
    hardware, interrupted        of the training: where, and whether it was stopped
    pictures                     some of them, as text for ``unpacked``                           -1 to 1
    ===========================  ===============================================================  =================

    Raises:
        ValueError: for a name or a table that is not there; it names the nearest.

    >>> points = results("frontier").query("controlled and told and seed == 0")
    >>> points[points.calls == 16].sort_values("frechet").curve.tolist()
    ['noise', 'scattered', 'ramp', 'patches']
    >>> results("frontier", table="costs").columns[:4].tolist()
    ['kind', 'size', 'batch', 'calls']
    """
    from pandas import DataFrame

    if name is None:
        return DataFrame([_summary(each) for each in _known()])
    content = stored(name)
    tables = _tables(content)
    chosen = next(iter(tables)) if table is None else check_choice("table", table, tables)
    return _one_row_each(DataFrame([_flat({**row, **_joined(row, content)}) for row in tables[chosen]]))


def _known() -> list[str]:
    return sorted(path.stem for path in RESULTS.glob("*.json"))


def _tables(content: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The tables of a results file: "rows" first, where there are such."""
    found = {
        name: value
        for name, value in content.items()
        if name != "earlier" and isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
    }
    return dict(sorted(found.items(), key=lambda each: each[0] != "rows"))


def _one_row_each(frame: DataFrame) -> DataFrame:
    """Curves in a row as one row for each of their points; a list that is no curve stays in its cell."""
    curves = all(name in frame and frame[name].map(lambda cell: isinstance(cell, list)).all() for name in POINTS)
    return frame.explode(list(POINTS), ignore_index=True).infer_objects() if curves else frame


def _summary(name: str) -> Row:
    content = stored(name)
    tables = {table: len(rows) for table, rows in _tables(content).items()}
    said = ", ".join(f"{table} ({rows})" for table, rows in tables.items())
    return {"name": name, "tables (rows)": said, "measured": content["date"], "command": content["command"]}


def _flat(row: Mapping[str, Any], prefix: str = "") -> Row:
    """A row without dictionaries inside: their keys become part of the columns' names, and a mean needs none."""
    found: Row = {}
    for name, value in row.items():
        column = prefix.rstrip("_") if prefix and name == "mean" else f"{prefix}{name}".replace(" ", "_")
        found |= _flat(value, f"{column}_") if isinstance(value, dict) else {column: value}
    return found


def _joined(row: Mapping[str, Any], content: Mapping[str, Any]) -> Row:
    """What is known of a row's curve, and of the training of its network; the row's own values come first."""
    known: Row = dict(content.get("curves", {}).get(row.get("curve"), {}))
    known |= known.pop("sampling", {})
    trained = _training(row, content)
    if trained:
        known |= {
            "parameters": trained["parameters"],
            "digits_seen": trained["images_seen"],
            "updates": trained["iterations"],
            "best_update": trained["best_iteration"],
            "training_minutes": round(trained["seconds"] / 60, 1),
        }
    return {name: value for name, value in known.items() if name not in row}


def _training(row: Mapping[str, Any], content: Mapping[str, Any]) -> Row | None:
    """How the network of a row was trained: as the file says, or the record beside the shipped weights."""
    net, weights = row.get("net"), str(row.get("weights") or content.get("weights", {}).get(row.get("net"), ""))
    for made in content.get("made_here", []):
        if (made["net"], made["weights"]) == (net, weights[:16]):
            return dict(made)
    if net in names() and weights and about(net)["sha256"].startswith(weights[:16]):
        said = about(net)
        return {"parameters": said["parameters"], **said["trained"]}
    return None

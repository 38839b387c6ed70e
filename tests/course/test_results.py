"""The frame of results: what is kept when something changes, what a killed run leaves, and what a reader gets."""

from __future__ import annotations

import base64
import inspect
import json
import math
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch

from minigen import zoo
from minigen.base import origin
from minigen.course import measurements
from minigen.course.measurements import (
    RESULTS,
    Results,
    arguments,
    checksums,
    key_of,
    packed,
    results,
    stored,
    unpacked,
)

NETS = ("one", "other")
NAMES = sorted(path.stem for path in RESULTS.glob("*.json"))
TABLES = [
    (name, table)
    for name in NAMES
    for table, rows in stored(name).items()
    if table != "earlier" and isinstance(rows, list) and rows and isinstance(rows[0], dict)
]
LISTS = {
    "levels", "x", "y", "off", "seconds", "frechet_seeds", "loss", "difference", "standard_error",
    "seconds_over_told_one_batch", "seconds_over_told_two_runs",
}  # fmt: skip
"""The columns whose cells may be lists: rounds, seeds, quarters and what is drawn."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "some.json"


@pytest.fixture(autouse=True)
def as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs as this command, on a day and at a revision that don't change by themselves."""
    run_as(monkeypatch, "benchmarks/some.py", date="2026-11-01", revision="aaa")


def run_as(monkeypatch: pytest.MonkeyPatch, *words: str, **facts: Any) -> None:
    monkeypatch.setattr(sys, "argv", [str(origin.REPOSITORY / words[0]), *words[1:]])
    if facts:
        monkeypatch.setattr(measurements, "origin", lambda: {**origin.origin(), **facts})


def some(out: Path, count: int = 3, one: str = "1", other: str = "2", seed: int = 0, **more: Any) -> Results:
    """A file with a table of each net, one that rests on both, one whose rows name theirs, and one of no net."""
    tables = {"of one": ["one"], "of both": NETS, "each": NETS, "of none": ()}
    return Results(out, {"count": count, "pair": (1, 2)}, tables, {"one": one, "other": other}, seed=seed, **more)


def fill(found: Results) -> list[str]:
    """Measure a few rows; which of them were not there."""
    made: list[str] = []

    def make(table: str, **key: Any) -> None:
        found.measure(table, key, lambda key: made.append(f"{table} {key.get('net', '')}".strip()) or {"frechet": 1.5})

    make("of one", calls=4)
    make("of both", calls=4)
    make("of none", calls=4)
    for net in NETS:
        make("each", net=net, calls=4)
    found.close()
    return made


EVERY = ["of one", "of both", "of none", "each one", "each other"]


# --- what is kept ----------------------------------------------------------------------------------


def test_a_second_run_measures_nothing_and_leaves_the_file_alone(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fill(some(out)) == EVERY
    before = out.read_bytes()
    run_as(monkeypatch, "benchmarks/some.py", "--again", date="2027-01-01", revision="bbb")
    assert (fill(some(out)), out.read_bytes()) == ([], before)


@pytest.mark.parametrize("changed", [dict(count=4), dict(seed=1)])
def test_other_settings_or_another_seed_keep_nothing(
    out: Path, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing earlier made what is there."""
    fill(some(out))
    run_as(monkeypatch, "benchmarks/some.py", "--more", date="2027-01-01")
    assert fill(some(out, **changed)) == EVERY
    assert "earlier" not in json.loads(out.read_text())


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        (dict(one="new"), ["of one", "of both", "each one"]),
        (dict(other="new"), ["of both", "each other"]),
        (dict(one="new", other="new"), ["of one", "of both", "each one", "each other"]),
    ],
)
def test_other_weights_keep_what_does_not_rest_on_them(out: Path, changed: dict[str, Any], again: list[str]) -> None:
    fill(some(out))
    assert fill(some(out, **changed)) == again
    content = json.loads(out.read_text())
    assert content["weights"] == {"one": "1", "other": "2", **changed}
    assert [len(content[table]) for table in ("of one", "of both", "each", "of none")] == [1, 1, 2, 1]


def test_weights_that_come_or_go_count_as_changed(out: Path) -> None:
    tables = {"rows": ["one"]}
    for weights in ({"one": "1"}, {}, {"one": "1"}):
        found = Results(out, {}, tables, weights)
        assert found.content["rows"] == []
        found.measure("rows", {"calls": 4}, lambda key: {})


def test_a_row_makes_room_for_one_of_the_same_name_only(out: Path) -> None:
    """Here of other weights: they stand in the key, but name no row."""
    found = Results(out, {}, {"rows": ()})
    for calls, weights in ((4, "a"), (16, "a"), (4, "b"), (4, "b")):
        found.measure("rows", {"calls": calls, "weights": weights}, lambda key: {"frechet": ord(key["weights"])})
    assert [(row["calls"], row["weights"]) for row in found.content["rows"]] == [(16, "a"), (4, "b")]


@pytest.mark.parametrize("key", [{"weights": "a"}, {"calls": 4, "of a new kind": 2}])
def test_a_key_that_names_no_row_or_two_is_refused_before_anything_is_lost(out: Path, key: dict[str, Any]) -> None:
    found = Results(out, {}, {"rows": ()})
    found.measure("rows", {"calls": 4, "of a new kind": 1}, lambda key: {})
    with pytest.raises(ValueError, match=r"key is {.*}, which does not name one row; allowed: differing in curve, net"):
        found.measure("rows", key, lambda key: {})
    assert len(json.loads(out.read_text())["rows"]) == 1


def test_a_key_is_found_again_also_with_a_tuple_in_it(out: Path) -> None:
    for made in (1, 2):
        found = Results(out, {}, {"rows": ()})
        row = found.measure("rows", {"way": "high", "levels": (0.5, 1.0)}, lambda key, made=made: {"made": made})
        assert row["made"] == 1


def test_facts_are_always_new_and_notes_are_measured_once(out: Path) -> None:
    for run, one in enumerate(("1", "1", "new")):
        found = some(out, one=one, facts={"fact": run}, notes=["note"])
        found.note("note", lambda run=run: {1: run})
        found.close()
        assert json.loads(out.read_text())["fact"] == run
        assert json.loads(out.read_text())["note"] == {"1": 2 if one == "new" else 0}


def test_a_note_outlives_a_run_that_did_not_come_to_it(out: Path) -> None:
    some(out, notes=["note"]).note("note", lambda: 1)
    some(out, notes=["note"]).measure("of none", {"calls": 9}, lambda key: {})
    assert json.loads(out.read_text())["note"] == 1


def test_a_smoke_never_replaces_a_committed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Results(RESULTS / "cache.json", {"smoke": True}, {"rows": ()})
    found.close()
    assert found.had == {}
    assert (tmp_path / "runs" / "smoke" / "cache.json").is_file()
    assert Results(RESULTS / "cache.json", {"smoke": False}, {"rows": ()}).out == RESULTS / "cache.json"


# --- what made it ----------------------------------------------------------------------------------


def test_a_file_says_what_made_it(out: Path) -> None:
    fill(some(out, seed=3))
    content = json.loads(out.read_text())
    assert list(content)[:6] == ["command", "date", "revision", "machine", "threads", "torch"]
    assert (content["command"], content["seed"]) == ("python benchmarks/some.py", 3)
    assert content["settings"] == {"count": 3, "pair": [1, 2]}
    assert (content["threads"], content["torch"]) == (torch.get_num_threads(), str(torch.__version__))


@pytest.mark.parametrize(
    "words", [["--rounds", "2", "--out", "new.json"], ["--out", "a b", "--rounds", "2"], ["--rounds", "2", "--out=x"]]
)
def test_the_command_is_the_one_that_ran_but_for_out(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one types it in the repository, wherever it was typed."""
    for folder, script in ((origin.REPOSITORY, "benchmarks/some.py"), (origin.REPOSITORY / "benchmarks", "some.py")):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [script, *words])
        assert origin.this_command() == "python benchmarks/some.py --rounds 2"


def test_earlier_commands_are_listed_once_each(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command, or another revision; another day is none."""
    runs = [("a", "1", "aaa"), ("a", "2", "aaa"), ("b", "2", "aaa"), ("a", "3", "aaa"), ("a", "3", "bbb")]
    for calls, (word, day, revision) in enumerate(runs):
        run_as(monkeypatch, "benchmarks/some.py", word, date=day, revision=revision)
        some(out).measure("of none", {"calls": calls}, lambda key: {})
    content = json.loads(out.read_text())
    assert (content["command"], content["revision"]) == ("python benchmarks/some.py a", "bbb")
    earlier = [(each["command"].split()[-1], each["revision"]) for each in content["earlier"]]
    assert earlier == [("b", "aaa"), ("a", "aaa")]
    assert len(content["of none"]) == len(runs)


# --- writing ---------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from minigen.course.measurements import Results

found = Results(Path(sys.argv[1]), {"count": 3}, {"rows": ()}, notes=["note"])

def make(key):
    if key["calls"] == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    print("made", key["calls"], flush=True)
    return {"frechet": key["calls"] / 7}

for calls in range(6):
    found.measure("rows", {"calls": calls}, make, quiet=True)
    if calls == 1:
        found.note("note", lambda: [1, 2])
found.close()
"""


def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed without warning in the middle of a row, twice: each row is measured once, and nothing is lost."""

    def killed(at: int) -> list[str]:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "killed.json"), str(at)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=origin.REPOSITORY)
        assert done.returncode == -signal.SIGKILL
        return re.findall(r"made (\d)", done.stdout)

    def whole(out: str) -> tuple[list[str], dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["-c", str(tmp_path / out), "-1"])
        exec(KILLED, {})
        content = json.loads((tmp_path / out).read_text())
        return re.findall(r"made (\d)", capsys.readouterr().out), {part: content[part] for part in ("rows", "note")}

    assert killed(3) == list("012")
    assert killed(5) == list("34")
    made, content = whole("killed.json")
    assert made == ["5"]
    assert whole("whole.json") == (list("012345"), content)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.json", "whole.json"]


def test_lists_of_numbers_stand_on_one_line_and_read_as_they_were(out: Path) -> None:
    found = Results(out, {}, {"rows": ()})
    row = found.measure("rows", {"calls": 4}, lambda key: {"loss": [0.25, -1e-05, 3], "told": ["a", "b"], "none": []})
    assert '"loss": [ 0.25, -1e-05, 3 ]' in out.read_text()
    assert json.loads(out.read_text())["rows"] == [row]


def test_an_option_has_the_type_of_its_default() -> None:
    options = arguments("about", "cache", count=(3, "digits"), rate=(0.5, "rate"), sizes=([8], "sides"))
    given = options.parse_args(["--rate", "2", "--sizes", "4", "6", "--smoke"])
    assert (given.count, given.rate, given.sizes, given.smoke) == (3, 2.0, [4, 6], True)
    assert given.out == RESULTS / "cache.json"
    with pytest.raises(SystemExit):  # else the command of a file would not be free of --out
        options.parse_args(["--ou", "x.json"])


def test_checksums_are_those_of_the_weights() -> None:
    assert checksums(["digits-any", "scenes-raster"]) == {"digits-any": zoo.about("digits-any")["sha256"]}


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"split": "train", "layout": 1.0, "size": 0.9}, {"split": "train"}),
        ({"kind": "U-Net", "size": 16}, {"kind": "U-Net", "size": 16}),
        ({"entry": "minute", "iterations": 418}, {"entry": "minute"}),
        ({"way": "plain", "iterations": 3000, "accuracy": 1}, {"way": "plain", "iterations": 3000}),
    ],
)
def test_a_row_is_named_by_what_was_asked_for_not_by_what_was_found(row: dict[str, Any], key: dict[str, Any]) -> None:
    assert key_of(row) == key


# --- pictures --------------------------------------------------------------------------------------


def test_all_greys_come_back_exactly() -> None:
    greys = torch.arange(256, dtype=torch.float32).view(1, 1, 16, 16) / 127.5 - 1
    text = packed(greys)
    assert torch.equal(unpacked(text, (1, 16, 16)), greys)
    assert packed(unpacked(text, (1, 16, 16))) == text
    assert zlib.decompress(base64.b64decode(text)) == bytes(range(256))


def test_what_lies_outside_is_clamped_and_between_greys_is_rounded() -> None:
    pictures = torch.tensor([[-3.0, -0.999, 0.0, 0.999, 7.0]], requires_grad=True)
    assert (unpacked(packed(pictures), (5,)) * 127.5 + 127.5).round().tolist() == [[0, 0, 128, 255, 255]]


def test_committed_pictures_can_be_unpacked() -> None:
    clothes = [row["pictures"] for row in stored("frontier")["clothes"]]
    digits = [text for way in stored("few_steps")["pictures"].values() for text in way.values()]
    future = [
        row["pictures"] for part in ("schedules", "distilled") for row in stored("future")[part] if "pictures" in row
    ]
    for text in (*clothes, *digits, *future):
        pictures = unpacked(text, (1, 16, 16))
        assert pictures.shape == (10, 1, 16, 16)
        assert zlib.decompress(base64.b64decode(packed(pictures))) == zlib.decompress(base64.b64decode(text))


# --- reading ---------------------------------------------------------------------------------------


def numbers(value: Any, *way: str) -> Iterator[tuple[str, float]]:
    """Every number of a row outside of lists, with the column where it must be; a mean goes by the name above."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from numbers(part, *way, *([] if way and name == "mean" else [name]))
    elif isinstance(value, int | float):
        yield "_".join(way).replace(" ", "_"), value


def explained() -> list[str]:
    """The columns that the docstring of ``results`` explains, as patterns: X is any end or beginning of a name."""
    lines = (inspect.getdoc(results) or "").splitlines()
    top, head, bottom = (place for place, line in enumerate(lines) if line.startswith("==="))
    width = lines[top].index(" ")
    assert lines[top + 1].split("  ")[0] == "column"
    return [name.replace("X", r"\w+") for line in lines[head + 1 : bottom] for name in line[:width].strip().split(", ")]


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_a_table_has_a_row_for_each_measurement_with_the_numbers_of_the_file(name: str, table: str) -> None:
    """In the lessons alone a row is a curve, and each of its points is a measurement."""
    frame, rows = results(name, table), stored(name)[table]
    if name == "lessons":
        columns = ("images_seen", "seconds", "bits")
        rows = [
            {**row, **{name: row[name][place] for name in columns}} for row in rows for place in range(len(row["bits"]))
        ]
        assert [str(frame.dtypes[column]) for column in columns] == ["int64", "float64", "float64"]
    assert len(frame) == len(rows)
    for (_, found), row in zip(frame.iterrows(), rows, strict=True):
        assert not [(column, value) for column, value in numbers(row) if found[column] != value]
        assert not [column for column, cell in row.items() if isinstance(cell, list | str) and found[column] != cell]


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_no_cell_holds_a_dictionary_and_only_stated_ones_a_list(name: str, table: str) -> None:
    frame = results(name, table)
    kinds = {column: {type(cell) for cell in frame[column]} for column in frame}
    assert not {column for column, found in kinds.items() if dict in found}
    assert {column for column, found in kinds.items() if list in found} <= LISTS
    assert not {column for column in frame if not re.fullmatch(r"\w+", column)}  # else no query could name it


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_every_column_is_explained(name: str, table: str) -> None:
    patterns = explained()
    assert not {column for column in results(name, table) if not any(re.fullmatch(each, column) for each in patterns)}


def test_nothing_is_explained_that_is_not_there() -> None:
    columns = {column for name, table in TABLES for column in results(name, table)}
    assert not {each for each in explained() if not any(re.fullmatch(each, column) for column in columns)}


@pytest.mark.parametrize(("name", "table"), [("frontier", "rows"), ("frontier", "clothes"), ("spreading", "rows")])
def test_the_training_of_a_network_stands_beside_its_scores(name: str, table: str) -> None:
    """As its record says: beside the weights for those that come with the package, in the file for the others."""
    here = {(each["net"], each["seed"]): each for each in stored(name).get("made_here", [])}
    shipped = 0
    for _, row in results(name, table).iterrows():
        made = here.get((row["net"], row.get("seed", 0)))
        shipped += made is None
        about = {} if made else zoo.about(row["net"])
        trained = made or {**about["trained"], "parameters": about["parameters"]}
        assert (row["parameters"], row["digits_seen"]) == (trained["parameters"], trained["images_seen"])
        assert (row["updates"], row["best_update"]) == (trained["iterations"], trained["best_iteration"])
        assert math.isclose(row["training_minutes"], trained["seconds"] / 60, abs_tol=0.051)
    assert bool(shipped) == (table == "rows")
    assert bool(here) == (name == "frontier")


def test_of_other_weights_than_the_shipped_ones_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    content = stored("spreading")
    content["weights"]["digits-any"] = "0" * 64
    monkeypatch.setattr(measurements, "stored", lambda name: content)
    frame = results("spreading").set_index("net")
    assert frame.loc["digits-any"].parameters.isna().all()
    assert frame.loc["digits-diffusion"].parameters.notna().all()


def test_what_is_known_of_a_curve_stands_beside_its_points() -> None:
    curves = stored("frontier")["curves"]
    for table in ("rows", "clothes"):
        for _, row in results("frontier", table).iterrows():
            assert row["controlled"] == curves[row["curve"]]["controlled"]
            for option, value in curves[row["curve"]]["sampling"].items():
                assert row[option] == value


def test_the_main_table_is_the_one_named_rows() -> None:
    assert results("scenes").equals(results("scenes", "rows"))
    assert results("lessons").equals(results("lessons", "runs"))


def test_without_a_name_there_is_a_line_for_each_file() -> None:
    found = results().set_index("name")
    assert found.index.tolist() == NAMES
    assert found.loc["spreading", "tables (rows)"] == "rows (44), bits (18)"
    assert found.command.to_dict() == {name: stored(name)["command"] for name in NAMES}


def test_earlier_commands_are_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"command": "b", "earlier": [{"command": "a", "seed": 0}], "rows": [{"calls": 4}]}
    monkeypatch.setattr(measurements, "stored", lambda name: content)
    assert results("cache").equals(pandas.DataFrame([{"calls": 4}]))
    with pytest.raises(ValueError, match=r"table is 'earlier'; allowed: 'rows'"):
        results("cache", "earlier")


def test_wrong_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"name is 'fronteir'; allowed: .*'cache', .*; did you mean 'frontier'\?"):
        results("fronteir")
    with pytest.raises(ValueError, match=r"table is 'cost'; allowed: 'rows', .*; did you mean 'costs'\?"):
        results("frontier", "cost")

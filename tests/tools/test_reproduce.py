"""``make reproduce``: what is compared with what, and what it says."""

from __future__ import annotations

import copy
import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minigen.course.measurements import KEYS, Results

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import reproduce  # noqa: E402

OLD = {
    "command": "python benchmarks/some.py --rounds 2",
    "date": "2026-11-24",
    "threads": 2,
    "settings": {"count": 1000, "smoke": False},
    "weights": {"net": "abc"},
    "rows": [
        {"curve": "noise", "calls": 4, "told": True, "frechet": 8.0, "floor": {"mean": 3.0}, "seconds": 10.0},
        {"curve": "noise", "calls": 16, "told": True, "frechet": 4.6, "floor": {"mean": 3.0}, "seconds": 40.0},
        {"curve": "patches", "calls": 4, "told": True, "frechet": 203.1, "floor": {"mean": 3.0}, "accuracy": None},
    ],
    "bits": [0.5, 0.25],
}


def changed() -> dict[str, Any]:
    """A copy to be changed."""
    return copy.deepcopy(OLD)


def differs(old: Any, new: Any, tolerance: float = 0.0) -> dict[str, list[reproduce.Difference]]:
    """What a reader is told: all but times, where there is any."""
    found = reproduce.compare(old, new, tolerance)
    return {kind: some for kind, some in found.items() if some and kind not in ("times", "same")}


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every single value."""
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*way, name))
    else:
        yield way


# --- what is compared ------------------------------------------------------------------------------


def test_equal_results_do_not_differ() -> None:
    assert not differs(OLD, changed())
    assert reproduce.report("some", reproduce.compare(OLD, changed())) == "some: nothing differs"


@pytest.mark.parametrize("way", [*leaves(OLD)], ids=lambda way: "-".join(map(str, way)))
def test_every_value_is_compared_but_for_when_where_and_how_fast(way: tuple[Any, ...]) -> None:
    new = changed()
    part: Any = new
    for name in way[:-1]:
        part = part[name]
    part[way[-1]] = 77.5
    aside = {"command", "date", "threads", "weights", "seconds"}
    assert bool(differs(OLD, new)) == (not aside & set(way))


def test_when_and_where_it_was_measured_is_no_difference() -> None:
    new = {**changed(), "date": "2027-01-01", "threads": 8, "command": "python else", "weights": {"net": "def"}}
    new |= {"revision": "abc", "machine": "arm64", "earlier": [{"command": "python benchmarks/some.py"}]}
    assert not differs(OLD, new)


def test_rows_are_found_wherever_they_stand() -> None:
    new = changed()
    new["rows"].reverse()
    assert not differs(OLD, new)


def test_lists_are_compared_place_by_place() -> None:
    """A value that was put in front is not found again one place further on."""
    found = differs({"loss": [0.1, 0.2, 0.3]}, {"loss": [0.4, 0.1, 0.2]})
    assert [place for place, *_ in found["moved"]] == [("loss", "0"), ("loss", "1"), ("loss", "2")]


def test_a_number_that_moved_is_told_with_both_values_the_largest_first() -> None:
    new = changed()
    new["rows"][0]["frechet"] = 7.2
    new["rows"][1]["floor"]["mean"] = 6.0
    new["bits"][1] = 0.26
    found = reproduce.compare(OLD, new, 0.0)
    assert found["moved"] == [
        (("rows", "curve noise, told True, calls 16", "floor", "mean"), 3.0, 6.0),
        (("rows", "curve noise, told True, calls 4", "frechet"), 8.0, 7.2),
        (("bits", "1"), 0.25, 0.26),
    ]
    said = reproduce.report("some", found)
    assert "rows / curve noise, told True, calls 4 / frechet: 8 -> 7.2 (-0.8)" in said
    assert "these differ" in said


def test_new_rows_and_gone_ones_are_named_once() -> None:
    new = changed()
    new["rows"][2] = {**new["rows"][2], "calls": 64}
    new["clothes"] = [{"curve": "noise", "calls": 4, "frechet": 1.0, "accuracy": 0.9}]
    found = differs(OLD, new)
    assert [place for place, *_ in found["gone"]] == [("rows", "curve patches, told True, calls 4")]
    assert {place for place, *_ in found["new"]} == {("rows", "curve patches, told True, calls 64"), ("clothes",)}
    assert found.keys() == {"gone", "new"}
    assert "  gone     rows / curve patches, told True, calls 4" in reproduce.report("x", reproduce.compare(OLD, new))


def test_a_row_is_gone_also_if_it_was_like_none_that_stays() -> None:
    """However little two tables share, rows are told one by one."""
    old = {"rows": [{"calls": calls, "frechet": 1.0} for calls in range(9)]}
    found = differs(old, {"rows": [old["rows"][0], {"calls": 99, "frechet": 1.0}]})
    assert [place for place, *_ in found["gone"]] == [("rows", f"calls {calls}") for calls in range(1, 9)]
    assert [place for place, *_ in found["new"]] == [("rows", "calls 99")]


def test_a_value_that_is_new_or_gone_in_a_row_is_named_with_it() -> None:
    new = changed()
    new["rows"][0]["kernel"] = 0.1
    del new["rows"][1]["frechet"]
    found = differs(OLD, new)
    assert [place for place, *_ in found["new"]] == [("rows", "curve noise, told True, calls 4", "kernel")]
    assert [place for place, *_ in found["gone"]] == [("rows", "curve noise, told True, calls 16", "frechet")]


def test_times_are_summed_up_and_are_no_difference() -> None:
    new = changed()
    new["rows"][0]["seconds"], new["rows"][1]["seconds"] = 5.0, 60.0
    assert not differs(OLD, new)
    said = reproduce.report("some", reproduce.compare(OLD, new))
    assert said == "some: nothing differs\n  times    1.00 of what they were (from 0.50 to 1.50)"


def test_what_is_no_number_and_changed_is_told() -> None:
    new = changed()
    new["settings"]["smoke"] = True  # True is no 1 here
    new["rows"][2]["accuracy"] = 0.9
    new["rows"][0]["seconds"] = None  # a time that is none
    found = differs(OLD, new)
    assert found.keys() == {"changed"}
    assert sorted(found["changed"], key=str) == [
        (("rows", "curve noise, told True, calls 4", "seconds"), 10.0, None),
        (("rows", "curve patches, told True, calls 4", "accuracy"), None, 0.9),
        (("settings", "smoke"), False, True),
    ]
    assert "  changed  settings / smoke: False -> True" in reproduce.report("x", reproduce.compare(OLD, new))


def test_a_whole_number_may_come_back_as_a_decimal() -> None:
    assert not differs({"rows": [{"calls": 4, "frechet": 8}]}, {"rows": [{"calls": 4, "frechet": 8.0}]})


def test_a_long_list_is_cut_and_says_so() -> None:
    new = {**changed(), "bits": [0.0, 0.1]}
    assert "moved    and 1 more, by less" in reproduce.report("some", reproduce.compare(OLD, new), shown=1)


def test_rows_that_cant_be_told_apart_are_an_error() -> None:
    new = changed()
    new["rows"].append(new["rows"][0])
    for pair in ((OLD, new), (new, OLD)):
        with pytest.raises(ValueError, match="two rows are called rows / curve noise, told True, calls 4"):
            reproduce.compare(*pair)


# --- tolerances ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "was", "near", "far"),
    [
        ("frechet", 8.0, 8.5, 9.0),
        ("kernel", -0.0005, 0.0009, 0.002),
        ("accuracy", 0.97, 0.955, 0.94),
        ("grain", 1.0, 1.005, 1.02),
        ("floor", 3.0329, 3.0331, 3.05),
        ("count", 1000, 1000, 1001),
        ("seed", 0, 0, 1),
        ("of another kind", 1.0, 1.0, 1.0001),
    ],
)
def test_each_kind_of_number_has_its_own_tolerance(column: str, was: float, near: float, far: float) -> None:
    for fact in (column, "rows"):
        old, close, off = ({fact: {column: value} if fact == "rows" else value} for value in (was, near, far))
        assert not differs(old, close, 1.0)
        assert differs(old, off, 1.0).keys() == {"moved"}
        assert bool(differs(old, close, 0.0)) == (was != near)


def test_settings_are_compared_exactly() -> None:
    new = changed()
    new["settings"]["count"] = 1001
    assert differs(OLD, new, 1.0)["moved"] == [(("settings", "count"), 1000, 1001)]


def test_no_column_has_two_tolerances() -> None:
    columns = [column for each in reproduce.COMPARED for column in each.columns.split()]
    assert len(columns) == len(set(columns))


@pytest.mark.parametrize("name", reproduce.known())
def test_every_decimal_of_the_committed_results_has_a_tolerance(name: str) -> None:
    """It names the row, or stands in the table: none is compared exactly only because it was forgotten."""
    content = json.loads((reproduce.RESULTS / f"{name}.json").read_text())
    del content["settings"]
    for way in leaves(content):
        value: Any = content
        for part in way:
            value = value[part]
        if isinstance(value, float):
            assert {*reproduce.HOW, *KEYS} & set(way), way


@pytest.mark.parametrize("name", reproduce.known())
def test_the_rows_of_the_committed_results_can_be_told_apart(name: str) -> None:
    content = json.loads((reproduce.RESULTS / f"{name}.json").read_text())
    assert reproduce.report(name, reproduce.compare(content, copy.deepcopy(content), 0.0)) == f"{name}: nothing differs"
    tables = [table for table, rows in content.items() if isinstance(rows, list) and table != "earlier"]
    assert all(isinstance(reproduce.by_name(content)[table], dict) for table in tables)


# --- the committed commands ------------------------------------------------------------------------

LACKING = {"speedrun": 2}
"""Rows that the command of a committed file would add to it."""


@pytest.mark.parametrize("name", reproduce.known())
def test_the_command_of_a_committed_file_makes_that_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run over a copy, it finds the settings, the weights, the facts and all rows as it would make them."""
    out, lacking = tmp_path / f"{name}.json", []

    def measure(self: Results, table: str, key: dict[str, Any], *others: Any, **more: Any) -> dict[str, Any]:
        there = self.find(table, json.loads(json.dumps(key)))
        lacking.extend([] if there else [key])
        return there or {**key, "over_floor": 2.0}

    monkeypatch.setattr(Results, "measure", measure)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    shutil.copy(reproduce.RESULTS / f"{name}.json", out)
    for command in reproduce.commands_for(name, out):
        train_nothing = ["--trained"] if name == "frontier" else []
        monkeypatch.setattr(sys, "argv", [*command[1:], *train_nothing])
        runpy.run_path(command[1], run_name="__main__")
    assert out.read_bytes() == (reproduce.RESULTS / f"{name}.json").read_bytes()
    assert len(lacking) == LACKING.get(name, 0), lacking


# --- the run ---------------------------------------------------------------------------------------


@pytest.fixture
def some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one result, and a benchmark that counts how often it ran."""
    for folder in ("benchmarks", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "results" / "some.json").write_text(json.dumps(OLD))
    (tmp_path / "benchmarks" / "some.py").write_text(
        "import json, pathlib, sys\n"
        "here = pathlib.Path('ran'); here.write_text(here.read_text() + '.' if here.exists() else '.')\n"
        "if pathlib.Path('broken').exists(): sys.exit(3)\n"
        "content = json.loads(pathlib.Path('results/some.json').read_text())\n"
        "content['bits'][0] = 0.75\n"
        "assert sys.argv[1:-1] == ['--rounds', '2', '--out']\n"
        "pathlib.Path(sys.argv[-1]).write_text(json.dumps(content))\n"
    )
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    monkeypatch.setattr(reproduce, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reproduce, "FRESH", tmp_path / "runs" / "reproduce")
    return tmp_path


def test_a_result_is_measured_once_and_compared_each_time(some: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (some / "results" / "some.json").read_bytes()
    for _ in range(2):
        assert reproduce.main(["some"]) == 0
        assert "moved    bits / 0: 0.5 -> 0.75 (+0.25)" in capsys.readouterr().out
    assert (some / "ran").read_text() == "."
    assert reproduce.main(["--again"]) == 0
    assert (some / "ran").read_text() == ".."
    assert (some / "results" / "some.json").read_bytes() == before


def test_a_file_that_took_several_commands_is_made_by_all_of_them_in_order(some: Path) -> None:
    """Into one new file; a command that made rows twice, at two revisions, runs once."""
    earlier = [{"command": "python benchmarks/first.py --rounds 2", "revision": revision} for revision in "ab"]
    (some / "results" / "some.json").write_text(json.dumps({**OLD, "earlier": earlier}))
    script = (some / "benchmarks" / "some.py").read_text()
    (some / "benchmarks" / "first.py").write_text(script.replace("'.'", "'1'"))
    assert [command[1:] for command in reproduce.commands_for("some", Path("new.json"))] == [
        [str(some / "benchmarks" / f"{name}.py"), "--rounds", "2", "--out", "new.json"] for name in ("first", "some")
    ]
    assert reproduce.main(["some"]) == 0
    assert (some / "ran").read_text() == "1."


def test_what_failed_is_tried_again(some: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (some / "broken").touch()
    assert reproduce.main(["some"]) == 1
    assert "some: the command failed" in capsys.readouterr().err
    (some / "broken").unlink()
    assert reproduce.main(["some"]) == 0
    assert (some / "ran").read_text() == ".."


def test_the_list_runs_nothing(some: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert "python benchmarks/some.py --rounds 2 --out runs/reproduce/some.json" in said
    assert not (some / "ran").exists()


def test_an_unknown_name_says_which_there_are(some: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reproduce.main(["sone"])
    assert "no results are called sone; allowed: some" in capsys.readouterr().err

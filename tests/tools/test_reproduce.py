"""``make reproduce``: what is compared with what, and what it says."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

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


def test_equal_results_do_not_differ() -> None:
    found = reproduce.compare(OLD, changed())
    assert not found
    assert found.compared == 20
    assert "nothing differs" in reproduce.report("some", found)


def test_when_and_where_it_was_measured_is_no_difference() -> None:
    new = {**changed(), "date": "2027-01-01", "threads": 8, "command": "python else", "weights": {"net": "def"}}
    assert not reproduce.compare(OLD, new)


def test_rows_are_found_wherever_they_stand() -> None:
    new = changed()
    new["rows"].reverse()
    assert not reproduce.compare(OLD, new)


def test_a_number_that_moved_is_told_with_both_values_the_largest_first() -> None:
    new = changed()
    new["rows"][0]["frechet"] = 7.2
    new["rows"][1]["floor"]["mean"] = 6.0
    new["bits"][1] = 0.26
    found = reproduce.compare(OLD, new)
    assert found.moved == [
        (("rows", "curve noise, told True, calls 16", "floor", "mean"), 3.0, 6.0),
        (("rows", "curve noise, told True, calls 4", "frechet"), 8.0, 7.2),
        (("bits", "1"), 0.25, 0.26),
    ]
    said = reproduce.report("some", found)
    assert "rows / curve noise, told True, calls 4 / frechet: 8 -> 7.2 (-0.8)" in said
    assert "these differ" in said


def test_the_tolerance_is_relative() -> None:
    new = changed()
    new["rows"][2]["frechet"] = 204.0  # by 0.4 %
    new["rows"][0]["frechet"] = 7.9  # by 1.3 %
    assert [key[1] for key, *_ in reproduce.compare(OLD, new, 0.01).moved] == ["curve noise, told True, calls 4"]
    assert len(reproduce.compare(OLD, new).moved) == 2


def test_new_rows_and_gone_ones_are_named_once() -> None:
    new = changed()
    new["rows"][2] = {**new["rows"][2], "calls": 64}
    new["clothes"] = [{"curve": "noise", "calls": 4, "frechet": 1.0, "accuracy": 0.9}]
    found = reproduce.compare(OLD, new)
    assert found.gone == [("rows", "curve patches, told True, calls 4")]
    assert found.new == [("rows", "curve patches, told True, calls 64"), ("clothes",)]
    assert "  gone     rows / curve patches, told True, calls 4" in reproduce.report("some", found)


def test_a_value_that_is_new_or_gone_in_a_row_is_named_with_it() -> None:
    new = changed()
    new["rows"][0]["kernel"] = 0.1
    del new["rows"][1]["frechet"]
    found = reproduce.compare(OLD, new)
    assert found.new == [("rows", "curve noise, told True, calls 4", "kernel")]
    assert found.gone == [("rows", "curve noise, told True, calls 16", "frechet")]


def test_times_are_summed_up_and_are_no_difference() -> None:
    new = changed()
    new["rows"][0]["seconds"], new["rows"][1]["seconds"] = 5.0, 60.0
    found = reproduce.compare(OLD, new)
    assert not found
    assert sorted(found.times) == [0.5, 1.5]
    assert "times    1.00 of what they were (from 0.50 to 1.50)" in reproduce.report("some", found)


def test_what_is_no_number_and_changed_is_told() -> None:
    new = changed()
    new["settings"]["smoke"] = True  # True is no 1 here
    new["rows"][2]["accuracy"] = 0.9
    found = reproduce.compare(OLD, new)
    assert found.changed == [
        (("rows", "curve patches, told True, calls 4", "accuracy"), None, 0.9),
        (("settings", "smoke"), False, True),
    ]
    assert not found.moved


def test_a_long_list_is_cut_and_says_so() -> None:
    new = {**changed(), "bits": [0.0, 0.1]}
    assert "moved    and 1 more, by less" in reproduce.report("some", reproduce.compare(OLD, new), shown=1)


def test_rows_that_cant_be_told_apart_are_an_error() -> None:
    new = changed()
    new["rows"].append(new["rows"][0])
    with pytest.raises(ValueError, match="two rows are called rows / curve noise, told True, calls 4"):
        reproduce.compare(OLD, new)


@pytest.mark.parametrize("name", reproduce.known())
def test_the_rows_of_the_committed_results_can_be_told_apart(name: str) -> None:
    content = json.loads((reproduce.RESULTS / f"{name}.json").read_text())
    assert not reproduce.compare(content, content)


@pytest.mark.parametrize("name", reproduce.known())
def test_the_command_of_a_result_takes_out(name: str) -> None:
    command = reproduce.command_for(name, Path("new.json"))
    assert '"--out"' in Path(command[1]).read_text()
    assert command[-2:] == ["--out", "new.json"]


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

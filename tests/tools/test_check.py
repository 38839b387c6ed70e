"""``make test``: which parts there are, and that a failure is one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check  # noqa: E402


def test_the_commands_are_shown_and_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"python -m {command}" for commands in check.PARTS.values() for command in commands]


def test_every_folder_that_is_typed_exists() -> None:
    assert [name for name in check.SCRIPTS if not (ROOT / name).is_dir()] == []


def test_a_failure_stops_and_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = {"one": ("timeit -n1 -r1 pass",), "two": ("timeit --no-such-option",), "three": ("timeit -n1 -r1 pass",)}
    monkeypatch.setattr(check, "PARTS", parts)
    assert check.main([]) == 2
    shown = capfd.readouterr()
    assert shown.out.count("python -m timeit") == 2
    assert "two: this command failed: python -m timeit --no-such-option" in shown.err
    assert check.main(["one", "three"]) == 0
    assert "three" in capfd.readouterr().out.splitlines()[-2]


def test_an_unknown_part_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check.main(["stile"])
    assert "no part is called stile; allowed: style, types" in capsys.readouterr().err


def test_too_long_is_said_and_no_failure() -> None:
    assert "this is longer" in check.share({"tests": check.BUDGET + 1.0})
    assert "this is longer" not in check.share({"tests": check.BUDGET - 1.0})


def test_programs_side_by_side_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert check.environment("tests")["OMP_NUM_THREADS"] == "3"
    assert "OMP_NUM_THREADS" not in check.environment("notebooks")
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert check.environment("tests")["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert check.environment("tests")["OMP_NUM_THREADS"] == "4"


def test_a_wait_policy_that_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert check.environment()["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert check.environment()["OMP_WAIT_POLICY"] == "ACTIVE"

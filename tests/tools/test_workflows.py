"""The workflows: they can be read, ask for little, and name only what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MADE_BY_RUNNING = ("_build/", "newest/", "versions/")
WRITES = {
    "pages.yml": {"colab": {"contents": "write"}, "deploy": {"pages": "write", "id-token": "write"}},
}


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def workflow(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def scripts(workflow: dict[Any, Any]) -> list[str]:
    return [step["run"] for step in steps(workflow) if "run" in step]


def missing(script: str) -> list[str]:
    """The files and make targets that a script names and that don't exist."""
    words = [word.strip("\"'") for word in script.split()]
    words = [word.removeprefix("--ignore=") for word in words]
    paths = [word for word in words if re.fullmatch(r"[\w.-]+(/[\w.*-]+)+", word)]
    lost = [word for word in paths if not word.startswith(MADE_BY_RUNNING) and not (ROOT / word).exists()]
    return lost + [target for target in re.findall(r"\bmake ([\w-]+)", script) if target not in TARGETS]


def test_there_are_three() -> None:
    assert [path.name for path in WORKFLOWS] == ["pages.yml", "tests.yml", "weekly.yml"]


def test_it_starts_with_reading_alone(path: Path, workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    asked = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert asked == WRITES.get(path.name, {})


def test_it_says_when_it_runs(workflow: dict[Any, Any]) -> None:
    assert workflow[True], "YAML reads the key `on` as True"


def test_every_job_ends_some_time(workflow: dict[Any, Any]) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_only_official_actions_with_a_version(workflow: dict[Any, Any]) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


def test_a_script_stops_at_the_first_failure(workflow: dict[Any, Any]) -> None:
    assert scripts(workflow) or "uses" in steps(workflow)[0]
    assert [script for script in scripts(workflow) if not script.startswith("set -euo pipefail\n")] == []
    assert {step["shell"] for step in steps(workflow) if "run" in step} <= {"bash"}


def test_a_script_takes_nothing_from_an_event(workflow: dict[Any, Any]) -> None:
    """``${{ }}`` inside a script would let the title of a pull request be run."""
    assert [script for script in scripts(workflow) if "${{" in script] == []


def test_a_script_names_what_exists(workflow: dict[Any, Any]) -> None:
    assert [name for script in scripts(workflow) for name in missing(script)] == []


def test_what_is_missing_is_found() -> None:
    assert missing("bash .ci/run && make test") == []
    assert missing("pytest --ignore=tests/site --ignore=tests/sites tests") == ["tests/sites"]
    assert missing("bash .ci/walk && make tests") == [".ci/walk", "tests"]


def weekly(job: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())["jobs"][job]
    return found


def test_the_lowest_and_the_newest_versions_are_tested_every_week() -> None:
    job = weekly("versions")
    said = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rows = {row["packages"]: row["python"] for row in job["strategy"]["matrix"]["include"]}
    assert list(rows) == ["lowest", "newest"]
    assert f'requires-python = ">={rows["lowest"]}"' in said
    assert "continue-on-error" not in job
    script = job["steps"][-1]["run"]
    assert "python tools/lowest.py > constraints.txt" in script
    assert "-c constraints.txt" in script, "what the tests need must not lift a version"


def test_windows_is_tried_and_says_that_it_is_not_promised() -> None:
    """Nothing else in the workflows may fail unnoticed, and no page says that it works there."""
    job = weekly("windows")
    assert job["continue-on-error"] is True
    assert job["name"] == "windows (tried, not promised)"
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text())["jobs"]
        assert [name for name, each in jobs.items() if "continue-on-error" in each] in ([], ["windows"])


def test_pages_publishes_what_the_target_builds() -> None:
    """The folders in the workflow are those of ``make site``."""
    makefile = (ROOT / "Makefile").read_text()
    pages = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())
    taken = [step["with"]["path"] for step in pages["jobs"]["build"]["steps"] if "path" in step.get("with", {})]
    assert taken == ["_build/stamped/_build/html", "_build/stamped/colab/book/*.ipynb"]
    assert "--out _build/stamped" in makefile
    assert "touch _build/stamped/_build/html/.nojekyll" in makefile

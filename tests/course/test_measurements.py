"""The results files: what made them, and that they are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigen.course.measurements import RESULTS, stored


@pytest.mark.parametrize("name", [path.stem for path in RESULTS.glob("*.json")])
def test_results_say_how_to_make_them_again(name: str) -> None:
    """The command names a script of the repository, and the file is what that script writes by default."""
    found = stored(name)
    assert {"command", "date", "seed", "threads"} <= found.keys()
    script = Path(__file__).parents[2] / found["command"].split()[1]
    assert f"results/{name}.json" in script.read_text()
    assert not found["settings"]["smoke"]


def test_unknown_results_name_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"name is 'lesons'; allowed: .*'lessons'.*did you mean 'lessons'"):
        stored("lesons")

"""The lowest versions are those of pyproject.toml, and none is lower than what the package calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import lowest

ROOT = Path(__file__).resolve().parents[2]


def test_it_prints_a_pin_for_every_dependency() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "lowest.py"], capture_output=True, text=True, check=True)
    pins = dict(line.split("==") for line in done.stdout.splitlines())
    asked = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("dependencies = [")[2].partition("]")[0]
    assert len(pins) == asked.count(">=")
    assert all(f'"{name}>={version}"' in asked for name, version in pins.items())


def test_the_lowest_torch_has_what_the_optimizer_is_made_of() -> None:
    """``torch.optim.Muon``, which ``training/optimizers.py`` builds on when it is imported, came with 2.9."""
    assert (ROOT / "minigen" / "training" / "optimizers.py").read_text(encoding="utf-8").count("torch.optim.Muon)") == 1
    said = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"torch>=2.9"' in said


@pytest.mark.parametrize("wrong", ["torch", "torch==2.9", "torch>=2.9,<3", "torch[cuda]>=2.9"])
def test_what_has_no_lower_bound_alone_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"dependency is .*; allowed: a name and a lower bound alone"):
        lowest.lowest([wrong])

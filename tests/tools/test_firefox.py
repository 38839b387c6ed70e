"""The weekly look through Firefox finds what differs; without that browser, or a connection, it is not run here."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
import yaml
from helpers_engine import by_the_package
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import firefox
from firefox import ROOT


def said(images: Tensor) -> dict[str, str]:
    """As the page says it."""
    return {"images": base64.b64encode(images.numpy().tobytes()).decode()}


@pytest.mark.parametrize("case", ["averages", "patches"])
def test_a_drawing_is_compared_with_the_packages(case: str) -> None:
    images = by_the_package(*firefox.DRAWINGS[case])
    assert firefox.difference(said(images), case) == ""
    images[0, 0, 8, 8] += 0.01
    assert firefox.difference(said(images), case).startswith(f"1 of {images.numel()} numbers differ, by up to 0.01")
    assert firefox.difference({"error": "no worker"}, case) == "no worker"


def test_a_canvas_is_compared_with_the_packages() -> None:
    """Four digits side by side, each pixel twice as wide."""
    wanted = by_the_package("digits-v", 4, {"steps": 2, "labels": 3})[:, 0].clamp(-1, 1).add(1).mul(127.5).round()
    sheet = wanted.new_zeros(32, 4 * 34 - 2, 4)
    for i, digit in enumerate(wanted):
        sheet[:, 34 * i : 34 * i + 32] = digit.repeat_interleave(2, 0).repeat_interleave(2, 1)[..., None]
    canvas = sheet.flatten().int().tolist()
    assert firefox.canvas_difference(134, 32, canvas) == ""
    assert firefox.canvas_difference(134, 32, [255 - value for value in canvas]).endswith("of 1024 pixels differ")


def test_it_runs_every_week_and_not_in_every_test_run() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())["jobs"]
    assert jobs["firefox"]["steps"][-1]["run"].endswith("python tools/firefox.py\n")
    assert "firefox" not in (ROOT / "tools" / "check.py").read_text()


def test_no_firefox_is_no_success(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("MINIGEN_FIREFOX", raising=False)
    monkeypatch.setenv("PATH", "")
    assert firefox.main() == 2
    assert "No Firefox was found" in capsys.readouterr().err

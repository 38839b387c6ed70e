"""The wheel, installed where the clone is not: it has every file it needs, and works.

Colab builds a wheel, while an editable installation finds whatever lies in the clone; so only this test notices a
folder or a data file that pyproject.toml forgets.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import minigen

ROOT = Path(minigen.__file__).parents[1]
PATIENCE = 1800
"""Seconds that a step may take on a busy machine."""

USE = """
import pathlib, sys
import minigen as mg

print(mg.__file__)
drawn = mg.sample(mg.zoo.load("digits-v", device="cpu"), 1, steps=2, eta=0.0)
assert drawn.shape == (1, 1, 16, 16), drawn.shape
assert mg.check("first-step", 0.4, 1.6).right
assert not mg.check("first-step", 0.8, 1.6).right
assert len(mg.data.digits(split="held-out")[0]) == 1000
assert mg.data.scenes(1).images.shape == (1, 3, 32, 32)
assert len(mg.results("frontier")) == len(mg.zoo.results("frontier")["rows"])
assert len(mg.zoo.claims()) == 26
assert mg.metrics.judged_labels(drawn).shape == (1,)
frames = [mg.plots.grid(drawn, alt=f"a digit, for the {nth} time") for nth in ("first", "second")]
assert "mg-scrub" in mg.widgets.scrub(frames, {"time": [1, 2]}).html
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # which could name the clone
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=outside, capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git has of the clone (or all of it, where there is no git), built outside of it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for path in tracked():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / path).read_bytes())
    # setuptools is the environment's own, so that nothing has to be fetched
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", folder, source, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


def tracked() -> list[str]:
    """What belongs to the distribution, as paths from the clone's root."""
    names = ["pyproject.toml", "README.md", "LICENCE", "LICENCE-PROSE"]
    inside = (path for path in (ROOT / "minigen").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [*names, *sorted(str(path.relative_to(ROOT)) for path in inside)]


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    """Code, digits, weights, results, claims, the sliders' script, and who is typed."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("minigen/")}
    assert inside == {name for name in tracked() if name.startswith("minigen/")}


def test_the_licences_are_in_the_wheel(wheel: Path) -> None:
    """Those of code and prose, and the digits' own."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for licence in ("LICENCE", "LICENCE-PROSE", "DIGITS-LICENCE.md"):
        assert [name for name in names if name.endswith(f"/{licence}") and "dist-info" in name], licence


def test_the_wheel_works_where_the_clone_is_not(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own it draws a digit, runs a check and finds its data."""
    venv.create(tmp_path / "fresh", with_pip=False)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = tmp_path / "fresh" / scripts / Path(sys.executable).name
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # torch and the others come from here; what is installed here in an editable way does not, since it has a .pth of
    # its own, which is not read from a folder that another .pth names
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel, cwd=tmp_path)
    where = run(python, "-W", "error", "-c", USE, cwd=tmp_path).strip()
    assert Path(where).is_relative_to(site)

"""The parts of the page "Your own part", as somebody uses them who copies its cells into a file in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch
from nbformat import NotebookNode

from minigen.base import store

PATIENCE = 1200
"""Seconds that a process may take on a busy machine."""

PAGE = Path(__file__).resolve().parents[2] / "book" / "your-own-part.ipynb"
LIMITS = {"Spiral": 12, "Plain": 20, "Median": 30, "Bold": 20}
"""Lines that each class may have."""

MODELS = """

MODELS = dict(
    Spiral=lambda: mg.Generator(net(), head, Spiral(), condition=told),
    Plain=lambda: mg.Generator(Plain(), head, plan, condition=told),
    Median=lambda: mg.Generator(net(), Median(), plan, condition=told),
    Bold=lambda: mg.Generator(net(), head, plan, condition=Bold()),
)
"""

TRAIN = """
from draw import *

for name, make in MODELS.items():
    torch.manual_seed(0)
    model = make()
    given = model.condition.tokens((labels, bold), len(labels)) if name == "Bold" else labels
    mg.train(model, images, given, **(lesson | dict(iterations=3, progress=False, device="cpu")))
    model.save(f"{name}.safetensors")
    store.save(f"{name}.drawn", drawn(model), {})
"""

DRAW = """
import sys
from parts import *
from minigen.base import store

torch.set_num_threads(1)

def drawn(model):
    asked = (torch.tensor([3] * 4), torch.tensor([-1.0, 0.0, 1.0, 2.0])) if isinstance(model.condition, Bold) else 3
    found = {"untold": mg.sample(model, 4, **walk), "told": mg.sample(model, 4, labels=asked, **walk)}
    return found | {"guided": mg.sample(model, 4, labels=asked, guidance_scale=2.0, steps=4)}

if __name__ == "__main__":
    for name in MODELS:
        store.save(f"{name}.again", drawn(mg.Generator.load(f"{name}.safetensors")), {})
"""

FORGET = """
import minigen as mg

for name in ("Spiral", "Plain", "Median", "Bold"):
    try:
        mg.Generator.load(f"{name}.safetensors")
    except ValueError as refused:
        print(refused)
"""


def code() -> list[NotebookNode]:
    return [cell for cell in nbformat.read(PAGE, as_version=nbformat.NO_CONVERT).cells if cell.cell_type == "code"]


def cell_with(beginning: str) -> NotebookNode:
    """The only code cell that begins so."""
    [found] = [cell for cell in code() if cell.source.startswith(beginning)]
    return found


def python(script: str, folder: Path) -> str:
    """What a fresh Python says that runs this in the folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the page's cells in a file, and what one process made of them, then another."""
    imports = re.findall(r"^(?:import|from) .*$", cell_with("import tempfile").source, re.MULTILINE)
    cells = [cell_with(f"class {name}").source for name in LIMITS]
    setup = [cell_with(beginning).source for beginning in ("images, labels", "def ink")]
    made = tmp_path_factory.mktemp("empty")
    (made / "parts.py").write_text("\n".join(imports) + "\n\n" + "\n\n\n".join([*setup, *cells]) + MODELS)
    for name, script in (("train.py", TRAIN), ("draw.py", DRAW), ("forget.py", FORGET)):
        (made / name).write_text(script)
    python("train.py", made)
    python("draw.py", made)
    return made


@pytest.mark.parametrize("name", LIMITS)
def test_a_class_is_short(name: str) -> None:
    lines = cell_with(f"class {name}").source.splitlines()
    assert len(lines) <= LIMITS[name]
    assert max(map(len, lines)) <= 76


@pytest.mark.parametrize("name", LIMITS)
def test_loaded_in_another_process_it_draws_the_same_to_the_bit(name: str, folder: Path) -> None:
    expected, _ = store.load(folder / f"{name}.drawn")
    found, _ = store.load(folder / f"{name}.again")
    assert found.keys() == expected.keys() == {"untold", "told", "guided"}
    assert all(torch.equal(found[way], value) for way, value in expected.items())
    assert not torch.equal(found["told"], found["untold"])
    assert not torch.equal(found["told"], found["guided"])


def test_who_forgets_the_class_is_told_what_the_page_says(folder: Path) -> None:
    said = python("forget.py", folder).splitlines()
    for kind, name, line in zip(("plan", "net", "head", "condition"), LIMITS, said, strict=True):
        assert line.startswith(f"{kind} is {name!r}, a class that is not defined here; allowed: to define or import")
    [printed] = cell_with("import subprocess").outputs
    assert printed.text.split() == ["minigen:", *said[0].split()]


def test_the_recipe_of_the_page_is_one(folder: Path) -> None:
    """What stands there for the command line: the class, and a recipe that knows it."""
    [text] = [cell.source for cell in nbformat.read(PAGE, as_version=4).cells if "# parts.py\n" in cell.source]
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    whole = re.sub(r"class Spiral.*?# as above\n", cell_with("class Spiral").source + "\n", block, flags=re.DOTALL)
    (folder / "own.py").write_text(whole)
    (folder / "recipe.py").write_text("import own\nprint(own.mg.recipes.recipe('spiral').config()['model'])\n")
    assert "'plan': {'class': 'Spiral', 'settings': {}}" in python("recipe.py", folder)

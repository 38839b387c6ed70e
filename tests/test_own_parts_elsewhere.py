"""A reader's own parts in other processes: loaded, killed, shared, on the command line; and own recipes by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import helpers_own as own
import pytest
import torch
from helpers_core import PATIENCE
from helpers_training import QUIET, same_weights
from torch import nn

from minigen import Generator, Labels, data, heads, nets, plans, process, recipes, sample, zoo
from minigen.__main__ import main
from minigen.base import store
from minigen.conditions import Condition
from minigen.show import plots
from minigen.zoo.recipes import RECIPES, Recipe, recipe

TESTS = Path(__file__).parent
ROOTS = (plans.Plan, heads.Head, nets.Net, process.Schedule, Condition)


def python(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Another Python, on one core."""
    told: dict[str, Any] = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *map(str, words)], timeout=PATIENCE, cwd=cwd or TESTS.parent, **told)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """As in the other processes, so that sums are added in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file defines and adds is forgotten after a test."""
    for root in ROOTS:
        monkeypatch.setattr(root, "known", dict(root.known))
    monkeypatch.setitem(RECIPES, "own-digits", recipe("digits-minute"))
    del RECIPES["own-digits"]


# --- loaded, and killed, in a process of its own ---------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, _one_thread: None) -> Path:
    """A folder with what this process trained and drew, and what another one made of the files."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in own.MODELS:
        model, losses = own.taught(name)
        model.save(folder / f"{name}.safetensors")
        store.save(folder / f"{name}.expected", own.drawn(model), {"loss": losses})
    done = python(own.__file__, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", own.MODELS)
def test_a_fresh_process_draws_the_same_from_the_file(name: str, elsewhere: Path) -> None:
    expected, _ = store.load(elsewhere / f"{name}.expected")
    found, _ = store.load(elsewhere / f"{name}.drawn")
    assert found.keys() == expected.keys()
    assert "plain" in found
    assert all(torch.equal(found[way], value) for way, value in expected.items())


@pytest.mark.parametrize("name", own.MODELS)
def test_killed_twice_it_ends_the_same(name: str, elsewhere: Path) -> None:
    expected, _ = store.load(elsewhere / f"{name}.safetensors")
    found, about = store.load(elsewhere / f"{name}.resumed")
    assert about["loss"] == store.load(elsewhere / f"{name}.expected")[1]["loss"]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[part], value) for part, value in expected.items())


# --- shared by processes ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, _one_thread: None) -> Path:
    """What two processes trained together, and what one alone."""
    folder = tmp_path_factory.mktemp("together")
    own.shared(folder)
    waits = ",".join(f"{name}={PATIENCE}" for name in ("join_timeout", "close_timeout", "heartbeat_timeout"))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", f"--rdzv-conf={waits}"]
    done = python(*torchrun, own.__file__, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("kind", ["denoiser", "louder", "spiral"])
def test_all_processes_have_the_same_weights(kind: str, together: Path) -> None:
    (one, about), (other, too) = (store.load(together / f"{kind}-{rank}-of-2") for rank in (0, 1))
    assert all(torch.equal(other[name], value) for name, value in one.items())
    assert about["loss"] == too["loss"]


@pytest.mark.parametrize("kind", ["denoiser", "spiral"])
def test_what_needs_no_dice_or_throws_them_apart_follows_the_path_of_one(kind: str, together: Path) -> None:
    """A reader's loss, which knows nothing of processes, and the package's with own parts."""
    (alone, expected), (found, about) = (store.load(together / f"{kind}-0-of-{count}") for count in (1, 2))
    assert about["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for name, value in alone.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4, msg=name)
        assert found[name].abs().max() > 1e-3, "it trained"


def test_every_process_has_dice_of_its_own(together: Path) -> None:
    """None is thrown twice: not in two processes, nor in two updates."""
    thrown = [store.load(together / f"denoiser-{rank}-of-2")[1]["dice"] for rank in (0, 1)]
    assert [len(dice) for dice in thrown] == [4, 4]
    assert len({*thrown[0], *thrown[1]}) == 8


def test_a_loss_that_was_written_over_ours_is_the_one_that_counts(together: Path) -> None:
    """Also under torchrun, where the package's own is taken apart into dice and judgement."""
    for place in ("louder-0-of-1", "louder-0-of-2", "louder-1-of-2"):
        about = store.load(together / place)[1]
        assert about["asked"] == 4
        assert about["loss"][0] == pytest.approx(3 * float(data.digits(own.SIZE)[0][:40].abs().mean()), rel=0.1)


# --- the command line ------------------------------------------------------------------------------

PARTS = '''
import torch
import minigen as mg
from torch import nn

class Snake(mg.plans.Plan):
    whole = True

    def levels(self, progress, shape, drawn=None):
        place = torch.arange(shape[-1] ** 2).view(shape[-2:])
        place[1::2] = place[1::2].flip(1)
        return mg.plans.as_levels(place.flatten() >= (progress[:, None] * shape[-1] ** 2).round(), shape)

    def default_steps(self, shape):
        return shape[-1] ** 2

class Thin(mg.nets.Net):
    def __init__(self, size=16, width=4):
        super().__init__()
        self.shape, self.features, self.context_size = (1, size, size), width, width
        self.conv = nn.Conv2d(2, width, 3, padding=1)

    def forward(self, x_t, t, context):
        return torch.relu(self.conv(torch.cat([x_t, t.expand_as(x_t)], 1)) + context[:, :, None, None])

class Ink(mg.heads.Head):
    draws = True
    def loss(self, output, x0, eps, t, schedule):
        return nn.functional.softplus(-x0.sign() * output)
    def belief(self, output, x_t, t, schedule):
        return output
    def x0_hat(self, belief, uniform, temperature, clip):
        return belief.tanh() if uniform is None else (belief.sigmoid() - uniform).sign()

class Holes(mg.conditions.Condition):
    """How many holes the digit has that one asks for."""
    def tokens(self, given, count):
        return (torch.arange(count) % 10 if given is None else torch.as_tensor(given)).expand(count)
    def none(self, count):
        return torch.full((count,), 10)
    def embedding(self, size):
        return Counted(size)

class Counted(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.vectors = nn.Embedding(4, size)
    def forward(self, tokens):
        return self.vectors(torch.tensor([1, 0, 0, 0, 0, 0, 1, 0, 2, 1, 3])[tokens])

def made():
    return mg.Generator(Thin(), Ink(), Snake(), condition=Holes())

mg.recipes.add(mg.recipes.Recipe(
    "own-digits", "digits in a snake, told how many holes", made,
    training=dict(iterations=3, batch_size=16, validate_every=2), sampling=dict(steps=4)))
'''


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a reader, in the folder where one works."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.py").write_text(PARTS)
    return tmp_path / "parts.py"


def told(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """What a command says that must succeed."""
    assert main(line.split()) == 0
    return capsys.readouterr().out


def test_an_own_recipe_on_the_command_line(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trained, drawn by name, evaluated, and listed among the others."""
    said = told(capsys, "train own-digits --import parts.py --device cpu")
    assert "own-digits.safetensors: loss" in said
    assert sorted(path.name for path in Path("runs").iterdir()) == ["own-digits.json", "own-digits.safetensors"]
    said = told(capsys, "sample own-digits --import parts.py --count 4 --label 8 --guidance-scale 2")
    assert "of your own run in runs" in said
    assert "grid.png: 4 pictures, {'steps': 4, 'guidance_scale': 2.0}" in said
    model = zoo.load("own-digits", "runs", "cpu")
    assert model.sampling == {"steps": 4}
    drawn = sample(model, 4, labels=8, guidance_scale=2.0, **model.sampling)
    expected = plots.grid(drawn, alt="4 samples of own-digits").save("expected.png")
    assert Path("grid.png").read_bytes() == Path(expected).read_bytes()
    scores = json.loads(told(capsys, "evaluate own-digits --import parts.py --count 500 --json"))
    assert scores["sampling"] == {"steps": 4}
    assert scores["frechet"] > scores["floor"]["mean"]
    assert scores["accuracy"] is None  # a number of holes says not which digit it is
    assert "own-digits" in told(capsys, "list --import parts.py").splitlines()[-1]


def test_a_list_shows_what_was_trained_and_what_it_scored(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Own weights before ours, as ``sample`` takes them; before the training there are none."""
    expected = {"name": "own-digits", "weights": None, "frechet": None, "floor": None,
                "about": "digits in a snake, told how many holes"}  # fmt: skip
    assert json.loads(told(capsys, "list --import parts.py --json"))[-1] == expected
    told(capsys, "train own-digits --import parts.py --device cpu --runs elsewhere")
    assert json.loads(told(capsys, "list --import parts.py --json"))[-1] == expected
    line = "list --import parts.py --json --runs elsewhere"
    assert json.loads(told(capsys, line))[-1] == expected | {"weights": "own run"}
    zoo.add_scores("own-digits", {"frechet": 90.5, "floor": {"mean": 3.0, "spread": 0.5}}, "elsewhere")
    scored = json.loads(told(capsys, line))
    assert scored[-1]["frechet"] == 90.5
    assert next(row["weights"] for row in scored if row["name"] == "digits-diffusion") == "shipped"


def test_a_file_finds_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever one works; and what lies there is found only if nothing else has its name."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "own_snake.py").write_text(PARTS.partition("def made")[0])
    (folder / "json.py").write_text("raise ImportError")
    (folder / "parts.py").write_text(
        "import json\nfrom own_snake import *\n" + "def made" + PARTS.partition("def made")[2]
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert "own-digits" in told(capsys, "list --import mine/parts.py").splitlines()[-1]
    del sys.modules["own_snake"]


def test_a_function_of_pictures_has_no_judge(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is trained and drawn; what it can't be compared with is said."""
    own_source = "def few(size, split):\n    return tuple(part[:40] for part in mg.data.digits(size, split))\n\n"
    parts.write_text(PARTS.replace("mg.recipes.add", own_source + "mg.recipes.add").replace(
        "sampling=dict(steps=4)", "sampling=dict(steps=4), source=few"))  # fmt: skip
    told(capsys, "train own-digits --import parts.py --device cpu")
    assert zoo.about("own-digits", "runs")["recipe"]["data"]["name"] == "few"
    told(capsys, "sample own-digits --import parts.py --count 4")
    assert main(["evaluate", "own-digits", "--import", "parts.py", "--count", "500"]) == 2
    assert "source of own-digits is a function, and there is no judge of its pictures" in capsys.readouterr().err


def test_a_file_on_the_command_line_of_another_process(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Drawn by those who import its classes; the others are told which one to import first."""
    told(capsys, "train own-digits --import parts.py --device cpu")
    model = zoo.load("own-digits", "runs", "cpu")
    model.save("mine.safetensors")
    line = ["-m", "minigen", "sample", "mine.safetensors", "--count=3", "--steps=4", "--device=cpu"]
    done = python(*line, "--import", "parts.py", cwd=parts.parent)
    assert done.returncode == 0, done.stderr
    assert "grid.png: 3 pictures, {'steps': 4}" in done.stdout
    plots.grid(sample(model, 3, steps=4), alt="3 samples of mine.safetensors").save("expected.png")
    assert Path("grid.png").read_bytes() == Path("expected.png").read_bytes()
    done = python(*line, cwd=parts.parent)
    assert done.returncode == 2
    assert done.stderr.startswith("minigen: net is 'Thin', a class that is not defined here; allowed: to define or")
    assert "import class Thin(Net) first" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_is_evaluated_too(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train own-digits --import parts.py --device cpu")
    zoo.load("own-digits", "runs", "cpu").save("mine.safetensors")
    scores = json.loads(told(capsys, "evaluate mine.safetensors --import parts.py --steps 4 --count 500 --json"))
    assert scores["count"] == 500
    assert scores["frechet"] > 0


@pytest.mark.parametrize("name", ["random.py", "minigen.py", "json.py", "my-parts.v2.py"])
def test_a_file_takes_no_modules_place(name: str, parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it is called, what it defines is the reader's."""
    before = dict(sys.modules)
    parts.rename(name)
    assert "own-digits" in told(capsys, f"list --import {name}")
    assert {key: sys.modules[key] for key in before} == before
    assert RECIPES["own-digits"].build().plan.config() == {"class": "Snake", "settings": {}}  # type: ignore


def test_a_file_that_is_none_is_named(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in (("part.py", "which is no file"), ("parts.txt", "whose name ends in .py")):
        Path("parts.txt").write_text(PARTS)
        assert main(["list", "--import", name]) == 2
        assert said in capsys.readouterr().err


def test_a_name_of_ours_in_a_file_is_one_line(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts.write_text(PARTS.replace("class Thin", "class UNet"))
    assert main(["list", "--import", "parts.py"]) == 2
    assert "class is UNet, which is the name of a net of minigen's; allowed: another name" in capsys.readouterr().err
    assert type(zoo.load("digits-diffusion").net) is nets.UNet  # type: ignore[comparison-overlap]


# --- own recipes by name ---------------------------------------------------------------------------


def small(name: str = "own-digits", **changes: Any) -> Recipe:
    """A recipe of own parts for digits of 8 x 8."""

    def make() -> nn.Module:
        return Generator(own.Plain(), own.Coin(), own.Spiral(), condition=Labels(10))

    said = dict(about="small digits around and around", make=make, size=8, seed=4)
    said |= dict(training=dict(iterations=3, batch_size=16), sampling=dict(steps=5, temperature=0.5))
    return Recipe(name, **(said | changes))  # type: ignore[arg-type]


def test_an_own_recipe_is_trained_saved_loaded_and_sampled_by_name(tmp_path: Path) -> None:
    recipes.add(small())
    model, history = recipe("own-digits").train(**QUIET)
    zoo.save(tmp_path, recipe("own-digits"), model, history)
    assert zoo.names(tmp_path) == ["own-digits"]
    assert zoo.about("own-digits", tmp_path)["recipe"]["sampling"] == {"steps": 5, "temperature": 0.5}
    loaded = zoo.load("own-digits", tmp_path, "cpu")
    assert same_weights(loaded, model)
    assert loaded.sampling == {"steps": 5, "temperature": 0.5}
    assert torch.equal(sample(loaded, 4, **loaded.sampling), sample(model, 4, steps=5, temperature=0.5))


def test_what_was_loaded_says_what_suits_it_and_can_be_changed() -> None:
    model = zoo.load("digits-diffusion")
    assert model.sampling == dict(steps=16, eta=0.0, pick="mean")
    model.sampling["steps"] = 2
    assert zoo.load("digits-diffusion").sampling["steps"] == 16 == recipe("digits-diffusion").sampling["steps"]
    assert small().make().sampling == {}  # type: ignore[attr-defined]


def test_an_own_recipe_takes_the_place_of_one_of_its_name_and_not_of_ours() -> None:
    recipes.add(small())
    again = recipes.add(small(about="better"))
    assert recipe("own-digits") is again
    with pytest.raises(ValueError, match="name is 'digits-any', a recipe of minigen's; allowed: another name"):
        recipes.add(small("digits-any"))
    for name in ("", "../own", "own digits", ".own", "a/b", "own\n"):
        with pytest.raises(ValueError, match=r"^name is .*; allowed: letters, digits"):
            recipes.add(small(name))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        (dict(source="digit"), ValueError, r"source is 'digit'; allowed: .*; did you mean 'digits'\?"),
        (dict(sampling=dict(labels=torch.arange(3))), TypeError, "sampling has labels=tensor"),
        (dict(training=dict(optimizer=torch.optim.SGD)), TypeError, "training has optimizer=<class"),
    ],
)
def test_a_recipe_that_no_record_can_hold_is_refused_at_once(changes: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        recipes.add(small(**changes))
    assert "own-digits" not in RECIPES


def test_a_recipe_of_something_else_is_refused_before_the_work(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes.add(replace(small(), make=own.Denoiser))
    assert main(["train", "own-digits", "--device", "cpu"]) == 2
    assert "model is a Denoiser; allowed in a recipe: a Generator or a Classifier" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_another_class_of_the_same_name_is_not_what_was_saved(tmp_path: Path) -> None:
    """The recipe and its file must agree."""
    recipes.add(small())
    zoo.save(tmp_path, recipe("own-digits"), *recipe("own-digits").train(**QUIET))
    recipes.add(replace(small(), make=lambda: Generator(own.Plain(), own.Coin(), own.Lines(), condition=Labels(10))))
    with pytest.raises(ValueError, match="does not hold the model of the recipe 'own-digits': weights of another ver"):
        zoo.load("own-digits", tmp_path)

"""The command line, as a reader uses it, and what importing the package costs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers_cli import signal_in_update, told
from helpers_cli import somewhere as somewhere
from helpers_core import tiny_unet, wake
from helpers_training import same_weights, tiny_recipe
from PIL import Image

from minigen import Generator, History, data, heads, metrics, nets, plans, sample, zoo
from minigen.__main__ import main
from minigen.base import store
from minigen.zoo.recipes import RECIPES

PATIENCE = 1800
"""Seconds that a process may take on a busy machine."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """``python -m minigen`` in another process."""
    return subprocess.run([sys.executable, "-m", "minigen", *words], capture_output=True, text=True, timeout=PATIENCE)


def test_list_shows_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    header, *lines = told(capsys, "list").splitlines()
    assert header.split() == ["name", "weights", "frechet", "floor", "about"]
    assert len(lines) == len(RECIPES)
    for line, (name, each) in zip(lines, RECIPES.items(), strict=True):
        assert line.split()[0] == name
        assert line.index(each.about) == header.index("about")  # aligned
        assert ("shipped" in line.split()) == (name in zoo.names())


def test_list_shows_a_distance_beside_its_floor(capsys: pytest.CaptureFixture[str]) -> None:
    scores = zoo.about("digits-raster-8")["scores"]
    line = next(line for line in told(capsys, "list").splitlines() if line.startswith("digits-raster-8"))
    floor = scores["floor"]
    assert f" {scores['frechet']:.1f} {floor['mean']:.2f} ± {floor['spread']:.2f} " in line


def test_list_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in json.loads(told(capsys, "list", "--json"))}
    assert list(rows) == list(RECIPES)
    assert {name for name, row in rows.items() if row["weights"] == "shipped"} == set(zoo.names())
    assert rows["digits-diffusion"]["frechet"] == zoo.about("digits-diffusion")["scores"]["frechet"]
    assert rows["scenes"]["floor"] == zoo.about("scenes")["scores"]["train"]["floor"]
    assert rows["tiny-digits"]["frechet"] is None


def test_list_in_a_process_of_its_own() -> None:
    done = run("list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "digits-diffusion" in done.stdout
    assert "tiny-digits" not in done.stdout


def test_train_then_sample_then_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "train", "tiny-digits", "--device", "cpu")
    assert re.search(r"runs/tiny-digits\.safetensors: loss \d\.\d{4} after 2 iterations, \d+ s", out)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["tiny-digits.json", "tiny-digits.safetensors"]
    said = zoo.about("tiny-digits", "runs")
    assert said["recipe"] == json.loads(json.dumps(RECIPES["tiny-digits"].config()))
    assert said["trained"]["images_seen"] == 32
    assert re.fullmatch(r"[0-9a-f]{7,40}(-dirty)?|outside of a repository", said["trained"]["revision"])

    out = told(capsys, "sample", "tiny-digits", "--count", "20", "--out", "new/sheet.png", "--seed", "4")
    assert "weights: tiny-digits of your own run in runs" in out
    assert "new/sheet.png: 20 pictures, {'steps': 2}" in out
    with Image.open("new/sheet.png") as sheet:
        assert sheet.size == (500, 100)
        shown = torch.tensor(np.array(sheet.convert("L")))
    model = zoo.load("tiny-digits", "runs", device="cpu")
    drawn = sample(model, 20, seed=4, steps=2)
    assert (shown[0, :48:3] / 127.5 - 1 - drawn[0, 0, 0]).abs().max() < 0.01

    out = told(capsys, "evaluate", "tiny-digits", "--count", "500", "--write")
    scores = zoo.about("tiny-digits", "runs")["scores"]
    labels = torch.arange(500) % 10
    expected = metrics.evaluate(sample(model, 500, seed=0, labels=labels, steps=2), labels).rounded()
    assert scores == {**expected, "split": "held-out", "seed": 0, "sampling": {"steps": 2}}
    floor = f"{scores['floor']['mean']:.2f} ± {scores['floor']['spread']:.2f}"
    assert re.search(rf"^frechet +{scores['frechet']:.1f} +{floor}$", out, re.MULTILINE)
    assert re.search(r"^score +drawn +real pictures$", out, re.MULTILINE)
    assert "written to runs/tiny-digits.json" in out
    assert scores["frechet"] > 20 * scores["floor"]["mean"]  # two updates are not enough


def test_what_is_not_told_the_digit_has_a_floor_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "tiny-free", tiny_recipe("tiny-free", size=16, condition=False))
    made_by = RECIPES["tiny-free"]
    model = made_by.build()
    zoo.save("runs", made_by, model, History())
    told(capsys, "evaluate", "tiny-free", "--count", "500", "--write", "--device", "cpu")
    scores = zoo.about("tiny-free", "runs")["scores"]
    expected = metrics.evaluate(sample(model, 500, seed=0, steps=2), balanced=False)
    assert scores["floor"] == expected.rounded()["floor"]
    assert scores["frechet"] == expected.rounded()["frechet"]
    assert scores["accuracy"] is None


def test_a_raster_plan_is_scored_by_its_bits_and_its_borders_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the held-out digits, of which the first 200 give the bits; other plans have neither."""

    def raster() -> Generator:
        return Generator(nets.UNet(16, widths=(8,), context_size=8), heads.Categorical(4), plans.raster(8))

    made_by = replace(tiny_recipe("tiny-raster", size=16, condition=False), make=raster, sampling={"steps": 4})
    monkeypatch.setitem(RECIPES, "tiny-raster", made_by)
    model = wake(made_by.build())
    zoo.save("runs", made_by, model, History())
    told(capsys, "evaluate", "tiny-raster", "--count", "500", "--write", "--device", "cpu")
    scores = zoo.about("tiny-raster", "runs")["scores"]
    held_out = data.digits(16, "held-out")[0]
    drawn = sample(model, 500, seed=0)
    found = metrics.patch_gradients(drawn, 8, held_out)
    assert scores["gradients"] == pytest.approx({"border": found.border, "inside": found.inside}, abs=1e-4)
    bits = metrics.bits_per_dimension(model, held_out[:200])
    assert (scores["bits_per_dimension"], scores["bits_of"]) == (pytest.approx(float(bits.mean()), abs=1e-4), 200)
    assert scores["bits_per_dimension"] > 2  # random weights over four greys


def test_options_reach_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--iterations 1 --batch-size 8 --learning-rate 0.5 --seed 9 --precision bfloat16 --runs elsewhere"
    told(capsys, "train", "tiny-digits", *words.split())
    said = zoo.about("tiny-digits", "elsewhere")
    assert said["recipe"]["training"] == {"seed": 9, "iterations": 1, "batch_size": 8, "learning_rate": 0.5}
    assert said["trained"]["images_seen"] == 8
    assert said["trained"]["precision"] == "bfloat16"
    assert not Path("runs").exists()


def test_options_reach_the_sampler(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train", "tiny-digits")
    words = "--steps 1 --eta 0 --pick mean --guidance-scale 3 --label 7 --count 2 --seed 5"
    out = told(capsys, "sample", "tiny-digits", *words.split())
    settings = {"steps": 1, "eta": 0.0, "pick": "mean", "guidance_scale": 3.0}
    assert f"grid.png: 2 pictures, {settings}" in out
    model = zoo.load("tiny-digits", "runs", device="cpu")
    drawn = sample(model, 2, seed=5, labels=7, **settings)
    with Image.open("grid.png") as sheet:
        shown = torch.tensor(np.array(sheet.convert("L")))[:48:3, :48:3]
    assert (shown / 127.5 - 1 - drawn[0, 0]).abs().max() < 0.01


def test_second_order_and_shift_reach_the_sampler(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe's own, and others in their place."""
    ours = dict(steps=4, eta=0.0, second_order=True, shift=3.0)
    noise = replace(
        RECIPES["tiny-digits"],
        make=lambda: tiny_unet(heads.Regression("v"), plans.diffusion(), size=16),
        sampling=ours,
    )
    monkeypatch.setitem(RECIPES, "tiny-digits", noise)
    told(capsys, "train", "tiny-digits")
    for words, changes in (
        ("", {}),
        ("--no-second-order --eta 1 --shift 1", dict(second_order=False, eta=1.0, shift=1.0)),
        ("--shift 2 --steps 3", dict(shift=2.0, steps=3)),
    ):
        settings: dict[str, Any] = ours | changes
        assert f"2 pictures, {settings}" in told(capsys, "sample", "tiny-digits", "--count", "2", *words.split())
        drawn = sample(zoo.load("tiny-digits", "runs", device="cpu"), 2, **settings)
        with Image.open("grid.png") as sheet:
            shown = torch.tensor(np.array(sheet.convert("L")))[:48:3, :48:3]
        assert (shown / 127.5 - 1 - drawn[0, 0]).abs().max() < 0.01


def test_a_prompt_is_drawn_as_the_sampler_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    prompt = "a small red circle above a big blue square"
    out = told(capsys, "sample", "scenes", "--prompt", prompt, "--guidance-scale", "3", "--count", "2", "--shipped")
    settings = {"steps": 16, "eta": 0.0, "guidance_scale": 3.0}
    assert f"grid.png: 2 pictures, {settings}" in out
    drawn = sample(zoo.load("scenes", device="cpu"), 2, prompt=prompt, **settings)
    assert metrics.prompt_accuracy(drawn, [prompt] * 2).all == 1
    with Image.open("grid.png") as sheet:
        shown = torch.tensor(np.array(sheet.convert("RGB"))).movedim(2, 0)
    side = 32 * (shown.shape[1] // 32)  # a pixel of the picture is a few of the sheet
    assert (shown[:, : side : side // 32, : side : side // 32] / 127.5 - 1 - drawn[0]).abs().max() < 0.01


def test_an_unknown_word_is_one_line_with_the_nearest_known_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "scenes", "--prompt", "a rad star", "--shipped"]) == 2
    assert "minigen: prompt has the unknown word 'rad'; did you mean 'red'?" in capsys.readouterr().err
    assert not Path("grid.png").exists()


def test_evaluate_a_classifier_that_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "evaluate", "digits-judge")
    assert "weights: digits-judge that come with the package" in out
    found = metrics.classifier_accuracy(zoo.load_classifier("digits-judge"))
    for split, value in found.items():
        assert re.search(rf"^{split} +{value:.3f}$", out, re.MULTILINE)


def test_evaluate_for_machines_prints_nothing_but_the_scores(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "digits-judge", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"accuracy": zoo.about("digits-judge")["scores"]["accuracy"]}
    assert "weights: digits-judge that come with the package" in captured.err


def test_shipped_weights_are_taken_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train", "tiny-digits")
    assert main(["sample", "tiny-digits", "--shipped"]) == 2
    captured = capsys.readouterr()
    assert "no weights of it come with the package" in captured.err
    assert not Path("grid.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sample digits-difusion", "did you mean 'digits-diffusion'?"),
        ("train digit-judge", "did you mean 'digits-judge'?"),
        ("evaluate zzz", "name is 'zzz'; allowed: 'digits-diffusion'"),
        ("sample tiny-digits", "python -m minigen train tiny-digits makes them"),
        ("sample tiny-digits --runs nowhere", "no weights of it come"),
        ("sample digits-judge", "name is 'digits-judge', which is a classifier"),
        ("train tiny-digits --iterations 0", "iterations is 0; allowed: whole numbers from 1"),
        ("train tiny-digits --batch-size -3", "batch_size is -3; allowed"),
        ("train tiny-digits --learning-rate -1", "learning_rate is -1.0; allowed"),
        ("train tiny-digits --learning-rate nan", "learning_rate is nan; allowed"),
        (
            "train tiny-digits --precision float23",
            "precision is 'float23'; allowed: 'auto', 'float32', 'bfloat16'; did",
        ),
        ("train tiny-digits --device gpu", "device is 'gpu'; allowed: 'auto', 'cpu', 'cuda'"),
    ],
)
def test_errors_are_one_line_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert main(words.split()) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("minigen: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps 0", "steps is 0; allowed: whole numbers from 1"),
        ("--eta 2", "eta is 2.0; allowed: finite numbers in [0, 1]"),
        ("--pick men", "pick is 'men'; allowed: 'draw', 'mean'; did you mean 'mean'?"),
        ("--label 10", "labels holds 10; allowed: whole numbers from 0 to 9"),
        ("--count 0", "count is 0; allowed: whole numbers from 1"),
    ],
)
def test_errors_of_the_sampler_are_one_line(capsys: pytest.CaptureFixture[str], words: str, message: str) -> None:
    told(capsys, "train", "tiny-digits")
    assert main(["sample", "tiny-digits", *words.split()]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith(f"minigen: {message}")
    assert all(line.startswith("sampling:") or not line for line in lines[:-1])  # at most the bar
    assert not Path("grid.png").exists()


def test_too_few_samples_to_score(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train", "tiny-digits")
    assert main(["evaluate", "tiny-digits", "--count", "20"]) == 2
    assert "--count is 20; allowed: whole numbers from 500 to 3600" in capsys.readouterr().err.splitlines()[-1]


def test_an_unknown_command_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["trian", "x"], [], ["train"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert "usage: minigen" in capsys.readouterr().err


def test_the_error_of_a_process_is_one_line() -> None:
    done = run("sample", "digits-difusion")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "did you mean 'digits-diffusion'?" in done.stderr


# --- stopped and resumed ---------------------------------------------------------------------------


def test_ctrl_c_keeps_the_checkpoint_and_train_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "train", "tiny-digits", "--runs", "whole", "--iterations", "6")
    with monkeypatch.context() as pressed:
        signal_in_update(pressed, 3, signal.SIGINT)
        with pytest.warns(UserWarning, match="interrupted: the model has had 3 of 6 iterations"):
            assert main(["train", "tiny-digits", "--iterations", "6"]) == 130
    assert "after 3 iterations" in capsys.readouterr().out
    checkpoint = Path("runs/tiny-digits.checkpoint.safetensors")
    assert store.load(checkpoint)[1]["iteration"] == 3
    assert zoo.about("tiny-digits", "runs")["trained"]["images_seen"] == 3 * 16

    assert main(["train", "tiny-digits", "--iterations", "5"]) == 2  # another run
    assert "is of a run with iterations = 6, not 5" in capsys.readouterr().err
    assert checkpoint.is_file()

    out = told(capsys, "train", "tiny-digits", "--iterations", "6")
    assert f"going on from {checkpoint}" in out
    assert "after 6 iterations" in out
    assert not checkpoint.exists()
    one, other = (zoo.load("tiny-digits", folder, device="cpu") for folder in ("runs", "whole"))
    assert same_weights(one, other)


KILLED = """
import os, signal, sys
sys.path.insert(0, {here!r})
from helpers_training import tiny_recipe
from minigen.__main__ import main
from minigen.training.run import Run
from minigen.zoo.recipes import RECIPES

save = Run.save

def save_and_die(self, path):
    save(self, path)
    os.kill(os.getpid(), signal.SIGKILL)

if "DIES" in os.environ:
    Run.save = save_and_die
RECIPES["tiny-digits"] = tiny_recipe(size=16, checkpoint_every=5, iterations=40)
sys.exit(main("train tiny-digits --device cpu --precision float32".split() + sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_killed_process_goes_on(somewhere: Path) -> None:
    """``python -m minigen train`` is killed as soon as there is a checkpoint; the same command goes on."""
    command = KILLED.format(here=str(Path(__file__).parent))
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    dies = subprocess.run(
        [sys.executable, "-c", command], env={**environment, "DIES": "1"}, timeout=PATIENCE, **quiet
    )  # fmt: skip
    assert dies.returncode == -signal.SIGKILL
    checkpoint = somewhere / "runs" / "tiny-digits.checkpoint.safetensors"
    assert store.load(checkpoint)[1]["iteration"] == 5
    assert not (somewhere / "runs" / "tiny-digits.safetensors").exists()
    ends = [
        subprocess.run(
            [sys.executable, "-c", command, *more], env=environment, check=True, timeout=PATIENCE, **quiet
        ).stdout
        for more in ([], ["--runs", "whole"])
    ]
    assert "going on from runs/tiny-digits.checkpoint.safetensors" in ends[0]
    assert "going on" not in ends[1]
    first, second = (somewhere / folder / "tiny-digits.safetensors" for folder in ("runs", "whole"))
    assert first.read_bytes() == second.read_bytes()
    records = [zoo.about("tiny-digits", folder) for folder in ("runs", "whole")]
    for record in records:
        record["trained"].pop("seconds")
    assert records[0] == records[1]
    assert not checkpoint.exists()


# --- what importing costs --------------------------------------------------------------------------


def test_import_brings_no_plotting_metrics_or_widgets() -> None:
    code = "import sys, minigen; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"minigen", "torch", "tqdm"} <= set(loaded)
    assert not {"matplotlib", "torchmetrics", "pandas", "ipywidgets", "PIL", "IPython", "scipy", "sklearn"} & set(
        loaded
    )


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not HUGE_PAGES.is_file() or "[madvise]" not in HUGE_PAGES.read_text(),
    reason="only where the system leaves huge pages to the program",
)
@pytest.mark.parametrize(("said", "huge"), [(None, True), ("0", False), ("1", True)])
def test_large_tensors_get_huge_pages_unless_told_otherwise(said: str | None, huge: bool) -> None:
    """64 MB of ones lie in pages of 2 MB; the environment has the last word."""
    code = """
import re, torch, minigen
ones = torch.ones(2**24)
print(sum(map(int, re.findall(r"AnonHugePages:\\s+(\\d+) kB", open("/proc/self/smaps").read()))))
"""
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    environment |= {} if said is None else {"THP_MEM_ALLOC_ENABLE": said}
    quiet: Any = dict(capture_output=True, text=True, check=True, timeout=PATIENCE)
    kilobytes = int(subprocess.run([sys.executable, "-c", code], env=environment, **quiet).stdout)
    assert (kilobytes > 2**12) == huge


def test_the_data_come_with_the_package(somewhere: Path) -> None:
    """From any folder; nothing is fetched."""
    assert len(data.digits(8)[0]) == 3600
    assert list(somewhere.iterdir()) == []


def test_half_an_option_is_not_taken_for_another(capsys: pytest.CaptureFixture[str]) -> None:
    """``--iteration 3`` would train with 3 iterations, and ``--s 3`` could mean two things."""
    with pytest.raises(SystemExit):
        main(["train", "digits-judge", "--iteration", "3"])
    assert "unrecognized arguments: --iteration" in capsys.readouterr().err

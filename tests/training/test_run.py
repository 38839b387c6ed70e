"""A run: clips, averages, validates, and survives a kill at any moment."""

from __future__ import annotations

import copy
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import helpers_killed as helpers
import pytest
import torch
from helpers_core import PATIENCE
from helpers_training import QUIET, Listener, Probe, fit, flat, same_weights, tiny_generator, weights
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from minigen import Generator, data, heads, nets, plans, training
from minigen.base import store
from minigen.base.randomness import seeded
from minigen.training import train

# --- clipping and averaging ------------------------------------------------------------------------


def test_clipping_shortens_long_gradients_and_leaves_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener(monkeypatch)
    x, y = data.curve()
    for clip in (None, 0.25, 1e6):
        train(fit(), x, 100 * y, iterations=1, clip=clip, **QUIET)
    free, clipped, loose = heard.gradients
    assert heard.norms[0] > 10
    assert heard.norms[1] == pytest.approx(0.25, rel=1e-4)
    assert torch.allclose(clipped / clipped.norm(), free / free.norm(), atol=1e-6)  # the same direction
    assert torch.equal(loose, free)


@pytest.mark.parametrize("ema", [0.999, 0.3, 0.0, 1.0])
def test_average_is_the_written_recursion(ema: float) -> None:
    """The first update copies the weights; after n updates the decay is min(ema, (1 + n) / (10 + n))."""
    model, iterations = Probe(), 40
    settings = dict(learning_rate=0.3, iterations=iterations, warmup=0, decay=False, clip=None)
    raw = Probe()
    train(raw, torch.zeros(2), ema=None, **settings, **QUIET)
    train(model, torch.zeros(2), ema=ema, **settings, **QUIET)
    path = [*raw.seen[1:], raw.w.item()]  # after each update
    assert model.seen == raw.seen  # averaging does not change the training
    expected = path[0]
    for n in range(1, iterations):
        decay = min(ema, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * path[n]
    assert model.w.item() == pytest.approx(expected, rel=1e-5)
    if ema == 0:
        assert model.w.item() == pytest.approx(path[-1], rel=1e-6)
    else:
        assert abs(model.w.item() - path[-1]) > 0.05


def test_first_update_of_the_average_forgets_the_first_weights() -> None:
    model = Probe()
    averaged = training.average(model, 0.999)
    assert isinstance(averaged, AveragedModel)
    with torch.no_grad():
        model.w.fill_(5.0)
    averaged.update_parameters(model)
    assert averaged.module.w.item() == 5.0
    with torch.no_grad():
        model.w.fill_(16.0)
    averaged.update_parameters(model)
    assert averaged.module.w.item() == pytest.approx(5 * 2 / 11 + 16 * 9 / 11, rel=1e-6)


# --- validation ------------------------------------------------------------------------------------


def test_validation_draws_the_same_each_time_and_uses_everything() -> None:
    class Drawing(Probe):
        """Its validation loss is the mean of its data plus what it draws."""

        def __init__(self) -> None:
            super().__init__()
            self.judged: list[tuple[list[float], list[float]]] = []

        def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
            if self.training:
                return super().loss(batch, random)
            drawn = torch.rand(len(batch[0]), generator=random)
            self.judged.append((batch[0].tolist(), drawn.tolist()))
            return (batch[0] + drawn).mean() + 0 * self.w

    model, judged = Drawing(), torch.arange(10.0)
    settings = dict(iterations=6, batch_size=4, validate_every=2, validation=(judged,), ema=None)
    history = train(model, torch.zeros(9), **settings, **QUIET)
    rounds = [model.judged[i : i + 3] for i in (0, 3, 6)]
    assert len(model.judged) == 9
    assert rounds[0] == rounds[1] == rounds[2]
    assert [values for values, _ in rounds[0]] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    drawn = flat(numbers for _, numbers in rounds[0])
    assert len(set(drawn)) == 10
    assert [iteration for iteration, _ in history.validation] == [2, 4, 6]
    expected = 4.5 + sum(drawn) / 10  # every example counts the same, also in the smaller last batch
    assert [loss for _, loss in history.validation] == pytest.approx([expected] * 3, rel=1e-6)
    assert history.best == 2  # of equals the first


@pytest.mark.parametrize("ema", [None, 0.9])
def test_the_best_weights_are_kept(ema: float | None) -> None:
    """A wide net on six noisy dots gets worse on others after a while."""
    x, y = data.curve(count=6, noise=1.0, seed=1)
    judged = data.curve(count=50, noise=0.0, seed=2)
    model = fit(width=200)
    settings = dict(learning_rate=0.03, decay=False, ema=ema, validation=judged, validate_every=10)
    history = train(model, x, y, iterations=300, **settings, **QUIET)
    losses = dict(history.validation)
    assert list(losses) == list(range(10, 301, 10))
    assert history.best == min(losses, key=losses.__getitem__)
    assert history.best < 200
    assert losses[300] > 1.2 * losses[history.best]  # there was something to lose
    with torch.no_grad():
        assert float(model.loss(judged)) == pytest.approx(losses[history.best], rel=1e-6)


def test_the_best_weights_are_the_averaged_ones_of_their_moment() -> None:
    """The kept weights of a run are those that the same run has when it stops at the best moment."""
    x, y = data.curve(count=6, noise=1.0, seed=1)
    judged = data.curve(count=50, noise=0.0, seed=2)
    settings = dict(learning_rate=0.03, warmup=5, decay=False, ema=0.9, **QUIET)
    long, short = fit(width=200), fit(width=200)
    history = train(long, x, y, iterations=150, validation=judged, validate_every=10, **settings)
    assert history.best < 150
    train(short, x, y, iterations=history.best, **settings)
    assert same_weights(long, short)


def test_validation_does_not_change_the_training() -> None:
    x, y = data.curve()
    one, two = fit(nn.Dropout(0.5)), fit(nn.Dropout(0.5))
    torch.manual_seed(0)
    alone = train(one, x, y, iterations=10, **QUIET)
    torch.manual_seed(0)
    judged = train(two, x, y, iterations=10, validation=(x, y), validate_every=3, **QUIET)
    assert judged.loss == alone.loss
    assert [iteration for iteration, _ in judged.validation] == [3, 6, 9, 10]


def test_validation_uses_the_streams_it_says() -> None:
    """The recorded number can be computed again from outside: seed, -1, number of the part."""
    images, labels = (part[:10] for part in data.digits(8))
    model = tiny_generator()
    settings = dict(iterations=3, batch_size=6, validation=(images, labels), seed=4)
    history = train(model, images, labels, **settings, **QUIET)
    with torch.no_grad():
        parts = [
            model.loss((images[i : i + 6], labels[i : i + 6]), seeded(4, -1, number)) for number, i in enumerate((0, 6))
        ]
    assert history.validation == [(3, pytest.approx(float(parts[0]) * 0.6 + float(parts[1]) * 0.4, rel=1e-6))]


# --- killed and resumed ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed_jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which jobs were killed by SIGKILL and went on, each in processes of its own."""
    folder = tmp_path_factory.mktemp("killed")
    script = Path(helpers.__file__)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = {"env": environment, "capture_output": True, "text": True, "timeout": PATIENCE}
    done = subprocess.run([sys.executable, script, folder], **told)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("case", helpers.CASES)
def test_killed_at_any_moment_it_ends_the_same(killed_jobs: Path, case: str) -> None:
    """Bitwise the same weights, losses, validation history and best iteration."""
    happened = json.loads((killed_jobs / "cases.json").read_text())[case]
    job, _, moment = case.partition("-")
    assert happened["signals"] == [signal.SIGKILL] * helpers.AGAIN.get(moment.rpartition("-")[0], 1)
    assert happened["end"] == 0
    assert happened["left"] == []  # what a save has left that was killed, the next one removes
    assert happened["checkpoint"] % 3 == 0
    whole = (killed_jobs / f"{job}-plain.result.safetensors").read_bytes()
    assert (killed_jobs / f"{case}.result.safetensors").read_bytes() == whole


def test_the_kills_were_spread_and_checkpoints_harmless(killed_jobs: Path) -> None:
    cases = json.loads((killed_jobs / "cases.json").read_text())
    assert len({case["checkpoint"] for case in cases.values()}) >= 5
    assert all(set(case["signals"]) == {signal.SIGKILL} for case in cases.values())
    for job in helpers.MOMENTS:
        plain, whole = (killed_jobs / f"{job}-{kind}.result.safetensors" for kind in ("plain", "whole"))
        assert plain.read_bytes() == whole.read_bytes()
        tensors, about = store.load(whole)
        assert len(about["loss"]) == helpers.ITERATIONS
        assert [iteration for iteration, _ in about["validation"]] == [5, 10, 15, 20, 24]
        assert tensors


def test_saves_were_killed_and_nothing_is_left_behind(killed_jobs: Path) -> None:
    """Beside results and checkpoints there is no file, though some kills fell between the two ends of a save."""
    cases = json.loads((killed_jobs / "cases.json").read_text())
    in_saves = [case for name, case in cases.items() if "in-saves" in name]
    assert sum(len(case["signals"]) for case in in_saves) == 4 * helpers.AGAIN["in-saves"]
    assert sum(case["inside"] for case in cases.values()) > 0
    known = {f"{case}.{kind}.safetensors" for case in cases for kind in ("checkpoint", "result")}
    for job in helpers.MOMENTS:
        known |= {
            f"{job}-plain.result.safetensors",
            *(f"{job}-whole.{k}.safetensors" for k in ("checkpoint", "result")),
        }
    assert {path.name for path in killed_jobs.iterdir()} == known | {"cases.json"}


# --- checkpoints of other runs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"learning_rate": 0.5}, "learning_rate = 0.002, not 0.5"),
        ({"iterations": 9}, "iterations = 4, not 9"),
        ({"batch_size": 3}, "batch_size = 5, not 3"),
        ({"seed": 2}, "seed = 0, not 2"),
        ({"ema": None}, "ema = 0.999, not None"),
        ({"clip": None}, "clip = 1.0, not None"),
        ({"warmup": 0}, "warmup = 50, not 0"),
        ({"decay": False}, "decay = True, not False"),
        ({"weight_decay": 0.1}, "weight_decay = 0.0, not 0.1"),
        ({"validate_every": 7}, "validate_every = 250, not 7"),
    ],
)
def test_checkpoint_of_other_settings_is_refused(tmp_path: Path, changed: dict[str, object], named: str) -> None:
    x, y = data.branches(20)
    path = tmp_path / "job.safetensors"
    settings = dict(iterations=4, batch_size=5, checkpoint=path)
    train(fit(), x, y, **settings, **QUIET)
    kept = path.read_bytes()
    model = fit(seed=9)
    first = weights(model)
    with pytest.raises(ValueError, match=re.escape(named)):
        train(model, x, y, **{**settings, **changed}, **QUIET)
    assert path.read_bytes() == kept
    assert same_weights(model, first)


def test_checkpoint_of_other_data_or_model_is_refused(tmp_path: Path) -> None:
    x, y = data.branches(20)
    path = tmp_path / "job.safetensors"
    train(fit(), x, y, iterations=2, checkpoint=path, **QUIET)
    with pytest.raises(ValueError, match=r"data = \[\[20, 1\], \[20, 1\]\], not \[\[8, 1\], \[8, 1\]\]"):
        train(fit(), x[:8], y[:8], iterations=2, checkpoint=path, **QUIET)
    with pytest.raises(ValueError, match=r"model = \"Fit\(loss='squared'\)\", not 'Probe\(\)'"):
        train(Probe(), x, y, iterations=2, checkpoint=path, **QUIET)
    with pytest.raises(ValueError, match=r"job\.safetensors' is of a run with"):  # another width
        train(fit(width=9), x, y, iterations=2, checkpoint=path, **QUIET)

    images, labels = (part[:8] for part in data.digits(8))
    path = tmp_path / "generator.safetensors"
    train(tiny_generator(), images, labels, iterations=1, checkpoint=path, **QUIET)
    other = Generator(nets.UNet(size=8, widths=(8, 16), context_size=16), heads.Categorical(4), plans.raster(4))
    with pytest.raises(ValueError, match="'name': 'raster'"):
        train(other, images, iterations=1, checkpoint=path, **QUIET)


def test_checkpoint_of_a_run_that_only_looks_the_same_is_refused(tmp_path: Path) -> None:
    """Of the same shapes: repaired data, another source, validation set, loss or precision."""
    x, y = data.branches(20)
    mended, other = x.clone(), (x[:5], y[:5])
    mended[3] = 0.5

    def source(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.rand(count, 1, generator=random), torch.zeros(count, 1)

    def double(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        return 2 * torch.rand(count, 1, generator=random), torch.zeros(count, 1)

    def begin(number: int, model: nn.Module, *parts: Any, precision: str = "float32") -> None:
        *given, validation = parts if len(parts) == 3 else (*parts, None)
        settings = dict(iterations=2, batch_size=4, device="cpu", progress=False, precision=precision)
        train(model, *given, validation=validation, checkpoint=tmp_path / f"{number}.safetensors", **settings)

    absolute = nets.Fit(nets.dense(1, 8, 1), "absolute")
    for number, (first, second, named) in enumerate(
        (
            ((fit(), x, y), (fit(), mended, y), "a checksum of the data"),
            ((fit(), source), (fit(), double), "a checksum of the data"),
            ((fit(), x, y, other), (fit(), x, y, (x[5:10], y[5:10])), "a checksum of the validation data"),
            ((fit(), x, y, other), (fit(), x, y), "a checksum of the validation data"),
            ((fit(), x, y), (absolute, x, y), "loss='absolute'"),
        )
    ):
        begin(number, *first)
        with pytest.raises(ValueError, match=re.escape(named)):
            begin(number, *second)
    with pytest.raises(ValueError, match="precision = 'float32', not 'bfloat16'"):
        begin(0, fit(), x, y, precision="bfloat16")


def test_a_checkpoint_with_a_changed_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.safetensors"
    train(fit(), *data.branches(20), iterations=2, checkpoint=path, **QUIET)
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="does not have the checksum that it says: a changed or broken file"):
        train(fit(), *data.branches(20), iterations=2, checkpoint=path, **QUIET)
    assert path.read_bytes() == whole


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.safetensors"
    tiny_generator().save(path)
    kept = path.read_bytes()
    with pytest.raises(ValueError, match="is of a run with model = None"):
        train(fit(), *data.curve(), iterations=2, checkpoint=path, **QUIET)
    path.write_bytes(kept[:100])
    with pytest.raises(ValueError, match="can't be read"):
        train(fit(), *data.curve(), iterations=2, checkpoint=path, **QUIET)
    assert path.read_bytes() == kept[:100]


# --- numbers that are none -------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "name"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_loss_that_is_no_number_names_the_iteration(tmp_path: Path, bad: float, name: str) -> None:
    class Breaking(Probe):
        def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
            value = super().loss(batch, random)
            return value + (bad if len(self.batches) == 7 else 0.0)

    path = tmp_path / "job.safetensors"
    message = rf"the loss is {name} at iteration 7; try a lower learning_rate than 0\.002"
    with pytest.raises(FloatingPointError, match=message):
        train(Breaking(), torch.zeros(2), iterations=20, checkpoint=path, checkpoint_every=1, **QUIET)
    assert store.load(path)[1]["iteration"] == 6  # the last good state is on disk


def test_a_rate_that_is_far_too_high_is_found_out() -> None:
    x, y = data.curve()
    with pytest.raises(FloatingPointError, match=r"at iteration \d+; try a lower learning_rate than 1e\+30"):
        train(fit(), x, y, iterations=50, learning_rate=1e30, warmup=0, **QUIET)


# --- stopping by what the next step writes ---------------------------------------------------------


def test_validation_can_ask_for_the_next_pixels_while_training_learns_from_all_hidden() -> None:
    """The weights are those of an ordinary training; only what validation says differs."""
    images, labels = (part[:32] for part in data.digits(8))
    held = tuple(part[:8] for part in data.digits(8, "validation"))
    model = tiny_generator()
    model.plan = plans.raster(4)
    histories, found = [], []
    for options in ({}, {"validate_with": {"loss_on": "next"}, "validate_draws": 3}, {"validate_draws": 3}):
        each = copy.deepcopy(model)
        history = train(
            each, images, labels, iterations=4, batch_size=8, validation=held, validate_every=4, device="cpu",
            precision="float32", progress=False, **options,
        )  # fmt: skip
        histories.append(history)
        found.append(weights(each))
    assert histories[0].loss == histories[1].loss == histories[2].loss
    assert same_weights(found[0], found[1])
    assert len({history.validation[0][1] for history in histories}) == 3

"""The training loop: does what ten plain lines do, averages, schedules, stops, and survives a kill."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import helpers_training as helpers
import numpy as np
import pytest
import torch
from helpers_training import fit, lasting, same_weights, tiny_generator, weights
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from minigen import Generator, data, heads, nets, plans, training
from minigen.base import store
from minigen.base.randomness import seeded
from minigen.training import Settings, pick_device, pick_precision, train

PLAIN = dict(ema=None, clip=None, warmup=0, decay=False)
"""No extras: what is left is AdamW."""

QUIET = dict(progress=False, device="cpu")


class Probe(nn.Module):
    """One weight w, the loss ``slope * w``, and a log of all that the loop asks and gives."""

    def __init__(self, slope: float = 1.0) -> None:
        super().__init__()
        self.w, self.slope = nn.Parameter(torch.zeros(())), slope
        self.batches: list[list[float]] = []
        self.seen: list[float] = []

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        self.batches.append(batch[0].flatten().tolist())
        self.seen.append(self.w.item())
        return self.slope * self.w


class Listener:
    """Wraps ``AdamW.step`` and writes down the rate and the gradient that it really gets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rates: list[float] = []
        self.norms: list[float] = []
        self.gradients: list[Tensor] = []
        plain = torch.optim.AdamW.step

        def step(optimizer: torch.optim.AdamW, *given: object) -> object:
            flat = torch.cat([p.grad.flatten() for g in optimizer.param_groups for p in g["params"]])
            self.rates.append(optimizer.param_groups[0]["lr"])
            self.norms.append(float(flat.norm()))
            self.gradients.append(flat.clone())
            return plain(optimizer, *given)

        monkeypatch.setattr(torch.optim.AdamW, "step", step)


def flat(batches: Iterable[list[float]]) -> list[float]:
    """All numbers of some batches, in order."""
    return list(itertools.chain.from_iterable(batches))


# --- the loop --------------------------------------------------------------------------------------


def test_same_losses_as_ten_plain_lines() -> None:
    x, y = data.curve()
    plain, trained = fit(seed=1), fit(seed=1)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.0, fused=True)
    losses = []
    for _ in range(60):
        loss = ((plain(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    history = train(trained, x, y, iterations=60, learning_rate=0.01, precision="float32", **PLAIN, **QUIET)
    assert history.loss == losses
    assert losses[-1] < 0.9 * losses[0]
    assert same_weights(plain, trained)


def test_unfused_adamw_of_a_reader_differs_by_rounding_only() -> None:
    x, y = data.curve()
    plain, trained = fit(seed=1), fit(seed=1)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.0)
    losses = []
    for _ in range(60):
        loss = plain.loss((x, y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    history = train(trained, x, y, iterations=60, learning_rate=0.01, precision="float32", **PLAIN, **QUIET)
    assert history.loss == pytest.approx(losses, rel=1e-5)


def test_weight_decay_reaches_the_optimiser() -> None:
    model = Probe(slope=0.0)
    with torch.no_grad():
        model.w.fill_(1.0)
    train(model, torch.zeros(2), iterations=3, learning_rate=0.1, weight_decay=0.5, **PLAIN, **QUIET)
    assert model.w.item() == pytest.approx((1 - 0.1 * 0.5) ** 3, rel=1e-6)


def test_absolute_loss_finds_the_median_and_squared_the_mean() -> None:
    answers = torch.tensor([[0.0], [0.0], [0.0], [1.0], [4.0]])
    found = {}
    for loss in ("squared", "absolute"):
        model = nets.Fit(nn.Linear(1, 1), loss)
        train(model, torch.zeros(5, 1), answers, iterations=400, learning_rate=0.05, ema=None, **QUIET)
        found[loss] = float(model(torch.zeros(1, 1)).detach())
    assert found["squared"] == pytest.approx(1.0, abs=0.01)
    assert found["absolute"] == pytest.approx(0.0, abs=0.02)


def test_cross_entropy_finds_how_often_each_label_comes() -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 2, 2])
    model = nets.Fit(nn.Linear(1, 3), "cross-entropy")
    train(model, torch.zeros(8, 1), labels, iterations=400, learning_rate=0.05, ema=None, **QUIET)
    assert model(torch.zeros(1, 1)).softmax(1)[0].tolist() == pytest.approx([3 / 8, 1 / 8, 4 / 8], abs=0.005)


def test_the_model_is_ready_to_use() -> None:
    x, y = data.curve()
    model = fit(nn.Dropout(0.5))
    history = train(model, x, y, iterations=3, precision="float32", **QUIET)
    assert not model.training
    assert not any(module.training for module in model.modules())
    assert torch.equal(model(x), model(x))  # no dropout
    model.loss((x, y)).backward()  # and it can go on being differentiated
    assert all(parameter.requires_grad and parameter.grad is not None for parameter in model.parameters())
    assert (history.device, history.precision, history.threads) == ("cpu", "float32", torch.get_num_threads())
    assert history.images_seen == 3 * 12
    assert history.seconds > 0
    assert not history.interrupted
    assert history.best is None


def test_the_bar_shows_the_loss(capsys: pytest.CaptureFixture[str]) -> None:
    history = train(fit(), *data.curve(), iterations=3, device="cpu")
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert f"loss={history.loss[-1]:.4f}" in shown


# --- rate, clipping, averaging ---------------------------------------------------------------------


def test_learning_rate_rises_then_falls_as_half_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener(monkeypatch)
    train(Probe(), torch.zeros(2), iterations=20, learning_rate=0.5, warmup=4, **QUIET)
    assert heard.rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert heard.rates[12] == pytest.approx(0.25)  # half way from 4 to 20
    assert heard.rates[19] == pytest.approx(0.5 * (1 - math.cos(math.pi / 16)) / 2)  # one before 0
    assert all(later < earlier for earlier, later in zip(heard.rates[4:], heard.rates[5:], strict=False))


def test_learning_rate_without_decay_or_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener(monkeypatch)
    train(Probe(), torch.zeros(2), iterations=6, learning_rate=0.5, warmup=2, decay=False, **QUIET)
    assert heard.rates == pytest.approx([0.5 / 3, 1 / 3, 0.5, 0.5, 0.5, 0.5])
    heard.rates.clear()
    train(Probe(), torch.zeros(2), iterations=4, learning_rate=0.5, warmup=0, **QUIET)
    assert heard.rates == pytest.approx([0.5 * (1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)])


def test_rate_ends_at_zero_also_when_all_is_warmup() -> None:
    def rate(iteration: int, warmup: int, decay: bool = True) -> float:
        return Settings(100, 8, "adamw", 1e-3, 0.0, warmup, decay, None, None, 0, 10).rate(iteration)

    assert rate(100, warmup=50) == pytest.approx(0.0, abs=1e-12)
    assert rate(50, warmup=50) == 1.0
    assert rate(0, warmup=50) == pytest.approx(1 / 51)
    assert rate(99, warmup=200) == pytest.approx(100 / 201)
    assert rate(99, warmup=0, decay=False) == 1.0


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


# --- order, seeds, endless data --------------------------------------------------------------------


def test_each_epoch_visits_every_example_once_in_a_new_order() -> None:
    model = Probe()
    train(model, torch.arange(12.0), iterations=9, batch_size=4, **QUIET)
    epochs = [flat(model.batches[3 * e : 3 * e + 3]) for e in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert list(range(12)) not in epochs


def test_last_smaller_batch_is_left_out() -> None:
    model = Probe()
    history = train(model, torch.arange(11.0), iterations=4, batch_size=4, **QUIET)
    assert [len(batch) for batch in model.batches] == [4] * 4
    for epoch in (model.batches[:2], model.batches[2:]):
        assert len(set(flat(epoch))) == 8
    assert history.images_seen == 16


@pytest.mark.parametrize("batch_size", [5, 6, 1000])
def test_few_data_come_all_and_in_order(batch_size: int) -> None:
    model = Probe()
    history = train(model, torch.arange(5.0), iterations=2, batch_size=batch_size, **QUIET)
    assert model.batches == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 2
    assert history.images_seen == 10


def test_pictures_and_labels_stay_together() -> None:
    class Pairs(Probe):
        def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
            assert torch.equal(batch[0] * 10, batch[1])
            return super().loss(batch, random)

    numbers = torch.arange(12.0)
    model = Pairs()
    train(model, numbers, numbers * 10, iterations=5, batch_size=4, **QUIET)
    assert len(model.batches) == 5


def test_seed_decides_all() -> None:
    images, labels = data.digits(8)
    runs = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(runs))  # torch's own numbers play no part
        model = tiny_generator()
        history = train(model, images[:40], labels[:40], iterations=3, batch_size=8, seed=seed, **QUIET)
        runs.append((model, history.loss))
    assert runs[0][1] == runs[1][1]
    assert same_weights(runs[0][0], runs[1][0])
    assert runs[0][1] != runs[2][1]
    assert not same_weights(runs[0][0], runs[2][0])


def test_training_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train(tiny_generator(), *(part[:8] for part in data.digits(8)), iterations=2, **QUIET)
    assert torch.equal(torch.rand(4), expected)


def test_endless_data_are_new_in_every_iteration() -> None:
    asked: list[int] = []

    def source(count: int, generator: torch.Generator) -> tuple[Tensor]:
        asked.append(count)
        return (torch.rand(count, generator=generator),)

    one, two, other = Probe(), Probe(), Probe()
    history = train(one, source, iterations=4, batch_size=6, **QUIET)
    train(two, source, iterations=4, batch_size=6, **QUIET)
    train(other, source, iterations=4, batch_size=6, seed=1, **QUIET)
    assert asked == [6] * 12
    assert history.images_seen == 24
    assert len(set(flat(one.batches))) == 24
    assert one.batches == two.batches
    assert not set(flat(one.batches)) & set(flat(other.batches))


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


# --- killed, interrupted, resumed ------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed_jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which jobs were killed by SIGKILL and went on, each in processes of its own."""
    folder = tmp_path_factory.mktemp("killed")
    script = Path(helpers.__file__)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = {"env": environment, "capture_output": True, "text": True, "timeout": 600}
    done = subprocess.run([sys.executable, script, folder], **told)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("case", helpers.CASES)
def test_killed_at_any_moment_it_ends_the_same(killed_jobs: Path, case: str) -> None:
    """Bitwise the same weights, losses, validation history and best iteration."""
    happened = json.loads((killed_jobs / "cases.json").read_text())[case]
    job, _, moment = case.partition("-")
    if moment in helpers.CERTAIN:
        assert happened["signals"] == [signal.SIGKILL]
    assert happened["end"] == 0
    assert happened["checkpoint"] % 3 == 0
    whole = (killed_jobs / f"{job}-plain.result.safetensors").read_bytes()
    assert (killed_jobs / f"{case}.result.safetensors").read_bytes() == whole


def test_the_kills_were_spread_and_checkpoints_harmless(killed_jobs: Path) -> None:
    cases = json.loads((killed_jobs / "cases.json").read_text())
    assert len({case["checkpoint"] for case in cases.values()}) >= 5
    assert sum(signal.SIGKILL in case["signals"] for case in cases.values()) > 0.8 * len(cases)
    for job in helpers.MOMENTS:
        plain, whole = (killed_jobs / f"{job}-{kind}.result.safetensors" for kind in ("plain", "whole"))
        assert plain.read_bytes() == whole.read_bytes()
        tensors, about = store.load(whole)
        assert len(about["loss"]) == helpers.ITERATIONS
        assert [iteration for iteration, _ in about["validation"]] == [5, 10, 15, 20, 24]
        assert tensors


class Interrupting(nets.Fit):
    """A curve at which somebody presses Ctrl-C in chosen calls of the loss."""

    def __init__(self, *at: int, times: int = 1) -> None:
        torch.manual_seed(0)
        super().__init__(nets.dense(1, 8, 1))
        self.at, self.times, self.calls = at, times, 0

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        self.calls += self.training
        if self.training and self.calls in self.at:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)
        return super().loss(batch, random)


def test_ctrl_c_returns_what_there_is_and_going_on_is_exact(tmp_path: Path) -> None:
    x, y = data.branches(20)
    settings = dict(iterations=20, batch_size=6, learning_rate=0.02, warmup=3, checkpoint_every=100, **QUIET)
    whole = Interrupting()
    expected = train(whole, x, y, **settings)

    path, model = tmp_path / "job.safetensors", Interrupting(8)
    before = signal.getsignal(signal.SIGINT)
    with pytest.warns(UserWarning, match="interrupted: the model has had 8 of 20 iterations"):
        history = train(model, x, y, checkpoint=path, **settings)
    assert signal.getsignal(signal.SIGINT) is before
    assert history.interrupted
    assert history.loss == expected.loss[:8]
    assert not model.training
    tensors, about = store.load(path)
    assert about["iteration"] == 8
    averaged = {name[len("averaged.module.") :]: t for name, t in tensors.items() if name.startswith("averaged.module")}
    assert same_weights(model, averaged)  # the average, not the last weights
    assert not same_weights(model, {f"net.{name}": tensors[f"model.net.{name}"] for name in model.net.state_dict()})

    history = train(model, x, y, checkpoint=path, **settings)  # the same object goes on
    assert not history.interrupted
    assert lasting(history) == lasting(expected)
    assert same_weights(model, whole)

    fresh = Interrupting()
    assert lasting(train(fresh, x, y, checkpoint=path, **settings)) == lasting(expected)  # nothing is left to do
    assert fresh.calls == 0
    assert same_weights(fresh, whole)


def test_ctrl_c_with_validation_keeps_the_best_so_far(tmp_path: Path) -> None:
    x, y = data.branches(20)
    settings = dict(iterations=20, learning_rate=0.02, validation=data.branches(9, seed=1), **QUIET)
    whole = Interrupting()
    expected = train(whole, x, y, validate_every=5, **settings)
    model, path = Interrupting(7, 13), tmp_path / "job.safetensors"
    for stops in (7, 13):
        with pytest.warns(UserWarning, match=f"{stops} of 20"):
            history = train(model, x, y, validate_every=5, checkpoint=path, **settings)
        assert [iteration for iteration, _ in history.validation] == list(range(5, stops, 5))
        with torch.no_grad():
            judged = float(model.loss(settings["validation"]))
        assert judged == pytest.approx(min(loss for _, loss in history.validation), rel=1e-6)
    assert lasting(train(model, x, y, validate_every=5, checkpoint=path, **settings)) == lasting(expected)
    assert same_weights(model, whole)


def test_ctrl_c_before_the_first_validation_judges_what_there_is(tmp_path: Path) -> None:
    x, y = data.branches(20)
    path, whole, model = tmp_path / "job.safetensors", Interrupting(), Interrupting(3)
    settings = dict(iterations=12, validation=(x, y), validate_every=10, **QUIET)
    expected = train(whole, x, y, **settings)
    with pytest.warns(UserWarning, match="3 of 12"):
        history = train(model, x, y, checkpoint=path, **settings)
    assert [iteration for iteration, _ in history.validation] == [3]
    with torch.no_grad():
        assert float(model.loss((x, y))) == pytest.approx(history.validation[0][1], rel=1e-6)
    assert lasting(train(model, x, y, checkpoint=path, **settings)) == lasting(expected)
    assert same_weights(model, whole)


def test_ctrl_c_in_the_last_iteration_is_no_interruption() -> None:
    history = train(Interrupting(4), *data.curve(), iterations=4, **QUIET)
    assert not history.interrupted
    assert len(history.loss) == 4


def test_second_ctrl_c_goes_through() -> None:
    before = signal.getsignal(signal.SIGINT)
    model = Interrupting(3, times=2)
    with pytest.raises(KeyboardInterrupt):
        train(model, *data.curve(), iterations=10, **QUIET)
    assert model.calls == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_time_and_examples_are_counted_over_all_parts(tmp_path: Path) -> None:
    x, y = data.branches(20)
    model, path = Interrupting(5), tmp_path / "job.safetensors"
    with pytest.warns(UserWarning, match="5 of 12"):
        first = train(model, x, y, iterations=12, batch_size=6, checkpoint=path, **QUIET)
    second = train(model, x, y, iterations=12, batch_size=6, checkpoint=path, **QUIET)
    assert (first.images_seen, second.images_seen) == (30, 72)
    assert second.seconds > first.seconds > 0


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
    with pytest.raises(ValueError, match="model = 'Fit', not 'Probe'"):
        train(Probe(), x, y, iterations=2, checkpoint=path, **QUIET)
    with pytest.raises(ValueError, match=r"job\.safetensors' is of a run with"):  # another width
        train(fit(width=9), x, y, iterations=2, checkpoint=path, **QUIET)

    images, labels = (part[:8] for part in data.digits(8))
    path = tmp_path / "generator.safetensors"
    train(tiny_generator(), images, labels, iterations=1, checkpoint=path, **QUIET)
    other = Generator(nets.UNet(size=8, widths=(8, 16), context_size=16), heads.Categorical(4), plans.raster(4))
    with pytest.raises(ValueError, match="'name': 'raster'"):
        train(other, images, iterations=1, checkpoint=path, **QUIET)


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


# --- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"iterations": 0}, ValueError, "iterations is 0; allowed: whole numbers from 1"),
        ({"iterations": 2.5}, TypeError, "iterations is 2.5, a float; allowed: a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; allowed: whole numbers from 1"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate is -1.0; allowed"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0; allowed"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate is nan; allowed"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate is 'fast', a str; allowed: a number"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay is -0.1; allowed"),
        ({"warmup": -1}, ValueError, "warmup is -1; allowed: whole numbers from 0"),
        ({"ema": 1.5}, ValueError, "ema is 1.5; allowed: finite numbers in [0, 1]"),
        ({"clip": 0.0}, ValueError, "clip is 0.0; allowed"),
        ({"validate_every": 0}, ValueError, "validate_every is 0; allowed"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every is 0; allowed"),
        ({"device": "gpu"}, ValueError, "device is 'gpu'; allowed: 'auto', 'cpu', 'cuda'"),
        ({"device": "cuda:x"}, ValueError, "device is 'cuda:x'; allowed: 'auto', 'cpu', 'cuda'"),
        ({"precision": "bfloat"}, ValueError, "precision is 'bfloat'; allowed: 'auto', 'float32', 'bfloat16'; did"),
        ({"precision": "float16"}, ValueError, "did you mean 'bfloat16'?"),
    ],
)
def test_bad_arguments_are_named(changed: dict[str, object], kind: type[Exception], message: str) -> None:
    model = fit()
    first = weights(model)
    with pytest.raises(kind, match=re.escape(message)):
        train(model, *data.curve(), **{"iterations": 3, **QUIET, **changed})
    assert same_weights(model, first)


def test_bad_data_are_named() -> None:
    x, y = data.curve()
    with pytest.raises(ValueError, match="data is empty; allowed: one or more tensors"):
        train(fit(), iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"data have \[0, 0\] examples; allowed: one or more"):
        train(fit(), x[:0], y[:0], iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"data have \[12, 11\] examples; allowed: one or more, all the same"):
        train(fit(), x, y[:11], iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"data hold a ndarray; allowed: torch\.Tensor"):
        train(fit(), x.numpy(), np.zeros((12, 1)), iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"data hold a function and more; allowed"):
        train(fit(), lambda count, generator: (x, y), y, iterations=1, **QUIET)


def test_bad_validation_data_are_named() -> None:
    x, y = data.curve()
    with pytest.raises(ValueError, match=r"validation have \[0, 0\] examples; allowed: one or more"):
        train(fit(), x, y, iterations=1, validation=(x[:0], y[:0]), **QUIET)
    with pytest.raises(ValueError, match=r"validation have \[12, 5\] examples"):
        train(fit(), x, y, iterations=1, validation=(x, y[:5]), **QUIET)
    images, labels = (part[:8] for part in data.digits(8))
    with pytest.raises(ValueError, match=r"images has values from 0 to 506; allowed: \[-1, 1\]"):
        train(tiny_generator(), images, labels, iterations=1, validation=((images + 1) * 255, labels), **QUIET)


def test_pictures_and_labels_that_do_not_fit_the_model_are_named() -> None:
    images, labels = (part[:8] for part in data.digits(8))
    with pytest.raises(ValueError, match=r"images has values from 0 to 506; allowed: \[-1, 1\]"):
        train(tiny_generator(), (images + 1) * 255, labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match=r"images has shape \(8, 1, 16, 16\); allowed: \(any number, 1, 8, 8\)"):
        train(tiny_generator(), data.digits(16)[0][:8], labels, iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"images has dtype torch\.uint8; allowed: floating point"):
        train(tiny_generator(), ((images + 1) * 127).byte(), labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match="labels were given to a model without a condition; allowed: images alone"):
        train(tiny_generator(condition=False), images, labels, iterations=1, **QUIET)
    with pytest.raises(ValueError, match="labels holds 10; allowed: whole numbers from 0 to 9"):
        train(tiny_generator(), images, labels * 0 + 10, iterations=1, **QUIET)
    with pytest.raises(TypeError, match=r"labels has dtype torch\.float32; allowed: whole numbers"):
        train(tiny_generator(), images, labels.float(), iterations=1, **QUIET)
    with pytest.raises(ValueError, match="batch holds images alone; allowed for a model with a condition"):
        train(tiny_generator(), images, iterations=1, **QUIET)
    broken = images.clone()
    broken[3, 0, 2, 2] = math.nan
    with pytest.raises(ValueError, match="images holds NaN or infinite values"):
        train(tiny_generator(), broken, labels, iterations=1, **QUIET)


# --- device and precision --------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu() -> None:
    assert pick_device("auto") == torch.device("cpu")
    for name in ("cuda", "cuda:0"):
        with pytest.raises(
            ValueError, match=f"device is '{name}', but torch finds no GPU; allowed here: 'auto', 'cpu'"
        ):
            train(fit(), *data.curve(), iterations=1, device=name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_with_a_gpu() -> None:
    images, labels = (part[:64] for part in data.digits(8))
    model = tiny_generator()
    history = train(model, images, labels, iterations=30, batch_size=16, validation=(images, labels), progress=False)
    assert model.device.type == "cuda"
    assert len(history.loss) == 30
    assert all(map(math.isfinite, history.loss))


@pytest.mark.parametrize("feature", [None, "avx512_bf16", "amx_tile"])
def test_auto_precision_asks_the_processor(monkeypatch: pytest.MonkeyPatch, feature: str | None) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda name=name: name == feature)
    cpu = torch.device("cpu")
    assert pick_precision("auto", cpu) == ("float32" if feature is None else "bfloat16")
    assert pick_precision("float32", cpu) == "float32"
    assert pick_precision("bfloat16", cpu) == "bfloat16"


def test_auto_precision_is_float32_where_torch_can_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.delattr(torch.cpu, f"_is_{name}_supported", raising=False)
    assert pick_precision("auto", torch.device("cpu")) == "float32"


def test_bfloat16_trains_a_unet() -> None:
    images, labels = (part[:16] for part in data.digits(8))
    seen: list[torch.dtype] = []
    losses = {}
    for precision in ("float32", "bfloat16"):
        model = tiny_generator()
        model.net.first.register_forward_hook(lambda module, given, result: seen.append(result.dtype))
        history = train(model, images, labels, iterations=8, precision=precision, warmup=0, ema=None, **QUIET)
        assert history.precision == precision
        assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
        losses[precision] = history.loss
    assert seen == [torch.float32] * 8 + [torch.bfloat16] * 8
    assert all(map(math.isfinite, losses["bfloat16"]))
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"][-1] < losses["bfloat16"][0]


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

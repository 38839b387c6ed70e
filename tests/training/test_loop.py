"""The training loop: does what ten plain lines do, and stops for Ctrl-C and goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from helpers_training import PLAIN, QUIET, Probe, fit, lasting, same_weights, tiny_generator
from torch import Tensor, nn

from minigen import data, nets
from minigen.base import store
from minigen.training import train

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


# --- random numbers --------------------------------------------------------------------------------


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


# --- interrupted and resumed -----------------------------------------------------------------------


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
    with pytest.warns(UserWarning, match=r"nothing is left to train: .* has had all 20 iterations"):
        assert lasting(train(fresh, x, y, checkpoint=path, **settings)) == lasting(expected)
    assert fresh.calls == 0
    assert same_weights(fresh, whole)


def test_sigterm_saves_as_ctrl_c_does(tmp_path: Path) -> None:
    x, y = data.branches(20)
    path = tmp_path / "job.safetensors"
    calls = []

    def source(count: int, random: torch.Generator) -> tuple[torch.Tensor, ...]:
        calls.append(count)
        if len(calls) == 4:  # the first is asked for what the checkpoint's run is known by
            signal.raise_signal(signal.SIGTERM)
        return x, y

    before = signal.getsignal(signal.SIGTERM)
    with pytest.warns(UserWarning, match="interrupted: the model has had 3 of 20 iterations"):
        train(Interrupting(), source, iterations=20, checkpoint=path, **QUIET)
    assert store.load(path)[1]["iteration"] == 3
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_ignored_stays_ignored(kind: signal.Signals) -> None:
    x, y = data.branches(20)

    def source(count: int, random: torch.Generator) -> tuple[torch.Tensor, ...]:
        signal.raise_signal(kind)
        return x, y

    before = signal.signal(kind, signal.SIG_IGN)
    try:
        assert not train(Interrupting(), source, iterations=3, **QUIET).interrupted
    finally:
        signal.signal(kind, before)


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

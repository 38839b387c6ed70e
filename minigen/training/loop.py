"""One training loop for anything with ``loss(batch, random)``: generators, classifiers, curves.

    for each iteration:
        batch = some of the data, in a shuffled order
        loss = model.loss(batch, random)
        loss.backward(); clip the gradient; a step of the optimizers; average the weights

Chapter 1 writes this out in a dozen lines; ``Run`` does it here. ``train`` is how it is called.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from minigen.base.errors import check_truth, check_whole
from minigen.training.batches import Batch, Source
from minigen.training.hardware import pick_device
from minigen.training.run import Run
from minigen.training.settings import History, Settings

Watch = Callable[[int, int, Any], object]
"""What looks on: it is called with how many updates there have been, how many there will be, and the model."""


def train(
    model: nn.Module,
    *data: Tensor | Source,
    iterations: int = 1000,
    batch_size: int = 128,
    optimizer: str = "adamw",
    learning_rate: float = 2e-3,
    weight_decay: float = 0.0,
    warmup: int = 50,
    decay: bool = True,
    ema: float | None = 0.999,
    clip: float | None = 1.0,
    seed: int = 0,
    validation: Batch | None = None,
    validate_every: int = 250,
    validate_with: Mapping[str, Any] | None = None,
    validate_draws: int = 1,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 250,
    device: str = "auto",
    precision: str = "auto",
    progress: bool = True,
    watch: Watch | None = None,
) -> History:
    """Train ``model`` in place and say how it went. Ctrl-C and SIGTERM return what there is.

    In the end the model holds the averaged weights (EMA), with ``validation`` those of the best
    validation loss, and is in evaluation mode; also if training fails.

    Args:
        model: anything with ``loss(batch, random)`` that returns one number. Of one that ``torch.compile`` or
            ``DataParallel`` has wrapped, the model inside is trained, as it is (several GPUs: see ``processes``).
        data: tensors with the same first dimension, such as images and labels; or one function
            ``(count, generator) -> tuple of tensors`` that makes endless data.
        iterations: updates of the weights.
        batch_size: examples an update; all of them, in order, if there are no more.
        optimizer: "adamw"; or "muon", which learns faster, for the weights that are matrices
            (``optimizers``), at a rate of its own, ten times ``learning_rate``.
        learning_rate, weight_decay: AdamW's.
        warmup, decay: iterations of linear rise; then a half cosine to 0, or none.
        ema: the weights' moving average has decay ``min(ema, (1 + n) / (10 + n))`` after n updates (the
            first one copies the weights); None for none.
        clip: the largest norm of the gradient; None for any.
        seed: of the order of the data and of what ``loss`` draws. Not of the model's first weights:
            call ``torch.manual_seed`` before making it.
        validation: tensors like ``data``, judged every ``validate_every`` iterations with the same draws.
        validate_with: what else ``loss`` is called with when it judges the validation data, such as
            ``{"loss_on": "next"}``: to learn from all hidden pixels and stop by what the next step writes.
        validate_draws: how often each of them is judged, with other draws each time. One pixel a picture,
            which is what the next step of ``raster(1)`` writes, says little; sixteen say more.
        checkpoint: a file to save to every ``checkpoint_every`` iterations and, if it is there,
            to go on from. On a CPU a run that was killed and resumed ends exactly like one that was not.
        device: "auto" takes a GPU if there is one; or "cpu", "cuda", "cuda:1".
        precision: "auto" takes bfloat16 where the hardware has it; or "float32", "bfloat16".
        progress: show a bar with loss, rate and time left.
        watch: a function ``(iteration, iterations, model)`` that is called after every update, in the first of several
            processes, before a checkpoint is saved; say, to draw now and then. The model has the averaged weights, if
            there are such, and is in evaluation mode. What it does with torch's dice changes nothing in the training,
            and its time is not that of the training.

    Raises:
        FloatingPointError: if the loss is not finite; it names the iteration.
        ValueError, TypeError: naming the argument and what is allowed.

    >>> from minigen import data, nets
    >>> curve = nets.Fit(nets.dense(1, 32, 1))
    >>> history = train(curve, *data.curve(), iterations=200, progress=False)
    >>> history.loss[-1] < history.loss[0]
    True
    """
    settings = Settings(
        iterations, batch_size, optimizer, learning_rate, weight_decay, warmup, decay, ema, clip, seed, validate_every,
        {} if validate_with is None else validate_with, validate_draws,
    )  # fmt: skip
    _check(checkpoint_every, progress, watch)
    run = Run(model, data, settings, validation, pick_device(device), precision, checkpoint)
    if run.iteration >= iterations:
        warnings.warn(
            f"nothing is left to train: {str(checkpoint)!r} has had all {iterations} iterations", stacklevel=2
        )
    try:
        _follow(run, checkpoint, checkpoint_every, progress, watch)
        run.finish()
    except BaseException:
        run.leave()
        raise
    if run.history.interrupted:
        warnings.warn(f"interrupted: the model has had {run.iteration} of {iterations} iterations", stacklevel=2)
    return run.history


def _check(checkpoint_every: int, progress: bool, watch: Watch | None) -> None:
    """Raise for what ``Settings`` does not hold."""
    check_whole("checkpoint_every", checkpoint_every)
    check_truth("progress", progress)
    if watch is not None and not callable(watch):
        raise TypeError(f"watch is {watch!r}; allowed: a function of (iteration, iterations, model), or None")


def _follow(run: Run, checkpoint: str | Path | None, every: int, progress: bool, watch: Watch | None) -> None:
    """All iterations that are left, or until Ctrl-C: with a bar, and saved now and then."""
    total, silent = run.settings.iterations, not progress or run.processes.rank > 0
    with tqdm(total=total, initial=run.iteration, desc="training", disable=silent) as bar, _Wish() as stop:
        for iteration in run:
            bar.update()
            bar.set_postfix(loss=f"{run.last_loss:.4f}", refresh=False)
            run.history.interrupted = run.processes.any(stop.wished) and iteration < total
            if watch is not None and run.processes.rank == 0:
                _show(run, watch)
            due = iteration % every == 0 or iteration == total or run.history.interrupted
            if checkpoint is not None and due and run.processes.rank == 0:
                run.save(checkpoint)
            if run.history.interrupted:
                break


@torch.no_grad()
def _show(run: Run, watch: Watch) -> None:
    """Let ``watch`` see the model as it is, and leave that and torch's dice as they were."""
    model: Any = run.model if run.averaged is None else run.averaged.module
    training = model.training
    with torch.random.fork_rng():
        try:
            watch(run.iteration, run.settings.iterations, model.eval())
        finally:
            model.train(training)


class _Wish:
    """While this is open, Ctrl-C or SIGTERM is a wish to stop after the present iteration; a second stops at once.

    A signal that the process ignores, as in the background of some shells, stays ignored.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.wished = False

    def __enter__(self) -> _Wish:
        if threading.current_thread() is threading.main_thread():
            heard = [each for each in self.SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
            self._before = {each: signal.signal(each, self._on_signal) for each in heard}
        return self

    def __exit__(self, *error: object) -> None:
        if threading.current_thread() is threading.main_thread():
            for each, before in self._before.items():
                signal.signal(each, before)

    def _on_signal(self, *signal_and_frame: object) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True

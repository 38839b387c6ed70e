"""Small models and jobs for the tests of training; run as a script it kills jobs and lets them go on.

``python helpers_training.py FOLDER`` starts every job of ``MOMENTS`` once to its end and once for each of its
moments, where the process that trains is killed by SIGKILL and another one goes on from its
checkpoint. Each leaves a file ``JOB-MOMENT.result.safetensors``, and ``cases.json`` says what happened.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from minigen import Generator, History, Labels, data, heads, nets, plans, train
from minigen.base import store
from minigen.zoo.recipes import Recipe

ITERATIONS = 24


def fit(*between: nn.Module, width: int = 8, loss: str = "squared", seed: int = 0) -> nets.Fit:
    """A little curve with first weights of its own; ``between`` comes after the hidden layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nets.Fit(nn.Sequential(nn.Linear(1, width), nn.SiLU(), *between, nn.Linear(width, 1)), loss)


def _tiny(size: int, condition: bool = True) -> Generator:
    net = nets.UNet(size=size, widths=(8, 16), context_size=16)
    return Generator(net, heads.Categorical(4), plans.diffusion(), condition=Labels(10) if condition else None)


def tiny_generator(size: int = 8, condition: bool = True) -> Generator:
    """A U-Net of some thousand weights, told which digit, always with the same first weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _tiny(size, condition)


def tiny_recipe(name: str = "tiny-digits", size: int = 8, condition: bool = True, **training: Any) -> Recipe:
    """A recipe that trains in a moment."""
    return Recipe(
        name,
        "a very small generator for the tests",
        lambda: _tiny(size, condition),
        size=size,
        training={"iterations": 2, "batch_size": 16, **training},
        sampling={"steps": 2},
        seed=3,
    )


def weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of a model's state."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same_weights(one: nn.Module | dict[str, Tensor], other: nn.Module | dict[str, Tensor]) -> bool:
    """True if two models have the very same bits."""
    a, b = (each.state_dict() if isinstance(each, nn.Module) else each for each in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def lasting(history: History) -> dict[str, Any]:
    """What must be the same in a run that was resumed: all but the time it took."""
    return {name: getattr(history, name) for name in ("loss", "validation", "best", "images_seen")}


# --- jobs that are killed --------------------------------------------------------------------------


def _dots(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.rand(count, 1, generator=generator)
    return x, x.square() + 0.1 * torch.randn(count, 1, generator=generator)


def _job(name: str) -> tuple[nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Model, data and settings of a job. Each draws random numbers in another place."""
    if name == "dropout":  # torch's own random numbers, in every call of the net
        settings = dict(batch_size=5, validation=data.branches(12, seed=1), ema=None, decay=False)
        return fit(nn.Dropout(0.3)), data.branches(23), settings
    if name == "muon":
        settings = dict(batch_size=5, validation=data.branches(12, seed=1), optimizer="muon")
        return fit(nn.Linear(16, 16), width=16), data.branches(23), settings
    if name == "source":  # data that are made while training
        return fit(), (_dots,), dict(batch_size=6, validation=data.branches(12, seed=1))
    images, labels = data.digits(8)
    held_images, held_labels = data.digits(8, "validation")
    settings = dict(batch_size=7, validation=(held_images[:20], held_labels[:20]), weight_decay=0.1)
    return tiny_generator(), (images[:40], labels[:40]), settings


def run_job(name: str, folder: Path, case: str, checkpoint: bool = True) -> None:
    """Train a job to its end and write its result, in bytes that depend on nothing but the result."""
    model, parts, settings = _job(name)
    torch.manual_seed(7)
    path = folder / f"{case}.checkpoint.safetensors" if checkpoint else None
    common = dict(iterations=ITERATIONS, warmup=3, validate_every=5, learning_rate=0.02, seed=5, progress=False)
    history = train(model, *parts, **common, **settings, checkpoint=path, checkpoint_every=3, device="cpu")
    store.save(folder / f"{case}.result.safetensors", model.state_dict(), lasting(history))


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, number: int, first: Callable[..., Any]) -> None:
    """From now on ``first`` is called with the same arguments before the ``number``-th call of a function."""
    plain, calls = getattr(owner, name), [0]

    def call(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            first(*given)
        return plain(*given, **named)

    setattr(owner, name, call)


def _after(owner: Any, name: str, number: int) -> None:
    """From now on the process dies right after the ``number``-th call of a function."""
    plain, calls = getattr(owner, name), [0]

    def call(*given: Any, **named: Any) -> Any:
        result = plain(*given, **named)
        calls[0] += 1
        if calls[0] == number:
            _die()
        return result

    setattr(owner, name, call)


def _tear(descriptor: int) -> None:
    """The file is written by half when the process dies."""
    os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
    _die()


def _die_with_the_lock(*_: Any) -> None:
    """The progress bar is being drawn when the process dies."""
    tqdm.get_lock().acquire()
    _die()


def _arm(moment: str) -> None:
    """Prepare the death of this process, which is a child of the driver and trains one job."""
    what, _, number = moment.rpartition("-")
    model_kinds = (nets.Fit, Generator)
    if what == "in-loss":  # validation calls it, too
        for kind in model_kinds:
            _before(kind, "loss", int(number), _die)
    elif what == "in-bar":
        for kind in model_kinds:
            _before(kind, "loss", int(number), _die_with_the_lock)
    elif what == "before-update":
        _before(torch.optim.AdamW, "step", int(number), _die)
    elif what == "after-update":
        _after(torch.optim.AdamW, "step", int(number))
    elif what == "half-written":
        _before(os, "fsync", int(number), _tear)
    elif what == "before-rename":
        _before(os, "replace", int(number), _die)
    elif what == "after-rename":
        _after(os, "replace", int(number))


CERTAIN = [f"in-loss-{i}" for i in (1, 4, 5, 6, 7, 13, 27)] + ["in-bar-8"]
CERTAIN += [f"{when}-update-{i}" for when in ("before", "after") for i in (3, 10, 24)]
CERTAIN += [f"{when}-{i}" for when in ("half-written", "before-rename", "after-rename") for i in (1, 2, 8)]
BY_CHANCE = [f"file-changed-{i}" for i in (1, 3, 6)] + [f"delay-{i}" for i in range(4)]
BY_CHANCE += ["again-and-again-0"]
MOMENTS = {
    "dropout": CERTAIN + BY_CHANCE,
    "source": BY_CHANCE[::3],
    "muon": CERTAIN[3::7],
    "generator": [*CERTAIN[1::5], *BY_CHANCE[2::3]],
}
CASES = [f"{name}-{moment}" for name, moments in MOMENTS.items() for moment in moments]


def _start(name: str, folder: Path, case: str, moment: str) -> int:
    """Fork a process that trains; it never comes back from here."""
    child = os.fork()
    if child:
        return child
    try:
        _arm(moment)
        run_job(name, folder, case)
    except BaseException as error:
        print(f"{case}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _wait_for_change(path: Path, number: int, child: int) -> None:
    """Return at once when the file was replaced for the ``number``-th time, or the child has ended."""
    seen: set[int] = set()
    while len(seen) < number:
        with suppress(FileNotFoundError):
            seen.add(path.stat().st_mtime_ns)
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return


def _killed(name: str, folder: Path, moment: str, seconds: float) -> dict[str, Any]:
    """Start a job, have it killed at a moment, let it go on; what happened."""
    case = f"{name}-{moment}"
    checkpoint = folder / f"{case}.checkpoint.safetensors"
    chance, signals = random.Random(case), []
    while True:
        child = _start(name, folder, case, moment)
        if moment.startswith("file-changed"):
            _wait_for_change(checkpoint, int(moment[-1]), child)
            os.kill(child, signal.SIGKILL)
        elif moment.startswith(("delay", "again")):
            time.sleep(chance.random() * seconds)
            os.kill(child, signal.SIGKILL)  # if it has ended it is a zombie, and nothing happens
        signals.append(os.WTERMSIG(status) if os.WIFSIGNALED(status := os.waitpid(child, 0)[1]) else 0)
        if not moment.startswith("again") or signals[-1] == 0 or len(signals) == 8:
            break
    at = store.load(checkpoint)[1]["iteration"] if checkpoint.is_file() else 0
    end = os.waitpid(_start(name, folder, case, "to-the-end-0"), 0)[1]
    return {"signals": signals, "checkpoint": at, "end": end}


def drive(folder: Path) -> None:
    """All jobs, all moments."""
    torch.set_num_threads(1)
    # tqdm's own lock is one for a process and all its forks: a job killed with it in hand would stop the others for
    # ever. Its monitor is a thread, and a fork made while that thread holds the lock never gets it either.
    tqdm.set_lock(threading.RLock())
    tqdm.monitor_interval = 0
    cases = {}
    for name, moments in MOMENTS.items():
        run_job(name, folder, f"{name}-plain", checkpoint=False)
        begin = time.perf_counter()
        run_job(name, folder, f"{name}-whole")
        seconds = time.perf_counter() - begin
        for moment in moments:
            cases[f"{name}-{moment}"] = _killed(name, folder, moment, seconds)
    (folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    drive(Path(sys.argv[1]))

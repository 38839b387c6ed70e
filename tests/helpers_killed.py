"""Jobs of training that are killed and go on: ``python helpers_killed.py FOLDER``.

It starts every job of ``MOMENTS`` once to its end and once for each of its moments, where the process that trains is
killed by SIGKILL and another one goes on from its checkpoint. Each leaves a file ``JOB-MOMENT.result.safetensors``,
and ``cases.json`` says what happened. A job that is killed from outside tells its killer what it has come to, and at
its end it waits to be killed. Nothing here depends on a time: one that is killed while it saves is given a random part
of the time that a save takes, and wherever that ends, inside or outside, the result must be the same.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from helpers_training import QUIET, fit, lasting, tiny_generator
from torch import Tensor, nn
from tqdm import tqdm

from minigen import Generator, data, nets, train
from minigen.base import store

ITERATIONS = 24
TOLD = 80
"""About as often a job has something to tell: losses, updates, files that are written and renamed."""


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
    common = dict(iterations=ITERATIONS, warmup=3, validate_every=5, learning_rate=0.02, seed=5, **QUIET)
    history = train(model, *parts, **common, **settings, checkpoint=path, checkpoint_every=3)
    store.save(folder / f"{case}.result.safetensors", model.state_dict(), lasting(history))


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hook(owner: Any, name: str, act: Callable[..., Any], number: int | None = None, after: bool = False) -> None:
    """From now on ``act`` is called with the same arguments before (or after) the ``number``-th call of a function.

    Without a number: each call.
    """
    plain, calls = getattr(owner, name), [0]

    def call(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        now = number in (None, calls[0])
        if now and not after:
            act(*given)
        result = plain(*given, **named)
        if now and after:
            act(*given)
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


def _on_each_loss(act: Callable[..., Any], number: int | None = None) -> None:
    for kind in (nets.Fit, Generator):  # validation calls it, too
        _hook(kind, "loss", act, number)


def _arm(moment: str, tell: Callable[..., Any]) -> None:
    """Prepare the death of this process, which is a child of the driver and trains one job."""
    what, _, word = moment.rpartition("-")
    number = int(word)
    if what == "in-loss":
        _on_each_loss(_die, number)
    elif what == "in-bar":
        _on_each_loss(_die_with_the_lock, number)
    elif what in ("before-update", "after-update"):
        _hook(torch.optim.AdamW, "step", _die, number, after=what == "after-update")
    elif what == "half-written":
        _hook(os, "fsync", _tear, number)
    elif what in ("before-rename", "after-rename"):
        _hook(os, "replace", _die, number, after=what == "after-rename")
    elif what in FROM_OUTSIDE:
        if what == "in-saves":
            _hook(store, "write_atomically", tell)
            return
        _hook(os, "replace", tell, after=True)
        if what != "file-changed":
            _on_each_loss(tell)
            _hook(torch.optim.AdamW, "step", tell)
            _hook(os, "fsync", tell)


CERTAIN = [f"in-loss-{i}" for i in (1, 4, 5, 6, 7, 13, 27)] + ["in-bar-8"]
CERTAIN += [f"{when}-update-{i}" for when in ("before", "after") for i in (3, 10, 24)]
CERTAIN += [f"{when}-{i}" for when in ("half-written", "before-rename", "after-rename") for i in (1, 2, 8)]
FROM_OUTSIDE = ("file-changed", "by-chance", "again-and-again", "in-saves")
OUTSIDE = [f"file-changed-{i}" for i in (1, 3, 6)] + [f"by-chance-{i}" for i in range(4)] + ["again-and-again-0"]
AGAIN = {"again-and-again": 8, "in-saves": 12}
"""Kills of the jobs that are killed more than once."""

SAVES = [f"in-saves-{i}" for i in range(2)]

MOMENTS = {
    "dropout": CERTAIN + OUTSIDE + SAVES,
    "source": OUTSIDE[::3],
    "muon": CERTAIN[3::7],
    "generator": [*CERTAIN[1::5], *OUTSIDE[2::3], *SAVES],
}
CASES = [f"{name}-{moment}" for name, moments in MOMENTS.items() for moment in moments]


def _start(name: str, folder: Path, case: str, moment: str) -> tuple[int, socket.socket]:
    """Fork a process that trains, which never comes back from here; and the line on which it tells where it is."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child:
        theirs.close()
        return child, ours
    ours.close()
    try:
        _arm(moment, lambda *_: theirs.sendall(b"."))
        run_job(name, folder, case)
        if moment.rpartition("-")[0] in FROM_OUTSIDE:
            theirs.sendall(b"!")
            theirs.recv(1)  # nobody answers: it is killed here, or its killer is dead
    except BaseException as error:
        print(f"{case}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _kill(child: int, line: socket.socket, number: int, pause: float = 0.0) -> None:
    """Kill a process once it has told something for the ``number``-th time, and a pause after; or at its end."""
    told = 0
    while told < number and line.recv(1) == b".":
        told += 1
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)


def _numbers(moment: str, chance: random.Random) -> list[int]:
    """When to kill from outside: after so many things that the job has told; one number for each kill."""
    what, _, number = moment.rpartition("-")
    if what == "file-changed":
        return [int(number)]
    if what == "by-chance":
        return [chance.randrange(TOLD)]
    return [chance.randrange(1, 3) if what == "in-saves" else chance.randrange(TOLD // 4) for _ in range(AGAIN[what])]


def _left(folder: Path) -> set[str]:
    """The temporary files of saves that did not come to their end."""
    return {path.name for path in folder.glob(".*")}


def _seconds_of_a_save(path: Path) -> float:
    """What the save of such a checkpoint takes."""
    tensors, about = store.load(path)
    begin = time.perf_counter()
    store.save(path.with_name("timed.safetensors"), tensors, about)
    taken = time.perf_counter() - begin
    path.with_name("timed.safetensors").unlink()
    return taken


def _ended(name: str, folder: Path, case: str, moment: str, number: int | None = None, pause: float = 0.0) -> int:
    """Start a job, kill it from outside if a number says when; how it ended."""
    child, line = _start(name, folder, case, moment)
    with line:
        if number is not None:
            _kill(child, line, number, pause)
        return os.waitpid(child, 0)[1]


def _killed(name: str, folder: Path, moment: str) -> dict[str, Any]:
    """Start a job, have it killed at a moment, let it go on; what happened."""
    case = f"{name}-{moment}"
    checkpoint = folder / f"{case}.checkpoint.safetensors"
    chance = random.Random(case)
    numbers = [None] if moment in CERTAIN else _numbers(moment, chance)  # None: it kills itself
    longest = _seconds_of_a_save(folder / f"{name}-whole.checkpoint.safetensors") if moment in SAVES else 0.0
    ends, inside = [], 0
    for number in numbers:
        before = _left(folder)
        ends.append(_ended(name, folder, case, moment, number, pause=0.8 * longest * chance.random()))
        inside += len(_left(folder) - before)
    signals = [os.WTERMSIG(end) if os.WIFSIGNALED(end) else 0 for end in ends]
    at = store.load(checkpoint)[1]["iteration"] if checkpoint.is_file() else 0
    end = _ended(name, folder, case, "to-the-end-0")
    return {"signals": signals, "checkpoint": at, "end": end, "inside": inside, "left": sorted(_left(folder))}


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
        run_job(name, folder, f"{name}-whole")
        for moment in moments:
            cases[f"{name}-{moment}"] = _killed(name, folder, moment)
    (folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    drive(Path(sys.argv[1]))

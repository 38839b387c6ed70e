"""One training loop for anything with ``loss(batch, random)``: generators, classifiers, curves.

    for each iteration:
        batch = some of the data, in a shuffled order
        loss = model.loss(batch, random)
        loss.backward(); clip the gradient; a step of the optimizers; average the weights

Chapter 1 writes this out in a dozen lines. The rest of the file is what a long run needs: a moving average
of the weights (EMA), validation, checkpoints that survive a kill, mixed precision, several processes.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from minigen import optimizers, store
from minigen.errors import check_choice, check_number, check_whole
from minigen.randomness import seeded

Batch = tuple[Tensor, ...]
Source = Callable[[int, torch.Generator], Batch]


@dataclass
class History:
    """What a training run did.

    Attributes:
        loss: one number an iteration.
        validation: (iteration, loss of the averaged weights on the validation data).
        best: the iteration whose weights were kept, where there are validation data.
        seconds: time spent, over all resumed parts.
        images_seen: examples that training has used.
        device, precision, threads: where and how it ran last.
        interrupted: True if Ctrl-C ended it early.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: int | None = None
    seconds: float = 0.0
    images_seen: int = 0
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    interrupted: bool = False


@dataclass(frozen=True)
class Settings:
    """How to train, checked: the keyword arguments of ``train``, which explains them."""

    iterations: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    warmup: int
    decay: bool
    ema: float | None
    clip: float | None
    seed: int
    validate_every: int

    def __post_init__(self) -> None:
        for argument in ("iterations", "batch_size", "validate_every"):
            check_whole(argument, getattr(self, argument))
        check_whole("warmup", self.warmup, least=0)
        check_number("learning_rate", self.learning_rate, 0, open_left=True)
        check_number("weight_decay", self.weight_decay, 0)
        if self.ema is not None:
            check_number("ema", self.ema, 0, 1)
        if self.clip is not None:
            check_number("clip", self.clip, 0, open_left=True)

    def rate(self, iteration: int) -> float:
        """The learning rate's factor: a linear rise over ``warmup``, then a half cosine down to 0."""
        rise = min(1.0, (iteration + 1) / (self.warmup + 1))
        left = max(0.0, (iteration - self.warmup) / max(1, self.iterations - self.warmup))
        return rise * (0.5 * (1 + math.cos(math.pi * left)) if self.decay else 1.0)


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
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 250,
    device: str = "auto",
    precision: str = "auto",
    progress: bool = True,
) -> History:
    """Train ``model`` in place and say how it went. Ctrl-C returns what there is.

    In the end the model holds the averaged weights (EMA); with ``validation``, those of the best
    validation loss.

    Args:
        model: anything with ``loss(batch, random)`` that returns one number.
        data: tensors with the same first dimension, such as images and labels; or one function
            ``(count, generator) -> tuple of tensors`` that makes endless data.
        iterations: updates of the weights.
        batch_size: examples an update; all of them, in order, if there are no more.
        optimizer: "adamw"; or "muon", which learns faster, for the weights that are matrices
            (``optimizers``). It takes ten times the learning rate.
        learning_rate, weight_decay: AdamW's.
        warmup, decay: iterations of linear rise; then a half cosine to 0, or none.
        ema: the weights' moving average has decay ``min(ema, (1 + n) / (10 + n))`` after n updates (the
            first one copies the weights); None for none.
        clip: the largest norm of the gradient; None for any.
        seed: of the order of the data and of what ``loss`` draws. Not of the model's first weights:
            call ``torch.manual_seed`` before making it.
        validation: tensors like ``data``, judged every ``validate_every`` iterations with the same draws.
        checkpoint: a file to save to every ``checkpoint_every`` iterations and, if it is there,
            to go on from. On a CPU a run that was killed and resumed ends exactly like one that was not.
        device: "auto" takes a GPU if there is one; or "cpu", "cuda", "cuda:1".
        precision: "auto" takes bfloat16 where the hardware has it; or "float32", "bfloat16".
        progress: show a bar with loss, rate and time left.

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
        iterations, batch_size, optimizer, learning_rate, weight_decay, warmup, decay, ema, clip, seed, validate_every
    )
    check_whole("checkpoint_every", checkpoint_every)
    run = _Run(model, data, settings, validation, pick_device(device), precision, checkpoint)
    silent = not progress or run.processes.rank > 0
    with tqdm(total=iterations, initial=run.iteration, desc="training", disable=silent) as bar, _Wish() as stop:
        for iteration in run:
            bar.update()
            bar.set_postfix(loss=f"{run.last_loss:.4f}", refresh=False)
            run.history.interrupted = run.processes.any(stop.wished) and iteration < iterations
            due = iteration % checkpoint_every == 0 or iteration == iterations or run.history.interrupted
            if checkpoint is not None and due and run.processes.rank == 0:
                run.save(checkpoint)
            if run.history.interrupted:
                break
    if run.history.interrupted:
        warnings.warn(f"interrupted: the model has had {run.iteration} of {iterations} iterations", stacklevel=2)
    run.finish()
    return run.history


# --- several processes -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Processes:
    """The processes that train together, and which of them this one is: one alone, unless torchrun started it.

    Every process makes the same batches and the same dice, judges its own part of each batch, and the
    gradients are averaged (DistributedDataParallel). So N processes follow the path of one, up to rounding.
    """

    rank: int = 0
    count: int = 1

    @staticmethod
    def here() -> Processes:
        """Those of torch.distributed, if it is in use."""
        if not (dist.is_available() and dist.is_initialized()):
            return Processes()
        return Processes(dist.get_rank(), dist.get_world_size())

    def part(self, size: int) -> slice:
        """This process's part of a batch of ``size``.

        >>> Processes(rank=1, count=2).part(6)
        slice(3, 6, None)
        """
        if size % self.count:
            near = max(1, round(size / self.count)) * self.count
            raise ValueError(
                f"batch_size is {size} with {self.count} processes; allowed: multiples of {self.count};"
                f" the nearest is {near}"
            )
        share = size // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def any(self, wished: bool) -> bool:
        """Whether one of the processes wishes it: all of them must know, or some would wait for ever."""
        return wished if self.count == 1 else bool(self.mean(torch.tensor(float(wished))) > 0)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a number over the processes."""
        if self.count > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.count
        return value


@contextmanager
def together() -> Iterator[Processes]:
    """Join the other processes that torchrun has started, for the time of the ``with``; alone, do nothing.

    >>> with together() as processes:
    ...     processes
    Processes(rank=0, count=1)
    """
    if "RANK" not in os.environ or dist.is_initialized():
        yield Processes.here()
        return
    dist.init_process_group()  # gloo for what is on CPUs and, where there are GPUs, nccl for what is on them
    try:
        yield Processes.here()
    finally:
        dist.destroy_process_group()


def _own_gpu() -> torch.device:
    """The GPU of this process among those of its machine; without one, the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if Processes.here().count > 1 else torch.device("cuda")


class _Lesson(nn.Module):
    """The loss as a forward pass, which is what DistributedDataParallel watches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Any) -> Tensor:
        loss: Tensor = self.model.loss(*given)
        return loss


# --- the run ---------------------------------------------------------------------------------------


class _Wish:
    """While this is open, Ctrl-C is a wish to stop after the present iteration; a second one stops at once."""

    def __init__(self) -> None:
        self.wished = False

    def __enter__(self) -> _Wish:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *error: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, *signal_and_frame: object) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True


def pick_device(name: str = "auto") -> torch.device:
    """The device of this name; "auto" is a GPU if there is one.

    >>> pick_device("gpu")
    Traceback (most recent call last):
    ValueError: device is 'gpu'; allowed: 'auto', 'cpu', 'cuda', 'cuda:0' and so on
    """
    if name == "auto":
        return _own_gpu()
    kind, _, number = str(name).partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ValueError(f"device is {name!r}; allowed: 'auto', 'cpu', 'cuda', 'cuda:0' and so on")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {name!r}, but torch finds no GPU; allowed here: 'auto', 'cpu'")
    return torch.device(name)


def pick_precision(name: str, device: torch.device) -> str:
    """ "float32" or "bfloat16"; "auto" is bfloat16 only where the hardware computes in it."""
    check_choice("precision", name, ("auto", "float32", "bfloat16"))
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # torch has no public question for this yet; without an answer float32 is always right
    has = [getattr(torch.cpu, f"_is_{feature}_supported", lambda: False) for feature in ("avx512_bf16", "amx_tile")]
    return "bfloat16" if any(question() for question in has) else "float32"


def average(model: nn.Module, decay: float) -> AveragedModel:
    """The moving average of a model's weights: decay ``min(decay, (1 + n) / (10 + n))`` after n updates.

    The rising decay forgets the first, random weights; with a constant one a short run samples rubbish.
    """

    @torch.no_grad()
    def update(averaged: Any, weights: Any, n: Any) -> None:
        count = int(n)
        torch._foreach_lerp_(averaged, weights, 1 - min(decay, (1 + count) / (10 + count)))

    return AveragedModel(model, multi_avg_fn=update)


class _Run:
    """A training run: the loop itself, and its state on disk. Iterating it yields 1, 2, ... iterations."""

    def __init__(
        self,
        model: Any,
        data: tuple[Any, ...],
        settings: Settings,
        validation: Batch | None,
        device: torch.device,
        precision: str,
        checkpoint: str | Path | None,
    ) -> None:
        self.model, self.settings, self.device = model.to(device), settings, device
        self.source = _source(data, settings, device)
        if validation is not None:
            validation = tuple(part.to(device) for part in _check_parts("validation", validation))
        self.validation = validation
        for batch in ([] if callable(data[0]) else [data]) + ([validation] if validation is not None else []):
            if hasattr(model, "check_batch"):
                model.check_batch(batch)
        self.optimizers = optimizers.of(settings.optimizer, model, settings.learning_rate, settings.weight_decay)
        self.schedulers = [LambdaLR(optimizer, settings.rate) for optimizer in self.optimizers]
        self.averaged = None if settings.ema is None else average(model, settings.ema)
        self.best: dict[str, Tensor] | None = None
        self.iteration, self.unread = 0, list[Tensor]()
        kind = pick_precision(precision, device)
        self.history = History(device=_device_name(device), precision=kind, threads=torch.get_num_threads())
        self.autocast: AbstractContextManager[Any] = (
            torch.autocast(device.type, torch.bfloat16) if kind == "bfloat16" else nullcontext()
        )
        self.shapes = [list(part.shape) if isinstance(part, Tensor) else "source" for part in data]
        self.processes = Processes.here()
        self.processes.part(settings.batch_size)
        if checkpoint is not None and os.path.exists(checkpoint):
            self.restore(checkpoint)
        # after the checkpoint is read: making it waits for all, so nobody reads what another one is writing
        self.lesson = DistributedDataParallel(_Lesson(model)) if self.processes.count > 1 else model.loss

    # --- the loop ---

    def __iter__(self) -> Iterator[int]:
        """Train on, one iteration at a time, and yield how many there have been."""
        self.model.train()
        while self.iteration < self.settings.iterations:
            begin = time.perf_counter()
            self.unread.append(self._update())
            self.iteration += 1
            # Reading a loss waits for the GPU, so there it is done now and then only
            if self.device.type == "cpu" or len(self.unread) == 20:
                self._read_losses()
            if self.iteration % self.settings.validate_every == 0 or self.iteration == self.settings.iterations:
                self._validate()
            self.history.seconds += time.perf_counter() - begin
            yield self.iteration

    @property
    def last_loss(self) -> float:
        """The latest loss that was read."""
        return self.history.loss[-1] if self.history.loss else math.nan

    def _update(self) -> Tensor:
        """One step of the optimiser; returns the loss."""
        # A stream of its own for every iteration, so that a resumed run needs no generator's state
        random = seeded(self.settings.seed, self.iteration, device=self.device)
        batch = self.source(self.iteration)
        alone = self.processes.count == 1
        with self.autocast:
            loss = self.lesson(batch, random, *(() if alone else (self.processes.part(len(batch[0])),)))
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        for optimizer, scheduler in zip(self.optimizers, self.schedulers, strict=True):
            optimizer.step()
            scheduler.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        self.history.images_seen += len(batch[0])
        return self.processes.mean(loss.detach())

    def _read_losses(self) -> None:
        """Move the unread losses to the history; one that is not finite ends the run."""
        values = torch.stack(self.unread).float().tolist() if self.unread else []
        self.unread.clear()
        for number, value in enumerate(values, self.iteration - len(values) + 1):
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value} at iteration {number}; try a lower learning_rate than"
                    f" {self.settings.learning_rate}, a longer warmup, or look for NaN in the data"
                )
        self.history.loss += values

    @torch.no_grad()
    def _validate(self) -> None:
        """Judge the averaged weights with the same draws each time; keep them if they are the best yet."""
        if self.validation is None:
            return
        judged = self._judged()
        judged.eval()
        loss, count = 0.0, len(self.validation[0])
        for i, part in enumerate(zip(*(v.split(self.settings.batch_size) for v in self.validation), strict=True)):
            random = seeded(self.settings.seed, -1, i, device=self.device)
            loss += float(judged.loss(part, random)) * len(part[0]) / count
        self.model.train()
        if all(loss < earlier for _, earlier in self.history.validation):
            self.history.best = self.iteration
            self.best = {name: value.detach().clone() for name, value in judged.state_dict().items()}
        self.history.validation.append((self.iteration, loss))

    def _judged(self) -> Any:
        """The model that counts: the averaged one, if there is one."""
        return self.model if self.averaged is None or self.iteration == 0 else self.averaged.module

    def finish(self) -> None:
        """Leave the best weights (or else the averaged ones) in the model."""
        self._read_losses()
        if self.best is None and self.validation is not None and self.iteration > 0:
            self._validate()
        self.model.load_state_dict(self.best if self.best is not None else self._judged().state_dict())
        self.model.eval()

    # --- on disk ---

    def _about(self) -> dict[str, Any]:
        """What must be the same in the run that goes on."""
        config = getattr(self.model, "config", type(self.model).__name__)
        config = config() if callable(config) else config
        return {"model": config, "settings": asdict(self.settings), "data": self.shapes}

    def save(self, path: str | Path) -> None:
        """The whole state as one safetensors file."""
        self._read_losses()
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {"random": torch.get_rng_state(), "loss": torch.tensor(self.history.loss, dtype=torch.float64)}
        for number, optimizer in enumerate(self.optimizers):
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{number}.{index}.{name}": value for name, value in moments.items()}
        if self.averaged is not None:
            tensors |= {f"averaged.{name}": value for name, value in self.averaged.state_dict().items()}
        if self.best is not None:
            tensors |= {f"best.{name}": value for name, value in self.best.items()}
        history = {name: value for name, value in asdict(self.history).items() if name != "loss"}
        about = {"run": self._about(), "iteration": self.iteration, "history": history}
        about["schedulers"] = [
            {key: value for key, value in scheduler.state_dict().items() if key != "lr_lambdas"}
            for scheduler in self.schedulers
        ]
        store.save(path, tensors, about)

    def restore(self, path: str | Path) -> None:
        """Go on from what ``save`` wrote, if it is a state of this very run."""
        tensors, about = store.load(path)
        _same_run(path, about.get("run", {}), self._about())

        def part(prefix: str) -> dict[str, Tensor]:
            start = f"{prefix}."
            return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}

        states = part("model"), self.model.state_dict()
        _same_run(path, *({name: list(value.shape) for name, value in state.items()} for state in states))
        self.model.load_state_dict(states[0])
        if self.averaged is not None:
            self.averaged.load_state_dict(part("averaged"))
        self.best = {name: value.to(self.device) for name, value in part("best").items()} or None
        for number, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"optimizer.{number}").items():
                index, key = name.split(".")
                state.setdefault(int(index), {})[key] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
            was = about["schedulers"][number]
            self.schedulers[number].load_state_dict({**was, "lr_lambdas": [None]})
            for group, rate in zip(optimizer.param_groups, was["_last_lr"], strict=True):
                group["lr"] = rate
        torch.set_rng_state(tensors["random"])
        self.iteration = about["iteration"]
        fresh = {name: getattr(self.history, name) for name in ("device", "precision", "threads", "interrupted")}
        self.history = History(**{**about["history"], **fresh, "loss": tensors["loss"].tolist()})
        self.history.validation = [(int(i), loss) for i, loss in self.history.validation]


def _same_run(path: str | Path, saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise, naming the first difference, unless a checkpoint belongs to the run that would go on."""
    saved, now = ({**about, **about.get("settings", {}), "settings": None} for about in (saved, now))
    now = {key: list(value) if isinstance(value, tuple) else value for key, value in now.items()}
    for key in {**now, **saved}:
        value = now.get(key)
        if _plain(saved.get(key)) != _plain(value):
            raise ValueError(
                f"checkpoint {str(path)!r} is of a run with {key} = {saved.get(key)!r}, not {value!r};"
                " allowed: the same arguments as before, or another file"
            )


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON would have them."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _source(data: tuple[Any, ...], settings: Settings, device: torch.device) -> Callable[[int], Batch]:
    """The function that gives the batch of an iteration (counted from 0)."""
    if not data:
        raise ValueError("data is empty; allowed: one or more tensors, or a function (count, generator) -> tensors")
    if callable(data[0]) and not isinstance(data[0], Tensor):
        make = data[0]
        if len(data) > 1:
            raise TypeError("data hold a function and more; allowed: the function alone")
        return lambda iteration: make(settings.batch_size, seeded(settings.seed, iteration, 1, device=device))
    tensors = tuple(part.to(device) for part in _check_parts("data", data))
    if settings.batch_size >= len(tensors[0]):
        return lambda iteration: tensors
    return _Shuffled(tensors, settings)


def _check_parts(argument: str, parts: tuple[Any, ...]) -> Batch:
    """Return ``parts`` if they are tensors with equally many examples, else raise."""
    for part in parts:
        if not isinstance(part, Tensor):
            raise TypeError(f"{argument} hold a {type(part).__name__}; allowed: torch.Tensor")
    counts = [len(part) for part in parts]
    if not counts or min(counts) == 0 or len(set(counts)) > 1:
        raise ValueError(f"{argument} have {counts} examples; allowed: one or more, all the same")
    return parts


class _Shuffled:
    """Batches of data in a new order every epoch; the order of epoch e depends on the seed and e alone."""

    def __init__(self, tensors: Batch, settings: Settings) -> None:
        self.tensors, self.seed, self.size = tensors, settings.seed, settings.batch_size
        self.per_epoch = len(tensors[0]) // settings.batch_size  # the last, smaller batch is left out
        self.epoch, self.order = -1, torch.empty(0, dtype=torch.int64)

    def __call__(self, iteration: int) -> Batch:
        epoch, place = divmod(iteration, self.per_epoch)
        if epoch != self.epoch:
            order = torch.randperm(len(self.tensors[0]), generator=seeded(self.seed, epoch, 2))
            self.epoch, self.order = epoch, order.to(self.tensors[0].device)
        rows = self.order[place * self.size : (place + 1) * self.size]
        return tuple(part[rows] for part in self.tensors)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"

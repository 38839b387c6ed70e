"""A training run: updates, the moving average of the weights, validation, and a state on disk that survives a kill."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from minigen.base import store
from minigen.base.randomness import seeded
from minigen.base.wrappers import inside
from minigen.training import optimizers
from minigen.training.batches import Batch, as_kind, check_parts, source_of
from minigen.training.hardware import device_name, pick_precision
from minigen.training.processes import Processes
from minigen.training.settings import History, Settings


def average(model: nn.Module, decay: float) -> AveragedModel:
    """The moving average of a model's weights: decay ``min(decay, (1 + n) / (10 + n))`` after n updates.

    The rising decay forgets the first, random weights; with a constant one a short run samples rubbish.
    """

    @torch.no_grad()
    def update(averaged: Any, weights: Any, n: Any) -> None:
        count = int(n)
        torch._foreach_lerp_(averaged, weights, 1 - min(decay, (1 + count) / (10 + count)))

    return AveragedModel(model, multi_avg_fn=update)


def throws(model: Any) -> bool:
    """Whether a model's loss is what ``judge`` makes of ``throw``; not where a loss was written over that of ours."""
    if not hasattr(model, "throw") or "loss" in vars(model):
        return False
    loss, throw = (next((of for of in type(model).__mro__ if name in vars(of)), object) for name in ("loss", "throw"))
    return loss is throw or not issubclass(loss, throw)


def _lesson_giver(model: Any) -> Any:
    """The model itself, without its wrapper, so that a checkpoint is the same with and without; raise if it is none."""
    found = inside(model, "loss")
    if not isinstance(found, nn.Module) or not hasattr(found, "loss"):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(found).__name__}"
        raise TypeError(f"model is {kind}; allowed: a module with loss(batch, random), such as a Generator")
    return found


class _Lesson(nn.Module):
    """The loss as a forward pass, which is what DistributedDataParallel watches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Any) -> Tensor:
        loss: Tensor = (self.model.judge if throws(self.model) else self.model.loss)(*given)
        return loss


class Run:
    """A training run and its state on disk. Iterating it makes update after update, and yields how many there were."""

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
        model = _lesson_giver(model)
        self.model, self.settings, self.device = model.to(device), settings, device
        kind = next((value.dtype for value in model.parameters() if value.is_floating_point()), None)
        self.source = source_of(data, settings, device, kind)
        self.validation = None if validation is None else as_kind(check_parts("validation", validation), device, kind)
        self._check(data)
        self.optimizers = optimizers.of(settings.optimizer, model, settings.learning_rate, settings.weight_decay)
        self.schedulers = [LambdaLR(optimizer, settings.rate) for optimizer in self.optimizers]
        self.averaged = None if settings.ema is None else average(model, settings.ema)
        self.best: dict[str, Tensor] | None = None
        self.iteration, self.unread = 0, list[Tensor]()
        word = pick_precision(precision, device)
        self.history = History(device=device_name(device), precision=word, threads=torch.get_num_threads())
        self.autocast: AbstractContextManager[Any] = (
            torch.autocast(device.type, torch.bfloat16) if word == "bfloat16" else nullcontext()
        )
        self.shapes = [list(part.shape) if isinstance(part, Tensor) else "source" for part in data]
        # a function's first batch stands for all that it makes
        self.content = None if checkpoint is None else _content(self.source(0) if callable(data[0]) else data)
        self.processes = Processes.here()
        self.processes.part(settings.batch_size)
        if checkpoint is not None:  # last, since it makes the folder
            store.check_writable("checkpoint", checkpoint, size=self._size())
        if checkpoint is not None and os.path.exists(checkpoint):
            self.restore(checkpoint)
        # after the checkpoint is read: making it waits for all, so nobody reads what another one is writing
        self.lesson: Any = DistributedDataParallel(_Lesson(model)) if self.processes.count > 1 else None

    def _check(self, data: tuple[Any, ...]) -> None:
        """Raise for what can be known now, and not after the work."""
        if hasattr(self.model, "check_saved"):
            self.model.check_saved()
        self.unchecked = callable(data[0])  # what a function makes is checked when it has made the first
        for batch in (None if self.unchecked else data, self.validation):
            if batch is not None and hasattr(self.model, "check_batch"):
                self.model.check_batch(batch)
        if self.settings.validate_with:
            self._try(self.validation, self.settings.validate_with)

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

    def _given(self) -> Batch:
        """The batch of this iteration; the first that a function makes is checked as data are."""
        batch = self.source(self.iteration)
        if self.unchecked:
            check_parts("data", batch)
            if hasattr(self.model, "check_batch"):
                self.model.check_batch(batch)
            self.unchecked = False
        return batch

    @torch.no_grad()
    def _try(self, validation: Batch | None, arguments: Mapping[str, Any]) -> None:
        """Raise unless the model's loss takes these arguments: now, and not at the first validation."""
        if validation is None:
            raise ValueError(f"validate_with is {dict(arguments)} without validation; allowed: both, or neither")
        with torch.random.fork_rng():
            try:
                self.model.loss(tuple(part[:1] for part in validation), seeded(0, device=self.device), **arguments)
            except (TypeError, ValueError) as reason:
                raise ValueError(
                    f"validate_with is {dict(arguments)}, and the model's loss refuses it ({reason}); allowed: further"
                    " arguments of loss(batch, random)"
                ) from reason

    def _update(self) -> Tensor:
        """One step of the optimiser; returns the loss."""
        # A stream of its own for every iteration, so a resumed run needs no state of it (dropout's is torch's own)
        random = seeded(self.settings.seed, self.iteration, device=self.device)
        batch = self._given()
        with self.autocast:
            loss = self.model.loss(batch, random) if self.processes.count == 1 else self._loss_together(batch, random)
        if self.device.type == "cpu" and self.processes.count == 1:
            self._check_loss(float(loss.detach()), self.iteration + 1)  # before it reaches the weights
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

    def _loss_together(self, batch: Batch, random: torch.Generator) -> Tensor:
        """The loss of this process's part of a batch that all have.

        A model that throws its dice apart (``throw``) throws them for the whole batch, so that all processes together
        do what one does alone. Any other draws what it needs for its own part.
        """
        mine = self.processes.part(len(batch[0]))
        loss: Tensor
        if throws(self.model):
            loss = self.lesson(*(None if part is None else part[mine] for part in self.model.throw(batch, random)))
            return loss
        own = seeded(self.settings.seed, self.iteration, 3, self.processes.rank, device=self.device)
        loss = self.lesson(tuple(part[mine] for part in batch), own)
        return loss

    def _read_losses(self) -> None:
        """Move the unread losses to the history; one that is not finite ends the run."""
        values = torch.stack(self.unread).float().tolist() if self.unread else []
        self.unread.clear()
        for number, value in enumerate(values, self.iteration - len(values) + 1):
            self._check_loss(value, number)
        self.history.loss += values

    def _check_loss(self, value: float, number: int) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss is {value} at iteration {number}; try a lower learning_rate than"
                f" {self.settings.learning_rate}, a longer warmup, or look for NaN in the data"
            )

    @torch.no_grad()
    def _validate(self) -> None:
        """Judge the averaged weights with the same draws each time; keep them if they are the best yet."""
        if self.validation is None:
            return
        judged = self._judged()
        judged.eval()
        parts = list(zip(*(v.split(self.settings.batch_size) for v in self.validation), strict=True))
        loss, count = 0.0, len(self.validation[0]) * self.settings.validate_draws
        for i, part in enumerate(parts * self.settings.validate_draws):
            random = seeded(self.settings.seed, -1, i, device=self.device)
            loss += float(judged.loss(part, random, **self.settings.validate_with)) * len(part[0]) / count
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
        self.leave()

    def leave(self) -> None:
        """Put the best weights (or else the averaged ones) into the model, also where training failed."""
        self.model.load_state_dict(self.best if self.best is not None else self._judged().state_dict())
        self.model.eval()

    # --- on disk ---

    def _about(self) -> dict[str, Any]:
        """What must be the same in the run that goes on."""
        config = getattr(self.model, "config", f"{type(self.model).__name__}({self.model.extra_repr()})")
        config = config() if callable(config) else config
        return {
            "model": config,
            "settings": asdict(self.settings),
            "data": self.shapes,
            "a checksum of the data": self.content,
            "a checksum of the validation data": None if self.validation is None else _content(self.validation),
            "precision": self.history.precision,
        }

    def _size(self) -> int:
        """Bytes that a checkpoint takes, at most: the weights, their average, the best ones, and two moments."""
        return 5 * sum(value.nbytes for value in self.model.state_dict().values())

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
        about["checksum"] = store.digest(tensors)
        store.save(path, tensors, about)

    def restore(self, path: str | Path) -> None:
        """Go on from what ``save`` wrote, if it is a state of this very run."""
        tensors, about = store.load(path)
        _same_run(path, about.get("run", {}), self._about())
        if about.get("checksum") != store.digest(tensors):
            raise ValueError(
                f"checkpoint {str(path)!r} does not have the checksum that it says: a changed or broken file; allowed:"
                " a whole one, or another path"
            )

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


def _content(data: Batch) -> str:
    """A checksum of examples, of at most a million numbers of each tensor: enough to tell that they are others."""
    return store.digest({str(number): part for number, part in enumerate(data)}, most=2**20)[:16]


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

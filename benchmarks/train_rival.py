"""One training of ``time_to_quality.py``, in a process of its own, so that the clock counts from its start.

The job is one line of JSON on standard input. At each time to look, the digits drawn then are written to a file, and a
line of JSON says after how many seconds and updates; a line "go" or "stop" answers it. What is drawn, judged or waited
for is not counted. The loop is the one that all peers' documentation writes out, with their settings; ours is
``mg.train``. Nothing of the course is imported for a peer but our optimiser, uncounted, where a tuned one uses it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from rivals import PEERS, Settings, split
from torch import Tensor, nn

WARM = 50
"""Updates over which a rate rises, where it rises."""


class Clock:
    """Seconds of this process since its start, but for pauses.

    By processor time they are over the number of threads: what a watch would say on idle cores.

    Args:
        began: when the process began, by ``time.time``, for the wall's clock; None for processor time.
        threads: that compute.
    """

    def __init__(self, began: float | None, threads: int) -> None:
        self.began, self.threads, self.paused = began, threads, 0.0

    def raw(self) -> float:
        return time.process_time() / self.threads if self.began is None else time.time() - self.began

    def now(self) -> float:
        return self.raw() - self.paused

    @contextmanager
    def pause(self) -> Iterator[None]:
        """What is done inside is not counted."""
        begin = self.raw()
        yield
        self.paused += self.raw() - begin


def batches(images: Tensor, labels: Tensor | None, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Without end: all of them in a shuffled order, then in another one; what is left over of each is left out."""
    while True:
        order = torch.randperm(len(images))
        for rows in order[: len(order) // size * size].view(-1, size):
            yield images[rows], None if labels is None else labels[rows]


def optimizers(settings: Settings, model: nn.Module, clock: Clock) -> list[torch.optim.Optimizer]:
    """As the settings name them."""
    if settings.optimizer == "muon":
        with clock.pause():
            from minigen.training.optimizers import of
        return of("muon", model, settings.rate, 0.01)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
    return [kind(model.parameters(), lr=settings.rate, betas=settings.betas)]


class Average:
    """The weights' moving average: its decay is less at first, ``(1 + n) / (10 + n)`` after n updates."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.weights, self.decay, self.updates = list(model.parameters()), decay, 0
        self.mean = [weight.detach().clone() for weight in self.weights]

    @torch.no_grad()
    def update(self) -> None:
        share = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.mean, self.weights, share)
        self.updates += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        kept = [weight.detach().clone() for weight in self.weights]
        torch._foreach_copy_([weight.data for weight in self.weights], self.mean)
        yield
        torch._foreach_copy_([weight.data for weight in self.weights], kept)


class Loop:
    """The loop that the peers document, by their settings."""

    def __init__(self, job: dict[str, Any], clock: Clock) -> None:
        self.settings = Settings(**job["settings"])
        self.clock, self.job, self.last = clock, job, job["budgets"][-1]
        self.model = PEERS[job["rival"]](self.settings, job["told"])
        self.optimizers = optimizers(self.settings, self.model, clock)
        self.rates = [group["lr"] for each in self.optimizers for group in each.param_groups]
        self.average = Average(self.model, self.settings.ema) if self.settings.ema else None
        self.updates = 0

    def reduced(self) -> Any:
        return torch.autocast("cpu", torch.bfloat16) if self.job["reduced"] and self.settings.reduced else nullcontext()

    def update(self, data: Iterator[tuple[Tensor, Tensor | None]]) -> None:
        settings = self.settings
        self.model.train()
        if settings.ends:
            share = min(1.0, self.clock.now() / self.last)
            factor = min(1.0, (self.updates + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * share))
            groups = [group for each in self.optimizers for group in each.param_groups]
            for group, rate in zip(groups, self.rates, strict=True):
                group["lr"] = rate * factor
        for each in self.optimizers:
            each.zero_grad()
        for _ in range(settings.accumulate):
            with self.reduced():
                loss = self.model.loss(*next(data))
            (loss / settings.accumulate).backward()
        clip = 1.0 if settings.ends else settings.clip
        if clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        for each in self.optimizers:
            each.step()
        if self.average is not None:
            self.average.update()
        self.updates += 1

    @torch.no_grad()
    def draw(self, sampler: str, labels: Tensor | None) -> Tensor:
        with self.average.shown() if self.average is not None else nullcontext():
            drawn: Tensor = self.model.eval().draw(self.job["count"], labels, *split(sampler, self.job["most_calls"]))
        return drawn

    def run(self, images: Tensor, labels: Tensor | None) -> None:
        """Train, and look when it is time."""
        data = batches(images, labels, self.settings.batch)
        for budget in self.job["budgets"]:
            while not self.updates or self.clock.now() < budget:
                self.update(data)
            if not look(self.job, self.clock, self.model, self.updates, self.draw):
                break


def ours(job: dict[str, Any], clock: Clock, images: Tensor, labels: Tensor | None) -> None:
    """The recipe ``digits-minute``, with so many updates; without labels, the same that is told nothing."""
    import minigen as mg

    recipe = mg.recipes.recipe("digits-minute")
    torch.manual_seed(job["seed"])
    model: Any = recipe.make()
    if not job["told"]:
        model = mg.Generator(model.net, model.head, model.plan)
    settings = {**recipe.training, "iterations": job["updates"], "seed": job["seed"], "progress": False}
    mg.train(model, images, *([] if labels is None else [labels]), **settings)

    def draw(sampler: str, labels: Tensor | None) -> Tensor:
        return mg.sample(model, job["count"], labels=labels, seed=job["seed"], **recipe.sampling)

    look(job, clock, model, job["updates"], draw)


def look(job: dict[str, Any], clock: Clock, model: nn.Module, updates: int, draw: Any) -> bool:
    """Say when it is, draw by every sampler, and ask whether to go on."""
    seconds = clock.now()
    with clock.pause():
        labels = torch.arange(job["count"]) % 10 if job["told"] else None
        said: dict[str, Any] = {"seconds": seconds, "updates": updates, "drawn": {}}
        said["parameters"] = sum(weight.numel() for weight in model.parameters())
        with torch.random.fork_rng():
            for sampler in job["samplers"]:
                torch.manual_seed(job["seed"])
                begin = time.process_time()
                file = f"{job['folder']}/{updates}-{sampler}.pt"
                torch.save(draw(sampler, labels).float().nan_to_num().clamp(-1, 1), file)
                said["drawn"][sampler] = {"file": file, "draw_seconds": time.process_time() - begin}
        print(json.dumps(said), flush=True)
        return sys.stdin.readline().strip() == "go"


def main() -> None:
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    clock = Clock(job["began"], job["threads"])
    torch.manual_seed(job["seed"])
    images, labels = torch.load(job["data"])
    labels = labels if job["told"] else None
    if job["rival"] == "minigen":
        ours(job, clock, images, labels)
    else:
        Loop(job, clock).run(images, labels)


if __name__ == "__main__":
    main()

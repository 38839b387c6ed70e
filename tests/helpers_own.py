"""A reader's own parts, one or more of every choice, and the models that tests make of them.

``python helpers_own.py FOLDER`` does in a process of its own what a test has done in its own, see ``main``; started by
torchrun it trains in several, see ``shared``.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen import Generator, data, heads, nets, plans, process, sample, train
from minigen.base import store
from minigen.conditions import Condition
from minigen.metrics import bits_per_dimension
from minigen.process import corrupt
from minigen.training import together

SIZE = 8

# --- plans -----------------------------------------------------------------------------------------


class Spiral(plans.Plan):
    whole = True

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        grid, order = torch.arange(math.prod(shape[-2:])).view(shape[-2:]), list[int]()
        while grid.numel():  # the outermost row, then the picture turns
            order, grid = order + grid[0].tolist(), grid[1:].rot90()
        written = (progress[:, None] * len(order)).round()
        return plans.as_levels(torch.tensor(order).argsort() >= written, shape)

    def default_steps(self, shape: plans.Shape) -> int:
        return math.prod(shape[-2:])


@dataclass(frozen=True)
class Curtain(plans.Plan):
    """Row after row of a picture fades in, over ``width`` of the walk."""

    width: float = 0.5

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        begin = torch.linspace(0, 1 - self.width, shape[-2]).repeat_interleave(shape[-1])
        return plans.as_levels((1 - (progress[:, None] - begin) / self.width).clamp(0, 1), shape)

    def default_steps(self, shape: plans.Shape) -> int:
        return 6


class Lines(plans.Plan):
    """Whole lines of a picture, in an order drawn for each."""

    whole = True

    def draw(self, count: int, shape: plans.Shape, random: torch.Generator) -> Tensor:
        return torch.rand(count, shape[-2], generator=random).argsort(dim=1)

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        assert drawn is not None
        hidden = drawn.to(progress.device) >= (progress[:, None] * shape[-2]).round()
        return plans.as_levels(hidden.repeat_interleave(shape[-1], dim=1).float(), shape)

    def default_steps(self, shape: plans.Shape) -> int:
        return shape[-2]


class Slowly(plans.Plan):
    """Noise on all pixels alike, which falls as a power of what is left of the walk."""

    alike = True

    def __init__(self, power: float = 2.0) -> None:
        self.power = power

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        level = ((1 - progress) ** self.power)[:, None]
        return plans.as_levels(level.expand(-1, math.prod(plans.spatial(shape))), shape)

    def default_steps(self, shape: plans.Shape) -> int:
        return 6


# --- head, net, schedule, condition ----------------------------------------------------------------


class Absolute(heads.Head):
    """Numbers by their least absolute error."""

    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: process.Schedule) -> Tensor:
        return (output - x0).abs()

    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: process.Schedule) -> Tensor:
        return output

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        return belief.clamp(-1, 1) if clip else belief


class Coin(heads.Head):
    """Black or white, by one logit a number."""

    draws = True

    def prepare(self, x0: Tensor) -> Tensor:
        return torch.where(x0 > 0, 1.0, -1.0)

    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: process.Schedule) -> Tensor:
        return F.softplus(-x0 * output)

    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: process.Schedule) -> Tensor:
        return output

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        if uniform is None:
            return torch.tanh(belief / 2)
        return torch.where(uniform < torch.sigmoid(belief / temperature), 1.0, -1.0)


class Plain(nets.Net):
    """Two convolutions."""

    def __init__(self, size: int = SIZE, width: int = 8, kernels: tuple[int, ...] = (5, 3)) -> None:
        super().__init__()
        self.shape, self.features, self.context_size = (1, size, size), width, width
        self.first = nn.Conv2d(2, width, kernels[0], padding=kernels[0] // 2)
        self.then = nn.Conv2d(width, width, kernels[1], padding=kernels[1] // 2)
        self.seen = 0  # pictures that went through

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        self.seen += len(x_t)
        h = self.first(torch.cat([x_t, t.expand_as(x_t)], dim=1))
        return F.silu(self.then(F.silu(h if context is None else h + context[:, :, None, None])))


class Forgetful(Plain):
    """One that throws torch's own dice, as dropout does."""

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        return F.dropout(super().forward(x_t, t, context), 0.3, self.training)


class Root(process.Schedule):
    """The square of alpha falls as 1 minus a power of t, so its slope has no limit at t = 1."""

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def alpha(self, t: Tensor) -> Tensor:
        return (1 - t**self.power).sqrt()

    def sigma(self, t: Tensor) -> Tensor:
        return (t**self.power).sqrt()


class Thickness(Condition):
    """How much of a picture is ink, from 0 to 1; -1 says nothing."""

    def __init__(self, dropout: float = 0.2) -> None:
        self.dropout = dropout

    def of(self, images: Tensor) -> Tensor:
        return (images.flatten(1).mean(dim=1) + 1) / 2

    def tokens(self, given: Any, count: int) -> Tensor:
        given = torch.linspace(0.1, 0.4, count) if given is None else given
        return torch.as_tensor(given, dtype=torch.float32).expand(count)

    def none(self, count: int) -> Tensor:
        return torch.full((count,), -1.0)

    def embedding(self, size: int) -> nn.Module:
        return nn.Sequential(nn.Unflatten(0, (-1, 1)), nn.Linear(1, size))


# --- models ----------------------------------------------------------------------------------------


def _made(*choices: Any, **named: Any) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Generator(*choices, **named)


MODELS: dict[str, Callable[[], Generator]] = {
    "spiral": lambda: _made(Plain(), Coin(), Spiral(), condition=Thickness()),
    "curtain": lambda: _made(Forgetful(), Absolute(), Curtain(width=0.25), Root(2.0), Thickness(dropout=0.3)),
    "lines": lambda: _made(Plain(kernels=(3, 3)), Coin(), Lines()),
    "slowly": lambda: _made(nets.UNet(SIZE, widths=(8, 16)), heads.Regression("v"), Slowly(1.5), Root(1.0)),
    "greys": lambda: _made(Plain(width=6), heads.Categorical(4), Spiral(), process.flow, Thickness()),
}
"""A model of each own part, among own ones and among the package's."""

ITERATIONS = 10


def lessons(model: Generator) -> tuple[Tensor, ...]:
    """A few digits, and what the model is told of them."""
    images = data.digits(SIZE)[0][:40]
    return (images,) if model.condition is None else (images, model.condition.of(images))  # type: ignore[attr-defined]


def taught(name: str, checkpoint: Path | None = None, **changes: Any) -> tuple[Generator, list[float]]:
    """One of the models after a short training, and its losses; torch's own dice are the same each time."""
    torch.manual_seed(7)
    model = MODELS[name]()
    images, *told = lessons(model)
    settings: dict[str, Any] = dict(iterations=ITERATIONS, batch_size=8, warmup=2, learning_rate=0.01)
    settings |= dict(device="cpu", progress=False)
    validation = tuple(part[:8] for part in (images, *told))
    settings |= dict(validation=validation, validate_every=5, checkpoint=checkpoint, checkpoint_every=3, **changes)
    return model, train(model, images, *told, **settings).loss


def drawn(model: Generator) -> dict[str, Tensor]:
    """What a model draws, in each of the ways that it can."""
    pictures = {"plain": sample(model, 3, seed=1)}
    if model.condition is not None:
        pictures["told"] = sample(model, 3, steps=6, labels=0.3, batch_size=2)
        pictures["guided"] = sample(model, 3, steps=6, labels=0.3, guidance_scale=2.0)
    if isinstance(model.plan, Spiral):
        known = model.head.prepare(data.digits(SIZE)[0][:1])
        mask = model.plan.matrix(model.shape)[20].view(SIZE, SIZE) == 0
        pictures["completed"] = sample(model, 3, steps=8, known=known, mask=mask)
    if isinstance(model.head, heads.Categorical):
        pictures["bits"] = bits_per_dimension(model, data.digits(SIZE)[0][:3], steps=8)
    return pictures


# --- what a reader may write in place of a Generator -----------------------------------------------


class Painter:
    """Six attributes and ``belief``, and nothing else: it believes in one picture, whatever it is shown."""

    def __init__(self, picture: Tensor, plan: plans.Plan, head: heads.Head | None = None) -> None:
        self.picture, self.plan, self.head = picture, plan, head or Absolute()
        self.schedule, self.condition, self.shape, self.device = process.cosine, None, picture.shape, picture.device
        self.calls_made = 0

    def belief(self, x_t: Tensor, t: Tensor, tokens: Tensor | None = None, guidance_scale: float = 1.0) -> Tensor:
        self.calls_made += 1
        return self.picture.expand(len(x_t), *self.shape)


class Denoiser(nn.Module):
    """A model that writes ``loss`` and nothing else that training asks for; it notes the dice that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, SIZE, SIZE))
        self.dice: list[float] = []

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        images = batch[0]
        self.dice.append(float(torch.rand((), generator=random)))
        half = torch.full((len(images), 1, 1, 1), 0.5)
        return (corrupt(images, half, torch.zeros_like(images)) - self.weight).square().mean()


class Louder(Generator):
    """A Generator whose loss is its own: three times the package's. It counts how often it is asked."""

    asked = 0

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None, loss_on: Any = None) -> Tensor:
        self.asked += 1
        return 3 * super().loss(batch, random, loss_on)


# --- in a process of its own -----------------------------------------------------------------------


def _in_a_child(work: Callable[[], object]) -> int:
    """Do it in a process that dies with it; how that ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(error, file=sys.stderr)
        os._exit(1)


def _dying(name: str, checkpoint: Path, last: int) -> None:
    """Train, and be killed while the loss of an update is computed."""
    plain, calls = Generator.loss, [0]

    def loss(self: Generator, *given: Any, **named: Any) -> Tensor:
        calls[0] += self.training
        if calls[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, *given, **named)

    Generator.loss = loss  # type: ignore[method-assign]
    taught(name, checkpoint)


def main(folder: Path) -> None:
    """Load each model that lies there and draw with it; and train each again, killed twice on the way."""
    for name in MODELS:
        store.save(folder / f"{name}.drawn", drawn(Generator.load(folder / f"{name}.safetensors")), {})
        checkpoint = folder / f"{name}.checkpoint"
        for last in (5, 6):  # of this process: the fifth update, and the ninth after three or four
            assert os.WTERMSIG(_in_a_child(partial(_dying, name, checkpoint, last))) == signal.SIGKILL
        model, losses = taught(name, checkpoint)
        store.save(folder / f"{name}.resumed", model.state_dict(), {"loss": losses})


def shared(out: Path) -> None:
    """Train a model of each kind, alone or with others; each process writes what came of it to files of its own."""
    with together() as processes:
        torch.manual_seed(0)
        louder = Louder(Plain(), Absolute(), plans.diffusion())
        for kind, model in (("denoiser", Denoiser()), ("louder", louder), ("spiral", MODELS["spiral"]())):
            parts = lessons(model) if isinstance(model, Generator) else (data.digits(SIZE)[0][:40],)
            history = train(model, *parts, iterations=4, batch_size=8, warmup=1, device="cpu", progress=False)
            about = {"loss": history.loss, "dice": getattr(model, "dice", []), "asked": getattr(model, "asked", 0)}
            store.save(out / f"{kind}-{processes.rank}-of-{processes.count}", model.state_dict(), about)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (shared if "RANK" in os.environ else main)(Path(sys.argv[1]))

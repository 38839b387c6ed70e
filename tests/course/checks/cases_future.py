"""The cases of chapter 14, what came after: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from helpers_checks import Case
from torch import Tensor, nn

from minigen import process
from minigen.training import History


def stepped(x_t: Tensor, x0_hat: Tensor, t: float, u: float, schedule: process.Schedule) -> Tensor:
    before, after = (torch.tensor([level], dtype=torch.float64) for level in (t, u))
    return process.step(x_t, x0_hat, before, after, schedule)


def euler(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    """The book's step itself, with the schedule of flow matching."""
    return stepped(x_t, x0_hat, t, u, process.flow)


def along_velocity(length: Callable[[float, float], float]) -> Callable[..., Tensor]:
    """A step of this length along v."""
    return lambda x_t, x0_hat, t, u: x_t + length(t, u) * ((x_t - (1 - t) * x0_hat) / t - x0_hat)


def euler_undivided(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    return x_t + (u - t) * (x_t - (1 - t) * x0_hat - x0_hat)


def euler_divides_by_what_is_left(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    return x_t + (u - t) * (x_t - x0_hat) / (1 - t)


def on_the_circle(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    return stepped(x_t, x0_hat, t, u, process.cosine)


def euler_on_the_circle(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    alpha, sigma = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
    eps_hat = (x_t - alpha * x0_hat) / sigma
    return x_t + (u - t) * (alpha * eps_hat - sigma * x0_hat)


def euler_with_the_noise_of_the_circle(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    eps_hat = (x_t - math.cos(math.pi / 2 * t) * x0_hat) / math.sin(math.pi / 2 * t)
    return x_t + (u - t) * (eps_hat - x0_hat)


def jump(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return x_t * (v / (alpha**2 * v + sigma**2)) ** 0.5


def best_guess(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return alpha * v * x_t / (alpha**2 * v + sigma**2)


def jump_by_spreads(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return x_t * v**0.5 / (alpha * v**0.5 + sigma)


class Leads(nn.Module):
    """A function of points and the levels from which to which they go as a network; its one weight does nothing."""

    def __init__(self, says: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.says = nn.Parameter(torch.zeros(1)), says

    def forward(self, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
        return self.says(x, t, r)


RING = torch.arange(360, dtype=torch.float64) * (math.pi / 180)
RING = 0.7 * torch.stack([RING.cos(), RING.sin()], dim=1)


def straight_out(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """Straight to the ring: as good as any way that ends there."""
    return (x - 0.7 * x / x.norm(dim=1, keepdim=True)) / t


def velocity(x: Tensor, t: Tensor, r: Tensor, ring: Tensor = RING) -> Tensor:
    """The perfect velocity at the start, however long the stretch: in one call, the average."""
    far = torch.cdist(x.double(), (1 - t[0]).double() * ring).square() / (2 * t.double().square())
    return (x - (-far).softmax(dim=1) @ ring) / t


def to_a_quarter(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    end = x.abs()
    return (x - 0.7 * end / end.norm(dim=1, keepdim=True)) / t


CASES = {
    "euler-step": Case(
        right=[
            euler,
            along_velocity(lambda t, u: u - t),
            lambda x_t, x0_hat, t, u: x_t + (u - t) * (x_t - x0_hat) / t,
            lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).tolist(),
            lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).float(),
        ],
        wrong={
            "away from the picture": [along_velocity(lambda t, u: t - u)],
            "all the way": [along_velocity(lambda t, u: -1)],
            "towards the noise": [along_velocity(lambda t, u: 1)],
            "one of them": [along_velocity(lambda t, u: u)],
            "came with a factor": [euler_undivided],
            "on the way": [lambda x_t, x0_hat, t, u: x_t + (u - t) * (x_t - x0_hat)],
            "quarter circle": [on_the_circle, euler_on_the_circle, euler_with_the_noise_of_the_circle],
            "How much picture": [lambda x_t, x0_hat, t, u: x_t + (u - t) * ((x_t - (1 - u) * x0_hat) / t - x0_hat)],
            "own level": [lambda x_t, x0_hat, t, u: x_t + (u - t) * ((x_t - (1 - t) * x0_hat) / u - x0_hat)],
            "writes the guess": [lambda x_t, x0_hat, t, u: x0_hat],
            "First the noise": [euler_divides_by_what_is_left],
            "not finite": [lambda x_t, x0_hat, t, u: x_t / (u - 0.3)],
            "shape": [lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).mean()],
        },
        secret=r"u - t|t - u|/ ?t\b|eps_hat - x0",
        function=True,
    ),
    "one-jump": Case(
        right=[
            jump,
            lambda *given: jump(*given).tolist(),
            lambda x_t, alpha, sigma, v: x_t * torch.sqrt(torch.as_tensor(v / (alpha**2 * v + sigma**2))),
        ],
        wrong={
            "an average": [best_guess],
            "root of their variance": [lambda x_t, alpha, sigma, v: x_t * v / (alpha**2 * v + sigma**2)],
            "pure noise alone": [lambda x_t, alpha, sigma, v: x_t * v**0.5],
            "Walking changes": [lambda x_t, alpha, sigma, v: x_t],
            "At every level": [lambda x_t, alpha, sigma, v: alpha * x_t * v**0.5],
            "enlarged": [lambda x_t, alpha, sigma, v: x_t / alpha],
            "not finite": [lambda x_t, alpha, sigma, v: x_t * math.inf],
            "not their spreads": [jump_by_spreads],
            "Upside down": [lambda x_t, alpha, sigma, v: x_t * ((alpha**2 * v + sigma**2) / v) ** 0.5],
            "shape": [lambda *given: jump(*given).sum()],
        },
        secret=r"sqrt|\*\* ?0\.5|alpha\*\*2|alpha\^2",
        function=True,
    ),
    "latent-bill": Case(
        right=[(48, 65536, 1024, 4096), (48.0, 256 * 256, 32 * 32, 64**2)],
        wrong={
            "places alone": [(64, 65536, 1024, 4096)],
            "one side": [(8, 65536, 1024, 4096)],
            "swapped": [(256 / 3, 65536, 1024, 4096)],
            "How many times fewer is that": [(16384, 65536, 1024, 4096)],
            "How many times fewer are": [(786432, 65536, 1024, 4096)],
            "Turned round": [(1 / 48, 65536, 1024, 4096), (48, 65536, 1024, 1 / 4096)],
            "colours included": [(50, 65536, 1024, 4096)],
            "each pixel": [(48, 262144, 1024, 4096)],
            "two high": [(48, 131072, 1024, 4096), (48, 65536, 2048, 4096)],
            "three colours": [(48, 196608, 1024, 4096)],
            "How many rows": [(48, 256, 1024, 4096), (48, 65536, 32, 4096)],
            "each place": [(48, 65536, 4096, 4096)],
            "every other": [(48, 65536, 1024, 64)],
            "not of numbers": [(48, 65536, 1024, 2304)],
            "twice as many": [(48, 65536, 1024, 128)],
            "should be a number": [("many", 65536, 1024, 4096)],
        },
        secret=r"\b48\b|65,?536|1,?024|4,?096",
    ),
    "train-stretch": Case(
        right=[(Leads(straight_out),), (Leads(lambda x, t, r: straight_out(x, t, r).float()),)],
        wrong={
            "Over which stretch": [
                (Leads(velocity),),
                (Leads(lambda x, t, r: straight_out(x, t, r) + 0.4 * (t - r) * x),),
            ],
            "Was it trained": [(Leads(lambda x, t, r: torch.zeros_like(x)),), (Leads(lambda x, t, r: -x),)],
            "not all around": [(Leads(to_a_quarter),)],
            "shape": [(Leads(lambda x, t, r: x[:, :1]),)],
            "two answers": [(Leads(lambda x, t, r: torch.randn_like(x)),)],
            "not finite": [(Leads(lambda x, t, r: x / 0),)],
            "stopped with TypeError": [(nn.Linear(4, 2),)],
            "history": [(History(),)],
        },
        secret=r"t \* torch|below t|anywhere|r = 0\b",
    ),
}

"""The cases of chapter 10, causal architectures: right answers, and wrong ones that people give."""

from __future__ import annotations

import math
from typing import Any

import torch
from helpers_checks import Case
from torch import Tensor, nn

from minigen import conditions, heads, nets, plans, zoo
from minigen.data import digits
from minigen.generator import Generator
from minigen.training import History


def causal_mask(count: int) -> Tensor:
    return torch.ones(count, count + 1).tril().bool()


def bits(logits: Tensor, pixels: Tensor) -> Tensor:
    log_p = logits.log_softmax(dim=1).gather(1, pixels[:, None])
    return -log_p.flatten(1).mean(dim=1) / math.log(2)


def raw_logits(logits: Tensor, pixels: Tensor) -> Tensor:
    return -logits.gather(1, pixels[:, None]).flatten(1).mean(dim=1) / math.log(2)


def over_the_wrong_axis(logits: Tensor, pixels: Tensor) -> Tensor:
    return -logits.log_softmax(dim=2).gather(1, pixels[:, None]).flatten(1).mean(dim=1) / math.log(2)


def of_the_mean_chance(logits: Tensor, pixels: Tensor) -> Tensor:
    return -logits.softmax(dim=1).gather(1, pixels[:, None]).flatten(1).mean(dim=1).log2()


SAID: dict[bytes, Tensor] = {}
"""What the shipped generator said, by the pictures: every case shows it the same."""


def shipped(x_t: Tensor, t: Tensor) -> Tensor:
    key = x_t.numpy().tobytes()
    if key not in SAID:
        SAID[key] = zoo.load("digits-causal-conv", device="cpu").belief(x_t, t)
    return SAID[key]


class Told(Generator):
    """A causal generator that needs no training: a shipped one's beliefs, as sure of them as it is told to be."""

    def __init__(self, sure: float = 1.0, loss_on: str = "hidden") -> None:
        super().__init__(nets.CausalConv(width=4, layers=1), heads.Categorical(16), plans.raster(1), loss_on=loss_on)
        self.sure = sure

    def belief(self, x_t: Tensor, t: Tensor, *others: Any, **named: Any) -> Tensor:
        return self.sure * shipped(x_t, t)


class Peeks(Told):
    """Its mask is off by one."""

    def belief(self, x_t: Tensor, t: Tensor, *others: Any, **named: Any) -> Tensor:
        grey = self.head.index(x_t)[:, 0]  # type: ignore[attr-defined]
        return super().belief(x_t, t) + 3 * nn.functional.one_hot(grey, 16).permute(0, 3, 1, 2).unsqueeze(1)


class Counts(Told):
    """The pixel to the left and the one above, and how often each grey followed on them."""

    def __init__(self) -> None:
        super().__init__()
        greys = self.head.index(digits(split="train")[0])[:, 0]  # type: ignore[attr-defined]
        left, above = self.before(greys)
        self.table = torch.full((16, 16, 16), 0.1).index_put((left, above, greys), torch.ones(()), accumulate=True)

    @staticmethod
    def before(greys: Tensor) -> tuple[Tensor, Tensor]:
        return nn.functional.pad(greys, (1, 0))[..., :-1], nn.functional.pad(greys, (0, 0, 1, 0))[..., :-1, :]

    def belief(self, x_t: Tensor, t: Tensor, *others: Any, **named: Any) -> Tensor:
        left, above = self.before(self.head.index(x_t)[:, 0])  # type: ignore[attr-defined]
        return self.table[left, above].log().permute(0, 3, 1, 2).unsqueeze(1).to(x_t)


def without_a_mask() -> Generator:
    model = fresh(nets.UNet(widths=(8, 16)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        nn.init.normal_(model.last.weight)  # type: ignore[arg-type]
    return model


def fresh(net: nets.Net, levels: int = 16) -> Generator:
    return Generator(net, heads.Categorical(levels), plans.raster(1), condition=conditions.Labels(10))


CASES = {
    "causal-mask": Case(
        right=[
            causal_mask,
            lambda n: causal_mask(n).float(),
            lambda n: [[j <= i for j in range(n + 1)] for i in range(n)],
        ],
        wrong={
            "One too many": [
                lambda n: torch.ones(n, n + 1).tril(1),
                lambda n: torch.cat([torch.zeros(n, 1), torch.ones(n, n).tril(0)], 1),
            ],
            "nothing at all": [lambda n: torch.ones(n, n + 1).tril(-1)],
            "One too few": [lambda n: torch.cat([torch.ones(n, 1), torch.ones(n, n).tril(-2)], 1)],
            "not written yet": [lambda n: torch.ones(n, n + 1), lambda n: torch.ones(n, n + 1).triu()],
            "The start is there": [lambda n: torch.eye(n, n + 1)],
            "misses a pixel": [lambda n: torch.eye(n, n + 1).index_fill(1, torch.tensor(0), 1)],
            "shape": [lambda n: torch.ones(n, n).tril()],
            "True and False": [lambda n: torch.zeros(n, n + 1).masked_fill(~causal_mask(n), -math.inf)],
            "should be numbers": [lambda n: "triangle"],
        },
        secret=r"tril|triang",
        function=True,
    ),
    "cache-tokens": Case(
        right=[(32896, 256, 128.5), (256 * 257 / 2, 256.0, 32896 / 256)],
        wrong={
            "whole picture": [(65536, 256, 256)],
            "start token": [(32640, 256, 127.5)],
            "one step too far": [(33152, 256, 129.5)],
            "once more": [(256, 256, 1)],
            "add them up": [(32768, 256, 128)],
            "forgets the start": [(32896, 255, 129)],
            "last pixel": [(32896, 257, 128)],
            "one step": [(32896, 1, 32896)],
            "only what is new": [(32896, 32896, 1)],
            "Nearly": [(32896, 256, 128)],
            "bit by bit": [(32896, 256, 256)],
            "Turned round": [(32896, 256, 256 / 32896)],
            "Divide": [(32896, 256, 100)],
            "should be a number": [("many", 256, 128.5)],
        },
        secret=r"32,?896|128\.5|\b256\b",
    ),
    "bits-per-pixel": Case(
        right=[
            bits,
            lambda logits, pixels: bits(logits, pixels).tolist(),
            lambda logits, pixels: bits(logits, pixels)[:, None],
        ],
        wrong={
            "nats": [lambda logits, pixels: bits(logits, pixels) * math.log(2)],
            "base 10": [lambda logits, pixels: bits(logits, pixels) * math.log10(2)],
            "sign": [lambda logits, pixels: -bits(logits, pixels)],
            "whole picture": [lambda logits, pixels: bits(logits, pixels) * 16],
            "once too often": [lambda logits, pixels: bits(logits, pixels) / 16],
            "one for each": [
                lambda logits, pixels: bits(logits, pixels).mean(),
                lambda logits, pixels: float(bits(logits, pixels).mean()),
            ],
            "sum to 1": [raw_logits],
            "which axis": [over_the_wrong_axis],
            "logarithm of a mean": [of_the_mean_chance],
            "all pictures": [lambda logits, pixels: bits(logits, pixels).mean().expand(3)],
            "Take one pixel": [lambda logits, pixels: [4, 4, 4]],
            "does not matter which was there": [lambda logits, pixels: [1, 1, 1]],
            "one number for each picture": [lambda logits, pixels: bits(logits, pixels)[:, None].expand(-1, 2)],
            "average over the pixels": [lambda logits, pixels: -logits.log2().amax(dim=1)],
            "number for every grey": [lambda logits, pixels: logits.softmax(dim=1)],
        },
        secret=r"log2|log_softmax|softmax|cross_entropy",
        function=True,
    ),
    "train-causal": Case(
        right=[(Told(),), (Told(sure=0.9, loss_on="next"),)],
        wrong={
            "move if the pixel": [(Peeks(),), (without_a_mask(),)],
            "out of its reach": [(Counts(),)],
            "how much of a pass": [(Told(sure=0.35, loss_on="next"),)],
            "room to keep": [(Told(sure=0.35),)],
            "Was it trained": [(fresh(nets.CausalConv(width=8, layers=2)),), (Told(sure=0.0),)],
            "Categorical(16)": [
                (fresh(nets.CausalConv(width=8, layers=2), levels=2),),
                (Generator(nets.UNet(widths=(8, 16)), heads.Regression("x0"), plans.diffusion()),),
            ],
            "256 pixels": [(fresh(nets.CausalConv(size=8, width=8, layers=2)),), (nn.Linear(256, 256),)],
            "the class Generator": [(Generator,)],
            "history": [(History(),)],
        },
        secret=r"layers|kernel|CausalConv|Transformer|\bdeep",
    ),
}

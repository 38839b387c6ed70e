"""The cases of chapter 10, causal architectures: right answers, and wrong ones that people give."""

from __future__ import annotations

import math

import torch
from helpers_checks import Case
from torch import Tensor


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
            "What chance": [lambda logits, pixels: [4, 4, 4]],
            "shape": [lambda logits, pixels: bits(logits, pixels)[:, None].expand(-1, 2)],
        },
        secret=r"log2|log_softmax|softmax|cross_entropy",
        function=True,
    ),
}

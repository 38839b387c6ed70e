"""The course's causal nets against the decoder of x-transformers: an update of training, and writing with a cache.

The same task for all: 256 pixels of 16 greys, one after the other, with about as many weights. x-transformers' decoder
reads them as 256 tokens after a start token: width 128, 4 layers, 4 heads of 32 numbers, rotary positions. When writing
it keeps the likeliest tenth of the tokens by default (``filter_logits_fn``); here that is off, as in ours, and its
cache is on. The rounds go by turns; printed are the medians and the median of the rounds' ratios (above 1: ours is
faster).

It needs x-transformers, which the course does not. In a virtual environment of its own that has the course:
``pip install x-transformers==2.31.10``
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import minigen as mg

try:
    from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper
except ImportError as reason:
    raise SystemExit(f"{reason}; pip install x-transformers==2.31.10, see benchmarks/requirements.txt") from None

START = 16
"""The token before the first pixel; the others are the greys."""


class Theirs(nn.Module):
    """x-transformers' decoder with the course's ``loss``."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        decoder = Decoder(
            dim=width, depth=layers, heads=heads, attn_dim_head=width // heads, rotary_pos_emb=True, attn_flash=True
        )
        net = TransformerWrapper(num_tokens=START + 1, max_seq_len=256, attn_layers=decoder)
        self.net: Any = AutoregressiveWrapper(net)

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        tokens = mg.heads.Categorical(16).index(batch[0]).flatten(1)
        return self.net(torch.cat([tokens.new_full((len(tokens), 1), START), tokens], dim=1))

    @torch.no_grad()
    def write(self, count: int) -> Tensor:
        start = torch.full((count, 1), START)
        return self.net.generate(start, 256, temperature=1.0, filter_logits_fn=lambda logits: logits, cache_kv=True)


def ours(net: mg.nets.Net) -> mg.Generator:
    return mg.Generator(net, mg.heads.Categorical(16), mg.plans.raster(1))


def timed(work: Callable[[], Any], repeats: int = 1) -> float:
    """Seconds of one of so many repetitions."""
    begin = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - begin) / repeats


def updater(model: Any, images: Tensor) -> Callable[[], None]:
    """An update of the weights, by the same bare loop for all."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)

    def update() -> None:
        model.train()
        optimizer.zero_grad()
        model.loss((images,), None).backward()
        optimizer.step()

    return update


def writer(model: Any, count: int) -> Callable[[], Tensor]:
    """A sheet of pictures, with the model's cache."""
    if isinstance(model, Theirs):
        theirs: Theirs = model
        return lambda: theirs.eval().write(count)
    return lambda: mg.sample(model, count)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--updates", type=int, default=3, help="in a round")
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--count", type=int, default=64, help="pictures that are written")
    options.add_argument("--smoke", action="store_true", help="once, and few pictures, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.rounds, given.updates, given.batch, given.count = 1, 1, 2, 2
    torch.manual_seed(0)
    models: dict[str, nn.Module] = {
        "x-transformers": Theirs(width=128, layers=4, heads=4),
        "CausalTransformer": ours(mg.nets.CausalTransformer(width=128, layers=4, heads=4, context_size=16)),
        "CausalConv": ours(mg.nets.CausalConv(width=48, layers=8, context_size=16)),
    }
    images = mg.data.digits()[0][: given.batch]
    updates = {name: updater(model, images) for name, model in models.items()}
    writers = {name: writer(model, given.count) for name, model in models.items()}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, model in models.items():
        print(f"{name:18} {sum(value.numel() for value in model.parameters()):,} weights")
    for what, work, repeats in (
        (f"an update of {given.batch}", updates, given.updates),
        (f"writing {given.count}", writers, 1),
    ):
        for each in work.values():  # not counted
            each()
        rounds = [{name: timed(each, repeats) for name, each in work.items()} for _ in range(given.rounds)]
        for name in work:
            ratios = sorted(seconds["x-transformers"] / seconds[name] for seconds in rounds)
            print(
                f"{what}: {name:18} {statistics.median(seconds[name] for seconds in rounds):8.3f} s,"
                f" ratio {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How much slower is ``mg.train`` than a bare PyTorch loop with the same net, loss and batch?

Both train the U-Net of ``digits-diffusion``. The bare loop has the forward and backward pass and AdamW, and no more:
no averaged weights, no clipping, no validation, no schedule, no progress bar. Rounds of 20 iterations by turns; the
median of the rounds' ratios.
"""

import statistics
import time

import torch
from common import by_turns, ratio

import minigen as mg
from minigen.base.randomness import seeded

ITERATIONS, ROUNDS, BATCH = 20, 7, 128


def bare(images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds of the bare loop."""
    model = mg.recipes.recipe("digits-diffusion").build()
    assert isinstance(model, mg.Generator)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.0, fused=True)
    random = seeded(0)
    start = time.perf_counter()
    for _ in range(ITERATIONS):
        rows = torch.randperm(len(images), generator=random)[:BATCH]
        loss = model.loss((images[rows], labels[rows]), random)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


def trained(images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds of ``mg.train`` in full dress."""
    model = mg.recipes.recipe("digits-diffusion").build()
    start = time.perf_counter()
    mg.train(model, images, labels, iterations=ITERATIONS, batch_size=BATCH, precision="float32", device="cpu")
    return time.perf_counter() - start


def main() -> None:
    data = mg.data.digits()
    bare(*data)
    plain, full = by_turns(ROUNDS, lambda: bare(*data), lambda: trained(*data))
    print(f"bare loop {statistics.median(plain) / ITERATIONS:.3f} s an iteration, batch {BATCH}")
    print(f"mg.train  {statistics.median(full) / ITERATIONS:.3f} s an iteration")
    print(f"ratio     {ratio(full, plain)}")


if __name__ == "__main__":
    main()

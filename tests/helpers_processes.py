"""One process of a shared training run, for tests: ``torchrun helpers_processes.py KIND OUT DIE_AFTER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

import minigen as mg
from minigen.base import store
from minigen.training import together

ITERATIONS = 6


def make(kind: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A tiny model of this kind, and its data."""
    torch.manual_seed(0)
    images, labels = mg.data.digits(size=8, split="validation")
    if kind == "classifier":
        # two channels a group: alone in its group, a channel's bias has no effect and moves by rounding only
        return mg.nets.Classifier(size=8, widths=(16, 16)), (images, labels)
    causal = kind == "causal"
    net = mg.nets.CausalConv(8, width=8, layers=2) if causal else mg.nets.UNet(size=8, widths=(8, 16))
    plan = mg.plans.raster(1) if causal else mg.plans.diffusion()
    return mg.Generator(net, mg.heads.Categorical(4), plan, condition=mg.Labels(10)), (images, labels)


def run(kind: str, out: Path, die_after: int = 0, **settings: object) -> mg.History:
    """Train, and die without a word after so many iterations if asked to; the first process saves."""
    model, data = make(kind)
    if die_after:
        judge, calls = model.judge, []  # of its own part of the batch

        def mortal(*given: object) -> torch.Tensor:
            calls.append(1)
            if len(calls) > die_after:
                os._exit(1)
            return judge(*given)  # type: ignore[operator]

        model.judge = mortal  # type: ignore[assignment]
    history = mg.train(
        model,
        *data,
        iterations=ITERATIONS,
        batch_size=16,
        warmup=2,
        device="cpu",
        precision="float32",
        progress=False,
        checkpoint=out.with_suffix(".checkpoint"),
        checkpoint_every=2,
        **settings,  # type: ignore[arg-type]
    )
    if mg.training.Processes.here().rank == 0:
        store.save(out, model.state_dict(), {"loss": history.loss, "images_seen": history.images_seen})
    return history


if __name__ == "__main__":
    torch.set_num_threads(1)
    with together():
        run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

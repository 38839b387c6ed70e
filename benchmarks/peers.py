"""The course's U-Net and sampler against those that people would reach for: pictures a second, and updates a second.

diffusers (``UNet2DModel`` in a ``DDIMPipeline``), smalldiffusion and denoising-diffusion-pytorch, each with a U-Net of
about as many weights for 16x16 grey pictures, not told what to draw, drawing with as many calls (deterministically, as
DDIM) in float32. No peer keeps attention that it lets one switch off, as the course's U-Net has none. Rounds go by
turns; printed are medians and the median of the rounds' ratios, from the smallest to the largest (above 1: the course's
is faster).

The peers are listed in ``benchmarks/requirements.txt``, which says how to install them. Two of them import torchvision
for data sets that are not used here; where it is missing, an empty stand-in takes its place.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import platform
import statistics
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import diffusers
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import minigen as mg
from minigen.randomness import seeded


def stand_in(name: str) -> types.ModuleType:
    """A module whose every name is a function that does nothing."""
    module = types.ModuleType(name)
    module.__getattr__ = lambda attribute: lambda *given, **named: None  # type: ignore[method-assign]
    return module


if importlib.util.find_spec("torchvision") is None:
    diffusers.UNet2DModel, diffusers.DDIMPipeline  # noqa: B018  (imported on first use, while torchvision is absent)
    for part in ("torchvision", "torchvision.transforms", "torchvision.utils"):
        sys.modules[part] = stand_in(part)
    sys.modules["torchvision"].__dict__.update(
        transforms=sys.modules["torchvision.transforms"], utils=sys.modules["torchvision.utils"]
    )

try:
    import smalldiffusion
    from denoising_diffusion_pytorch import GaussianDiffusion
    from denoising_diffusion_pytorch import Unet as TheirUnet
except ImportError as reason:
    raise SystemExit(f"{reason}; pip install --no-deps -r benchmarks/requirements.txt") from None

SIZE = 16


class Course(nn.Module):
    """mg.sample and Generator.loss."""

    package = "torch"

    def __init__(self) -> None:
        super().__init__()
        self.model = mg.Generator(mg.nets.UNet(size=SIZE), mg.heads.Regression("v"), mg.plans.diffusion())

    def draw(self, count: int, calls: int) -> Tensor:
        return mg.sample(self.model, count, steps=calls, eta=0.0)

    def loss(self, images: Tensor) -> Tensor:
        return self.model.loss((images,), seeded(0))


class Diffusers(nn.Module):
    package = "diffusers"

    def __init__(self) -> None:
        super().__init__()
        self.net = diffusers.UNet2DModel(
            sample_size=SIZE, in_channels=1, out_channels=1, block_out_channels=(24, 48, 96), layers_per_block=1,
            down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3, add_attention=False,
            norm_num_groups=8,
        )  # fmt: skip
        self.scheduler = diffusers.DDIMScheduler()
        self.pipeline = diffusers.DDIMPipeline(self.net, self.scheduler)
        self.pipeline.set_progress_bar_config(disable=True)

    def draw(self, count: int, calls: int) -> Any:
        return self.pipeline(batch_size=count, num_inference_steps=calls, output_type="np").images

    def loss(self, images: Tensor) -> Tensor:
        eps = torch.randn_like(images)
        t = torch.randint(self.scheduler.config.num_train_timesteps, (len(images),))
        return F.mse_loss(self.net(self.scheduler.add_noise(images, eps, t), t).sample, eps)


class SmallDiffusion(nn.Module):
    package = "smalldiffusion"

    def __init__(self) -> None:
        super().__init__()
        self.net = smalldiffusion.Unet(
            SIZE, 1, 1, ch=32, ch_mult=(1, 1, 3), num_res_blocks=1, attn_resolutions=(), dropout=0.0
        )
        self.schedule = smalldiffusion.ScheduleDDPM()

    @torch.no_grad()
    def draw(self, count: int, calls: int) -> Tensor:
        *_, last = smalldiffusion.samples(self.net, self.schedule.sample_sigmas(calls), batchsize=count)
        return last

    def loss(self, images: Tensor) -> Tensor:
        self.net.train()
        x0, sigma, eps, cond = smalldiffusion.generate_train_sample(images, self.schedule)
        return self.net.get_loss(x0, sigma, eps, cond=cond)


class DenoisingDiffusion(nn.Module):
    package = "denoising-diffusion-pytorch"

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.net = TheirUnet(dim=24, dim_mults=(1, 2, 4), channels=1)
        self.diffusion = GaussianDiffusion(self.net, image_size=SIZE, sampling_timesteps=calls)

    def draw(self, count: int, calls: int) -> Tensor:
        return self.diffusion.sample(batch_size=count)

    def loss(self, images: Tensor) -> Tensor:
        return self.diffusion((images + 1) / 2)


def updater(model: Any, images: Tensor) -> Callable[[], None]:
    """An update of the weights, by the same bare loop for all."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)

    def update() -> None:
        model.train()
        optimizer.zero_grad()
        model.loss(images).backward()
        optimizer.step()

    return update


def timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(what: str, each_of: int, work: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Time everything by turns and print a line for each."""
    for each in work.values():  # not counted
        each()
    found = [{name: timed(each) for name, each in work.items()} for _ in range(rounds)]
    print(f"\n{what}")
    for name in work:
        ratios = sorted(seconds[name] / seconds["course"] for seconds in found)
        median = statistics.median(seconds[name] for seconds in found)
        print(
            f"  {name:28}{each_of / median:9.1f} a second, ratio {statistics.median(ratios):5.2f}"
            f" (from {ratios[0]:.2f} to {ratios[-1]:.2f})",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--calls", type=int, default=16)
    options.add_argument("--batches", type=int, nargs="+", default=[1, 64])
    options.add_argument("--smoke", action="store_true", help="once, and few pictures, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.rounds, given.calls, given.batches = 1, 2, [2]
    torch.manual_seed(0)
    models: dict[str, Any] = {
        "course": Course(),
        "diffusers": Diffusers(),
        "smalldiffusion": SmallDiffusion(),
        "denoising-diffusion-pytorch": DenoisingDiffusion(given.calls),
    }
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}")
    for name, model in models.items():
        version = importlib.metadata.version(model.package)
        print(
            f"  {name:28}{sum(value.numel() for value in model.parameters()):>9,} weights  ({model.package} {version})"
        )
    for batch in given.batches:
        draws = {name: lambda model=model: model.eval().draw(batch, given.calls) for name, model in models.items()}  # noqa: B023
        compare(f"drawing {batch} pictures with {given.calls} calls: pictures", batch, draws, given.rounds)
    images = mg.data.digits()[0]
    for batch in given.batches:
        updates = {name: updater(model, images[:batch]) for name, model in models.items()}
        compare(f"training on {batch} pictures, float32: updates", 1, updates, given.rounds)


if __name__ == "__main__":
    main()

"""The course against the libraries that people would reach for: pictures a second, updates a second, and quality.

``pictures``: diffusers (``UNet2DModel`` in a ``DDIMPipeline``), smalldiffusion and denoising-diffusion-pytorch, each
with a U-Net of about as many weights for 16x16 grey pictures, not told what to draw, drawing with as many calls
(deterministically, as DDIM). No peer keeps attention that it lets one switch off, as the course's U-Net has none. The
course's stands there in two shapes: the book's, and one with fewer channels where the picture is large, as in
``speedrun.py``; that is less work for as many weights, and a peer's could be shaped so, too.

``causal``: x-transformers' decoder and the course's causal nets, all with about as many weights, write 256 pixels of 16
greys. The decoder reads them as 256 tokens after a start token: width 128, 4 layers, 4 heads of 32 numbers, rotary
positions. When writing it keeps the likeliest tenth of the tokens by default (``filter_logits_fn``); here that is off,
as in ours, and its cache is on.

``quality``: the U-Net of diffusers in the place of ours, trained by our loop for the minute of ``speedrun.py``.

Rounds go by turns; printed are medians and the median of the rounds' ratios, from the smallest to the largest (above 1:
the course's is faster). ``--precision bfloat16`` lets everybody compute in bfloat16 (autocast), ``--compile`` gives
the networks of ``pictures`` to torch.compile.

The peers are listed in ``benchmarks/requirements.txt``, which says how to install them. Two of them import torchvision
for data sets that are not used here (``without_torchvision.py``).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import diffusers
import speedrun
import torch
import torch.nn.functional as F
from common import by_turns, ratio, seconds_of
from torch import Tensor, nn
from without_torchvision import stand_ins

import minigen as mg
from minigen.base.randomness import seeded

diffusers.UNet2DModel, diffusers.DDIMPipeline  # noqa: B018  (imported on first use, while torchvision is absent)
try:
    with stand_ins():
        import smalldiffusion
        from denoising_diffusion_pytorch import GaussianDiffusion
        from denoising_diffusion_pytorch import Unet as TheirUnet
        from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper
except ImportError as reason:
    raise SystemExit(f"{reason}; pip install --no-deps -r benchmarks/requirements.txt") from None

SIZE = 16
START = 16
"""The token before the first pixel; the others are the greys."""

SHAPE: dict[str, Any] = dict(
    sample_size=SIZE, block_out_channels=(24, 48, 96), layers_per_block=1, down_block_types=("DownBlock2D",) * 3,
    up_block_types=("UpBlock2D",) * 3, add_attention=False, norm_num_groups=8,
)  # fmt: skip
"""Of diffusers' U-Net."""


# --- pictures --------------------------------------------------------------------------------------


class Course(nn.Module):
    """mg.sample and Generator.loss: noise, or a causal net that writes pixel by pixel with its cache."""

    package = "torch"

    def __init__(self, net: mg.nets.Net) -> None:
        super().__init__()
        head, plan = mg.heads.Regression("v"), mg.plans.diffusion()
        if net.causal:
            head, plan = mg.heads.Categorical(16), mg.plans.raster(1)
        self.model = mg.Generator(net, head, plan)

    def draw(self, count: int, calls: int) -> Tensor:
        return mg.sample(self.model, count, steps=None if self.model.net.causal else calls, eta=0.0)

    def loss(self, images: Tensor) -> Tensor:
        return self.model.loss((images,), seeded(0))


class Diffusers(nn.Module):
    package = "diffusers"

    def __init__(self) -> None:
        super().__init__()
        self.net = diffusers.UNet2DModel(in_channels=1, out_channels=1, **SHAPE)
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


# --- pixel by pixel --------------------------------------------------------------------------------


class TheirWriter(nn.Module):
    package = "x-transformers"

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        decoder = Decoder(
            dim=width, depth=layers, heads=heads, attn_dim_head=width // heads, rotary_pos_emb=True, attn_flash=True
        )
        net = TransformerWrapper(num_tokens=START + 1, max_seq_len=SIZE**2, attn_layers=decoder)
        self.net: Any = AutoregressiveWrapper(net)

    @torch.no_grad()
    def draw(self, count: int, calls: int) -> Tensor:
        start = torch.full((count, 1), START)
        everything: Callable[[Tensor], Tensor] = lambda logits: logits  # noqa: E731
        return self.net.generate(start, SIZE**2, temperature=1.0, filter_logits_fn=everything, cache_kv=True)

    def loss(self, images: Tensor) -> Tensor:
        tokens = mg.heads.Categorical(16).index(images).flatten(1)
        return self.net(torch.cat([tokens.new_full((len(tokens), 1), START), tokens], dim=1))


# --- quality ---------------------------------------------------------------------------------------


class TheirNet(mg.nets.Net):
    """The U-Net of diffusers as a net of the course: the same weights, the label's vector added to the level's."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.features, self.context_size = (1, SIZE, SIZE), 24, 4 * 24
        self.config: dict[str, Any] = {}
        self.net = diffusers.UNet2DModel(in_channels=1, out_channels=24, class_embed_type="identity", **SHAPE)

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        level = 1000 * t.flatten(1)[:, 0]  # one number a picture, in diffusers' thousandths
        none = x_t.new_zeros(len(x_t), self.context_size)
        features: Tensor = self.net(x_t, level, class_labels=none if context is None else context).sample
        return features


def quality(given: argparse.Namespace) -> None:
    """A minute of training each, the same loop: our U-Net, and that of diffusers."""
    entry = speedrun.ENTRIES[speedrun.CHOSEN[0]]
    print(f"\n{given.seconds:g} seconds of training by mg.train, then {given.count:,} held-out digits")
    for name, each in {"course": entry, "diffusers": replace(entry, net=TheirNet)}.items():
        row = speedrun.run(each, 0, "held-out", given)
        print(
            f"  {name:28}{row['parameters']:>9,} weights, {row['iterations']:5} updates of {row['batch_size']}:"
            f" distance {row['frechet']:.1f}, {row['over_floor']:.2f} times the floor, {row['accuracy']:.1%} as asked",
            flush=True,
        )


# --- time ------------------------------------------------------------------------------------------


def updater(model: Any, images: Tensor, autocast: Callable[[], Any]) -> Callable[[], None]:
    """An update of the weights, by the same bare loop for all."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)

    def update() -> None:
        model.train()
        optimizer.zero_grad()
        with autocast():
            loss = model.loss(images)
        loss.backward()
        optimizer.step()

    return update


def drawer(model: Any, count: int, calls: int, autocast: Callable[[], Any]) -> Callable[[], None]:
    """A sheet of pictures."""

    def draw() -> None:
        with autocast():
            model.eval().draw(count, calls)

    return draw


def compare(what: str, each_of: int, work: dict[str, Callable[[], Any]], ours: str, rounds: int) -> None:
    """Time everything by turns and print a line for each; ratios are to ``ours``."""
    for each in work.values():  # not counted
        each()
    found = by_turns(rounds, *(partial(seconds_of, each) for each in work.values()))
    taken = dict(zip(work, found, strict=True))
    print(f"\n{what}")
    for name, seconds in taken.items():
        rate = each_of / statistics.median(seconds)
        print(f"  {name:28}{rate:9.1f} a second, ratio {ratio(seconds, taken[ours])}", flush=True)


def race(models: dict[str, Any], ours: str, batches: list[int], given: argparse.Namespace) -> None:
    """Draw and train with each, by turns."""

    def autocast() -> Any:
        return torch.autocast("cpu", torch.bfloat16) if given.precision == "bfloat16" else nullcontext()

    print()
    for name, model in models.items():
        weights = sum(value.numel() for value in model.parameters())
        print(f"  {name:28}{weights:>9,} weights  ({model.package} {importlib.metadata.version(model.package)})")
    images = mg.data.digits()[0]
    for batch in batches:
        draws = {name: drawer(model, batch, given.calls, autocast) for name, model in models.items()}
        compare(f"drawing {batch}: pictures, {given.precision}", batch, draws, ours, given.rounds)
    for batch in batches:
        updates = {name: updater(model, images[:batch], autocast) for name, model in models.items()}
        compare(f"training on {batch}: updates, {given.precision}", 1, updates, ours, given.rounds)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("pictures", "causal", "quality")
    options.add_argument("--parts", nargs="+", choices=parts, default=parts)
    options.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options.add_argument("--compile", action="store_true", help="torch.compile for the networks of pictures")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--calls", type=int, default=16, help="for a picture from noise")
    options.add_argument("--batches", type=int, nargs="+", default=[1, 64])
    options.add_argument("--seconds", type=float, default=60.0, help="of training, for the quality")
    options.add_argument("--count", type=int, default=2000, help="digits that are scored")
    options.add_argument("--smoke", action="store_true", help="once, and few pictures, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.rounds, given.calls, given.batches, given.seconds, given.count = 1, 2, [2], 1.0, 500
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    print(f"{date.today()}, {platform.machine()}, {threads} threads, Python {platform.python_version()}")
    if "pictures" in given.parts:
        models: dict[str, Any] = {
            "course": Course(mg.nets.UNet(size=SIZE)),
            "course, thin": Course(mg.nets.UNet(size=SIZE, widths=(16, 64, 128))),
            "diffusers": Diffusers(),
            "smalldiffusion": SmallDiffusion(),
            "denoising-diffusion-pytorch": DenoisingDiffusion(given.calls),
        }
        if given.compile:
            for model in models.values():
                (model.model if isinstance(model, Course) else model).net.compile()
        print(f"\nfrom noise, {given.calls} calls{', compiled' if given.compile else ''}")
        race(models, "course", given.batches, given)
    if "causal" in given.parts:
        writers: dict[str, Any] = {
            "CausalConv": Course(mg.nets.CausalConv(width=48, layers=8, context_size=16)),
            "CausalTransformer": Course(mg.nets.CausalTransformer(width=128, layers=4, heads=4, context_size=16)),
            "x-transformers": TheirWriter(width=128, layers=4, heads=4),
        }
        print(f"\npixel by pixel, {SIZE**2} calls")
        race(writers, "CausalTransformer", given.batches, given)
    if "quality" in given.parts:
        quality(given)


if __name__ == "__main__":
    main()

"""Who is compared in ``time_to_quality.py``: the peers as they document themselves, and what is tried to tune them.

Each is one class: its network in two sizes, its loss, and its ways down from noise (or from left to right), all of its
own library. It gets pictures of (N, 1, 16, 16) from -1 to 1 and draws such. ``DOCUMENTED`` is what its documentation
trains digits or clothes with, or its first example, whichever there is:

- diffusers: the class-conditioned digits of Hugging Face's course on diffusion models, unit 2 (without labels, the
  same network). Its walk has 1,000 calls; here the DDIM scheduler takes its usual 50.
- smalldiffusion: ``examples/fashion_mnist_unet.py``; labels as in ``examples/fashion_mnist_dit_cond.py``.
- denoising-diffusion-pytorch: the README (``Trainer``), and with labels ``classifier_free_guidance.py``.
- torchcfm: ``examples/images/mnist_example.ipynb``, and with labels ``conditional_mnist.ipynb``; dopri5 by torchdiffeq.
- x-transformers: ``train_enwik8.py``, pixels of 16 greys as tokens, the label as the first of them.

This file needs torch alone: a peer's library is imported when its class is made, since the clock counts that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from without_torchvision import stand_ins

SIZE, CLASSES, GREYS = 16, 10, 16


@dataclass(frozen=True)
class Settings:
    """How a peer is trained and draws.

    Attributes:
        size, target: of the network, and what it predicts: "documented", or "small" and "v".
        optimizer: "adam", "adamw", or "muon", which is ours (for the matrices, at ten times the rate).
        accumulate: batches of gradients in an update.
        ema: decay of the weights' moving average; less at first.
        ends: the rate rises over 50 updates and falls to nothing at the end, which has to be known before; the
            gradient is clipped to a norm of 1. Otherwise the rate stays, and a training can be looked at on its way.
        reduced: in bfloat16 where the hardware has it.
        sampler: the way down and its calls, "ddim-50"; 0 calls: as many as it takes.
    """

    size: str = "documented"
    target: str = "documented"
    optimizer: str = "adam"
    rate: float = 1e-3
    batch: int = 128
    accumulate: int = 1
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = None
    ema: float | None = None
    ends: bool = False
    reduced: bool = False
    sampler: str = "ddim-50"

    def words(self) -> str:
        """What tells it from others, in a line."""
        parts = [f"{self.size} size", f"target {self.target}", f"{self.optimizer} {self.rate:g}", f"batch {self.batch}"]
        parts += [f"times {self.accumulate}"] if self.accumulate > 1 else []
        parts += [f"average {self.ema:g}"] if self.ema else []
        return ", ".join([*parts, "to an end" if self.ends else "steady"])


DOCUMENTED = {
    "diffusers": Settings(),
    "smalldiffusion": Settings(
        optimizer="adamw", rate=7e-4, batch=1024, ema=0.999, sampler="gam1.6-20"
    ),  # its Fashion example; 3,600 digits are three and a half batches
    "denoising-diffusion-pytorch": Settings(
        rate=8e-5, batch=32, accumulate=2, betas=(0.9, 0.99), clip=1.0, ema=0.9995, reduced=True, sampler="ddim-250"
    ),
    "torchcfm": Settings(sampler="dopri5-0"),
    "x-transformers": Settings(rate=1e-4, batch=4, accumulate=4, clip=0.5, sampler="likely-256"),
}
"""By peer. The average of denoising-diffusion-pytorch has 0.995 every ten updates, which is this every one."""

START = Settings("small", "v", "muon", 2e-3, 128, ends=True, reduced=True)
"""Where tuning starts: what is known to work for ours."""

GRID: dict[str, tuple[Any, ...]] = {
    "size": ("documented",),
    "optimizer": ("adamw",),
    "rate": (1e-3, 4e-3),
    "batch": (64, 32),
    "target": ("documented",),
}
"""What is tried, one after the other, each with the best so far; and of each training every sampler of ``SAMPLERS``."""

SAMPLERS = {
    "diffusers": ("ddim-16", "ddim-50", "dpm-16", "dpm-32"),
    "smalldiffusion": ("ddim-16", "gam1.6-20", "ddim-50", "ddpm-50"),
    "denoising-diffusion-pytorch": ("ddim-16", "ddim-50", "fresh-50"),
    "torchcfm": ("euler-16", "midpoint-32", "dopri5-0"),
    "x-transformers": ("all-256", "likely-256"),
}


def split(sampler: str, most: int) -> tuple[str, int]:
    """The name and the calls of a way down, at most so many.

    >>> split("ddim-50", most=16)
    ('ddim', 16)
    """
    name, _, calls = sampler.rpartition("-")
    return name, min(int(calls), most)


class Diffusers(nn.Module):
    def __init__(self, settings: Settings, told: bool) -> None:
        import diffusers

        super().__init__()
        down, up = "DownBlock2D", "UpBlock2D"
        small = dict(block_out_channels=(16, 48, 64), layers_per_block=1, down_block_types=(down,) * 3,
                     up_block_types=(up,) * 3, add_attention=False, norm_num_groups=16)  # fmt: skip
        documented = dict(block_out_channels=(32, 64, 64), layers_per_block=2,
                          down_block_types=(down, f"Attn{down}", f"Attn{down}"),
                          up_block_types=(f"Attn{up}", f"Attn{up}", up))  # fmt: skip
        shape: dict[str, Any] = small if settings.size == "small" else documented
        self.label = nn.Embedding(CLASSES, 4) if told else None
        self.net = diffusers.UNet2DModel(SIZE, in_channels=1 + 4 * told, out_channels=1, **shape)
        self.target = "v_prediction" if settings.target == "v" else "epsilon"
        said = dict(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2", prediction_type=self.target)
        self.noise = diffusers.DDPMScheduler(**said)
        self.ways = {
            "ddim": lambda: diffusers.DDIMScheduler(**said),
            "dpm": lambda: diffusers.DPMSolverMultistepScheduler(**said),
        }

    def output(self, x: Tensor, t: Any, labels: Tensor | None) -> Any:
        """As in the course: the label's four numbers are four more channels."""
        if self.label is not None:
            told = self.label(labels)[:, :, None, None].expand(-1, -1, SIZE, SIZE)
            x = torch.cat([x, told.to(x.dtype)], dim=1)
        return self.net(x, t).sample

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        eps = torch.randn_like(images)
        t = torch.randint(0, 999, (len(images),))
        wanted = self.noise.get_velocity(images, eps, t) if self.target == "v_prediction" else eps
        return F.mse_loss(self.output(self.noise.add_noise(images, eps, t), t, labels), wanted)

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        scheduler, x = self.ways[way](), torch.randn(count, 1, SIZE, SIZE)
        scheduler.set_timesteps(calls)
        for t in scheduler.timesteps:
            x = scheduler.step(self.output(x, t, labels), t, x).prev_sample
        return x


class SmallDiffusion(nn.Module):
    def __init__(self, settings: Settings, told: bool) -> None:
        with stand_ins():
            import smalldiffusion as small

        super().__init__()
        wide = settings.size == "documented"
        shape: dict[str, Any] = (
            dict(ch=64, ch_mult=(1, 1, 2), attn_resolutions=(SIZE // 2,))
            if wide
            else dict(ch=32, ch_mult=(1, 1, 2), num_res_blocks=1, attn_resolutions=(), dropout=0.0)
        )
        net = small.PredV(small.Scaled(small.Unet)) if settings.target == "v" else small.Scaled(small.Unet)
        label = small.CondEmbedderLabel(4 * shape["ch"], CLASSES, 0.1) if told else None
        self.net = net(SIZE, 1, 1, cond_embed=label, **shape)
        self.schedule = small.ScheduleLogLinear(sigma_min=0.01, sigma_max=20, N=800)
        self.small = small

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        x0, sigma, eps, _ = self.small.generate_train_sample(images, self.schedule)
        return self.net.get_loss(x0, sigma, eps, cond=labels)

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        how = {"gam1.6": dict(gam=1.6), "ddim": dict(gam=1.0), "ddpm": dict(gam=1.0, mu=0.5)}[way]
        *_, last = self.small.samples(self.net, self.schedule.sample_sigmas(calls), batchsize=count, cond=labels, **how)
        return last


class DenoisingDiffusion(nn.Module):
    def __init__(self, settings: Settings, told: bool) -> None:
        with stand_ins():
            import denoising_diffusion_pytorch as plain
            from denoising_diffusion_pytorch import classifier_free_guidance as guided

        super().__init__()
        small, self.told = settings.size == "small", told
        shape: dict[str, Any] = dict(channels=1, dim=16, dim_mults=(1, 2, 4)) if small else dict(channels=1, dim=64)
        target = dict(objective="pred_v") if settings.target == "v" else {}
        if told:
            net: Any = guided.Unet(num_classes=CLASSES, cond_drop_prob=0.1 if small else 0.5, **shape)
            self.net = guided.GaussianDiffusion(net, image_size=SIZE, sampling_timesteps=250, **target)
        else:
            net = plain.Unet(flash_attn=True, **shape)
            self.net = plain.GaussianDiffusion(net, image_size=SIZE, sampling_timesteps=250, **target)
        self.scale = dict(cond_scale=1.0, rescaled_phi=0.0) if small else dict(cond_scale=6.0)

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        given = (images + 1) / 2
        return self.net(given, classes=labels) if self.told else self.net(given)

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        self.net.sampling_timesteps = calls
        if way == "fresh":
            self.net.ddim_sampling_eta = 1.0
        drawn = self.net.sample(labels, **self.scale) if self.told else self.net.sample(batch_size=count)
        return 2 * drawn - 1


class FlowMatching(nn.Module):
    def __init__(self, settings: Settings, told: bool) -> None:
        import torchcfm
        import torchdiffeq
        from torchcfm.models.unet import UNetModel

        super().__init__()
        small = settings.size == "small"
        shape: dict[str, Any] = (
            dict(channel_mult=(1, 1, 2), attention_resolutions="4") if small else dict(channel_mult=(1, 2, 2))
        )  # those of 28 pixels
        label = dict(num_classes=CLASSES, class_cond=True) if told else {}
        self.net = UNetModel(dim=(1, SIZE, SIZE), num_channels=32, num_res_blocks=1, **shape, **label)
        matcher = torchcfm.ConditionalFlowMatcher if told else torchcfm.ExactOptimalTransportConditionalFlowMatcher
        self.matcher, self.solve = matcher(sigma=0.0), torchdiffeq.odeint

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        t, x_t, flow = self.matcher.sample_location_and_conditional_flow(torch.randn_like(images), images)
        return torch.mean((self.net(t, x_t, labels) - flow) ** 2)

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        steps = calls // 2 if way == "midpoint" else calls
        times = torch.linspace(0, 1, steps + 1 if steps else 2)
        noise = torch.randn(count, 1, SIZE, SIZE)
        last: Tensor = self.solve(
            lambda t, x: self.net(t.expand(len(x)), x, labels), noise, times, rtol=1e-4, atol=1e-4, method=way
        )[-1]
        return last


class Transformer(nn.Module):
    def __init__(self, settings: Settings, told: bool) -> None:
        with stand_ins():
            from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper

        super().__init__()
        small = settings.size == "small"
        documented = dict(attn_orthog_projected_values=True, attn_orthog_projected_values_per_head=True)
        shape: dict[str, Any] = (
            dict(dim=128, depth=4, heads=4, attn_dim_head=32, attn_flash=True)
            if small
            else dict(dim=512, depth=6, heads=8, **documented)
        )
        net = TransformerWrapper(
            num_tokens=GREYS + (CLASSES if told else 1),
            max_seq_len=SIZE**2,
            attn_layers=Decoder(rotary_pos_emb=True, **shape),
        )
        self.net = AutoregressiveWrapper(net)

    def start(self, count: int, labels: Tensor | None) -> Tensor:
        """The first token: which digit, or that there begins one."""
        return GREYS + (torch.zeros(count, dtype=torch.long) if labels is None else labels)[:, None]

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        tokens = ((images + 1) * (GREYS - 1) / 2).round().long().flatten(1)
        return self.net(torch.cat([self.start(len(images), labels), tokens], dim=1))

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        keep: dict[str, Any] = {"filter_logits_fn": lambda logits: logits} if way == "all" else {}
        tokens = self.net.generate(self.start(count, labels), SIZE**2, cache_kv=True, **keep)
        return tokens.clamp(max=GREYS - 1).view(count, 1, SIZE, SIZE) * 2 / (GREYS - 1) - 1


PEERS: dict[str, Any] = {
    "diffusers": Diffusers,
    "smalldiffusion": SmallDiffusion,
    "denoising-diffusion-pytorch": DenoisingDiffusion,
    "torchcfm": FlowMatching,
    "x-transformers": Transformer,
}

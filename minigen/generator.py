"""A generator is four choices: a plan, a head, a net, a condition. This file puts them together.

``Generator`` is the one ``nn.Module`` that is trained, saved and sampled.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from minigen import conditions, heads, nets, plans
from minigen.base import store
from minigen.base.errors import check_choice, check_images, check_kind
from minigen.base.parts import check_kept
from minigen.conditions import Condition
from minigen.process import SCHEDULES, Schedule, corrupt, cosine, hide, schedule


class Thrown(NamedTuple):
    """A batch and its dice: pictures, what they are told, levels, which pixels are judged, noise.

    Each has an entry for every image. Without levels a causal net is judged on all rows at once.
    """

    x0: Tensor
    tokens: Tensor | None = None
    t: Tensor | None = None
    judged: Tensor | None = None
    noise: Tensor | None = None


class Generator(nn.Module):
    """Plan, head, net, condition: everything that is needed to learn to generate.

    The generator owns what joins the choices: the last layer (the head says how many numbers a pixel)
    and the condition's embedding. The net in between knows neither.

    Args:
        net: from ``minigen.nets``, or a subclass of ``nets.Net``.
        head: ``heads.Categorical()`` or ``heads.Regression()``.
        plan: from ``minigen.plans``.
        schedule: what a level means, ``process.cosine`` unless said otherwise.
        condition: ``Labels(10)``, ``Prompt(words)``, or None.
        loss_on: "hidden", every pixel that is not all there yet, or "next", only the pixels that the
            next step of the longest walk writes (the same thing for noise). Chapters 5 and 10 try both. Of a
            causal net, "hidden" is every row of the plan at once, each judged by its next pixel.

    Raises:
        TypeError: if one of the choices is of another kind, such as its name or its class.
        ValueError: if the choices don't go together (a patch that does not divide the picture, eps
            with a plan that starts at t = 1, a causal net with another plan than raster(1)).

    >>> told = conditions.Labels(10)
    >>> model = Generator(nets.UNet(size=16), heads.Categorical(16), plans.raster(4), condition=told)
    >>> model.loss((torch.zeros(2, 1, 16, 16), torch.tensor([3, 7]))).shape
    torch.Size([])
    """

    LOSS_ON = ("hidden", "next")

    def __init__(
        self,
        net: nets.Net,
        head: heads.Head,
        plan: plans.Plan,
        schedule: Schedule = cosine,
        condition: Condition | None = None,
        loss_on: str = "hidden",
    ) -> None:
        super().__init__()
        check_choice("loss_on", loss_on, self.LOSS_ON)
        _check_choices(net, head, plan, schedule)
        if condition is not None:
            check_kind("condition", condition, Condition, "Labels(10)")
            check_choice(f"argument of {type(condition).__name__}", condition.argument, ("labels", "prompt"))
        self.net, self.head, self.plan, self.schedule = net, head, plan, schedule
        self.condition, self.loss_on = condition, loss_on
        self.shape = tuple(net.shape)
        self.sampling: dict[str, Any] = {}  # options of sample() that suit it, where a recipe says some
        outputs = head.outputs(self.shape[0])
        if len(self.shape) == 3:
            self.last: nn.Module = nn.Conv2d(net.features, outputs, 1)  # 1x1 keeps a causal net causal
        else:
            self.last = nn.Linear(net.features, outputs)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)  # at first every grey is equally likely
        self.embedding = condition.embedding(net.context_size) if condition else None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def causal(self) -> bool:
        """Whether the net can be asked for the next pixel alone."""
        return self.net.causal

    def predict(
        self, x_t: Tensor, t: Tensor, tokens: Tensor | None = None, memory: nets.Memory | None = None
    ) -> Tensor:
        """The network's raw output for pictures at levels ``t``; pixels that carry nothing are hidden from it.

        Args:
            x_t: (B, C, H, W) or (B, D).
            t: levels, (B, 1, H, W) or (B, D).
            tokens: what the condition made of the labels or prompts, (B, ...), or None for "not told".
            memory: a causal net's cache, an empty dict at first: each call then gives the output of the
                next pixel alone, (B, outputs, 1, 1).
        """
        # with a memory it looks at written pixels only, so there is nothing to hide
        return self._output(x_t if memory is not None else hide(x_t, t, self.schedule), t, tokens, memory)

    def _output(self, seen: Tensor, t: Tensor, tokens: Tensor | None, memory: nets.Memory | None) -> Tensor:
        """``predict`` for what is hidden already; of weights of another kind, as after ``model.half()``, too."""
        weights = next(self.parameters()).dtype
        if seen.dtype != weights and not torch.is_autocast_enabled(seen.device.type):
            return self._output(seen.to(weights), t.to(weights), tokens, memory).to(seen.dtype)
        context = None
        if self.condition is not None and self.embedding is not None:
            tokens = self.condition.none(len(seen)).to(seen.device) if tokens is None else tokens
            context = self.embedding(tokens)
        return self.last(self.net(seen, t, context) if memory is None else self.net.next(seen, context, memory))

    def belief(
        self,
        x_t: Tensor,
        t: Tensor,
        tokens: Tensor | None = None,
        guidance_scale: float = 1.0,
        memory: nets.Memory | None = None,
        against: Tensor | None = None,
    ) -> Tensor:
        """What the model believes of x0 (logits or x0 itself), with classifier-free guidance.

        ``uncond + guidance_scale * (cond - uncond)`` (Ho and Salimans 2022; their w is the scale minus
        1). Scale 1 is off and 0 unconditional: one run each. Others take two, batched as one
        (chapter 13). On logits for ``Categorical``, on x0 before clipping for ``Regression``, which is
        the same as on eps or v. With a ``memory`` (see ``predict``), of the next pixel alone. Tokens in
        ``against`` take the place of "not told": a negative prompt (see ``guided``).
        """
        seen = hide(x_t, t, self.schedule) if memory is None else x_t
        if guidance_scale == 1 or self.condition is None or tokens is None:
            return self.head.belief(self._output(seen, t, tokens, memory), seen, t, self.schedule)
        none = self.condition.none(len(tokens)).to(tokens.device) if against is None else against
        if guidance_scale == 0:
            return self.head.belief(self._output(seen, t, none, memory), seen, t, self.schedule)
        seen2, t2 = torch.cat([seen, seen]), torch.cat([t, t])
        both = self._output(seen2, t2, torch.cat([tokens, none]), memory)
        cond, uncond = self.head.belief(both, seen2, t2, self.schedule).chunk(2)
        return uncond + guidance_scale * (cond - uncond)

    def loss(
        self, batch: tuple[Tensor, ...], random: torch.Generator | None = None, loss_on: str | None = None
    ) -> Tensor:
        """The training loss of a batch (images,), (images, labels) or (images, prompts' tokens): one number.

        For each image a random row of the plan is drawn, the image is corrupted to it, and the head
        judges the network's restoration: the mean over an image's hidden pixels, then over images.
        A causal net is judged on all rows at once, by what each row's next pixel gets (with
        ``loss_on="next"``, on one random row like the others). Losses of different plans must not be
        compared. ``loss_on`` takes the place of the model's own.
        """
        return self.judge(*self.throw(batch, random, loss_on))

    def throw(
        self, batch: tuple[Tensor, ...], random: torch.Generator | None = None, loss_on: str | None = None
    ) -> Thrown:
        """A batch with all its dice thrown: what ``judge`` makes the loss of.

        So processes that share a batch throw the same dice, and each judges its own images: together they do what one
        does alone.
        """
        images, *labels = batch
        loss_on = self.loss_on if loss_on is None else check_choice("loss_on", loss_on, self.LOSS_ON)
        x0 = self.head.prepare(images)
        tokens = self._training_tokens(labels, len(x0), random)
        if self.net.causal and loss_on == "hidden":
            return Thrown(x0, tokens)  # all rows at once: no dice
        t, judged = self._random_row(len(x0), random, loss_on)
        noise = torch.randn(x0.shape, generator=random, device=_device(random))
        return Thrown(x0, tokens, t.to(x0), judged.to(x0.device), noise.to(x0))

    def judge(
        self,
        x0: Tensor,
        tokens: Tensor | None = None,
        t: Tensor | None = None,
        judged: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """The loss of what ``throw`` gave, or of some of its images."""
        if t is None or judged is None or noise is None:
            t = x0.new_zeros(len(x0), 1, *self.shape[1:])
            return self.head.loss(self.predict(x0, t, tokens), x0, x0, t, self.schedule).mean()
        eps = hide(noise, t, self.schedule)  # where nothing of x0 is left, the noise says nothing either
        output = self.predict(corrupt(x0, t, noise, self.schedule), t, tokens)
        found = self.head.loss(output, x0, eps, t, self.schedule)
        if found.shape != x0.shape:
            got = f"shape {tuple(found.shape)}; allowed: a loss for every number of x0, {tuple(x0.shape)}"
            raise ValueError(f"head {type(self.head).__name__}: loss() gives {got}")
        losses = torch.where(judged, found, 0)
        # of a row whose next step writes nothing no pixel is judged: 0, and not 0/0
        return (losses.flatten(1).sum(1) / judged.expand_as(losses).flatten(1).sum(1).clamp(min=1)).mean()

    def _random_row(self, count: int, random: torch.Generator | None, loss_on: str) -> tuple[Tensor, Tensor]:
        """A random row of the plan for each image, and which of its pixels are judged."""
        source = random or torch.default_generator
        progress = self.plan.draw_progress(count, self.shape, source)
        drawn = self.plan.draw(count, self.shape, source)
        t = self.plan.levels(progress, self.shape, drawn)
        if loss_on == "hidden":
            return t, t > 0
        after = (progress + self.plan.stride(self.shape)).clamp(max=1)
        return t, t > self.plan.levels(after, self.shape, drawn)

    def _training_tokens(self, labels: list[Tensor], count: int, random: torch.Generator | None) -> Tensor | None:
        """The labels as tokens, some of them dropped while training."""
        if self.condition is None:
            return None
        if not labels:
            raise ValueError("batch holds images alone; allowed for a model with a condition: images and labels")
        tokens = labels[0]
        if not self.training:
            return tokens
        dropped = torch.rand(count, generator=random, device=_device(random)) < self.condition.dropout
        dropped = dropped.to(tokens.device).view(-1, *[1] * (tokens.dim() - 1))
        return torch.where(dropped, self.condition.none(count).to(tokens.device), tokens)

    def check_batch(self, batch: tuple[Tensor, ...]) -> None:
        """Raise if training data do not fit this model: called once by ``train``, not in every step."""
        images, *labels = batch
        if len(labels) > 1:
            raise ValueError(f"data hold {len(batch)} tensors; allowed: images, and one of labels or tokens")
        check_images("images", images, self.shape)
        if labels and self.condition is None:
            raise ValueError("labels were given to a model without a condition; allowed: images alone")
        if self.condition is not None and labels:
            self.condition.check("labels", labels[0])

    def along(self, plan: plans.Plan) -> Generator:
        """This generator with another plan: the same weights (shared, not copied), another way to walk.

        It works as well as training on its own plan taught it: what learned ``any_ramp()`` walks down
        every ramp, what learned ``random_order()`` writes any pixels in any order (chapter 6).

        >>> model = Generator(nets.UNet(size=16), heads.Categorical(16), plans.any_ramp())
        >>> model.along(plans.ramp(0.5)).last is model.last
        True
        """
        _check_choices(self.net, self.head, plan, self.schedule)
        other = copy.copy(self)
        other.plan = plan
        return other

    def config(self) -> dict[str, Any]:
        """What ``build`` needs to make this generator again (its weights apart)."""
        return {
            "net": self.net.config(),
            "head": self.head.config(),
            "plan": self.plan.config(),
            "schedule": self.schedule.name if self._schedule_is_named() else self.schedule.config(),
            "condition": conditions.config(self.condition),
            "loss_on": self.loss_on,
        }

    def _schedule_is_named(self) -> bool:
        """Whether the schedule is one of the course's, which files name."""
        return SCHEDULES.get(self.schedule.name) == self.schedule

    def check_saved(self) -> None:
        """Raise unless a file can say what this generator is, so that it can be loaded again. ``train`` asks first.

        Raises:
            TypeError, ValueError: naming the part, and what is wrong with it.
        """
        named = self._schedule_is_named()
        with torch.random.fork_rng(devices=[]):  # a net that is made again throws dice for its weights
            for part in (self.net, self.head, self.plan, None if named else self.schedule, self.condition):
                if part is not None:
                    check_kept(part)

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> Path:
        """Save weights, choices and what suits drawing (``sampling``) as one safetensors file, and ``about``: what else
        it is to say, as JSON has it."""
        self.check_saved()
        store.check_writable("path", path)
        suits = {"sampling": dict(self.sampling)} if self.sampling else {}
        return store.save(path, self.state_dict(), {**(about or {}), **suits, "generator": self.config()})

    @staticmethod
    def load(path: str | Path, device: torch.device | str = "cpu") -> Generator:
        """The generator that ``save`` or a recipe's training wrote. Nothing in the file is executed.

        What suits drawing with it, if the file says that, is its ``sampling``: ``sample(model, 64, **model.sampling)``.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it holds no generator, or other tensors than its description asks for (looked at before any
                memory is taken for them), or weights that are not finite.
        """
        tensors, about = store.load(path)
        inside = about.get("model") if isinstance(about, dict) else None
        config = (
            about.get("generator") if inside is None else inside.get("generator") if isinstance(inside, dict) else None
        )
        if config is None:
            raise ValueError(f"path is {str(path)!r}, which holds no generator; allowed: what Generator.save wrote")
        weights = store.unpack(tensors)
        _check_described(path, config, weights)
        model = build(config)
        model.load_state_dict(weights)
        suits = about.get("sampling")
        model.sampling = dict(suits) if isinstance(suits, dict) else {}
        return model.to(device).eval()


COUNTS, MOST = ("layers", "blocks", "depth"), 2**14
"""What of a net's description says how many tensors there are; and the largest side of a picture in a file."""


def _check_described(path: str | Path, config: Any, weights: dict[str, Tensor]) -> None:
    """Raise unless a file's tensors are those of the generator that it describes; no memory is taken for that one.

    Of a reader's own net only what is in the file is looked at: its class may compute whatever it likes.
    """
    where = f"path is {str(path)!r}, "
    said = config.get("net") if isinstance(config, dict) else None
    if not isinstance(said, dict) or not {"head", "plan", "schedule"} <= config.keys():
        raise ValueError(f"{where}whose description is not whole; allowed: what Generator.save wrote")
    for name, value in weights.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f"{where}where {name} holds NaN or infinite values; allowed: finite weights")
    widths, side = said.get("widths"), said.get("size")
    counts = [said.get(each) for each in COUNTS] + ([len(widths)] if isinstance(widths, list) else [])
    if any(count > len(weights) for count in counts if isinstance(count, int)):
        raise ValueError(
            f"{where}with {len(weights)} tensors, and describes more layers; allowed: a file as it was saved"
        )
    if isinstance(side, int) and side > MOST:
        raise ValueError(f"{where}whose size is {side}; allowed: up to {MOST}")
    if "class" in said:
        return
    with torch.device("meta"):
        net, told = nets.build(said), conditions.build(config.get("condition"))
        parts = {"net": net, "embedding": told.embedding(net.context_size) if told else nn.Module()}  # type: ignore[arg-type]
    wanted = {f"{part}.{name}": value for part in parts for name, value in parts[part].state_dict().items()}
    for name, value in wanted.items():
        if name not in weights or weights[name].shape != value.shape:
            found = f"has {tuple(weights[name].shape)}" if name in weights else "is missing"
            raise ValueError(
                f"{where}where {name} {found} and not {tuple(value.shape)}; allowed: a file as it was saved"
            )


def _device(random: torch.Generator | None) -> torch.device:
    return torch.device("cpu") if random is None else random.device


def _check_choices(net: nets.Net, head: heads.Head, plan: plans.Plan, schedule: Schedule) -> None:
    """Raise if net, head and plan can't work together."""
    _check_kinds(net, head, plan, schedule)
    plan.check(tuple(net.shape))
    schedule.check()
    if plan.spacing != "cosine" and schedule != cosine:
        raise ValueError(
            f"spacing is {plan.spacing!r} with the schedule {schedule.name}; allowed: 'cosine', which is even steps"
            " of the schedule itself, or the schedule cosine"
        )
    if net.causal and plan != plans.raster(1):
        raise ValueError(f"plan is {plan.name} with a causal net; allowed: raster(patch=1), the order it is built for")
    if net.causal and not head.draws:
        raise ValueError(f"head is {type(head).__name__} with a causal net; allowed: Categorical")
    if head.needs_signal and bool((schedule(plan.matrix(tuple(net.shape), steps=1)[0])[0] == 0).any()):
        raise ValueError(
            f"target is 'eps' with the plan {plan.name}, which starts at t = 1, where eps says nothing of"
            " the picture; allowed: plans.diffusion(start=0.995), or targets 'x0' and 'v'"
        )


def _check_kinds(net: nets.Net, head: heads.Head, plan: plans.Plan, schedule: Schedule) -> None:
    """Raise if one of the choices is not even of the right kind, such as its name or its class."""
    for argument, given, kind, such in (
        ("net", net, nets.Net, "nets.UNet(size=16)"),
        ("head", head, heads.Head, "heads.Categorical(16)"),
        ("plan", plan, plans.Plan, "plans.diffusion()"),
        ("schedule", schedule, Schedule, "process.cosine"),
    ):
        check_kind(argument, given, kind, such)


def build(config: dict[str, Any]) -> Generator:
    """The generator that ``Generator.config`` described, with fresh weights.

    >>> model = Generator(nets.MLP(size=2), heads.Regression("v"), plans.diffusion())
    >>> build(model.config()).config() == model.config()
    True
    """
    return Generator(
        nets.build(config["net"]),  # type: ignore[arg-type]
        heads.build(config["head"]),
        plans.build(config["plan"]),
        schedule(config["schedule"]),
        conditions.build(config["condition"]),
        config["loss_on"],
    )

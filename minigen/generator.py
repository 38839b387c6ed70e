"""A generator is four choices: a plan, a head, a net, a condition. This file puts them together.

``Generator`` is the one ``nn.Module`` that is trained, saved and sampled. ``IdealGenerator`` has the
same face and no network: it is the curve that perfect training on a finite set of pictures would give.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from minigen import heads, nets, plans, store, text
from minigen.errors import check_choice, check_images, check_labels, check_number, check_whole, nearest
from minigen.process import Schedule, corrupt, cosine, hide, schedule

# --- conditions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Labels:
    """A condition: which of ``classes`` classes to draw (chapters 2 and 12).

    In training a share ``dropout`` of the labels is replaced by "none" (the number ``classes``), so
    that one network learns to draw with and without: what guidance needs (chapter 13).

    >>> Labels(10).tokens([3, 3, 7], count=3)
    tensor([3, 3, 7])
    >>> Labels(10).tokens(None, count=12)                 # equal counts of each class
    tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """

    classes: int
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_whole("classes", self.classes)
        check_number("dropout", self.dropout, 0, 1)

    def tokens(self, given: Tensor | Sequence[int] | int | None, count: int) -> Tensor:
        """What was asked for, as one whole number an image; None means every class equally often."""
        if given is None:
            return torch.arange(count) % self.classes
        labels = torch.as_tensor(given)
        labels = labels.expand(count) if labels.dim() == 0 else labels
        check_labels("labels", labels, self.classes)
        if len(labels) != count:
            raise ValueError(f"labels holds {len(labels)} labels; allowed: one, or as many as images: {count}")
        return labels.long()

    def none(self, count: int) -> Tensor:
        """Tokens for so many images that say "not told"."""
        return torch.full((count,), self.classes)

    def check(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if they are labels to train with, else raise."""
        return check_labels(argument, tokens, self.classes)

    def embedding(self, size: int) -> nn.Module:
        """A fresh module that turns tokens (B,) into context vectors (B, size)."""
        return nn.Embedding(self.classes + 1, size)


@dataclass(frozen=True)
class Prompt:
    """A condition: a sentence made of ``words`` (chapter 12).

    A share ``dropout`` of the prompts is replaced by the empty one in training, so that the network can
    draw without a prompt, too.

    Args:
        words: the vocabulary, such as ``data.SCENE_WORDS``.
        length: tokens a prompt, the start among them; a prompt has at most ``length - 1`` words.
        layers: of the transformer that reads it.

    >>> Prompt(("a", "circle", "red")).tokens(["a red circle", ""], count=2)[:, :5]
    tensor([[1, 2, 4, 3, 0],
            [1, 0, 0, 0, 0]])
    """

    words: tuple[str, ...]
    length: int = 16
    dropout: float = 0.1
    layers: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))  # JSON gives a list
        check_whole("length", self.length, least=2)
        check_whole("layers", self.layers)
        check_number("dropout", self.dropout, 0, 1)

    def tokens(self, given: str | Sequence[str] | Tensor | None, count: int) -> Tensor:
        """The tokens (count, length) of one prompt, or of one an image; None is the empty prompt."""
        if given is None or isinstance(given, str):
            return text.encode(given or "", self.words, self.length).expand(count, -1)
        rows = (
            given
            if isinstance(given, Tensor)
            else torch.stack([text.encode(p, self.words, self.length) for p in given])
        )
        if len(rows) != count:
            raise ValueError(f"prompt holds {len(rows)} prompts; allowed: one, or as many as images: {count}")
        return self.check("prompt", rows)

    def none(self, count: int) -> Tensor:
        """Tokens of so many empty prompts."""
        return self.tokens(None, count)

    def check(self, argument: str, tokens: Tensor) -> Tensor:
        """Return ``tokens`` if they are rows of this vocabulary, (B, length), else raise."""
        if tokens.dtype != torch.int64 or tuple(tokens.shape[1:]) != (self.length,):
            raise ValueError(
                f"{argument} has shape {tuple(tokens.shape)} and dtype {tokens.dtype};"
                f" allowed: tokens (count, {self.length}) int64, such as Prompt.tokens makes"
            )
        check_labels(argument, tokens.flatten(), len(self.words) + 2)
        return tokens

    def embedding(self, size: int) -> nn.Module:
        """A fresh module that turns tokens (B, length) into context vectors (B, size)."""
        return text.PromptEncoder(len(self.words), self.length, size, self.layers)


Condition = Labels | Prompt
CONDITIONS = {each.__name__: each for each in (Labels, Prompt)}


# --- the generator ---------------------------------------------------------------------------------


class Generator(nn.Module):
    """Plan, head, net, condition: everything that is needed to learn to generate.

    The generator owns what joins the choices: the last layer (the head says how many numbers a pixel)
    and the condition's embedding. The net in between knows neither.

    Args:
        net: from ``minigen.nets``, or any module that keeps to ``nets.Net``.
        head: ``heads.Categorical()`` or ``heads.Regression()``.
        plan: from ``minigen.plans``.
        schedule: what a level means, ``process.cosine`` unless said otherwise.
        condition: ``Labels(10)``, ``Prompt(words)``, or None.
        loss_on: "hidden", every pixel that is not all there yet, or "next", only the pixels that the
            next step of the longest walk writes (the same thing for noise). Chapters 5 and 10 try both.

    Raises:
        ValueError: if the choices don't go together (a patch that does not divide the picture, eps
            with a plan that starts at t = 1, a causal net with another plan than raster(1)).

    >>> model = Generator(nets.UNet(size=16), heads.Categorical(16), plans.raster(4), condition=Labels(10))
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
        if loss_on not in self.LOSS_ON:
            raise ValueError(f"loss_on is {loss_on!r}; allowed: 'hidden', 'next'{nearest(loss_on, self.LOSS_ON)}")
        self.net, self.head, self.plan, self.schedule = net, head, plan, schedule
        self.condition, self.loss_on = condition, loss_on
        self.shape = tuple(net.shape)
        _check_choices(net, head, plan, schedule)
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
        context = None
        if self.condition is not None and self.embedding is not None:
            tokens = self.condition.none(len(x_t)).to(x_t.device) if tokens is None else tokens
            context = self.embedding(tokens)
        if memory is not None:  # it looks at written pixels only, so there is nothing to hide
            return self.last(self.net.next(x_t, context, memory))
        return self.last(self.net(hide(x_t, t, self.schedule), t, context))

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
            return self.head.belief(self.predict(seen, t, tokens, memory), seen, t, self.schedule)
        none = self.condition.none(len(tokens)).to(tokens.device) if against is None else against
        if guidance_scale == 0:
            return self.belief(x_t, t, none, memory=memory)
        seen2, t2 = torch.cat([seen, seen]), torch.cat([t, t])
        both = self.predict(seen2, t2, torch.cat([tokens, none]), memory)
        cond, uncond = self.head.belief(both, seen2, t2, self.schedule).chunk(2)
        return uncond + guidance_scale * (cond - uncond)

    def loss(
        self, batch: tuple[Tensor, ...], random: torch.Generator | None = None, part: slice = slice(None)
    ) -> Tensor:
        """The training loss of a batch (images,), (images, labels) or (images, prompts' tokens): one number.

        For each image a random row of the plan is drawn, the image is corrupted to it, and the head
        judges the network's restoration: the mean over an image's hidden pixels, then over images.
        A causal net is judged on all rows at once, by what each row's next pixel gets (with
        ``loss_on="next"``, on one random row like the others). Losses of different plans must not be
        compared.

        ``part`` of the batch is judged alone, with the dice that it would get in the whole: so processes
        that share a batch do together what one does alone.
        """
        images, *labels = batch
        x0 = self.head.prepare(images)
        tokens = self._training_tokens(labels, len(x0), random)
        tokens = None if tokens is None else tokens[part]
        if self.net.causal and self.loss_on == "hidden":
            x0 = x0[part]
            t = x0.new_zeros(len(x0), 1, *self.shape[1:])
            return self.head.loss(self.predict(x0, t, tokens), x0, x0, t, self.schedule).mean()
        t, judged = self._random_row(len(x0), random)
        noise = torch.randn(x0.shape, generator=random, device=_device(random))
        x0 = x0[part]
        t, judged, noise = t[part].to(x0), judged[part].to(x0.device), noise[part].to(x0)
        eps = hide(noise, t, self.schedule)  # where nothing of x0 is left, the noise says nothing either
        output = self.predict(corrupt(x0, t, noise, self.schedule), t, tokens)
        losses = torch.where(judged, self.head.loss(output, x0, eps, t, self.schedule), 0)
        return (losses.flatten(1).sum(1) / judged.expand_as(losses).flatten(1).sum(1)).mean()

    def _random_row(self, count: int, random: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A random row of the plan for each image, and which of its pixels are judged."""
        source = random or torch.default_generator
        progress = self.plan.draw_progress(count, self.shape, source)
        drawn = self.plan.draw(count, self.shape, source)
        t = self.plan.levels(progress, self.shape, drawn)
        if self.loss_on == "hidden":
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
            "net": nets.config(self.net),
            "head": self.head.config(),
            "plan": self.plan.config(),
            "schedule": self.schedule.name,
            "condition": None
            if self.condition is None
            else {"name": type(self.condition).__name__, **asdict(self.condition)},
            "loss_on": self.loss_on,
        }

    def save(self, path: str | Path) -> Path:
        """Save weights and choices as one safetensors file."""
        return store.save(path, self.state_dict(), {"generator": self.config()})

    @staticmethod
    def load(path: str | Path, device: torch.device | str = "cpu") -> Generator:
        """The generator that ``save`` wrote. Nothing in the file is executed."""
        tensors, about = store.load(path)
        if "generator" not in about:
            raise ValueError(f"path is {str(path)!r}, which holds no generator; allowed: what Generator.save wrote")
        model = build(about["generator"])
        model.load_state_dict(tensors)
        return model.to(device).eval()


def _device(random: torch.Generator | None) -> torch.device:
    return torch.device("cpu") if random is None else random.device


def _check_choices(net: nets.Net, head: heads.Head, plan: plans.Plan, schedule: Schedule) -> None:
    """Raise if net, head and plan can't work together."""
    _check_kinds(head, plan, schedule)
    plan.matrix(tuple(net.shape), steps=1)  # a patch that does not divide, a width that is too small
    spacing = plan.spacing if isinstance(plan, plans.Ramp) else "cosine"
    if spacing != "cosine" and schedule != cosine:
        raise ValueError(
            f"spacing is {spacing!r} with the schedule {schedule.name}; allowed: 'cosine', which is even steps"
            " of the schedule itself, or the schedule cosine"
        )
    if net.causal and plan != plans.raster(1):
        raise ValueError(f"plan is {plan.name} with a causal net; allowed: raster(patch=1), the order it is built for")
    if net.causal and not isinstance(head, heads.Categorical):
        raise ValueError(f"head is {type(head).__name__} with a causal net; allowed: Categorical")
    if isinstance(head, heads.Regression) and head.target == "eps":
        start = torch.tensor([plan.start if isinstance(plan, plans.Ramp) and plan.width == 1 else 1.0])
        if bool(schedule(start)[0] == 0):
            raise ValueError(
                f"target is 'eps' with the plan {plan.name}, which starts at t = 1, where eps says nothing of"
                " the picture; allowed: plans.diffusion(start=0.995), or targets 'x0' and 'v'"
            )


def _check_kinds(head: heads.Head, plan: plans.Plan, schedule: Schedule) -> None:
    """Raise if one of the choices is not even of the right kind, such as its name."""
    for argument, given, kind, such in (
        ("head", head, heads.Head, "heads.Categorical(16)"),
        ("plan", plan, plans.Plan, "plans.diffusion()"),
        ("schedule", schedule, Schedule, "process.cosine"),
    ):
        if not isinstance(given, kind):
            raise TypeError(f"{argument} is {given!r}; allowed: a {kind.__name__}, such as {such}")


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
        _condition(config["condition"]),
        config["loss_on"],
    )


def _condition(config: dict[str, Any] | None) -> Condition | None:
    if config is None:
        return None
    arguments = dict(config)
    return CONDITIONS[check_choice("condition", arguments.pop("name", None), CONDITIONS)](**arguments)


# --- the perfect curve -----------------------------------------------------------------------------


class IdealGenerator:
    """What perfect training on a finite set of pictures would give, in closed form (chapters 6 and 7).

    Every picture x0_n is equally likely at first; having seen x_t at levels t, its weight is
    ``exp(-sum over pixels (x_t - alpha x0_n)^2 / (2 sigma^2))``, and the belief is the weighted mean
    (``Regression``) or the weighted count of grey levels (``Categorical``). It can be sampled like a
    ``Generator``; it draws training pictures and nothing else, or torn mixtures of them if its plan
    has too few steps.

    >>> model = IdealGenerator(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), heads.Regression("x0"), plans.one_shot())
    >>> model.belief(torch.zeros(1, 2), torch.ones(1, 2))
    tensor([[0., 0.]])
    """

    def __init__(
        self, pictures: Tensor, head: heads.Head, plan: plans.Plan, schedule: Schedule = cosine, exact: float = 1e-3
    ) -> None:
        check_images("pictures", pictures)
        self.head, self.plan, self.schedule = head, plan, schedule
        self.condition, self.shape, self.device = None, tuple(pictures.shape[1:]), pictures.device
        # rounded as they are, then made exact: in float64 a grey halfway between two could round the other way
        self.pictures = head.prepare(pictures).double()
        self.exact = exact  # the least sigma: pixels that are written must match, but not to the last bit
        if isinstance(head, heads.Categorical):  # which grey each pixel of each picture has, as 0 and 1
            self.one_hot = nn.functional.one_hot(head.index(self.pictures), head.levels).movedim(-1, 2).double()

    def weights(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The probability of each picture given what is seen: (B, pictures), float64."""
        alpha, sigma = (c.expand_as(x_t).flatten(1) for c in self.schedule(t.double()))
        sigma = sigma.clamp(min=self.exact)
        seen = hide(x_t, t, self.schedule).double().flatten(1)
        flat = self.pictures.flatten(1)
        # the square written out: one matrix product for each of its terms that depend on the picture
        log_weight = (alpha * seen / sigma**2) @ flat.T - (alpha**2 / (2 * sigma**2)) @ (flat**2).T
        return log_weight.softmax(dim=1)

    def belief(
        self,
        x_t: Tensor,
        t: Tensor,
        tokens: Tensor | None = None,
        guidance_scale: float = 1.0,
        memory: nets.Memory | None = None,
    ) -> Tensor:
        """The exact belief of x0, in the head's form (see ``Generator.belief``)."""
        weights = self.weights(x_t, t)
        if isinstance(self.head, heads.Categorical):
            probability = (weights @ self.one_hot.flatten(1)).view(-1, *self.one_hot.shape[1:])
            return probability.clamp(min=0).log().to(x_t)
        return (weights @ self.pictures.flatten(1)).view_as(x_t).to(x_t)

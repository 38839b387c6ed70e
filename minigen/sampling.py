"""One sampler for every plan: walk down the rows, and at each row let the network guess and ``step``. ::

    x = noise
    for t, u in pairs of rows:
        x0_hat = the head's pick from model.belief(x, t)
        x = step(x, x0_hat, t, u)

That is all of auto-regression (levels 0 and 1) and all of diffusion (levels in between).
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from minigen.base.errors import (
    check_images,
    check_number,
    check_seed,
    check_tensor,
    check_truth,
    check_whole,
    nearest,
    warn,
)
from minigen.base.randomness import Blocks
from minigen.conditions import Condition, Prompt
from minigen.data import shapes
from minigen.heads import check_pick
from minigen.model import Model, calls_at, check_model, evaluating, is_always_told, is_causal, shifted
from minigen.nets import Memory
from minigen.plans import spatial
from minigen.process import extrapolate, step

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Walk:
    """What a walk passed through, all on the CPU.

    Attributes:
        images: x_t at every row, (steps + 1, B, C, H, W); the last row is the result.
        x0_hat: the picked guess at every step, (steps, B, C, H, W).
        levels: the plan as it was walked, (steps + 1, B, 1, H, W).
        beliefs: the head's belief at every step, only if asked for, (steps, B, ...).
        nfe: network calls an image.
    """

    images: Tensor
    x0_hat: Tensor
    levels: Tensor
    beliefs: Tensor | None
    nfe: int


@dataclass(frozen=True)
class Options:
    """How to walk: the keyword arguments that ``sample`` and ``trajectory`` share, with their defaults.

    Args:
        steps: rows to walk down; None takes the plan's default (all pieces; 32 for noise).
        seed: of all dice.
        labels: one class, or one for each image; None takes each class equally often.
        prompt: for a model with the condition ``Prompt``: one sentence, or one for each image; None and ""
            tell it nothing (chapter 12).
        guidance_scale: 1 is off, 0 ignores labels and prompts, above 1 pushes towards them (chapter 13).
        eta: 1 adds as much fresh noise at each step as DDPM, 0 none (chapter 8); plans of whole pixels don't use it.
        pick: "draw" from the belief or take its "mean"; for ``Categorical`` (chapters 3 and 4).
        temperature: of the belief: below 1 bolder, 0 the likeliest value, also with ``pick="mean"`` (chapter 4).
        clip: keep a regression head's guess in [-1, 1].
        known, mask: complete pictures: ``known`` (count or 1, C, H, W), rounded to the head's greys, is
            kept where ``mask``, (H, W) or (count, 1, H, W), is True. For ``random_order()``, a ramp with
            ``order="random"``, ``any_ramp()``, and plans of whole pixels with the first pieces known.
        cache: let a causal net remember what it has read, so that a call costs one pixel's work, not
            256's (chapter 10). The pictures are the same up to rounding. (``trajectory`` never does: it keeps every
            guess, so each call is about the whole picture.)
        second_order: extrapolate the guesses, DPM-Solver++ (2M): one call a step all the same, for noise
            on all pixels alike, with ``eta=0`` and not with drawn guesses (chapter 8).
        shift: above 1, smaller steps where there is much noise and larger ones near the picture: of rows that
            fall evenly from 1 to 0, t becomes ``shift t / (1 + (shift - 1) t)``, and what the plan makes of
            them (``start``, ``spacing``) comes after. Below 1 the other way round; 1 is the plan as it is.
            For noise on all pixels alike (chapter 8; Esser et al. 2024, arXiv 2403.03206, equation 23, where t
            is the level of a straight path, as with the schedule ``flow``).
    """

    steps: int | None = None
    seed: int = 0
    labels: Tensor | Sequence[int] | int | None = None
    prompt: str | Sequence[str] | None = None
    guidance_scale: float = 1.0
    eta: float = 1.0
    pick: str = "draw"
    temperature: float = 1.0
    clip: bool = True
    known: Tensor | None = None
    mask: Tensor | None = None
    cache: bool = True
    second_order: bool = False
    shift: float = 1.0

    def __post_init__(self) -> None:
        if self.steps is not None:
            check_whole("steps", self.steps)
        check_seed("seed", self.seed)
        check_number("eta", self.eta, 0, 1)
        check_number("guidance_scale", self.guidance_scale)
        check_number("shift", self.shift, 0, open_left=True)
        check_pick(self.pick, self.temperature)
        for name in ("clip", "cache", "second_order"):
            check_truth(name, getattr(self, name))
        if self.second_order and self.eta != 0:
            raise ValueError(f"eta is {self.eta} with second_order=True; allowed: 0, since it adds no fresh noise")
        if (self.known is None) != (self.mask is None):
            absent, other = ("known", "mask") if self.known is None else ("mask", "known")
            raise ValueError(f"{absent} is None; allowed: {absent} and {other} together, to complete pictures")

    @classmethod
    def of(cls, given: dict[str, Any], *others: str) -> Options:
        """The options that were given, checked; a misspelt one is told the nearest name, ``others`` among them."""
        options = [field.name for field in fields(cls)]
        for name in given:
            if name not in options:
                allowed = [*options, *others]
                raise TypeError(f"option {name!r} is unknown; allowed: {', '.join(allowed)}{nearest(name, allowed)}")
        return cls(**given)


@dataclass(frozen=True)
class _Moment:
    x_t: Tensor
    t: Tensor
    belief: Tensor
    x0_hat: Tensor


def nfe(steps: int, guidance_scale: float = 1.0) -> int:
    """Network calls an image: one a step, two with guidance (scales other than 0 and 1; chapter 13).

    >>> nfe(16), nfe(16, guidance_scale=3.0)
    (16, 32)
    """
    check_number("guidance_scale", guidance_scale)
    return check_whole("steps", steps) * (1 if guidance_scale in (0, 1) else 2)


def _with_options(function: F) -> F:
    """Let help() and the reference show every option as a keyword argument, though they are listed once."""
    own = inspect.signature(function, eval_str=False)
    kept = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    options = inspect.signature(Options).parameters.values()
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in options]
    function.__signature__ = own.replace(parameters=[*kept, *named])  # type: ignore[attr-defined]
    return function


@_with_options
def sample(
    model: Model, count: int = 64, *, batch_size: int | None = None, progress: bool = False, **options: Any
) -> Tensor:
    """Draw ``count`` pictures, (count, C, H, W) in [-1, 1], on the model's device.

    Image i depends on the seed and i alone, not on ``count``, ``batch_size`` or (up to rounding) the
    device.

    Args:
        model: a trained ``Generator``, an ``IdealGenerator``, one that is ``Guided`` in another way, or what has
            all that ``Model`` names.
        count: pictures.
        batch_size: images that go through the network together; None: as many as are fast.
        progress: show a bar.
        options: see ``Options``.

    Raises:
        ValueError, TypeError: naming the argument and what is allowed.

    >>> from minigen import heads, plans
    >>> from minigen.ideal import IdealGenerator
    >>> two = IdealGenerator(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), heads.Categorical(2), plans.raster())
    >>> sample(two, 4, seed=2)                  # the second number always agrees with the first
    tensor([[-1., -1.],
            [ 1.,  1.],
            [-1., -1.],
            [-1., -1.]])
    >>> sample(two, 4, step=2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    TypeError: option 'step' is unknown; allowed: steps, seed, ...; did you mean 'steps'?
    """
    model, chosen = check_model(model), Options.of(options, "batch_size", "progress")
    check_whole("count", count)
    check_truth("progress", progress)
    batch_size = _batch_size(model) if batch_size is None else check_whole("batch_size", batch_size)
    journey, results = _Journey(model, chosen, count), []
    for first in tqdm(range(0, count, batch_size), desc="sampling", disable=not progress):
        for moment in journey.walk(first, min(batch_size, count - first)):
            last = moment.x_t  # of all moments only the present one is kept
        results.append(last)
    return torch.cat(results)


def _batch_size(model: Model) -> int:
    """Images that go through the network together: on a CPU few large ones, whose features then stay in its cache.

    256 scenes of 32x32 pixels at once take twice as long as 16 times 16 of them; digits don't mind.
    """
    pixels = math.prod(spatial(model.shape))
    return 256 if pixels <= 256 or model.device.type != "cpu" else max(1, 2**14 // pixels)


@_with_options
def trajectory(model: Model, count: int = 8, *, beliefs: bool = False, **options: Any) -> Walk:
    """Draw pictures and keep the way there.

    The images are those of ``sample`` with the same ``Options``. ``beliefs=True`` keeps the head's belief at every
    step, too (for ``Categorical`` 16 numbers a pixel).

    >>> from minigen import heads, plans
    >>> from minigen.ideal import IdealGenerator
    >>> two = IdealGenerator(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), heads.Categorical(2), plans.raster())
    >>> walk = trajectory(two, 4, seed=2)
    >>> walk.nfe, walk.levels[:, 0].tolist()
    (2, [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    """
    model, chosen = check_model(model), replace(Options.of(options, "beliefs"), cache=False)
    check_whole("count", count)
    check_truth("beliefs", beliefs)
    *passed, arrival = _Journey(model, chosen, count).walk(0, count)
    moments = [*passed, arrival]
    return Walk(
        images=torch.stack([moment.x_t.cpu() for moment in moments]),
        x0_hat=torch.stack([moment.x0_hat.cpu() for moment in passed]),
        levels=torch.stack([moment.t.cpu() for moment in moments]),
        beliefs=torch.stack([moment.belief.cpu() for moment in passed]) if beliefs else None,
        nfe=sum(calls_at(model, float(moment.t.flatten()[0]), chosen.guidance_scale) for moment in passed),
    )


class _Journey:
    """The walks of a call: what they share is made once, for all images; ``walk`` goes down the rows with some."""

    def __init__(self, model: Model, options: Options, total: int) -> None:
        self.model, self.options, self.total = model, options, total
        self.rolls_dice = model.head.draws and options.pick == "draw" and options.temperature > 0
        self.tokens = _tokens(model, options, total)
        self.known = _known_pixels(model, options.mask, total)
        self.pictures = None if options.known is None else _known_pictures(model, options.known, total)
        _check_for_noise(model, options, self.rolls_dice)

    @torch.no_grad()
    def walk(self, first: int, count: int) -> Iterator[_Moment]:
        """The walk of images ``first`` to ``first + count - 1``: a moment for every row."""
        model, chosen, part = self.model, self.options, slice(first, first + count)
        tokens = None if self.tokens is None else self.tokens[part].to(model.device)
        random = Blocks(chosen.seed, first, count, model.device)
        x = random.normal(model.shape)
        drawn, start, steps = _extent(model, random, chosen.steps, self.known, part)
        rows = _rows(model, drawn, start, steps, chosen.shift)
        t = next(rows)
        if self.pictures is not None:
            x = torch.where(t == 0, self.pictures[part], x)
        before: tuple[Tensor, Tensor] | None = None  # the last guess and its level
        places: Iterator[Any] = itertools.repeat(...)  # as an index: everywhere
        remembers: dict[str, Memory] = {}  # only a causal model is asked with a memory
        with evaluating(model):
            if chosen.cache and _pixel_by_pixel(model, start, steps):
                remembers, read = {"memory": {}}, math.prod(spatial(model.shape)) - steps
                for _ in range(read):  # what is known already
                    model.belief(x, t, tokens, chosen.guidance_scale, **remembers)
                places = _pixels(model.shape, read)
            for u, at in zip(rows, places, strict=False):
                belief = model.belief(x, t, tokens, chosen.guidance_scale, **remembers)
                uniform = random.uniform(model.shape)[at] if self.rolls_dice else None
                x0_hat = model.head.x0_hat(belief, uniform, chosen.temperature, chosen.clip)
                yield _Moment(x, t, belief, x0_hat)
                # whole pixels are written without noise, so none is drawn for them
                fresh = chosen.eta > 0 and bool(((u > 0) & (u < t)).any())
                noise = random.normal(model.shape) if fresh else None
                toward = x0_hat
                if chosen.second_order and before is not None:
                    toward = extrapolate(x0_hat, before[0], before[1], t, u, model.schedule)
                before, seen, x = (x0_hat, t), x, x.clone()
                x[at] = step(seen[at], toward, t[at], u[at], model.schedule, chosen.eta if fresh else 0.0, noise)
                t = u
        yield _Moment(x, t, x.new_empty(0), x.new_empty(0))


def _check_for_noise(model: Model, chosen: Options, rolls_dice: bool) -> None:
    """Raise unless all pixels share a level, where that is needed, and no dice are to be extrapolated."""
    noisy = model.plan.alike and not model.plan.whole
    for argument, value, off in (("second_order", chosen.second_order, False), ("shift", chosen.shift, 1)):
        if value != off and not noisy:
            raise ValueError(
                f"{argument} is {value} with the plan {model.plan.name}, whose pixels have different levels;"
                f" allowed: {off}, or diffusion()"
            )
    if chosen.second_order and rolls_dice:
        raise ValueError("pick is 'draw' with second_order=True; allowed: 'mean', since dice can't be extrapolated")


def _extent(
    model: Model, random: Blocks, steps: int | None, known: Tensor | None, part: slice
) -> tuple[Tensor | None, Tensor, int]:
    """For the images in ``part``: what the plan draws, the progress (count,) they start at, the steps from there."""
    plan, shape = model.plan, model.shape
    drawn = random.draw_some(lambda block, stream: plan.draw(block, shape, stream))
    start = torch.zeros(part.stop - part.start, dtype=torch.float64, device=model.device)
    if known is None:
        return drawn, start, plan.check_steps(steps, shape)
    drawn, start = plan.complete(known[part], drawn, shape)
    # counted over all images, not over this batch, so that no image depends on the batch size
    if not plan.whole:
        return drawn, start, plan.check_steps(steps, shape)
    left = round(float((~known).double().mean(dim=1).max()) / plan.stride(shape))
    if steps is not None and steps > left:
        raise ValueError(f"steps is {steps}; allowed: 1 to {left}, the pieces that the mask leaves to write")
    return drawn, start, left if steps is None else steps


def _rows(model: Model, drawn: Tensor | None, start: Tensor, steps: int, shift: float) -> Iterator[Tensor]:
    """The rows of the plan from ``start`` down: (count, 1, H, W) or (count, D)."""
    for k in range(steps + 1):
        done = shifted(k / steps, shift)
        yield model.plan.levels(start + (1 - start) * done, model.shape, drawn).to(model.device, torch.float32)


def _pixel_by_pixel(model: Model, start: Tensor, steps: int) -> bool:
    """Whether a causal net writes one pixel a step, the same one in all images: then it need not read again."""
    if not is_causal(model):
        return False
    left = (1 - start) * math.prod(spatial(model.shape))
    return bool((left.round() == steps).all())


def _pixels(shape: tuple[int, ...], first: int) -> Iterator[Any]:
    """Indices that cut one pixel out of a batch, in reading order."""
    height, width = spatial(shape)
    for row, column in itertools.islice(itertools.product(range(height), range(width)), first, None):
        yield ..., slice(row, row + 1), slice(column, column + 1)


def _tokens(model: Model, settings: Options, total: int) -> Tensor | None:
    """The labels or prompts as the condition's tokens, for all ``total`` images."""
    condition = model.condition
    takes = "" if condition is None else condition.argument
    for argument, given in (("labels", settings.labels), ("prompt", settings.prompt)):
        if given is not None and argument != takes:
            what = f"with the condition {type(condition).__name__}" if takes else "without a condition"
            raise ValueError(f"{argument} was given to a model {what}; allowed: {takes or 'neither labels nor prompt'}")
    if condition is None:
        if settings.guidance_scale != 1:
            raise ValueError(f"guidance_scale is {settings.guidance_scale} for a model without a condition; allowed: 1")
        return None
    if settings.guidance_scale != 1 and is_always_told(model):
        raise ValueError(
            f"guidance_scale is {settings.guidance_scale} for a model that training always told (dropout 0), and that"
            " can't draw untold; allowed: 1"
        )
    tokens = condition.tokens(settings.labels if takes == "labels" else settings.prompt, total)
    if len(tokens) != total:
        raise ValueError(
            f"condition {type(condition).__name__}: tokens() gives {len(tokens)} rows; allowed: one for each of the"
            f" {total} pictures"
        )
    if isinstance(condition, Condition):
        condition.check_finite(takes, tokens)
    if isinstance(condition, Prompt) and set(condition.words) == set(shapes.WORDS):
        _warn_of_nonsense(settings.prompt)
    return tokens


def _warn_of_nonsense(prompt: Any) -> None:
    """Hand on what ``scenes.parse`` says of prompts that no scene can obey, such as one of three things."""
    given = [prompt] if isinstance(prompt, str) else [] if prompt is None or isinstance(prompt, Tensor) else prompt
    said = []
    for each in filter(str.split, dict.fromkeys(given)):
        try:
            shapes.parse(each)
        except ValueError as answer:
            said.append(str(answer))
    if said:
        more = f"; {len(said) - 1} more of the prompts make no sense; they are" if len(said) > 1 else "; it is"
        warn(f"{said[0]}{more} drawn all the same")


def _known_pixels(model: Model, mask: Tensor | None, total: int) -> Tensor | None:
    """The mask of all ``total`` images as (total, pixels) bool."""
    if mask is None:
        return None
    pixels = spatial(model.shape)
    check_tensor("mask", mask)
    if mask.dtype != torch.bool or tuple(mask.shape[-len(pixels) :]) != pixels:
        raise ValueError(
            f"mask has shape {tuple(mask.shape)} and dtype {mask.dtype}; allowed: torch.bool,"
            f" {pixels} or (count, 1, {', '.join(map(str, pixels))}), True where a pixel is known"
        )
    flat = mask.reshape(-1, math.prod(pixels))
    if len(flat) not in (1, total):
        raise ValueError(f"mask holds {len(flat)} masks; allowed: 1, or as many as pictures are drawn: {total}")
    if bool(flat.all()):
        raise ValueError("mask is True everywhere; allowed: at least one pixel left to write")
    return flat.expand(total, -1).to(model.device)


def _known_pictures(model: Model, known: Tensor, total: int) -> Tensor:
    """The pictures to complete, as the head can say them, (total, C, H, W)."""
    check_images("known", known, model.shape)
    if len(known) not in (1, total):
        raise ValueError(f"known holds {len(known)} pictures; allowed: 1, or as many as are drawn: {total}")
    return model.head.prepare(known.float()).to(model.device).expand(total, *model.shape)

"""Plans: how information is removed, and so how it comes back.

A plan is a matrix of levels: one row a step, one column a pixel. The first row is all 1 (nothing is
left), the last all 0 (the picture), and no column ever rises. *Train on a random row; sample by walking
down the rows.* How many rows there are is a knob. The field calls it a scheduling matrix (Diffusion
Forcing, Chen et al. 2024). Chapter 4 meets it with zeros and ones, chapter 6 with fractions. ::

    4 pixels    one_shot   raster(1)  random_order  diffusion            ramp(0.5)
                1 1 1 1    1 1 1 1    1 1 1 1       1   1   1   1        1   1   1   1
                0 0 0 0    0 1 1 1    1 1 0 1       .75 .75 .75 .75      .5  .83 1   1
                           0 0 1 1    0 1 0 1       .5  .5  .5  .5       0   .33 .67 1
                           0 0 0 1    0 0 0 1       .25 .25 .25 .25      0   0   .17 .5
                           0 0 0 0    0 0 0 0       0   0   0   0        0   0   0   0

``progress`` runs from 0 (nothing there) to 1 (the picture). ``shape`` is that of one example, (C, H, W)
or (D,); channels share a level. What a plan draws at random (an order, say) is drawn once an image and
kept for the walk.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, cast

import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_number, check_seed, check_tensor, check_whole, check_wholes, nearest
from minigen.base.parts import ClassName, Config, Part, described, is_ours
from minigen.base.randomness import BLOCK, seeded
from minigen.orders import check_order
from minigen.process import SCHEDULES, respaced

Shape = tuple[int, ...]

ROUNDING = 2**-20
"""Levels are rounded to multiples of this."""

STAIRCASES, RAMPS = ("one_shot", "raster", "random_order"), ("diffusion", "ramp", "any_ramp")
"""The names of the two kinds of plan below."""

START_SHARE = 0.02
"""At least this share of training rows has nothing left: else a long walk's first call goes untrained."""


def spatial(shape: Shape) -> Shape:
    """The pixels of one example: (H, W) of (C, H, W), or (D,) itself.

    >>> spatial((3, 16, 16)), spatial((2,))
    ((16, 16), (2,))
    """
    shape = check_wholes("shape", shape, such="(1, 16, 16)")
    if len(shape) not in (1, 3):
        raise ValueError(f"shape is {shape}; allowed: (channels, height, width) or (dimensions,)")
    return shape[1:] if len(shape) == 3 else shape


def as_levels(flat: Tensor, shape: Shape) -> Tensor:
    """(B, pixels) to what broadcasts against a batch: (B, 1, H, W) or (B, D).

    >>> as_levels(torch.ones(5, 16), (3, 4, 4)).shape
    torch.Size([5, 1, 4, 4])
    """
    return flat.reshape(len(flat), 1, *spatial(shape)) if len(shape) == 3 else flat


class Plan(Part, ABC, kind="plan"):
    """What every plan can do. An own one says ``levels``, ``default_steps`` and the two facts; the rest follows.

    A plan of whole pixels takes at most ``default_steps`` steps, and with fewer it writes several pieces at once; its
    levels are what ``written`` makes of an order. Others can be walked in any number of steps. ``draw`` throws dice.
    """

    whole: ClassVar[bool] = False
    """Whether its levels are only 0 and 1: whole pixels are written, and none is noisy. (Or a property.)"""

    alike: ClassVar[bool] = False
    """Whether all pixels of a picture share a level."""

    patch: int | None = None  # the side of the squares that are written at once, where a plan has such
    spacing: str = "cosine"  # where the rows stand, in the words of ``diffusion``

    name: str = cast(str, ClassName())  # what it is called in messages, unless it says another name

    @abstractmethod
    def levels(self, progress: Tensor, shape: Shape, drawn: Tensor | None = None) -> Tensor:
        """The level of every pixel at ``progress`` (B,): (B, 1, H, W) for pictures, (B, D) for vectors."""

    @abstractmethod
    def default_steps(self, shape: Shape) -> int:
        """The number of steps where none is asked for; of whole pixels, the number of pieces they are written in."""

    def written(self, place: Tensor, progress: Tensor, shape: Shape) -> Tensor:
        """The levels of a plan that writes ``default_steps`` pieces: 0 where a pixel's turn has come, else 1.

        ``place`` says which piece each pixel belongs to, counted from 0: (pixels,), or (B, pixels) as drawn.

        >>> plan, shape = raster(2), (1, 4, 4)
        >>> plan.written(plan.places(shape), torch.tensor([0.25]), shape).flatten()
        tensor([0., 0., 1., 1., 0., 0., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.])
        """
        check_tensor("progress", progress)
        count = (progress * self.default_steps(shape)).round()  # of pieces; rounded, since 22 * (15 / 22) is no 15
        return as_levels((place.to(count.device) >= count[:, None]).float(), shape)

    def check_steps(self, steps: int | None, shape: Shape) -> int:
        """``steps`` if the plan can be walked in so many, the default for None; else ``ValueError``."""
        most = self.default_steps(shape)
        if steps is not None and check_whole("steps", steps) > most and self.whole:
            raise ValueError(f"steps is {steps}; allowed: 1 to {most}, since {self.name} has {most} piece(s) to write")
        return most if steps is None else steps

    def draw_progress(self, count: int, shape: Shape, random: torch.Generator) -> Tensor:
        """A random row for each of ``count`` training images, never the last (all-0) one: (count,)."""
        rand = torch.rand(2, count, generator=random, device=random.device)
        if self.whole:
            pieces = self.default_steps(shape)
            written = (rand[0] * pieces).floor().clamp(max=pieces - 1)
            return written.masked_fill(rand[1] < START_SHARE, 0).double() / pieces  # as a walk has it, to the bit
        # Not so close to 1 that every level rounds to 0: nothing would be hidden, and the loss 0/0
        return rand[0].masked_fill(rand[1] < START_SHARE, 0).clamp(max=1 - ROUNDING)

    def stride(self, shape: Shape) -> float:
        """How much progress one step makes when a walk is as long as it can be; 1 where that has no limit."""
        return 1 / self.default_steps(shape) if self.whole else 1.0

    def draw(self, count: int, shape: Shape, random: torch.Generator) -> Tensor | None:
        """What is random about the plan for ``count`` images (first dimension), or None."""
        return None

    def complete(self, known: Tensor, drawn: Tensor | None, shape: Shape) -> tuple[Tensor | None, Tensor]:
        """Make a walk go on from known pixels, (B, pixels) bool: (what is drawn, the progress (B,) so far)."""
        if self.whole:  # what is known must be what some row has written: (images or 1, rows, pixels)
            pieces, count = self.default_steps(shape), 1 if drawn is None else len(known)
            done = torch.arange(pieces + 1, dtype=torch.float64, device=known.device) / pieces
            rows = [self.levels(each.expand(count), shape, drawn).flatten(1).to(known.device) == 0 for each in done]
            fits = (torch.stack(rows, dim=1) == known[:, None]).all(dim=2)
            if bool(fits.any(dim=1).all()):
                return drawn, done[fits.long().argmax(dim=1)]
            if pieces > 1:
                raise ValueError(
                    f"mask marks pixels that {self.name} can't have written yet; allowed: the first whole patches,"
                    " row by row (of an own plan: what its first rows write); a model with the plan random_order()"
                    " completes any mask"
                )
        raise ValueError(
            f"mask can't be used with the plan {self.name}: its training never shows whole pixels anywhere beside noisy"
            " ones; allowed: random_order(), or raster() with the first patches known, or a ramp with order='random'"
        )

    def config(self) -> Config:
        # ours go by the names of the functions below, not by their class
        return self.without_later() if is_ours(type(self)) else super().config()

    def matrix(self, shape: Shape, steps: int | None = None, seed: int = 0) -> Tensor:
        """The plan itself: levels of one image, (steps + 1, pixels).

        >>> raster(1).matrix((2,))
        tensor([[1., 1.],
                [0., 1.],
                [0., 0.]])
        """
        return self._walked(self.check_steps(steps, shape), shape, seed).flatten(1).float()

    def _walked(self, steps: int, shape: Shape, seed: int = 0) -> Tensor:
        """The levels of one image at every row of a walk."""
        drawn = self.draw(BLOCK, shape, seeded(check_seed("seed", seed), 0))
        if drawn is not None and len(drawn) != BLOCK:
            raise ValueError(f"plan {self.name}: draw() gives {len(drawn)} rows; allowed: one an image, {BLOCK} here")
        drawn = None if drawn is None else drawn[:1].expand(steps + 1, *drawn.shape[1:])
        return self.levels(torch.arange(steps + 1, dtype=torch.float64) / steps, shape, drawn)

    def check(self, shape: Shape) -> None:
        """Raise, naming what is wrong, unless this is a plan for such an example, as it says of itself."""
        steps = 1 if is_ours(type(self)) else check_whole("default_steps", self.default_steps(shape))
        steps *= 1 if self.whole else max(1, min(7, 2000 // steps))  # what rises may do so between the usual rows
        given, pixels = self._walked(steps, shape), math.prod(spatial(shape))
        wanted = as_levels(torch.empty(steps + 1, pixels), shape).shape
        if not isinstance(given, Tensor) or given.shape != wanted:
            got = f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else f"a {type(given).__name__}"
            raise ValueError(f"plan {self.name}: levels() gives {got}; allowed: shape {tuple(wanted)}, see as_levels")
        rows = given.flatten(1).double()
        for wrong, said in (
            (bool(((rows < 0) | (rows > 1) | rows.isnan()).any()), "its levels leave [0, 1], or are NaN"),
            (bool((rows[0] != rows[0, 0]).any() or rows[0, 0] == 0), "its first row is not one level above 0"),
            (bool((rows[-1] != 0).any()), f"its last row is not all 0, but up to {rows[-1].max():.1g} (to round?)"),
            (bool((rows.diff(dim=0) > 1e-6).any()), "a pixel's level rises"),
            (self.whole and bool(((rows != 0) & (rows != 1)).any()), "whole is True, and levels lie between 0 and 1"),
            (self.alike and bool((rows != rows[:, :1]).any()), "alike is True, and its pixels differ"),
            (self.whole and bool((rows[1:] == rows[:-1]).all(dim=1).any()), "a step writes nothing (a sum to round?)"),
        ):
            if wrong:
                fall = "rows that fall from 1 (nothing is left) to 0 (the picture), as the plan's whole and alike say"
                raise ValueError(f"plan {self.name}: {said}; allowed: {fall}")


@dataclass(frozen=True)
class Staircase(Plan):
    """Whole pixels, piece by piece: levels are 0 or 1. A piece is what one step of the longest walk writes.

    ``one_shot``: one piece, everything. ``raster``: square patches row by row (of a vector: runs of
    ``patch`` numbers). ``random_order``: single pixels, in an order drawn for each image.
    """

    name: str = "one_shot"
    patch: int | None = None
    whole = True

    def __post_init__(self) -> None:
        check_choice("name", self.name, STAIRCASES)
        if self.name == "raster" or self.patch is not None:
            check_whole("patch", self.patch)  # type: ignore[arg-type]

    @property
    def alike(self) -> bool:  # type: ignore[override]
        return self.name == "one_shot"

    def pieces(self, shape: Shape) -> int:
        """How many pieces an example has: the most steps a walk can take."""
        pixels = spatial(shape)
        if self.patch is None:
            return 1 if self.name == "one_shot" else math.prod(pixels)
        if any(side % self.patch for side in pixels):
            common = math.gcd(*pixels)
            divisors = [size for size in range(1, common + 1) if common % size == 0]
            raise ValueError(
                f"patch is {self.patch}, which does not divide {' x '.join(map(str, pixels))} pixels;"
                f" allowed: {', '.join(map(str, divisors))}{nearest(self.patch, divisors)}"
            )
        return math.prod(side // self.patch for side in pixels)

    def places(self, shape: Shape, drawn: Tensor | None = None) -> Tensor:
        """Which piece each pixel belongs to, counted from 0: (1, pixels), or (B, pixels) as drawn."""
        self.pieces(shape)  # raises if the patch does not divide
        pixels = spatial(shape)
        if self.name == "random_order":
            if drawn is None:
                raise ValueError("drawn is None; allowed with random_order(): what draw() returned, (count, pixels)")
            return drawn
        if self.patch is None:
            return torch.zeros(1, math.prod(pixels), dtype=torch.int64)
        blocks = [torch.arange(side) // self.patch for side in pixels]
        if len(pixels) == 1:
            return blocks[0][None]
        return (blocks[0][:, None] * (pixels[1] // self.patch) + blocks[1]).reshape(1, -1)

    def draw(self, count: int, shape: Shape, random: torch.Generator) -> Tensor | None:
        if self.name == "random_order":
            rand = torch.rand(count, math.prod(spatial(shape)), generator=random, device=random.device)
            return rand.argsort(dim=1, stable=True)  # of 24 bits each, so now and then two are equal
        return None

    def levels(self, progress: Tensor, shape: Shape, drawn: Tensor | None = None) -> Tensor:
        return self.written(self.places(shape, drawn), progress, shape)

    default_steps = pieces

    def complete(self, known: Tensor, drawn: Tensor | None, shape: Shape) -> tuple[Tensor | None, Tensor]:
        pieces, places = self.pieces(shape), self.places(shape, drawn).to(known.device)
        if self.name == "random_order":
            # the known pixels move to the front; both groups keep their drawn order (argsort twice is a rank)
            drawn = (places + pieces * ~known).argsort(dim=1).argsort(dim=1)
            return drawn, known.sum(dim=1, dtype=torch.float64) / pieces
        return super().complete(known, drawn, shape)


@dataclass(frozen=True)
class Ramp(Plan):
    """Every pixel fades in over a stretch ``width`` of the walk, earlier pixels earlier.

    ``level_i(s) = start * clip(1 - (s - (1 - width) i / (n - 1)) / width, 0, 1)`` for the i-th of n pixels,
    counted in reading order ("raster"), in one drawn for each image ("random"), or as ``order`` says, a place for each
    pixel. ``width`` 1 is ``diffusion``; 1/n is one pixel after the other. A width or an order of None is left to
    chance, for each image anew. ``spacing`` and ``density`` are explained by ``diffusion``.
    """

    name: str = "ramp"
    width: float | None = 1.0
    start: float = 1.0
    order: str | tuple[int, ...] | None = "raster"
    spacing: str = "cosine"
    density: str = "uniform"
    later = ("order", "spacing", "density")

    @property
    def alike(self) -> bool:  # type: ignore[override]
        return self.width == 1

    def __post_init__(self) -> None:
        check_choice("name", self.name, RAMPS)
        if self.width is not None:
            check_number("width", self.width, 0, 1, open_left=True)
        check_number("start", self.start, 0, 1, open_left=True)
        object.__setattr__(self, "order", check_order(self.order, ("raster", "random", None)))  # a file has a list
        check_choice("spacing", self.spacing, SCHEDULES)
        check_choice("density", self.density, ("uniform", "logit_normal"))

    def levels(self, progress: Tensor, shape: Shape, drawn: Tensor | None = None) -> Tensor:
        s = check_tensor("progress", progress).double()[:, None]
        width, place = self._drawn(drawn, shape, s)
        begin = place * (1 - width) / max(math.prod(spatial(shape)) - 1, 1)
        # a pixel that is known from the start has place -inf, and 0 * inf would be no number
        level = torch.where(place < 0, 0.0, (1 - (s - begin) / width).clamp(0, 1))
        # Rounded, else a pixel that is due to be 0 or 1 would be 1e-13 away from it
        level = (respaced(level, self.spacing) / ROUNDING).round() * ROUNDING * self.start
        return as_levels(level.float(), shape)

    def _drawn(self, drawn: Tensor | None, shape: Shape, like: Tensor) -> tuple[Tensor | float, Tensor]:
        """The width and every pixel's place in the order: fixed ones, or those that were drawn."""
        count = math.prod(spatial(shape))
        if self.width is not None and self.width * count < 1 - 1e-9:
            raise ValueError(f"width is {self.width}; allowed with {count} pixels: 1/{count} = {1 / count:.4g} to 1")
        if drawn is not None:
            return drawn[:, :1].to(like), drawn[:, 1:].to(like)
        if self.width is None or self.order in ("random", None):
            raise ValueError(f"drawn is None; allowed with {self.name}: what draw() returned, (count, 1 + pixels)")
        places = self.order if isinstance(self.order, tuple) else range(count)
        if len(places) != count:
            raise ValueError(f"order has {len(places)} places; allowed: one a pixel, {count}")
        return self.width, torch.tensor(places, dtype=like.dtype, device=like.device)[None]

    def draw(self, count: int, shape: Shape, random: torch.Generator) -> Tensor | None:
        """What is left to chance, (count, 1 + pixels): each image's width, then the places of its pixels."""
        if self.width is not None and self.order not in ("random", None):
            return None
        pixels = math.prod(spatial(shape))
        rand = torch.rand(count, pixels + 2, generator=random, device=random.device, dtype=torch.float64)
        halvings = math.ceil(math.log2(pixels))  # 1, 1/2, 1/4 ... down to one pixel at a time
        widths = (0.5 ** (rand[:, :1] * (halvings + 1)).floor()).clamp(min=1 / pixels)
        width = widths if self.width is None else torch.full_like(widths, self.width)
        in_reading_order = rand[:, 1:2] < {"raster": 1.0, "random": 0.0}.get(str(self.order), 0.5)
        place = rand[:, 2:].argsort(dim=1).double()
        return torch.cat([width, torch.where(in_reading_order, torch.arange(pixels).to(place), place)], dim=1)

    def complete(self, known: Tensor, drawn: Tensor | None, shape: Shape) -> tuple[Tensor | None, Tensor]:
        if drawn is None or self.order not in ("random", None):
            return super().complete(known, drawn, shape)
        width, place = drawn[:, :1], drawn[:, 1:]
        place = (place + known.shape[1] * ~known).argsort(dim=1).argsort(dim=1).double()  # known pixels first
        place = place.masked_fill(known, -math.inf)  # and there from the start
        begun = (1 - width[:, 0]) * known.sum(dim=1) / max(known.shape[1] - 1, 1)
        return torch.cat([width, place], dim=1), begun

    def default_steps(self, shape: Shape) -> int:
        return 32

    def draw_progress(self, count: int, shape: Shape, random: torch.Generator) -> Tensor:
        if self.density == "uniform":
            return super().draw_progress(count, shape, random)
        rand = torch.rand(3, count, generator=random, device=random.device)
        # one image from each of ``count`` equally likely stretches, in any order
        even = (rand[1].argsort(stable=True) + rand[0]) / count
        # the bell ends before the very start, where every walk begins
        return torch.special.ndtri(even).sigmoid().masked_fill(rand[2] < START_SHARE, 0).clamp(max=1 - ROUNDING)


def one_shot() -> Staircase:
    """Everything at once: one step from nothing to the picture (chapter 2)."""
    return Staircase("one_shot")


def raster(patch: int = 1) -> Staircase:
    """Auto-regression: square patches row by row, from the top left; pixel by pixel with ``patch=1``.

    Chapter 4 writes single pixels, chapter 5 patches. A patch must divide the picture.

    >>> raster(2).matrix((1, 4, 4)).shape          # 4 patches: 4 steps, 5 rows
    torch.Size([5, 16])
    >>> raster(3).matrix((1, 16, 16))
    Traceback (most recent call last):
    ValueError: patch is 3, which does not divide 16 x 16 pixels; allowed: 1, 2, 4, 8, 16; the nearest is 2
    """
    return Staircase("raster", patch)


def random_order() -> Staircase:
    """Scattered pixels: single ones, in an order drawn for each image (chapter 6).

    With fewer steps than pixels each step writes several, all over the picture. It is the plan of
    order-agnostic and masked models (Hoogeboom et al. 2022; Chang et al. 2022).
    """
    return Staircase("random_order")


def diffusion(start: float = 1.0, spacing: str = "cosine", density: str = "uniform") -> Ramp:
    """A little of every pixel at every step: noise (chapter 7).

    ``start`` is the first row's level. It is 1, pure noise, except for networks that predict eps:
    at level 1 the noise says nothing about the picture, so they start at 0.995 (chapter 9).
    ``spacing`` puts the rows where equal steps of another schedule would have as much noise, for a
    model whose own schedule is the default, cosine (chapter 8).

    ``density`` says how often training practises a level: "uniform", all alike; or "logit_normal", the middle
    ones more often, by the logistic function of a normal number (Esser et al. 2024), and those of a batch spread
    evenly over that (Kingma et al. 2021). The loss of one density must not be compared with that of another.

    >>> diffusion().matrix((2,), steps=2)
    tensor([[1.0000, 1.0000],
            [0.5000, 0.5000],
            [0.0000, 0.0000]])
    >>> diffusion(spacing="flow").matrix((1,), steps=4).T       # more of its steps in the middle
    tensor([[1.0000, 0.7952, 0.5000, 0.2048, 0.0000]])
    """
    return Ramp("diffusion", 1.0, start, spacing=spacing, density=density)


def ramp(width: float, order: str | Sequence[int] | Tensor = "raster") -> Ramp:
    """Between auto-regression and diffusion: each pixel fades in over ``width`` of the walk (chapter 6).

    ``ramp(1)`` is ``diffusion()``; with n pixels ``ramp(1 / n)`` is ``raster(1)``, and with ``order="random"``, drawn
    for each image, ``random_order()``. An order may also be every pixel's place in it: ``orders.order("centre")``.

    >>> ramp(0.5).matrix((4,), steps=4)[1]
    tensor([0.5000, 0.8333, 1.0000, 1.0000])
    >>> ramp(0.25, order=[2, 0, 1, 3]).matrix((4,), steps=4)[1]      # the second pixel comes first
    tensor([1., 0., 1., 1.])
    """
    # unlike any_ramp() it leaves neither of the two to chance
    width = check_number("width", width, 0, 1, open_left=True)
    return Ramp("ramp", width, order=check_order(order, ("raster", "random")))


def any_ramp() -> Ramp:
    """Every ramp: for each image a width of 1, 1/2, 1/4 ... and a reading or a random order are drawn.

    What is trained on it can be walked down any ramp: ``model.along(plans.ramp(0.25))`` (chapter 6). It
    also completes any part of a picture, down a ramp with ``order="random"``.

    >>> any_ramp().matrix((1, 4, 4), steps=8, seed=1).shape
    torch.Size([9, 16])
    """
    return Ramp("any_ramp", None, order=None)


PLANS = {each.__name__: each for each in (one_shot, raster, random_order, diffusion, ramp, any_ramp)}
Plan.taken |= PLANS.keys()


def build(config: Config) -> Plan:
    """The plan that ``plan.config()`` described.

    >>> build(raster(4).config()) == raster(4)
    True
    """
    made = {name: partial(Ramp if name in RAMPS else Staircase, name) for name in PLANS}
    return cast(Plan, described(Plan, config, made))

"""Scenes: one or two coloured shapes, drawn by formulas, and sentences that say what is in them (chapters 12 and 13).

A scene's *meaning* is seven whole numbers: ``[layout, size, colour, shape, size, colour, shape]``. The first thing
is the one on the left, or above; in a scene of one thing the second is -1. A sentence may leave out sizes and
colours (-1 in the meaning that ``parse`` gives back), and it may begin with either thing: "A above B" and "B below
A" mean the same.

Some pairs of colour and shape, and some relations of shapes, never come up in training (``NEW_PAIRS``,
``NEW_RELATIONS``): does a network that has seen red circles and blue stars know what a red star is?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_device, check_whole, nearest
from minigen.base.randomness import seeded
from minigen.base.text import words_of

SIZE = 32
"""The side of a scene in pixels."""

BLOCK = 500
"""Scenes that share one stream of random numbers."""

LAYOUTS = ("alone", "left of", "above")
SIZES = {"small": (4.0, 4.6), "big": (6.4, 7.2)}
"""Radii in pixels, from and to."""

COLOURS = {
    "red": (0.90, 0.15, 0.15),
    "yellow": (0.95, 0.83, 0.15),
    "green": (0.15, 0.68, 0.25),
    "blue": (0.20, 0.40, 0.95),
    "purple": (0.62, 0.25, 0.82),
    "white": (0.95, 0.95, 0.95),
}
"""Red, green and blue from 0 to 1."""

Field = Callable[[Tensor, Tensor, Tensor], Tensor]


def _circle(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    return (x**2 + y**2).sqrt() - r


def _square(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.86 * r


def _triangle(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    y = y - 0.29 * r  # as much above the middle as below
    return torch.maximum(math.sqrt(0.75) * x.abs() - 0.5 * y, y) - 0.58 * r


def _star(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    """Five points: one tenth of the star, repeated by folding the angle."""
    fifth = 2 * math.pi / 5
    angle = torch.atan2(x, -y)  # 0 is up
    folded = (angle - fifth * (angle / fifth).round()).abs()
    length = (x**2 + y**2).sqrt()
    along, across = length * folded.cos(), length * folded.sin()
    # the edge runs from the tip (r, 0) to the notch at half of the radius, a tenth of a turn on
    notch_x, notch_y = 0.47 * math.cos(fifth / 2), 0.47 * math.sin(fifth / 2)
    edge = math.hypot(1 - notch_x, notch_y)
    return ((along - 1.06 * r) * notch_y + across * (1 - notch_x)) / edge


def _heart(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    """A square on its tip and a disc on each of its upper sides."""
    a = 0.50 * r
    y = y - 0.14 * r
    tip = (x.abs() + y.abs() - math.sqrt(2) * a * 1.02) / math.sqrt(2)
    disc = ((x.abs() - a / math.sqrt(2)) ** 2 + (y + a / math.sqrt(2)) ** 2).sqrt() - a
    return torch.minimum(tip, disc)


def _ring(x: Tensor, y: Tensor, r: Tensor) -> Tensor:
    return ((x**2 + y**2).sqrt() - 0.75 * r).abs() - 0.25 * r


SHAPES: dict[str, Field] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
}
"""Each the signed distance to the shape's edge in pixels, of the place (x to the right, y down) and the radius."""

NEW_PAIRS = {"circle": "purple", "square": "white", "triangle": "blue", "star": "red", "heart": "yellow",
             "ring": "green"}  # fmt: skip
"""The colour that each shape never has in training."""

NEW_RELATIONS = (
    ("left of", "circle", "triangle"),
    ("left of", "star", "square"),
    ("above", "heart", "ring"),
    ("above", "square", "circle"),
)
"""Never in training; the other way round they are."""

SPLITS = ("train", "new pairs", "new relations", "everything")


class Scenes(NamedTuple):
    """Pictures (count, 3, 32, 32) in [-1, 1], what was asked for in words, and the meanings (count, 7)."""

    images: Tensor
    prompts: list[str]
    meanings: Tensor


def scenes(count: int = 1000, split: str = "train", seed: int = 0, device: torch.device | str = "cpu") -> Scenes:
    """Captioned scenes, as many as you like: the same seed gives the same ones, from the first on.

    Args:
        count: how many.
        split: "train"; "new pairs", where each scene has a pair of colour and shape that training never
            has; "new relations", where each has such a relation of two shapes; or "everything", all alike.
        seed: another seed, other scenes: use them as validation or held-out ones.
        device: where the pictures are drawn.

    >>> some = scenes(count=3, seed=0)
    >>> some.images.shape, some.prompts[0], some.meanings[0].tolist()
    (torch.Size([3, 3, 32, 32]), 'a red circle', [0, 1, 0, 0, -1, -1, -1])
    """
    check_whole("count", count)
    check_whole("seed", seed, least=-(2**63))
    check_choice("split", split, SPLITS)
    check_device("device", device)
    blocks = [batch(BLOCK, seeded(seed, block), split, device) for block in range(-(-count // BLOCK))]
    images = torch.cat([block.images for block in blocks])[:count]
    meanings = torch.cat([block.meanings for block in blocks])[:count]
    return Scenes(images, [prompt for block in blocks for prompt in block.prompts][:count], meanings)


def batch(
    count: int, random: torch.Generator, split: str = "train", device: torch.device | str | None = None
) -> Scenes:
    """``count`` more scenes from a stream of random numbers, which may be a GPU's: for endless training.

    >>> batch(8, seeded(0)).images.shape
    torch.Size([8, 3, 32, 32])
    """
    meanings = draw_meanings(count, split, random)
    images = draw(meanings, random, random.device if device is None else device)
    return Scenes(images, describe(meanings, random), meanings)


# --- what is in a scene ----------------------------------------------------------------------------

_NEW_COLOUR = torch.tensor([list(COLOURS).index(NEW_PAIRS[shape]) for shape in SHAPES])
_NEW_RELATION = torch.tensor(
    [[LAYOUTS.index(layout), list(SHAPES).index(a), list(SHAPES).index(b)] for layout, a, b in NEW_RELATIONS]
)


def draw_meanings(count: int, split: str, random: torch.Generator) -> Tensor:
    """Random meanings (count, 7) of a split: one scene in three has one thing, the others two."""

    def number(most: int, *shape: int) -> Tensor:
        return torch.randint(most, shape, generator=random, device=random.device)

    new_colour, new_relation = _NEW_COLOUR.to(random.device), _NEW_RELATION.to(random.device)
    layout, size = number(len(LAYOUTS), count), number(len(SIZES), count, 2)
    colour, shape = number(len(COLOURS), count, 2), number(len(SHAPES), count, 2)
    if split == "new relations":
        chosen = new_relation[number(len(NEW_RELATIONS), count)]
        layout, shape = chosen[:, 0], chosen[:, 1:]
    elif split != "everything":
        while bool((wrong := _is_new_relation(layout, shape)).any()):
            shape[wrong] = number(len(SHAPES), int(wrong.sum()), 2)
    if split != "everything":  # one of the other colours
        colour = (new_colour[shape] + 1 + number(len(COLOURS) - 1, count, 2)) % len(COLOURS)
    if split == "new pairs":
        which = torch.where(layout == 0, 0, number(2, count))[:, None]
        colour.scatter_(1, which, new_colour[shape].gather(1, which))
    things = torch.stack([size, colour, shape], dim=2)  # (count, 2, 3)
    things[layout == 0, 1] = -1
    return torch.cat([layout[:, None], things.flatten(1)], dim=1)


def _is_new_relation(layout: Tensor, shape: Tensor) -> Tensor:
    here = torch.cat([layout[:, None], shape], dim=1)
    return (here[:, None] == _NEW_RELATION.to(here.device)).all(dim=2).any(dim=1)


def is_new(meanings: Tensor) -> Tensor:
    """Which meanings (count, 7) training never has: (count,) bool.

    >>> is_new(torch.stack([parse("a red star"), parse("a blue star")])).tolist()
    [True, False]
    """
    things = meanings[:, 1:].view(-1, 2, 3)
    new_pair = (things[..., 2] >= 0) & (things[..., 1] == _NEW_COLOUR.to(things.device)[things[..., 2].clamp(min=0)])
    return new_pair.any(dim=1) | _is_new_relation(meanings[:, 0], things[..., 2])


def draw(meanings: Tensor, random: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """Pictures (count, 3, 32, 32) of meanings (count, 7): place, exact size, tint and background by chance.

    A pixel is covered by as much of a shape as its signed distance to the edge says: half on the edge
    itself, all or nothing from half a pixel on. So edges are smooth, and a batch is a few tensor operations.
    """
    count = len(meanings)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(count, *shape, generator=random, device=random.device)
        return (low + (high - low) * drawn).to(device)

    layout, things = meanings[:, 0].to(device), meanings[:, 1:].view(-1, 2, 3).to(device)
    size, colour, shape = (part.clamp(min=0) for part in things.unbind(dim=2))  # (count, 2) each
    radii = torch.tensor(list(SIZES.values()), device=device)[size]
    radius = radii[..., 0] + (radii[..., 1] - radii[..., 0]) * uniform(0, 1, 2)
    # along the direction in which two things stand beside each other, and across it
    middle, quarter = SIZE / 2, SIZE / 4
    along = torch.tensor([quarter, 3 * quarter], device=device) + uniform(-0.6, 0.6, 2)
    across = middle + uniform(-4, 4, 2)
    alone = middle + uniform(-4, 4, 2)
    x = torch.where(layout[:, None] == 1, along, torch.where(layout[:, None] == 2, across, alone))
    y = torch.where(layout[:, None] == 2, along, across)
    tints = torch.tensor(list(COLOURS.values()), device=device)[colour] + uniform(-0.04, 0.04, 2, 3)
    place = torch.arange(SIZE, device=device) + 0.5
    grey = uniform(0.05, 0.35, 1, 1, 1) + uniform(-0.03, 0.03, 3, 1, 1)
    slope = uniform(-0.08, 0.08, 2, 1, 1, 1)
    images = grey + slope[:, 0] * (place / SIZE - 0.5) + slope[:, 1] * (place[:, None] / SIZE - 0.5)
    for thing in range(2):
        there = (things[:, thing, 2] >= 0).to(images)
        right = place - x[:, thing, None, None]  # (count, 1, 32)
        down = place[:, None] - y[:, thing, None, None]  # (count, 32, 1)
        cover = torch.empty(count, SIZE, SIZE, device=device)
        for number, field in enumerate(SHAPES.values()):
            at = (shape[:, thing] == number).nonzero()[:, 0]
            cover[at] = field(right[at], down[at], radius[at, thing, None, None])
        cover = cover.neg_().add_(0.5).clamp_(0, 1).mul_(there[:, None, None])[:, None]
        images.add_((tints[:, thing, :, None, None] - images).mul_(cover))
    return images.clamp_(0, 1).mul_(2).sub_(1)


# --- sixteen colours -------------------------------------------------------------------------------

_GREYS = (0.09, 0.165, 0.24, 0.315)
PALETTE = torch.tensor(
    [[grey] * 3 for grey in _GREYS]
    + [[(part + 0.2) / 2 for part in colour] for colour in COLOURS.values()]
    + [list(colour) for colour in COLOURS.values()]
)
"""Sixteen colours, (16, 3), from 0 to 1: four greys of the background, each colour at an edge, each colour."""


def to_palette(images: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) as numbers of the nearest of sixteen colours, (B, 1, H, W), spread from -1 to 1.

    So a scene is a picture of sixteen "greys", and a belief over them can be written by auto-regression.

    >>> to_palette(torch.full((1, 3, 1, 1), -1.0))                # black: the first, the darkest grey
    tensor([[[[-1.]]]])
    """
    palette = PALETTE.to(images) * 2 - 1
    # |pixel - colour|^2 without the pixel's own square, which is the same for all colours
    far = palette.square().sum(dim=1)[:, None, None] - 2 * torch.einsum("bchw,pc->bphw", images, palette)
    return far.argmin(dim=1, keepdim=True).to(images) / (len(palette) - 1) * 2 - 1


def from_palette(numbers: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] of what ``to_palette`` made.

    >>> some = scenes(2).images
    >>> float((from_palette(to_palette(some)) - some).abs().mean()) < 0.1
    True
    """
    number = ((numbers[:, 0] + 1) / 2 * (len(PALETTE) - 1)).round().long().clamp(0, len(PALETTE) - 1)
    return (PALETTE.to(numbers) * 2 - 1)[number].movedim(-1, 1)


# --- the sentences ---------------------------------------------------------------------------------

_SIZE_WORDS = (("small", "little"), ("big", "large"))
_SHAPE_WORDS = (("circle", "disc"), ("square",), ("triangle",), ("star",), ("heart",), ("ring",))
_FORWARD = (("left of", "to the left of"), ("above", "over"))
_BACKWARD = (("right of", "to the right of"), ("below", "under"))
_COLOUR_WORDS = tuple((name,) for name in COLOURS)
_UNSAID = 0.1
"""The share of sizes, and of colours, that a caption leaves out."""

_ALL = (("a",), *_SIZE_WORDS, *_COLOUR_WORDS, *_SHAPE_WORDS, *_FORWARD, *_BACKWARD)
WORDS = tuple(sorted({word for phrases in _ALL for phrase in phrases for word in phrase.split()}))
"""Every word that a sentence can have."""


def describe(meanings: Tensor, random: torch.Generator) -> list[str]:
    """A sentence for each meaning, with synonyms, either word order, and a size or colour left out now and then."""
    chance = torch.rand(len(meanings), 9, generator=random, device=random.device).tolist()
    return [_sentence(meaning, roll) for meaning, roll in zip(meanings.tolist(), chance, strict=True)]


def _sentence(meaning: Sequence[int], roll: Sequence[float]) -> str:
    """One sentence: numbers from 0 to 1 decide what is free in it."""

    def thing(numbers: Sequence[int], free: Sequence[float]) -> str:
        size, colour, shape = numbers
        words = ["a"]
        if size >= 0 and free[0] >= _UNSAID:
            words.append(_pick(_SIZE_WORDS[size], free[1]))
        if colour >= 0 and free[2] >= _UNSAID:
            words.append(_COLOUR_WORDS[colour][0])
        return " ".join([*words, _pick(_SHAPE_WORDS[shape], free[3], 0.85)])

    layout, first, second = meaning[0], thing(meaning[1:4], roll[:4]), ""
    if layout == 0:
        return first
    second = thing(meaning[4:7], roll[4:8])
    turned, synonym = divmod(roll[8] * 2, 1)
    if turned:
        return f"{second} {_pick(_BACKWARD[layout - 1], synonym)} {first}"
    return f"{first} {_pick(_FORWARD[layout - 1], synonym)} {second}"


def _pick(words: Sequence[str], chance: float, first: float = 0.7) -> str:
    """The first word mostly, else the second, where there is one."""
    return words[0] if chance < first else words[-1]


def parse(prompt: str) -> Tensor:
    """The meaning (7,) of a sentence; what it leaves unsaid is -1.

    Raises:
        ValueError: if it is no sentence of this little language; it says what it stumbled over.

    >>> parse("a big blue square below a red circle").tolist()        # the circle comes first, it is above
    [2, -1, 0, 0, 1, 3, 1]
    >>> parse("a red circle left a blue square")
    Traceback (most recent call last):
    ValueError: prompt is 'a red circle left a blue square', with 'left' and no 'of'; did you mean 'left of'?
    """
    words = words_of(prompt)
    if odd := sorted({sign for sign in prompt if not (sign.isalnum() or sign.isspace() or sign in _SILENT)}):
        raise _no_sentence(prompt, f"the sign{_s(odd)} {_listed(odd)}", _KNOWN)
    if unknown := [word for word in dict.fromkeys(words) if word not in WORDS]:
        hints = "".join(nearest(word, WORDS) for word in unknown)
        hints += "; how two things stand is said by left of, right of, above or below" * ("and" in unknown)
        raise _no_sentence(prompt, f"the unknown word{_s(unknown)} {_listed(unknown)}{hints}", _KNOWN)
    text, stands = f" {' '.join(words)} ", list[tuple[int, bool]]()
    for phrase, how in _RELATIONS.items():
        stands += text.count(f" {phrase} ") * [how]
        text = text.replace(f" {phrase} ", f" {_BETWEEN} ")
    parts = [part.split() for part in text.split(_BETWEEN)]
    if len(parts) > 2:
        raise _no_sentence(
            prompt, f"{len(parts)} things", "one or two, with left of, right of, above or below between them"
        )
    things = [_thing(part, prompt) for part in parts]
    if len(things) == 1:
        return torch.tensor([0, *things[0], -1, -1, -1])
    layout, turned = stands[0]
    first, second = reversed(things) if turned else things
    return torch.tensor([layout, *first, *second])


_SILENT = frozenset(",.!?;:'\"-")
"""Signs that say nothing, and may stand anywhere."""

_BETWEEN = "|"
_RELATIONS = {
    phrase: (layout, turned)
    for turned, kinds in ((False, _FORWARD), (True, _BACKWARD))
    for layout, phrases in enumerate(kinds, start=1)
    for phrase in sorted(phrases, key=len, reverse=True)  # "to the left of" before "left of", which is in it
}
"""What says how two things stand: the layout, and whether the second thing is the left or upper one."""

_SUCH = "a thing such as 'a small red circle', or two things and left of, right of, above or below between them"
_KNOWN = f"these words alone: {', '.join(WORDS)}"


def _no_sentence(prompt: str, what: str, allowed: str = "") -> ValueError:
    return ValueError(f"prompt is {prompt!r}, with {what}" + (f"; allowed: {allowed}" if allowed else ""))


def _s(several: Sequence[str]) -> str:
    return "s" * (len(several) > 1)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _thing(words: list[str], prompt: str) -> list[int]:
    """Size, colour and shape from words such as "a small red circle"."""
    rest = words[1:] if words[:1] == ["a"] else words
    found = []
    for kinds in (_SIZE_WORDS, _COLOUR_WORDS, _SHAPE_WORDS):
        number = next((i for i, names in enumerate(kinds) if rest and rest[0] in names), -1)
        rest = rest[1:] if number >= 0 else rest
        found.append(number)
    if rest or found[2] < 0:
        raise _no_sentence(prompt, *_stumble(words))
    return found


def _stumble(words: list[str]) -> tuple[str, str] | tuple[str]:
    """Why these known words are no thing: what stands there, and what may."""
    for side in ("left", "right"):
        if side in words:
            return (f"{side!r} and no 'of'; did you mean '{side} of'?",)
    if "the" in words:
        return ("'the' for a thing; did you mean 'a'?",)
    kinds = {"sizes": _SIZE_WORDS, "colours": _COLOUR_WORDS, "shapes": _SHAPE_WORDS}
    said = {name: [word for word in words if any(word in names for names in kind)] for name, kind in kinds.items()}
    if len(said["shapes"]) > 1 and "a" in words[1:]:
        return "two things and nothing that says how they stand", _SUCH
    if extra := next((name for name in said if len(said[name]) > 1), None):
        return (
            f"{len(said[extra])} {extra} for one thing, {_listed(said[extra])}",
            "one of a kind, such as 'a small red circle'",
        )
    if not said["shapes"]:
        return "a thing without a shape", _SUCH
    if strange := [word for word in words if word not in ("a", *said["sizes"], *said["colours"], *said["shapes"])]:
        return f"{strange[0]!r} where a thing should be", _SUCH
    usual = " ".join(["a", *said["sizes"], *said["colours"], *said["shapes"]])
    return (f"its words in another order; did you mean {usual!r}?",)

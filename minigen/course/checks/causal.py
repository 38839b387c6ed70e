"""The checks of chapter 10, causal architectures."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_digits
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor
from minigen.data import digits
from minigen.generator import Generator
from minigen.heads import Categorical


@exercise("causal-mask")
def _causal_mask(function: Any) -> str:
    for count in (5, 1, 16):
        given = expect_tensor("The mask", ask(function, count), (count, count + 1))
        if not bool(((given == 0) | (given == 1)).all()):
            raise NotYetError("A mask holds True and False (or 1 and 0): who may be looked at, and who may not.")
        seen = given.bool()
        row, place = torch.arange(count)[:, None], torch.arange(count + 1)[None]
        if bool((seen.sum(dim=1) == 0).any()):
            raise NotYetError(
                "Some prediction may look at nothing at all, so its attention divides by zero. What is the start for?"
            )
        own = (seen & (place == row + 1)).any(dim=1)
        if bool(own.all()) and not bool((seen & (place > row + 1)).any()):
            raise NotYetError(
                "One too many: prediction i sees pixel i, which it must guess. Its loss will be wonderful."
                " (The start takes a column, so every pixel stands one further to the right.)"
            )
        if bool((seen & (place > row)).any()):
            raise NotYetError("Some prediction sees a pixel that is not written yet. Turned round, perhaps?")
        if not bool(seen[:, 0].all()):
            raise NotYetError("The start is there for everyone: every prediction may look at the first column.")
        if not bool(seen[row[:, 0], row[:, 0]].all()):
            raise NotYetError("One too few: each prediction misses the pixel just before it, the most useful one.")
        if not bool(seen[place <= row].all()):
            raise NotYetError("Some prediction misses a pixel that is written already. Let it see all of them.")
    return "A triangle of ones, and the start in front: one pass, and nobody sees what it must guess."


@exercise("cache-tokens")
def _cache_tokens(without: Any, with_cache: Any, ratio: Any) -> str:
    traps = {
        65536.0: "65,536 reads the whole picture at each step. This reader takes in only what is there.",
        32640.0: "32,640 forgets that the start token is read, too, in every step.",
        33152.0: "33,152 goes one step too far: the last pixel is written, and nobody reads it any more.",
        256.0: "That would be one token a step. Without a cache every step reads all that is there once more.",
    }
    hint = "Step 1 reads the start alone, step 2 the start and a pixel, and so on: add them up."
    expect_number("The count without a cache", without, 32896, traps, hint, 0)
    traps = {
        255.0: "255 forgets the start token: the first step reads it.",
        257.0: "257 reads the last pixel, too, but nothing is written after it.",
        1.0: "That is the count of one step. How many steps are there?",
    }
    expect_number("The count with a cache", with_cache, 256, traps, "With a cache a step reads only what is new.", 0)
    traps = {
        128.0: "Nearly: the sum of 1, 2, ..., n is a little more than half of n squared.",
        256.0: "The steps get longer bit by bit, so the factor is not the number of pixels.",
        1 / 128.5: "Turned round: how many times *more* tokens does it read without?",
    }
    expect_number("The ratio", ratio, 128.5, traps, "Divide the first count by the second.", digits=4)
    return "About half of the number of pixels: the larger the picture, the more a cache is worth."


def _what_a_side_is(given: Any) -> str:
    """A hint for a result of another shape: over what no average was taken."""
    shape = tuple(getattr(given, "shape", ()))
    if shape == (3, 4, 4):
        return "That is a cost for every pixel: average over the pixels of a picture."
    if 16 in shape:
        return "That still has a number for every grey: of each pixel only the chance of one grey counts."
    return "There are 3 pictures of 4 x 4 pixels here: one number for each picture."


@exercise("bits-per-pixel")
def _bits_per_pixel(function: Any) -> str:
    random = seeded(14)
    levels = 16
    even, pixels = torch.zeros(3, levels, 4, 4).double(), torch.randint(levels, (3, 4, 4), generator=random)
    uneven = torch.randn(3, levels, 4, 4, generator=random, dtype=torch.float64) * 2 + 1
    uneven[1] *= 2  # a picture that costs more than the others
    for name, logits in (("equal beliefs over 16 greys", even), ("some logits", uneven)):
        given = ask(function, logits, pixels)
        if isinstance(given, float) or (isinstance(given, Tensor) and given.dim() == 0):
            raise NotYetError("That is one number for all pictures. Wanted is one for each: average over pixels only.")
        bits = expect_tensor("The result", given, (len(pixels),), _what_a_side_is(given))
        nats = nn.functional.cross_entropy(logits, pixels, reduction="none").flatten(1).mean(dim=1)
        truth = nats / math.log(2)
        first = f"For {name} you say that the first picture costs {float(bits[0]):.3f} bits a pixel. That is not right."
        chances = logits.softmax(dim=1).gather(1, pixels[:, None]).flatten(1)
        across = logits.softmax(dim=2).gather(1, pixels[:, None]).flatten(1)
        wrong = logits.gather(1, pixels[:, None]).flatten(1).mean(dim=1)
        traps = (
            (nats, "Those are nats: the natural logarithm. A bit is a halving."),
            (nats / math.log(10), "That is the logarithm to base 10. A bit is a halving."),
            (-truth, "The sign is turned round: a chance below 1 has a negative logarithm, and a cost is positive."),
            (-chances.mean(dim=1).log2(), "That is the logarithm of a mean. Asked is the mean of logarithms."),
            (-across.log2().mean(dim=1), "Along which axis do the chances of one pixel sum to 1?"),
            (truth.mean().expand(3), "That is the average of all pictures. Each has a cost of its own."),
            (truth * 16, "That is the whole picture's cost. Asked is the cost of a pixel."),
            (truth / 16, "Divided once too often: by the number of pixels, and by nothing else."),
            (-wrong / math.log(2), "Logits are not yet logarithms of chances: the chances of a pixel must sum to 1."),
        )
        otherwise = "Of equal beliefs each grey has the same chance, so it does not matter which was there. (Mind that"
        otherwise += " logits are no chances yet.)"
        if logits is uneven:
            first = f"Equal beliefs come out right. {first}"
            otherwise = "Take one pixel. Which of its 16 logits is that of the true grey, and what chance does it say?"
        expect(bits, truth, traps, otherwise, said=first)
    return "Blind guessing among 16 greys costs 4 bits; the surer a net is of what comes, the fewer."


class _Guesses(nn.Module):
    """A generator as what it says of all pixels in one pass: pictures to logits, (count, 256, greys)."""

    def __init__(self, inside: Generator) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return self.inside.belief(x, torch.zeros_like(x)).flatten(0, 1).flatten(2).transpose(1, 2)


def _moved(guesses: _Guesses, wiggled: Tensor, base: Tensor) -> Tensor:
    """Which guesses differ from those for ``base`` in each of the wiggled pictures: (count, 256), True or False."""
    said = answers_of(guesses, torch.cat([base, wiggled]))
    return (said[1:] - said[:1]).abs().amax(dim=2) > 1e-4 * said.abs().max().clamp(min=1)


def _looks(guesses: _Guesses, picture: Tensor, middle: int) -> tuple[int, int]:
    """How many guesses see what they must not, and how many earlier pixels the guess in the middle sees."""
    other, place = picture.flatten(1).neg(), torch.arange(256)
    later = place >= place[:, None]  # in copy i pixel i and all after it are changed
    alone = (place == place[:, None])[:middle]
    wiggled = torch.where(torch.cat([later, alone]), other, picture.flatten(1)).view(-1, *picture.shape[1:])
    moved = _moved(guesses, wiggled, picture)
    return int(moved[:256].diagonal().sum()), int(moved[256:, middle].sum())


@exercise("train-causal")
def _train_causal(trained: Any) -> str:
    net, middle = expect_digits(trained), 136
    if not isinstance(net.head, Categorical) or net.head.levels != 16:
        raise NotYetError("Its head must be Categorical(16): fewer greys need fewer bits, and say less.")
    guesses, pictures = _Guesses(net), net.head.prepare(digits(split="validation")[0][:200])
    cheats, seen = _looks(guesses, pictures[:1], middle)
    logits, truth = answers_of(guesses, pictures), net.head.index(pictures).flatten(1)
    bits = float(nn.functional.cross_entropy(logits.double().transpose(1, 2), truth)) / math.log(2)
    said = f"It needs {bits:.2f} bits a pixel"
    if cheats:
        raise NotYetError(
            f"{said}, but of its 256 guesses {cheats} move if the pixel that they must guess is changed, with those"
            " after it. What will it do when it writes?"
        )
    said = f"{said}, and its guess for pixel {middle} sees {seen} of the {middle} pixels before it"
    if bits <= 0.85:
        return f"{said}. No guess sees what it must not: these bits are honest."
    said = f"{said}; at most 0.85 bits are wanted."
    if bits > 1.5:
        raise NotYetError(f"{said} Was it trained, and is this the one that was?")
    if seen < 60:
        raise NotYetError(
            f"{said} Most of the digit is out of its reach. What lets a guess see farther, and combine what it sees?"
        )
    if net.loss_on == "next":
        raise NotYetError(f"{said} It reaches far, but how much of a pass is it corrected on?")
    raise NotYetError(f"{said} It reaches far enough to tell digits apart. Has it room to keep what it sees?")

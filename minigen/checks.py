"""The checks of the exercises: they say what is wrong and hint, and never give the answer away.

``check("first-step", 0.4, 1.6)`` looks at an answer and returns a ``Verdict``. An answer that is still
None (or Ellipsis) is "not yet". A reader's own function is tried on inputs that the reader has not seen,
in float64, and whatever goes wrong inside it is told in a sentence.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from minigen.errors import check_choice
from minigen.plans import ramp, raster
from minigen.randomness import seeded


@dataclass(frozen=True)
class Verdict:
    """What a check says: whether the answer is right, and a message that helps."""

    right: bool
    message: str

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.message}"

    def _repr_html_(self) -> str:
        colour, mark = ("#14b8a6", "✓ Right.") if self.right else ("#f59e0b", "○ Not yet.")
        return (
            f'<p class="mg-verdict" style="border-left: 4px solid {colour}; padding: 0.3em 0.8em; margin: 0.5em 0">'
            f"<strong>{mark}</strong> {html.escape(self.message)}</p>"
        )


class NotYetError(Exception):
    """Raised inside a check with the hint for the reader."""


Check = Callable[..., str]
EXERCISES: dict[str, Check] = {}


def _exercise(name: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        EXERCISES[name] = check
        return check

    return register


def check(exercise: str, *answers: Any) -> Verdict:
    """Check the answers to an exercise; its name stands in the notebook's stub.

    >>> check("first-step", None, None)
    Not yet. Put your answer in place of None (or ...) and run the cell again.
    >>> check("first-step", 0.4, 1.6)
    Right. The first step goes a quarter of the way; the last word is the slope that the two points agree on best.
    """
    judge = EXERCISES[check_choice("exercise", exercise, EXERCISES)]
    if any(answer is None or answer is Ellipsis for answer in answers):
        return Verdict(False, "Put your answer in place of None (or ...) and run the cell again.")
    try:
        return Verdict(True, judge(*answers))
    except NotYetError as hint:
        return Verdict(False, str(hint))


# --- tools for checks ------------------------------------------------------------------------------


def _number(
    what: str, given: Any, right: float, traps: Mapping[float, str] | None = None, hint: str = "", near: float = 1e-3
) -> None:
    """Pass if ``given`` is within ``near`` of ``right``; a trap is a wrong answer that has a hint of its own."""
    try:
        value = float(given)
    except (TypeError, ValueError, RuntimeError):  # a tensor of several numbers raises the last
        raise NotYetError(f"{what} should be a number, but it is a {type(given).__name__}.") from None
    if not math.isfinite(value):
        raise NotYetError(f"{what} is {value}; a finite number is wanted.")
    if abs(value - right) <= near:
        return
    for trap, said in (traps or {}).items():
        if abs(value - trap) <= near:
            raise NotYetError(said)
    raise NotYetError(f"{what} is not {value:g}. {hint}".strip())


def _call(function: Any, *arguments: Any) -> Any:
    """The reader's function on some input; its errors become hints, and None means "not written yet"."""
    if not callable(function):
        raise NotYetError(f"A function is wanted, but this is a {type(function).__name__}.")
    copies = [argument.clone() if isinstance(argument, Tensor) else argument for argument in arguments]
    try:
        result = function(*copies)
    except NotImplementedError:
        raise NotYetError("The function is still empty: write it, then run the cell again.") from None
    except Exception as error:
        raise NotYetError(f"Your function stopped with {type(error).__name__}: {error}") from None
    if result is None or result is Ellipsis:
        raise NotYetError("Your function returns nothing yet: write it, and let it return its result.")
    return result


def _tensor(what: str, given: Any, shape: tuple[int, ...], hint: str = "") -> Tensor:
    """The reader's result as a float64 tensor of this shape; ``hint`` says in words what is wanted."""
    try:
        value = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise NotYetError(f"{what} should be numbers, but it is a {type(given).__name__}.") from None
    if tuple(value.shape) != shape:
        raise NotYetError(f"{what} has shape {tuple(value.shape)}, wanted is {shape}. {hint}".strip())
    return value


# --- chapter 1: curve fitting ----------------------------------------------------------------------


@_exercise("first-step")
def _first_step(after_one_step: Any, in_the_end: Any) -> str:
    traps = {
        0.8: "0.8 follows from the sum of the two squared errors. The loss here is their mean.",
        0.2: "0.2 loses a factor 2: the derivative of (w x - y)^2 is 2 (w x - y) x.",
        -0.4: "The step went uphill: subtract the rate times the slope.",
        -8.0: "-8 is the slope of the loss at w = 0. The step is minus the rate times that.",
    }
    hint = "Work out the derivative of the mean of (w x - y)^2 at w = 0, then take 0.05 of it away from w."
    _number("w after one step", after_one_step, 0.4, traps, hint)
    traps = {
        1.75: "1.75 is the mean of the two slopes 2/1 and 3/2. Least squares listens more to the larger x.",
        1.0: "A line through both points would be y = x + 1, but this model has no intercept.",
    }
    _number("w in the end", in_the_end, 1.6, traps, "In the end the slope of the loss is 0: solve that for w.")
    return "The first step goes a quarter of the way; the last word is the slope that the two points agree on best."


@_exercise("count-weights")
def _count_weights(curve: Any, classifier: Any) -> str:
    traps = {80.0: "80 counts the pairs between neurons; each neuron also has one more knob of its own."}
    _number(
        "The small curve's count",
        curve,
        97,
        traps,
        "A layer from a to b has a * b weights, and b more, one for each output.",
        0,
    )
    traps = {1184.0: "1,184 counts the pairs between neurons; each neuron also has one more knob of its own."}
    _number("The small reader's count", classifier, 1210, traps, "Its sizes are 64, 16, 10.", 0)
    return "Most of the reader's numbers sit in its first layer, where the pixels come in."


@_exercise("best-constant")
def _best_constant(function: Any) -> str:
    random = seeded(11)
    for values in (
        torch.tensor([0.0, 0.0, 0.0, 10.0]),
        torch.randn(9, generator=random),
        torch.rand(8, generator=random),
    ):
        values = values.double()
        tried = torch.cat([values, torch.linspace(float(values.min()), float(values.max()), 2001).double()])
        for name, loss in (("squared", torch.square), ("absolute", torch.abs)):
            constant = _tensor("The constant", _call(function, values, name), ())
            reached = loss(values - constant).mean()
            # brute force is coarse for squares, so the exact minimum is added to what was tried
            best = loss(values[:, None] - torch.cat([tried, values.mean()[None]])).mean(dim=0).min()
            if not reached <= best + 1e-9:
                hint = {
                    "squared": "Where is the slope of the mean squared difference zero?",
                    "absolute": "Move the constant a little: how many values come nearer, how many go away?",
                }[name]
                raise NotYetError(
                    f"For the {name} loss and the values {[round(v, 2) for v in values.tolist()]} your constant"
                    f" {float(constant):.3f} leaves a loss of {float(reached):.4f};"
                    f" {float(best):.4f} is possible. {hint}"
                )
    return "Squares make the mean, absolute errors make the median: the loss decides which average you get."


# --- chapter 2: the blurry average -----------------------------------------------------------------


@_exercise("lopsided-coin")
def _lopsided_coin(fit: Any, left: Any) -> str:
    traps = {
        1.0: "1 is the commonest answer. Least squares does not vote: it averages.",
        0.8: "0.8 is the chance of +1; the average also has the -1 in it.",
    }
    _number("The fit", fit, 0.6, traps, "It is the mean of y: 0.8 of the time +1, 0.2 of the time -1.")
    traps = {
        0.8: "0.8 is the loss of always answering +1 (an error of 2 in a fifth of the cases). The mean does better.",
        0.36: "0.36 is the square of the fit; what is left is the variance around it.",
        0.0: "No single answer is right every time, so some loss is left.",
    }
    _number("The loss that is left", left, 0.64, traps, "Put the fit into 0.8 (1 - fit)^2 + 0.2 (-1 - fit)^2.")
    return "The best answer, 0.6, is one that never occurs."


@_exercise("explained")
def _explained(function: Any) -> str:
    random = seeded(12)
    for count, classes in ((60, 3), (101, 4)):
        labels = torch.arange(count) % classes
        images = torch.randn(count, 1, 4, 4, generator=random, dtype=torch.float64) + labels.view(-1, 1, 1, 1)
        total = ((images - images.mean(dim=0)) ** 2).sum()
        within = sum(((images[labels == c] - images[labels == c].mean(dim=0)) ** 2).sum() for c in range(classes))
        share = _tensor("The share", _call(function, images, labels), ())
        truth = 1 - within / total
        if abs(float(share - truth)) <= 1e-10:
            continue
        if abs(float(share - (1 - truth))) <= 1e-10:
            raise NotYetError("That is the share that is left. Asked is the share that knowing the label removes.")
        means = torch.stack([images[labels == c].mean(dim=0) for c in range(classes)])
        even = ((means - images.mean(dim=0)) ** 2).sum() * count / classes / total
        if count % classes and abs(float(share - even)) <= 1e-10:
            raise NotYetError(
                "The classes are not equally large here: weigh each class mean by its number of pictures."
            )
        if count % classes and abs(float(share - truth)) <= 1e-3:
            raise NotYetError("Nearly: but the classes are not equally large here, so weigh each by its pictures.")
        raise NotYetError(
            f"For {count} pictures in {classes} classes you say {float(share):.6f}; right is {float(truth):.6f}."
            " Compare the squared distance to the picture's class mean with that to the mean of all."
        )
    return "Total = within + between, to the last digit: the label removes the part between."


@_exercise("four-or-nine")
def _four_or_nine(belief: Any, left: Any) -> str:
    chances = _tensor("The belief", belief, (2,))
    if abs(float(chances.sum()) - 1) > 1e-3:
        raise NotYetError(f"A belief sums to 1; yours sums to {float(chances.sum()):.3f}.")
    if float(chances.max()) > 0.999:
        raise NotYetError("All on one digit costs an infinite loss as soon as somebody says the other one.")
    hint = "Try (0.7, 0.3) and (0.8, 0.2): which costs less? What is special about the best? First the 4, then the 9."
    _number("The belief in 4", chances[0], 0.75, {0.5: "Half and half ignores that three of four say 4."}, hint)
    traps = {
        0.8113: "0.8113 is right in bits (logarithm to base 2). Asked is nats, the natural logarithm.",
        0.2877: "-ln 0.75 is what the three who said 4 pay; the fourth pays -ln 0.25. Take the mean of all four.",
    }
    hint = "The mean of -ln(belief in what was said) over the four people."
    _number("The loss that is left", left, 0.5623, traps, hint, near=0.003)
    return "An average of labels is a belief, and a true one: three quarters for the 4, a quarter for the 9."


# --- chapter 3: missing pixels ---------------------------------------------------------------------


@_exercise("count-belief")
def _count_belief(function: Any) -> str:
    random = seeded(13)
    pictures = torch.randint(2, (40, 4), generator=random)
    pictures[:, 3] = pictures[:, 0]  # the last pixel always equals the first
    for seen, position in (({}, 0), ({1: 1}, 0), ({0: 1}, 3), ({0: 0, 1: 1}, 2), ({2: 0, 3: 1}, 1)):
        fits = torch.ones(len(pictures), dtype=torch.bool)
        for pixel, value in seen.items():
            fits &= pictures[:, pixel] == value
        truth = torch.stack([(pictures[fits, position] == value).double().mean() for value in (0, 1)])
        given = _tensor("The belief", _call(function, pictures, dict(seen), position), (2,))
        if torch.allclose(given, truth, atol=1e-9):
            continue
        if abs(float(given.sum()) - 1) > 1e-6:
            raise NotYetError(f"A belief sums to 1; with seen = {seen} yours sums to {float(given.sum()):.3f}.")
        everyone = torch.stack([(pictures[:, position] == value).double().mean() for value in (0, 1)])
        if torch.allclose(given, everyone, atol=1e-9):
            raise NotYetError("You count all pictures. Count only those that agree with every seen pixel.")
        if torch.allclose(given, truth.flip(0), atol=1e-9):
            raise NotYetError("The order is turned round: first the chance of 0, then the chance of 1.")
        raise NotYetError(f"With seen = {seen} the belief about pixel {position} should be {truth.tolist()}.")
    return "That is all a belief is: among the pictures that still fit, how many have which value here."


@_exercise("draw-error")
def _draw_error(factor: Any) -> str:
    traps = {
        1.0: "1 would mean that drawing costs nothing. Work it out for one pixel that is 0 or 1 equally often.",
        math.sqrt(2): "sqrt 2 is the factor of the *distance*; asked is that of the squared error.",
        4.0: "4 would be two equal errors that always add up. Here they are independent, so only their squares add.",
        0.5: "0.5 is the error of the throw itself; divide it by that of the average.",
    }
    hint = "The truth and the draw are two independent draws from the same belief; what is the mean squared difference?"
    _number("The factor", factor, 2.0, traps, hint)
    return "A draw has twice the squared error of the average. But unlike the average it is a value that really occurs."


class _Honest(nn.Module):
    """Hides first, then looks."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():  # the reader's own random numbers stay as they are
            torch.manual_seed(5)
            self.net = nn.Conv2d(2, 1, 5, padding=2).double()

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        picture = picture.double()
        return self.net(torch.cat([picture.masked_fill(hidden, 0), hidden.double()], dim=1))


class _TooLate(_Honest):
    """Looks first, then hides."""

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        looked = self.net(torch.cat([picture.double(), hidden.double()], dim=1))
        return super().forward(picture, hidden) + looked.masked_fill(hidden, 0)


class _OnePixel(_Honest):
    """Hides all but one hidden pixel, always the same one."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.forgotten = row, column

    def forward(self, picture: Tensor, hidden: Tensor) -> Tensor:
        some = hidden.clone()
        some[(..., *self.forgotten)] = False
        return super().forward(picture, some)


@_exercise("leaks")
def _leaks(function: Any) -> str:
    honest = "This net hides first and looks then, so it is honest; only *hidden* content may not matter."
    late = (
        "This net looks first and hides then: hidden content reaches the pixels beside it. You missed it."
        " (If everything is covered, nothing that is seen can give it away: cover only some.)"
    )
    one = "This net forgets to hide one single pixel. Somewhere it is covered in one of your tries, or should be."
    forgetful = [(_OnePixel(row, column), True, one) for row, column in ((0, 0), (7, 7), (2, 6), (5, 1))]
    for net, truth, hint in ((_Honest(), False, honest), (_TooLate(), True, late), *forgetful):
        given = _call(function, net)
        if isinstance(given, Tensor) and given.numel() == 1:
            given = bool(given)
        if not isinstance(given, bool):
            raise NotYetError(f"leaks(net) should return True or False, but it returned a {type(given).__name__}.")
        if given is not truth:
            raise NotYetError(hint)
    return "Change what is hidden, and see whether anything moves: the cheapest test there is against cheating."


# --- chapter 4: auto-regression --------------------------------------------------------------------


def _raises(function: Any, *arguments: Any) -> bool:
    """Whether the reader's function answers with a ``ValueError``."""
    try:
        function(*arguments)
    except ValueError:
        return True
    except Exception as error:
        said = f"Your function stopped with {type(error).__name__}{f': {error}' if str(error) else ''}."
        raise NotYetError(f"{said} Wanted is a ValueError: raise ValueError(...)") from None
    return False


@_exercise("chain")
def _chain(function: Any) -> str:
    random = seeded(14)
    table = torch.rand(2, 2, 2, generator=random, dtype=torch.float64)
    table /= table.sum()
    for order in itertools.permutations(range(3)):
        picture = (1, 0, 1) if order[0] else (0, 1, 1)
        given = _tensor("The result", _call(function, table, picture, order), (3,))
        wanted, alone, known = [], [], table
        for place in order:
            others = tuple(i for i in range(3) if i != place)
            alone.append(table.sum(dim=others)[picture[place]])
            chances = known.sum(dim=others)
            wanted.append(chances[picture[place]] / chances.sum())
            keep = torch.zeros(2, dtype=torch.float64)
            keep[picture[place]] = 1
            known = known * keep.view([2 if i == place else 1 for i in range(3)])
        if torch.allclose(given, torch.stack(wanted), rtol=0, atol=1e-12):
            continue
        if torch.allclose(given, torch.stack(alone), rtol=0, atol=1e-9):
            raise NotYetError(
                "These are the chances of each pixel by itself. The second must be told the first, the third both:"
                " look only at the part of the table that agrees with what is written."
            )
        if torch.allclose(given[torch.tensor(order).argsort()], torch.stack(wanted), rtol=0, atol=1e-9):
            raise NotYetError("Right numbers, but sorted by pixel: return them in the order in which they are written.")
        product, cell = float(given.prod()), float(table[picture])
        raise NotYetError(
            f"For order {order} the product of your three chances is {product:.4f}, and the table says {cell:.4f}"
            f" for this picture{'; yet single chances are off' if abs(product - cell) < 1e-9 else ''}. Each is the"
            " chance of the pixel's value among those pictures that agree with what is written so far."
        )
    return "Six orders, six times the same product: any order is right, if every pixel is told what is there already."


@_exercise("temper")
def _temper(function: Any) -> str:
    for p, T in (((0.8, 0.2), 0.5), ((0.5, 0.3, 0.2), 2.0), ((0.1, 0.6, 0.3), 1.0), ((0.7, 0.0, 0.3), 0.25)):
        chances = torch.tensor(p, dtype=torch.float64)
        wanted = chances ** (1 / T) / (chances ** (1 / T)).sum()
        given = _tensor("The result", _call(function, chances, T), (len(p),))
        if torch.allclose(given, wanted, rtol=0, atol=1e-9):
            continue
        if torch.allclose(given, chances ** (1 / T), rtol=0, atol=1e-9):
            raise NotYetError("Chances must sum to 1: divide by their sum.")
        upside_down = chances**T / (chances**T).sum()
        if torch.allclose(given, upside_down, rtol=0, atol=1e-9) or torch.allclose(given, chances**T, atol=1e-9):
            raise NotYetError(
                "This grows more cautious as T grows. Below 1 the likely should become likelier: turn T round."
            )
        soft = (chances / T).softmax(dim=0)
        if torch.allclose(given, soft, rtol=0, atol=1e-9):
            raise NotYetError("A softmax wants logarithms of chances; you gave it the chances.")
        raise NotYetError(f"For p = {p} and T = {T} you return {[round(v, 4) for v in given.tolist()]}.")
    for p in ((0.2, 0.5, 0.3), (0.1, 0.0, 0.9)):
        given = _tensor("The result at T = 0", _call(function, torch.tensor(p, dtype=torch.float64), 0.0), (3,))
        wanted = torch.tensor([float(v == max(p)) for v in p], dtype=torch.float64)
        if not torch.allclose(given, wanted, rtol=0, atol=1e-9):
            raise NotYetError("At T = 0 all of the chance belongs to the likeliest value; write that case by itself.")
    if not _raises(function, torch.tensor([0.8, 0.2], dtype=torch.float64), -1.0):
        raise NotYetError("A temperature below 0 makes no sense: raise a ValueError that says what is allowed.")
    return "One dial from the most cautious choice (0) over the belief itself (1) to pure chance (very large)."


@_exercise("pixel-bill")
def _pixel_bill(small: Any, large: Any, minutes: Any) -> str:
    traps = {256.0: "That is 16 x 16; asked is 28 x 28.", 783.0: "The first pixel needs a call, too."}
    _number("The calls for 28 x 28 grey", small, 784, traps, "One call a pixel.", 0)
    traps = {
        1048576.0: "That counts pixels; each has three colour values, and each is written by a call of its own.",
        1024.0: "That is one row. There are as many rows as columns, and three colour values a pixel.",
    }
    _number("The calls for 1024 x 1024 RGB", large, 3 * 1024**2, traps, "One call a colour value.", 0)
    traps = {
        3145.728: "That is in seconds.",
        17.476: "That is for one colour value a pixel; there are three.",
        0.874: "That is in hours.",
    }
    _number("The minutes", minutes, 3 * 1024**2 / 60000, traps, "Calls times a thousandth of a second, over 60.", 0.1)
    return "Millions of calls, one after the other: no faster machine does them side by side."


# --- chapter 5: patches ----------------------------------------------------------------------------


@_exercise("two-pixels")
def _two_pixels(differ: Any, bits: Any) -> str:
    traps = {
        0.1: "That is how often they differ in real pictures. In one call neither is told what the other became.",
        0.9: "Each is drawn alone, so the other's value says nothing.",
        0.18: "0.18 would be two pixels, each a wrong copy of a third. Here each is a fair coin of its own.",
    }
    hint = "Each is 0 or 1 equally often, and they are drawn without looking at each other."
    _number("The chance that they differ", differ, 0.5, traps, hint)
    traps = {
        0.469: "That is the entropy of differing: what is left to learn of the second, once the first is known.",
        0.368: "That is in nats; asked is bits (logarithm to base 2).",
        1.0: "1 bit is all there is to know about a fair pixel. The first pixel does not give away all of it.",
        0.325: "In nats, and the entropy of differing: asked is 1 bit minus that entropy, in bits.",
    }
    hint = "Bits for two fair pixels drawn alone (2), minus the bits of a pair that differs with chance 0.1."
    _number("The bits lost", bits, 0.5310, traps, hint)
    return (
        "The loss is the mutual information: what one pixel says about the other, thrown away by drawing both at once."
    )


@_exercise("border-inside")
def _border_inside(chances: Any) -> str:
    given = _tensor("The result", chances, (4,))
    differ = [0.5 - 0.5 * 0.8**k for k in range(1, 5)]  # from the pixel that was written before, k places on
    wanted = [differ[0]] + [a * (1 - b) + b * (1 - a) for a, b in itertools.pairwise(differ)]
    if torch.allclose(given, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=2e-3):
        return "The seam to the written patch is as good as real; farther in, a pixel knows ever less of its neighbour."
    if torch.allclose(given, torch.full((4,), 0.1, dtype=torch.float64), atol=2e-3):
        raise NotYetError("That is so in real rows. Inside the patch the neighbours are drawn without each other.")
    if torch.allclose(given, torch.tensor([0.1, 0.5, 0.5, 0.5], dtype=torch.float64), atol=2e-3):
        raise NotYetError(
            "Inside they don't see each other, but all of them see the written pixel: better than a coin."
        )
    if torch.allclose(given, torch.full((4,), 0.5, dtype=torch.float64), atol=2e-3):
        raise NotYetError("Coins would be drawn without knowing anything. All four know the written pixel to the left.")
    if torch.allclose(given, torch.tensor(differ, dtype=torch.float64), atol=2e-3):
        raise NotYetError(
            "That is how often each differs from the *written* pixel. Asked is the difference of neighbours."
        )
    if abs(float(given[0]) - 0.1) > 2e-3:
        raise NotYetError("Begin with the border: the first pixel is drawn knowing the one to its left.")
    raise NotYetError(
        "The border is right. Inside: work out how often each pixel differs from the written one; two neighbours, drawn"
        " without each other, differ if exactly one of them does."
    )


@_exercise("raster-plan")
def _raster_plan(function: Any) -> str:
    for size, patch in ((4, 2), (4, 4), (16, 1), (6, 3), (8, 2)):
        wanted = raster(patch).matrix((1, size, size)).double()
        given = _tensor(f"raster_plan({size}, {patch})", _call(function, size, patch), tuple(wanted.shape))
        if torch.equal(given, wanted):
            continue
        if torch.equal(given, 1 - wanted):
            raise NotYetError("Upside down: 1 is for what is missing, 0 for what is there.")
        if not bool((given[0] == 1).all() and (given[-1] == 0).all()):
            raise NotYetError("The first row is all 1 (nothing there), the last all 0 (the picture).")
        if bool((given.diff(dim=0) > 0).any()):
            raise NotYetError("Somewhere a pixel disappears again: going down, no column may rise.")
        if torch.equal(given.sum(dim=1), wanted.sum(dim=1)):
            raise NotYetError(
                f"raster_plan({size}, {patch}) writes the right number of pixels a step, but not the right ones: a"
                f" patch is {patch} rows high and {patch} columns wide; a plan's row is the picture, row after row."
            )
        raise NotYetError(f"raster_plan({size}, {patch}) is not right: each step writes {patch * patch} more pixels.")
    if not _raises(function, 16, 3):
        raise NotYetError("3 does not divide 16: raise a ValueError that says so.")
    return "One number, the patch, takes the plan from one pixel a step to everything at once."


# --- chapter 6: spreading the removal --------------------------------------------------------------


def _row_table(flip: float) -> Tensor:
    """The chances of all rows of four pixels, each differing from the one before with chance ``flip``."""
    table = torch.zeros(2, 2, 2, 2, dtype=torch.float64)
    for row in itertools.product((0, 1), repeat=4):
        table[row] = 0.5 * math.prod(flip if a != b else 1 - flip for a, b in itertools.pairwise(row))
    return table


def _entropy(table: Tensor, kept: set[int]) -> float:
    """Bits of the pixels ``kept``, the others summed out."""
    others = [place for place in range(table.dim()) if place not in kept]
    chances = table.sum(dim=others) if others else table
    return float(-(chances * chances.log2()).sum())


_Order = list[tuple[int, ...]]


def _bits_lost(table: Tensor, order: _Order, remember: bool = True) -> float:
    lost, seen = 0.0, set[int]()
    for call in order:
        before = seen if remember else set()
        alone = sum(_entropy(table, before | {place}) - _entropy(table, before) for place in call)
        lost += alone - (_entropy(table, before | set(call)) - _entropy(table, before))
        seen = seen | set(call)
    return lost


_ORDERS: tuple[_Order, ...] = (
    [(0, 1), (2, 3)], [(0, 2), (1, 3)], [(0,), (1,), (2,), (3,)], [(0, 1, 2, 3)], [(2,), (0, 1, 3)]
)  # fmt: skip


@_exercise("bits-lost")
def _bits_lost_exercise(function: Any, best: Any) -> str:
    anything = torch.rand(2, 2, 2, 2, generator=seeded(15), dtype=torch.float64) + 0.02
    for table, order in itertools.product((_row_table(0.1), anything / anything.sum()), _ORDERS):
        truth, entropy = _bits_lost(table, order), _entropy(table, {0, 1, 2, 3})
        given = float(_tensor("The bits lost", _call(function, table, list(order)), ()))
        if abs(given - truth) <= 1e-6:
            continue
        said = f"For the order {order} you say {given:.4f} bits."
        for trap, hint in (
            (truth * math.log(2), "Those are nats: take logarithms to base 2."),
            (-truth, "The sign is turned round: pixels of one call cost more than pixels one by one."),
            (truth + entropy, "That is the whole message. Take away what the row costs if nothing is wasted."),
            (_bits_lost(table, order, remember=False), "A later call knows what the earlier ones wrote."),
        ):
            if abs(given - trap) <= 1e-6:
                raise NotYetError(f"{said} {hint}")
        if max(map(len, order)) == 1:
            raise NotYetError(f"{said} One pixel a call is exact, so nothing may be lost there.")
        raise NotYetError(f"{said} Add up each pixel's bits given the calls before, then compare with the row's.")
    return _judge_best(best)


def _judge_best(best: Any) -> str:
    try:
        calls = [sorted(int(place) for place in call) for call in best]
    except (TypeError, ValueError, RuntimeError):
        raise NotYetError("The best order should look like [(0, 1), (2, 3)]: two calls, two places each.") from None
    if sorted(itertools.chain(*calls)) != [0, 1, 2, 3] or [len(call) for call in calls] != [2, 2]:
        raise NotYetError("The best order should have two calls, two places each, and every place from 0 to 3 once.")
    table = _row_table(0.1)
    pairs: list[_Order] = [[pair, tuple({0, 1, 2, 3} - set(pair))] for pair in itertools.combinations(range(4), 2)]
    if _bits_lost(table, [tuple(call) for call in calls]) <= min(_bits_lost(table, each) for each in pairs) + 1e-9:
        return "Far apart first, so that each gap is filled from both sides. Yet something is lost: two can't agree."
    if calls == [[1, 2], [0, 3]]:
        raise NotYetError("Turned round, it is the best: begin with the pixels that say least of each other.")
    raise NotYetError("There is a better order: try all six with your function.")


def _what_is_wrong(name: str, given: Tensor, wanted: Tensor) -> str:
    """The hint for a ramp that is not right: the first of these that holds."""

    def near(other: Tensor) -> bool:
        return torch.allclose(given, other, rtol=0, atol=1e-4)

    found = {
        "Upside down: 1 is for nothing left, 0 for all there.": near(1 - wanted),
        "Some levels lie below 0 or above 1: a pixel waits at 1, and stays at 0 once it is there.": bool(
            (given > 1 + 1e-6).any() or (given < -1e-6).any()
        ),
        "The first row is not all 1: at the start nothing is there, of any pixel.": not bool((given[0] == 1).all()),
        "Turned round: the first pixel begins first.": near(wanted.flip(1)),
        "The last row is not all 0: the last pixel must begin early enough to end in time.": bool(
            (given[-1] > 1e-6).any()
        ),
        "Somewhere a pixel disappears again: going down, no column may rise.": bool((given.diff(dim=0) > 1e-6).any()),
        "Only levels 0 and 1: on the way down a pixel passes through what lies between.": bool(
            (given == given.round()).all()
        ),
        "The first pixel is right, the others are not: when does each of them begin?": bool(
            torch.allclose(given[:, 0], wanted[:, 0], atol=1e-4)
        ),
    }
    hints = [hint for hint, holds in found.items() if holds]
    return f"{name} is not right. {[*hints, 'How far has the first pixel fallen, after each step?'][0]}"


@_exercise("ramp-matrix")
def _ramp_matrix(function: Any) -> str:
    for pixels, width, steps in ((4, 0.5, 4), (5, 1.0, 3), (4, 0.25, 4), (16, 0.3, 10), (2, 0.6, 7)):
        wanted = ramp(width).matrix((pixels,), steps).double()
        name = f"ramp_matrix({pixels}, {width:g}, {steps})"
        given = _tensor(name, _call(function, pixels, width, steps), tuple(wanted.shape))
        if torch.allclose(given, wanted, rtol=0, atol=1e-4):
            continue
        raise NotYetError(_what_is_wrong(name, given, wanted))
    return "One number slides from one pixel after the other to all at once, and nothing else changes."


@_exercise("never-disagree")
def _never_disagree(differ: Any, brightness: Any) -> str:
    traps = {
        0.5: "Half is right for pixels that are *drawn* alone in one call. Here each call writes an average.",
        1.0: "They always agree: asked is how often they do not.",
    }
    hint = "Compare the two columns of what you sampled: both get the same average. How far apart are they?"
    _number("The share that disagrees", differ, 0.0, traps, hint, near=0.004)
    given = _tensor("The brightness", brightness, (4,))
    wanted = torch.tensor([0.0, 0.6560, 0.9714, 0.9996], dtype=torch.float64)
    if bool(((given - wanted).abs() <= 0.01).all()):
        return (
            "Averages never contradict each other. In one call they are grey; more calls let them make up their mind."
        )
    if bool((given[1:].abs() < 0.05).all()):
        raise NotYetError(
            "The values cancel, since +1 and -1 come equally often. Take absolute values before the mean."
        )
    if bool((given[1:] > 0.9999).all()):
        raise NotYetError("So clear a pixel comes from drawing. Use the head that answers with an average.")
    if bool(((given - torch.tensor([0.0, 0.5186, 0.9587, 0.9994])).abs() <= 0.01).all()):
        raise NotYetError("Those are means of squares. Take the mean of the absolute values.")
    if abs(float(given[0])) > 0.01:
        raise NotYetError("Begin with one call: what is the average of two equally likely answers, +1 and -1?")
    raise NotYetError("The mean of the absolute values of what comes out, for 1, 2, 4 and 8 calls: which are off?")


# --- chapter 7: diffusion --------------------------------------------------------------------------


@_exercise("onward")
def _onward(function: Any, steps: Any) -> str:
    for (alpha_u, sigma_u), (alpha_t, sigma_t) in (
        ((1.0, 0.0), (0.6, 0.8)),
        ((0.8, 0.6), (0.6, 0.8)),
        ((math.cos(0.3), math.sin(0.3)), (math.cos(1.1), math.sin(1.1))),
        ((0.7, 0.3), (0.0, 1.0)),
        ((0.75, 0.25), (0.4, 0.6)),
    ):
        said = f"onward({alpha_u:.3g}, {sigma_u:.3g}, {alpha_t:.3g}, {sigma_t:.3g})"
        given = _tensor(f"What {said} returns", _call(function, alpha_u, sigma_u, alpha_t, sigma_t), (2,))
        factor, variance = alpha_t / alpha_u, sigma_t**2 - (alpha_t / alpha_u * sigma_u) ** 2
        if abs(float(given[0]) - factor) > 1e-12:
            hint = "What is left of the picture goes from alpha(u) to alpha(t): by what is it multiplied?"
            if alpha_t and abs(float(given[0]) - 1 / factor) <= 1e-9:
                hint = "Turned round: from u to t the picture gets fainter."
            elif abs(float(given[0]) - alpha_t) <= 1e-9:
                hint = "That would be the factor if x_u still were the whole picture."
            raise NotYetError(f"{said}: the factor is not right. {hint}")
        for trap, hint in (
            (math.sqrt(variance), "That is the noise's size. Asked is its variance, the square."),
            (sigma_t**2, "Some noise is in x_u already: the fresh one need only bring the rest."),
            (sigma_t**2 - sigma_u**2, "The noise that is in x_u gets fainter, too, with the picture."),
            (sigma_t**2 - factor * sigma_u**2, "If noise is multiplied by a factor, what happens to its variance?"),
        ):
            if abs(float(given[1]) - variance) > 1e-12 and abs(float(given[1]) - trap) <= 1e-9:
                raise NotYetError(f"{said}: the variance is not right. {hint}")
        if abs(float(given[1]) - variance) > 1e-12:
            raise NotYetError(
                f"{said}: the variance is not right. Variances of independent noises add up: to what, here?"
            )
    one_off = "One off: is the share under 1 % for the first time after so many steps?"
    traps = {
        228.0: "That is for alpha squared. Asked is alpha itself, the factor in front of the picture.",
        227.0: "That is for alpha squared. Asked is alpha itself, the factor in front of the picture.",
        455.0: one_off,
        457.0: one_off,
        460.0: "Nearly: the logarithm of 1 - beta is not quite -beta.",
        461.0: "Nearly: the logarithm of 1 - beta is not quite -beta.",
    }
    hint = "Each step multiplies the picture by the same factor, sqrt(1 - beta). When is its power below 0.01?"
    _number("The number of steps", steps, 456, traps, hint, near=0.01)
    return "Small steps add up to one large one, so any level is reached in one line, without the steps before."


def _perfect(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    squares = ((x_t[:, None] - alpha * pictures) ** 2).sum(dim=2)
    return (-squares / (2 * sigma**2)).softmax(dim=1) @ pictures


@_exercise("perfect-guess")
def _perfect_guess(function: Any, new: Any) -> str:
    random = seeded(17)
    for size, t in ((3, 0.45), (3, 0.8), (7, 0.3), (3, 1.0), (2000, 0.02)):
        alpha, sigma = (0.0, 1.0) if t == 1 else (math.cos(t * math.pi / 2), math.sin(t * math.pi / 2))
        pictures = torch.rand(20, size, generator=random, dtype=torch.float64) * 2 - 1
        x_t = alpha * pictures[:6] + sigma * torch.randn(6, size, generator=random, dtype=torch.float64)
        said = f"At t = {t:g}"
        given = _tensor("The guess", _call(function, x_t, alpha, sigma, pictures), (6, size))
        wanted = _perfect(x_t, alpha, sigma, pictures)
        if torch.allclose(given, wanted, rtol=0, atol=1e-9):
            continue
        if not bool(given.isfinite().all()):
            raise NotYetError(
                f"{said} it is no number: all weights became 0 before you divided. A factor that all weights share"
                " cancels, so choose it such that the largest weight is 1."
            )
        nearest = pictures[torch.cdist(x_t, alpha * pictures).argmin(dim=1)]
        for trap, hint in (
            (pictures.mean(dim=0).expand_as(wanted), "That is the plain mean. What fits x_t better counts more."),
            (nearest, "That is the picture that fits best. The guess is a mean of all, and the best only counts most."),
            (_perfect(x_t / max(alpha, 1e-9), 1.0, sigma, pictures), "Compare x_t itself with the faint pictures."),
            (_weighed(x_t, pictures, sigma**2), "In x_t the pictures are fainter: compare it with those."),
            (_weighed(x_t, alpha * pictures, sigma**2 / 2, pictures), "The weights fall too fast: a 2 is missing."),
            (_weighed(x_t, alpha * pictures, sigma, pictures), "Sigma comes into the weights squared."),
            (alpha * wanted, "That is the picture as faint as in x_t. The guess is the clean picture."),
        ):
            if torch.allclose(given, trap, rtol=0, atol=1e-6):
                raise NotYetError(f"{said} it is not right. {hint}")
        raise NotYetError(f"{said} it is not right. Do the weights of one x_t sum to 1, over the 20 pictures?")
    traps = {
        20.0: "20 is how many there are to copy. Asked is how many of the 200 results are none of them.",
        200.0: "All of them? Look at the distance of each result to the *nearest* of the 20.",
    }
    hint = "Walk down from noise, 64 calls, with your function as the guess. How many end away from all 20?"
    _number("The number of new pictures", new, 0, traps, hint, near=0.5)
    return "At t = 1 the mean of all, near 0 the best fit, and at the end of every walk a copy."


def _weighed(x_t: Tensor, centres: Tensor, variance: float, pictures: Tensor | None = None) -> Tensor:
    """Means of the pictures, weighed by their distance from the centres."""
    squares = ((x_t[:, None] - centres) ** 2).sum(dim=2)
    return (-squares / (2 * variance)).softmax(dim=1) @ (centres if pictures is None else pictures)


@_exercise("normal-guess")
def _normal_guess(function: Any) -> str:
    x_t = torch.tensor([-1.5, 0.2, 0.9, 2.0], dtype=torch.float64)
    for (alpha, sigma), (m, v) in itertools.product(
        ((0.6, 0.8), (0.96, 0.28), (0.5, 0.5), (0.0, 1.0)), ((0.0, 1.5), (0.5, 0.04), (-1.0, 2.0))
    ):
        said = f"With alpha = {alpha:g}, sigma = {sigma:g} and data N({m:g}, {v:g})"
        given = _tensor("The guess", _call(function, x_t, alpha, sigma, m, v), (4,))
        slope = alpha * v / (alpha**2 * v + sigma**2)
        if torch.allclose(given, m + slope * (x_t - alpha * m), rtol=0, atol=1e-9):
            continue
        if not bool(given.isfinite().all()):
            raise NotYetError(f"{said} it is no number. Where nothing of the data is left, what do you still know?")
        seen = x_t - alpha * m
        for trap, hint in (
            (x_t / alpha if alpha else x_t, "That trusts x_t wholly. What if the noise is far larger than the data?"),
            (x_t, "That hands back what is seen, noise and all."),
            (torch.full_like(x_t, m), "That is the guess of one who sees nothing. x_t does say something."),
            (slope * x_t, "The mean of the data is forgotten."),
            (slope * seen, "The mean of the data is forgotten."),
            (m + slope * (x_t - m), "In x_t the mean, too, is only alpha times as large."),
            (m + v / (alpha**2 * v + sigma**2) * seen, "How do x0 and x_t vary together? An alpha is missing."),
            (m + alpha * v / (v + sigma**2) * seen, "What is the variance of x_t? An alpha is missing."),
            (m + alpha * v / (alpha**2 * v + sigma) * seen, "Variances add up, and sigma is no variance."),
            (m + alpha * v**0.5 / (alpha * v**0.5 + sigma) * seen, "Variances add up, not sizes."),
        ):
            if torch.allclose(given, trap, rtol=0, atol=1e-9):
                raise NotYetError(f"{said} it is not right. {hint}")
        raise NotYetError(
            f"{said} it is not right. The line's slope is the covariance of x0 and x_t, over the variance of x_t."
        )
    return "A mean between what is seen and what is known before: the noisier, the less the guess listens."


# --- chapter 8: few steps --------------------------------------------------------------------------


@_exercise("shrinking-spread")
def _shrinking_spread(function: Any) -> str:
    for calls in (1, 2, 4, 8, 3, 50):
        step = math.cos(math.pi / (2 * calls))
        given = float(_tensor(f"spread({calls})", _call(function, calls), ()))
        if abs(given - step**calls) <= 1e-3:
            continue
        said = f"spread({calls}) is not {given:.4f}."
        if abs(given - 1) <= 1e-3:
            raise NotYetError(f"{said} The data have spread 1, but a walk in few steps ends too near to the average.")
        if calls > 1 and abs(given - step) <= 1e-3:
            raise NotYetError(f"{said} That is what one step does. The walk takes {calls} of them.")
        if abs(given - step ** (2 * calls)) <= 1e-3:
            raise NotYetError(f"{said} That is the variance; the spread is its square root.")
        if calls == 1:
            raise NotYetError(f"{said} One call writes down the first guess. What is it at level 1?")
        raise NotYetError(f"{said} By what factor does one step change x? Put the guess into the step and see.")
    return "The cosine of a small angle is nearly 1, so many small steps lose little: 4 calls a quarter, 64 a fiftieth."


@_exercise("count-calls")
def _count_calls(function: Any) -> str:
    hints = {
        "plain": "One guess a step, so one call a step.",
        "two guesses": "The guess before was paid for already: no call is added.",
        "heun": "Two calls a step, but in the last step the end is the picture, and nothing is asked there.",
    }
    for steps, (way, hint), guided in itertools.product((16, 1, 5), hints.items(), (False, True)):
        once = 2 * steps - 1 if way == "heun" else steps
        wanted = 2 * once if guided else once
        given = float(_tensor("What calls returns", _call(function, steps, way, guided), ()))
        if given == wanted:
            continue
        said = f"calls({steps}, {way!r}, {guided}) is not {given:g}."
        if guided and given in (once, once + steps, 4 * steps - 1):
            raise NotYetError(
                f"{said} Guided, each time the network is asked it is asked twice, in every part of a step."
            )
        raise NotYetError(f"{said} {hint}")
    return "Two guesses are free, a second question is not. So compare ways of walking at equal calls, not equal steps."


@_exercise("what-leaks")
def _what_leaks(ddpm: Any, ours: Any) -> str:
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    left = float((1 - betas).prod())
    traps = {
        left: "That is what is left of the variance. The factor in front of the picture is its square root.",
        0.0: "Nearly, but not nothing: that is the point. Five decimals are asked.",
        math.sqrt(1 - left): "That is the factor in front of the noise.",
    }
    hint = "Each step multiplies the picture by the root of 1 - beta. Multiply all thousand."
    _number("DDPM's factor", ddpm, math.sqrt(left), traps, hint, near=1e-5)
    hint = "Look at alpha's formula: how large is the cosine of a right angle?"
    _number("Ours", ours, 0.0, {math.sqrt(left): "That is DDPM's again."}, hint, near=1e-5)
    return (
        "Small, but a network that sees many pixels can read it. A schedule that ends with nothing has no such trace."
    )


# --- chapter 9: one network, and what it predicts -------------------------------------------------

_NAMES = ("x0", "eps", "v")


def _named(alpha: float, random: torch.Generator) -> tuple[dict[str, Tensor], Tensor, float]:
    """Some picture, its noise and its v (cosine), the mixture, and sigma."""
    sigma = math.sqrt(1 - alpha**2)
    x0, eps = torch.randn(2, 5, 3, generator=random, dtype=torch.float64)
    return {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0}, alpha * x0 + sigma * eps, sigma


@_exercise("name-one-get-all")
def _name_one_get_all(function: Any) -> str:
    random = seeded(9)
    for alpha, (source, target) in itertools.product((0.6, 0.1, 0.98), itertools.product(_NAMES, _NAMES)):
        names, x_t, sigma = _named(alpha, random)
        value, wanted = names[source], names[target]
        said = f"From {source} to {target} at alpha = {alpha:g}"
        given = _tensor(said, _call(function, value, source, target, x_t, alpha, sigma), tuple(wanted.shape))
        if torch.allclose(given, wanted, rtol=0, atol=1e-6):
            continue
        if torch.allclose(given, -wanted, rtol=0, atol=1e-6):
            raise NotYetError(f"{said}: the sign is turned round. In v the noise counts plus, the picture minus.")
        if source == target:
            raise NotYetError(f"{said}: nothing is to be done there, so hand the value back.")
        if source != "x0" and target != "x0":
            raise NotYetError(f"{said}: not right. Go round by the picture itself.")
        if "v" in (source, target):
            raise NotYetError(f"{said}: not right. Two equations hold, one for x_t and one for v: solve them for x0.")
        raise NotYetError(f"{said}: not right. Solve x_t = alpha x0 + sigma eps for what is asked.")
    for target in ("x0", "v"):
        names, x_t, sigma = _named(0.0, random)
        _raises_at_pure_noise(function, names["eps"], target, x_t)
    names, x_t, sigma = _named(0.0, random)
    given = _tensor("From v to x0 at alpha = 0", _call(function, names["v"], "v", "x0", x_t, 0.0, 1.0), (5, 3))
    if not torch.allclose(given, names["x0"], rtol=0, atol=1e-6):
        raise NotYetError("From v to x0 at alpha = 0: not right, but v does hold the picture there. Divide by nothing.")
    return "Name one of the three and you have named all, except where the noise is all there is."


def _raises_at_pure_noise(function: Any, eps: Tensor, target: str, x_t: Tensor) -> None:
    try:
        function(eps.clone(), "eps", target, x_t.clone(), 0.0, 1.0)
    except ValueError:
        return
    except Exception as error:
        raise NotYetError(
            f"From eps to {target} at alpha = 0 it stopped with {type(error).__name__}; wanted is a ValueError."
        ) from None
    raise NotYetError(
        f"From eps to {target} at alpha = 0 it gave an answer. There x_t is the noise itself and says nothing of the"
        " picture: raise a ValueError."
    )


@_exercise("loss-weights")
def _loss_weights(in_eps: Any, in_v: Any, function: Any) -> str:
    inverse = "Turned round: that is how often an error of the other counts as an error of x0."
    root = "Nearly: the loss takes the square of the error."
    traps = {16 / 9: inverse, 0.75: root, 4 / 3: f"{inverse} And the loss takes the square.", 0.36: "And the sigma?"}
    hint = "At fixed x_t, x0 and eps are bound by x_t = alpha x0 + sigma eps. If x0 moves by 1, by how much does eps?"
    _number("The weight in the eps loss", in_eps, 0.5625, traps, hint)
    more = "The noise that goes with x0 moves, too: both parts of v change, and in the same direction."
    traps = {0.64: inverse, 1.25: root, 0.8: inverse, 0.0784: more, 0.28: more, 1.0: more}
    hint = "If x0 moves by 1, v = alpha eps - sigma x0 moves by its own part and by that of the noise."
    _number("The weight in the v loss", in_v, 1.5625, traps, hint)
    for alpha in (0.8, 0.1, 0.999):
        sigma = math.sqrt(1 - alpha**2)
        given = _tensor("What loss_weights returns", _call(function, alpha, sigma), (2,))
        for name, value, wanted in (("eps", given[0], (alpha / sigma) ** 2), ("v", given[1], 1 / sigma**2)):
            if abs(float(value) / wanted - 1) > 1e-6:
                raise NotYetError(
                    f"Your numbers are right, but loss_weights({alpha:g}, {sigma:.4f}) is not, for {name}."
                )
    return "Where the picture is nearly clean, both losses shout; x0's own loss says the same everywhere."


@_exercise("handed-back")
def _handed_back(share: Any) -> str:
    traps = {
        math.sqrt(0.98): "That is how much of the picture is left, as a factor. Asked is a share of variance.",
        0.02: "That is about what is left to explain. Asked is what is explained.",
        0.9999: "Not all of it: what you hand back holds the fresh noise of one step, and that is an error, too.",
        0.98**2: "A square too many, or beta taken off twice: beta is a variance already, and it counts once.",
    }
    hint = "The error is what you hand back minus what is wanted. What is its variance, and what is the target's?"
    _number("The share", share, 0.98, traps, hint, near=2e-3)
    return "Such a target looks easy, since nearly all of it is known before anything is learned."


# --- chapter 10: causal architectures --------------------------------------------------------------


@_exercise("causal-mask")
def _causal_mask(function: Any) -> str:
    for count in (5, 1, 16):
        given = _tensor("The mask", _call(function, count), (count, count + 1))
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


@_exercise("cache-tokens")
def _cache_tokens(without: Any, with_cache: Any, ratio: Any) -> str:
    traps = {
        65536.0: "65,536 reads the whole picture at each step. This reader takes in only what is there.",
        32640.0: "32,640 forgets that the start token is read, too, in every step.",
        33152.0: "33,152 goes one step too far: the last pixel is written, and nobody reads it any more.",
        256.0: "That would be one token a step. Without a cache every step reads all that is there once more.",
    }
    hint = "Step 1 reads the start alone, step 2 the start and a pixel, and so on: add them up."
    _number("The count without a cache", without, 32896, traps, hint, 0)
    traps = {
        255.0: "255 forgets the start token: the first step reads it.",
        257.0: "257 reads the last pixel, too, but nothing is written after it.",
        1.0: "That is the count of one step. How many steps are there?",
    }
    _number("The count with a cache", with_cache, 256, traps, "With a cache a step reads only what is new.", 0)
    traps = {
        128.0: "Nearly: the sum of 1, 2, ..., n is a little more than half of n squared.",
        256.0: "The steps get longer bit by bit, so the factor is not the number of pixels.",
        1 / 128.5: "Turned round: how many times *more* tokens does it read without?",
    }
    _number("The ratio", ratio, 128.5, traps, "Divide the first count by the second.")
    return "About half of the number of pixels: the larger the picture, the more a cache is worth."


@_exercise("bits-per-pixel")
def _bits_per_pixel(function: Any) -> str:
    random = seeded(14)
    levels = 16
    even, pixels = torch.zeros(3, levels, 4, 4).double(), torch.randint(levels, (3, 4, 4), generator=random)
    uneven = torch.randn(3, levels, 4, 4, generator=random, dtype=torch.float64) * 2 + 1
    uneven[1] *= 2  # a picture that costs more than the others
    for name, logits in (("equal beliefs over 16 greys", even), ("some logits", uneven)):
        given = _call(function, logits, pixels)
        if isinstance(given, float) or (isinstance(given, Tensor) and given.dim() == 0):
            raise NotYetError("That is one number for all pictures. Wanted is one for each: average over pixels only.")
        bits = _tensor("The result", given, (len(pixels),))
        nats = nn.functional.cross_entropy(logits, pixels, reduction="none").flatten(1).mean(dim=1)
        truth = nats / math.log(2)
        if torch.allclose(bits, truth, atol=1e-6):
            continue
        first = f"For {name} the first picture costs {float(truth[0]):.3f} bits a pixel; you say {float(bits[0]):.3f}."
        wrong = logits.gather(1, pixels[:, None]).flatten(1).mean(dim=1)
        for trap, said in (
            (nats, "Those are nats: the natural logarithm. A bit is a halving."),
            (nats / math.log(10), "That is the logarithm to base 10. A bit is a halving."),
            (-truth, "The sign is turned round: a chance below 1 has a negative logarithm, and a cost is positive."),
            (truth * 16, "That is the whole picture's cost. Asked is the cost of a pixel."),
            (truth / 16, "Divided once too often: by the number of pixels, and by nothing else."),
            (-wrong / math.log(2), "Logits are not yet logarithms of chances: the chances of a pixel must sum to 1."),
        ):
            if torch.allclose(bits, trap, atol=1e-6):
                raise NotYetError(f"{first} {said}")
        raise NotYetError(f"{first} What chance did the true grey have, and how many halvings is that?")
    return "Blind guessing among 16 greys costs 4 bits; the surer a net is of what comes, the fewer."


# --- chapter 11: the frontier ----------------------------------------------------------------------


def _beats(one: tuple[float, float], other: tuple[float, float], strictly: bool = False) -> bool:
    """Whether a point (cost, distance) is at least as good in both and better in one; ``strictly``: in both."""
    if strictly:
        return one[0] < other[0] and one[1] < other[1]
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def _worst_wins(points: list[tuple[float, float]]) -> list[bool]:
    turned = [(-cost, -distance) for cost, distance in points]
    return [not any(_beats(other, point) for other in turned) for point in turned]


@_exercise("pareto")
def _pareto(function: Any) -> str:
    random = seeded(15)
    cloud = [(round(a, 1), round(b, 1)) for a, b in (torch.rand(30, 2, generator=random) * 3).tolist()]
    worlds = [
        [(1.0, 9.0), (2.0, 8.9), (3.0, 1.0)],  # not on the hull, but on the frontier
        [(4.0, 1.0), (1.0, 5.0), (2.0, 6.0), (2.0, 3.0), (8.0, 1.0)],  # ties in one number
        [(2.0, 3.0), (1.0, 5.0), (2.0, 3.0), (3.0, 4.0)],  # two equal points
        cloud,
    ]
    for points in worlds:
        given = _tensor("The result", _call(function, list(points)), (len(points),), "One answer for each point.")
        if not bool(((given == 0) | (given == 1)).all()):
            raise NotYetError("One True or False for each point is wanted: is it on the frontier?")
        kept = given.bool().tolist()
        truth = [not any(_beats(other, point) for other in points) for point in points]
        if kept == truth:
            continue
        equals = "Two equal points do not beat each other: neither is better in anything. Keep both."
        traps = {
            "No point is left. Are yours the beaten ones? Or does each point beat itself?": [False] * len(points),
            "That is turned round: less is better, in both numbers.": _worst_wins(points),
            f"{equals} Yours keeps neither.": [
                each and points.count(point) == 1 for each, point in zip(truth, points, strict=True)
            ],
            equals: [
                each and point not in points[:place]
                for place, (each, point) in enumerate(zip(truth, points, strict=True))
            ],
            "A point with equal cost but a larger distance is beaten, too: worse in one number, better in none.": [
                not any(_beats(other, point, strictly=True) for other in points) for point in points
            ],
        }
        wrong = next(place for place in range(len(points)) if kept[place] != truth[place])
        better = next((other for other in points if _beats(other, points[wrong])), None)
        said = f"is beaten by {better}" if better else "is beaten by no other point"
        where = f"Among {len(points)} points, {points[wrong]} {said}; you say {kept[wrong]}."
        hint = next((hint for hint, wrongly in traps.items() if kept == wrongly), "")
        raise NotYetError(f"{where} {hint}".strip())
    return "Only points on the frontier are worth their cost; which they are depends on what you count as cost."


def _frechet_of(name: str, *moments: Tensor) -> float:
    """What ``name`` makes of two diagonal Gaussians: the distance, or a wrong answer that people give."""
    mean_a, variance_a, mean_b, variance_b = moments
    means, spreads = (mean_a - mean_b).square(), (variance_a.sqrt() - variance_b.sqrt()).square()
    return float(
        {
            "right": (means + spreads).sum(),
            "variances": (means + (variance_a - variance_b).square()).sum(),
            "root": (means + spreads).sum().sqrt(),
            "mean": (means + spreads).mean(),
            "centres": means.sum(),
            "no cross": (means + variance_a + variance_b).sum(),
            "absolute": ((mean_a - mean_b).abs() + spreads).sum(),
        }[name]
    )


_FRECHET_TRAPS = {
    "variances": "Those are variances where spreads belong: a spread is the root of a variance.",
    "root": "Nearly: the Fréchet distance of this course, as of the field, is left squared.",
    "mean": "Add up over the dimensions; do not average.",
    "centres": "The centres are there, but two clouds around one centre may have different widths.",
    "no cross": "Two equal clouds must come out at zero. Yours do not.",
    "absolute": "The difference of the means is squared, like that of the spreads.",
}


@_exercise("frechet")
def _frechet(distance: Any, function: Any) -> str:
    one, two = (torch.tensor([0.0]), torch.tensor([1.0])), (torch.tensor([1.0]), torch.tensor([4.0]))
    traps = {_frechet_of(name, *one, *two): hint for name, hint in _FRECHET_TRAPS.items() if name != "mean"}
    hint = "What is the difference of the centres, and what that of the spreads? N(m, v) has the variance v."
    _number("The distance", distance, _frechet_of("right", *one, *two), traps, hint)
    random = seeded(16)
    for size in (1, 3, 20):
        moments = [torch.randn(size, generator=random).double(), torch.rand(size, generator=random).double() + 0.1]
        moments += [torch.randn(size, generator=random).double() + 1, torch.rand(size, generator=random).double() * 4]
        hint = "All dimensions together make one distance. Add them up."
        given = float(_tensor("The distance", _call(function, *moments), (), hint))
        wanted = _frechet_of("right", *moments)
        if abs(given - wanted) <= 1e-6:
            continue
        first = f"Your number is right, but your function is not, in {size} dimension{'s' if size > 1 else ''}."
        said = (hint for name, hint in _FRECHET_TRAPS.items() if abs(given - _frechet_of(name, *moments)) <= 1e-6)
        raise NotYetError(f"{first} {next(said, 'Each dimension counts by itself: what does it add?')}")
    return (
        "The centres and the widths, each squared. Where a cloud's numbers depend on each other, the Fréchet distance"
        " sees that, too. Of anything else it sees nothing."
    )


def _nearest(samples: Tensor, pictures: Tensor, reduce: str = "min") -> Tensor:
    mode, power = "donot_use_mm_for_euclid_dist", 1.0 if reduce == "steps" else 2.0
    apart = torch.cdist(samples.flatten(1), pictures.flatten(1), p=power, compute_mode=mode)
    return apart.mean(dim=1) if reduce == "mean" else apart.amin(dim=1)


@_exercise("nearer-to-train")
def _nearer_to_train(function: Any) -> str:
    random = seeded(17)
    train, heldout = (torch.rand(12, 1, 4, 4, generator=random, dtype=torch.float64) * 2 - 1 for _ in range(2))
    fresh = torch.rand(41, 1, 4, 4, generator=random, dtype=torch.float64) * 2 - 1
    both = torch.cat([train[:1], heldout[1:]])  # the first picture lies in both sets

    def share(samples: Tensor, first: Tensor, second: Tensor, reduce: str = "min") -> float:
        near, far = _nearest(samples, first, reduce), _nearest(samples, second, reduce)
        return float(((near < far).double() + 0.5 * (near == far)).mean())

    worlds = (
        ("copies of training pictures", train[[3, 0, 5, 5]], heldout),
        ("copies of held-out pictures", heldout[[3, 0, 5, 5]], heldout),
        ("new pictures", fresh, heldout),
        ("a picture that lies in both sets, and so is as near to the one as to the other", train[:1], both),
    )
    for name, samples, other in worlds:
        given = float(_tensor("The share", _call(function, samples, train, other), ()))
        wanted = share(samples, train, other)
        if abs(given - wanted) <= 1e-6:
            continue
        first = f"For {name} your share is {given:.3g}."
        if other is both and abs(given - 0.5) > 1e-6:
            raise NotYetError(f"{first} A tie belongs to neither: it counts one half.")
        traps = {
            "Turned round: that is the share that is nearer to held-out pictures.": 1 - wanted,
            "That goes by the mean distance to all pictures. What counts is the nearest one.": share(
                samples, train, other, "mean"
            ),
            "That is the number of samples. Asked is their share.": wanted * len(samples),
            "That adds up the plain differences. The Euclidean distance squares them first, and takes a root.": share(
                samples, train, other, "steps"
            ),
        }
        hint = next((said for said, wrong in traps.items() if abs(given - wrong) <= 1e-6), "")
        if not hint and samples is fresh:
            hint = "For each sample: how far is its nearest training picture, how far its nearest held-out one?"
        raise NotYetError(f"{first} {hint or 'Where would you count it?'}")
    for few, many in ((train[:6], heldout), (train, heldout[:6])):
        if not _raises(function, fresh.clone(), few.clone(), many.clone()):
            raise NotYetError(
                f"With {len(few)} training and {len(many)} held-out pictures it gives a share all the same. The larger"
                " set has the nearest picture more often by its size alone: raise a ValueError."
            )
    return "About one half for a generator that has learned, and more for one that has learned by heart."


# --- chapter 12: from labels to prompts ------------------------------------------------------------


def _refuses(encode: Any, prompt: str, words: tuple[str, ...], unknown: str, near: str) -> None:
    """Raise unless the reader's function raises a ValueError that names the unknown word and the nearest known one."""
    try:
        given = encode(prompt, words)
    except ValueError as error:
        if unknown not in str(error):
            raise NotYetError(f"For {prompt!r} your error does not say which word is unknown.") from None
        if near not in str(error).replace(unknown, ""):
            raise NotYetError(
                f"Your error names the unknown word {unknown!r}, but not the one among {words} that is nearest to it."
                " The module difflib finds near words."
            ) from None
        return
    except Exception as error:
        raise NotYetError(
            f"For {prompt!r}, with a word that is not in {words}, it stopped with {type(error).__name__}; wanted is a"
            " ValueError that names the word."
        ) from None
    raise NotYetError(
        f"For {prompt!r} and the words {words} it gave {given!r}. A word was lost there, and nobody is told: raise a"
        " ValueError."
    )


@_exercise("words-and-numbers")
def _words_and_numbers(encode: Any, decode: Any) -> str:
    vocabularies = (("a", "blue", "circle", "red", "star"), ("star", "small", "a", "above", "red", "heart", "ring"))
    for words in vocabularies:
        for prompt in (" ".join(words), f"{words[2]} {words[0]} {words[2]}", words[-1], f"{words[0]} {words[-2]}", ""):
            numbers = _call(encode, prompt, words)
            try:
                given = [int(number) for number in numbers]
            except (TypeError, ValueError):
                raise NotYetError(f"encode should return a list of whole numbers, not {numbers!r}.") from None
            wanted = [words.index(word) for word in prompt.split()]
            if given == [number + 1 for number in wanted] != []:
                raise NotYetError("Your numbers begin at 1. Here the first word of the list has the number 0.")
            if given == [number + 2 for number in wanted] != []:
                raise NotYetError(
                    "Your numbers begin at 2, as in the package, where 0 and 1 stand for no word. Here the first"
                    " word of the list has the number 0."
                )
            if given == sorted(wanted) != wanted or given == sorted(set(wanted)) != wanted:
                raise NotYetError(f"For {prompt!r} you give {given}: as many numbers as words, in the words' order.")
            if given != wanted:
                raise NotYetError(f"For {prompt!r} and the words {words} you give {given}. Where does each word stand?")
            again = _call(decode, numbers, words)
            if not isinstance(again, str):
                raise NotYetError(f"decode should return a sentence, a str, but it returned a {type(again).__name__}.")
            if again != prompt:
                raise NotYetError(f"There and back, {prompt!r} becomes {again!r}.")
    _refuses(encode, "a rad star", vocabularies[0], "rad", "red")
    _refuses(encode, "a red strat", vocabularies[1], "strat", "star")
    return "Nothing is lost on the way, and what can't be said is answered with a proposal."


class _Hears(nn.Module):
    """A prompt encoder for the exercise: the mean of its words' vectors, and some of the second word's besides.

    ``along``: how its eight numbers hear the second word, if not each in its own way.
    """

    def __init__(self, order: float, words: float = 1.0, along: list[int] | None = None) -> None:
        super().__init__()
        self.order, self.words, self.along = order, words, along
        self.register_buffer("vectors", torch.randn(60, 8, generator=seeded(20)))

    def forward(self, tokens: Tensor) -> Tensor:
        vectors = self.vectors[tokens]  # type: ignore[index]
        said = (tokens > 0).unsqueeze(2)
        mean = (vectors * said).sum(dim=1) / said.sum(dim=1)
        second = vectors[:, 2]
        if self.along:
            second = second[:, :1] * second.new_tensor(self.along)
        return self.words * mean + self.order * second


@_exercise("hears-order")
def _hears_order(function: Any) -> str:
    one = torch.tensor([1, 5, 21, 9, 3, 5, 7, 25, 0, 0, 0, 0])
    other = torch.tensor([1, 5, 7, 25, 3, 5, 21, 9, 0, 0, 0, 0])
    tokens = (
        "This encoder is an average: it makes the same of both sentences. (That the rows of tokens differ is known."
        " Asked is whether what the encoder makes of them does.)"
    )
    rounding = (
        "This encoder takes the average of the words. Its two answers differ in the last digit, since sums in another"
        " order are rounded otherwise: let a millionth pass as equal."
    )
    two = (
        "This encoder's answers differ in two of eight numbers, up in the one and down as much in the other. Look at"
        " the largest difference, whichever way it goes."
    )
    one_way = "This encoder's answers differ in all numbers in the same direction. It counts whichever way it goes."
    tries = (
        (_Hears(1.0), True, "This encoder's answers for the two sentences are far apart. You missed it."),
        (_Hears(0.0), False, tokens),
        (_Hears(1e-7), False, rounding),
        (_Hears(1.0, along=[1, -1] + 6 * [0]), True, two),
        (_Hears(1.0, along=8 * [1]), True, one_way),
        (_Hears(-1.0, along=8 * [1]), True, one_way),
        (_Hears(1e-3), True, "This encoder hears the order faintly: its answers differ by about a thousandth."),
        (_Hears(0.0, 0.0), False, "This encoder answers the same to everything: it hears nothing, and no order."),
    )
    for encoder, truth, hint in tries:
        try:
            given = _call(function, encoder, one, other)
        except NotYetError as error:
            if "Error" in str(error):
                raise NotYetError(f"{error} (The encoder takes rows of tokens, here of shape (1, 12).)") from None
            raise
        if isinstance(given, Tensor) and given.numel() == 1:
            given = bool(given)
        if not isinstance(given, bool):
            raise NotYetError(f"hears_order should return True or False, but it returned a {type(given).__name__}.")
        if given is not truth:
            raise NotYetError(hint)
    return "The same words in two orders, and a look at whether anything moves: averages can't pass, by definition."


@_exercise("count-meanings")
def _count_meanings(sentences: Any, pictures: Any, new: Any) -> str:
    traps = {
        5184.0: "That is how many pairs of things there are. In how many ways can two things stand?",
        72.0: "That is how many things there are.",
        288.0: "One of the two things can be anything, and so can the other.",
        10368.0: "Left of, right of, above, below: all four can be said.",
        20448.0: "The two things may be alike: a red ring above a red ring.",
        10224.0: "The two things may be alike. And all four relations can be said.",
        144.0: "Two sizes for each thing, six colours, six shapes: multiply, for both things.",
    }
    hint = "How many things are there, how many pairs of them, and how many ways to stand?"
    _number("The number of sentences", sentences, 20736, traps, hint)
    traps = {
        20736.0: "Some sentences say the same of the same picture: which is on top if A is below B?",
        5184.0: "Each picture has two sentences, not four: above is not left of.",
        10404.0: "Even a pair of like things can be told in two ways: each is seen from the other.",
        10332.0: "Even a pair of like things can be told in two ways: each is seen from the other.",
        10224.0: "The two things may be alike.",
    }
    _number("The number of pictures to tell apart", pictures, 10368, traps, "How many sentences does a picture have?")
    _number(
        "The number of scenes with something new", new, 0, {}, "Count them by is_new in scenes of the split 'train'."
    )
    return "Ten thousand different pictures from two dozen words; and what training never shows, it never shows."


# --- chapter 13: guidance --------------------------------------------------------------------------

_GUIDE_TRAPS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "The two runs have changed places: scale 0 should be the guess without the prompt.": lambda u, c, s: (
        c + s * (u - c)
    ),
    "That is the other convention, with w for the scale: its 1 pushes already. Here 1 is off.": lambda u, c, s: (
        c + s * (c - u)
    ),
    "That is the difference alone, a direction. From where do you go in it?": lambda u, c, s: s * (c - u),
    "That pushes away from the prompt. Which way does the difference point?": lambda u, c, s: u - s * (c - u),
    "The scale belongs to the difference, not to the guess with the prompt alone.": lambda u, c, s: u + s * c - u,
}


@_exercise("with-and-without")
def _with_and_without(guide: Any, from_w: Any) -> str:
    random = seeded(20)
    for scale in (0.0, 1.0, 3.0, 0.5):
        uncond, cond = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
        given = _tensor("The guess", _call(guide, uncond, cond, scale), (3, 4))
        apart = float((given - (uncond + scale * (cond - uncond))).abs().max())
        if apart <= 1e-12:
            continue
        if not math.isfinite(apart):
            raise NotYetError(f"With guidance_scale = {scale:g} your guess is not finite.")
        traps = (said for said, wrong in _GUIDE_TRAPS.items() if scale and _same(given, wrong(uncond, cond, scale)))
        hint = next(traps, "Start from the guess without the prompt, and add a part of the difference.")
        if scale == 0:
            hint = "There, nothing of the difference is added: what is left is the guess without the prompt."
            if _same(given, cond):
                hint = next(iter(_GUIDE_TRAPS)) if _swapped(guide) else "That is the guess with the prompt."
        raise NotYetError(f"With guidance_scale = {scale:g} you are {apart:.2g} off. {hint}")
    for w in (0.0, 1.0, 6.5):
        scale = float(_tensor("The scale", _call(from_w, w), ()))
        if abs(scale - (w + 1)) <= 1e-12:
            continue
        hint = "A paper's w = 0 is off. At which scale are we off?"
        if w and abs(scale - w) <= 1e-12:
            hint = "That would be one name for one thing. But their 0 is off, and our 1 is off."
        elif abs(scale - (w - 1)) <= 1e-12:
            hint = "That goes from ours to theirs."
        raise NotYetError(f"For w = {w:g} your scale is not right. {hint}")
    return "Off is 1 here, and 0 with w: say which, wherever you write a number down."


def _same(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) <= 1e-9


def _swapped(guide: Any) -> bool:
    """Whether the reader's function takes 1 for "without"."""
    uncond, cond = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return _same(_tensor("The guess", _call(guide, uncond, cond, 1.0), (1,)), uncond)


@_exercise("narrower")
def _narrower(walked: Any, product: Any) -> str:
    traps = {
        1 / 17: "That is what people expect: the product. Follow the walk: by what factor does it shrink numbers?",
        1 / 9: "That is what the prompt alone gives, or the spread of the right answer. Asked is a variance.",
        1 / 18: "The prompt leaves a third of the spread. Twice the push is not half the variance: factors multiply.",
        -7 / 9: "A variance is not below 0: the formula of the guesses does not hold for variances.",
        -1 / 3: "Spreads don't add up along the walk. By what factor does each part shrink a number?",
        1 / 16: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
        1.0: "That is the walk without the prompt.",
    }
    hint = "Without the prompt the walk shrinks a number by the factor 1, with it by 1/3. What do two pushes do?"
    _number("The variance at the end of the walk", walked, 1 / 81, traps, hint)
    traps = {
        1 / 81: "That is where the walk ends. What is the variance of p(x | c) squared, over p(x)?",
        1 / 18: "That is p(x | c) squared. It is still to be divided by p(x).",
        1 / 19: "That multiplies by p(x). Which way does p(x) count?",
        17.0: "That is one over the variance.",
        1 / 9: "That is what the prompt alone gives.",
        1 / 7: "That is the example of the text, where the prompt leaves a variance of 1/4. Here it is 1/9.",
    }
    _number(
        "The variance of the product", product, 1 / 17, traps, "Add up the exponents: each is x squared times what?"
    )
    return "So this guided walk ends narrower than the product that it is often said to draw from."


@_exercise("calls-of-an-interval")
def _calls_of_an_interval(function: Any) -> str:
    for steps, guided in ((16, 5), (16, 0), (16, 16), (50, 20), (1, 1)):
        for batched in (True, False):
            calls = float(_tensor("The number of calls", _call(function, steps, guided, batched), ()))
            if calls == steps + guided:
                continue
            first = f"For {steps} steps, {guided} of them guided, {'batched' if batched else 'one after the other'}: "
            hint = "how often is the network asked about each picture, in a guided step and in another one?"
            if calls == 2 * steps:
                hint = "not every step is guided, so not every step asks twice."
            elif calls == steps:
                hint = "a batch of two is two calls for each picture. It saves waiting, not work."
            elif calls == 2 * guided:
                hint = "the other steps ask as well, once."
            elif calls == guided:
                hint = "that is what guidance costs more. Asked are all calls."
            elif calls == steps - guided:
                hint = "guided steps ask more, not less."
            raise NotYetError(first + hint)
    return "All the more reason to guide only where it helps."


# --- chapter 14: what came after -------------------------------------------------------------------


def _flow_steps(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> dict[str, Tensor]:
    """The right step along the straight line, and wrong ones that people take."""
    eps_hat = (x_t - (1 - t) * x0_hat) / t
    velocity = eps_hat - x0_hat
    circle, place = math.pi / 2 * t, math.pi / 2 * u
    eps_circle = (x_t - math.cos(circle) * x0_hat) / math.sin(circle)
    return {
        "right": x_t + (u - t) * velocity,
        "uphill": x_t - (u - t) * velocity,
        "too far": x_t - velocity,
        "too far up": x_t + velocity,
        "from nowhere": x_t + u * velocity,
        "undivided": x_t + (u - t) * (t * eps_hat - x0_hat),
        "swapped": x_t + (u - t) * (x_t - x0_hat),
        "circle": math.cos(place) * x0_hat + math.sin(place) * eps_circle,
        "guess": x0_hat,
    }


_FLOW_TRAPS = {
    "uphill": "That walks away from the picture. Here v leads from the picture to the noise, and t falls.",
    "too far": "However short the step should be, yours goes all the way. How long is it, from t to u?",
    "too far up": "However short the step should be, yours has length 1, and it goes towards the noise.",
    "from nowhere": "The length of a step is the difference of two levels. Yours uses one of them.",
    "undivided": "The noise is what is left of x_t without its share of the picture, and then? It came with a factor.",
    "swapped": "v leads from the picture to the noise. Yours leads to x_t, which is on the way.",
    "circle": "That is the step of the quarter circle. Here alpha is 1 - t, and sigma is t.",
    "guess": "That writes the guess, as if every step led to the end.",
}


@_exercise("euler-step")
def _euler_step(function: Any) -> str:
    random = seeded(18)
    for t, u in ((0.8, 0.3), (1.0, 0.75), (0.5, 0.0), (0.25, 0.2), (0.6, 0.6)):
        x_t, x0_hat = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
        steps = _flow_steps(x_t, x0_hat, t, u)
        given = _tensor("The result", _call(function, x_t, x0_hat, t, u), (3, 4))
        apart = float((given - steps["right"]).abs().max())
        if apart <= 1e-12:
            continue
        if not math.isfinite(apart):
            raise NotYetError(f"From t = {t} to u = {u} your result is not finite. What do you divide by?")
        traps = (hint for name, hint in _FLOW_TRAPS.items() if float((given - steps[name]).abs().max()) <= 1e-9)
        hint = next(traps, "First the noise that goes with the guess, then v, then one step along it.")
        raise NotYetError(f"From t = {t} to u = {u} you are {apart:.2g} off. {hint}")
    return "To the last digits it is the book's step: the velocity of flow matching was in it all along."


def _jumps(x_t: Tensor, alpha: float, sigma: float, v: float) -> dict[str, Tensor]:
    """Where the walk from x_t ends if the data are N(0, v), and what people answer in its place."""
    variance = alpha**2 * v + sigma**2
    return {
        "right": x_t * math.sqrt(v / variance),
        "guess": x_t * alpha * v / variance,
        "rootless": x_t * v / variance,
        "from the start": x_t * math.sqrt(v),
        "as it is": x_t,
        "rescaled": x_t / alpha if alpha else x_t * math.inf,
        "spreads": x_t * math.sqrt(v) / (alpha * math.sqrt(v) + sigma),
        "upside down": x_t * math.sqrt(variance / v),
    }


_JUMP_TRAPS = {
    "guess": "That is the best guess from here, an average. Asked is where a whole walk of small steps ends.",
    "rootless": "Numbers spread like the root of their variance.",
    "from the start": "That is right from pure noise alone. From further down, what does x_t spread by?",
    "as it is": "Walking changes x_t: at the end the numbers must spread like the data.",
    "rescaled": "That leaves all the noise in, enlarged.",
    "spreads": "Two independent parts: add up their variances, not their spreads.",
    "upside down": "Upside down: from pure noise, narrow data must end narrow.",
}


@_exercise("one-jump")
def _one_jump(function: Any) -> str:
    random = seeded(19)
    for v in (0.25, 2.0):
        for t in (1.0, 0.7, 0.4, 0.0):
            alpha, sigma = (0.0, 1.0) if t == 1 else (math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t))
            x_t = torch.randn(5, generator=random, dtype=torch.float64)
            jumps = _jumps(x_t, alpha, sigma, v)
            given = _tensor("The end of the walk", _call(function, x_t, alpha, sigma, v), (5,))
            apart = float((given - jumps["right"]).abs().max())
            if apart <= 1e-9:
                continue
            where = f"At alpha = {alpha:.3g}, sigma = {sigma:.3g} and v = {v} you are {apart:.2g} off."
            if not math.isfinite(apart):
                raise NotYetError(f"At alpha = {alpha:.3g} your result is not finite. What do you divide by?")
            traps = (hint for name, hint in _JUMP_TRAPS.items() if float((given - jumps[name]).abs().max()) <= 1e-9)
            hint = (
                "At every level x_t is normal, and the walk keeps its place: a number that is one spread out stays so."
            )
            raise NotYetError(f"{where} {next(traps, hint)}")
    ends = []
    for t in (0.9, 0.2):  # two points of one walk, three spreads out
        alpha, sigma = math.cos(math.pi / 2 * t), math.sin(math.pi / 2 * t)
        x_t = torch.tensor([3 * math.sqrt(0.25 * alpha**2 + sigma**2)], dtype=torch.float64)
        ends.append(float(_tensor("The end of the walk", _call(function, x_t, alpha, sigma, 0.25), (1,))))
    if abs(ends[0] - ends[1]) > 1e-9:
        raise NotYetError("From two points of one walk your function jumps to two different ends.")
    return "One call for a whole walk, and from every point of it the same end: that is what distillation teaches."


@_exercise("latent-bill")
def _latent_bill(fewer: Any, tokens_of_pixels: Any, tokens_of_latents: Any, attention: Any) -> str:
    traps = {
        64.0: "That compares the places alone. A pixel has three numbers, a latent has four.",
        8.0: "That is one side of the picture over one side of the latents.",
        85 + 1 / 3: "The three and the four are swapped.",
        16384.0: "That is how many numbers the latents are. How many times fewer is that?",
        786432.0: "That is how many numbers the picture is. How many times fewer are the latents?",
    }
    _number("The first answer", fewer, 48, {**traps, 1 / 48: "Turned round."}, "Count all numbers, colours included.")
    traps = {
        262144.0: "That is one token for each pixel. A patch covers more than one.",
        131072.0: "A patch is two pixels wide, and two high as well.",
        196608.0: "A patch takes the three colours of its pixels along: they make no tokens of their own.",
        256.0: "That is one row of patches. How many rows are there?",
    }
    _number("The number of tokens of the picture", tokens_of_pixels, 65536, traps, "How many patches tile it?")
    traps = {
        4096.0: "That is one token for each place. A patch covers more than one.",
        2048.0: "A patch is two places wide, and two high as well.",
        32.0: "That is one row of patches. How many rows are there?",
    }
    _number("The number of tokens of the latents", tokens_of_latents, 1024, traps, "How many patches tile them?")
    traps = {
        64.0: "That is how many times fewer tokens there are. But attention compares every token with every other.",
        2304.0: "Attention counts pairs of tokens, not of numbers.",
        128.0: "Attention compares every token with every other: what does twice as many tokens cost?",
        1 / 4096: "Turned round.",
    }
    _number("The last answer", attention, 4096, traps, "How many pairs of tokens are there, before and after?")
    return "Few of the numbers carry what the picture shows, and attention pays for their square."

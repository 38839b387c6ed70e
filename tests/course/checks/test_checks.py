"""The checks of the exercises: the empty stub, right answers, and wrong ones that people give.

A wrong answer must be caught with a message that helps, and the message must not hold the answer.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from minigen import process
from minigen.course import checks
from minigen.course.checks import check


@dataclass(frozen=True)
class Case:
    """One exercise: answers that pass, wrong ones with a word of the hint, and what no hint may hold."""

    right: list[tuple[Any, ...]]
    wrong: list[tuple[tuple[Any, ...], str]]
    secret: str
    """A regular expression for the answer."""

    function: bool = False


def empty(*given: Any) -> None:
    """What a function is before it is written."""


def unwritten(*given: Any) -> None:
    """A reader's function that says so itself: checks must take it for one that is not written yet."""
    raise NotImplementedError


def breaks(*given: Any) -> None:
    raise KeyError("pixel")


# --- chapter 1 -------------------------------------------------------------------------------------


def mean_or_median(values: Tensor, loss: str) -> Tensor:
    return values.mean() if loss == "squared" else values.median()


def upper_median(values: Tensor, loss: str) -> float:
    """Any point between the two middle values is as good."""
    middle = values.sort().values[len(values) // 2]
    return float(values.mean() if loss == "squared" else middle)


def swapped(values: Tensor, loss: str) -> Tensor:
    return values.median() if loss == "squared" else values.mean()


def middle_of_range(values: Tensor, loss: str) -> Tensor:
    return (values.min() + values.max()) / 2


def the_loss_instead(values: Tensor, loss: str) -> Tensor:
    return (values - values.mean()).square().mean() if loss == "squared" else (values - values.median()).abs().mean()


# --- chapter 2 -------------------------------------------------------------------------------------


def within(images: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([((images[labels == c] - images[labels == c].mean(0)) ** 2).sum() for c in labels.unique()])


def explained(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - within(images, labels).sum() / ((images - images.mean(0)) ** 2).sum()


def share_left(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - explained(images, labels)


def equal_classes(images: Tensor, labels: Tensor) -> Tensor:
    means = torch.stack([images[labels == c].mean(0) for c in labels.unique()])
    share: Tensor = (
        ((means - images.mean(0)) ** 2).sum() * len(images) / len(means) / ((images - images.mean(0)) ** 2).sum()
    )
    return share


def one_number_for_all_pixels(images: Tensor, labels: Tensor) -> Tensor:
    return 1 - within(images, labels).sum() / ((images - images.mean()) ** 2).sum()


def not_a_share(images: Tensor, labels: Tensor) -> Tensor:
    return ((images - images.mean(0)) ** 2).sum() - within(images, labels).sum()


def a_share_for_each_pixel(images: Tensor, labels: Tensor) -> Tensor:
    return ((images - images.mean(0)) ** 2).mean(0)


# --- chapter 3 -------------------------------------------------------------------------------------


def count(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if all(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) / len(fits) for value in (0, 1)]


def all_pictures(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return count(pictures, {}, position)


def turned_round(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return count(pictures, seen, position)[::-1]


def counts_not_shares(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if all(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) for value in (0, 1)]


def any_pixel_fits(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    fits = [p for p in pictures.tolist() if not seen or any(p[i] == value for i, value in seen.items())]
    return [sum(p[position] == value for p in fits) / len(fits) for value in (0, 1)]


def first_picture_only(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    """Looks at the hidden pixel of one picture instead of counting."""
    value = int(pictures[0, position])
    return [1.0 - value, float(value)]


def half(pictures: Tensor, seen: dict[int, int], position: int) -> list[float]:
    return [0.5, 0.5]


def only_the_chance_of_one(pictures: Tensor, seen: dict[int, int], position: int) -> float:
    return count(pictures, seen, position)[1]


Net = Callable[[Tensor, Tensor], Tensor]


def leaks(net: Net) -> bool:
    """Every pixel, one at a time, each hidden together with its half of the picture."""
    for half in (slice(0, 4), slice(4, 8)):
        picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
        hidden[..., half] = True
        before = net(picture, hidden)
        for y, x in itertools.product(range(8), range(8)[half]):
            other = picture.clone()
            other[..., y, x] += 1
            if not torch.equal(net(other, hidden), before):
                return True
    return False


def both_halves_by_gradient(net: Net) -> bool:
    """All hidden pixels together, by the slope of the output."""
    return leaks_by_gradient(net) or leaks_by_gradient(lambda p, h: net(p.flip(-1), h.flip(-1)))


def leaks_by_gradient(net: Net, columns: int = 4) -> bool:
    """The hidden pixels of one half only."""
    picture = torch.rand(1, 1, 8, 8, requires_grad=True)
    hidden = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 8 - columns :] = True
    net(picture, hidden).sum().backward()
    assert picture.grad is not None
    return bool(picture.grad[hidden].abs().sum() > 0)


def everything_hidden(net: Net) -> bool:
    return leaks_by_gradient(net, columns=8)


def one_hidden_pixel(net: Net) -> bool:
    picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 3:5, 3:5] = True
    other = picture.clone()
    other[..., 3, 3] += 1
    return not torch.equal(net(other, hidden), net(picture, hidden))


def seen_pixels_too(net: Net) -> bool:
    picture, hidden = torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[..., 4:] = True
    return not torch.equal(net(picture + 1, hidden), net(picture, hidden))


# --- chapter 7 -------------------------------------------------------------------------------------


def onward(alpha_u: float, sigma_u: float, alpha_t: float, sigma_t: float) -> tuple[float, float]:
    factor = alpha_t / alpha_u
    return factor, sigma_t**2 - factor**2 * sigma_u**2


def perfect_guess(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).softmax(dim=1) @ pictures


def weights_underflow(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    weights = (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).exp()
    return weights @ pictures / weights.sum(dim=1, keepdim=True)


def like(x_t: Tensor, centres: Tensor, variance: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, centres) ** 2) / (2 * variance)).softmax(dim=1) @ pictures


def over_the_batch(x_t: Tensor, alpha: float, sigma: float, pictures: Tensor) -> Tensor:
    return (-(torch.cdist(x_t, alpha * pictures) ** 2) / (2 * sigma**2)).softmax(dim=0) @ pictures


def normal_guess(x_t: Tensor, alpha: float, sigma: float, m: float, v: float) -> Tensor:
    return m + alpha * v * (x_t - alpha * m) / (alpha**2 * v + sigma**2)


# --- chapter 6 -------------------------------------------------------------------------------------


def bits_of(table: Tensor, places: set[int]) -> Tensor:
    others = [place for place in range(4) if place not in places]
    chances = table.sum(dim=others) if others else table
    return -(chances * chances.log2()).sum()


def bits_lost(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    written, needed = set[int](), torch.zeros(())
    for call in order:
        needed = needed + sum(bits_of(table, written | {place}) - bits_of(table, written) for place in call)
        written = written | set(call)
    return needed - bits_of(table, {0, 1, 2, 3})


def nothing_remembered(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    calls = [
        torch.stack([bits_of(table, {place}) for place in call]).sum() - bits_of(table, set(call)) for call in order
    ]
    return torch.stack(calls).sum()


def told_its_own_call(table: Tensor, order: list[tuple[int, ...]]) -> float:
    return 0.0


def whole_message(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, order) + bits_of(table, {0, 1, 2, 3})


def only_the_first_call(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, [order[0], *((place,) for call in order[1:] for place in call)])


def wasteful_one_by_one(table: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    return bits_lost(table, order) + 0.01 * (max(map(len, order)) == 1)


def ramp_matrix(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1, dtype=torch.float64)[:, None]
    begins = torch.linspace(0, 1 - width, pixels, dtype=torch.float64)
    return (1 - (s - begins) / width).clamp(0, 1)


def ramp_in_loops(pixels: int, width: float, steps: int) -> list[list[float]]:
    return [
        [min(1, max(0, 1 - (k / steps - (1 - width) * i / (pixels - 1)) / width)) for i in range(pixels)]
        for k in range(steps + 1)
    ]


def not_clipped(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return 1 - (s - torch.linspace(0, 1 - width, pixels)) / width


def last_begins_at_the_end(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - (s - torch.linspace(0, 1, pixels)) / width).clamp(0, 1)


def begins_one_place_early(pixels: int, width: float, steps: int) -> Tensor:
    s = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - (s - (1 - width) * torch.arange(pixels) / pixels) / width).clamp(0, 1)


def all_at_once(pixels: int, width: float, steps: int) -> Tensor:
    return torch.linspace(1, 0, steps + 1)[:, None].expand(-1, pixels)


def begins_below_one(pixels: int, width: float, steps: int) -> Tensor:
    plan = ramp_matrix(pixels, width, steps)
    return torch.cat([plan[1:], plan[-1:]])


def comes_back(pixels: int, width: float, steps: int) -> Tensor:
    plan = ramp_matrix(pixels, width, steps)
    return torch.cat([plan[:1], plan[1:-1].flip(0), plan[-1:]])


# --- chapter 8 -------------------------------------------------------------------------------------


def spread_after(calls: int) -> float:
    return math.cos(math.pi / (2 * calls)) ** calls


def spread_by_walking(calls: int) -> Tensor:
    """The same by the package's step, from a start at 1."""
    x, rows = torch.ones(1, dtype=torch.float64), torch.linspace(1, 0, calls + 1, dtype=torch.float64)
    for t, u in itertools.pairwise(rows):
        x = process.step(x, process.cosine(t)[0] * x, t, u)
    return x[0]


def calls_of(steps: int, way: str, guided: bool) -> int:
    return (2 if guided else 1) * (2 * steps - 1 if way == "heun" else steps)


def heun_to_the_end(steps: int, way: str, guided: bool) -> int:
    return (2 if guided else 1) * steps * (2 if way == "heun" else 1)


# --- chapter 9 -------------------------------------------------------------------------------------


def name_all(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    if source == target:
        return value
    if source == "eps":
        if alpha == 0:
            raise ValueError("eps says nothing at alpha = 0")
        x0, eps = (x_t - sigma * value) / alpha, value
    elif source == "v":
        x0, eps = alpha * x_t - sigma * value, sigma * x_t + alpha * value
    else:
        x0, eps = value, (x_t - alpha * value) / sigma
    return {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0}[target]


def v_turned_round(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    value = -value if source == "v" else value
    result = name_all(value, source, target, x_t, alpha, sigma)
    return -result if target == "v" else result


def says_something_at_pure_noise(
    value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float
) -> Tensor:
    return name_all(value, source, target, x_t, max(alpha, 1e-9), sigma)


def divides_by_alpha(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    if alpha == 0:
        raise ValueError("nothing at alpha = 0")
    return name_all(value, source, target, x_t, alpha, sigma)


def stops_at_pure_noise(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return value * (1 / alpha) * 0 + name_all(value, source, target, x_t, alpha, sigma)


def forgets_to_divide(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return (
        x_t - sigma * value if (source, target) == ("eps", "x0") else name_all(value, source, target, x_t, alpha, sigma)
    )


def always_converts(value: Tensor, source: str, target: str, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
    return alpha * x_t - sigma * value if source == "v" else name_all(value, source, target, x_t, alpha, sigma)


def loss_weights(alpha: float, sigma: float) -> tuple[float, float]:
    return (alpha / sigma) ** 2, 1 / sigma**2


def only_one_case(alpha: float, sigma: float) -> tuple[float, float]:
    return 0.5625, 1.5625


def v_alone_is_wrong(alpha: float, sigma: float) -> tuple[float, float]:
    return (alpha / sigma) ** 2, 1 + sigma**2


# --- chapter 10 ------------------------------------------------------------------------------------


def causal_mask(count: int) -> Tensor:
    return torch.ones(count, count + 1).tril().bool()


def bits(logits: Tensor, pixels: Tensor) -> Tensor:
    log_p = logits.log_softmax(dim=1).gather(1, pixels[:, None])
    return -log_p.flatten(1).mean(dim=1) / math.log(2)


def raw_logits(logits: Tensor, pixels: Tensor) -> Tensor:
    return -logits.gather(1, pixels[:, None]).flatten(1).mean(dim=1) / math.log(2)


def over_the_wrong_axis(logits: Tensor, pixels: Tensor) -> Tensor:
    return -logits.log_softmax(dim=2).gather(1, pixels[:, None]).flatten(1).mean(dim=1) / math.log(2)


# --- the table -------------------------------------------------------------------------------------

nan = math.nan
NO_FUNCTION: list[tuple[tuple[Any, ...], str]] = [
    ((empty,), "returns nothing yet"),
    ((unwritten,), "still empty"),
    ((breaks,), "stopped with KeyError"),
    ((lambda: 0,), "stopped with TypeError"),
    ((0.5,), "A function is wanted"),
]


# --- chapter 11 ------------------------------------------------------------------------------------

Points = list[tuple[float, float]]


def pareto(points: Points) -> list[bool]:
    return [not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points) for p in points]


def pareto_if_worse_in_both(points: Points) -> list[bool]:
    return [not any(q[0] < p[0] and q[1] < p[1] for q in points) for p in points]


def pareto_of_more(points: Points) -> list[bool]:
    return pareto([(-cost, -distance) for cost, distance in points])


def pareto_without_doubles(points: Points) -> list[bool]:
    return [
        kept and p not in points[:place] for place, (kept, p) in enumerate(zip(pareto(points), points, strict=True))
    ]


def pareto_all_but_equals(points: Points) -> list[bool]:
    """Compares by place, and so equal points beat each other."""
    return [
        not any(j != i and q[0] <= p[0] and q[1] <= p[1] for j, q in enumerate(points)) for i, p in enumerate(points)
    ]


def pareto_by_hull(points: Points) -> list[bool]:
    """Only what is best for some exchange rate between cost and distance."""
    best = {min(points, key=lambda p: rate * p[0] + (1 - rate) * p[1]) for rate in torch.linspace(0, 1, 201).tolist()}
    return [p in best and kept for p, kept in zip(points, pareto(points), strict=True)]


def diagonal_frechet(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + (variance_a**0.5 - variance_b**0.5) ** 2).sum()


def frechet_by_variances(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + (variance_a - variance_b) ** 2).sum()


def frechet_without_a_cross(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2 + variance_a + variance_b).sum()


def frechet_of_centres(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2).sum()


def frechet_in_one_dimension(mean_a: Tensor, variance_a: Tensor, mean_b: Tensor, variance_b: Tensor) -> Tensor:
    return (mean_a[0] - mean_b[0]) ** 2 + (variance_a[0] ** 0.5 - variance_b[0] ** 0.5) ** 2


def nearest_by(reduce: str = "min", tie: float = 0.5, checks_sizes: bool = True) -> Callable[..., Tensor]:
    def share(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
        if checks_sizes and len(train) != len(heldout):
            raise ValueError("unequal")
        power = 1 if reduce == "steps" else 2
        apart = [
            (samples.flatten(1)[:, None] - part.flatten(1)).abs().pow(power).sum(dim=2) ** (1 / power)
            for part in (train, heldout)
        ]
        near, far = (each.mean(dim=1) if reduce == "mean" else each.amin(dim=1) for each in apart)
        return ((near < far).double() + tie * (near == far)).mean()

    return share


def share_of_exact_copies(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    return float((samples.flatten(1)[:, None] == train.flatten(1)).all(dim=2).any(dim=1).double().mean())


def raises_something_else(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    if len(train) != len(heldout):
        raise TypeError("unequal")
    return nearest_by()(samples, train, heldout)


def asserts_sizes(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    if len(train) != len(heldout):
        raise AssertionError  # as a bare assert does where no test rewrites it
    return nearest_by()(samples, train, heldout)


# --- chapter 4 -------------------------------------------------------------------------------------


def chain(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    chances, seen = [], [slice(None)] * 3
    for place in order:
        before = float(table[tuple(seen)].sum())
        seen[place] = picture[place]
        chances.append(float(table[tuple(seen)].sum()) / before)
    return chances


def each_by_itself(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return [float(table.select(place, picture[place]).sum()) for place in order]


def sorted_by_pixel(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    found = dict(zip(order, chain(table, picture, order), strict=True))
    return [found[place] for place in range(3)]


def only_the_product(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return [1.0, 1.0, float(table[picture])]


def always_from_left(table: Tensor, picture: tuple[int, ...], order: tuple[int, ...]) -> list[float]:
    return chain(table, picture, (0, 1, 2))


def temper(p: Tensor, T: float) -> Tensor:
    if T < 0:
        raise ValueError(f"T is {T}; allowed: 0 and above")
    if T == 0:
        return (p == p.max()).double()
    bold = p ** (1 / T)
    return bold / bold.sum()


def temper_without(case: str) -> Callable[..., Tensor]:
    def wrong(p: Tensor, T: float) -> Tensor:
        if T == 0 and case == "zero":
            return p
        if T < 0 and case == "negative":
            return p
        return temper(p, T)

    return wrong


# --- chapter 5 -------------------------------------------------------------------------------------


def raster_plan(size: int, patch: int) -> Tensor:
    if size % patch:
        raise ValueError(f"patch is {patch}; allowed: what divides {size}")
    rows, levels = [], torch.ones(size, size)
    rows.append(levels.flatten())
    for top in range(0, size, patch):
        for left in range(0, size, patch):
            levels = levels.clone()
            levels[top : top + patch, left : left + patch] = 0
            rows.append(levels.flatten())
    return torch.stack(rows)


def runs_of_pixels(size: int, patch: int) -> Tensor:
    if size % patch:
        raise ValueError
    steps = (size // patch) ** 2
    return torch.stack([(torch.arange(size * size) >= k * patch * patch).float() for k in range(steps + 1)])


def without_a_last_row(size: int, patch: int) -> Tensor:
    return raster_plan(size, patch)[:-1]


def flickering(size: int, patch: int) -> Tensor:
    plan = raster_plan(size, patch)
    plan[1:-1] = plan[1:-1].flip(0)
    return plan


def never_raises(size: int, patch: int) -> Tensor:
    return raster_plan(size, patch) if size % patch == 0 else torch.zeros(1)


# --- chapter 14 ------------------------------------------------------------------------------------


def euler(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    """The book's step itself, with the schedule of flow matching."""
    levels = [torch.tensor([level], dtype=torch.float64) for level in (t, u)]
    return process.step(x_t, x0_hat, *levels, schedule=process.flow)


def along_velocity(length: Callable[[float, float], float]) -> Callable[..., Tensor]:
    """A step of this length along v."""
    return lambda x_t, x0_hat, t, u: x_t + length(t, u) * ((x_t - (1 - t) * x0_hat) / t - x0_hat)


def euler_undivided(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    return x_t + (u - t) * (x_t - (1 - t) * x0_hat - x0_hat)


def euler_divides_by_what_is_left(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    return x_t + (u - t) * (x_t - x0_hat) / (1 - t)


def on_the_circle(x_t: Tensor, x0_hat: Tensor, t: float, u: float) -> Tensor:
    levels = [torch.tensor([level], dtype=torch.float64) for level in (t, u)]
    return process.step(x_t, x0_hat, *levels)


def jump(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return x_t * (v / (alpha**2 * v + sigma**2)) ** 0.5


def best_guess(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return alpha * v * x_t / (alpha**2 * v + sigma**2)


def jump_by_spreads(x_t: Tensor, alpha: float, sigma: float, v: float) -> Tensor:
    return x_t * v**0.5 / (alpha * v**0.5 + sigma)


# --- chapter 12 ------------------------------------------------------------------------------------


def to_numbers(prompt: str, words: tuple[str, ...]) -> list[int]:
    numbers = []
    for word in prompt.split():
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1, cutoff=0)
            raise ValueError(f"{word} is unknown; did you mean {near[0]}?")
        numbers.append(words.index(word))
    return numbers


def to_words(numbers: list[int], words: tuple[str, ...]) -> str:
    return " ".join(words[number] for number in numbers)


def without_a_word(prompt: str, words: tuple[str, ...]) -> list[int]:
    return [words.index(word) for word in prompt.split() if word in words]


def silent(prompt: str, words: tuple[str, ...]) -> list[int]:
    if any(word not in words for word in prompt.split()):
        raise ValueError("a word is unknown")
    return without_a_word(prompt, words)


def not_helpful(prompt: str, words: tuple[str, ...]) -> list[int]:
    for word in prompt.split():
        if word not in words:
            raise ValueError(f"{word} is unknown")
    return without_a_word(prompt, words)


def by_dictionary(prompt: str, words: tuple[str, ...]) -> list[int]:
    numbers = {word: number for number, word in enumerate(words)}
    return [numbers[word] for word in prompt.split()]


def hears(encoder: Any, one: Tensor, other: Tensor) -> bool:
    return bool((encoder(one[None]) - encoder(other[None])).abs().max() > 1e-6)


# --- chapter 13 ------------------------------------------------------------------------------------


def guide(uncond: Tensor, cond: Tensor, guidance_scale: float) -> Tensor:
    return uncond + guidance_scale * (cond - uncond)


def from_w(w: float) -> float:
    return w + 1


def interval_calls(steps: int, guided: int, batched: bool) -> int:
    return steps + guided


CASES = {
    "first-step": Case(
        right=[(0.4, 1.6), (2 / 5, 8 / 5), (torch.tensor(0.4), np.float64(1.6)), (0.4004, 1.5996)],
        wrong=[
            ((0.8, 1.6), "sum"),
            ((0.2, 1.6), "factor 2"),
            ((-0.4, 1.6), "uphill"),
            ((-8, 1.6), "slope of the loss"),
            ((8, 1.6), "derivative"),
            ((0.4, 1.75), "larger x"),
            ((0.4, 1.0), "no intercept"),
            ((0.4, 2), "slope of the loss is 0"),
            ((0.05, 1.6), "derivative"),
            ((nan, 1.6), "finite"),
            (("a bit", 1.6), "should be a number"),
            ((torch.ones(2), 1.6), "should be a number"),
        ],
        secret=r"0\.4\b(?!\d)|1\.6\b|8 */ *5|2 */ *5",
    ),
    "count-weights": Case(
        right=[(97, 1210), (97.0, torch.tensor(1210))],
        wrong=[
            ((80, 1210), "knob"),
            ((97, 1184), "knob"),
            ((96, 1210), "one for each output"),
            ((2, 1210), "one for each output"),
            ((97, 1209), "64, 16, 10"),
            ((97, 1024), "64, 16, 10"),
            (([97], 1210), "should be a number"),
        ],
        secret=r"\b97\b|1,?210",
    ),
    "best-constant": Case(
        right=[(mean_or_median,), (upper_median,)],
        wrong=[
            ((swapped,), "squared loss"),
            ((middle_of_range,), "squared loss"),
            ((lambda values, loss: values.mean(),), "how many values come nearer"),
            ((lambda values, loss: values.median(),), "slope"),
            ((lambda values, loss: 0.0,), "slope"),
            ((lambda values, loss: nan,), "slope"),
            ((the_loss_instead,), "squared loss"),
            ((lambda values, loss: values,), "shape"),
            ((lambda values, loss: "mean",), "should be numbers"),
        ],
        secret=r"\bmedian\b|\bmiddle\b|\bthe mean\b(?! squared)|\baverage\b",
        function=True,
    ),
    "lopsided-coin": Case(
        right=[(0.6, 0.64), (torch.tensor(0.6), 1 - 0.36)],
        wrong=[
            ((1, 0.64), "vote"),
            ((0.8, 0.64), "chance of +1"),
            ((0, 0.64), "mean of y"),
            ((-0.6, 0.64), "mean of y"),
            ((0.6, 0.8), "always answering"),
            ((0.6, 0.36), "variance"),
            ((0.6, 0), "some loss is left"),
            ((0.6, 0.16), "Put the fit into"),
            (("+1", "no"), "vote"),
            ((0.6, float("inf")), "finite"),
        ],
        secret=r"\b0\.6\b|\b0\.64\b",
    ),
    "explained": Case(
        right=[(explained,), (lambda images, labels: float(explained(images, labels)),)],
        wrong=[
            ((share_left,), "share that is left"),
            ((equal_classes,), "not equally large"),
            ((one_number_for_all_pixels,), "class mean"),
            ((not_a_share,), "class mean"),
            ((a_share_for_each_pixel,), "shape"),
            ((lambda images, labels: nan,), "class mean"),
            ((lambda images, labels: 0.25,), "class mean"),
            ((lambda images, labels: 100 * explained(images, labels),), "class mean"),
        ],
        secret=r"within *\/|1 *- *within",
        function=True,
    ),
    "four-or-nine": Case(
        right=[((0.75, 0.25), 0.5623), (torch.tensor([0.75, 0.25]), -0.75 * math.log(0.75) - 0.25 * math.log(0.25))],
        wrong=[
            (((1, 0), 0), "infinite"),
            (((0.5, 0.5), 0.5623), "Half and half"),
            (((0.25, 0.75), 0.5623), "First the 4"),
            (((3, 1), 0.5623), "sums to 1"),
            (((0.8, 0.2), 0.5623), "which costs less"),
            ((0.75, 0.5623), "shape"),
            ((("4", "9"), 0.5623), "should be numbers"),
            (((0.75, 0.25), 0.8113), "bits"),
            (((0.75, 0.25), 0.2877), "fourth"),
            (((0.75, 0.25), 0), "over the four people"),
            (((0.75, 0.25), 0.6931), "over the four people"),
            (((0.75, 0.25), -0.5623), "over the four people"),
            (((nan, nan), 0.5623), "finite"),
        ],
        secret=r"0\.562|three quarters|3 */ *4",
    ),
    "count-belief": Case(
        right=[(count,), (lambda *given: torch.tensor(count(*given), dtype=torch.float64),)],
        wrong=[
            ((all_pictures,), "agree with every seen pixel"),
            ((turned_round,), "turned round"),
            ((counts_not_shares,), "sums to 1"),
            ((any_pixel_fits,), "should be"),
            ((first_picture_only,), "should be"),
            ((half,), "should be"),
            ((only_the_chance_of_one,), "shape"),
            ((lambda *given: [0.2] * 5,), "shape"),
        ],
        secret=r"\bfits\b",
        function=True,
    ),
    "draw-error": Case(
        right=[(2,), (2.0,), (torch.tensor(2.0),)],
        wrong=[
            ((1,), "drawing costs nothing"),
            ((math.sqrt(2),), "distance"),
            ((4,), "squares add"),
            ((0.5,), "divide it"),
            ((3,), "independent draws"),
            ((nan,), "finite"),
            (("twice",), "should be a number"),
        ],
        secret=r"\b(?<!sqrt )2\b|\btwice\b(?! )|\bdouble\b|\btwo times\b",
    ),
    "leaks": Case(
        right=[(leaks,), (both_halves_by_gradient,), (lambda net: torch.tensor(leaks(net)),)],
        wrong=[
            ((lambda net: True,), "honest"),
            ((lambda net: False,), "looks first"),
            ((lambda net: not leaks(net),), "honest"),
            ((everything_hidden,), "looks first"),
            ((one_hidden_pixel,), "one single pixel"),
            ((leaks_by_gradient,), "one single pixel"),
            ((seen_pixels_too,), "honest"),
            ((lambda net: 0.3,), "True or False"),
            ((lambda net: "no",), "True or False"),
            ((lambda net: torch.zeros(2, dtype=torch.bool),), "True or False"),
        ],
        secret=r"\bgradient\b|\bgrad\b|torch\.equal",
        function=True,
    ),
    "chain": Case(
        right=[(chain,), (lambda *given: torch.tensor(chain(*given), dtype=torch.float64),)],
        wrong=[
            ((each_by_itself,), "by itself"),
            ((sorted_by_pixel,), "sorted by pixel"),
            ((only_the_product,), "single chances are off"),
            ((always_from_left,), "agree with what is written"),
            ((lambda *given: float(given[0][given[1]]),), "shape"),
            ((lambda *given: [0.5, 0.5, 0.5],), "product of your three chances"),
        ],
        secret=r"select|sum\(|\bdivide",
        function=True,
    ),
    "temper": Case(
        right=[(temper,), (lambda p, T: temper(p, T).tolist(),)],
        wrong=[
            ((lambda p, T: p**T,), "turn T round"),
            ((lambda p, T: p**T / (p**T).sum(),), "turn T round"),
            ((lambda p, T: p ** (1 / T),), "divide by their sum"),
            ((lambda p, T: (p / T).softmax(0),), "logarithms"),
            ((lambda p, T: p,), "you return"),
            ((temper_without("zero"),), "T = 0"),
            ((temper_without("negative"),), "ValueError"),
            ((lambda p, T: p[:1],), "shape"),
        ],
        secret=r"1 ?/ ?T|16/17|0\.94",
        function=True,
    ),
    "pixel-bill": Case(
        right=[(784, 3145728, 52.4), (28 * 28, 3 * 1024**2, 52.43)],
        wrong=[
            ((256, 3145728, 52.4), "28 x 28"),
            ((783, 3145728, 52.4), "first pixel"),
            ((28, 3145728, 52.4), "One call a pixel"),
            ((784, 1048576, 52.4), "three colour values"),
            ((784, 1024, 52.4), "one row"),
            ((784, 3e6, 52.4), "One call a colour value"),
            ((784, 3145728, 60), "Calls times"),
            ((784, 3145728, 3145.728), "seconds"),
            ((784, 3145728, 17.476), "three"),
            ((784, 3145728, 0.874), "hours"),
            ((784, 3145728, nan), "finite"),
        ],
        secret=r"\b784\b|3,?145,?728|\b52\b",
    ),
    "two-pixels": Case(
        right=[(0.5, 0.531), (0.5, 0.53100)],
        wrong=[
            ((0.1, 0.531), "real pictures"),
            ((0.9, 0.531), "says nothing"),
            ((0.18, 0.531), "fair coin"),
            ((0.3, 0.531), "without looking"),
            ((0.5, 0.469), "once the first is known"),
            ((0.5, 0.368), "nats"),
            ((0.5, 0.325), "nats"),
            ((0.5, 1), "not give away all"),
            ((0.5, 0.25), "minus the bits"),
        ],
        secret=r"0\.531|\b0\.5\b",
    ),
    "border-inside": Case(
        right=[([0.1, 0.244, 0.336, 0.395],), (torch.tensor([0.1, 0.2440, 0.3362, 0.3951]),)],
        wrong=[
            (([0.1] * 4,), "real rows"),
            (([0.1, 0.5, 0.5, 0.5],), "written pixel"),
            (([0.5] * 4,), "Coins"),
            (([0.1, 0.18, 0.244, 0.2952],), "*written* pixel"),
            (([0.244, 0.336, 0.395, 0.4],), "Begin with the border"),
            (([0.1, 0.244, 0.3, 0.4],), "exactly one"),
            ((0.1,), "shape"),
            (("ten per cent",), "numbers"),
        ],
        secret=r"0\.244|0\.336|0\.395",
    ),
    "raster-plan": Case(
        right=[(raster_plan,), (lambda size, patch: raster_plan(size, patch).tolist(),)],
        wrong=[
            ((lambda size, patch: 1 - raster_plan(size, patch),), "Upside down"),
            ((runs_of_pixels,), "rows high"),
            ((without_a_last_row,), "shape"),
            ((flickering,), "disappears again"),
            ((lambda size, patch: torch.ones_like(raster_plan(size, patch)),), "last all 0"),
            ((never_raises,), "ValueError"),
            ((lambda size, patch: raster_plan(size, 1),), "shape"),
        ],
        secret=r"arange|//",
        function=True,
    ),
    "onward": Case(
        right=[(onward, 456), (lambda *given: torch.tensor(onward(*given), dtype=torch.float64), 456.0)],
        wrong=[
            ((lambda a, b, c, d: (a / c if c else 0, onward(a, b, c, d)[1]), 456), "Turned round"),
            ((lambda a, b, c, d: (c, d**2), 456), "whole picture"),
            ((lambda a, b, c, d: (c - a, d**2), 456), "by what is it multiplied"),
            ((lambda a, b, c, d: (c / a, d), 456), "its variance"),
            ((lambda a, b, c, d: (c / a, d**2), 456), "in x_u already"),
            ((lambda a, b, c, d: (c / a, d**2 - b**2), 456), "fainter, too"),
            ((lambda a, b, c, d: (c / a, d**2 - c / a * b**2), 456), "what happens to its variance"),
            ((lambda a, b, c, d: (c / a, 1 - (c / a) ** 2), 456), "add up"),
            ((lambda a, b, c, d: c / a, 456), "shape"),
            ((lambda a, b, c, d: (nan, d**2), 456), "by what is it multiplied"),
            ((lambda a, b, c, d: (c / a, nan), 456), "add up"),
            ((onward, 228), "alpha squared"),
            ((onward, 455), "One off"),
            ((onward, 461), "Nearly"),
            ((onward, 50), "power below"),
            ((empty, 456), "returns nothing yet"),
            ((0.5, 456), "A function is wanted"),
        ],
        secret=r"\b456\b|/ alpha|alpha_t|sigma_t|\*\* ?2",
    ),
    "perfect-guess": Case(
        right=[(perfect_guess, 0)],
        wrong=[
            ((lambda x, a, s, p: p.mean(dim=0).expand_as(x), 0), "plain mean"),
            ((lambda x, a, s, p: p[torch.cdist(x, a * p).argmin(dim=1)], 0), "mean of all"),
            ((lambda x, a, s, p: like(x, p, s**2, p), 0), "compare it with those"),
            ((lambda x, a, s, p: like(x, a * p, s**2 / 2, p), 0), "a 2 is missing"),
            ((lambda x, a, s, p: like(x, a * p, s, p), 0), "squared"),
            ((lambda x, a, s, p: like(x / (a + 1e-12), p, s**2, p), 0), "x_t itself"),
            ((lambda x, a, s, p: a * perfect_guess(x, a, s, p), 0), "clean picture"),
            ((weights_underflow, 0), "it is no number"),
            ((over_the_batch, 0), "sum to 1"),
            ((lambda x, a, s, p: perfect_guess(x, a, s, p)[0], 0), "shape"),
            ((perfect_guess, 20), "to copy"),
            ((perfect_guess, 200), "nearest"),
            ((perfect_guess, 7), "Walk down"),
            ((empty, 0), "returns nothing yet"),
            ((breaks, 0), "stopped with KeyError"),
            ((3, 0), "A function is wanted"),
        ],
        secret=r"softmax|cdist|is 0\b|\bzero\b|none of the 200",
    ),
    "normal-guess": Case(
        right=[(normal_guess,), (lambda x, a, s, m, v: normal_guess(x, a, s, m, v).tolist(),)],
        wrong=[
            ((lambda x, a, s, m, v: x / a if a else x,), "trusts x_t wholly"),
            ((lambda x, a, s, m, v: (x - s) / a if a else x / 0.0,), "covariance"),
            ((lambda x, a, s, m, v: normal_guess(x, a, s, m, v) if a else x / 0.0,), "it is no number"),
            ((lambda x, a, s, m, v: x,), "hands back"),
            ((lambda x, a, s, m, v: 0 * x + m,), "sees nothing"),
            ((lambda x, a, s, m, v: normal_guess(x, a, s, 0, v),), "is forgotten"),
            ((lambda x, a, s, m, v: normal_guess(x, a, s, m, v) - m,), "is forgotten"),
            ((lambda x, a, s, m, v: m + a * v * (x - m) / (a**2 * v + s**2),), "the mean, too"),
            ((lambda x, a, s, m, v: m + v * (x - a * m) / (a**2 * v + s**2),), "vary together"),
            ((lambda x, a, s, m, v: m + a * v * (x - a * m) / (v + s**2),), "the variance of x_t"),
            ((lambda x, a, s, m, v: m + a * v * (x - a * m) / (a**2 * v + s),), "no variance"),
            ((lambda x, a, s, m, v: m + a * v**0.5 * (x - a * m) / (a * v**0.5 + s),), "not sizes"),
            ((lambda x, a, s, m, v: m,), "shape"),
        ],
        secret=r"alpha\*\*2|alpha \* v|a\*\*2",
        function=True,
    ),
    "bits-lost": Case(
        right=[
            (bits_lost, [(0, 3), (1, 2)]),
            (lambda table, order: float(bits_lost(table, order)), ((3, 0), (2, 1))),
            (bits_lost, torch.tensor([[0, 3], [1, 2]])),
        ],
        wrong=[
            ((lambda table, order: bits_lost(table, order) * math.log(2), [(0, 3), (1, 2)]), "nats"),
            ((lambda table, order: -bits_lost(table, order), [(0, 3), (1, 2)]), "sign"),
            ((whole_message, [(0, 3), (1, 2)]), "whole message"),
            ((nothing_remembered, [(0, 3), (1, 2)]), "what the earlier ones wrote"),
            ((wasteful_one_by_one, [(0, 3), (1, 2)]), "One pixel a call is exact"),
            ((told_its_own_call, [(0, 3), (1, 2)]), "given the calls before"),
            ((only_the_first_call, [(0, 3), (1, 2)]), "given the calls before"),
            ((lambda table, order: torch.zeros(2), [(0, 3), (1, 2)]), "shape"),
            ((empty, [(0, 3), (1, 2)]), "returns nothing yet"),
            ((unwritten, [(0, 3), (1, 2)]), "still empty"),
            ((breaks, [(0, 3), (1, 2)]), "stopped with KeyError"),
            ((0.288, [(0, 3), (1, 2)]), "A function is wanted"),
            ((bits_lost, [(0, 1), (2, 3)]), "try all six"),
            ((bits_lost, [(0, 2), (1, 3)]), "try all six"),
            ((bits_lost, [(1, 2), (0, 3)]), "Turned round"),
            ((bits_lost, [(1, 4), (2, 3)]), "every place from 0 to 3"),
            ((bits_lost, [(0,), (1, 2, 3)]), "two places each"),
            ((bits_lost, "far apart"), "should look like"),
            ((bits_lost, 3), "should look like"),
        ],
        secret=r"\(0, 3\), \(1, 2\)|log2|0\.288",
    ),
    "ramp-matrix": Case(
        right=[(ramp_matrix,), (ramp_in_loops,)],
        wrong=[
            ((lambda *given: 1 - ramp_matrix(*given),), "Upside down"),
            ((not_clipped,), "below 0 or above 1"),
            ((begins_below_one,), "first row"),
            ((lambda *given: ramp_matrix(*given).flip(1),), "Turned round"),
            ((last_begins_at_the_end,), "last row"),
            ((comes_back,), "disappears again"),
            ((lambda *given: ramp_matrix(*given).round(),), "Only levels 0 and 1"),
            ((begins_one_place_early,), "when does each of them begin"),
            ((all_at_once,), "How far has the first pixel fallen"),
            ((lambda *given: ramp_matrix(*given)[:-1],), "shape"),
            ((lambda *given: ramp_matrix(*given).T,), "shape"),
        ],
        secret=r"clamp|clip|1 - width|linspace",
        function=True,
    ),
    "never-disagree": Case(
        right=[
            (0.0, [0.0, 0.656, 0.972, 0.9995]),
            (torch.tensor(0.0), torch.tensor([0.0, 0.655, 0.971, 1.0])),
            (0, (0.0, 0.66, 0.97, 1.0)),
        ],
        wrong=[
            ((0.5, [0.0, 0.656, 0.972, 0.9995]), "drawn"),
            ((1.0, [0.0, 0.656, 0.972, 0.9995]), "how often they do not"),
            ((0.1, [0.0, 0.656, 0.972, 0.9995]), "two columns"),
            ((0.0, [0.0, 0.004, -0.002, 0.01]), "cancel"),
            ((0.0, [1.0, 1.0, 1.0, 1.0]), "drawing"),
            ((0.0, [0.0, 0.5186, 0.9587, 0.9994]), "means of squares"),
            ((0.0, [0.5, 0.656, 0.972, 0.9995]), "Begin with one call"),
            ((0.0, [0.0, 0.7, 0.972, 0.9995]), "which are off"),
            ((0.0, [0.656, 0.972, 0.9995]), "shape"),
            ((0.0, "bright"), "should be numbers"),
        ],
        secret=r"0\.65|0\.97|0\.99|\b0\.0\b|grey",
    ),
    "shrinking-spread": Case(
        right=[(spread_after,), (spread_by_walking,)],
        wrong=[
            ((lambda calls: 1.0,), "too near to the average"),
            ((lambda calls: math.cos(math.pi / (2 * calls)),), "what one step does"),
            ((lambda calls: spread_after(calls) ** 2,), "That is the variance"),
            ((lambda calls: 0.5,), "What is it at level 1"),
            ((lambda calls: spread_after(calls) if calls != 4 else 0.9,), "By what factor"),
            ((lambda calls: 1 - 1 / calls,), "By what factor"),
            ((lambda calls: [0.0, 0.5],), "has shape"),
        ],
        secret=r"cos\(|cosine of|pi / ?\(?2",
        function=True,
    ),
    "count-calls": Case(
        right=[(calls_of,), (lambda steps, way, guided: torch.tensor(calls_of(steps, way, guided)),)],
        wrong=[
            (
                (lambda steps, way, guided: (2 if guided else 1) * steps * (2 if way == "heun" else 1),),
                "nothing is asked",
            ),
            ((lambda steps, way, guided: calls_of(steps, way, False),), "asked twice"),
            (
                (lambda steps, way, guided: (2 if guided else 1) * (2 * steps - 1 if way != "plain" else steps),),
                "paid for",
            ),
            ((lambda steps, way, guided: (2 if guided else 1) * (steps + 1),), "one call a step"),
            ((lambda steps, way, guided: calls_of(steps, way, False) + (steps if guided else 0),), "asked twice"),
        ],
        secret=r"2 ?\* ?steps ?- ?1|2K",
        function=True,
    ),
    "what-leaks": Case(
        right=[(0.00635, 0.0), (torch.tensor(0.006353), 0), (0.006351, math.cos(math.pi / 2))],
        wrong=[
            ((0.0000403, 0.0), "of the variance"),
            ((0.0, 0.0), "not nothing"),
            ((0.99998, 0.0), "in front of the noise"),
            ((0.02, 0.0), "all thousand"),
            ((0.0064, 0.0), "all thousand"),
            ((0.00635, 0.00635), "DDPM's again"),
            ((0.00635, 1.0), "right angle"),
        ],
        secret=r"0\.00635|0\.0063|is 0\b",
    ),
    "name-one-get-all": Case(
        right=[(name_all,)],
        wrong=[
            ((v_turned_round,), "sign is turned round"),
            ((says_something_at_pure_noise,), "it gave an answer"),
            ((stops_at_pure_noise,), "stopped with ZeroDivisionError"),
            ((divides_by_alpha,), "nothing at alpha = 0"),
            ((forgets_to_divide,), "Solve x_t"),
            ((always_converts,), "Go round"),
        ],
        secret=r"alpha \* x_t|sigma \* value|/ alpha|/ sigma",
        function=True,
    ),
    "loss-weights": Case(
        right=[
            (0.5625, 1.5625, loss_weights),
            (9 / 16, 25 / 16, lambda alpha, sigma: torch.tensor(loss_weights(alpha, sigma))),
        ],
        wrong=[
            ((16 / 9, 1.5625, loss_weights), "Turned round"),
            ((0.75, 1.5625, loss_weights), "takes the square"),
            ((0.36, 1.5625, loss_weights), "sigma"),
            ((2.0, 1.5625, loss_weights), "If x0 moves by 1"),
            ((0.5625, 0.64, loss_weights), "Turned round"),
            ((0.5625, 1.25, loss_weights), "takes the square"),
            ((0.5625, 0.0784, loss_weights), "in the same direction"),
            ((0.5625, 3.0, loss_weights), "by its own part"),
            ((0.5625, 1.5625, only_one_case), "for eps"),
            ((0.5625, 1.5625, v_alone_is_wrong), "for v"),
            ((0.5625, 1.5625, lambda alpha, sigma: (nan, nan)), "for eps"),
            ((0.5625, 1.5625, empty), "returns nothing yet"),
            ((0.5625, 1.5625, 3), "A function is wanted"),
        ],
        secret=r"0\.5625|9 ?/ ?16|1\.5625|25 ?/ ?16|/ sigma",
    ),
    "handed-back": Case(
        right=[(0.98,), (1 - (1 - math.sqrt(0.98)) ** 2 - 0.02,), (0.9799,)],
        wrong=[
            ((math.sqrt(0.98),), "as a factor"),
            ((0.02,), "what is left to explain"),
            ((0.9999,), "fresh noise"),
            ((1.0,), "fresh noise"),
            ((0.5,), "its variance"),
            ((98,), "its variance"),
            ((0.9604,), "square too many"),
        ],
        secret=r"0\.98\b|0\.979|98 ?%",
    ),
    "causal-mask": Case(
        right=[
            (causal_mask,),
            (lambda n: causal_mask(n).float(),),
            (lambda n: [[j <= i for j in range(n + 1)] for i in range(n)],),
        ],
        wrong=[
            ((lambda n: torch.ones(n, n + 1).tril(1),), "One too many"),
            ((lambda n: torch.ones(n, n + 1).tril(-1),), "nothing at all"),
            ((lambda n: torch.cat([torch.ones(n, 1), torch.ones(n, n).tril(-2)], 1),), "One too few"),
            ((lambda n: torch.cat([torch.zeros(n, 1), torch.ones(n, n).tril(0)], 1),), "One too many"),
            ((lambda n: torch.ones(n, n + 1),), "not written yet"),
            ((lambda n: torch.ones(n, n + 1).triu(),), "not written yet"),
            ((lambda n: torch.eye(n, n + 1),), "The start is there"),
            ((lambda n: torch.eye(n, n + 1).index_fill(1, torch.tensor(0), 1),), "misses a pixel"),
            ((lambda n: torch.ones(n, n).tril(),), "shape"),
            ((lambda n: torch.zeros(n, n + 1).masked_fill(~causal_mask(n), -math.inf),), "True and False"),
            ((lambda n: "triangle",), "should be numbers"),
        ],
        secret=r"tril|triang",
        function=True,
    ),
    "cache-tokens": Case(
        right=[(32896, 256, 128.5), (256 * 257 / 2, 256.0, 32896 / 256)],
        wrong=[
            ((65536, 256, 256), "whole picture"),
            ((32640, 256, 127.5), "start token"),
            ((33152, 256, 129.5), "one step too far"),
            ((256, 256, 1), "once more"),
            ((32768, 256, 128), "add them up"),
            ((32896, 255, 129), "forgets the start"),
            ((32896, 257, 128), "last pixel"),
            ((32896, 1, 32896), "one step"),
            ((32896, 32896, 1), "only what is new"),
            ((32896, 256, 128), "Nearly"),
            ((32896, 256, 256), "bit by bit"),
            ((32896, 256, 256 / 32896), "Turned round"),
            ((32896, 256, 100), "Divide"),
            (("many", 256, 128.5), "should be a number"),
        ],
        secret=r"32,?896|128\.5|\b256\b",
    ),
    "bits-per-pixel": Case(
        right=[(bits,), (lambda logits, pixels: bits(logits, pixels).tolist(),)],
        wrong=[
            ((lambda logits, pixels: bits(logits, pixels) * math.log(2),), "nats"),
            ((lambda logits, pixels: bits(logits, pixels) * math.log10(2),), "base 10"),
            ((lambda logits, pixels: -bits(logits, pixels),), "sign"),
            ((lambda logits, pixels: bits(logits, pixels) * 16,), "whole picture"),
            ((lambda logits, pixels: bits(logits, pixels) / 16,), "once too often"),
            ((lambda logits, pixels: bits(logits, pixels).mean(),), "one for each"),
            ((lambda logits, pixels: float(bits(logits, pixels).mean()),), "one for each"),
            ((raw_logits,), "sum to 1"),
            ((over_the_wrong_axis,), "What chance"),
            ((lambda logits, pixels: bits(logits, pixels).mean().expand(3),), "What chance"),
            ((lambda logits, pixels: bits(logits, pixels)[:, None],), "shape"),
            ((lambda logits, pixels: [4, 4, 4],), "What chance"),
        ],
        secret=r"log2|log_softmax|softmax|cross_entropy",
        function=True,
    ),
    "pareto": Case(
        right=[
            (pareto,),
            (lambda points: torch.tensor(pareto(points)),),
            (lambda points: [int(p) for p in pareto(points)],),
        ],
        wrong=[
            ((pareto_of_more,), "less is better"),
            ((pareto_if_worse_in_both,), "equal cost"),
            ((pareto_without_doubles,), "Keep both"),
            ((pareto_all_but_equals,), "Keep both"),
            ((pareto_by_hull,), "no other point"),
            ((lambda points: [not each for each in pareto(points)],), "beaten ones"),
            ((lambda points: [True] * len(points),), "is beaten by"),
            ((lambda points: [False] * len(points),), "beat itself"),
            ((lambda points: [p for p, kept in zip(points, pareto(points), strict=True) if kept],), "for each point"),
            ((lambda points: [p[0] for p in points],), "True or False"),
        ],
        secret=r"\bany\(|\ball\(|<=",
        function=True,
    ),
    "frechet": Case(
        right=[(2, diagonal_frechet), (2.0, lambda *m: float(diagonal_frechet(*m)))],
        wrong=[
            ((10, frechet_by_variances), "spreads belong"),
            ((math.sqrt(2), diagonal_frechet), "left squared"),
            ((1, diagonal_frechet), "different widths"),
            ((6, diagonal_frechet), "come out at zero"),
            ((3, diagonal_frechet), "centres"),
            (("two", diagonal_frechet), "should be a number"),
            ((2, frechet_by_variances), "spreads belong"),
            ((2, frechet_without_a_cross), "come out at zero"),
            ((2, frechet_of_centres), "different widths"),
            ((2, lambda *m: diagonal_frechet(*m) ** 0.5), "left squared"),
            ((2, lambda *m: diagonal_frechet(*m) / len(m[0])), "do not average"),
            ((2, lambda *m: diagonal_frechet(*m) - ((m[0] - m[2]) ** 2 - (m[0] - m[2]).abs()).sum()), "is squared"),
            ((2, frechet_in_one_dimension), "by itself"),
            ((2, lambda *m: (m[0] - m[2]) ** 2), "Add them up"),
            ((2, lambda *m: torch.zeros(7)), "shape"),
            ((2, unwritten), "still empty"),
            ((2, 0.5), "A function is wanted"),
        ],
        secret=r"\b2\b|sqrt|\*\*",
    ),
    "nearer-to-train": Case(
        right=[(nearest_by(),), (lambda *sets: float(nearest_by()(*sets)),)],
        wrong=[
            ((lambda *sets: 1 - nearest_by()(*sets),), "Turned round"),
            ((nearest_by("mean"),), "the nearest one"),
            ((nearest_by(tie=0.0),), "counts one half"),
            ((nearest_by(tie=1.0),), "counts one half"),
            ((nearest_by("steps"),), "Euclidean"),
            ((nearest_by(checks_sizes=False),), "by its size alone"),
            ((share_of_exact_copies,), "how far is its nearest"),
            ((raises_something_else,), "TypeError"),
            ((asserts_sizes,), "Wanted is a ValueError"),
            ((lambda *sets: nearest_by()(*sets) * len(sets[0]),), "Asked is their share"),
            ((lambda samples, train, heldout: torch.ones(len(samples)),), "shape"),
        ],
        secret=r"cdist|amin|argmin|\b0\.5\b",
        function=True,
    ),
    "euler-step": Case(
        right=[
            (euler,),
            (along_velocity(lambda t, u: u - t),),
            (lambda x_t, x0_hat, t, u: x_t + (u - t) * (x_t - x0_hat) / t,),
            (lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).tolist(),),
        ],
        wrong=[
            ((along_velocity(lambda t, u: t - u),), "away from the picture"),
            ((along_velocity(lambda t, u: -1),), "all the way"),
            ((along_velocity(lambda t, u: 1),), "towards the noise"),
            ((along_velocity(lambda t, u: u),), "one of them"),
            ((euler_undivided,), "came with a factor"),
            ((lambda x_t, x0_hat, t, u: x_t + (u - t) * (x_t - x0_hat),), "on the way"),
            ((on_the_circle,), "quarter circle"),
            ((lambda x_t, x0_hat, t, u: x0_hat,), "writes the guess"),
            ((lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).float(),), "First the noise"),
            ((euler_divides_by_what_is_left,), "First the noise"),
            ((lambda x_t, x0_hat, t, u: x_t / (u - 0.3),), "not finite"),
            ((lambda x_t, x0_hat, t, u: euler(x_t, x0_hat, t, u).mean(),), "shape"),
        ],
        secret=r"u - t|t - u|/ ?t\b|eps_hat - x0",
        function=True,
    ),
    "one-jump": Case(
        right=[(jump,), (lambda *given: jump(*given).tolist(),)],
        wrong=[
            ((best_guess,), "an average"),
            ((lambda x_t, alpha, sigma, v: x_t * v / (alpha**2 * v + sigma**2),), "root of their variance"),
            ((lambda x_t, alpha, sigma, v: x_t * v**0.5,), "pure noise alone"),
            ((lambda x_t, alpha, sigma, v: x_t,), "Walking changes"),
            ((lambda x_t, alpha, sigma, v: x_t / max(alpha, 1e-9),), "At every level"),
            ((lambda x_t, alpha, sigma, v: x_t / alpha,), "not finite"),
            ((jump_by_spreads,), "not their spreads"),
            ((lambda x_t, alpha, sigma, v: x_t * ((alpha**2 * v + sigma**2) / v) ** 0.5,), "Upside down"),
            ((lambda x_t, alpha, sigma, v: x_t * math.inf,), "not finite"),
            ((lambda *given: jump(*given).sum(),), "shape"),
        ],
        secret=r"sqrt|\*\* ?0\.5|alpha\*\*2|alpha\^2",
        function=True,
    ),
    "latent-bill": Case(
        right=[(48, 65536, 1024, 4096), (48.0, 256 * 256, 32 * 32, 64**2)],
        wrong=[
            ((64, 65536, 1024, 4096), "places alone"),
            ((8, 65536, 1024, 4096), "one side"),
            ((256 / 3, 65536, 1024, 4096), "swapped"),
            ((16384, 65536, 1024, 4096), "How many times fewer is that"),
            ((786432, 65536, 1024, 4096), "How many times fewer are"),
            ((1 / 48, 65536, 1024, 4096), "Turned round"),
            ((50, 65536, 1024, 4096), "colours included"),
            ((48, 262144, 1024, 4096), "each pixel"),
            ((48, 131072, 1024, 4096), "two high"),
            ((48, 196608, 1024, 4096), "three colours"),
            ((48, 256, 1024, 4096), "How many rows"),
            ((48, 65536, 4096, 4096), "each place"),
            ((48, 65536, 2048, 4096), "two high"),
            ((48, 65536, 32, 4096), "How many rows"),
            ((48, 65536, 1024, 64), "every other"),
            ((48, 65536, 1024, 2304), "not of numbers"),
            ((48, 65536, 1024, 128), "twice as many"),
            ((48, 65536, 1024, 1 / 4096), "Turned round"),
            (("many", 65536, 1024, 4096), "should be a number"),
        ],
        secret=r"\b48\b|65,?536|1,?024|4,?096",
    ),
    "words-and-numbers": Case(
        right=[(to_numbers, to_words), (lambda p, w: torch.tensor(to_numbers(p, w)), to_words)],
        wrong=[
            ((lambda p, w: [n + 1 for n in to_numbers(p, w)], to_words), "begin at 1"),
            ((lambda p, w: [n + 2 for n in to_numbers(p, w)], to_words), "begin at 2"),
            ((lambda p, w: sorted(to_numbers(p, w)), to_words), "in the words' order"),
            ((lambda p, w: sorted(set(to_numbers(p, w))), to_words), "in the words' order"),
            ((lambda p, w: [len(word) for word in p.split()], to_words), "Where does each word stand"),
            ((lambda p, w: p.split(), to_words), "list of whole numbers"),
            ((lambda p, w: 3, to_words), "list of whole numbers"),
            ((to_numbers, lambda n, w: [w[i] for i in n]), "a str"),
            ((to_numbers, lambda n, w: "".join(w[i] for i in n)), "There and back"),
            ((without_a_word, to_words), "nobody is told"),
            ((by_dictionary, to_words), "stopped with KeyError"),
            ((silent, to_words), "which word is unknown"),
            ((not_helpful, to_words), "difflib"),
            ((breaks, to_words), "stopped with KeyError"),
            ((to_numbers, unwritten), "still empty"),
            ((empty, to_words), "returns nothing yet"),
            ((7, to_words), "A function is wanted"),
        ],
        secret=r"words\.index|get_close_matches|join",
    ),
    "hears-order": Case(
        right=[(hears,), (lambda e, one, other: ~torch.isclose(*e(torch.stack([one, other])), atol=1e-5).all(),)],
        wrong=[
            ((lambda e, one, other: True,), "is an average"),
            ((lambda e, one, other: False,), "far apart"),
            ((lambda e, one, other: not torch.equal(one, other),), "rows of tokens differ"),
            ((lambda e, one, other: bool((e(one[None]) - e(other[None])).sum().abs() > 1e-6),), "largest difference"),
            ((lambda e, one, other: bool(((e(one[None]) - e(other[None])).abs() > 1e-6).all()),), "largest difference"),
            ((lambda e, one, other: bool((e(one[None]) - e(other[None]) > 1e-6).any()),), "whichever way"),
            ((lambda e, one, other: bool((e(other[None]) - e(one[None]) > 1e-6).any()),), "whichever way"),
            ((lambda e, one, other: bool((e(one) - e(other)).abs().max() > 1e-6),), "of shape (1, 12)"),
            ((lambda e, one, other: not torch.equal(e(one[None]), e(other[None])),), "a millionth"),
            ((lambda e, one, other: bool((e(one[None]) - e(other[None])).abs().max() > 0.05),), "faintly"),
            ((lambda e, one, other: e(one[None]) - e(other[None]),), "True or False"),
        ],
        secret=r"abs\(|allclose|isclose",
        function=True,
    ),
    "count-meanings": Case(
        right=[(20736, 10368, 0), (4 * 72**2, torch.tensor(2 * 72**2), 0.0)],
        wrong=[
            ((72, 10368, 0), "how many things"),
            ((5184, 10368, 0), "how many pairs"),
            ((288, 10368, 0), "so can the other"),
            ((144, 10368, 0), "multiply"),
            ((10368, 10368, 0), "all four"),
            ((20448, 10368, 0), "may be alike"),
            ((10224, 10368, 0), "may be alike"),
            ((20000, 10368, 0), "how many pairs"),
            ((20736, 20736, 0), "which is on top"),
            ((20736, 5184, 0), "two sentences, not four"),
            ((20736, 10404, 0), "like things"),
            ((20736, 10332, 0), "like things"),
            ((20736, 10224, 0), "may be alike"),
            ((20736, 7, 0), "does a picture have"),
            ((20736, 10368, 6), "Count them"),
            (("many", 10368, 0), "should be a number"),
        ],
        secret=r"20,?736|10,?368|\b0\b",
    ),
    "with-and-without": Case(
        right=[(guide, from_w), (lambda u, c, s: (1 - s) * u + s * c, lambda w: 1 + w)],
        wrong=[
            ((lambda u, c, s: c + s * (u - c), from_w), "changed places"),
            ((lambda u, c, s: c + s * (c - u), from_w), "That is the guess with"),
            ((lambda u, c, s: c if s == 0 else guide(u, c, s), from_w), "That is the guess with"),
            ((lambda u, c, s: u if s == 0 else c + s * (c - u), from_w), "other convention"),
            ((lambda u, c, s: s * (c - u), from_w), "nothing of the difference"),
            ((lambda u, c, s: u if s == 0 else s * (c - u), from_w), "difference alone"),
            ((lambda u, c, s: u - s * (c - u), from_w), "away from the prompt"),
            ((lambda u, c, s: u if s == 0 else s * c, from_w), "belongs to the difference"),
            ((lambda u, c, s: u + s**2 * (c - u), from_w), "Start from"),
            ((lambda u, c, s: u / 0.0, from_w), "not finite"),
            ((guide, lambda w: w), "w = 0 is off"),
            ((guide, lambda w: w or 1.0), "one name for one thing"),
            ((guide, lambda w: w - 1), "from ours to theirs"),
            ((guide, lambda w: 2 * w + 1), "w = 0 is off"),
            ((guide, unwritten), "still empty"),
        ],
        secret=r"u \+|uncond \+|w \+ 1|1 \+ w",
    ),
    "narrower": Case(
        right=[(1 / 81, 1 / 17), (0.01235, 0.0588)],
        wrong=[
            ((1 / 17, 1 / 17), "what people expect"),
            ((1 / 9, 1 / 17), "prompt alone"),
            ((1 / 18, 1 / 17), "factors multiply"),
            ((-1 / 3, 1 / 17), "Spreads"),
            ((-7 / 9, 1 / 17), "not below 0"),
            ((1 / 16, 1 / 17), "example of the text"),
            ((1, 1 / 17), "without the prompt"),
            ((0.4, 1 / 17), "two pushes"),
            ((1 / 81, 1 / 81), "where the walk ends"),
            ((1 / 81, 1 / 18), "still to be divided"),
            ((1 / 81, 1 / 19), "multiplies by"),
            ((1 / 81, 17), "one over"),
            ((1 / 81, 1 / 9), "prompt alone"),
            ((1 / 81, 1 / 7), "example of the text"),
            ((1 / 81, 0.5), "exponents"),
            ((1 / 81, "small"), "should be a number"),
        ],
        secret=r"1/81|1/17|0\.012|0\.05",
    ),
    "calls-of-an-interval": Case(
        right=[(interval_calls,), (lambda steps, guided, batched: torch.tensor(steps + guided),)],
        wrong=[
            ((lambda steps, guided, batched: 2 * steps,), "not every step"),
            ((lambda steps, guided, batched: steps if batched else steps + guided,), "saves waiting"),
            ((lambda steps, guided, batched: 2 * guided,), "the other steps"),
            ((lambda steps, guided, batched: guided,), "costs more"),
            ((lambda steps, guided, batched: steps - guided,), "not less"),
            ((lambda steps, guided, batched: steps + 2 * guided,), "how often"),
        ],
        secret=r"\+|steps plus|sum",
        function=True,
    ),
}

RIGHT = [(name, given) for name, case in CASES.items() for given in case.right]
WRONG = [
    (name, given, word)
    for name, case in CASES.items()
    for given, word in [*case.wrong, *(NO_FUNCTION if case.function else [])]
]


def test_every_exercise_is_in_the_table() -> None:
    assert CASES.keys() == checks.EXERCISES.keys()


@pytest.mark.parametrize("nothing", [None, ...])
@pytest.mark.parametrize("name", CASES)
def test_an_empty_stub_is_not_yet(name: str, nothing: Any) -> None:
    answers = [nothing] * len(CASES[name].right[0])
    verdict = check(name, *answers)
    assert not verdict.right
    assert "Put your answer" in verdict.message
    assert repr(verdict).startswith("Not yet.")


@pytest.mark.parametrize(("name", "given"), RIGHT)
def test_a_right_answer_passes(name: str, given: tuple[Any, ...]) -> None:
    verdict = check(name, *given)
    assert verdict.right, verdict.message
    assert len(verdict.message.split()) > 5


@pytest.mark.parametrize(("name", "given", "word"), WRONG)
def test_a_wrong_answer_is_caught_with_a_hint(name: str, given: tuple[Any, ...], word: str) -> None:
    verdict = check(name, *given)
    assert not verdict.right
    assert word in verdict.message
    hint = re.sub(r"is not -?[\d.]+\.", "", verdict.message)  # the reader's own number
    assert not re.search(CASES[name].secret, hint)
    assert len(verdict.message) < 400


@pytest.mark.parametrize(("name", "given", "word"), WRONG)
def test_a_verdict_reads_as_html(name: str, given: tuple[Any, ...], word: str) -> None:
    shown = check(name, *given)._repr_html_()
    assert shown.startswith('<p class="mg-verdict"')
    assert "○ Not yet." in shown


def test_what_a_reader_wrote_is_escaped() -> None:
    def marked(*given: Any) -> None:
        raise ValueError("<b>bold</b>")

    assert "&lt;b&gt;bold" in check("explained", marked)._repr_html_()


def test_a_check_changes_nothing_of_the_world() -> None:
    """Neither torch's random numbers nor the next verdict depend on checks."""
    torch.manual_seed(3)
    before = torch.rand(3)
    torch.manual_seed(3)
    for name, case in CASES.items():
        if name != "leaks":  # the reader's own function draws there
            check(name, *case.right[0])
    check("leaks", lambda net: True)
    assert torch.equal(torch.rand(3), before)


def test_a_function_that_writes_into_its_inputs_does_no_harm() -> None:
    def writes(values: Tensor, loss: str) -> Tensor:
        answer = mean_or_median(values, loss)
        values.zero_()
        return answer

    assert check("best-constant", writes).right


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'first-step'"):
        check("first-stp", 1)

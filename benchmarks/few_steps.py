"""Few steps: one network, walked down in more or fewer steps and in several ways (chapter 8).

Always the shipped weights of ``digits-diffusion``; nothing is trained. Rows: 1,000 digits, each class equally often,
scored against held-out digits, by the number of calls and the way of sampling: the belief's mean or a draw from it,
eta 0 or 1, second order, and steps placed as equal steps of another schedule would place them, or shifted towards the
noise. Up to 16 calls, and not for other schedules, with two sampling seeds. Then ``same``: 100 starting noises, each at
several numbers of calls: how far is the picture from the one at 256 calls of the same noise, and how far apart are
pictures of the same class from different noises? And ``pictures``: ten noises, one for each digit, drawn in every
number of calls, for the chapter's slider. Writes ``minigen/course/results/few_steps.json``.
"""

from __future__ import annotations

from typing import Any

import torch
from common import Row, draw_and_score
from torch import Tensor

import minigen as mg
from minigen.course.measurements import Results, arguments, checksums, packed

NET = "digits-diffusion"
NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

WAYS: dict[str, dict[str, Any]] = {
    "mean, eta 0": dict(pick="mean", eta=0.0),
    "mean, eta 1": dict(pick="mean", eta=1.0),
    "second order": dict(pick="mean", eta=0.0, second_order=True),
    "draw, eta 1": dict(pick="draw", eta=1.0),
    "draw, eta 0": dict(pick="draw", eta=0.0),
    "spaced as flow": dict(pick="mean", eta=0.0, spacing="flow"),
    "spaced as linear_beta_leaky": dict(pick="mean", eta=0.0, spacing="linear_beta_leaky"),
    "shifted by 2": dict(pick="mean", eta=0.0, shift=2.0),
    "second order, shifted by 2": dict(pick="mean", eta=0.0, second_order=True, shift=2.0),
}


def first_like(way: str, calls: int) -> str:
    """The way that gives the very same pictures in so few steps, so that it need not be drawn again.

    One call writes the guess itself, whatever eta; the first and the last step are of first order anyway.
    """
    if calls == 1:
        return "draw, eta 1" if way == "draw, eta 0" else "mean, eta 0" if way.startswith(("mean", "second")) else way
    return "mean, eta 0" if calls == 2 and way == "second order" else way


def wanted_rows() -> list[Row]:
    """What is measured, the most important rows first."""
    plain, spaced, shifted = list(WAYS)[:5], list(WAYS)[5:7], list(WAYS)[7:]

    def rows(ways: list[str], numbers: tuple[int, ...], seed: int = 0) -> list[Row]:
        return [{"way": way, "calls": calls, "seed": seed} for calls in numbers for way in ways]

    return [
        *rows(plain, (16, 4, 8, 1, 2)),
        *rows([*spaced, *shifted], (4, 8, 16)),
        *rows(shifted, (4, 8, 16), seed=1),
        *rows(plain, (1, 2, 4, 8, 16), seed=1),
        *rows(plain, (32,)),
        *rows(["mean, eta 0", "draw, eta 1"], (64,)),
        *rows(["mean, eta 0"], (256,)),
        *rows(["draw, eta 1"], (128,)),
        *rows(["mean, eta 0"], (128,)),
    ]


def draw(model: mg.Generator, way: str, calls: int, count: int, seed: int) -> Tensor:
    """``count`` digits in ``calls`` steps."""
    settings = dict(WAYS[way])
    spacing = settings.pop("spacing", "cosine")
    walked = model.along(mg.plans.diffusion(spacing=spacing))
    return mg.sample(walked, count, steps=calls, labels=torch.arange(count) % 10, seed=seed, **settings)


def measure(key: Row, found: Results, model: mg.Generator, count: int) -> Row:
    """Draw and score, or take the scores from the row with the very same pictures."""
    like = first_like(key["way"], key["calls"])
    twin = found.find("rows", {**key, "way": like})
    if twin is not None:
        return {**twin, **key, "like": like}
    return draw_and_score(lambda labels: draw(model, key["way"], key["calls"], len(labels), key["seed"]), count)


def apart(images: Tensor, others: Tensor) -> float:
    """The mean distance (root of the mean squared difference) of each picture from the other in its place."""
    return float((images - others).square().flatten(1).mean(dim=1).sqrt().mean())


def same(model: mg.Generator, count: int, most: int) -> dict[str, Any]:
    """Pictures from the same noises at several numbers of calls, compared with those of the longest walk."""
    numbers = [calls for calls in NUMBERS if calls <= most]
    ways = {"mean, eta 0": numbers, "mean, eta 1": numbers[::2], "second order": numbers[:5]}
    drawn = {way: {calls: draw(model, way, calls, count, 0) for calls in some} for way, some in ways.items()}
    found: dict[str, Any] = {"noises": count, "reference_calls": most, "to_reference": {}}
    for way, pictures in drawn.items():
        reference = drawn["mean, eta 0" if way == "second order" else way][most]
        found["to_reference"][way] = {calls: round(apart(picture, reference), 4) for calls, picture in pictures.items()}
    # the picture of the next noise that was told the same digit
    both = ("mean, eta 0", "mean, eta 1")
    found["other_noise"] = {way: round(apart(drawn[way][most], drawn[way][most].roll(10, dims=0)), 4) for way in both}
    found["eta_0_to_eta_1"] = round(apart(drawn["mean, eta 0"][most], drawn["mean, eta 1"][most]), 4)
    return found


def pictures(model: mg.Generator, most: int) -> dict[str, dict[int, str]]:
    """Ten digits for the slider (10 x 16 x 16), packed."""
    return {
        way: {calls: packed(draw(model, way, calls, 10, 0)) for calls in NUMBERS if calls <= most}
        for way in ("mean, eta 0", "mean, eta 1", "second order")
    }


def main() -> None:
    given = arguments(
        __doc__, "few_steps", count=(1000, "digits a row"), noises=(100, "starting noises of the second part"),
        most_calls=(256, "leave out the rows with more"),
    ).parse_args()  # fmt: skip
    if given.smoke:
        given.count, given.noises, given.most_calls = 20, 20, 4
    settings = {
        "count": given.count, "noises": given.noises, "most_calls": given.most_calls, "split": "held-out",
        "ways": WAYS, "smoke": given.smoke,
    }  # fmt: skip
    found = Results(given.out, settings, {"rows": [NET]}, checksums([NET]), notes=("same", "pictures"))
    model = mg.zoo.load(NET, device="cpu")
    wanted = [key for key in wanted_rows() if key["calls"] <= given.most_calls]
    for key in wanted:
        if key["calls"] <= 16:
            found.measure("rows", key, lambda key: measure(key, found, model, given.count))
    found.note("same", lambda: same(model, given.noises, given.most_calls))
    found.note("pictures", lambda: pictures(model, given.most_calls))
    for key in wanted:
        found.measure("rows", key, lambda key: measure(key, found, model, given.count))
    found.close()


if __name__ == "__main__":
    main()

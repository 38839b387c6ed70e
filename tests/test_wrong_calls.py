# ruff: noqa: E501 (a table, a line an argument)
"""Wrong calls of the public functions: each is refused at once, by an error that begins with the argument's name.

A line of ``CALLS`` is a function, arguments that are right, and for each argument wrong values. Every wrong value is a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minigen as mg

NO_WHOLE: tuple[Any, ...] = (0, -1, 1.5, "2", None, True)
"""None of these is a count."""

NO_NUMBER: tuple[Any, ...] = ("1", None, True, float("nan"), float("inf"))
NO_TRUTH: tuple[Any, ...] = ("no", 0, None)
NO_TENSOR: tuple[Any, ...] = (1.0, "x", None, [[0.0]])
PICTURES = torch.zeros(2, 1, 4, 4)
NO_PICTURES: tuple[Any, ...] = (
    *NO_TENSOR, np.zeros((2, 1, 4, 4)), torch.zeros(2, 4, 4, 1), torch.zeros(4, 4), torch.zeros(2, 1, 4, 4, dtype=torch.uint8),
    torch.full((2, 1, 4, 4), 2.0), torch.full((2, 1, 4, 4), float("nan")), torch.zeros(0, 1, 4, 4),
)  # fmt: skip


@cache
def model(**changes: Any) -> mg.Generator:
    """A small generator of 4x4 pictures in two greys, told one of three classes."""
    plan = changes.get("plan", mg.plans.random_order())
    return mg.Generator(mg.nets.UNet(4, widths=(8, 8)), mg.heads.Categorical(2), plan, condition=mg.Labels(3))


@cache
def ideal() -> mg.IdealGenerator:
    return mg.IdealGenerator(PICTURES, mg.heads.Regression("x0"), mg.plans.diffusion())


def scenes() -> mg.scenes.Scenes:
    return mg.data.scenes(2)


Line = tuple[Callable[..., Any], dict[str, Any], dict[str, tuple[Any, ...]]]

CALLS: dict[str, Line] = {
    # --- plans and orders
    "plans.raster": (mg.plans.raster, {}, {"patch": NO_WHOLE}),
    "plans.diffusion": (
        mg.plans.diffusion, {},
        {"start": (0, 1.1, *NO_NUMBER), "spacing": ("cosin", 1, None), "density": ("normal", 1, None)},
    ),
    "plans.ramp": (
        mg.plans.ramp, {"width": 0.5},
        {"width": (0, 1.5, *NO_NUMBER), "order": ("rast", 5, {"a": 1}, [0, 0, 1], [0.5, 1], None, [], ["0", "1"], object())},
    ),
    "plans.build": (mg.plans.build, {}, {"config": ({}, "raster", None, {"name": "rastr"}, {"name": "rampe", "width": 0.5})}),
    "plans.Staircase": (mg.plans.Staircase, {}, {"name": ("spiral", 3, None), "patch": (0, 1.5, "2", True)}),
    "plans.Ramp": (mg.plans.Ramp, {}, {"name": ("foo", 3), "width": (0, 2, "1"), "start": (0, 2), "order": ("x", 3)}),
    "plan.matrix": (
        mg.plans.raster(2).matrix, {"shape": (1, 4, 4)},
        {"shape": (4, (4, 4), "x", None, (1, 4.5, 4), (1, 0, 4)), "steps": (0, 5, 1.5, "2", True), "seed": (1.5, "x", None, True)},
    ),
    "plan.levels": (mg.plans.diffusion().levels, {"progress": torch.zeros(1), "shape": (2,)}, {"progress": (0.5, "x", None)}),
    "orders.by": (mg.orders.by, {"turn": lambda row, column: row}, {"turn": (5, "rows", None), "size": NO_WHOLE}),
    "orders.order": (mg.orders.order, {"name": "rows"}, {"name": ("row", 3, None), "size": NO_WHOLE}),
    # --- process and heads
    "process.schedule": (lambda schedule: mg.process.schedule(schedule), {}, {"schedule": ("cosin", 3, None, {}, {"name": "x"})}),
    "process.corrupt": (
        mg.process.corrupt, {"x0": PICTURES, "t": torch.zeros(2, 1, 1, 1), "eps": PICTURES},
        {"x0": NO_TENSOR, "t": (0.5, "x", None, torch.full((2, 1, 1, 1), 1.5), torch.full((2, 1, 1, 1), -0.1)),
         "eps": (*NO_TENSOR, torch.zeros(3, 1, 4, 4)), "schedule": ("cosine", None)},
    ),
    "process.convert": (
        partial(mg.process.convert, PICTURES, PICTURES, torch.full((2, 1, 1, 1), 0.5)), {"source": "x0", "target": "eps"},
        {"source": ("x", None), "target": ("noise", None)},
    ),
    "process.step": (
        mg.process.step, {"x_t": PICTURES, "x0_hat": PICTURES, "t": torch.full((2, 1, 1, 1), 0.5), "u": torch.full((2, 1, 1, 1), 0.2)},
        {"eta": (-1, 2, *NO_NUMBER), "t": (0.5, None, "x"), "u": (0.2, None, "x"), "x_t": NO_TENSOR, "x0_hat": NO_TENSOR},
    ),
    "heads.Categorical": (mg.heads.Categorical, {}, {"levels": (1, *NO_WHOLE)}),
    "heads.Regression": (mg.heads.Regression, {}, {"target": ("x1", None, 3), "gap": (-1, 2, "x", True)}),
    "heads.build": (mg.heads.build, {}, {"config": ({}, None, "Categorical", {"name": "categorial"})}),
    # --- nets
    "nets.UNet": (
        mg.nets.UNet, {"size": 8, "widths": (8, 8)},
        {"size": (*NO_WHOLE, 9), "channels": NO_WHOLE, "widths": ((), (4,), (0,), 8, "8", None, (8.0,)), "blocks": NO_WHOLE,
         "context_size": NO_WHOLE},
    ),
    "nets.MLP": (mg.nets.MLP, {"size": 2}, {"size": NO_WHOLE, "width": NO_WHOLE, "depth": NO_WHOLE, "context_size": NO_WHOLE}),
    "nets.CausalConv": (
        mg.nets.CausalConv, {"size": 4, "width": 8, "layers": 1},
        {"size": NO_WHOLE, "channels": NO_WHOLE, "width": NO_WHOLE, "layers": NO_WHOLE, "kernel": (2, 1, *NO_WHOLE),
         "context_size": NO_WHOLE, "dropout": (-0.1, 1.1, 2, *NO_NUMBER), "residual": NO_TRUTH},
    ),
    "nets.CausalTransformer": (
        mg.nets.CausalTransformer, {"size": 4, "width": 8, "layers": 1, "heads": 2},
        {"size": NO_WHOLE, "channels": NO_WHOLE, "width": (9, *NO_WHOLE), "layers": NO_WHOLE, "heads": (3, *NO_WHOLE),
         "kernel": (2, *NO_WHOLE), "context_size": NO_WHOLE, "dropout": (-0.1, 2, *NO_NUMBER)},
    ),
    "nets.CausalMixed": (
        mg.nets.CausalMixed, {"size": 4, "width": 8, "layers": 1, "heads": 2},
        {"size": NO_WHOLE, "width": (9, *NO_WHOLE), "every": NO_WHOLE, "heads": (3, *NO_WHOLE), "dropout": (-0.1, 2, *NO_NUMBER)},
    ),
    "nets.Classifier": (
        mg.nets.Classifier, {"size": 8, "widths": (8,)},
        {"size": NO_WHOLE, "channels": NO_WHOLE, "classes": (1, *NO_WHOLE), "widths": ((), (0,), 8, "8", None),
         "kernel": (2, *NO_WHOLE), "features": NO_WHOLE},
    ),
    "nets.Recogniser": (
        mg.nets.Recogniser, {"size": 8, "channels": 3, "questions": (2, 3), "widths": (8,)},
        {"questions": ((), (0,), 3, "x", None), "size": NO_WHOLE, "channels": NO_WHOLE},
    ),
    "nets.MaskedConv": (
        mg.nets.MaskedConv, {"before": 1, "after": 1, "kernel": 3, "centre": True},
        {"before": NO_WHOLE, "after": NO_WHOLE, "kernel": (2, *NO_WHOLE), "centre": NO_TRUTH},
    ),
    "nets.Fit": (mg.nets.Fit, {"net": torch.nn.Linear(1, 1)}, {"net": (3, "MLP", None, mg.nets.MLP), "loss": ("sqared", None, 1)}),
    "nets.dense": (lambda sizes: mg.nets.dense(*sizes), {}, {"sizes": ((), (1,), (0, 1), (1, 1.5), ("1", 2))}),
    "nets.build": (mg.nets.build, {}, {"config": ({}, None, "UNet", {"name": "unet"})}),
    "nets.shake": (
        partial(mg.nets.shake, random=None), {"images": PICTURES},
        {"images": NO_TENSOR, "angle": NO_NUMBER, "zoom": NO_NUMBER, "shift": NO_NUMBER},
    ),
    # --- conditions and generators
    "Labels": (mg.Labels, {"classes": 3}, {"classes": NO_WHOLE, "dropout": (-0.1, 1.1, *NO_NUMBER)}),
    "Prompt": (
        mg.Prompt, {"words": ("red", "circle")},
        {"words": ("a red circle", (), ("red", "red"), None, 3, ("red", 3)), "length": NO_WHOLE, "dropout": (-0.1, 1.1, *NO_NUMBER),
         "layers": NO_WHOLE},
    ),
    "Generator": (
        mg.Generator, {"net": mg.nets.MLP(2), "head": mg.heads.Regression("v"), "plan": mg.plans.diffusion()},
        {"net": (mg.nets.MLP, torch.nn.Linear(2, 2), "MLP", None), "head": (mg.heads.Categorical, "v", None),
         "plan": (mg.plans.diffusion, "diffusion", None), "schedule": ("cosine", None),
         "condition": (10, "labels", mg.Labels), "loss_on": ("hiden", None, 3)},
    ),
    "IdealGenerator": (
        mg.IdealGenerator, {"pictures": PICTURES, "head": mg.heads.Regression("x0"), "plan": mg.plans.diffusion()},
        {"pictures": (*NO_TENSOR, torch.full((2, 1, 4, 4), float("nan")), torch.zeros(0, 1, 4, 4)),
         "head": (mg.heads.Regression, "x0", None), "plan": (mg.plans.diffusion, "x", None), "exact": (-1, *NO_NUMBER)},
    ),
    "Guided": (
        lambda **given: mg.Guided(given.pop("model", model()), **given), {},
        {"model": ("digits", None, mg.Generator, torch.nn.Linear(1, 1)), "negative": (3, -1, "a red circle", 1.5),
         "levels": ((0.8, 0.2), 0.5, (0.1,), "x", (-0.1, 1.0)), "worse": ("digits", torch.nn.Linear(1, 1), 3)},
    ),
    "along": (lambda plan: model().along(plan), {}, {"plan": ("diffusion", None, mg.plans.diffusion, 3)}),
    # --- drawing
    "sample": (
        lambda **given: mg.sample(given.pop("model", model()), given.pop("count", 2), **given), {"steps": 2},
        {"model": ("digits", None, mg.Generator, 3, torch.nn.Linear(1, 1)), "count": NO_WHOLE, "steps": (0, 17, 1.5, "2", True),
         "seed": (1.5, "x", None, True), "labels": (3, -1, [0], "1", 1.5, [0.5, 1.0], torch.tensor([0, 7])),
         "prompt": ("a red circle",), "guidance_scale": NO_NUMBER, "eta": (-1, 2, *NO_NUMBER), "pick": ("drawn", None, 3),
         "temperature": (-1, *NO_NUMBER), "clip": NO_TRUTH, "cache": NO_TRUTH, "second_order": (True, *NO_TRUTH),
         "shift": (0, 2.0, *NO_NUMBER), "batch_size": (0, -1, 1.5, "2", True), "progress": NO_TRUTH,
         "known": (PICTURES,), "mask": (torch.zeros(4, 4).bool(),)},
    ),
    "sample, completing": (
        partial(mg.sample, model(), 2), {"known": PICTURES - 1, "mask": torch.zeros(4, 4).bool(), "steps": 2},
        {"known": (*NO_PICTURES, torch.zeros(3, 1, 4, 4)),
         "mask": (1, "x", torch.zeros(4, 4), torch.zeros(5, 5).bool(), torch.ones(4, 4).bool(), torch.zeros(3, 1, 4, 4).bool())},
    ),
    "trajectory": (
        lambda **given: mg.trajectory(given.pop("model", model()), given.pop("count", 2), **given), {"steps": 2},
        {"model": ("digits", None), "count": NO_WHOLE, "beliefs": NO_TRUTH, "step": (3,), "batch_size": (2,)},
    ),
    "nfe": (mg.nfe, {"steps": 4}, {"steps": NO_WHOLE, "guidance_scale": NO_NUMBER}),
    # --- training
    "train": (
        lambda **given: mg.train(given.pop("model", model()), *given.pop("data", (PICTURES, torch.zeros(2).long())), **given),
        {"iterations": 1, "progress": False, "device": "cpu"},
        {"model": (mg.nets.UNet, "digits", None, torch.nn.Linear(1, 1), 3),
         "data": ((), (PICTURES,), (PICTURES, torch.zeros(3).long()), (PICTURES, [0, 1]), (PICTURES, torch.tensor([0, 7])),
                  (PICTURES, torch.tensor([0.0, 1.0])), (np.zeros((2, 1, 4, 4)), torch.zeros(2).long()), ([PICTURES],), ("digits",),
                  (torch.full((2, 1, 4, 4), float("nan")), torch.zeros(2).long()), (PICTURES * 0 + 100, torch.zeros(2).long()),
                  (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2).long()),
                  (torch.zeros(2, 4, 4, 1), torch.zeros(2).long()), (PICTURES, torch.zeros(2).long(), torch.zeros(2))),
         "iterations": NO_WHOLE, "batch_size": NO_WHOLE, "optimizer": ("adam", None, 3), "learning_rate": (0, -1, *NO_NUMBER),
         "weight_decay": (-1, *NO_NUMBER), "warmup": (-1, 1.5, "x", None), "decay": NO_TRUTH, "ema": (-0.1, 1.1, "x", True),
         "clip": (0, -1, "x", True), "seed": (1.5, "x", None, True), "validation": (PICTURES, (PICTURES,), "x", ()),
         "validate_every": NO_WHOLE, "validate_with": ({"loss": 1}, {"loss_on": "nxt"}, "next", 3),
         "validate_draws": NO_WHOLE, "checkpoint_every": NO_WHOLE, "device": ("gpu", 3, None, "cuda:99"),
         "precision": ("half", None, 16), "progress": NO_TRUTH, "checkpoint": (3, "")},
    ),
    # --- data
    "data.digits": (mg.data.digits, {}, {"size": (7, "16", None, 1.5, True), "split": ("test", None, 3)}),
    "data.fashion": (mg.data.fashion, {}, {"size": (7, "16", None, True), "split": ("test", None, 3), "download": NO_TRUTH}),
    "data.folder": (
        mg.data.folder, {"path": Path(__file__).parent, "size": 8, "cache": False},
        {"path": (__file__, "/nowhere", "", 3, None, Path(__file__).parent), "size": (*NO_WHOLE, 3, 5000), "channels": (0, 2, 4, "3", 1.5, True),
         "labels": ("folder", 3, True), "fit": ("cut", None, 3), "background": (255, -1.5, *NO_NUMBER),
         "shares": ((0.5, 0.5), (0.5, 0.5, 0.5), (1, 0, 0), 0.8, None, "abc"), "seed": (1.5, "x", None, True), "cache": (None, 3, ""),
         "progress": NO_TRUTH},
    ),
    "data.save": (
        mg.data.save, {"pictures": PICTURES, "folder": "/proc/nowhere"},
        {"pictures": NO_PICTURES, "folder": (3, "", None), "labels": (3, "x", torch.zeros(3).long(), torch.zeros(2)), "names": (("a",), "a", 3),
         "scale": NO_WHOLE},
    ),
    "data.scenes": (mg.data.scenes, {"count": 2}, {"count": NO_WHOLE, "split": ("test", None, 3), "seed": (1.5, "x", None, True), "device": ("gpu", 3)}),
    "data.curve": (mg.data.curve, {}, {"count": NO_WHOLE, "noise": (-1, *NO_NUMBER), "seed": (1.5, "x", None, True)}),
    "data.branches": (mg.data.branches, {}, {"count": NO_WHOLE, "noise": (-1, *NO_NUMBER), "seed": (1.5, "x", None, True)}),
    "scenes.parse": (mg.scenes.parse, {}, {"prompt": ("a red banana", "red red circle", "a star a star a star", 3, None, ["a red circle"])}),
    "text.encode": (
        mg.text.encode, {"prompt": "red", "words": ("red",), "length": 4},
        {"prompt": ("blue", "red red red red", 3, None), "words": ((), "red", None), "length": NO_WHOLE},
    ),
    # --- metrics
    "metrics.frechet": (
        mg.metrics.frechet, {"real": torch.randn(9, 2), "fake": torch.randn(9, 2)},
        {"real": (*NO_TENSOR, torch.zeros(9), torch.zeros(1, 2), torch.full((9, 2), float("nan"))),
         "fake": (*NO_TENSOR, torch.zeros(9, 3), torch.zeros(1, 2), torch.full((9, 2), float("nan")))},
    ),
    "metrics.kernel_distance": (
        mg.metrics.kernel_distance, {"real": torch.randn(999, 2), "fake": torch.randn(999, 2)},
        {"real": (*NO_TENSOR, torch.zeros(9, 2), torch.zeros(999)), "fake": (*NO_TENSOR, torch.zeros(9, 2), torch.zeros(999, 3))},
    ),
    "metrics.density_coverage": (
        mg.metrics.density_coverage, {"real": torch.randn(9, 2), "fake": torch.randn(9, 2)},
        {"real": (*NO_TENSOR, torch.zeros(5, 2)), "fake": (*NO_TENSOR, torch.zeros(9, 3), torch.zeros(0, 2)), "nearest": (9, *NO_WHOLE)},
    ),
    "metrics.nearer_to_train": (
        mg.metrics.nearer_to_train, {"samples": PICTURES, "train": PICTURES, "heldout": PICTURES},
        {"samples": NO_TENSOR, "train": (*NO_TENSOR, torch.zeros(3, 1, 4, 4)), "heldout": (*NO_TENSOR, torch.zeros(2, 1, 5, 5))},
    ),
    "metrics.evaluate": (
        mg.metrics.evaluate, {"samples": torch.zeros(500, 1, 16, 16)},
        {"samples": (*NO_TENSOR, torch.zeros(499, 1, 16, 16), torch.zeros(500, 1, 8, 8), torch.full((500, 1, 16, 16), 9.0),
                     torch.zeros(3601, 1, 16, 16)),
         "labels": (3, "x", torch.zeros(499).long(), torch.zeros(500), torch.full((500,), 10)), "split": ("test", "train", None),
         "balanced": NO_TRUTH, "of": ("scenes", None, 3)},
    ),
    "metrics.features": (mg.metrics.features, {"images": torch.zeros(1, 1, 16, 16)}, {"images": (*NO_TENSOR, torch.zeros(1, 1, 8, 8)), "of": ("x", None)}),
    "metrics.accuracy": (
        mg.metrics.accuracy, {"images": torch.zeros(1, 1, 16, 16), "labels": torch.zeros(1).long()},
        {"images": (*NO_TENSOR, torch.zeros(1, 1, 8, 8)), "labels": (3, "x", None, torch.zeros(2).long(), torch.zeros(1)), "of": ("x",)},
    ),
    "metrics.Judge": (
        mg.metrics.Judge, {"of": mg.data.digits, "by": "fixed"},
        {"of": (3, None, "digits", lambda split: (PICTURES,), lambda split: (torch.zeros(50, 4),)), "by": ("label", None, 3), "iterations": NO_WHOLE,
         "seed": (1.5, "x", None, True)},
    ),
    "metrics.patch_gradients": (
        mg.metrics.patch_gradients, {"samples": PICTURES, "patch": 2, "real": PICTURES},
        {"samples": NO_TENSOR, "patch": (3, *NO_WHOLE), "real": (3, "x", torch.zeros(2, 1, 5, 5))},
    ),
    "metrics.bits_per_dimension": (
        lambda **given: mg.metrics.bits_per_dimension(given.pop("model", model()), given.pop("images", PICTURES), **given), {},
        {"model": ("x", None, torch.nn.Linear(1, 1)), "images": NO_PICTURES, "labels": (3, "x", torch.zeros(3).long(), torch.zeros(2)),
         "steps": (0, 17, 1.5, "x"), "seed": (1.5, "x", None)},
    ),
    "metrics.prompt_accuracy": (
        mg.metrics.prompt_accuracy, {"images": torch.zeros(2, 3, 32, 32), "asked": ["a red circle"] * 2},
        {"images": (*NO_TENSOR, torch.zeros(2, 1, 32, 32)), "asked": ("a red circle", ["a red circle"], ["a banana", "b"], None, 3)},
    ),
    # --- weights, recipes, results, the book
    "zoo.load": (mg.zoo.load, {"name": "digits-v"}, {"name": ("digits-w", None, 3, "digits-judge"), "folder": ("/nowhere", 3), "device": ("gpu", 3)}),
    "zoo.about": (mg.zoo.about, {"name": "digits-v"}, {"name": ("digits-w", None, 3), "folder": ("/nowhere", 3)}),
    "zoo.results": (mg.zoo.results, {}, {"name": ("frontiers", None, 3)}),
    "results": (mg.results, {"name": "frontier"}, {"name": ("frontiers", 3), "table": ("row", 3)}),
    "recipes.recipe": (mg.recipes.recipe, {}, {"name": ("digits-w", None, 3)}),
    "zoo.claims": (lambda name: mg.zoo.claims(name), {}, {"name": ("c99", 3, None)}),
    "check": (lambda exercise, *answers: mg.check(exercise, *answers), {}, {"exercise": ("no-such", 3, None)}),
    # --- figures
    "plots.grid": (
        mg.plots.grid, {"images": PICTURES, "alt": "A sentence that says it."},
        {"images": (*NO_TENSOR, torch.zeros(4)), "alt": ("", None, 3), "columns": (0, 1.5, "x"), "rows": NO_WHOLE, "scale": NO_WHOLE},
    ),
    "plots.lines": (
        mg.plots.lines, {"curves": {"a": ([0, 1], [0, 1])}, "xlabel": "x", "ylabel": "y", "alt": "A sentence that says it."},
        {"curves": ({"a": ([0, 1], [0])}, 3, None), "alt": ("", None)},
    ),
    "plots.bars": (
        mg.plots.bars, {"values": [1.0], "labels": ["a"], "xlabel": "x", "ylabel": "y", "alt": "A sentence that says it."},
        {"values": ([], [1.0, 2.0], None), "labels": ([], None), "alt": ("", None)},
    ),
    "plots.join": (mg.plots.join, {"alt": "A sentence that says it.", "figures": []}, {"figures": ([], [3], None), "alt": ("",)}),
    "widgets.scrub": (mg.widgets.scrub, {"frames": [], "controls": {"a": [1, 2]}}, {"frames": ([], [3, 3])}),
}  # fmt: skip


ALSO = {
    "data": "images|labels", "validation": "images|labels", "folder": "name", "nearest": "real", "real": "nearest",
    "schedule": "config", "words": "prompt", "asked": "prompt",
}  # fmt: skip
"""What an error may also name, where that is the part of the argument that is wrong."""


def cases() -> Iterator[Any]:
    for name, (function, right, wrong) in CALLS.items():
        for argument, values in wrong.items():
            for place, value in enumerate(values):
                yield pytest.param(function, {**right, argument: value}, argument, id=f"{name}-{argument}-{place}")


@pytest.mark.parametrize(("function", "given", "argument"), list(cases()))
def test_a_wrong_call_is_refused_and_the_argument_named(function: Any, given: dict[str, Any], argument: str) -> None:
    with pytest.raises((ValueError, TypeError, FileNotFoundError)) as refused:
        function(**given)
    said = str(refused.value)
    assert re.search(rf"\b({argument}|{ALSO.get(argument, argument)})\b", said), said
    assert re.search("allowed|[Kk]nown words|makes them", said), said


def test_there_are_enough_of_them() -> None:
    assert len(list(cases())) >= 300

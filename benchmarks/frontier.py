"""The frontier: every way to remove information, everything else equal (chapter 11).

**Controlled**: one U-Net, one head (a belief over 16 greys), one data set, at most 2,500 updates of 128 digits, each
network at its best validation checkpoint; every picture drawn from the belief, eta 1. Only the plan differs: patches
of 8, 4, 2, 1 (4 to 256 calls), scattered pixels, noise, and a ramp in between. **Best**: what a family can do when it
need not play by these rules: noise by the mean and eta 0 or second order, noise with a regression head, whole pixels
by the network that learned every ramp, a causal network with its cache. **Clothes**: the main controlled points again
for Fashion-MNIST, where it is installed (``minigen.data.fashion`` says how).

A row is 1,000 pictures, each class equally often, against the held-out ones. Seed 0 is the weights that come with the
package. A network that does not come with it, and those of any other seed, are trained here, once, into
``runs/frontier/seed-N``, and drawn with; ``--trained`` leaves out the rows whose network is not trained yet. "untold"
rows are drawn by the same networks without the label (it was left out for a tenth of the training) and scored against
their own floor. ``--costs`` measures, on a quiet machine, seconds and FLOPs a picture, at 8, 16 and 32 pixels.

What was measured before in the same way, with the same weights (the scores beside the weights, ``spreading.json``,
``few_steps.json``), is taken from there; ``--afresh`` measures it again. Writes
``minigen/course/results/frontier.json``; "made_here" says there what is known of the networks that don't come with the
package.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from common import Row, scored
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import minigen as mg
from minigen.course.measurements import Results, arguments, packed, stored

PATCH = {1: 16, 4: 8, 16: 4, 64: 2, 256: 1}
"""The side of the patches that make so many calls."""

PATCHES = {1: "digits-raster-8", 4: "digits-raster-8", 16: "digits-raster-4", 64: "digits-raster-2",
           256: "digits-raster-1"}  # fmt: skip
DRAW: Mapping[str, Any] = dict(pick="draw", eta=1.0)
MEAN: Mapping[str, Any] = dict(pick="mean", eta=0.0)


@dataclass(frozen=True)
class Curve:
    """One line of the figure: which network makes its point at each number of calls, down which plan."""

    nets: Mapping[int, str]
    plan: Callable[[int], mg.plans.Plan] | None = None
    """By calls; None: the plan that the network was trained on."""

    sampling: Mapping[str, Any] = field(default_factory=lambda: DRAW)
    controlled: bool = True


def one(net: str, *calls: int) -> dict[int, str]:
    return dict.fromkeys(calls, net)


def ramp(width: float, order: str = "raster") -> Callable[[int], mg.plans.Plan]:
    return lambda calls: mg.plans.ramp(width, order)


CURVES = {
    "patches": Curve(PATCHES),
    "scattered": Curve(one("digits-scattered", 1, 4, 16, 64, 256)),
    "noise": Curve(one("digits-diffusion", 1, 2, 4, 8, 16, 32, 64, 128, 256)),
    "ramp": Curve(one("digits-any", 4, 16, 64), ramp(1 / 4)),
    "noise, mean": Curve(one("digits-diffusion", 1, 2, 4, 8, 16, 32, 64), sampling=MEAN, controlled=False),
    "noise, second order": Curve(
        one("digits-diffusion", 4, 8, 16), sampling=dict(MEAN, second_order=True), controlled=False
    ),
    "noise, regression": Curve(one("digits-diffusion-v", 4, 8, 16), sampling=dict(eta=0.0), controlled=False),
    "any net, patches": Curve(
        one("digits-any", 4, 16, 64), lambda calls: mg.plans.raster(PATCH[calls]), controlled=False
    ),
    "any net, rows": Curve(one("digits-any", 16, 64, 256), ramp(1 / 256), controlled=False),
    "any net, scattered": Curve(one("digits-any", 4, 16, 64), ramp(1 / 256, "random"), controlled=False),
    "any net, noise": Curve(one("digits-any", 4, 16, 64), ramp(1.0), controlled=False),
    "causal, cached": Curve(one("digits-causal-transformer", 256), controlled=False),
}
"""Which is told the digit; the controlled ones again without, at the calls in UNTOLD."""

UNTOLD = {"patches": (4, 16, 64), "scattered": (4, 16, 64), "noise": (4, 16, 64)}
RETRAINED = {"patches": (4, 16, 64, 256), "scattered": (4, 16, 64), "noise": (1, 2, 4, 8, 16, 64)}
"""What is drawn with networks of other seeds."""

CLOTHES = {
    "patches": one("fashion-raster-4", 1, 16),
    "scattered": one("fashion-scattered", 1, 4, 16, 64),
    "noise": one("fashion-diffusion", 1, 4, 16, 64),
}
"""The main controlled points for clothes: which network makes them."""

PARTS = {"digits": "rows", "fashion": "clothes"}
"""Where a row stands in the file: distances of the one data set say nothing about the other."""


def row_of(curve: str, calls: int, seed: int = 0, told: bool = True, net: str | None = None) -> Row:
    """What a row is before it is measured."""
    return {"curve": curve, "net": net or CURVES[curve].nets[calls], "calls": calls, "seed": seed, "told": told}


def wanted_rows(seeds: int) -> list[Row]:
    """All rows, cheap ones first."""
    found = [row_of(name, calls) for name, curve in CURVES.items() for calls in curve.nets]
    found += [row_of(name, calls, told=False) for name, numbers in UNTOLD.items() for calls in numbers]
    found += [row_of(name, calls, seed) for seed in range(1, seeds) for name in RETRAINED for calls in RETRAINED[name]]
    found += [row_of(name, calls, net=net) for name, nets in CLOTHES.items() for calls, net in nets.items()]
    return sorted(found, key=lambda row: (row["calls"] > 16, row["calls"] > 64, row["seed"]))


def of(row: Row) -> str:
    """What the pictures of a row should look like: digits, or fashion."""
    return mg.recipes.recipe(row["net"]).source


def folder_of(name: str, seed: int, given: argparse.Namespace) -> Path:
    """Where the weights of a network are, or will be: with the package, or else in the runs."""
    shipped = seed == 0 and name in mg.zoo.names()
    return mg.zoo.SHIPPED if shipped else Path(given.runs) / f"seed-{seed}"


def trained(name: str, seed: int, given: argparse.Namespace) -> Path:
    """The folder with the weights of a network; what does not come with the package is trained here, once."""
    folder = folder_of(name, seed, given)
    if name not in mg.zoo.names(folder):
        recipe, revision = mg.recipes.recipe(name), mg.zoo.code_revision()
        changes = dict(seed=seed, **(dict(iterations=2) if given.smoke else {}))
        checkpoint = folder / f"{name}.checkpoint.safetensors"
        model, history = recipe.train(checkpoint=checkpoint, device=given.device, **changes)
        if history.interrupted:
            raise SystemExit(f"{name}, seed {seed}: interrupted; the same command goes on from there")
        mg.zoo.save(folder, recipe, model, history, changes, revision)
        checkpoint.unlink()
    return folder


def elsewhere(row: Row) -> Row | None:
    """The scores of a row as they were measured before with these weights: same pictures, same scores."""
    curve = CURVES[row["curve"]]
    if row["seed"] or not row["told"] or row["net"] not in mg.zoo.names():
        return None
    about, plan = mg.zoo.about(row["net"]), curve.plan and curve.plan(row["calls"])
    same_walk = {"steps": row["calls"]} if curve.sampling == DRAW else {"steps": row["calls"], **curve.sampling}
    found: Row | None = None
    if plan is None and about.get("scores", {}).get("sampling") == same_walk:
        found = {**about["scores"], "from": f"weights/{row['net']}.json"}
    few = stored("few_steps")
    way = {"noise": "draw, eta 1", "noise, mean": "mean, eta 0", "noise, second order": "second order"}.get(
        row["curve"]
    )
    if few["weights"].get(row["net"]) == about["sha256"]:
        wanted = {"way": way, "calls": row["calls"], "seed": 0}
        found = next(
            ({**each, "from": "few_steps.json"} for each in few["rows"] if wanted.items() <= each.items()), found
        )
    spread = stored("spreading")
    if spread["weights"].get(row["net"]) == about["sha256"]:
        wanted = {"net": row["net"], "calls": row["calls"], "width": getattr(plan, "width", None)}
        wanted |= {"order": getattr(plan, "order", None), "patch": getattr(plan, "patch", None)}
        rows = [each for each in spread["rows"] if wanted.items() <= each.items()] if curve.sampling == DRAW else []
        found = next(({**each, "from": "spreading.json"} for each in rows), found)
    kept = ("count", "frechet", "floor", "kernel", "density", "coverage", "accuracy", "nearer_to_train", "from")
    return found and {column: found[column] for column in kept}


def measure(row: Row, model: mg.Generator, count: int) -> Row:
    """Draw and score."""
    curve = CURVES[row["curve"]]
    walked = model if curve.plan is None else model.along(curve.plan(row["calls"]))
    labels = torch.arange(count) % 10 if row["told"] else None
    untold = {} if row["told"] else {"guidance_scale": 0.0}
    drawn = mg.sample(
        walked, count, steps=row["calls"], labels=labels, seed=row["seed"], **{**curve.sampling, **untold}
    ).cpu()  # fmt: skip
    # the networks of clothes don't come with the package, so the chapter can't draw them again
    shown = {"pictures": packed(drawn[:10])} if of(row) == "fashion" else {}
    return {**borders(drawn, row), **shown, **scored(drawn, labels, balanced=row["told"], of=of(row))}


def borders(drawn: Tensor, row: Row) -> dict[str, Any]:
    """Differences of neighbours over those of real pictures: at the borders of patches and inside them."""
    patch = PATCH[row["calls"]] if "patches" in row["curve"] else 1
    real, _ = mg.data.SOURCES[of(row)](size=drawn.shape[-1], split="held-out")
    found = mg.metrics.patch_gradients(drawn, patch, real)
    rounded = {name: value and round(value, 4) for name, value in (("border", found.border), ("inside", found.inside))}
    return {"gradients": rounded}


# --- costs -----------------------------------------------------------------------------------------


def costs(size: int, batch: int, rounds: int, found: Results, device: str) -> None:
    """Seconds (in rounds by turns) and FLOPs a picture for the kinds of network."""
    kinds = kinds_of(size, device)

    @cache
    def seconds() -> dict[str, list[float]]:
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for _, (name, (model, steps)) in itertools.product(range(rounds), kinds.items()):
            begin = time.perf_counter()
            mg.sample(model, batch, steps=steps, batch_size=batch)
            if device == "cuda":
                torch.cuda.synchronize()
            taken[name].append((time.perf_counter() - begin) / batch)
        return taken

    def make(key: Row) -> Row:
        model, steps = kinds[key["kind"]]
        taken = seconds()[key["kind"]]
        return {
            "parameters": sum(value.numel() for value in model.parameters()),
            "flops": flops(model, steps),
            "seconds": [round(value, 6) for value in sorted(taken)],
            "median": round(statistics.median(taken), 6),
        }

    for name, (_, steps) in kinds.items():
        found.measure("costs", {"kind": name, "size": size, "batch": batch, "calls": steps}, make)


def kinds_of(size: int, device: str) -> dict[str, tuple[mg.Generator, int]]:
    """The networks with fresh weights (a cost doesn't depend on them), and the calls that are timed."""
    raster, head, labels = mg.plans.raster(1), mg.heads.Categorical(16), mg.Labels(10)
    causal = mg.nets.CausalTransformer(size=size, width=128, layers=4, heads=4)
    convolution = mg.nets.CausalConv(size=size, width=64, layers=6, kernel=5)
    unet = mg.Generator(mg.nets.UNet(size=size), head, mg.plans.diffusion(), condition=labels)
    return {
        "U-Net, 16 calls": (unet.to(device), 16),
        "causal attention, cached": (mg.Generator(causal, head, raster, condition=labels).to(device), size**2),
        "causal convolution, cached": (mg.Generator(convolution, head, raster, condition=labels).to(device), size**2),
    }


def flops(model: mg.Generator, steps: int) -> int:
    """Floating-point operations for one picture; a multiplication and an addition count as two."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        mg.sample(model, 1, steps=steps)
    return int(counter.get_total_flops())


# --- the run ---------------------------------------------------------------------------------------


def main() -> None:
    given = options()
    found = opened(given)
    if given.costs:
        sizes, batches, rounds = ((8,), (1,), 1) if given.smoke else ((8, 16, 32), (1, 64), 3)
        for size, batch in itertools.product(sizes, batches):
            costs(size, batch, rounds, found, given.device)
    for row in wanted_rows(given.seeds):
        if is_wanted(row, given):
            add(row, found, given)
    found.close()


def opened(given: argparse.Namespace) -> Results:
    """The results file. A row says of which weights it is, since a net has others for each seed."""
    settings = {"count": given.count, "split": "held-out", "smoke": given.smoke, "device": given.device}
    curves = {
        name: {"controlled": curve.controlled, "sampling": dict(curve.sampling)} for name, curve in CURVES.items()
    }
    tables = {"made_here": (), "costs": (), **dict.fromkeys(PARTS.values(), ())}
    return Results(given.out, settings, tables, facts={"curves": curves})


def is_wanted(row: Row, given: argparse.Namespace) -> bool:
    """Whether this run is asked for the row."""
    if row["calls"] > given.most_calls or (given.curves and row["curve"] not in given.curves):
        return False
    if of(row) == "fashion" and not has_clothes():
        return False
    return not given.trained or row["net"] in mg.zoo.names(folder_of(row["net"], row["seed"], given))


@cache
def has_clothes() -> bool:
    """Whether Fashion-MNIST is there; says so where it is not."""
    try:
        mg.data.fashion()
    except FileNotFoundError as reason:
        print(f"the rows of clothes are left out: {reason}")
        return False
    return True


def add(row: Row, found: Results, given: argparse.Namespace) -> None:
    """Measure the row, unless the file has it for these weights; and note how its network was trained."""
    folder = trained(row["net"], row["seed"], given)
    about = mg.zoo.about(row["net"], folder)
    weights = {"weights": about["sha256"][:16]}
    if folder != mg.zoo.SHIPPED:
        key = {"net": row["net"], "seed": row["seed"], **weights}
        found.measure("made_here", key, lambda key: {"parameters": about["parameters"], **about["trained"]}, quiet=True)
    table, key = PARTS[of(row)], {**row, **weights}
    if found.find(table, key):
        return
    before = None if given.afresh or given.count != 1000 else elsewhere(row)
    if before is None and given.collect:
        return
    found.measure(
        table, key, lambda key: before or measure(row, mg.zoo.load(row["net"], folder, given.device), given.count)
    )


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    options = arguments(
        __doc__, "frontier", count=(1000, "pictures a row"), seeds=(2, "trainings, seed 0 included"),
        most_calls=(256, "leave out the rows with more"), device=("cpu", "where to train and draw"),
        runs=(Path("runs/frontier"), "networks that don't come with the package"),
    )  # fmt: skip
    options.add_argument("--curves", nargs="+", choices=CURVES, metavar="CURVE", help="only these")
    options.add_argument("--trained", action="store_true", help="only rows whose network is trained: train nothing")
    options.add_argument("--costs", action="store_true", help="measure seconds and FLOPs, too")
    options.add_argument("--afresh", action="store_true", help="measure again what other files have already")
    options.add_argument("--collect", action="store_true", help="only take over what other files have")
    given = options.parse_args()
    if given.smoke:
        given.count, given.most_calls, given.seeds = 20, 4, 1
        given.runs = Path("runs/frontier-smoke")
    return given


if __name__ == "__main__":
    main()

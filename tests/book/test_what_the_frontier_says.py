"""Chapter 11's numbers that none of its cells checks: each is that of a results file, or is counted here."""

from __future__ import annotations

import json
import re
import statistics
from functools import cache
from pathlib import Path
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

import minigen as mg

ROOT = Path(__file__).resolve().parents[2]


@cache
def words() -> str:
    cells = json.loads((ROOT / "book" / "frontier.ipynb").read_text(encoding="utf-8"))["cells"]
    return " ".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def rows(name: str, part: str = "rows", **where: Any) -> list[dict[str, Any]]:
    path = ROOT / "minigen" / "course" / "results" / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))[part]
    return [row for row in found if all(row.get(key) == value for key, value in where.items())]


def said(pattern: str) -> list[float]:
    (found,) = re.findall(pattern, words())
    return [float(each) for each in (found if isinstance(found, tuple) else (found,))]


def test_the_smaller_network_beats_both_by_operations() -> None:
    distance, million = said(r"small one has ([\d.]+) in 8 calls for (\d+) million")
    small = rows("future", "distilled", way="trained on", calls=8)
    assert {round(row["frechet"], 1) for row in small} == {distance}
    net = mg.Generator(mg.recipes.small_unet(), mg.heads.Regression("v"), mg.plans.diffusion(), condition=mg.Labels(10))
    with FlopCounterMode(display=False) as counter:
        mg.sample(net, 1, labels=3, steps=8)
    assert round(counter.get_total_flops() / 1e6) == million


def test_other_dice_alone_move_a_distance() -> None:
    found = rows("few_steps", way="draw, eta 1", calls=16)
    assert said(r"Other dice alone: ([\d.]+) and ([\d.]+) in 16 calls") == [round(row["frechet"], 1) for row in found]


def test_bits_alone_do_not_tell() -> None:
    bits, distance = said(r"a checkerboard loses (\d+), and has ([\d.]+)\.\)")
    few, many = (rows("orders", "bits", net="digits-any", order="checkerboard", calls=n)[0]["bits"] for n in (16, 256))
    (drawn,) = rows("orders", net="digits-any", order="checkerboard", way="whole pixels", calls=16)
    assert (round(few - many), round(drawn["frechet"], 1)) == (bits, distance)


def test_the_judge_parts_what_the_distance_calls_level() -> None:
    causal, noise = said(r"The judge reads (\d+)% of the former, and (\d+)% of noise")
    trained = rows("trial", net="digits-causal-conv", split="held-out", guidance_scale=1.0)
    drawn = rows("frontier", curve="noise", calls=4, told=True)
    means = [statistics.fmean(row["accuracy"] for row in found) for found in (trained, drawn)]
    assert (len(trained), len(drawn)) == (3, 2)
    assert [round(100 * mean) for mean in means] == [causal, noise]


def test_other_dice_put_the_convolutions_on_the_frontier_by_operations() -> None:
    other, drawn = said(r"with other dice for noise in 4 calls \(([\d.]+), not ([\d.]+)\)")
    same, again = (rows("few_steps", way="draw, eta 1", calls=4, seed=seed)[0]["frechet"] for seed in (0, 1))
    assert (round(again, 1), round(same, 1)) == (other, drawn)
    causal = [row["frechet"] for row in rows("trial", net="digits-causal-conv", split="held-out", guidance_scale=1.0)]
    noise = {row["seed"]: row["frechet"] for row in rows("frontier", curve="noise", calls=4, told=True)}
    assert noise[0] == same
    assert statistics.fmean(noise.values()) < statistics.fmean(causal) < statistics.fmean({**noise, 0: again}.values())


def test_one_ramp_does_as_well_as_noise() -> None:
    (ramp,) = rows("spreading", net="digits-any", calls=16, width=0.5, order="random")
    (noise,) = rows("spreading", net="digits-any", calls=16, width=1.0, order="raster")
    assert said(r"as well as noise: ([\d.]+), in 16 calls") == [round(ramp["frechet"], 1)]
    assert ramp["frechet"] < noise["frechet"]


def test_the_clock_of_a_large_batch_turns_a_pair() -> None:
    low, high, noise_low, noise_high = said(
        r"convolutions took ([\d.]+) to ([\d.]+) seconds a digit and noise in 16 calls ([\d.]+) to ([\d.]+),"
    )
    plain: dict[str, Any] = dict(guidance_scale=1.0, temperature=1.0, way="usual")
    causal, noise = (
        [
            row["seconds"] / row["count"]
            for row in rows("trial", net=f"digits-{net}", **plain)
            if row["training_seed"] >= first
        ]
        for net, first in (("causal-conv", 0), ("diffusion", 1))  # noise's first was drawn on a faster machine
    )
    # the slower ones shared their core
    quiet = [[each for each in found if each < 1.3 * min(found)] for found in (causal, noise)]
    assert [round(end(found), 3) for found in quiet for end in (min, max)] == [low, high, noise_low, noise_high]


def test_the_rounds_of_the_clock_span_what_is_said() -> None:
    alone = said(r"three rounds span (\d+) to (\d+) calls for convolutions, (\d+) to (\d+) for attention")
    seconds = {row["kind"]: row["seconds"] for row in rows("frontier", "costs", size=16, batch=1)}
    call = [each / 16 for each in seconds["U-Net, 16 calls"]]
    found = [seconds[f"causal {kind}, cached"] for kind in ("convolution", "attention")]
    assert [round(span) for each in found for span in (min(each) / max(call), max(each) / min(call))] == alone


def test_where_nets_were_kept_and_what_that_brought_patches() -> None:
    about = mg.zoo.about("digits-causal-conv")["trained"]
    again = rows("trial", "trainings", net="digits-causal-conv")
    kept = sorted([about["best_iteration"], *(row["best_iteration"] for row in again)])
    assert f"Convolutions were kept at {kept[0]:,} to {kept[-1]:,} of {about['iterations']:,} updates" in words()
    (patches,) = rows("trial", "trainings", net="digits-raster-4", way="next")
    usual = mg.zoo.about("digits-raster-4")["trained"]
    assert patches["best_iteration"] == usual["best_iteration"]
    (plain,) = rows("trial", net="digits-raster-4", way="next", split="held-out", guidance_scale=1.0)
    (best,) = rows("trial", net="digits-raster-4", way="next", split="held-out", guidance_scale=1.5, temperature=0.8)
    assert said(r"after as many updates, and no better: ([\d.]+)\.") == [round(plain["frechet"], 1)]
    assert said(r"for 32 calls; patches come to ([\d.]+)\.") == [round(best["frechet"], 1)]

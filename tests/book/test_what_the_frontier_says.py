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

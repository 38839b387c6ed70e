"""The frontier's measurement: which networks it draws with, what it keeps, and what its file holds (chapter 11)."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from helpers_training import tiny_recipe

from minigen import zoo
from minigen.zoo.recipes import RECIPES

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import frontier

FOUND = zoo.results("frontier")
CLOTHES = [pytest.param(row, id=f"{row['curve']}-{row['calls']}") for row in FOUND["clothes"]]


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """Options with a folder of their own; "tiny-digits", which does not come with the package, is a recipe."""
    monkeypatch.setitem(RECIPES, "tiny-digits", tiny_recipe())
    return Namespace(
        runs=tmp_path, device="cpu", smoke=True, count=20, most_calls=4, curves=None, trained=False, afresh=False,
        collect=False, out=tmp_path / "out.json",
    )  # fmt: skip


# --- which network draws ---------------------------------------------------------------------------


def test_shipped_weights_draw_for_seed_0(given: Namespace) -> None:
    assert frontier.trained("digits-diffusion", 0, given) == zoo.SHIPPED
    assert not list(given.runs.iterdir())


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_not_shipped_is_trained_once_and_drawn_with(given: Namespace, seed: int) -> None:
    folder = frontier.trained("tiny-digits", seed, given)
    assert folder == given.runs / f"seed-{seed}"
    assert {path.name for path in folder.iterdir()} == {"tiny-digits.json", "tiny-digits.safetensors"}
    assert zoo.about("tiny-digits", folder)["recipe"]["training"]["seed"] == seed
    written = (folder / "tiny-digits.safetensors").stat().st_mtime_ns
    assert frontier.trained("tiny-digits", seed, given) == folder
    assert (folder / "tiny-digits.safetensors").stat().st_mtime_ns == written
    row = frontier.row_of("noise", 2, seed, net="tiny-digits")
    found = frontier.opened(given)
    frontier.add(row, found, given)  # draws with them
    assert found.content["rows"][0]["weights"] == zoo.about("tiny-digits", folder)["sha256"][:16]


def test_trained_trains_nothing(given: Namespace) -> None:
    given.trained = True
    row = {"curve": "noise", "net": "tiny-digits", "calls": 2, "seed": 1, "told": True}
    assert not frontier.is_wanted(row, given)
    assert frontier.is_wanted({**row, "net": "digits-diffusion", "seed": 0}, given)
    frontier.trained("tiny-digits", 1, given)
    assert frontier.is_wanted(row, given)


def test_a_row_is_kept_for_the_same_weights_and_measured_again_for_others(given: Namespace) -> None:
    found = frontier.opened(given)
    row = {"curve": "noise", "net": "tiny-digits", "calls": 2, "seed": 1, "told": True}
    for each in (row, {**row, "calls": 4}):
        frontier.add(each, found, given)
    found.content["rows"][0]["mark"] = "kept"
    found.save()
    found = frontier.opened(given)
    frontier.add(row, found, given)
    assert found.content["rows"][0]["mark"] == "kept"
    assert len(found.content["rows"]) == 2
    found.content["rows"][0]["weights"] = "of another training"
    found.save()
    found = frontier.opened(given)
    frontier.add(row, found, given)
    assert "mark" not in found.content["rows"][1]
    assert [each["calls"] for each in found.content["rows"]] == [4, 2]  # the other row is the first one now
    assert json.loads(given.out.read_text()) == found.content


def test_how_an_unshipped_network_was_trained_is_in_the_file(given: Namespace) -> None:
    found = frontier.opened(given)
    for _ in range(2):
        frontier.add({"curve": "noise", "net": "tiny-digits", "calls": 2, "seed": 1, "told": True}, found, given)
    (made,) = found.content["made_here"]
    assert (made["net"], made["seed"], made["iterations"]) == ("tiny-digits", 1, 2)
    assert made["weights"] == found.content["rows"][0]["weights"]


def test_without_fashion_mnist_its_rows_are_left_out(given: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "has_clothes", lambda: False)
    kept = [row for row in frontier.wanted_rows(1) if frontier.is_wanted(row, given)]
    assert kept
    assert {frontier.of(row) for row in kept} == {"digits"}


def test_no_row_is_wanted_twice() -> None:
    rows = frontier.wanted_rows(3)
    assert len({tuple(row.items()) for row in rows}) == len(rows)
    assert {row["net"] for row in rows} <= set(RECIPES)


# --- what the file holds ---------------------------------------------------------------------------


def test_clothes_stand_apart_from_digits() -> None:
    for part, source in (("rows", "digits"), ("clothes", "fashion")):
        assert {RECIPES[row["net"]].source for row in FOUND[part]} <= {source}


@pytest.mark.parametrize("row", CLOTHES)
def test_clothes_have_a_floor_of_their_own(row: dict[str, Any]) -> None:
    """Real training clothes against held-out ones: one floor for all rows, another than that of the digits."""
    assert row["floor"] == FOUND["clothes"][0]["floor"]
    assert row["floor"] != FOUND["rows"][0]["floor"]
    assert row["count"] == 1000
    assert row["frechet"] > row["floor"]["mean"] - 4 * row["floor"]["spread"] > 0


def test_one_call_is_far_from_the_floor_and_more_calls_are_nearer() -> None:
    for curve in ("noise", "scattered", "patches"):
        ladder = [
            row["frechet"] for row in sorted(FOUND["clothes"], key=lambda row: row["calls"]) if row["curve"] == curve
        ]
        assert ladder[:3] == sorted(ladder[:3], reverse=True), curve


@pytest.mark.parametrize("row", FOUND["made_here"], ids=lambda row: f"{row['net']}-{row['seed']}")
def test_a_network_that_was_made_here_had_the_budget_of_the_shipped_ones(row: dict[str, Any]) -> None:
    shipped = zoo.about("digits-diffusion")
    assert row["images_seen"] == shipped["trained"]["images_seen"]
    assert row["parameters"] == shipped["parameters"] or row["net"] == "digits-diffusion-v"  # which has another head
    assert not row["interrupted"]


def test_every_row_is_of_known_weights() -> None:
    """Those that come with the package, or that the file says how they were made."""
    known = {(each["net"], each["seed"]): each["weights"] for each in FOUND["made_here"]}
    for row in [*FOUND["rows"], *FOUND["clothes"]]:
        shipped = row["seed"] == 0 and row["net"] in zoo.names()
        weights = zoo.about(row["net"])["sha256"][:16] if shipped else known[row["net"], row["seed"]]
        assert row["weights"] == weights, row

"""The article's claims as the book settles them: each number is a measured one, and each verdict still holds."""

from __future__ import annotations

import json
import math
import operator
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from minigen import zoo

BOOK = Path(__file__).resolve().parent.parent / "book"
TOLD = {claim["id"]: claim for claim in json.loads((files("minigen") / "files" / "claims.json").read_text())["claims"]}
COMPARISONS = {"<": operator.lt, ">": operator.gt}


@pytest.fixture(params=TOLD)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(name: str) -> dict[str, Any]:
    """The claim as it is written."""
    return TOLD[name]


@pytest.fixture
def claim(name: str) -> dict[str, Any]:
    """The claim with its numbers."""
    return zoo.claims(name)[name]


def test_the_name_is_one_of_the_articles_claims(name: str) -> None:
    assert name in {f"c{number}" for number in range(1, 27)}


def test_each_claim_is_settled_once() -> None:
    told = json.loads((files("minigen") / "files" / "claims.json").read_text())["claims"]
    assert len({each["id"] for each in told}) == len(told)
    assert zoo.claims().keys() == {each["id"] for each in told}


def test_an_unsettled_claim_names_those_that_are() -> None:
    with pytest.raises(ValueError, match="name is 'c99'; allowed: 'c11'"):
        zoo.claims("c99")


def test_the_numbers_are_there(claim: dict[str, Any]) -> None:
    assert all(math.isfinite(value) for value in claim["numbers"].values())
    assert claim["numbers"]


def test_no_number_is_written_by_hand(told: dict[str, Any]) -> None:
    """Digits come from the files alone; what is fixed, such as a number of calls, stands in words."""
    for part in ("claim", "measured", "verdict"):
        assert not re.search(r"\d", re.sub(r"\{[^}]*\}", "", told[part])), part


def test_every_number_is_said_or_weighed(told: dict[str, Any]) -> None:
    said = set(re.findall(r"\{(\w+)", told["measured"]))
    weighed = {side for left, _, right in told["rests_on"] for side in (left, right)}
    assert said | weighed == set(told["numbers"])


def test_the_verdict_still_holds(claim: dict[str, Any]) -> None:
    assert claim["rests_on"]
    for left, comparison, right in claim["rests_on"]:
        values = claim["numbers"][left], claim["numbers"][right]
        assert COMPARISONS[comparison](*values), (left, comparison, right, values)


def test_the_literature_is_in_the_list(told: dict[str, Any]) -> None:
    known = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(), re.MULTILINE))
    assert set(told["literature"]) <= known


def test_its_chapter_names_it_and_cites_its_literature(told: dict[str, Any]) -> None:
    page = (BOOK / f"{told['chapter']}.ipynb").read_text()
    assert told["id"] in page
    assert [key for key in told["literature"] if key not in page] == []


def test_only_noise_lies_on_the_frontier() -> None:
    """c25's sentence about calls, seconds and arithmetic, recomputed from the results."""
    found = zoo.results("frontier")
    rows = [row for row in found["rows"] if row["told"] and row["seed"] == 0]
    costs = {(row["kind"], row["size"], row["batch"]): row for row in found["costs"]}
    unet, causal = costs["U-Net, 16 calls", 16, 64], costs["causal attention, cached", 16, 64]
    for unit in ("calls", "median", "flops"):
        points = [
            (causal[unit] if row["curve"] == "causal, cached" else row["calls"] * unet[unit] / 16, row["frechet"])
            for row in rows
        ]
        for row, (cost, distance) in zip(rows, points, strict=True):
            beaten = any(a <= cost and b <= distance and (a, b) != (cost, distance) for a, b in points)
            assert beaten or "noise" in row["curve"], (unit, row["curve"], row["calls"])


def test_a_number_that_is_not_there_is_an_error() -> None:
    source = {"results": "frontier", "part": "rows", "where": {"curve": "nobody"}, "take": "frechet"}
    with pytest.raises(LookupError, match="0 rows of frontier have"):
        zoo._number(source)

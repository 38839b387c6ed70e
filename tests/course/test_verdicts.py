"""The article's claims as the book settles them: each number is a measured one, and each verdict still holds."""

from __future__ import annotations

import json
import math
import operator
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from minigen import plans
from minigen.course.measurements import stored
from minigen.course.verdicts import CHAPTERS, SHORT, _number, claims, claims_overview, claims_table

BOOK = Path(__file__).resolve().parents[2] / "book"
LAST = "future"
"""The chapter that shows all claims."""

TOLD = {claim["id"]: claim for claim in json.loads((files("minigen.course") / "claims.json").read_text())["claims"]}
COMPARISONS = {"<": operator.lt, ">": operator.gt}
MARKS = ("true", "half true", "false")
PRINTED = [
    pytest.param(source, id=f"{name}-{key}")
    for name, claim in TOLD.items()
    for key, source in claim["numbers"].items()
    if "page" in source
]


@cache
def printed(page: str) -> str:
    """Everything that a chapter's cells print, as it is committed."""
    cells = json.loads((BOOK / f"{page}.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")


def shown(page: str) -> str:
    """What a chapter's cells show in Markdown."""
    cells = json.loads((BOOK / f"{page}.ipynb").read_text())["cells"]
    bundles = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return "\n".join("".join(data.get("text/markdown", "")) for data in bundles)


@pytest.fixture(params=list(TOLD))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(name: str) -> dict[str, Any]:
    """The claim as it is written."""
    return TOLD[name]


@pytest.fixture
def claim(name: str) -> dict[str, Any]:
    """The claim with its numbers."""
    return claims(name)[name]


def test_all_of_the_articles_claims_are_there_in_its_order() -> None:
    told = json.loads((files("minigen.course") / "claims.json").read_text())["claims"]
    assert [each["id"] for each in told] == [f"c{number}" for number in range(1, 27)]
    assert list(claims()) == [each["id"] for each in told]


def test_an_unknown_claim_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="name is 'c99'; allowed: 'c1'"):
        claims("c99")


def test_every_claim_has_a_verdict_in_a_word_and_in_a_sentence(told: dict[str, Any]) -> None:
    assert told["mark"] in MARKS
    assert told["verdict"].endswith(".")


def test_every_verdict_says_what_would_change_it(told: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z][^{}]+\.", told["would_change"])
    assert told["would_change"] not in told["verdict"]


@pytest.mark.parametrize("source", PRINTED)
def test_a_number_of_a_chapter_is_printed_there(source: dict[str, Any]) -> None:
    found = {match.replace(",", "") for match in re.findall(source["says"], printed(source["page"]), re.MULTILINE)}
    assert [float(match) for match in found] == [source["value"]]


def test_the_numbers_are_there(claim: dict[str, Any]) -> None:
    assert all(math.isfinite(value) for value in claim["numbers"].values())
    assert claim["numbers"]


def test_the_table_of_a_chapter_has_a_line_for_each_claim(claim: dict[str, Any], name: str) -> None:
    *head, line = claims_table(name).splitlines()
    assert [each.count("|") for each in (*head, line)] == [4, 4, 4]
    assert line.strip("| ").split(" | ") == [f"{claim['claim']} ({name})", claim["measured"], claim["verdict"]]


def test_the_overview_has_a_row_for_each_claim_with_its_chapter_and_a_mark_that_the_script_finds() -> None:
    """``js/claims.js`` compares the reader's mark with the bold word that the last cell begins with."""
    lines = [line for line in claims_overview().splitlines() if re.match(r"\| \[?c\d", line)]
    assert len(lines) == 26
    for line, (name, claim) in zip(lines, claims().items(), strict=True):
        number, said, verdict = line.strip("| ").split(" | ")
        place = CHAPTERS.index(claim["chapter"]) + 1
        here = claim["chapter"] == LAST
        assert number == (name if here else f'[{name}]({claim["chapter"]}.ipynb "chapter {place}")')
        assert said == SHORT[name]
        assert verdict.startswith(f"**{claim['mark']}**<br>{claim['verdict']} <details>")
        where = "this chapter" if here else f"[chapter {place}]({claim['chapter']}.ipynb)"
        assert f"*The claim.* {claim['claim']}<br>*Measured in {where}.* {claim['measured']}" in verdict
        assert verdict.endswith(f"<br>*What would change the verdict.* {claim['would_change']}</details>")


def test_the_chapters_are_numbered_as_in_the_book() -> None:
    pages = re.findall(r"file: book/([\w-]+)", (BOOK.parent / "_toc.yml").read_text())
    assert [page for page in pages if page in CHAPTERS] == list(CHAPTERS)


def test_no_number_is_written_by_hand(told: dict[str, Any]) -> None:
    """Digits come from the files alone; what is fixed, such as a number of calls, stands in words."""
    for part in ("claim", "measured", "verdict"):
        assert not re.search(r"\d", re.sub(r"\{[^}]*\}", "", told[part])), part


def test_every_number_is_said_or_weighed(told: dict[str, Any]) -> None:
    said = set(re.findall(r"\{(\w+)", told["measured"]))
    weighed = {side for left, _, right in told["rests_on"] for side in (left, right) if isinstance(side, str)}
    assert said | weighed == set(told["numbers"])


def test_the_verdict_still_holds(claim: dict[str, Any]) -> None:
    assert claim["rests_on"]
    for left, comparison, right in claim["rests_on"]:
        values = [claim["numbers"][side] if isinstance(side, str) else side for side in (left, right)]
        assert COMPARISONS[comparison](*values), (left, comparison, right, values)


@pytest.mark.parametrize("name", TOLD)
def test_what_the_literature_says_cites_what_is_in_the_list(name: str) -> None:
    known = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(), re.MULTILINE))
    assert set(TOLD[name]["literature"]) <= known
    assert set(re.findall(r"\{cite\}`(\w+)`", TOLD[name]["said"])) == set(TOLD[name]["literature"])
    assert len(re.findall(r"20\d\d", TOLD[name]["said"])) >= len(TOLD[name]["literature"]) > 0 or not TOLD[name]["said"]


def test_its_chapter_names_it(told: dict[str, Any]) -> None:
    assert told["id"] in (BOOK / f"{told['chapter']}.ipynb").read_text()


def test_the_last_chapter_shows_every_claim_as_it_is_now() -> None:
    """Fails when a number or a sentence has changed since ``tools/execute.py book/future.ipynb``."""
    page = shown(LAST)
    for name, claim in claims().items():
        for part in ("claim", "measured", "verdict", "said"):
            assert claim[part] in page, (name, part)


def test_the_dates_of_the_timeline_are_those_of_its_sources() -> None:
    """A number on arXiv begins with year and month; where there is none, the entry tells the year, or its note does."""
    cells = json.loads((BOOK / f"{LAST}.ipynb").read_text())["cells"]
    source = next(text for text in ("".join(cell["source"]) for cell in cells) if "TIMELINE = [" in text)
    lines = re.findall(r'\("(\d{4}(?:\.\d{5})?)", \w+, "[^"]+", "(\w+)"\)', source)
    assert len(lines) == len(re.findall(r'^    \("', source, re.MULTILINE)) > 20
    entries = dict(
        re.findall(r"^@\w+\{(\w+),\n(.*?)\n\}", (BOOK / "references.bib").read_text(), re.MULTILINE | re.DOTALL)
    )
    for when, key in lines:
        year = f"20{when[:2]}"
        told = [f"abs/{when}"] if "." in when else [f"= {{{year}}}", f"first at a workshop of NeurIPS {year}"]
        assert any(each in entries[key] for each in told), (when, key)
    assert [when for when, _ in lines] == sorted(when for when, _ in lines)


def test_diffusion_is_the_newer_idea_by_four_years() -> None:
    """c25's first word, by the book's own timeline: it once said the opposite."""
    cells = json.loads((BOOK / f"{LAST}.ipynb").read_text())["cells"]
    source = next(text for text in ("".join(cell["source"]) for cell in cells) if "TIMELINE = [" in text)
    first = {family: int(re.findall(rf'\("(\d\d)[\d.]+", {family},', source)[0]) for family in ("A", "D")}
    assert first["D"] - first["A"] == 4
    assert TOLD["c25"]["verdict"].startswith("Newer: as an idea, by four years.")


@pytest.mark.parametrize(("width", "calls"), [(1 / 256, 1), (1 / 16, 2), (1 / 4, 5), (1 / 2, 9), (1, 16)])
def test_a_ramp_gives_most_pixels_as_many_calls_as_the_slider_says(width: float, calls: int) -> None:
    """Chapter 6 says below its slider what each width gives: two calls, five, nine, sixteen."""
    levels = plans.ramp(width).matrix((1, 16, 16), steps=16)
    assert (levels[1:] != levels[:-1]).sum(dim=0).mode().values == calls


def test_every_work_in_the_list_has_an_address() -> None:
    entries = re.findall(r"^@\w+\{(\w+),\n(.*?)\n\}", (BOOK / "references.bib").read_text(), re.MULTILINE | re.DOTALL)
    lost = [key for key, entry in entries if not re.search(r"^  (url|doi) +=", entry, re.MULTILINE)]
    found = re.findall(r"doi += \{(.*)\}", "\n".join(entry for _, entry in entries))
    assert lost == []
    assert len(found) == len(set(found)) > 10
    assert all(re.fullmatch(r"10\.\d{4,5}/\S+", doi) for doi in found)


def test_who_lies_on_the_frontier() -> None:
    """c25's sentence about calls, seconds and arithmetic, recomputed from the results of each training."""
    found = stored("frontier")
    rows = [row for row in found["rows"] if row["told"] and row["seed"] == 0]
    costs = {(row["kind"], row["size"], row["batch"]): row for row in found["costs"]}
    unet, causal = costs["U-Net, 16 calls", 16, 64], costs["causal attention, cached", 16, 64]
    cached = costs["causal convolution, cached", 16, 64]
    scored = {"net": "digits-causal-conv", "split": "held-out"}
    trial = [row for row in stored("trial")["rows"] if scored.items() <= row.items()]
    assert [row["training_seed"] for row in trial] == [0, 0, 1, 1, 2, 2]  # guided and plain
    for unit in ("calls", "median", "flops"):
        points = [
            (causal[unit] if row["curve"] == "causal, cached" else row["calls"] * unet[unit] / 16, row["frechet"])
            for row in rows
        ]
        points += [(cached[unit] * row["calls"] / 256, row["frechet"]) for row in trial]
        for row, (cost, distance) in zip([*rows, *trial], points, strict=True):
            beaten = any(a <= cost and b <= distance and (a, b) != (cost, distance) for a, b in points)
            better = unit == "flops" and (row.get("training_seed"), row["calls"]) == (1, 256)
            assert beaten != better or "noise" in row.get("curve", ""), (unit, row)


def test_a_number_that_is_not_there_is_an_error() -> None:
    source = {"results": "frontier", "part": "rows", "where": {"curve": "nobody"}, "take": "frechet"}
    with pytest.raises(LookupError, match="0 rows of frontier have"):
        _number(source)

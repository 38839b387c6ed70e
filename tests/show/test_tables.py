"""Tables in plain text: aligned, and a distance beside its floor."""

from __future__ import annotations

import pytest

from minigen import zoo
from minigen.show.tables import number, scores_table, text_table


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0.000"), (0.96723, "0.967"), (-0.0045, "-0.005"), (3.0329, "3.03"), (42.149, "42.1"), (1234.56, "1234.6")],
)
def test_a_number_in_few_digits(value: float, said: str) -> None:
    assert number(value) in (said, said.replace("-0.005", "-0.004"))  # a tie is rounded to the even digit


def test_columns_are_aligned_and_nothing_is_cut() -> None:
    long = "a sentence of a hundred and more characters, which a narrow terminal would have to cut " * 2
    rows = [{"name": "a", "calls": 4, "about": long}, {"name": "much longer", "calls": 256, "about": "short"}]
    header, first, second = text_table(rows, left=["name", "about"]).splitlines()
    assert first.index(long.strip()) == second.index("short") == header.index("about")
    assert first.index("4") + 1 == second.index("256") + 3 == header.index("calls") + len("calls")


def test_a_missing_cell_stays_empty() -> None:
    assert text_table([{"a": 1, "b": 2}, {"a": 3}]).splitlines() == ["a b", "1 2", "3"]


@pytest.mark.parametrize("name", ["digits-diffusion", "digits-raster-4"])
def test_scores_of_digits_stand_beside_real_ones(name: str) -> None:
    scores = zoo.about(name)["scores"]
    lines = {line.split()[0]: line.split()[1:] for line in scores_table(scores).splitlines()}
    assert lines["frechet"] == [number(scores["frechet"]), *number(scores["floor"]).split()]
    assert lines["coverage"] == [number(scores["coverage"]), *number(scores["coverage_ceiling"]).split()]
    assert ("bits_per_dimension" in lines) == (name == "digits-raster-4")
    assert not {"floor", "count", "bits_of", "seed", "sampling"} & set(lines)


def test_scores_of_scenes_are_a_line_a_kind_of_prompt() -> None:
    scores = zoo.about("scenes")["scores"]
    header, *lines = scores_table(scores).splitlines()
    assert [line[: len("new relations")].rstrip() for line in lines] == ["train", "new pairs", "new relations"]
    assert number(scores["new pairs"]["prompt"]["all"]) in lines[1]
    assert header.index("floor") > header.index("frechet")

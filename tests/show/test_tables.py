"""Tables: of a frame for a page, with headers that say something; in plain text, a distance beside its floor."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from pandas import DataFrame

from minigen import zoo
from minigen.show.tables import Table, number, scores_table, show, text_table


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


# --- for a page ------------------------------------------------------------------------------------


def parsed(table: Table) -> Tag:
    found = BeautifulSoup(table.html, "html.parser").find("table")
    assert isinstance(found, Tag)
    return found


FRAME = DataFrame({"plan": ["noise", "patches"], "calls": [16, 1256], "distance": [4.6, 73.61], "told": [True, False]})


def test_a_frame_becomes_a_table_with_headers_and_a_caption() -> None:
    table = parsed(show(FRAME, "After <16> calls."))
    assert [each.text for each in table.select("caption")] == ["After <16> calls."]
    assert [(each.text, each["scope"]) for each in table.select("thead th")] == [
        (name, "col") for name in ("plan", "calls", "distance", "told")
    ]
    assert [(each.text, each["scope"]) for each in table.select("tbody th")] == [("noise", "row"), ("patches", "row")]
    assert [each.text for each in table.select("tbody td")] == ["16", "4.6", "yes", "1,256", "73.6", "no"]
    assert [each["data-name"] for each in table.select("tbody td")][:3] == ["calls", "distance", "told"]


def test_no_header_is_empty() -> None:
    """A screen reader would say nothing for it."""
    pivot = FRAME.pivot_table(index="plan", columns="calls", values="distance")
    for frame in (FRAME, pivot, DataFrame([[1, 2]], index=["a"], columns=["b", "c"])):
        assert all(each.text.strip() for each in parsed(show(frame, "Some.")).find_all("th"))
    (shared,) = parsed(show(pivot, "Some.")).select("th[scope=colgroup]")
    assert (shared.text, shared["colspan"]) == ("calls", "2")
    assert "-" in [each.text for each in parsed(show(pivot, "Some.")).find_all("td")]  # what was not measured


def test_numbers_of_a_column_are_written_alike_or_as_asked() -> None:
    frame = DataFrame({"a": ["x", "y"], "small": [0.5, 0.25], "large": [0.5, 250.0], "share": [0.5, 0.123]})
    cells = [each.text for each in parsed(show(frame, "Some.", {"share": ".0%"})).select("tbody td")]
    assert cells == ["0.500", "0.5", "50%", "0.250", "250.0", "12%"]


def test_wide_tables_are_marked() -> None:
    assert "mg-wide" not in parsed(show(FRAME, "Some."))["class"]
    wide = DataFrame({"who": ["a"], **{f"a long name {n}": ["several words here"] for n in range(3)}})
    assert "mg-wide" in parsed(show(wide, "Some."))["class"]


def test_what_can_not_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match=r"frame has shape \(0, 0\)"):
        show(DataFrame(), "Nothing.")
    with pytest.raises(ValueError, match=r"2 layers of columns; allowed: rows, one layer"):
        show(DataFrame({("a", "b"): [1]}), "Layers.")
    with pytest.raises(ValueError, match=r"formats is 'distanse'; allowed: .*'distance'"):
        show(FRAME, "Some.", {"distanse": ".1f"})


def test_a_table_has_plain_text_too() -> None:
    bundle = show(FRAME, "Some.")._repr_mimebundle_()
    assert bundle["text/plain"].split() == [
        *FRAME.columns,
        "noise",
        "16",
        "4.6",
        "yes",
        "patches",
        "1,256",
        "73.6",
        "no",
    ]

"""Prepared drawings: the address that each link has, what a kernel draws for it, what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from bs4 import BeautifulSoup

import minigen as mg
from minigen import widgets

PLANS = {"noise": mg.plans.ramp(1.0), "rows": mg.plans.ramp(1 / 256)}


def place(**changes: Any) -> widgets.Drawing:
    given: dict[str, Any] = dict(
        controls={"plan": PLANS, "steps": [1, 2, 4], "labels": {"all": None, "3": 3}, "seed": (0, 20)},
        count=2,
        labels=None,
        alt="Two digits ({labels}) by {plan} in {steps} calls.",
        caption="Digits.",
        anchor="digits",
    )
    return widgets.drawing(**{"net": "digits-any", **given, **changes})


def links(shown: widgets.Demonstrations) -> list[str]:
    page = BeautifulSoup(shown._repr_mimebundle_()["text/html"], "html.parser")
    return [str(link["href"]) for link in page.select("li > a")]


def test_a_link_sets_every_control_and_what_is_kept_after_another_question_mark() -> None:
    demonstration = widgets.Demonstration(
        "Rows", "See & compare.", place(), {"plan": "rows", "labels": "3"}, {"plan": "noise", "steps": 4}, "Far: 3.0"
    )
    [address] = links(widgets.Demonstrations([demonstration]))
    anchor, now, kept = address.split("?")
    assert anchor == "#digits"
    assert parse_qs(now) == {"plan": ["rows"], "steps": ["1"], "labels": ["3"], "seed": ["0"]}
    assert parse_qs(kept) == {"plan": ["noise"], "steps": ["4"], "labels": ["3"], "seed": ["0"]}
    shown = BeautifulSoup(widgets.Demonstrations([demonstration])._repr_mimebundle_()["text/html"], "html.parser")
    assert shown.get_text(" ") == "Rows   See & compare.   Far: 3.0"


def test_a_prompt_may_hold_a_question_mark() -> None:
    scenes = widgets.drawing(
        "scenes",
        {"prompt": "a red star", "seed": (0, 9)},
        1,
        anchor="s",
        alt="A scene for “{prompt}”.",
        caption="A scene.",
    )
    link = widgets.Demonstration("Ask", "See.", scenes, {"prompt": "a ring?"}).link
    assert link.count("?") == 1
    assert parse_qs(link.split("?")[1])["prompt"] == ["a ring?"]


def test_a_kernel_draws_both_what_is_kept_on_the_left() -> None:
    digits = place()
    ten = widgets.Demonstrations([widgets.Demonstration("Steps", "See.", digits, {"steps": 2}, {"plan": "rows"})])
    figure = ten.draw(1)
    assert figure.alt == "Two digits (all) by rows in 2 calls. Two digits (all) by noise in 2 calls."
    for changes in ({"steps": 2, "plan": PLANS["rows"]}, {"steps": 2}):
        assert digits.figure(**changes).content in figure.content
    with pytest.raises(ValueError, match="number is 2; allowed: whole numbers from 1 to 1"):
        ten.draw(2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plan": "row"}, "plan is 'row'; allowed"),
        ({"steps": 3}, "steps is 3; allowed"),
        ({"seed": 21}, "seed is 21; allowed"),
        ({"step": 4}, "settings is 'step'; allowed: 'plan', 'steps'"),
    ],
)
def test_settings_that_the_drawing_does_not_allow_are_refused_at_once(changes: dict[str, Any], said: str) -> None:
    for now, kept in ((changes, {}), ({}, changes)):
        with pytest.raises(ValueError, match=said):
            widgets.Demonstration("Title", "See.", place(), now, kept)


def test_a_drawing_needs_a_name_in_addresses() -> None:
    with pytest.raises(ValueError, match="place has no anchor"):
        widgets.Demonstration("Title", "See.", place(anchor=""))
    with pytest.raises(ValueError, match="anchor is 'My digits'; allowed: small letters"):
        place(anchor="My digits")
    assert ' id="digits">' in place().still().split("<img")[0]

"""matplotlib's SVG in fewer signs shows the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from minigen.show.svg import SVG, plain

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


def made(inside: str, **colours: str) -> str:
    whole = plain(f"{HEAD}{inside}</svg>", 10, {f"#{colour}": called for colour, called in colours.items()})
    return whole.removeprefix('<svg xmlns="http://www.w3.org/2000/svg">').removesuffix("</svg>")


def test_marks_in_a_row_say_once_what_they_share() -> None:
    """Their order, their places and what they refer to stay."""
    marks = "".join(f'<use xlink:href="#m" x="{x}" y="1" style="fill: #123456"/>' for x in range(4))
    text = made(f'<defs><path id="m" d="M 0 0 L 1 1"/></defs><g id="a"><g id="b">{marks}</g></g>')
    tree = ElementTree.fromstring(f"{HEAD}{text}</svg>")
    (shared,) = tree.iter(f"{SVG}g")
    assert shared.attrib == {"style": "fill:#123456"}
    uses = list(shared)
    assert [use.get("x") for use in uses] == ["0", "1", "2", "3"]
    (path,) = tree.iter(f"{SVG}path")
    assert {use.get("href") for use in uses} == {f"#{path.get('id')}"}


def test_marks_that_differ_keep_their_looks() -> None:
    marks = "".join(f'<use xlink:href="#m" style="fill: #12345{n}"/>' for n in range(4))
    text = made(f'<path id="m" d="M 0 0"/>{marks}')
    assert re.findall(r'style="fill:#12345(\d)"', text) == ["0", "1", "2", "3"]


def test_a_group_that_does_something_stays() -> None:
    text = made('<g transform="translate(1 2)"><path d="M 0 0"/></g><g clip-path="url(#c)"/><clipPath id="c"/>')
    assert 'transform="translate(1 2)"' in text
    name = re.search(r'<clipPath id="(\w+)"', text)
    assert name is not None
    assert f'clip-path="url(#{name[1]})"' in text


def test_what_is_written_is_not_shortened() -> None:
    text = made(
        '<text x="1.23456" style="font-size: 10px; font-family: \'A\'; fill: #aa0000">0.12345</text>', aa0000="ink"
    )
    assert text == '<text x="1.23" style="fill:ink">0.12345</text>'


def test_letters_of_another_size_keep_it() -> None:
    assert 'style="font-size:7px"' in made('<text style="font-size: 7px">small</text>')
    assert "style" not in made('<text style="font-size: 10px">usual</text>').replace('style=""', "")

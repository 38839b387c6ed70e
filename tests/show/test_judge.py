"""What the judge says of what it reads."""

from __future__ import annotations

import pytest

from minigen.show.judge import below, sentence


@pytest.mark.parametrize(
    ("classes", "certainty", "told", "said"),
    [
        ([3], [1.0], None, "The judge reads 3."),
        ([3, 8], [0.9, 0.9], None, "The judge reads 3 and 8."),  # sure enough
        (
            [3, 8, 1],
            [0.89, 1.0, 0.2],
            None,
            "The judge reads perhaps 3, 8 and perhaps 1 (perhaps: less than 90% sure).",
        ),
        ([3, 8], [1.0, 1.0], [3, 3], "The judge reads 3 and 8: 1 of 2 is the 3 that the network was told."),
        ([0, 1], [1.0, 1.0], [0, 1], "The judge reads 0 and 1: 2 of 2 are what the network was told."),
    ],
)
def test_the_sentence(classes: list[int], certainty: list[float], told: list[int] | None, said: str) -> None:
    assert sentence(classes, certainty, told) == said


def test_it_stands_in_html() -> None:
    assert below("3 < 8").endswith(">3 &lt; 8</p>")

"""Films: their titles and names are words, which may have more than one line."""

from __future__ import annotations

import torch
from bs4 import BeautifulSoup

from minigen.show import plots


def test_a_title_may_have_two_lines() -> None:
    rows = [("", torch.zeros(2, 1, 4, 4), None)]
    film = plots.films(rows, "two grey squares", titles=["now\n< 1", "later\n2"])
    first, last = BeautifulSoup(film.content, "html.parser").select(".mg-titles > span")
    assert (first.get_text(), last.get_text()) == ("now < 1", "later 2")
    assert len(first.find_all("br")) == 1


def test_a_name_keeps_its_words_apart_where_lines_are_not_broken() -> None:
    film = plots.films([("two\nlines", torch.zeros(1, 1, 4, 4), None)], "one grey square")
    (name,) = BeautifulSoup(film.content, "html.parser").select(".mg-label")
    assert name.get_text() == "two lines"

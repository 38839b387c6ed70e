"""The theme's icons are drawn into a page, and its script goes."""

from __future__ import annotations

import logging

import icons
import pytest
from bs4 import BeautifulSoup


@pytest.mark.parametrize("name", icons.OCTICONS)
def test_every_sign_is_drawn(name: str) -> None:
    made = BeautifulSoup(icons.draw(f'<b><i class="fa-solid fa-{name} fa-lg"></i> word</b>'), "html.parser")
    assert made.i is None
    assert made.svg is not None
    assert f"sd-octicon-{icons.OCTICONS[name]}" in made.svg["class"]
    assert made.svg["aria-hidden"] == "true"
    assert made.get_text() == " word"


def test_what_scripts_and_styles_look_for_stays() -> None:
    made = icons.draw('<i class="theme-switch fa-solid fa-sun       fa-lg" data-mode="light" title="Light"></i>')
    drawn = BeautifulSoup(made, "html.parser").svg
    assert drawn is not None
    assert drawn["data-mode"] == "light"
    assert {"theme-switch", "mg-icon"} <= set(drawn["class"])
    assert "title" not in drawn.attrs


def test_the_script_goes_and_the_rest_stays() -> None:
    kept = '<script src="a.js"></script><i class="fancy"></i><i class="note">fa-solid</i><span class="fact"></span>'
    script = '<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>'
    assert icons.draw(script + kept) == kept
    assert icons.draw(icons.draw(script + kept)) == kept


def test_a_sign_that_nobody_knows_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    unknown = '<i class="fas fa-dragon"></i>'
    logger = logging.getLogger("sphinx.icons")
    logger.addHandler(caplog.handler)
    try:
        assert icons.draw(unknown, "a.html") == unknown
    finally:
        logger.removeHandler(caplog.handler)
    assert "a.html has the icon 'fas fa-dragon'; allowed: angle-left" in caplog.text

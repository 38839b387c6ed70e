"""A chapter is a lesson: not long, letters that can be read, and nothing cut off. For the chapters done so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from bs4 import BeautifulSoup
from pattern import DONE
from playwright.sync_api import Browser

SCREENS, WORDS = 16, 2500
LETTERS = {1200: 10.0, 390: 9.0}
"""Pixels that the smallest letter in a figure has, by the width of the screen."""

CONTRAST = 4.5

MEASURE = """() => {
    const article = document.querySelector('article');
    const shown = tag => tag.checkVisibility({contentVisibilityAuto: true});
    const count = tag => (tag.innerText || tag.textContent).split(/\\s+/).filter(Boolean).length;
    const besides = 'div.cell_input, svg text, .mg-knob, .mg-beside, .mg-buttons, .mg-told, .visually-hidden';
    const aside = [...article.querySelectorAll(besides)].filter(shown)
        .reduce((sum, tag) => sum + count(tag), 0);
    const words = count(article) - aside;
    const inFigures = ['figure text', 'figure .mg-label', 'figure .mg-titles', 'figure .mg-over', 'td', 'th'];
    const letters = [...article.querySelectorAll(inFigures)]
        .filter(tag => shown(tag) && tag.textContent.trim())
        .map(tag => {
            const size = parseFloat(getComputedStyle(tag.querySelector('tspan') || tag).fontSize);
            const matrix = tag.getScreenCTM ? tag.getScreenCTM() : {a: 1, b: 0};
            return [size * Math.hypot(matrix.a, matrix.b), tag.textContent.trim().slice(0, 40)];
        });
    const cut = selector => [...article.querySelectorAll(selector)]
        .filter(tag => shown(tag) && tag.scrollWidth > tag.clientWidth + 1)
        .filter(tag => getComputedStyle(tag).display !== 'inline')
        .filter(tag => !['visible', 'clip'].includes(getComputedStyle(tag).overflowX))
        .map(tag => tag.textContent.trim().slice(0, 60));
    return {
        screens: article.getBoundingClientRect().height / 900,
        words,
        smallest: letters.sort((one, other) => one[0] - other[0])[0] || [99, ''],
        'code cut off': cut('div.cell_input pre, div.cell_input div, pre'),
        'outputs cut off': cut('div.cell_output *, figure, table, .mg-panels'),
    };
}"""

PALE = """() => {
    const light = colour => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(part => part / 255)
            .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const ground = light(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll('article figure text')].map(tag => {
        const style = getComputedStyle(tag), paint = style.fill === 'none' ? style.color : style.fill;
        return [ratio(light(paint), ground), tag.textContent.trim()];
    });
}"""


def opened(site: Path, browser: Browser, name: str, width: int, scheme: Literal["light", "dark"], script: str) -> Any:
    """What a script finds on a chapter's page."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(0)  # a busy machine is no failure
    try:
        page = context.new_page()
        page.goto((site / "book" / f"{name}.html").as_uri(), wait_until="load")
        page.wait_for_timeout(300)  # what scripts write, the sliders' words among them, counts as well
        return page.evaluate(script)
    finally:
        context.close()


@pytest.mark.parametrize("name", DONE)
def test_a_chapter_is_read_in_one_sitting(site: Path, browser: Browser, name: str) -> None:
    found = opened(site, browser, name, 1200, "light", MEASURE)
    assert found["screens"] <= SCREENS
    assert found["words"] <= WORDS


@pytest.mark.parametrize("width", LETTERS)
@pytest.mark.parametrize("name", DONE)
def test_letters_can_be_read_and_nothing_is_cut_off(site: Path, browser: Browser, name: str, width: int) -> None:
    found = opened(site, browser, name, width, "light", MEASURE)
    assert found["smallest"][0] >= LETTERS[width] - 0.05, found["smallest"]
    assert found["outputs cut off"] == []
    if width == 1200:
        assert found["code cut off"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", DONE)
def test_words_in_figures_stand_out(site: Path, browser: Browser, name: str, scheme: Literal["light", "dark"]) -> None:
    found = opened(site, browser, name, 1200, scheme, PALE)
    assert [pair for pair in found if pair[0] < CONTRAST] == []


def test_what_is_measured_can_fail(browser: Browser, tmp_path: Path) -> None:
    """Small letters, a wide block of code, a wide table and a pale word are found."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "bad.html").write_text(
        "<!doctype html><meta name=viewport content='width=device-width'><body style='background: #fff'><article>"
        "<div class=cell_input><pre style='overflow: auto; width: 200px'>" + "x" * 100 + "</pre></div>"
        "<div class=cell_output><div style='overflow: auto; width: 200px'><p style='width: 900px'>wide</p></div></div>"
        "<figure><svg width=100 height=20 viewBox='0 0 200 40'><text y=20 style='font-size: 12px; fill: #aaa'>pale"
        "</text></svg></figure><p class=mg-buttons>draw</p><p>three more words</p></article>"
    )
    found = opened(tmp_path, browser, "bad", 1200, "light", MEASURE)
    assert found["smallest"] == [pytest.approx(6), "pale"]
    assert len(found["code cut off"]) == len(found["outputs cut off"]) == 1
    assert found["words"] == 4  # neither code, nor the letters in a chart, nor what stands on buttons
    ((ratio, word),) = opened(tmp_path, browser, "bad", 1200, "light", PALE)
    assert word == "pale"
    assert ratio == pytest.approx(2.32, abs=0.02)


OLD_PLACES = {
    "curve-fitting": ["guess-first", "beyond-the-dots", "your-guesses"],
    "blurry-average": [
        "one-question-many-answers",
        "between-two-branches",
        "the-same-fit-read-with-dice",
        "why-averages-are-right-for-labels",
        "your-guesses",
    ],
    "missing-pixels": ["one-pixel-the-average-is-a-colour", "do-the-dice-cost-anything", "your-guesses"],
    "patches": [
        "two-pixels-that-should-agree",
        "the-same-call-with-one-argument-changed",
        "five-sizes-of-patch",
        "the-other-end-is-an-old-friend",
        "how-bad-is-bad-a-distance-with-a-ladder",
        "ladder",
        "quality-against-calls",
        "your-guesses",
    ],
    "spreading": [
        "a-quarter-of-a-picture",
        "a-row-and-the-exact-bill",
        "how-far-does-a-pixel-reach",
        "adjacent-against-scattered-on-digits",
        "why-whole-pixels",
        "a-level-between-0-and-1",
        "the-slider",
        "train-one-walk-all",
        "fill-any-hole",
        "what-the-field-does",
        "your-guesses",
    ],
    "diffusion": ["for-the-curious", "what-the-field-does", "your-guesses"],
    "few-steps": [
        "one-training-many-walks",
        "dice-on-the-way",
        "the-dial",
        "why-few-steps-shrink-things",
        "two-guesses-are-better-than-one",
        "three-scores-three-stories",
        "what-the-steps-are-spent-on",
        "what-the-field-does",
        "your-guesses",
    ],
    "one-network": [
        "which-is-easier-to-name",
        "three-names-for-one-guess",
        "what-the-loss-counts",
        "four-nets-everything-else-equal",
        "the-article-s-rival",
        "where-naming-the-noise-fails",
        "one-network-or-one-for-each-stage",
        "what-the-field-does",
        "your-guesses",
    ],
    "causal": [
        "a-mask-in-a-convolution",
        "off-by-one",
        "why-diffusion-has-no-such-trick",
        "the-blind-spot",
        "your-guesses",
    ],
    "frontier": [
        "which-score-can-be-fooled",
        "what-must-be-equal",
        "the-race-in-small",
        "equal-calls",
        "the-luck-of-a-training",
        "a-call-is-not-a-call",
        "the-samples-behind-the-points",
        "is-it-about-digits",
        "a-larger-picture",
        "top-from-bottom",
        "what-the-field-does",
        "your-guesses",
    ],
    "prompts": [
        "guess-first",
        "scenes",
        "a-condition-is-one-more-input",
        "words-to-numbers",
        "numbers-to-one-vector",
        "first-read-then-draw",
        "the-network",
        "does-it-obey",
        "what-it-draws",
        "in-numbers",
        "while-it-learns",
        "not-only-for-diffusion",
        "what-the-field-does",
        "your-own-words",
        "your-guesses",
        "ex-count-meanings",
    ],
    "guidance": [
        "guess-first",
        "one-network-that-knows-both",
        "two-answers-to-one-question",
        "the-dial",
        "where-a-guided-walk-ends",
        "what-it-costs",
        "other-arrows",
        "what-the-field-does",
        "your-guesses",
    ],
    "future": [
        "guess-first",
        "the-claims",
        "a-straight-line",
        "one-step-in-place-of-two",
        "without-a-teacher",
        "fewer-numbers",
        "auto-regression-comes-back",
        "what-to-keep",
        "exercises",
        "what-we-measured",
        "your-guesses",
        "what-to-remember",
        "what-to-read-next",
    ],
    "how-to": ["read-it-here", "run-it-on-your-computer", "run-it-in-colab", "exercises", "how-long-it-takes"],
}
"""Where links from elsewhere may lead: a rebuilt page keeps what it once had."""


@pytest.mark.parametrize("name", OLD_PLACES)
def test_old_places_can_still_be_linked(site: Path, name: str) -> None:
    soup = BeautifulSoup((site / "book" / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    assert [place for place in OLD_PLACES[name] if soup.find(id=place) is None] == []

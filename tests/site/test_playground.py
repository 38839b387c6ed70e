"""The playground: each of the ten links draws what it promises, for a classroom, a phone, and the keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from test_live import ended, net, opened, packages, pictures, same

import minigen as mg

LINKS = ".mg-demonstrations li > a"
BOTH = """(figure) => figure.querySelectorAll(".mg-two canvas").length === 2
    && / ms /.test(figure.querySelector(".mg-told").textContent)"""
HEARD = """() => {
    window.heard = [];
    for (const said of document.querySelectorAll("#digits [role=status]"))
        new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true });
}"""


@pytest.fixture
def playground(site: Path) -> Path:
    return site / "book" / "playground.html"


@pytest.fixture
def page(browser: Browser, playground: Path) -> Iterator[Page]:
    page = opened(browser, playground, reduced_motion="reduce", viewport={"width": 1920, "height": 1000})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.extend([message.text] if message.type == "error" else []))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.context.close()
    assert wrong == []


def shown(page: Page, number: int) -> Locator:
    """The drawing of the ``number``-th link, once both of its columns are there."""
    link = page.locator(LINKS).nth(number - 1)
    figure = page.locator(str(link.get_attribute("href")).split("?")[0])
    page.wait_for_function(BOTH, arg=figure.element_handle())
    page.wait_for_function("(hash) => location.hash === hash", arg=link.get_attribute("href"))
    return figure


def said(figure: Locator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(figure.get_attribute("data-drawing")))
    return found


def words(figure: Locator) -> dict[str, str]:
    """What every control says that it is set to."""
    found = {}
    for control in said(figure)["controls"]:
        knob = figure.locator(f"[id$='-{control['name']}'], [name$='-{control['name']}']")
        now = "(all) => (all.find((one) => one.checked) ?? all[0])"
        text = "(one.selectedOptions?.[0] ?? one.parentElement.querySelector('output') ?? one.parentElement)"
        script = f"(all) => {{ const one = ({now})(all); return one.type === 'text' ? one.value : {text}.textContent }}"
        found[control["name"]] = str(knob.evaluate_all(script)).strip()
    return found


def told(figure: Locator, query: str) -> dict[str, Any]:
    """The values of the settings in an address, by the names of the controls."""
    asked = dict(parse_qsl(query))
    found = {}
    for control in said(figure)["controls"]:
        word = asked[control["name"]]
        chosen = dict(zip(control.get("words", []), control.get("values", []), strict=True))
        found[control["name"]] = int(word) if control["kind"] == "range" else chosen.get(word, word)
    return found


def test_each_of_the_ten_links_draws_both_and_says_what_to_see(page: Page) -> None:
    links = page.locator(LINKS)
    assert links.count() == 10
    differ = []
    for number in range(1, 11):
        link = links.nth(number - 1)
        _, now, kept = str(link.get_attribute("href")).split("?")
        link.click()
        figure = shown(page, number)
        assert words(figure) == dict(parse_qsl(now)), number
        wanted = [dict(parse_qsl(query)) for query in (kept, now)]
        by = [name for name in wanted[0] if wanted[0][name] != wanted[1][name]]
        labels = figure.locator(".mg-two > div > .mg-label").all_inner_texts()
        called = {each["name"]: each.get("called", each["name"]) for each in said(figure)["controls"]}
        assert labels == [", ".join(f"{called[name]} {each[name]}" for name in by) for each in wanted]
        left, right = (canvas.evaluate("one => one.toDataURL()") for canvas in figure.locator(".mg-two canvas").all())
        differ.append(left != right)
        item = link.locator("xpath=..").inner_text()
        assert figure.locator(".mg-count").inner_text() == f"{link.inner_text()} ({number} of 10)"
        assert figure.locator(".mg-see").inner_text() in item
        assert page.locator(".mg-now").count() == 1
        assert link.get_attribute("aria-current") == "true"
        top = figure.evaluate("one => one.getBoundingClientRect().top")
        assert 0 <= top < 200
    assert all(differ)


@pytest.mark.parametrize(("number", "side", "columns"), [(1, 16, 5), (10, 16, 3)])
def test_both_columns_are_the_packages_own(page: Page, number: int, side: int, columns: int) -> None:
    link = page.locator(LINKS).nth(number - 1)
    link.click()
    figure = shown(page, number)
    _, now, kept = str(link.get_attribute("href")).split("?")
    drawing = said(figure)
    for canvas, query in zip(figure.locator(".mg-two canvas").all(), (kept, now), strict=True):
        options = {**drawing["options"], **told(figure, query)}
        plan = mg.plans.build(options.pop("plan", None) or drawing["plan"])
        for name in ("known", "mask"):
            if name in options:
                options[name] = torch.tensor(options[name])
        wanted = packages(net("digits-any").along(plan), drawing["count"], **options)
        same(pictures(canvas, side, columns, drawing["count"]), wanted)


def test_an_address_with_what_was_kept_opens_the_same_two(browser: Browser, page: Page, playground: Path) -> None:
    """Also where the reader has changed something since the link was pressed."""
    page.locator(LINKS).nth(3).click()
    figure = shown(page, 4)
    figure.get_by_label("calls", exact=True).fill("0")
    page.wait_for_function("location.hash.startsWith('#digits?plan=noise&steps=1&')")
    address = figure.get_by_role("link", name="Link").get_attribute("href")
    assert address is not None
    assert address.endswith("?plan=rows&steps=4&labels=all&pick=thrown&seed=0")
    other = opened(browser, playground, address, reduced_motion="reduce")
    again = other.locator("#digits")
    other.wait_for_function(BOTH, arg=again.element_handle())
    other.wait_for_function("(hash) => location.hash === hash", arg=address)
    for number in range(2):
        one, same_one = (each.locator(".mg-two canvas").nth(number) for each in (figure, again))
        assert torch.equal(pictures(one, 16, 5, 10), pictures(same_one, 16, 5, 10))
    again.get_by_role("button", name="Keep no longer").click()
    assert other.url.count("?") == 1
    other.context.close()


def test_whoever_presses_another_link_does_not_wait(page: Page) -> None:
    """256 calls stop for one call of the same drawing, and for another drawing."""
    links = page.locator(LINKS)
    links.nth(1).click()
    links.nth(0).click()
    figure = shown(page, 1)
    assert "calls: 1;" in ended(figure)
    links.nth(1).click()
    links.nth(9).click()
    shown(page, 10)
    assert figure.locator(".mg-told").inner_text() == "Stopped."
    page.go_back()
    page.wait_for_function("location.hash.startsWith('#digits')")


def test_a_link_is_followed_though_a_drawing_ends_meanwhile(page: Page) -> None:
    """What ends writes its own address: also between a press and what comes of it."""
    links = page.locator(LINKS)
    for number in (2, 3):  # one whose address stands there, and another
        links.nth(2).click()
        shown(page, 3)
        page.locator(LINKS).nth(number).evaluate(
            "(link) => { link.click(); history.replaceState(null, '', location.hash.replaceAll('seed=0', 'seed=9')) }"
        )
        shown(page, number + 1)
        assert page.evaluate("location.hash") == links.nth(number).get_attribute("href")


def test_words_do_not_outlive_their_pictures(page: Page) -> None:
    """Whoever changes a setting or lets go reads that, and no numbers of something else; a link begins anew."""
    link = page.locator(LINKS).nth(2)
    link.click()
    figure = shown(page, 3)
    count, numbers = figure.locator(".mg-count"), figure.locator(".mg-see .mg-measured")
    for change in (
        lambda: figure.get_by_label("calls", exact=True).fill("0"),
        lambda: figure.get_by_role("button", name="Keep no longer").click(),
    ):
        assert numbers.is_visible()
        assert "changed" not in count.inner_text()
        change()
        assert count.inner_text() == f"{link.inner_text()} (3 of 10), changed by you"
        assert not numbers.is_visible()
        link.click()
        page.wait_for_function("!document.querySelector('.mg-count').textContent.includes('changed')")
        shown(page, 3)


def test_the_digit_that_is_told_follows_the_one_that_is_given(page: Page) -> None:
    figure = page.locator("#half")
    given, told = figure.get_by_label("digit", exact=True), figure.get_by_label("if told: a")
    given.select_option("an 8")
    assert words(figure)["labels"] == "8"
    told.fill("5")
    given.select_option("a 2")
    assert words(figure)["labels"] == "5"  # the reader has said it


def test_the_same_link_again_shows_it_again(page: Page) -> None:
    link = page.locator(LINKS).nth(0)
    link.click()
    figure = shown(page, 1)
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("document.querySelector('#digits .mg-told').textContent = ''")
    link.click()
    shown(page, 1)
    assert figure.evaluate("one => one.getBoundingClientRect().top") < 200


def test_by_keyboard_alone_through_links_and_controls(page: Page) -> None:
    """Ten links one after the other; a press leads to the words of the drawing, and Next goes on from where it is."""
    page.evaluate(HEARD)
    page.locator(LINKS).first.focus()
    reached = []
    for _ in range(10):
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
        page.keyboard.press("Tab")
    assert reached == page.locator(LINKS).evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    page.locator(LINKS).first.focus()
    page.keyboard.press("Enter")
    figure = shown(page, 1)
    assert page.evaluate("document.activeElement.className") == "mg-now"
    heard = page.evaluate("heard")
    assert heard[0] == "Drawing."
    assert len(heard) == 4, heard  # "Drawing." and what is there, of both; the words are read with their place
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Next"
    names = []
    for _ in range(9):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    ids = [name.removeprefix("drawing-1-") for name in names]
    assert ids[:4] == ["step", "plan", "steps", "labels"]
    assert ids[5:] == ["seed", "Draw", "Keep no longer", "looks"]
    figure.get_by_role("link", name="Next").press("Enter")
    page.wait_for_function("document.querySelector('.mg-count').textContent.includes('(2 of 10)')")
    assert page.evaluate("document.activeElement.textContent") == "Next"


@pytest.mark.parametrize("width", [1920, 1200, 390])
def test_it_fits_a_projector_and_a_phone(browser: Browser, playground: Path, width: int) -> None:
    """Two columns, or one below the other; large pixels are whole pixels of the screen."""
    link = "#digits?plan=noise&steps=1&labels=3&pick=thrown&seed=0?plan=noise&steps=1&labels=3&pick=averaged&seed=0"
    page = opened(browser, playground, link, viewport={"width": width, "height": 950}, reduced_motion="reduce")
    figure = page.locator("#digits")
    page.wait_for_function(BOTH, arg=figure.element_handle())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    left, right = (each.bounding_box() for each in figure.locator(".mg-two canvas").all())
    assert left is not None
    assert right is not None
    assert (left["y"] == right["y"]) == (width > 390)
    pixel = {1920: 8, 1200: 4, 390: 3}[width]
    assert left["width"] >= pixel * 5 * 16
    drawn = figure.locator("canvas").first
    scale = 6 * left["width"] / drawn.evaluate("one => one.width")  # a picture's pixel takes 6 of the canvas
    assert scale == pytest.approx(round(scale), abs=0.01) or scale < 4
    letters = "(one) => parseFloat(getComputedStyle(one).fontSize)"
    sizes = [figure.locator(name).first.evaluate(letters) for name in (".mg-see", ".mg-label", ".mg-knob", ".mg-told")]
    assert min(sizes) >= (20 if width == 1920 else 14)
    if width == 1920:
        box = figure.locator(".mg-stage").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 950
    page.context.close()


def test_without_javascript_the_words_stay(browser: Browser, playground: Path) -> None:
    page = opened(browser, playground, java_script_enabled=False)
    assert page.locator(".mg-demonstrations li").count() == 10
    assert page.locator(".mg-drawing img").first.is_visible()
    assert page.locator(".mg-now").count() == 0
    page.context.close()

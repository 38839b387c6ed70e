"""The content policy of the pages, switched on: what stands in a page works, and what is smuggled in does not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from strict import policy, sealed

SMUGGLED = """() => {
    const script = Object.assign(document.createElement("script"), { textContent: "window.smuggled = true" });
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.smuggled = true'>");
    document.head.append(Object.assign(document.createElement("style"), { textContent: "h1 { color: red }" }));
}"""


# Playwright's wait_for_function evaluates text in the page, which a policy forbids; locators wait without. Other tests
# may wait as they like: the fixture visit switches the policy off.
def opened(browser: Browser, address: str, wrong: list[str]) -> Page:
    context = browser.new_context()
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(address, wait_until="load")
    return page


def test_every_page_has_a_policy_before_all_that_it_rules(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts and path != site / "index.html"]
    assert len(pages) > 25
    for path in pages:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)" />', text)
        assert len(found) == 1, path
        assert text.index("Content-Security-Policy") < re.search("<script|<style|<link", text).start(), path  # type: ignore[union-attr]
        scripts = found[0].split("script-src ")[1].split(";")[0]
        assert "'unsafe-inline'" not in scripts
        assert "http" not in found[0]


def test_a_policy_names_what_runs_and_not_what_is_data() -> None:
    page = '<meta charset="utf-8" /><script>1</script><script type="text/plain">2</script><script src="3.js"></script>'
    assert policy(page).count("sha256-") == 1
    assert sealed(page).startswith('<meta charset="utf-8" /><meta http-equiv="Content-Security-Policy"')
    assert policy(f'{page}<b onclick="a()">').count("sha256-") == 1  # nothing runs from inside an element


@pytest.mark.parametrize("from_disk", [True, False], ids=["from a disk", "from a server"])
def test_a_page_draws_slides_and_prints_under_its_policy(
    site: Path, site_address: str, browser: Browser, from_disk: bool
) -> None:
    wrong: list[str] = []
    root = site.as_uri() if from_disk else site_address
    page = opened(browser, f"{root}/book/few-steps.html", wrong)
    page.evaluate("window.print = () => { window.was_printed = true; }")
    page.evaluate("document.querySelector('[data-press=print]').click()")
    assert page.evaluate("window.was_printed")
    slider = page.locator(".mg-scrub input[type=range]").first
    before = page.locator(".mg-scrub .mg-text").first.text_content()
    slider.press("ArrowRight")
    assert page.locator(".mg-scrub .mg-text").first.text_content() != before
    place = page.locator("figure[data-drawing]").first
    place.locator(".mg-draw").click()
    place.locator(".mg-told", has_text=re.compile(r" (ms|s)\b")).wait_for()
    code = "Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)"
    assert page.evaluate(f"String(new WebAssembly.Module({code}))") == "[object WebAssembly.Module]"
    assert wrong == []
    page.context.close()


def test_what_is_smuggled_in_does_not_run(site_address: str, browser: Browser) -> None:
    wrong: list[str] = []
    page = opened(browser, f"{site_address}/book/notation.html", wrong)
    page.evaluate(SMUGGLED)
    page.wait_for_timeout(200)
    assert page.evaluate("window.smuggled") is None
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)"
    assert len([each for each in wrong if "Content Security Policy" in each]) == 3
    page.context.close()


# --- for everybody ---------------------------------------------------------------------------------

CONTRAST = """() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((each) => {
            const part = each / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (tag) => {
        const colour = getComputedStyle(tag).backgroundColor;
        if (/^rgb\\(/.test(colour)) return colour; // what lets light through, lets little of it change
        return tag.parentElement ? behind(tag.parentElement) : "rgb(255, 255, 255)";
    };
    return Math.min(...Array.from(document.querySelectorAll("article :is(pre span, p, h2, summary)"), (tag) => {
        const [a, b] = [light(getComputedStyle(tag).color), light(behind(tag))].sort((a, b) => b - a);
        return (a + 0.05) / (b + 0.05);
    }));
}"""
LETTERS = """() => {
    const lines = [];
    for (const paragraph of document.querySelectorAll("article section > p")) {
        if (paragraph.querySelector("code, math, img, svg") || paragraph.closest("div.admonition, figure")) continue;
        const text = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT), own = new Map(), range = new Range();
        for (let node = text.nextNode(); node; node = text.nextNode()) {
            for (let at = 0; at < node.length; at += 1) {
                range.setStart(node, at);
                range.setEnd(node, at + 1);
                const line = Math.round(range.getBoundingClientRect().bottom);
                own.set(line, (own.get(line) || 0) + 1);
            }
        }
        lines.push(...Array.from(own.values()).slice(0, -1)); // the last line ends where it ends
    }
    return lines.sort((a, b) => a - b)[Math.floor(lines.length / 2)];
}"""


def test_without_a_script_a_page_can_be_read_in_a_dark_system(site: Path, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto((site / "book/spreading.html").as_uri())
    assert page.evaluate(CONTRAST) >= 4.5
    context.close()


def test_lines_have_66_to_80_letters_where_there_is_room(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto((site / "book/how-to.html").as_uri())
    found = {}
    for width in (800, 1000, 1200, 1366, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        found[width] = page.evaluate(LETTERS)
    page.context.close()
    assert {width: letters for width, letters in found.items() if not 66 <= letters <= 80} == {}


def test_a_search_from_the_disk_shows_what_the_pages_say(site: Path, browser: Browser) -> None:
    wrong: list[str] = []
    page = opened(browser, f"{(site / 'search.html').as_uri()}?q=guidance", wrong)
    page.locator("ul.search p.context").nth(5).wait_for()
    said = page.locator("ul.search p.context").all_inner_texts()
    assert sum("guidance" in each.lower() for each in said) > 5
    assert wrong == []
    page.context.close()

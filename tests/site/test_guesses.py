"""Guesses on the built pages, used as a reader would: by keyboard, kept, shown beside the result, forgotten."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from helpers_site import opened, served
from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "guess"]
html_theme = "basic"
html_static_path = [{str(ROOT / "book" / "_static")!r}]
html_css_files = ["css/guess.css"]
"""
CHAPTER = """
# A chapter

## Guess first

1. **Between the dots**, will its curve be
   - (A) straight lines from dot to dot,
   - (B) a smooth wave that passes *close* by the dots, or
   - (C) a flat line at their average?
2. And is it
   - (A) one?
   - (B) two or more?

## Later

The result.

<!-- guess 1 -->

And another.

<!-- guess 2 -->

```{toctree}
other
plain
```
"""
OTHER = "# Another\n\n## Guess first\n\n1. What?\n   - (A) this\n   - (B) that\n\n<!-- guess 1 -->\n"
SMOOTH = "You guessed: (B) a smooth wave that passes close by the dots"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages with guesses and one without, built by the extension alone."""
    folder = tmp_path_factory.mktemp("guesses")
    (folder / "conf.py").write_text(CONF)
    for name, text in (("index", CHAPTER), ("other", OTHER), ("plain", "# Plain\n\nNo question.\n")):
        (folder / f"{name}.md").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(folder), str(folder / "out")]
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, built.stdout
    return folder / "out"


@pytest.fixture(scope="module")
def address(made: Path) -> Iterator[str]:
    """Where they are served: what is kept is looked at there."""
    with served(made) as at:
        yield at


def beside(page: Page, number: int = 0) -> str:
    """What stands at the place for an answer."""
    return page.locator(".mg-guessed").nth(number).inner_text().strip()


def chosen(page: Page) -> list[str | None]:
    return [button.get_attribute("value") for button in page.locator(".mg-guess input:checked").all()]


def test_by_keyboard_and_kept(address: str, visit: Callable[..., BrowserContext]) -> None:
    context = visit()
    page = opened(context, f"{address}/index.html")
    assert chosen(page) == []
    assert beside(page) == "What did you guess? To guess 1"
    page.locator(".mg-guess input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert chosen(page) == ["B"]
    assert beside(page) == f"{SMOOTH}."
    assert page.locator(".mg-guessed em").inner_text() == "close"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert beside(page, 1) == "You guessed: (B) two or more."
    page.reload()
    assert chosen(page) == ["B", "B"]
    assert beside(page) == f"{SMOOTH}."


def test_forget_empties_every_page_and_nothing_else(address: str, visit: Callable[..., BrowserContext]) -> None:
    context = visit()
    page, other = opened(context, f"{address}/index.html"), opened(context, f"{address}/other.html")
    page.evaluate("() => localStorage.setItem('theme', 'dark')")
    page.get_by_text("a flat line at their average").click()
    assert chosen(other) == []
    other.get_by_label("that").check()
    assert beside(other) == "You guessed: (B) that."
    page.get_by_role("button", name="Forget my answers").click()
    assert chosen(page) == []
    assert beside(page) == "What did you guess? To guess 1"
    assert page.get_by_role("status").inner_text() == "Forgotten."
    other.wait_for_function("() => !document.querySelector('input:checked')")
    assert page.evaluate("() => Object.keys(localStorage)") == ["theme"]
    page.reload()
    assert chosen(page) == []


def test_the_way_back_leads_to_the_question(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    page.get_by_role("link", name="To guess 2").click()
    assert page.locator(":target legend").inner_text().split() == ["2.", "And", "is", "it"]


def test_where_storage_is_refused_answers_last_for_the_visit(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(storage=False), made / "index.html")
    page.get_by_text("a smooth wave").first.click()
    assert beside(page) == f"{SMOOTH}."
    assert page.get_by_text("This browser stores nothing").is_visible()
    assert not page.get_by_text("stay in this browser").is_visible()
    page.get_by_role("button", name="Forget my answers").click()
    assert chosen(page) == []


def test_without_javascript_it_can_be_read_and_chosen(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(script=False), made / "index.html")
    assert "(A) straight lines from dot to dot," in page.locator("fieldset").first.inner_text()
    page.get_by_label("a flat line").check()
    assert chosen(page) == ["C"]
    assert beside(page) == "What did you guess? To guess 1"
    assert not page.get_by_role("button", name="Forget my answers").is_visible()


def test_a_page_without_a_guess_loads_no_script(made: Path) -> None:
    loads = {path.stem: "guess.js" in path.read_text() for path in made.glob("*.html")}
    assert (loads["index"], loads["other"], loads["plain"]) == (True, True, False)


def test_an_option_is_large_enough_for_a_finger(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    page.set_viewport_size({"width": 390, "height": 844})
    for target in page.locator(".mg-guess label, .mg-keeping button").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")


def test_on_paper_the_options_are_a_list(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    page.emulate_media(media="print")
    assert page.locator("input:visible, button:visible, .mg-guessed:visible").count() == 0
    assert page.locator("label:visible").count() == 5
    page.emulate_media(media="screen")
    page.get_by_label("one").check()
    page.emulate_media(media="print")
    assert page.locator(".mg-guessed:visible").count() == 1


# --- the pages of the book -------------------------------------------------------------------------


def pages_with_guesses(site: Path) -> list[Path]:
    return [path for path in sorted((site / "book").rglob("*.html")) if "data-mg-keep=" in path.read_text()]


def test_the_script_is_loaded_where_it_is_needed(site: Path) -> None:
    asking = pages_with_guesses(site)
    for path in sorted((site / "book").rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        loaded = [script for script in soup.select("script[src]") if "guess.js" in str(script["src"])]
        assert len(loaded) == (path in asking), path.name


def test_every_guess_of_the_book_is_kept_and_shown(
    site: Path, site_address: str, visit: Callable[..., BrowserContext]
) -> None:
    """The last option of each, chosen, is there after a reload, also beside the result; forgotten, it's gone."""
    for path in pages_with_guesses(site):
        page = opened(visit(), f"{site_address}/{path.relative_to(site).as_posix()}")
        questions, places = page.locator("fieldset.mg-guess"), page.locator(".mg-guessed")
        for question in questions.all():
            question.locator("label").last.click()
        page.reload()
        assert len(chosen(page)) == questions.count(), path.name
        for place in places.all():
            assert place.inner_text().startswith("You guessed: ("), path.name
        page.get_by_role("button", name="Forget my answers").click()
        assert chosen(page) == []
        for place in places.all():
            assert place.inner_text().startswith("What did you guess?"), path.name

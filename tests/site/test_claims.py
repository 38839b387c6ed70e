"""The last chapter's table of claims, used as a reader would: marked, counted, filtered, kept, without a script.

The small page of these tests has the table's form; the last tests open the chapter itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers_site import opened, served
from playwright.sync_api import BrowserContext, Page

from minigen.course.verdicts import claims

ROOT = Path(__file__).resolve().parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "guess"]
html_theme = "basic"
html_static_path = [{str(ROOT / "book" / "_static")!r}]
html_css_files = ["css/guess.css", "css/claims.css"]
"""
CHAPTER = """
# The last chapter

## Guess first

1. Which?
   - (A) this
   - (B) that

## The claims

<div class="mg-claims">

| claim | in short | our verdict |
|---|---|---|
| c1 | The earth is round. | **true**<br>Nearly. <details><summary>what was measured</summary>Its shadow.</details> |
| c2 | Swans are white. | **half true**<br>Most. <details><summary>what was measured</summary>Swans.</details> |
| c3 | Pigs fly. | **false**<br>None did. <details><summary>what was measured</summary>Pigs.</details> |

</div>

```{toctree}
plain
```
"""
PLAIN = "# Plain\n\n## Guess first\n\n1. What?\n   - (A) a\n   - (B) b\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with three claims and one without, built by the extension alone."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "conf.py").write_text(CONF)
    for name, text in (("index", CHAPTER), ("plain", PLAIN)):
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


def mark(page: Page, name: str, word: str) -> None:
    page.get_by_role("radiogroup", name=f"your mark for {name}", exact=True).get_by_label(word, exact=True).check()


def rows(page: Page) -> list[str]:
    """The claims that are shown."""
    return [row.inner_text().strip() for row in page.locator(".mg-claims tbody tr:visible > :first-child").all()]


def verdicts(page: Page) -> list[str]:
    """The verdicts that are shown, in a word."""
    return [word.inner_text() for word in page.locator(".mg-claims .mg-verdict-of:visible strong").all()]


def counted(page: Page) -> str:
    return page.locator(".mg-claims .mg-count").inner_text()


def press(page: Page, name: str) -> None:
    page.locator(f'.mg-filters button[data-filter="{name}"]').click()


def test_a_mark_shows_the_verdict_and_is_counted_and_compared(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    assert (rows(page), verdicts(page)) == (["c1", "c2", "c3"], [])
    assert counted(page) == "You have marked 0 of 3 claims."
    mark(page, "c1", "true")
    mark(page, "c2", "false")
    assert verdicts(page) == ["true", "half true"]
    assert counted(page) == "You have marked 2 of 3 claims. You and the measurement agree on 1 of 2."
    mark(page, "c2", "half true")
    assert counted(page) == "You have marked 2 of 3 claims. You and the measurement agree on 2 of 2."


def test_the_filters_show_what_they_say(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    mark(page, "c1", "true")
    mark(page, "c2", "false")
    for name, left in {
        "unmarked": ["c3"],
        "we differ": ["c2"],
        "true": ["c1"],
        "half true": ["c2"],
        "false": ["c3"],
        "all": ["c1", "c2", "c3"],
    }.items():
        press(page, name)
        assert rows(page) == left
        pressed = page.locator('.mg-filters button[aria-pressed="true"]')
        assert pressed.count() == 1
        ours = name in ("true", "half true", "false")  # how many these are would give verdicts away
        assert pressed.inner_text() == (f"ours: {name}" if ours else f"{name} ({len(left)})")
    press(page, "false")
    assert verdicts(page) == ["false"]  # who asks for our verdicts sees them
    press(page, "all")
    page.get_by_label("show all verdicts").check()
    assert verdicts(page) == ["true", "half true", "false"]
    assert page.get_by_role("button", name="ours: half true (1)").count() == 1


def test_a_row_that_was_just_marked_stays(address: str, visit: Callable[..., BrowserContext]) -> None:
    """And shows the verdict, and whether it is the reader's; the filter's next press leaves it out."""
    page = opened(visit(), f"{address}/index.html")
    press(page, "unmarked")
    mark(page, "c2", "true")
    assert rows(page) == ["c1", "c2", "c3"]
    assert page.locator(".mg-verdict-of").nth(1).inner_text().startswith("We differ. half true")
    press(page, "unmarked")
    assert rows(page) == ["c1", "c3"]
    press(page, "we differ")
    assert rows(page) == ["c2"]
    forget_marks(page)
    page.reload()
    assert counted(page) == "You have marked 0 of 3 claims."


def forget_marks(page: Page) -> None:
    page.get_by_role("button", name="Forget these marks").click()
    page.wait_for_function("document.querySelectorAll('.mg-claims input:checked').length === 0")
    page.get_by_text("No claim is left by this filter.").wait_for()
    assert rows(page) == []


def test_only_the_marks_are_forgotten(address: str, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), f"{address}/index.html")
    page.locator(".mg-guess input").first.check()
    mark(page, "c1", "false")
    press(page, "we differ")
    forget_marks(page)
    page.reload()
    assert page.locator(".mg-guess input").first.is_checked()


def test_marks_are_forgotten_where_nothing_is_kept(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(storage=False), made / "index.html")
    mark(page, "c1", "false")
    press(page, "we differ")
    forget_marks(page)


def test_by_keyboard_and_kept(address: str, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), f"{address}/index.html")
    page.get_by_label("show all verdicts").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert verdicts(page)[:1] == ["true"]
    assert page.locator("input:checked").get_attribute("value") == "half true"
    page.reload()
    assert counted(page) == "You have marked 1 of 3 claims. You and the measurement agree on 0 of 1."
    assert verdicts(page) == ["true"]


def test_forgetting_forgets_the_marks_also_in_another_window(made: Path, visit: Callable[..., BrowserContext]) -> None:
    context = visit()
    page, other = opened(context, made / "index.html"), opened(context, made / "index.html")
    mark(page, "c3", "false")
    other.wait_for_function("() => document.querySelector('.mg-count').innerText.includes('marked 1 of')")
    page.get_by_role("button", name="Forget my answers").click()
    for each in (page, other):
        each.wait_for_function("() => document.querySelector('.mg-count').innerText.includes('marked 0 of')")
        assert verdicts(each) == []


def test_without_javascript_it_is_a_plain_table(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(script=False), made / "index.html")
    assert page.locator(".mg-claims th").all_inner_texts() == ["claim", "in short", "our verdict"]
    assert rows(page) == ["c1", "c2", "c3"]
    assert page.locator(".mg-claims td strong:visible").all_inner_texts() == ["true", "half true", "false"]
    assert page.locator(".mg-claims :is(input, button)").count() == 0


def test_on_paper_it_is_a_plain_table_with_our_verdicts(made: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), made / "index.html")
    page.emulate_media(media="print")
    assert page.locator(".mg-claims :is(input, button):visible").count() == 0
    assert verdicts(page) == ["true", "half true", "false"]


def test_a_page_without_claims_loads_no_script(made: Path) -> None:
    loads = {path.stem: "claims.js" in path.read_text() for path in made.glob("*.html")}
    assert (loads["index"], loads["plain"]) == (True, False)


# --- the chapter itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1200, 390])
def test_all_claims_of_the_book_can_be_marked(site: Path, visit: Callable[..., BrowserContext], width: int) -> None:
    """Marked as we did, all verdicts show, all agree, and the page is no wider than the screen."""
    page = opened(visit(width=width), site / "book" / "future.html")
    ours = {name: claim["mark"] for name, claim in claims().items()}
    assert rows(page) == list(ours)
    for name, word in ours.items():
        mark(page, name, word)
    assert counted(page) == "You have marked 26 of 26 claims. You and the measurement agree on 26 of 26."
    assert verdicts(page) == list(ours.values())
    assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")
    low = [label.bounding_box() for label in page.locator(".mg-marks label, .mg-filters button").all()]
    assert min(box["height"] for box in low if box) >= (44 if width == 390 else 24)


def test_each_claim_leads_to_its_chapter(site: Path, visit: Callable[..., BrowserContext]) -> None:
    page = opened(visit(), site / "book" / "future.html")
    for name, claim in claims().items():
        if claim["chapter"] != "future":
            link = page.locator(".mg-claims").get_by_role("link", name=name, exact=True)
            assert str(link.get_attribute("href")).endswith(f"{claim['chapter']}.html")

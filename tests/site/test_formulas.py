"""Formulas stand in the pages as MathML: all of them, in a font that has their signs, and none stops the keyboard."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from docutils import nodes
from playwright.sync_api import Browser
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
INVISIBLE = frozenset("\u2061\u2062\u2063\u2064 \xa0\n")

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import make_font  # noqa: E402

IN_FONT = frozenset(chr(code) for word in make_font.CHARACTERS.split() for code in make_font.codes(word))

SMALL = r"""# A page

Let $x$ be, and

$$ x^2 = 1 $$ (square)

as {eq}`square` says.

```{math}
:label: two
a = b

c = d
```

\begin{align} a &= b \end{align}

A mistake: $\frac{a$
"""
LINE = 18


def article(site: Path, page: str) -> Tag:
    found = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser").find("article")
    assert isinstance(found, Tag)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_of_a_page_is_set(site: Path, page: str) -> None:
    tree = pickle.loads((site.parent / ".doctrees" / f"{page}.doctree").read_bytes())
    shown = article(site, page)
    for kind, choice in ((nodes.math, "math:not([display])"), (nodes.math_block, "div.math > math[display=block]")):
        assert len(shown.select(choice)) == len(list(tree.findall(kind))), choice
    assert not shown.select("[tabindex]:has(math), math[tabindex], math [tabindex], merror")


@pytest.mark.parametrize("page", PAGES)
def test_no_formula_is_left_as_it_was_written(site: Path, page: str) -> None:
    shown = article(site, page)
    for code in shown.select("pre, code, script, style, annotation"):
        code.decompose()
    text = shown.get_text()
    assert not [mark for mark in ("$", r"\(", r"\[", r"\frac", r"\begin") if mark in text]


@pytest.mark.parametrize("page", PAGES)
def test_the_font_has_all_signs(site: Path, page: str) -> None:
    used = {sign for formula in article(site, page).select("math") for sign in formula.get_text()}
    missing = sorted(used - IN_FONT - INVISIBLE)
    assert not missing, f"add {missing} to CHARACTERS in tools/make_font.py, and make the font again"


def test_a_formula_that_fits_is_no_stop_for_the_keyboard(site: Path, browser: Browser) -> None:
    """Browsers stop at a box that scrolls. On a desktop none does; on a phone a box scrolls sideways alone."""
    for width in (1400, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(0)
        page.goto((site / "book/diffusion.html").as_uri())
        boxes = """(side) => [...document.querySelectorAll('div.math')]
            .filter(box => box['scroll' + side] > box['client' + side]).length"""
        assert page.evaluate(boxes, "Height") == 0
        assert width == 390 or page.evaluate(boxes, "Width") == 0
        page.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[BeautifulSoup, str]:
    """A page with numbered formulas and a mistake, built by itself; and what was said."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "index.md").write_text(SMALL)
    settings = [
        f"sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})",
        "extensions = ['myst_parser', 'formulas']",
        "myst_enable_extensions = ['dollarmath', 'amsmath']",
        "html_math_renderer = 'mathml'",
        "numfig = True",
    ]
    (folder / "conf.py").write_text("\n".join(["import sys", *settings]))
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(folder), str(folder / "out")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return BeautifulSoup((folder / "out" / "index.html").read_text(encoding="utf-8"), "html.parser"), done.stdout


def test_numbered_formulas_keep_number_and_link(small: tuple[BeautifulSoup, str]) -> None:
    page, _ = small
    boxes = page.select("div.math")
    numbers = [number.get_text()[:3] for box in boxes for number in box.select(".eqno")]
    assert (len(boxes), numbers) == (3, ["(1)", "(2)", "(3)"])
    link = page.select_one("p a[href='#equation-square']")
    assert link is not None
    assert link.get_text() == "(1)"
    assert [len(box.select("mtr")) for box in boxes] == [0, 2, 1]
    assert not page.select("script[src*=athjax], script[src*=atJax]")


def test_a_wrong_formula_is_reported_with_its_line(small: tuple[BeautifulSoup, str]) -> None:
    page, said = small
    assert f"index.md:{LINE}: WARNING: the formula '\\\\frac{{a' can't be read: KaTeX parse error: " in said
    assert said.count("WARNING") == 1
    assert page.select_one("p > code") is not None

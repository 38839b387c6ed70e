"""TeX becomes MathML that all browsers know: small cases, element by element."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

import formulas
import mathml
import pytest
from docutils import nodes
from sphinx.application import Sphinx

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"


@pytest.mark.parametrize(
    ("tex", "inside"),
    [
        (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        (r"\sqrt{x_0}", "<msqrt><msub><mi>x</mi><mn>0</mn></msub></msqrt>"),
        (r"\text{if } x", "<mtext>if\xa0</mtext><mi>x</mi>"),
        (r"a\,b", '<mi>a</mi><mspace width="0.1667em"></mspace><mi>b</mi>'),
        (r"\hat x", '<mover accent="true"><mi>x</mi><mo stretchy="false">\u02c6</mo></mover>'),
        (r"\widehat{x}", '<mover accent="true"><mi>x</mi><mo stretchy="true">\u02c6</mo></mover>'),
        (r"\mathrm{KL}", "<mi>KL</mi>"),
        (r"\mathrm{d}x", '<mi mathvariant="normal">d</mi><mi>x</mi>'),
        (r"\mathbb{E}", "<mi>\U0001d53c</mi>"),
        (r"\boldsymbol{\epsilon}", "<mi>𝝐</mi>"),
        (r"\propto", '<mo lspace="0" rspace="0">∝</mo>'),
        ("x = -1", '<mi>x</mi><mo>=</mo><mo lspace="0" rspace="0">−</mo><mn>1</mn>'),  # noqa: RUF001
        ("x - 1", "<mi>x</mi><mo>−</mo><mn>1</mn>"),  # noqa: RUF001
    ],
)
def test_a_formula_in_a_line(tex: str, inside: str) -> None:
    assert mathml.typeset(tex) == f"<math>{inside}</math>"


def test_a_norm_has_no_room_inside_its_bars() -> None:
    bar = '<mo stretchy="false" lspace="0" rspace="0">∥</mo>'
    square = f"<msup>{bar}<mn>2</mn></msup>"
    assert mathml.typeset(r"\lVert x\rVert^2") == f"<math>{bar}<mi>x</mi>{square}</math>"
    dot = '<mo lspace="0" rspace="0">⋅</mo>'
    assert mathml.typeset(r"\lVert\cdot\rVert^2") == f"<math>{bar}{dot}{square}</math>"


@pytest.mark.parametrize(
    ("tex", "inside"),
    [
        (r"\log p", '<mi>log</mi><mo rspace="0.1667em">\u2061</mo><mi>p</mi>'),
        (r"\cos(d)", '<mi>cos</mi><mo>\u2061</mo><mo stretchy="false">(</mo><mi>d</mi><mo stretchy="false">)</mo>'),
        (
            r"a\log p",
            '<mi>a</mi><mspace width="0.1667em"></mspace><mi>log</mi><mo rspace="0.1667em">\u2061</mo><mi>p</mi>',
        ),
    ],
)
def test_the_room_beside_a_function(tex: str, inside: str) -> None:
    assert mathml.typeset(tex) == f"<math>{inside}</math>"


@pytest.mark.parametrize(
    ("tex", "look"),
    [(r"\big", 'stretchy="false" form="{}" mathsize="1.2em"'), (r"\Big", 'stretchy="true" form="{}"')],
)
def test_a_large_bracket_says_its_side(tex: str, look: str) -> None:
    made = mathml.typeset(rf"{tex}(x{tex})").replace(' fence="false"', "")
    made = made.replace(' minsize="1.8em" maxsize="1.8em"', "")
    opens, closes = (look.format(side) for side in ("prefix", "postfix"))
    assert made == f"<math><mo {opens}>(</mo><mi>x</mi><mo {closes}>)</mo></math>"


def test_aligned_lines_are_a_table_whose_cells_say_their_side() -> None:
    def cell(side: str, content: str) -> str:
        look = '<mstyle scriptlevel="0" displaystyle="true">'
        return f'<mtd class="mg-{side}">{look}{content}</mstyle></mtd>'

    def line(left: str, right: str) -> str:
        after = f"<mrow><mrow></mrow><mo>=</mo><mi>{right}</mi></mrow>"
        return f"<mtr>{cell('right', f'<mi>{left}</mi>')}{cell('left', after)}</mtr>"

    made = mathml.typeset(r"\begin{aligned}a&=b\\c&=d\end{aligned}", display=True)
    assert made == f'<math display="block"><mtable>{line("a", "b")}{line("c", "d")}</mtable></math>'


@pytest.mark.parametrize("style", mathml.NAMES)
def test_every_alphabet_has_its_letters(style: str) -> None:
    known = {"italic": "x", "sans-serif-italic": "x", "sans-serif-bold-italic": "x"}.get(style, "R")
    assert mathml.in_alphabet(known, style) != known
    assert mathml.in_alphabet("+", style) == "+"


@pytest.mark.parametrize("tex", [r"\frac{a", r"\nothing", r"a_b_c", "ü"])
def test_what_cannot_be_read_is_refused(tex: str) -> None:
    with pytest.raises(mathml.UnreadableError, match=r"KaTeX parse error: .+ at "):
        mathml.typeset(tex)


def test_a_process_ends_although_a_formula_was_refused() -> None:
    lines = r"import mathml; print([mathml.typeset('x'), mathml.typeset(r'\nothing')])"
    done = subprocess.run([sys.executable, "-c", lines], cwd=EXTENSIONS, stderr=subprocess.PIPE, text=True, timeout=600)
    assert done.returncode == 1
    assert "UnreadableError: KaTeX parse error: Undefined control sequence" in done.stderr


def test_paragraphs_and_lines_of_a_formula_are_aligned() -> None:
    assert formulas.joined("a = b") == "a = b"
    assert formulas.joined("a\n\nb") == formulas.joined(r"a\\b") == r"\begin{aligned}a\\b\end{aligned}"
    matrix = r"\begin{matrix}a\\b\end{matrix}"
    assert formulas.joined(matrix) == matrix


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("of (", "), and", ["of ", "(x),", " and"]),
        ("of ", ", and", ["of ", "x,", " and"]),
        ("of ", " and", ["of ", "x", " and"]),
    ],
)
def test_punctuation_stays_with_its_formula(before: str, after: str, left: list[str]) -> None:
    line = nodes.paragraph("", "", nodes.Text(before), nodes.math("x", "x"), nodes.Text(after))
    document = nodes.document(None, None)
    document += line
    formulas.keep_punctuation(cast(Sphinx, None), document, "page")
    assert [child.astext() for child in line] == left
    assert len(list(document.findall(nodes.math))) == 1
    wrapped = [child for child in line if isinstance(child, nodes.inline)]
    assert [child["classes"] for child in wrapped] == [["mg-formula"]] * (left[1] != "x")

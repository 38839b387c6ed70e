"""A formula as MathML, which browsers set themselves and screen readers read aloud: ``typeset(r"\\frac{a}{b}")``.

KaTeX (``vendor/katex``) reads the TeX, inside Python through V8. What it writes is then fitted to MathML Core, the
part that all browsers know: an alphabet is told by its characters, and a table's columns are aligned by CSS.
"""

from __future__ import annotations

import atexit
import json
import unicodedata
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from py_mini_racer import MiniRacer

KATEX = Path(__file__).with_name("vendor") / "katex" / "katex.min.js"
OPTIONS = {"output": "mathml", "throwOnError": True, "strict": "error"}
"""Strict: what only KaTeX understands would be an error in Jupyter and Colab, which show the same notebooks."""

READ = """function read(tex, options) {
    try { return JSON.stringify([katex.renderToString(tex, options), null]); }
    catch (error) { return JSON.stringify([null, error.message]); }
}"""
"""Errors come back as text: one that V8 has thrown into Python would keep the process from ending."""

UNDERLINE = "\u0332"
"""What KaTeX puts below every character that it couldn't read."""

NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
"""Not needed inside HTML."""

ACCENTS = {"^": "\u02c6", "~": "\u02dc"}
"""The signs that fonts make as a hat and a tilde above a letter."""

APPLY = "\u2061"
"""Stands behind the name of a function; nothing shows it."""

THIN = "0.1667em"
BIG = "1.2em"
FORMS = {**dict.fromkeys("([{⟨", "prefix"), **dict.fromkeys(")]}⟩", "postfix")}
ROWS = frozenset({"math", "mrow", "mstyle", "mtd"})
BARS = frozenset({"∥", "∣", "|"})  # noqa: RUF001
SIGNS = frozenset({"+", "−", "±", "⋅"})  # noqa: RUF001
OPENS = frozenset("([{⟨=<>≤≥≈∝→,:;")
SPACES = {"\u2005": 0.2222, "\u2009": 0.1667, "\u200a": 0.0556, "\xa0": 0.25}
"""Widths, in em."""

SIDES = frozenset({"left", "center", "right"})
CENTRED = "center"
"""What browsers do without being told."""

NAMES = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "fraktur": "FRAKTUR",
    "bold-fraktur": "BOLD FRAKTUR",
    "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT",
    "sans-serif": "SANS-SERIF",
    "bold-sans-serif": "SANS-SERIF BOLD",
    "sans-serif-italic": "SANS-SERIF ITALIC",
    "sans-serif-bold-italic": "SANS-SERIF BOLD ITALIC",
    "monospace": "MONOSPACE",
}
"""What Unicode calls the alphabets of MathML's attribute ``mathvariant``."""


class UnreadableError(ValueError):
    """A formula that KaTeX can't read; the message says what it stumbled over and where."""


def typeset(tex: str, display: bool = False) -> str:
    """The formula as a ``math`` element: in a line, or as a ``display`` on its own.

    Raises ``UnreadableError``.

    >>> typeset(r"x_0")
    '<math><msub><mi>x</mi><mn>0</mn></msub></math>'
    """
    options = {**OPTIONS, "displayMode": display}
    page, error = json.loads(str(reader().eval(f"read({json.dumps(tex)}, {json.dumps(options)})")))
    if error:
        raise UnreadableError(error.replace(UNDERLINE, ""))
    math = ElementTree.fromstring(page.replace(NAMESPACE, ""))[0]
    drop_source(math)
    for parent in math.iter():
        if parent.tag in ROWS:
            join_words(parent)
            part_functions(parent)
            tighten(parent)
    for element in math.iter():
        if is_bar(element):
            take_room(element)
        size_space(element)
        size_bracket(element)
        shape_accent(element)
        spell_alphabet(element)
        align_columns(element)
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


@cache
def reader() -> MiniRacer:
    """V8 with KaTeX in it: a third of a second, once."""
    context = MiniRacer()
    context.eval(KATEX.read_text(encoding="utf-8"))
    context.eval(READ)
    atexit.register(context.close)
    return context


def drop_source(math: ElementTree.Element) -> None:
    """Leave out the TeX that KaTeX adds, a third of the size: nothing shows it, and the page's source has it."""
    content = math[0][0]  # inside math, semantics
    math[:] = list(content) if content.tag == "mrow" else [content]


def join_words(parent: ElementTree.Element) -> None:
    """Make one identifier of upright letters in a row, so that KL is read as a word and set without gaps."""
    before: ElementTree.Element | None = None
    for child in list(parent):
        if not is_upright(child):
            before = None
        elif before is None:
            before = child
        else:
            before.text = f"{before.text}{child.text}"
            parent.remove(child)


def is_upright(element: ElementTree.Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal" and (element.text or "").isalpha()


def part_functions(row: ElementTree.Element) -> None:
    """Leave a thin space between a function such as log and what stands beside it, unless that is a bracket."""
    for place, child in reversed(list(enumerate(row))):
        if child.tag != "mo" or child.text != APPLY:
            continue
        if place + 1 < len(row) and not is_bracket(row[place + 1]):
            child.set("rspace", THIN)
        if place > 1 and row[place - 2].tag not in {"mo", "mspace"}:
            row.insert(place - 1, ElementTree.Element("mspace", width=THIN))


def is_bracket(element: ElementTree.Element) -> bool:
    """Whether the element is, or begins with, an operator."""
    return element.tag == "mo" or (element.tag == "mrow" and len(element) > 0 and is_bracket(element[0]))


def tighten(row: ElementTree.Element) -> None:
    """Take the room around a sign in front of its number, and around an operator that stands alone, as TeX does."""
    signs = [child.text or "" if child.tag == "mo" else "" for child in row]
    for place, sign in enumerate(signs):
        stands_alone = row.tag == "math" and len(row) == 1 and sign
        if stands_alone or (place and sign in SIGNS and asks(signs[:place])):
            take_room(row[place])


def take_room(operator: ElementTree.Element) -> None:
    operator.set("lspace", "0")
    operator.set("rspace", "0")


def is_bar(element: ElementTree.Element) -> bool:
    """Whether the element is one of the bars of a norm: by themselves they are relations, with room around."""
    return element.tag == "mo" and element.text in BARS and element.get("stretchy") == "false"


def asks(before: list[str]) -> bool:
    """Whether what comes next begins something: after a bracket that opens, a relation or a comma."""
    bars = sum(sign in BARS for sign in before)
    return before[-1] in OPENS or (before[-1] in BARS and bars % 2 == 1)


def size_space(element: ElementTree.Element) -> None:
    """Say how wide a space is, which a font may lack."""
    if element.tag == "mtext" and element.text and set(element.text) <= set(SPACES):
        element.set("width", f"{sum(SPACES[space] for space in element.text):.4g}em")
        element.tag, element.text = "mspace", None


def size_bracket(element: ElementTree.Element) -> None:
    """Say on which side a bracket of a given size stands, and set the smallest, of ``big``, as a larger letter.

    Chromium stretches no bracket that has an exponent, and leaves room for the largest beside every other.
    """
    if element.tag == "mo" and "minsize" in element.attrib and element.text in FORMS:
        element.set("form", FORMS[element.text])
        if element.get("minsize") == BIG:
            for name in ("minsize", "maxsize", "fence"):
                element.attrib.pop(name, None)
            element.set("stretchy", "false")
            element.set("mathsize", BIG)


def shape_accent(element: ElementTree.Element) -> None:
    """Keep a hat or a bar as small as it is, unless it is meant to be wide."""
    if element.tag == "mover" and element.get("accent") == "true":
        accent = element[1]
        accent.text = ACCENTS.get(accent.text or "", accent.text)
        if "stretchy" not in accent.attrib:
            accent.set("stretchy", "false")


def spell_alphabet(element: ElementTree.Element) -> None:
    """Write an attribute such as ``mathvariant="bold"`` as the characters of that alphabet, which browsers need."""
    style = element.get("mathvariant")
    if style in NAMES:
        del element.attrib["mathvariant"]
        element.text = "".join(in_alphabet(character, style) for character in element.text or "")
    elif style == "normal" and (element.tag != "mi" or len(element.text or "") > 1):
        del element.attrib["mathvariant"]  # only a lone identifier would be italic


def in_alphabet(character: str, style: str) -> str:
    """The character in that alphabet, or itself where the alphabet has none.

    >>> in_alphabet("E", "double-struck"), in_alphabet("R", "double-struck"), in_alphabet("+", "bold")
    ('𝔼', 'ℝ', '+')
    """
    words = unicodedata.name(character, "").split()
    name = " ".join(word for word in words if word not in {"LATIN", "GREEK", "LETTER", "LUNATE"})
    alphabet = NAMES[style]
    for candidate in (f"MATHEMATICAL {alphabet} {name}", f"{alphabet.replace('FRAKTUR', 'BLACK-LETTER')} {name}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return character


def align_columns(table: ElementTree.Element) -> None:
    """Say by classes how a table's columns are aligned: browsers don't know the attribute."""
    sides = table.attrib.pop("columnalign", "").split()
    for name in ("columnspacing", "rowspacing", "columnlines", "rowlines"):
        table.attrib.pop(name, None)
    for row in table.iterfind("mtr") if sides else ():
        for number, cell in enumerate(row.iterfind("mtd")):
            side = sides[min(number, len(sides) - 1)]
            if side != CENTRED and side in SIDES:
                cell.set("class", f"mg-{side}")

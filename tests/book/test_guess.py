"""Lists of options become questions: docutils tree in, nodes out; and what a done chapter's guesses must be."""

from __future__ import annotations

import re
from pathlib import Path

import guess
import nbformat
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.parsers.docutils_ import Parser
from pattern import DONE

BOOK = Path(__file__).resolve().parents[2] / "book"

TEXT = """
# A chapter

## Guess first

Twelve dots.

1. **Between the dots**, will its curve be
   - (A) straight lines, *from dot to dot*,
   - (B) a smooth wave, or
   - (C) flat?
2. Which is (A) this, or (B) that?
3. And how many?
   - (A) one.
   - (B) two or three

## Later

<!-- guess 3 -->

Two.

<!-- guess 1 -->

1. A list like any other
   - (A) with
   - (B) letters
"""


TWO = "# A chapter\n\n## Guess first\n\n1. A?\n   - (A) a\n   - (B) b\n\nWords.\n\n2. B?\n   - (A) a\n   - (B) b\n"


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(guess.log, "warning", lambda text, *parts, location: said.append(text % parts))
    return said


def read(text: str, page: str = "book/chapter") -> nodes.document:
    """The tree of a page whose first heading is its title, questions made."""
    settings = {"report_level": 4, "doctitle_xform": False, "myst_suppress_warnings": ["myst.header"]}
    tree: nodes.document = publish_doctree(text, parser=Parser(), settings_overrides=settings)
    guess.ask(tree, page)
    return tree


def questions(tree: nodes.document) -> list[guess.guess_question]:
    return list(tree.findall(guess.guess_question))


def raws(tree: nodes.document) -> str:
    return "".join(each.astext() for each in tree.findall(nodes.raw))


def test_items_with_options_become_questions(warned: list[str]) -> None:
    first, last = questions(read(TEXT))
    assert (first["ids"], last["ids"]) == (["guess-1"], ["guess-3"])
    assert first[0].astext() == "Between the dots, will its curve be"
    assert first[0].next_node(nodes.strong).astext() == "Between the dots"
    options = list(first.findall(guess.guess_option))
    assert [each["letter"] for each in options] == ["A", "B", "C"]
    assert {each["name"] for each in options} == {"guess-1"}
    assert [each.astext() for each in options] == [
        "(A) straight lines, from dot to dot,",
        "(B) a smooth wave, or",
        "(C) flat?",
    ]
    assert isinstance(options[0][1], nodes.emphasis)
    assert warned == []


def test_what_joins_an_option_to_the_next_is_set_apart() -> None:
    joins = [each.astext() for each in read(TEXT).findall(nodes.inline) if "mg-join" in each["classes"]]
    assert joins == [",", ", or", "?", "."]


def test_an_item_without_a_list_of_options_stays(warned: list[str]) -> None:
    tree = read(TEXT)
    [listed] = [each for each in tree.findall(nodes.enumerated_list) if len(each) == 3]
    assert isinstance(listed[1][0], nodes.paragraph)
    assert listed[1].astext() == "Which is (A) this, or (B) that?"
    old = read("# A chapter\n\n## Guess first\n\n1. Which is (A) this, or (B) that?\n\n## Later\n")
    assert questions(old) == []
    assert raws(old) == ""
    assert warned == []


def test_other_sections_are_left_alone() -> None:
    assert len(questions(read(TEXT.replace("Guess first", "Questions")))) == 0


def test_sections_without_a_title_are_no_trouble() -> None:
    tree = read(TEXT)
    tree[0] += nodes.section("", nodes.Text("an exercise"))
    tree[0] += nodes.section()
    guess.ask(tree, "book/chapter")


def test_one_button_forgets_below_the_last_question() -> None:
    tree = read(TEXT)
    assert raws(tree).count("data-mg-forget") == 1
    section = questions(tree)[0].parent.parent.parent
    assert [type(each) for each in section[-2:]] == [nodes.enumerated_list, nodes.raw]


def test_numbers_go_on_behind_a_figure() -> None:
    tree = read(
        "# A chapter\n\n## Guess first\n\n1. A?\n   - (A) a\n   - (B) b\n\nA word.\n\n2. B?\n   - (A) a\n   - (B) b\n"
    )
    assert [each["ids"] for each in questions(tree)] == [["guess-1"], ["guess-2"]]
    assert raws(tree).count("data-mg-forget") == 1


def test_the_place_names_the_question_and_keeps_its_order() -> None:
    tree = read(TEXT)
    places = re.findall(r'data-mg-kept="([^"]+)".*?href="#guess-(\d)"', raws(tree))
    first, last = questions(tree)
    assert places == [(last["key"], "3"), (first["key"], "1")]


@pytest.mark.parametrize(
    ("old", "new"), [("smooth wave", "smooth curve"), ("will its curve", "will the curve"), ("(C) flat", "(C) no")]
)
def test_an_edited_question_is_another_one(old: str, new: str) -> None:
    before, after = questions(read(TEXT)), questions(read(TEXT.replace(old, new)))
    assert before[0]["key"] != after[0]["key"]
    assert before[1]["key"] == after[1]["key"]


def test_pages_have_keys_of_their_own_and_the_same_text_the_same_key() -> None:
    keys = [questions(read(TEXT, page))[0]["key"] for page in ("book/one", "book/one", "book/two")]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0].startswith("book/one:")


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("<!-- guess 2 -->", "there is no guess 2 with options; there: 1, 3"),
        ("<!-- guess -->", "there is no guess without a number with options; there: 1, 3"),
        ("Words <!-- guess 1 -->", "the comment for a guess stands alone in its line: <!-- guess 1 -->"),
        ("<!-- guess 1 --> words", "the comment for a guess stands alone in its line: <!-- guess 1 -->"),
    ],
)
def test_a_comment_that_leads_nowhere_is_a_warning(comment: str, told: str, warned: list[str]) -> None:
    read(f"{TEXT}\n\n{comment}\n")
    assert warned == [told]


def test_two_guesses_with_one_number_are_a_warning(warned: list[str]) -> None:
    read(TWO.replace("2. B", "1. B"))
    assert warned == ["there are two guesses with the number 1"]


@pytest.mark.parametrize("letters", ["AC", "BA", "A", "AA"])
def test_letters_out_of_order_are_no_options(letters: str) -> None:
    options = "".join(f"   - ({letter}) words\n" for letter in letters)
    assert questions(read(f"# A chapter\n\n## Guess first\n\n1. What?\n{options}")) == []


def test_more_than_words_and_options_stays_in_its_place() -> None:
    tree = read("# A\n\n## Guess first\n\n1. What?\n\n   A hint.\n\n   - (A) a\n   - (B) b\n\n   Think twice.\n")
    [made] = questions(tree)
    assert [type(each).__name__ for each in made] == [
        "guess_words",
        "paragraph",
        "guess_option",
        "guess_option",
        "paragraph",
    ]


# --- the chapters that are done --------------------------------------------------------------------


def written(chapter: str) -> str:
    """The text of a chapter as Markdown, a line for each cell of code."""
    cells = nbformat.read(BOOK / f"{chapter}.ipynb", as_version=nbformat.NO_CONVERT).cells
    return "\n\n".join(cell.source if cell.cell_type == "markdown" else "(code)" for cell in cells)


@pytest.mark.parametrize("chapter", DONE)
def test_every_guess_has_options_and_a_place_for_the_answer(chapter: str, warned: list[str]) -> None:
    tree = read(written(chapter))
    made = questions(tree)
    assert made, "a chapter begins with a guess"
    section = next(each for each in tree.findall(nodes.section) if each[0].astext() == guess.SECTION)
    items = [item for listed in section.findall(nodes.enumerated_list) for item in listed]
    bare = [item.astext() for item in items if not isinstance(item[0], guess.guess_question)]
    assert not bare, "each guess is a list of options, (A) and (B) and so on"
    places = [each.astext() for each in tree.findall(nodes.raw) if "data-mg-kept" in each.astext()]
    for one in made:
        assert sum(one["key"] in text for text in places) >= 1, f"<!-- guess {one['ids'][0][-1]} --> is missing"
    inside = [text for text in places if text in "".join(each.astext() for each in section.findall(nodes.raw))]
    assert not inside, "the answer stands where the result is, not below the question"
    assert warned == []

"""Words that lead to the glossary, the glossary itself, and the ten words of PyTorch."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import nbformat
import pytest
import words
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes
from sphinx_external_toc.parsing import parse_toc_yaml

from minigen.nets.unet import Residual, UNet

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"

PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
ENTRIES = words.read((BOOK / "glossary.md").read_text(encoding="utf-8"))
NAMES = [entry.spellings[0] for entry in ENTRIES]

# --- the links ---------------------------------------------------------------------------------------


def page(*inside: nodes.Node) -> nodes.document:
    document = new_document("page")
    document += nodes.section("", nodes.title("", "A plan"), *inside)
    return document


def said(*inside: nodes.Node | str) -> nodes.paragraph:
    return nodes.paragraph("", "", *(nodes.Text(one) if isinstance(one, str) else one for one in inside))


def linked(*inside: nodes.Node, spellings: dict[str, str] | None = None) -> tuple[list[str], list[str]]:
    """The names in the order in which they were linked, and the linked words as they stand on the page."""
    document = page(*inside)
    before = document.astext()
    names = words.link_first(document, spellings or {"plan": "plan", "matrix": "plan", "noise": "noise"})
    assert document.astext() == before, "a link changes no letter"
    return names, [link.astext() for link in document.findall(addnodes.pending_xref)]


def test_only_the_first_place_of_each_word_is_linked() -> None:
    assert linked(said("No Plans, no noise"), said("a plan")) == (["plan", "noise"], ["Plans", "noise"])


def test_another_spelling_of_a_linked_word_is_left_alone() -> None:
    assert linked(said("a matrix, that is a plan")) == (["plan"], ["matrix"])


def test_emphasis_is_text_and_the_longest_spelling_wins() -> None:
    bold = nodes.strong("", "", nodes.Text("guidance scale"))
    assert linked(said("the ", bold), spellings={"guidance": "guidance", "guidance scale": "scale"}) == (
        ["scale"],
        ["guidance scale"],
    )


@pytest.mark.parametrize(
    "inside",
    [
        said("planned, noise-free, aplan"),
        said(nodes.literal("", "plan")),
        said(nodes.math("", "plan")),
        said(nodes.reference("", "plan", refuri="x")),
        said(nodes.strong("", "", nodes.reference("", "plan", refuri="x"))),
        nodes.literal_block("", "plan"),
        nodes.figure("", nodes.caption("", "plan")),
        nodes.entry("", said("plan")),
        nodes.admonition("", said("plan")),
        nodes.admonition("", nodes.section("", said("plan"))),
        nodes.enumerated_list("", nodes.list_item("", said("plan"))),
    ],
)
def test_what_is_no_running_text_is_left_alone(inside: nodes.Node) -> None:
    assert linked(inside) == ([], [])


def test_a_bullet_list_is_running_text() -> None:
    assert linked(nodes.bullet_list("", nodes.list_item("", said("a plan")))) == (["plan"], ["plan"])


def test_what_is_folded_is_left_to_the_next_place() -> None:
    fold = nodes.raw("", "<details><summary>Open</summary>", format="html")
    unfold = nodes.raw("", "</details>", format="html")
    assert linked(fold, said("no plan"), unfold, said("Plans")) == (["plan"], ["Plans"])


def test_a_link_is_one_to_the_entry() -> None:
    link = words.link("Plans", "plan", "book/patches")
    assert (link["reftype"], link["reftarget"], link["refdoc"]) == ("term", "plan", "book/patches")
    assert "mg-term" in link[0]["classes"]


def test_words_are_linked_from_where_they_arrive_on() -> None:
    on = {page: set(words.linked_on(page, PAGES, ENTRIES).values()) for page in PAGES}
    assert "plan" not in on["book/missing-pixels"]
    assert "plan" in on["book/auto-regression"] & on["book/frontier"] & on["book/four-choices"]
    assert "level" in on["book/spreading"] - on["book/diffusion"]
    assert not any(words.NEVER & each for each in on.values())


def test_a_glossary_without_entries_is_refused() -> None:
    with pytest.raises(ValueError, match="no block"):
        words.read("# Glossary\n")


def test_the_examples_of_its_functions_hold() -> None:
    failed, tried = doctest.testmod(words, optionflags=doctest.ELLIPSIS)
    assert tried
    assert not failed


# --- the glossary --------------------------------------------------------------------------------------


def test_the_entries_are_sorted_and_no_spelling_comes_twice() -> None:
    assert sorted(NAMES, key=str.casefold) == NAMES
    every = [spelling.casefold() for entry in ENTRIES for spelling in entry.spellings]
    assert len(set(every)) == len(every) > 60


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_an_entry_is_short_and_says_where_its_word_arrives(entry: words.Entry) -> None:
    plain = re.sub(r"```.*?```", "", entry.text, flags=re.DOTALL)
    plain = re.sub(r"First in\s+\[.*?\)(, (?:in full|at work) in\s+\[.*?\))?", "", plain, flags=re.DOTALL)
    assert 5 < len(plain.split()) < 100
    assert entry.page in PAGES
    for title, file in re.findall(r"\[([^]]+)\]\(([\w-]+)\.ipynb\)", entry.text):
        first = nbformat.read(BOOK / f"{file}.ipynb", as_version=nbformat.NO_CONVERT).cells[0].source
        assert first.startswith(f"# {' '.join(title.split())}\n")


def test_the_lists_of_common_words_name_entries() -> None:
    assert set(NAMES) >= words.WHERE_THEY_ARRIVE | words.NEVER
    assert not words.WHERE_THEY_ARRIVE & words.NEVER


def test_the_drawing_of_the_u_net_is_true() -> None:
    """Its channels, sizes and blocks are those of the digits' network; nothing in it needs a font or a file."""
    net = UNet(size=16)
    drawing = (BOOK / "_static" / "unet.svg").read_text(encoding="utf-8")
    blocks = [module for module in net.modules() if isinstance(module, Residual)]
    widths = [block.conv2.out_channels for block in net.down if isinstance(block, Residual)]
    assert widths == [32, 64, 128]
    for place, width in enumerate(widths):
        assert f"{16 >> place} \N{MULTIPLICATION SIGN} {16 >> place}</text>" in drawing
        assert f"{width} channels</text>" in drawing
    assert len(blocks) == 7 == drawing.count("<circle") - 1  # and one in the key
    assert (net.features, net.context_size) == (32, 128)
    assert "href" not in drawing


# --- ten words of PyTorch --------------------------------------------------------------------------------

TEN = nbformat.read(BOOK / "ten-words.ipynb", as_version=nbformat.NO_CONVERT).cells
VISIBLE = [
    cell
    for cell in TEN
    if cell.cell_type == "code" and not {"hide-input", "remove-cell"} & set(cell.metadata.get("tags", []))
]


def test_there_are_ten_words_and_one_more_each_with_a_cell_and_a_chapter() -> None:
    text = "\n".join(cell.source if cell.cell_type == "markdown" else "CELL" for cell in TEN)
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(parts) == 10 + 2  # and one more, and two to try
    assert [part.split("\n")[0] for part in parts[:-1] if "CELL" not in part] == []
    assert [part.split("\n")[0] for part in parts[:10] if not re.search(r"\]\([\w-]+\.ipynb\)", part)] == []
    assert len(re.findall(r"\w+", text)) < 1600


def test_its_cells_are_tiny_and_show_something() -> None:
    for cell in VISIBLE:
        lines = [line for line in cell.source.split("\n") if line.strip()]
        assert len(lines) <= 6, cell.source
        assert max(map(len, lines)) <= 76, cell.source
    silent = [cell.source for cell in VISIBLE if not cell.outputs]
    assert [source.split()[0] for source in silent] == ["import", "class"]

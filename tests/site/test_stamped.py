"""The stamped site: its buttons lead to the repository and to Colab; the plain site has no such buttons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = "book/curve-fitting"


def links(page: Path) -> set[str]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return {str(link["href"]) for link in soup.select("a[href]")}


def build_two_pages(folder: Path, repository: str) -> Path:
    """Stamp the book and build its first page and one notebook (links to the others then lead nowhere)."""
    stamp = [sys.executable, str(ROOT / "tools" / "stamp.py"), "--repository", repository, "--out", str(folder)]
    stamped = subprocess.run(stamp, stderr=subprocess.PIPE, text=True)
    assert stamped.returncode == 0, stamped.stderr
    toc = {"format": "jb-book", "root": "book/intro", "chapters": [{"file": NOTEBOOK}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    program = str(Path(sys.executable).with_name("jupyter-book"))
    built = subprocess.run([program, "build", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, built.stdout[-4000:]
    return folder / "_build" / "html"


@pytest.mark.parametrize(
    ("repository", "colab"),
    [
        (
            "https://github.com/OWNER/NAME",
            {f"https://colab.research.google.com/github/OWNER/NAME/blob/colab/{NOTEBOOK}.ipynb"},
        ),
        ("https://git.example.org/OWNER/NAME", set()),
    ],
)
def test_the_buttons_of_a_stamped_site(repository: str, colab: set[str], tmp_path: Path) -> None:
    site = build_two_pages(tmp_path / "stamped", repository)
    found = links(site / f"{NOTEBOOK}.html")
    assert repository in found
    assert {link for link in found if "colab" in link} == colab
    assert repository in links(site / "book/intro.html")
    page = BeautifulSoup((site / f"{NOTEBOOK}.html").read_text(encoding="utf-8"), "html.parser")
    assert page.select(f"a[href='{repository}'] svg.mg-icon")
    asked = [str(script["src"]).split("?")[0] for script in page.select("script[src]")]
    assert "../_static/js/network.js" in asked  # what pages draw with comes with the package, not with the book
    assert [each for each in asked if not (site / "book" / each).is_file()] == []
    assert not page.select("i, [class*='fa-']")
    source = (site / "_sources" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8")
    assert rf"REPOSITORY = \"{repository}\"" in source
    said = f"{repository}/issues/new?title=Error%20on%20the%20page%20Curve%20fitting%20%28{NOTEBOOK}%29"
    assert [link["href"] for link in page.select("article .mg-report a")] == [said]
    if colab:
        names_its_address(site, page, "https://owner.github.io/NAME/")
    else:  # a host that does not say where pages stand
        assert not page.select("[rel=canonical], meta[property='og:image'], meta[property='og:url']")
        assert not (site / "sitemap.xml").exists()


def names_its_address(site: Path, page: BeautifulSoup, base: str) -> None:
    """Where a page stands, the card that others show, and the map of all."""
    address = f"{base}{NOTEBOOK}.html"
    assert [link["href"] for link in page.select("link[rel=canonical]")] == [address]
    told = {str(tag["property"]): str(tag["content"]) for tag in page.select("meta[property]")}
    assert told["og:url"] == address
    card = site / told["og:image"].removeprefix(base)
    with Image.open(card) as picture:
        assert picture.size == (1200, 630)
        assert len(set(picture.convert("L").crop((60, 250, 1140, 600)).get_flattened_data())) > 8  # its own figure
    assert card.stat().st_size < 60_000
    urls = ElementTree.parse(site / "sitemap.xml").getroot()
    places = sorted(str(url[0].text) for url in urls)
    assert places == [address, f"{base}book/intro.html"]
    lost = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert [link["href"] for link in lost.select("a")] == [f"{base}book/intro.html", address, f"{base}search.html"]


def test_the_plain_site_has_no_such_buttons(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert pages
    text = [path.read_text(encoding="utf-8") for path in pages]
    assert not any("colab.research.google.com/github" in page or "source-repository-button" in page for page in text)

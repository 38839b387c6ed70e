"""Chapter 15 on a folder of a reader's own, by changing the line that it names: in grey, small, barely trained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import minigen as mg

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "your-pictures.ipynb"
OURS, THEIRS = "mg.data.folder(mg.data.icons(), size=32)", 'mg.data.folder("my-icons", size=32)'
KINDS = ("bars & <b>", "circles of any size", "dots")


def cells(kind: str) -> list[str]:
    found = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def own_folder(place: Path) -> None:
    """Grey pictures of three kinds, 30 each; one more is broken, and one is there twice."""
    random = torch.Generator().manual_seed(0)
    x, y = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="xy")
    drawn = []
    for label in torch.arange(3).repeat(30).tolist():
        size, shift = (0.2 + 0.4 * torch.rand(2, generator=random)).tolist()
        off = [(x - shift).abs(), ((x**2 + y**2).sqrt() - size).abs() + 0.1, ((x - shift) ** 2 + y**2).sqrt()][label]
        drawn.append(1 - 2 * (off < size / 2).float())
    mg.data.save(torch.stack(drawn)[:, None], place, torch.arange(3).repeat(30), KINDS)
    (place / "dots" / "broken.png").write_bytes(b"no picture")
    (place / "dots" / "again.png").write_bytes((place / "dots" / "0002.png").read_bytes())


def test_the_text_names_the_one_line_to_change() -> None:
    assert sum(OURS in line for source in cells("code") for line in source.splitlines()) == 1
    assert any(f"`{THEIRS}`" in text for text in cells("markdown"))


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the chapter's cells leave behind, run in order on that folder, where it says so in size 16."""
    monkeypatch.chdir(tmp_path)
    own_folder(tmp_path / "my-icons")
    names: dict[str, Any] = {}
    for source in cells("code")[1:]:  # the first one is Colab's
        source = source.replace(OURS, THEIRS.replace("32", "16"))
        exec(re.sub(r"iterations=\d+", "iterations=3", source), names)
    return names


def test_it_runs_on_a_folder_of_ones_own(ran: dict[str, Any], tmp_path: Path) -> None:
    assert not ran["ours"]
    assert ran["pictures"].shape == (1, 16, 16)
    assert ran["pictures"].names == KINDS
    assert list(ran["pictures"].left_out) == ["dots/broken.png"]
    assert set(zip(ran["frontier"].plan, ran["frontier"].calls, strict=True)) == {
        (plan, calls) for plan in ("noise", "patches") for calls in (1, 2, 4, 8, 16)
    }
    assert ran["frontier"][["distance", "second judge"]].notna().all(axis=None)
    page = (tmp_path / "runs" / "my-pictures.html").read_text(encoding="utf-8")
    assert "circles of any size" in page
    assert mg.Generator.load(tmp_path / "runs" / "my-pictures.safetensors").shape == (1, 16, 16)


@pytest.mark.parametrize(("count", "kinds"), [(12, 2), (60, 1)])
def test_too_few_pictures_or_kinds_are_said_and_the_icons_shown(
    count: int, kinds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mg.data.save(pictures, tmp_path / "my-icons", torch.arange(count) % kinds, KINDS[:kinds])
    names: dict[str, Any] = {}
    for source in cells("code")[1:3]:
        exec(source.replace(OURS, THEIRS), names)
    assert f"my-icons has {count} pictures of {kinds} kinds; this notebook needs about 50" in capsys.readouterr().out
    assert names["pictures"].path == mg.data.icons()

"""The icons that come with the course: always the same ones, in a folder of their own, of eight kinds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import minigen as mg
from minigen.data.pictograms import KINDS, PAPER, SIZE


def test_a_folder_of_every_kind(tmp_path: Path) -> None:
    found = mg.data.folder(mg.data.icons(12, tmp_path / "icons"), SIZE, cache=False)
    assert found.names == tuple(KINDS)
    assert found.shape == (3, SIZE, SIZE)
    assert not found.left_out
    assert torch.bincount(found.labels).tolist() == [12] * len(KINDS)


def test_nothing_is_cut_off_at_the_edge(tmp_path: Path) -> None:
    pictures = mg.data.folder(mg.data.icons(20, tmp_path / "icons"), SIZE, cache=False).pictures
    paper = torch.tensor(PAPER).view(3, 1, 1) / 127.5 - 1
    far = (pictures - paper).abs().amax(1) > 0.02
    edges = [far[:, 0], far[:, -1], far[..., 0], far[..., -1]]
    assert not any(edge.any() for edge in edges)


def test_more_of_them_begin_with_the_same_ones(tmp_path: Path) -> None:
    few, many = mg.data.icons(2, tmp_path / "few"), mg.data.icons(3, tmp_path / "many")
    other = mg.data.icons(2, tmp_path / "other", seed=1)
    for path in few.glob("*/*.png"):
        name = path.relative_to(few)
        assert path.read_bytes() == (many / name).read_bytes()
        assert path.read_bytes() != (other / name).read_bytes()


def test_what_is_missing_is_drawn_again_and_what_is_there_stays(tmp_path: Path) -> None:
    place = mg.data.icons(1, tmp_path)
    whole, changed = place / "cup" / "000.png", place / "boat" / "000.png"
    before = whole.read_bytes()
    whole.unlink()
    changed.write_bytes(b"mine")
    mg.data.icons(1, tmp_path)
    assert whole.read_bytes() == before
    assert changed.read_bytes() == b"mine"


def test_among_other_files_they_would_get_lost(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"has cat\.png in it, which is no icon of these; allowed: a new or empty"):
        mg.data.icons(1, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cat.png"]


def test_without_a_folder_they_lie_where_they_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = mg.data.icons(1)
    assert place.is_relative_to(tmp_path)
    assert mg.data.icons(1) == place != mg.data.icons(1, seed=1)

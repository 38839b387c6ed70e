"""Pictures as files: what is saved is what is read back, and nothing that is there is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from minigen import data


def bytes_of(count: int, channels: int = 3, side: int = 8) -> torch.Tensor:
    """Random pictures whose values are those of bytes."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), generator=random) / 127.5 - 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_saved_is_read_back(tmp_path: Path, channels: int) -> None:
    pictures, labels = bytes_of(30, channels), torch.arange(30) % 2
    data.save(pictures, tmp_path / "mine", labels, ("cats", "dogs"))
    found = data.folder(tmp_path / "mine", size=8, cache=False)
    order = labels.argsort(stable=True)  # folders come by their names, and in them the numbers
    assert torch.equal(found.pictures, pictures[order])
    assert found.labels is not None
    assert torch.equal(found.labels, labels[order])
    assert found.names == ("cats", "dogs")


def test_saving_a_folder_again_gives_the_same_folder(tmp_path: Path) -> None:
    data.save(bytes_of(12), tmp_path / "one", torch.arange(12) % 3, ("a", "b", "c"))
    first = data.folder(tmp_path / "one", size=8, cache=False)
    data.save(first.pictures, tmp_path / "two", first.labels, first.names)
    second = data.folder(tmp_path / "two", size=8, cache=False)
    assert torch.equal(first.pictures, second.pictures)
    assert torch.equal(first.part, second.part)


def test_values_go_to_the_nearest_byte(tmp_path: Path) -> None:
    values = torch.tensor([-1.0, -0.999, -0.003, 0.003, 0.999, 1.0]).view(1, 1, 1, 6)
    (path,) = data.save(values, tmp_path)
    assert np.asarray(Image.open(path)).tolist() == [[0, 0, 127, 128, 255, 255]]


def test_scale_repeats_pixels(tmp_path: Path) -> None:
    pictures = bytes_of(1)
    (path,) = data.save(pictures, tmp_path, scale=3)
    large = torch.from_numpy(np.asarray(Image.open(path)).copy())
    assert large.shape == (24, 24, 3)
    wanted = pictures.repeat_interleave(3, 2).repeat_interleave(3, 3)[0]
    assert torch.equal(large, ((wanted + 1) * 127.5).round().byte().permute(1, 2, 0))


def test_names_sort_as_the_pictures_do(tmp_path: Path) -> None:
    paths = data.save(torch.zeros(10_001, 1, 1, 1), tmp_path)
    assert paths == sorted(paths)
    assert [path.name for path in paths[::10_000]] == ["00000.png", "10000.png"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Then nothing is written at all."""
    (tmp_path / "0001.png").write_text("mine")
    (tmp_path / "0002.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(ValueError, match=re.escape("folder has 0001.png already")):
        data.save(bytes_of(3), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001.png", "0002.png"]
    assert (tmp_path / "0001.png").read_text() == "mine"
    with pytest.raises(ValueError, match=re.escape("folder needs a folder")):
        data.save(bytes_of(3), tmp_path / "0001.png" / "deeper")


def test_wrong_calls(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"pictures": torch.zeros(2, 8, 8, 3)}, "pictures has shape (2, 8, 8, 3); allowed: (count, 1 or 3"),
        ({"pictures": torch.zeros(2, 3, 8, 8).byte()}, "pictures has dtype torch.uint8; allowed: floating point"),
        ({"pictures": torch.zeros(0, 3, 8, 8)}, "pictures holds 0 examples; allowed: 1 or more"),
        ({"pictures": torch.full((2, 3, 8, 8), 255.0)}, "pictures has values from 255 to 255; allowed: [-1, 1]"),
        ({"folder": 3}, "folder is 3, a int; allowed: a path"),
        ({"scale": 0}, "scale is 0; allowed: whole numbers from 1"),
        ({"names": ("a",)}, "names is ('a',) without labels; allowed: both"),
        ({"labels": torch.tensor([0, 1, 0])}, "labels holds 3; allowed: one a picture, 2"),
        ({"labels": torch.tensor([0, -1])}, "labels holds -1; allowed: whole numbers"),
        ({"labels": torch.tensor([0, 2]), "names": ("a", "b")}, "labels holds 2; allowed: whole numbers from 0 to 1"),
        ({"labels": torch.tensor([0, 0]), "names": ("../a",)}, "names holds '../a'; allowed: names of folders"),
        ({"labels": torch.tensor([0, 0]), "names": ("..",)}, "names holds '..'; allowed: names of folders"),
        ({"labels": torch.tensor([0, 0]), "names": "cats"}, "names is 'cats'; allowed: one or more names"),
    ]
    for changes, said in cases:
        with pytest.raises((ValueError, TypeError), match=re.escape(said)):
            data.save(**{"pictures": torch.zeros(2, 3, 8, 8), "folder": tmp_path / "new", **changes})
    assert not (tmp_path / "new").exists()

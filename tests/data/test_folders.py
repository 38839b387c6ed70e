"""A reader's own folder: what is taken, what is not, the splits, and what is kept for the next time."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import minigen as mg
from minigen.data import kept
from minigen.data.folders import SPLITS, Folder, folder


def picture(number: int, side: int = 12) -> Image.Image:
    """A picture like no other: random colours by its number."""
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8))


def fill(place: Path, **names: int) -> Path:
    """Folders of so many different pictures each."""
    for label, count in names.items():
        (place / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture(1000 * sorted(names).index(label) + number).save(place / label / f"{number}.png")
    return place


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return fill(tmp_path / "mine", cats=10, dogs=20)


def read(place: Path, **changes: Any) -> Folder:
    return folder(place, **{"size": 8, "cache": False, **changes})


def test_what_is_taken(mine: Path) -> None:
    found = read(mine)
    assert found.pictures.shape == (30, *found.shape) == (30, 3, 8, 8)
    assert found.pictures.dtype == torch.float32
    assert -1 <= found.pictures.min() < found.pictures.max() <= 1
    assert found.names == ("cats", "dogs")
    assert found.labels is not None
    assert found.labels.bincount().tolist() == [10, 20]
    assert [found.names[label] for label in found.labels] == [name.split("/")[0] for name in found.files]
    assert torch.equal(found.at(torch.tensor([3, 1])), found.pictures[[3, 1]])
    assert not found.left_out
    assert not found.copies
    assert str(found).startswith(f"30 pictures, 8 x 8, colour, of 30 files in {mine}\nlabels: cats 10, dogs 20\n")


def test_values_are_bytes_from_black_to_white(tmp_path: Path) -> None:
    for number, grey in enumerate((0, 51, 255)):
        Image.new("L", (9, 9), grey).save(tmp_path / f"{number}.png")
    found = read(tmp_path, labels=None)
    assert found.pictures.shape == (3, 1, 8, 8)  # all are grey, so there is one channel
    assert found.pictures[:, 0, 0, 0].tolist() == pytest.approx([-1, -0.6, 1])
    assert read(tmp_path, labels=None, channels=3).pictures.shape == (3, 3, 8, 8)


def test_what_is_not_taken_is_said(mine: Path) -> None:
    whole = (mine / "cats" / "0.png").read_bytes()
    (mine / "cats" / "half.png").write_bytes(whole[: len(whole) // 2])
    (mine / "cats" / "empty.jpg").write_bytes(b"")
    (mine / "cats" / "words.gif").write_text("no picture")
    (mine / "cats" / "notes.txt").write_text("no picture")
    shutil.copy(mine / "cats" / "0.png", mine / "top.png")
    found = read(mine)
    assert len(found) == 30
    assert sorted(found.left_out) == [
        f"cats/{name}" for name in ("empty.jpg", "half.png", "notes.txt", "words.gif")
    ] + ["top.png"]
    assert "broken" in found.left_out["cats/half.png"]
    assert "no label" in found.left_out["top.png"]
    said = str(found)
    for part in ("30 pictures", "of 35 files", "left out: 5: 3 broken", "cats/half.png: broken", "enlarged"):
        assert (part in said) == (part != "enlarged"), said
    assert "top.png" in read(mine, labels=None).files
    assert read(mine, size=16).enlarged == 30


def test_copies_are_found_and_never_parted(mine: Path) -> None:
    """By their pixels: also under another name, label or kind of file."""
    for number in range(6):
        Image.open(mine / "dogs" / f"{number}.png").save(mine / "cats" / f"again-{number}.bmp")
    found = read(mine)
    assert found.copies == tuple((f"cats/again-{n}.bmp", f"dogs/{n}.png") for n in range(6))
    for group in found.copies:
        assert len({int(found.part[found.files.index(name)]) for name in group}) == 1
    assert "exact copies: 12 pictures in 6 groups, 6 of them under several labels, such as cats/again-0.bmp" in str(
        found
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    copies=st.lists(st.integers(0, 11), min_size=4, max_size=40),
    kinds=st.integers(1, 4),
    seed=st.integers(0, 3),
    shares=st.sampled_from([(0.7, 0.1, 0.2), (0.34, 0.33, 0.33), (0.98, 0.01, 0.01), (0.02, 0.01, 0.97)]),
)
def test_no_split_shares_a_picture(
    copies: list[int], kinds: int, seed: int, shares: tuple[float, float, float]
) -> None:
    from minigen.data.folders import _divide

    groups: dict[str, list[int]] = {}
    for place, which in enumerate([*copies, 12, 13, 14]):
        groups.setdefault(f"{which:02}", []).append(place)
    kind = [str(place % kinds) for place in range(len(copies) + 3)]
    part = _divide(groups, kind, shares, seed)
    assert sorted(set(part.tolist())) == [0, 1, 2]  # none is empty
    assert all(len({int(part[place]) for place in group}) == 1 for group in groups.values())
    assert torch.equal(part, _divide(dict(reversed(groups.items())), kind, shares, seed))


def test_splits_have_the_shares_of_every_label(tmp_path: Path) -> None:
    found = read(fill(tmp_path, a=100, b=40))
    assert found.labels is not None
    for number, (split, share) in enumerate(zip(SPLITS, (0.7, 0.1, 0.2), strict=True)):
        pictures, labels = found.split(split)
        assert len(pictures) == len(labels) == 140 * share
        assert torch.equal(found.indices(split), (found.part == number).nonzero()[:, 0])
        assert labels.bincount().tolist() == pytest.approx([100 * share, 40 * share], abs=1)
    assert not torch.equal(read(tmp_path, seed=1).part, found.part)
    os.rename(tmp_path / "b" / "0.png", tmp_path / "b" / "zzz.png")
    moved = read(tmp_path)
    same = dict(zip(found.files, found.part.tolist(), strict=True))
    assert all(
        same[name.replace("zzz", "0")] == part for name, part in zip(moved.files, moved.part.tolist(), strict=True)
    )


def test_it_is_what_train_and_a_recipe_take(mine: Path) -> None:
    found = read(mine)
    net = mg.nets.UNet(8, channels=3, widths=(8, 8))
    model = mg.Generator(net, mg.heads.Regression("v"), mg.plans.diffusion(), condition=mg.Labels(len(found.names)))
    options: dict[str, Any] = dict(iterations=2, batch_size=4, progress=False, device="cpu")
    for lessons in (found.split(), (found.batches(),)):
        history = mg.train(model, *lessons, validation=found.split("validation"), **options)
        assert len(history.loss) == 2
    made_by = mg.recipes.Recipe("mine", "my pictures", lambda: model, size=8, source=found.source, training=options)
    assert len(made_by.train()[1].loss) == 2
    plain = read(mine, labels=None)
    assert len(plain.split()) == 1
    with pytest.raises(ValueError, match="size is 16; allowed: 8"):
        found.source(16, "train")


def test_batches_come_from_their_split_alone(mine: Path) -> None:
    found = read(mine)
    seen, labels = found.batches("held-out")(200, torch.Generator().manual_seed(0))
    inside = (seen[:, None] == found.split("held-out")[0][None]).flatten(2).all(2)
    assert bool(inside.any(1).all())
    assert bool(inside.any(0).all())
    assert torch.equal(found.split("held-out")[1][inside.int().argmax(1)], labels)


# --- what is kept ----------------------------------------------------------------------------------


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened."""
    names: list[str] = []
    plain = kept.decode
    monkeypatch.setattr(kept, "decode", lambda path, look: (names.append(path.name), plain(path, look))[1])
    return names


def same(one: Folder, other: Folder) -> bool:
    """Whether all is equal, to the bit."""
    tensors = all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("pictures", "labels", "part"))
    return tensors and str(one) == str(other) and (one.files, one.copies) == (other.files, other.copies)


def test_the_second_read_opens_nothing_and_is_equal(mine: Path, tmp_path: Path, decoded: list[str]) -> None:
    (mine / "cats" / "broken.png").write_bytes(b"no")
    first, plain = read(mine, cache=tmp_path / "kept"), read(mine)
    decoded.clear()
    second = read(mine, cache=tmp_path / "kept")
    assert not decoded
    assert same(first, second)
    assert same(second, plain)
    assert isinstance(second._bytes, np.memmap)  # stays on disk until it is asked for
    assert sorted(path.suffix for path in (tmp_path / "kept").iterdir()) == [".json", ".npy"]


def test_only_what_changed_is_read_again(mine: Path, tmp_path: Path, decoded: list[str]) -> None:
    read(mine, cache=tmp_path / "kept")
    decoded.clear()
    content = (mine / "cats" / "3.png").read_bytes()
    picture(777).save(mine / "cats" / "3.png")
    picture(778).save(mine / "dogs" / "new.png")
    (mine / "dogs" / "4.png").unlink()
    changed = read(mine, cache=tmp_path / "kept")
    assert sorted(decoded) == ["3.png", "new.png"]
    assert same(changed, read(mine))
    (mine / "cats" / "3.png").write_bytes(content)
    assert same(read(mine, cache=tmp_path / "kept"), read(mine))
    assert len(list((tmp_path / "kept").iterdir())) == 2  # what is no longer of use is gone


def test_another_look_or_folder_is_kept_apart(mine: Path, tmp_path: Path, decoded: list[str]) -> None:
    every: list[dict[str, Any]] = [{}, {"size": 4}, {"channels": 1}, {"fit": "pad"}, {"background": 0.0}]
    for _ in range(2):
        for changes in every:
            assert same(read(mine, cache=tmp_path / "kept", **changes), read(mine, **changes))
        decoded.clear()
    assert len(list((tmp_path / "kept").glob("*.json"))) == len(every)


@pytest.mark.parametrize(
    "harm", ["{", '{"version": 1}', '{"version": 1, "pixels": "../x.npy", "files": {}}', "[]", "cut"]
)
def test_a_damaged_cache_is_made_anew(mine: Path, tmp_path: Path, harm: str) -> None:
    read(mine, cache=tmp_path / "kept")
    if harm == "cut":
        (pixels,) = (tmp_path / "kept").glob("*.npy")
        pixels.write_bytes(pixels.read_bytes()[:-100])
    else:
        (index,) = (tmp_path / "kept").glob("*.json")
        index.write_text(harm)
    for _ in range(2):
        assert same(read(mine, cache=tmp_path / "kept"), read(mine))


def test_an_interrupted_read_leaves_nothing(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "_one", stop)
    with pytest.raises(KeyboardInterrupt):
        read(mine, cache=tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_the_usual_place_is_the_users_cache(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    before = sorted(path for path in mine.rglob("*"))
    assert same(read(mine, cache=True), read(mine))
    assert len(list((tmp_path / "home" / "minigen" / "folders").iterdir())) == 2
    assert sorted(path for path in mine.rglob("*")) == before
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="nothing is kept"):
        assert same(read(mine, cache=True), read(mine))


# --- errors ----------------------------------------------------------------------------------------


def test_what_is_wrong_is_said_at_the_start(mine: Path, tmp_path: Path) -> None:
    one, equal, empty = tmp_path / "one", tmp_path / "equal", tmp_path / "empty"
    for place in (one, equal, empty, tmp_path / "bad"):
        place.mkdir()
    picture(0).save(one / "a.png")
    for number in range(5):
        picture(0).save(equal / f"{number}.png")
        (tmp_path / "bad" / f"{number}.png").write_bytes(b"no")
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"path": tmp_path / "mien"},
            "where there is no folder; allowed: a folder with pictures; did you mean 'mine'?",
        ),
        ({"path": one / "a.png"}, "which is a file; allowed: a folder"),
        ({"path": 3}, "path is 3, a int; allowed: a path"),
        (
            {"path": empty, "labels": None},
            "in which no picture could be read (it is empty); allowed: a folder with files",
        ),
        ({"path": tmp_path / "bad", "labels": None}, "could be read (left out: 0.png: broken"),
        ({"path": one, "labels": None}, "which holds 1 picture, and 1 different; allowed: 3 or more different ones"),
        ({"path": equal, "labels": None}, "which holds 5 pictures, and 1 different; allowed: 3 or more"),
        ({"path": equal}, "has its pictures not in sub-folders; allowed: labels=None"),
        ({"labels": "files"}, "labels is 'files'; allowed: 'folders', None; did you mean 'folders'?"),
        ({"size": 0}, "size is 0; allowed: whole numbers from 4 to 1024"),
        ({"size": "32"}, "size is '32', a str; allowed: a whole number"),
        ({"size": 4096}, "size is 4096; allowed"),
        ({"channels": 4}, "channels is 4; allowed: 1, 3; the nearest is 3"),
        ({"fit": "cut"}, "fit is 'cut'; allowed: 'crop', 'pad', 'stretch'"),
        ({"background": 255}, "background is 255; allowed: finite numbers in [-1, 1]"),
        ({"shares": (0.5, 0.5)}, "shares is (0.5, 0.5); allowed: three numbers that sum to 1"),
        ({"shares": (0.5, 0.5, 0.0)}, "shares is 0.0; allowed: finite numbers in (0, 1]"),
        ({"shares": (0.5, 0.5, 0.5)}, "which sum to 1.5; allowed"),
        ({"seed": 1.5}, "seed is 1.5, a float; allowed: a whole number"),
        ({"progress": "no"}, "progress is 'no', a str; allowed: True or False"),
        ({"cache": None}, "cache is None, a NoneType; allowed: a path"),
        ({"cache": mine / "kept"}, "which is inside path; allowed: a folder outside of your pictures"),
        ({"cache": one / "a.png"}, "which is a file; allowed: a folder, True or False"),
    ]
    for changes, said in cases:
        with pytest.raises((ValueError, TypeError, FileNotFoundError), match=re.escape(said)):
            read(**{"place": mine, **changes}) if "path" not in changes else read(changes.pop("path"), **changes)
    assert not (mine / "kept").exists()


def test_names_in_any_script_and_none_at_all(tmp_path: Path) -> None:
    """Also bytes that are no letters, which can't be printed as they are."""
    names = ["猫/写真.png", "ملف/é~ .png", "кот/\udcff.png"]
    for number, name in enumerate(names):
        (tmp_path / "mine" / name).parent.mkdir(parents=True)
        picture(number).save(tmp_path / "mine" / name)
    (tmp_path / "mine" / "猫" / "\udcfe.gif").write_bytes(b"no")
    for _ in range(2):
        found = read(tmp_path / "mine", cache=tmp_path / "kept")
        assert sorted(found.files) == sorted(names)
        assert "猫 1" in str(found).encode().decode()

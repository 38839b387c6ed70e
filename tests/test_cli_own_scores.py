"""The command line scores what weights of a reader's own folder draw, and says at the start what does not fit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from helpers_cli import somewhere, told

from minigen import Generator, data
from minigen.__main__ import main
from minigen.metrics.own_run import usual_count

__all__ = ["somewhere"]

WEIGHTS, SMALL = "runs/own-icons.safetensors", ("--size", "8", "--batch-size", "8", "--device", "cpu")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Eighty pictures in two labels, and weights that had one update on them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pictures = torch.rand(80, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    data.save(pictures, tmp_path / "icons", torch.arange(80) % 2, ("cats", "dogs"))
    told(capsys, "train", "icons", *SMALL, "--iterations", "1")
    return tmp_path / "icons"


def test_weights_of_a_folder_are_scored_by_it(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("evaluate", WEIGHTS, "--folder", "icons", "--steps", "1", "--device", "cpu")
    scores = json.loads(told(capsys, *words, "--json", "--seed", "3"))
    assert scores["count"] == usual_count(data.folder(trained, 8)) == 28
    assert scores["real"] == 16
    assert (scores["seed"], scores["sampling"], scores["split"]) == (3, {"pick": "mean", "steps": 1}, "held-out")
    assert scores["frechet"] > scores["floor"]["mean"]  # it has learned nothing yet
    assert 0 < scores["nearest"]["least"] <= scores["nearest"]["median"]
    assert (trained / scores["nearest"]["alike"]).is_file()
    said = told(capsys, *words, "--count", "20")
    assert "20 samples, 16 held-out pictures" in said
    assert "With so few pictures (20 drawn, 16 real; 100 or more are better) only gross faults show." in said


def test_what_does_not_fit_is_said_before_anything_is_drawn(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be drawn")

    monkeypatch.setattr("minigen.metrics.own_run.sample", drawn)
    Path("one").mkdir()
    (trained / "cats").rename("one/cats")
    (trained / "dogs").rename("one/birds")
    refused = {
        ("digits-v", "one"): "--folder is 'one' with the recipe 'digits-v'; allowed: with a file",
        ("missing.safetensors", "one"): "'missing.safetensors', which is no file",
        (WEIGHTS, "nowhere"): "path is 'nowhere', where there is no folder",
        (WEIGHTS, "one"): "learned from other pictures (80 then, 80 now)",
        (WEIGHTS, "one/cats"): "has its pictures not in sub-folders",
    }
    assert main(["evaluate", WEIGHTS]) == 2
    assert f"{WEIGHTS} learned from a folder of your own; allowed: with --folder" in capsys.readouterr().err
    Path("one/birds").rename("one/dogs")
    assert main(["evaluate", WEIGHTS, "--folder", "one", "--count", "57"]) == 2
    assert "count is 57; allowed: whole numbers from 20 to 56" in capsys.readouterr().err
    assert main(["evaluate", WEIGHTS, "--folder", "one", "--split", "validation"]) == 2
    assert "which has 8 validation pictures; allowed: 10 or more" in capsys.readouterr().err
    Path("one/dogs").rename("one/birds")
    for (name, folder), words in refused.items():
        assert main(["evaluate", name, "--folder", folder]) == 2
        assert words in capsys.readouterr().err
    Path("one/birds").rename("one/dogs")
    next(Path("one/dogs").iterdir()).unlink()
    assert main(["evaluate", WEIGHTS, "--folder", "one"]) == 2
    assert re.search(r"\(80 then, 79 now\)", capsys.readouterr().err)


def test_a_record_knows_pictures_whatever_their_files_are_called(trained: Path) -> None:
    """And files that say nothing of their pictures are as they were."""
    before = data.folder(trained, 8, cache=False).record()
    for number, path in enumerate(sorted((trained / "cats").iterdir(), reverse=True)):
        path.rename(trained / "cats" / f"new-{number}.png")
    assert data.folder(trained, 8, cache=False).record() == before
    assert data.folder(trained, 8, seed=1, cache=False).record()["checksum"] != before["checksum"]
    model = Generator.load(WEIGHTS)
    assert model.save("plain.safetensors").read_bytes() == model.save("plain.safetensors", {}).read_bytes()

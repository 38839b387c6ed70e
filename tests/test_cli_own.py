"""The command line and a reader's own pictures: what is drawn goes into files of its own, and none is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers_cli import somewhere, told
from PIL import Image

from minigen import sample, zoo
from minigen.__main__ import main

__all__ = ["somewhere"]


def test_each_picture_into_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train", "tiny-digits", "--device", "cpu")
    out = told(
        capsys, "sample", "tiny-digits", "--count", "3", "--seed", "4", "--out-folder", "new/mine", "--scale", "2"
    )
    assert "new/mine: 3 pictures, {'steps': 2}" in out
    assert not Path("grid.png").exists()
    drawn = sample(zoo.load("tiny-digits", "runs"), 3, seed=4, steps=2)
    for path, picture in zip(sorted(Path("new/mine").iterdir()), drawn, strict=True):
        pixels = np.asarray(Image.open(path))
        assert pixels.shape == (32, 32)
        assert torch.equal(torch.from_numpy(pixels[::2, ::2].copy()), ((picture[0] + 1) * 127.5).round().byte())
    told(capsys, "sample", "tiny-digits", "--count", "3", "--out-folder", "other", "--out", "also.png")
    assert Path("also.png").exists()


def test_nothing_is_overwritten_and_that_is_said_before_the_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be drawn")

    monkeypatch.setattr("minigen.sampling.sample", drawn)
    Path("mine").mkdir()
    Path("mine/0000.png").write_text("mine")
    Path("file").write_text("mine")
    for words, said in (
        (("--out-folder", "mine"), "--out-folder is 'mine', which is not empty; allowed: a new or empty folder"),
        (("--out-folder", "file"), "--out-folder is 'file', which is a file; allowed: a new or empty folder"),
        (("--out-folder", "new", "--scale", "0"), "--scale is 0; allowed: whole numbers from 1"),
        (("--out-folder", "new", "--out", "a.jpg"), "--out is 'a.jpg'; allowed: the path of a PNG file"),
    ):
        assert main(["sample", "digits-v", "--shipped", *words]) == 2
        assert said in capsys.readouterr().err
    assert Path("mine/0000.png").read_text() == "mine"

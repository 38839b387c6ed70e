"""The command line: what is kept, what is said before the work, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_cli import signal_in_update, told
from helpers_cli import somewhere as somewhere
from helpers_core import PATIENCE

from minigen import Generator, zoo
from minigen.__main__ import main


def test_finished_weights_stay_until_another_run_has_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "train", "tiny-digits", "--iterations", "6")
    pair = [Path("runs/tiny-digits.safetensors"), Path("runs/tiny-digits.json")]
    finished = [path.read_bytes() for path in pair]
    with monkeypatch.context() as pressed:
        signal_in_update(pressed, 1, signal.SIGTERM)
        with pytest.warns(UserWarning, match="interrupted: the model has had 1 of 4 iterations"):
            assert main(["train", "tiny-digits", "--iterations", "4"]) == 130
    out = capsys.readouterr().out
    assert "runs has finished weights of tiny-digits: they stay until this run has ended" in out
    assert "the finished weights are as they were" in out
    assert [path.read_bytes() for path in pair] == finished

    out = told(capsys, "train", "tiny-digits", "--iterations", "4")
    assert "the weights of the earlier run are in runs/earlier-1 now" in out
    assert [(Path("runs/earlier-1") / path.name).read_bytes() for path in pair] == finished
    assert zoo.about("tiny-digits", "runs")["trained"]["iterations"] == 4
    assert zoo.load("tiny-digits", "runs/earlier-1", device="cpu")
    told(capsys, "train", "tiny-digits", "--iterations", "4")
    assert Path("runs/earlier-2/tiny-digits.json").is_file()


def test_a_run_can_be_drawn_from_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "train", "tiny-digits", "--iterations", "2")
    settings = ("--count", "2", "--steps", "2", "--eta", "0", "--pick", "mean", "--guidance-scale", "1")
    told(capsys, "sample", "runs/tiny-digits.safetensors", *settings, "--out", "file.png")
    told(capsys, "sample", "tiny-digits", *settings, "--out", "name.png")
    assert Path("file.png").read_bytes() == Path("name.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sample digits-v --out grid.jpg", "--out is 'grid.jpg'; allowed: the path of a PNG file"),
        ("sample digits-v --out folder.png", "--out is 'folder.png', which is a folder"),
        ("sample digits-v --out file/grid.png", "--out is 'file/grid.png', where nothing can be written"),
        ("sample mine", "(a recipe of your own: --import FILE)"),
        ("evaluate digits-v --count 5000", "--count is 5000; allowed: whole numbers from 500 to 3600"),
        ("evaluate digits-v --split test", "--split is 'test'; allowed: 'held-out', 'validation'"),
        ("train digits-v --runs file", "where nothing can be written"),
        ("sample file", "name is 'file'"),
    ],
)
def test_what_can_be_known_is_said_before_the_work(
    capsys: pytest.CaptureFixture[str], words: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("folder.png").mkdir()
    Path("file").write_text("")
    monkeypatch.setattr("minigen.sampling.sample", lambda *_, **__: pytest.fail("it drew"))
    monkeypatch.setattr(Generator, "loss", lambda *_, **__: pytest.fail("it trained"))
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_ctrl_c_in_sample_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigen.sampling.sample", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    assert main(["sample", "digits-v"]) == 130
    assert capsys.readouterr().err.endswith("minigen: interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="closed pipes are of POSIX")
def test_nobody_reads_what_it_prints() -> None:
    command = f"set -o pipefail; {sys.executable} -m minigen list | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (141, "")

"""The command line and a reader's own pictures: what is drawn goes into files of its own, and none is lost."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers_cli import signal_in_update, somewhere, told
from helpers_core import tiny_unet
from PIL import Image

from minigen import Generator, Labels, data, heads, plans, sample, zoo
from minigen.__main__ import main
from minigen.zoo.own import lessons, own_generator, train_own
from minigen.zoo.suggestions import Suggestion

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


# --- training on a folder --------------------------------------------------------------------------


@pytest.fixture
def icons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty pictures of two kinds; what is kept of them goes into a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pictures = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    data.save(pictures, tmp_path / "icons", torch.arange(40) % 2, ("cats", "dogs"))
    return tmp_path / "icons"


def there(folder: str = "runs") -> list[str]:
    """What lies in a folder, in order."""
    return sorted(path.name for path in Path(folder).iterdir())


SMALL = ("--size", "8", "--batch-size", "8", "--device", "cpu")


def test_a_folder_is_trained_on_and_drawn_from(icons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "train", "icons", *SMALL, "--iterations", "3")
    assert out.startswith("40 pictures, 8 x 8, colour, of 40 files in icons\nlabels: cats 20, dogs 20\n")
    assert re.search(r"^runs/own-icons\.safetensors: loss \d+\.\d{4} after 3 iterations, \d+ s$", out, re.MULTILINE)
    assert "labels: 0 cats, 1 dogs\npython -m minigen sample runs/own-icons.safetensors --out-folder drawn" in out
    assert "\nruns/own-icons.html: how it went, to be opened in any browser\n" in out
    assert there() == ["own-icons.html", "own-icons.safetensors"]
    assert "3 updates are few, and may draw mere noise" in out
    assert "40 pictures to learn from" not in out
    assert "28 pictures to learn from are soon known by heart" in out
    words = ("sample", "runs/own-icons.safetensors", "--count", "4", "--steps", "2", "--label")
    for label, folder in (("1", "drawn"), ("dogs", "again")):
        told(capsys, *words, label, "--out-folder", folder)
    first, again = ([file.read_bytes() for file in sorted(Path(each).iterdir())] for each in ("drawn", "again"))
    assert len(first) == 4
    assert first == again
    assert main([*words, "dog", "--out-folder", "new"]) == 2
    assert "--label is 'dog'; allowed: 'cats', 'dogs'; did you mean 'dogs'?" in capsys.readouterr().err
    before = Path("runs/own-icons.safetensors").read_bytes()
    assert "runs/own-icons-2.safetensors" in told(capsys, "train", "icons", *SMALL, "--iterations", "1", "--no-labels")
    assert Path("runs/own-icons.safetensors").read_bytes() == before
    assert Generator.load("runs/own-icons-2.safetensors").condition is None


def test_the_lines_to_go_on_with_are_quoted_for_the_shell(icons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    icons.rename("my $icons")
    out = told(capsys, "train", "my $icons", *SMALL, "--iterations", "1")
    assert "python -m minigen sample 'runs/own-my $icons.safetensors' --out-folder drawn\n" in out
    assert "python -m minigen evaluate 'runs/own-my $icons.safetensors' --folder 'my $icons'\n" in out
    assert "python -m minigen export 'runs/own-my $icons.safetensors' 'own-my $icons-draws.html'\n" in out
    told(capsys, "export", "runs/own-my $icons.safetensors", "drawn.html", "--count", "2")
    page = Path("drawn.html").read_text()
    assert "cats" in page  # the buttons have the folder's names
    assert "dogs" in page
    assert "&quot;pick&quot;: &quot;mean&quot;" in page  # as suits a belief under noise


def test_what_is_no_folder_and_no_weights_is_told_apart(
    icons: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("no picture is to be read")

    monkeypatch.setattr("minigen.own_folder.data.folder", read)
    for words, said in {
        ("train", "icons", "--minutes", "0"): "--minutes is 0.0; allowed: finite numbers in (0, inf)",
        ("train", "icons", "--size", "7"): "--size is 7; allowed: multiples of 4, such as 8",
        ("sample", "icons"): "name is 'icons', which is a folder; allowed: a recipe, or a file of weights",
        ("evaluate", "icons"): "such as runs/own-icons.safetensors",
        ("export", "icons", "a.html"): "such as runs/own-icons.safetensors",
    }.items():
        assert main(list(words)) == 2
        assert said in capsys.readouterr().err
    monkeypatch.undo()
    Path("notes.txt").write_text("mine")
    for name, said in {
        "notes.txt": "'notes.txt', which is a file",
        "no/where": "'no/where', where there is no",
    }.items():
        assert main(["train", name]) == 2
        assert said in capsys.readouterr().err


def test_what_is_predicted_can_be_chosen(icons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "train", "icons", *SMALL, "--iterations", "1", "--target", "x0")
    assert "trains the picture, with" in out
    head = Generator.load("runs/own-icons.safetensors").head
    assert isinstance(head, heads.Regression)
    assert head.target == "x0"
    for name, target, said in (
        ("icons", "w", "--target is 'w'; allowed: 'belief', 'v', 'x0'"),
        ("digits-v", "v", "--target is 'v', with a recipe; allowed: with a folder of pictures"),
    ):
        assert main(["train", name, *(SMALL if name == "icons" else ()), "--target", target]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:interrupted")
def test_a_stopped_run_goes_on_with_what_it_had_planned(
    icons: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends as one that was not stopped, to the bit."""
    monkeypatch.setattr("minigen.zoo.suggestions.seconds_an_update", lambda *_: 60.0)
    monkeypatch.setattr("minigen.zoo.suggestions.LEAST_UPDATES", 1)
    told(capsys, "train", "icons", *SMALL, "--minutes", "7", "--runs", "whole")
    with monkeypatch.context() as pressed:
        signal_in_update(pressed, 3, signal.SIGTERM)
        assert main(["train", "icons", *SMALL, "--minutes", "7"]) == 130
    assert "the same command goes on" in capsys.readouterr().out
    for other in (("--size", "12"), ("--no-labels",), ("--iterations", "7")):  # refused, and the run can still go on
        assert main(["train", "icons", *SMALL, *other]) == 2
        assert re.search(
            r"runs is 'runs'.*allowed|checkpoint .* is of a run with iterations = 6", capsys.readouterr().err
        )
    out = told(capsys, "train", "icons", *SMALL, "--minutes", "9")  # planned were 7, of which six are for training
    assert "after 6 iterations" in out
    assert there() == ["own-icons.html", "own-icons.safetensors"]
    assert Path("runs/own-icons.safetensors").read_bytes() == Path("whole/own-icons.safetensors").read_bytes()


def test_what_timing_takes_is_taken_from_the_minutes(icons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds at 0.1 s an update are 60; a second of it is timing. Never fewer than are worth the while."""
    monkeypatch.setattr("minigen.zoo.suggestions.seconds_an_update", lambda *_: time.sleep(1) or 0.1)
    monkeypatch.setattr("minigen.zoo.suggestions.measured", list)
    told: list[int] = []

    def stop(it: Suggestion) -> None:
        told.append(it.iterations)
        raise KeyboardInterrupt

    for minutes in (0.1, 0.001):
        with pytest.raises(KeyboardInterrupt):
            train_own(data.folder(icons, 8, cache=False), minutes, tell=stop)
    assert 40 <= told[0] <= 50
    assert told[1] == 20


def test_more_than_fits_into_memory_is_read_from_the_disk(icons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigen.zoo.own.IN_MEMORY", 1000)
    found = data.folder(icons, 8, cache=False)
    (draw,), judged = lessons(found, own_generator(found))
    assert [part.shape for part in draw(5, torch.Generator())] == [(5, 3, 8, 8), (5,)]
    assert len(judged) == 2
    path, history = train_own(found, iterations=2, batch_size=8, device="cpu", progress=False)
    assert path.is_file()
    assert len(history.loss) == 2


def test_a_page_to_take_along(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """From a file of weights, with names and what it begins with; a second time nothing is overwritten."""
    model = tiny_unet(heads.Regression("v"), plans.diffusion(), condition=Labels(2))
    weights, page = str(model.save(tmp_path / "mine.safetensors")), str(tmp_path / "drawn.html")
    given = ("export", weights, page, "--names", "cats, dogs", "--label", "1", "--steps", "2", "--count", "1")
    assert told(capsys, *given).endswith("MB, to be opened in any browser\n")
    text = Path(page).read_text()
    assert "<h1>What mine draws</h1>" in text
    assert "&quot;words&quot;: [&quot;each in turn&quot;, &quot;cats&quot;, &quot;dogs&quot;]" in text
    assert main(list(given)) == 2
    assert "which is there already; allowed: a new path" in capsys.readouterr().err

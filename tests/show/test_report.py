"""The page about a training on a folder: what stands in it, where it lies, and what it never writes over."""

from __future__ import annotations

import re
import signal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_cli import signal_in_update, somewhere
from torch import Tensor

from minigen import data, train_folder
from minigen.show import report
from minigen.show.report import OwnRun, nearest_training

__all__ = ["somewhere"]

SECTIONS = ["What it drew on the way", "How the loss fell", "Is it copying?", "Scores", "How to go on"]


def pictures(count: int, size: int = 8) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def folder(place: Path, count: int = 40, names: tuple[str, ...] = ("cats", "dogs")) -> data.Folder:
    """Pictures of two kinds or more; nothing is kept of them outside the test."""
    data.save(pictures(count), place, torch.arange(count) % len(names), names)
    return data.folder(place, 8, cache=False)


def trained(found: data.Folder, iterations: int = 4, **settings: Any) -> OwnRun:
    return train_folder(found, iterations=iterations, batch_size=8, device="cpu", progress=False, **settings)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def moments(page: Path) -> list[int]:
    return [int(each) for each in re.findall(r">update (\d+)<", text(page))]


def test_every_section_is_there_and_nothing_is_asked_for(tmp_path: Path) -> None:
    found = folder(tmp_path / "icons")
    run = trained(found)
    page = text(run.page)
    assert (run.path, run.page) == (Path("runs/own-icons.safetensors"), Path("runs/own-icons.html"))
    assert re.findall(r"<h2>(.*?)</h2>", page) == SECTIONS
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:image/png;base64,|#)', page)
    assert moments(run.page) == [1, 2, 4]
    assert page.count("<svg ") == 1  # the chart stands in the page, so that it has its colours
    assert re.search(r">4 updates in [\d.]+ (?:s|minutes), on 28 of 40 pictures, 8 x 8, in colour\.<", page)
    assert "There are none: " in page or "There are none here" in page
    lines = [unescape(line) for line in re.findall(r"<pre>(.*?)</pre>", page)]
    assert lines == [
        "python -m minigen sample runs/own-icons.safetensors --out-folder drawn",
        f"python -m minigen evaluate runs/own-icons.safetensors --folder {tmp_path / 'icons'}",
        "python -m minigen export runs/own-icons.safetensors own-icons-draws.html --names=cats,dogs",
        f"python -m minigen train {tmp_path / 'icons'} --size 8 --minutes 10",
    ]


def test_names_in_any_script_are_words_and_no_part_of_the_page(tmp_path: Path) -> None:
    odd = ("<b>bold", 'a "quote"', "it's & that", "Ölbild", "рыба", "船", "سمك", "🐟")
    run = trained(folder(tmp_path / "my <i>$icons</i>".replace("/", "_"), 48, odd), 1)
    page = text(run.page)
    for name in odd:
        assert name in unescape(page)
    assert "<b>" not in page
    assert "<i>" not in page
    assert "What own-my &lt;i&gt;$icons&lt;_i&gt; learned" in page


def test_what_a_byte_without_a_letter_names_can_be_written(tmp_path: Path) -> None:
    found = folder(tmp_path / "icons", names=("cats", "dogs\udcff"))
    assert "dogs\\udcff" in text(trained(found, 1).page)


def test_no_file_of_the_readers_is_written_over(tmp_path: Path) -> None:
    found = folder(tmp_path / "icons")
    Path("runs").mkdir()
    Path("runs/own-icons.html").write_text("mine")
    Path("runs/own-icons-2.html").symlink_to("nowhere")
    run = trained(found, 1)
    assert run.page == Path("runs/own-icons-3.html")
    assert Path("runs/own-icons.html").read_text() == "mine"
    assert not Path("runs/nowhere").exists()
    again = trained(found, 1)
    assert (again.path, again.page) == (Path("runs/own-icons-2.safetensors"), Path("runs/own-icons-2-2.html"))


@pytest.mark.filterwarnings("ignore:interrupted")
@pytest.mark.parametrize("changed", [False, True])
def test_the_page_of_an_interrupted_run_gives_way_unless_somebody_wrote_in_it(
    changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = folder(tmp_path / "icons")
    for update in (3, 2):  # the second counts from where the first stopped: 5 of 8
        with monkeypatch.context() as pressed:
            signal_in_update(pressed, update, signal.SIGINT)
            first = trained(found, 8)
        assert first.history.interrupted
        assert first.page == Path("runs/own-icons.html")
    assert "Interrupted after 5 of 8 updates; the same command goes on." in text(first.page)
    assert "There are none before the training has ended." in text(first.page)
    assert moments(first.page) == [1, 2, 4]
    if changed:
        first.page.write_text("mine")
    run = trained(found, 8)
    assert run.page == Path("runs/own-icons-2.html" if changed else "runs/own-icons.html")
    assert moments(run.page) == [1, 2, 4, 8]
    assert "Interrupted" not in text(run.page)
    if changed:
        assert first.page.read_text() == "mine"
    whole = trained(found, 8, runs="whole")
    drawn = [re.findall(r"data:image/png;base64,[^\"]+", text(each)) for each in (run.page, whole.page)]
    assert drawn[0] == drawn[1]  # the same pictures as of a run that was not stopped
    left = sorted(path.name for path in Path("runs").iterdir() if path.suffix != ".html")
    assert left == ["own-icons.safetensors"]


def test_scores_stand_beside_those_of_real_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "affordable", lambda *_: 20)
    page = text(trained(folder(tmp_path / "icons", 80), 1).page)
    assert re.search(r"distance \(frechet\)</th><td>[\d.]+</td><td>[\d.]+ ± [\d.]+</td>", page)
    assert "20 drawn pictures against 16 held-out ones. The judge is a fixed net" in page


def test_why_there_are_no_scores(tmp_path: Path) -> None:
    small = text(trained(folder(tmp_path / "few", 12, ("cats",)), 1).page)
    assert "There are none: folder is " in small
    assert "(about 50 in all" in small
    short = text(trained(folder(tmp_path / "icons", 80), 1).page)
    assert "would take more than a tenth of the training&#x27;s time" in short


def test_the_nearest_is_found_whatever_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = folder(tmp_path / "icons")
    rows = found.indices("train")
    some = found.at(rows[[20, 3, 11]]) * 0.99
    for at_once in (1, 7, 1000):
        monkeypatch.setattr(report, "AT_ONCE", at_once)
        places, far = nearest_training(some, found)
        assert places.tolist() == [20, 3, 11]
        assert far.max() < 0.01

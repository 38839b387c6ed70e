"""The race to quality: the clock, the loop of the peers, and what the table says of what was found."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from minigen.course.measurements import key_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import rivals
import time_to_quality as race
import train_rival as child

LIBRARIES = {
    "diffusers": "diffusers",
    "smalldiffusion": "smalldiffusion",
    "denoising-diffusion-pytorch": "denoising_diffusion_pytorch",
    "torchcfm": "torchcfm",
    "x-transformers": "x_transformers",
}


# --- who is compared -------------------------------------------------------------------------------


def test_every_peer_is_documented_and_can_be_tuned() -> None:
    assert rivals.PEERS.keys() == rivals.DOCUMENTED.keys() == rivals.SAMPLERS.keys() == LIBRARIES.keys()
    words = {rivals.START.words()}
    for name, values in rivals.GRID.items():
        words |= {replace(rivals.START, **{name: value}).words() for value in values}
    assert len(words) == 1 + sum(map(len, rivals.GRID.values()))  # all are told apart, so each has a row of its own
    assert all(rivals.DOCUMENTED[peer].words() != rivals.START.words() for peer in rivals.PEERS)


def test_every_training_has_a_row_of_its_own() -> None:
    keys = [
        tuple(key_of(race.Training(rival, way, told, seed).key(budget)).items())
        for rival in race.RIVALS
        for way in race.WAYS
        for told in (False, True)
        for seed in range(3)
        for budget in (15.0, 30.0)
    ]
    assert len(set(keys)) == len(keys)


def test_a_walk_has_no_more_calls_than_allowed() -> None:
    assert rivals.split("ddim-250", 50) == ("ddim", 50)
    assert rivals.split("gam1.6-20", 50) == ("gam1.6", 20)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # theirs
@pytest.mark.parametrize("told", [False, True], ids=["not told", "told"])
@pytest.mark.parametrize("peer", rivals.PEERS)
def test_a_peer_learns_and_draws_by_all_its_ways(peer: str, told: bool) -> None:
    if not importlib.util.find_spec(LIBRARIES[peer]):
        pytest.skip(f"{peer} is not installed")
    torch.manual_seed(0)
    model = rivals.PEERS[peer](rivals.START, told)
    images, labels = torch.rand(4, 1, 16, 16) * 2 - 1, torch.arange(4) if told else None
    model.loss(images, labels).backward()
    assert all(weight.grad is not None for weight in model.parameters())
    with torch.no_grad():
        for sampler in rivals.SAMPLERS[peer]:
            drawn = model.eval().draw(2, None if labels is None else labels[:2], *rivals.split(sampler, 4))
            assert drawn.shape == (2, 1, 16, 16)
            assert bool(drawn.isfinite().all())


# --- a training ------------------------------------------------------------------------------------


def test_what_is_done_in_a_pause_is_not_counted() -> None:
    clock = child.Clock(None, 1)
    before = clock.now()
    with clock.pause():
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    assert clock.now() - before < 0.1
    assert child.Clock(time.time() - 5, 1).now() >= 5


def test_two_threads_need_half_the_processor_time() -> None:
    one, two = child.Clock(None, 1), child.Clock(None, 2)
    assert two.now() == pytest.approx(one.now() / 2, rel=0.01)


def test_each_picture_comes_once_before_one_comes_again() -> None:
    images, labels = torch.arange(10.0).view(10, 1), torch.arange(10)
    given = child.batches(images, labels, 5)
    for _ in range(3):
        parts = [next(given) for _ in range(2)]
        assert torch.cat([part[0] for part in parts]).flatten().sort().values.tolist() == list(range(10))
        assert all(torch.equal(part[0].flatten().long(), part[1]) for part in parts if part[1] is not None)


def test_the_average_by_hand() -> None:
    """After 1 and 2: the first share of the new is 9/10, then 9/11."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = child.Average(model, 0.999)
    for value in (1.0, 2.0):
        nn.init.constant_(model.weight, value)
        average.update()
    with average.shown():
        assert model.weight.item() == pytest.approx(0.9 + (2 - 0.9) * 9 / 11)
    assert model.weight.item() == 2.0


class Toy(nn.Module):
    """Learns the mean of the pictures, and draws it."""

    def __init__(self, settings: rivals.Settings, told: bool) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1, 1, 2, 2))

    def loss(self, images: Tensor, labels: Tensor | None) -> Tensor:
        return ((images - self.mean) ** 2).mean()

    def draw(self, count: int, labels: Tensor | None, way: str, calls: int) -> Tensor:
        return self.mean.detach().expand(count, -1, -1, -1) + calls


class Ticking(child.Clock):
    """A second each time it is asked, but not in a pause."""

    ticks = 0.0

    def raw(self) -> float:
        self.ticks += 1
        return self.ticks


def toy(
    tmp_path: Path, settings: rivals.Settings, budgets: list[float], monkeypatch: pytest.MonkeyPatch, said: str
) -> child.Loop:
    monkeypatch.setitem(rivals.PEERS, "toy", Toy)
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    job: dict[str, Any] = {
        "rival": "toy", "told": False, "seed": 0, "settings": vars(settings), "budgets": budgets, "reduced": False,
        "count": 3, "most_calls": 50, "samplers": ["a-0", "b-1"], "folder": str(tmp_path),
    }  # fmt: skip
    return child.Loop(job, Ticking(None, 1))


def test_a_steady_training_is_looked_at_on_its_way_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = toy(tmp_path, rivals.Settings(rate=0.1, batch=2), [10.0, 30.0, 90.0], monkeypatch, "go\nstop\n")
    loop.run(torch.full((4, 1, 2, 2), 0.5), None)
    looks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [10 <= looks[0]["seconds"] < 13, 30 <= looks[1]["seconds"] < 33, len(looks)] == [True, True, 2]
    assert 0 < looks[0]["updates"] < looks[1]["updates"]
    a, b = (torch.load(looks[1]["drawn"][name]["file"]) for name in ("a-0", "b-1"))
    assert a.shape == (3, 1, 2, 2)
    assert b.eq(1).all()  # cut to what a picture can be
    assert 0.3 < a.mean() < 0.7


def test_a_rate_with_an_end_falls_to_nothing_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = toy(tmp_path, rivals.Settings(rate=0.1, batch=2, ends=True), [200.0], monkeypatch, "")
    rates = []
    plain = loop.update

    def update(data: Any) -> None:
        plain(data)
        rates.append(loop.optimizers[0].param_groups[0]["lr"])

    monkeypatch.setattr(loop, "update", update)
    loop.run(torch.full((4, 1, 2, 2), 0.5), None)
    assert rates[0] < 0.1 / 40
    assert 0.04 < max(rates) < 0.1
    assert rates[-1] < 0.001


def test_a_training_of_ours_in_a_process_of_its_own(tmp_path: Path) -> None:
    given = type("Given", (), {"threads": 1, "clock": "processor", "count": 2, "most_calls": 1})
    job = race.job_of(race.Training(race.OURS, "documented", True, 0), str(tmp_path), given)  # type: ignore[arg-type]
    (said,) = race.looks({**job, "updates": 2})
    assert said["updates"] == 2
    assert said["seconds"] > 1  # the imports alone take longer
    assert torch.load(said["drawn"]["own"]["file"]).shape == (2, 1, 16, 16)


@pytest.mark.skipif(importlib.util.find_spec("torchcfm") is not None, reason="it is there")
def test_a_peer_that_is_not_installed_is_missing(tmp_path: Path) -> None:
    given = type("Given", (), {"threads": 1, "clock": "processor", "count": 2, "most_calls": 1})
    training = race.Training("torchcfm", "documented", True, 0, rivals.DOCUMENTED["torchcfm"])
    job = race.job_of(training, str(tmp_path), given)  # type: ignore[arg-type]
    with pytest.raises(race.MissingError, match="No module named 'torchcfm'"):
        list(race.looks({**job, "budgets": [1.0]}))


# --- the table -------------------------------------------------------------------------------------


def row(entry: str, way: str, seed: int, seconds: list[float], over: list[float | None]) -> dict[str, Any]:
    return {"entry": entry, "way": way, "told": True, "seed": seed, "seconds": seconds, "over_floor": over}


ROWS = [
    *(row(race.OURS, "documented", seed, [10.0], [3.0]) for seed in range(3)),
    *(row(race.OURS, "documented", seed, [20.0 + seed], [1.4]) for seed in range(3)),
    row("torchcfm", "tuned", 0, [30.0, 60.0], [8.0, 4.0]),
    row("torchcfm", "tuned", 1, [31.0, 61.0], [3.9, 2.1]),
    row("torchcfm", "tuned", 2, [32.0, 62.0], [None, 2.0]),
]


def test_a_level_is_reached_at_the_first_look_and_the_median_counts() -> None:
    found = race.reached(ROWS)
    assert found[("minigen", "documented", True)][1] == [(10.0, 3.0), (21.0, 1.4)]
    theirs = found[("torchcfm", "tuned", True)]
    assert race.seconds_to(4.0, theirs) == 60.0
    assert race.seconds_to(2.0, theirs) == float("inf")


def test_the_table_says_what_was_not_reached_and_how_near_it_came() -> None:
    ours, theirs = race.table(ROWS).splitlines()[2:]
    assert ours == "| minigen, told | 3 | 10 s | 21 s | 21 s |"
    assert theirs == (
        "| torchcfm, tuned, told | 3 | 60 s, 6.0 times | not in 61 s (2.1), more than 2.9 times"
        " | not in 61 s (2.1), more than 2.9 times |"
    )

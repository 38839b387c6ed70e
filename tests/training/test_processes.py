"""Several processes do together what one does alone, also when they are killed and go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import helpers_processes as helpers
import pytest
import torch
from helpers_core import PATIENCE

from minigen.base import store
from minigen.training import Processes, together

TESTS = Path(__file__).parents[1]
WAITS = ("join_timeout", "close_timeout", "heartbeat_timeout", "read_timeout", "keep_alive_max_attempt")
"""What torchrun gives up on, by seconds or by attempts: after 15 seconds without a sign of life, for one."""


def torchrun(*arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """A command in several processes that find each other."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command.append(f"--rdzv-conf={','.join(f'{name}={PATIENCE}' for name in WAITS)}")
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=PATIENCE, cwd=TESTS.parent)


def shared(kind: str, out: Path, die_after: int = 0) -> subprocess.CompletedProcess[str]:
    return torchrun(str(TESTS / "helpers_processes.py"), kind, str(out), str(die_after))


@pytest.mark.parametrize("kind", ["noise", "causal", "classifier"])
def test_two_processes_follow_the_path_of_one(kind: str, tmp_path: Path) -> None:
    """Same batches, same dice, same losses and, in the end, the same weights up to rounding."""
    alone = tmp_path / "alone.safetensors"
    history = helpers.run(kind, alone)
    found = shared(kind, tmp_path / "shared.safetensors")
    assert found.returncode == 0, found.stderr[-3000:]
    weights, about = store.load(tmp_path / "shared.safetensors")
    assert about["loss"] == pytest.approx(history.loss, rel=1e-4)
    assert about["images_seen"] == history.images_seen == helpers.ITERATIONS * 16
    for name, value in store.load(alone)[0].items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-4, msg=name)
    fresh = helpers.make(kind)[0].state_dict()
    assert any(not torch.allclose(weights[name], value, atol=1e-3) for name, value in fresh.items()), "it trained"


def test_killed_and_resumed(tmp_path: Path) -> None:
    """All die in the fifth of six iterations; the next run goes on from the fourth and ends as if nothing was."""
    out, whole = tmp_path / "killed.safetensors", tmp_path / "whole.safetensors"
    assert shared("noise", out, die_after=4).returncode != 0
    assert not out.exists()
    assert store.load(out.with_suffix(".checkpoint"))[1]["iteration"] == 4
    assert shared("noise", out).returncode == 0
    assert shared("noise", whole).returncode == 0
    (weights, about), (expected, expected_about) = store.load(out), store.load(whole)
    assert about == expected_about
    assert all(torch.equal(weights[name], value) for name, value in expected.items())


def test_the_command_line_under_torchrun(tmp_path: Path) -> None:
    """One file, written once; a batch that can't be shared is refused by all."""
    options = ["digits-features", "--runs", str(tmp_path), "--iterations", "2", "--device", "cpu"]
    found = torchrun("-m", "minigen", "train", *options, "--batch-size", "8")
    assert found.returncode == 0, found.stderr[-3000:]
    assert found.stdout.count("after 2 iterations") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits-features.json", "digits-features.safetensors"]
    found = torchrun("-m", "minigen", "train", *options, "--batch-size", "9")
    assert found.returncode != 0
    assert "batch_size is 9 with 2 processes; allowed: multiples of 2; the nearest is 8" in found.stderr


def test_parts_of_a_batch() -> None:
    """Together they are the whole, once."""
    rows = torch.arange(12)
    for count in (1, 2, 3, 4):
        parts = [rows[Processes(rank, count).part(12)] for rank in range(count)]
        assert torch.equal(torch.cat(parts), rows)
    with pytest.raises(
        ValueError, match="batch_size is 12 with 5 processes; allowed: multiples of 5; the nearest is 1"
    ):
        Processes(0, 5).part(12)


def test_alone_there_is_nothing_to_join() -> None:
    with together() as processes:
        assert processes == Processes(0, 1)
        assert processes.any(True)
        assert not processes.any(False)
        assert float(processes.mean(torch.tensor(3.0))) == 3

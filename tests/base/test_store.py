"""Files are written whole or not at all, read back exactly, and never unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from minigen.base import store

TENSORS = {
    "half": torch.tensor([1.5, -2.0], dtype=torch.float16),
    "brain": torch.tensor([1.5, 3e38], dtype=torch.bfloat16),
    "single": torch.tensor([[0.1, float("nan")], [float("-inf"), -0.0]]),
    "double": torch.tensor([1 / 3], dtype=torch.float64),
    "byte": torch.arange(256).to(torch.uint8),
    "long": torch.tensor([2**62, -1]),
    "flag": torch.tensor([True, False]),
    "number": torch.tensor(7.0),
    "empty": torch.zeros(0, 3),
}
ABOUT = {"seed": 0, "list": [1, 2.5, None, True], "nested": {"ä": "é"}, "number": 0.1}


def test_round_trip_of_every_dtype(tmp_path: Path) -> None:
    path = store.save(tmp_path / "new" / "folder" / "w.safetensors", TENSORS, ABOUT)
    tensors, about = store.load(path)
    assert about == ABOUT
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert tensors[name].shape == value.shape
        bits = (t.reshape(-1).contiguous().view(torch.uint8) for t in (tensors[name], value))
        assert torch.equal(*bits), name


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    one = store.save(tmp_path / "a", TENSORS, ABOUT)
    other = store.save(tmp_path / "b", TENSORS, dict(reversed(ABOUT.items())))
    assert one.read_bytes() == other.read_bytes()
    assert store.checksum(one) == hashlib.sha256(one.read_bytes()).hexdigest()


def test_shared_strided_and_trainable_tensors_are_saved(tmp_path: Path) -> None:
    base = torch.arange(6.0).view(2, 3)
    weight = nn.Parameter(torch.ones(2))
    path = store.save(tmp_path / "w", {"base": base, "same": base, "turned": base.T, "weight": weight}, {})
    tensors, _ = store.load(path)
    assert torch.equal(tensors["turned"], base.T)
    assert torch.equal(tensors["same"], base)
    assert torch.equal(tensors["weight"], torch.ones(2))


@pytest.mark.parametrize("failing", ["replace", "fsync", "chmod"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    path = store.save(tmp_path / "w.safetensors", {"w": torch.ones(2)}, {"version": 1})
    old = path.read_bytes()

    def crash(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(os, failing, crash)
        with pytest.raises(type(error)):
            store.save(path, {"w": torch.zeros(9)}, {"version": 2})
        with pytest.raises(type(error)):
            store.write_atomically(tmp_path / "other", b"new")
    assert path.read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["w.safetensors"]  # and no temporary file stays
    store.save(path, {"w": torch.zeros(9)}, {"version": 2})
    assert store.load(path)[1] == {"version": 2}


def test_the_content_is_on_disk_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order of the calls: all bytes written and synced, in the same folder, and only then renamed."""
    calls: list[str] = []
    sync, replace = os.fsync, os.replace

    def log_sync(descriptor: int) -> None:
        calls.append(f"sync {os.fstat(descriptor).st_size}")
        sync(descriptor)

    def log_replace(old: str, new: Path) -> None:
        calls.append(f"rename within one folder: {Path(old).parent == Path(new).parent}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", log_sync)
    monkeypatch.setattr(os, "replace", log_replace)
    path = store.write_atomically(tmp_path / "x", b"12345")
    assert calls == ["sync 5", "rename within one folder: True"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.9, 0.9999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = store.save(tmp_path / "w.safetensors", {"w": torch.randn(4000)}, ABOUT)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"w\.safetensors', which can't be read .*; allowed: a whole \.safetensors"):
        store.load(path)


@pytest.mark.parametrize("content", [b"hello", b"\x00" * 100, b"\xff" * 100, b"{}", b"PK\x03\x04" + b"\x00" * 60])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="can't be read"):
        store.load(path)


def test_safetensors_of_somebody_else_are_refused(tmp_path: Path) -> None:
    for number, metadata in enumerate((None, {"format": "pt"}, {"about": "no JSON"})):
        path = tmp_path / f"{number}.safetensors"
        save_file({"w": torch.ones(2)}, path, metadata=metadata)
        with pytest.raises(ValueError, match=r"allowed: a whole \.safetensors file made by minigen"):
            store.load(path)


def test_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    for number, write in enumerate((lambda p: p.write_bytes(pickle.dumps(Evil())), lambda p: torch.save(Evil(), p))):
        path = tmp_path / f"{number}.safetensors"
        write(path)
        with pytest.raises(ValueError, match="can't be read"):
            store.load(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"which is no file; allowed: a \.safetensors file"):
            store.load(path)


def test_json_is_readable(tmp_path: Path) -> None:
    path = store.save_json(tmp_path / "x.json", ABOUT)
    assert json.loads(path.read_text()) == ABOUT
    assert path.read_text().endswith("}\n")
    assert '  "seed": 0' in path.read_text()


def test_what_is_no_json_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        store.save(tmp_path / "x", {"w": torch.ones(1)}, {"bad": torch.ones(1)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3, 3), (1, 7), (2, 3, 4)])
def test_packed_weights_come_back_to_half_a_step_of_their_row(shape: tuple[int, ...]) -> None:
    """Each row has its own scale: a small row beside a large one keeps its precision; zeros stay zeros."""
    torch.manual_seed(0)
    weights = torch.randn(shape) * torch.logspace(-3, 3, shape[0]).view(-1, *[1] * (len(shape) - 1))
    weights[0] = 0
    packed = store.pack({"w": weights, "b": weights.flatten()})
    assert packed["w"].dtype == torch.int8
    assert packed["b"].dtype == torch.float16
    back = store.unpack(packed)
    assert set(back) == {"w", "b"}
    assert back["w"].shape == weights.shape
    step = weights.flatten(1).abs().amax(dim=1) / 127
    error = (back["w"] - weights).flatten(1).abs().amax(dim=1)
    assert bool((error <= 0.5001 * step).all())
    assert bool((back["w"][0] == 0).all())


def test_what_is_not_packed_is_left_alone() -> None:
    """Older files hold float16 and no scales."""
    old = {"w": torch.ones(2, 2).half(), "w.scale.bias": torch.ones(3)}
    assert store.unpack(old) == old


# --- what is there already -------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    for save in (store.write_atomically, lambda path, content: store.check_writable("out", path)):
        with pytest.raises(
            ValueError, match=r"is no file but a pipe, a device or the like; allowed: the path of a file"
        ):
            save(pipe, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["pipe.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_stays_a_link_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    file, link = tmp_path / "far" / "w.bin", tmp_path / "link.bin"
    file.write_bytes(b"old")
    link.symlink_to(file)
    store.write_atomically(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    dangling = tmp_path / "later.bin"
    dangling.symlink_to(tmp_path / "far" / "later.bin")
    store.write_atomically(dangling, b"new")
    assert dangling.is_symlink()
    assert (tmp_path / "far" / "later.bin").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = store.write_atomically(tmp_path / "a", b"old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(mode)
    store.write_atomically(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


KILLED = """
import os, signal
from minigen.base import store

def die(number):
    os.kill(os.getpid(), signal.SIGKILL)

os.fsync = die
store.write_atomically({path!r}, b"half")
"""


@pytest.mark.skipif(os.name != "posix", reason="asks whether a process is there")
def test_what_a_killed_save_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    killed = subprocess.run([sys.executable, "-c", KILLED.format(path=str(path))], timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    assert not path.exists()
    alive = tmp_path / f"{store._mark(path, os.getppid())}abc"  # of a process that still runs: it may be writing
    other = tmp_path / f".w.bin.elsewhere-{2**22 + 1}-abc"  # of another machine, whose processes nobody here knows
    for each in (alive, other):
        each.write_bytes(b"")
    store.write_atomically(path, b"whole")
    assert {each.name for each in tmp_path.iterdir()} == {"w.bin", alive.name, other.name}


def test_files_that_belong_together_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "w.safetensors", tmp_path / "w.json"]
    store.write_together(dict.fromkeys(paths, b"old"))
    whole, calls = os.fsync, []

    def full(number: int) -> None:
        calls.append(number)
        if len(calls) == 2:
            raise OSError("disk full")
        whole(number)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="disk full"):
            store.write_together(dict.fromkeys(paths, b"new"))
    assert [path.read_bytes() for path in paths] == [b"old", b"old"]
    assert len(list(tmp_path.iterdir())) == 2
    store.write_together(dict.fromkeys(paths, b"new"))
    assert [path.read_bytes() for path in paths] == [b"new", b"new"]


def test_a_full_disk_shows_at_the_start(tmp_path: Path) -> None:
    store.check_writable("checkpoint", tmp_path / "w", size=1000)
    with pytest.raises(
        ValueError, match=r"checkpoint is .* MB are free; allowed: a folder with at least 1000000000000 MB"
    ):
        store.check_writable("checkpoint", tmp_path / "w", size=10**18)

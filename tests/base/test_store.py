"""Files are written whole or not at all, read back exactly, and never unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import stat
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

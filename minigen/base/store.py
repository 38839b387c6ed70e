"""Files: weights as safetensors, everything else as JSON in their metadata; nothing is ever unpickled.

A file is written whole or not at all: to a temporary name in the same folder, synced, then renamed.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as _to_bytes
from torch import Tensor

from minigen.base.errors import check_path


def write_atomically(path: str | Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` so that a crash at any moment leaves the old file or the new one.

    A link stays a link, and the file that it leads to is written. A file that is replaced keeps its mode.

    Raises:
        ValueError: if there is something at ``path`` that is no file, which would be lost: a folder, a pipe, a device.

    >>> import tempfile
    >>> write_atomically(Path(tempfile.mkdtemp()) / "a" / "note.txt", b"hello").read_bytes()
    b'hello'
    """
    return write_together({path: content})[0]


def write_together(contents: Mapping[str | Path, bytes]) -> list[Path]:
    """``write_atomically`` for files that belong together: what can fail has passed before the first is replaced."""
    paths, temporary = [Path(path) for path in contents], list[Path]()
    places = [check_file("path", path) for path in paths]
    try:
        for place, content in zip(places, contents.values(), strict=True):
            temporary.append(_written(place, content))
        for place, made in zip(places, temporary, strict=True):
            os.replace(made, place)
    except BaseException:
        for made in temporary:
            made.unlink(missing_ok=True)
        raise
    return paths


def _written(place: Path, content: bytes) -> Path:
    """``content`` in a synced temporary file beside ``place``, with the mode that a file there has or would have."""
    place.parent.mkdir(parents=True, exist_ok=True)
    _sweep(place)
    # closed before it is renamed: Windows renames no open file
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=_mark(place, os.getpid()), delete=False) as file:
        made = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    try:
        os.chmod(made, stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o644)  # a temporary one is private
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return made


def _mark(place: Path, process: int | str) -> str:
    """How the names of temporary files begin: by them a later save knows whose they were."""
    return f".{place.name}.{socket.gethostname()}-{process}-"


def _sweep(place: Path) -> None:
    """Remove what saves of this file have left that were killed: those of processes that are no more."""
    if os.name != "posix":  # elsewhere asking whether a process is there may end it
        return
    start = _mark(place, "")[:-1]
    for left in place.parent.glob(f"{glob.escape(start)}*"):
        number = left.name.removeprefix(start).partition("-")[0]
        if number.isdigit() and not _runs(int(number)):
            left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check_file(argument: str, path: str | Path) -> Path:
    """Where a file is or would be, links followed; raise if something else is there, which saving would destroy."""
    check_path(argument, path)
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        what = "a folder" if place.is_dir() else "no file but a pipe, a device or the like"
        raise ValueError(f"{argument} is {str(path)!r}, which is {what}; allowed: the path of a file")
    return place


def check_writable(argument: str, path: str | Path, size: int = 0) -> Path:
    """Return ``path`` if a file of ``size`` bytes can be written there, else raise: asked before long work, not after.

    Missing folders are made.

    >>> check_writable("checkpoint", "/")
    Traceback (most recent call last):
    ValueError: checkpoint is '/', which is a folder; allowed: the path of a file
    """
    try:
        place = check_file(argument, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place.parent):
            pass
        free = shutil.disk_usage(place.parent).free
    except OSError as reason:
        raise ValueError(
            f"{argument} is {str(path)!r}, where nothing can be written ({reason.strerror}); allowed: a"
            " path in a folder that you may write to"
        ) from reason
    if free < size:
        raise ValueError(
            f"{argument} is {str(path)!r}, where {free / 1e6:.0f} MB are free; allowed: a folder with at least"
            f" {size / 1e6:.0f} MB"
        )
    return Path(path)


def save(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    """Save named tensors and a JSON-able description as one safetensors file, atomically.

    >>> import tempfile, torch
    >>> path = save(Path(tempfile.mkdtemp()) / "w.safetensors", {"w": torch.ones(2)}, {"seed": 0})
    >>> load(path)
    ({'w': tensor([1., 1.])}, {'seed': 0})
    """
    return write_atomically(path, to_bytes(tensors, about))


def to_bytes(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> bytes:
    """What ``save`` writes."""
    # clone: safetensors refuses tensors that share memory, and a running job goes on changing them
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return _to_bytes(plain, metadata={"about": json.dumps(about, sort_keys=True)})


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors (on the CPU) and the description that ``save`` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole safetensors file, or was not written by ``save``.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path is {str(path)!r}, which is no file; allowed: a .safetensors file of minigen's")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            if not isinstance(about, dict):
                raise ValueError("what it says of itself is no dictionary")
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, RecursionError, TypeError, RuntimeError) as reason:
        raise ValueError(
            f"path is {str(path)!r}, which can't be read ({reason}); allowed: a whole .safetensors file made by minigen"
        ) from reason


def pack(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for shipping, a byte each: every row as whole numbers from -127 to 127 and one scale.

    Vectors (biases, norms), which are few and matter more, stay float16. ``unpack`` undoes it, up to
    0.4 % of each row's largest weight.

    >>> import torch
    >>> packed = pack({"w": torch.tensor([[1.0, -0.5], [20.0, 10.0]]), "b": torch.tensor([0.5])})
    >>> packed["w"].tolist(), packed["w.scale"].shape, packed["b"].dtype
    ([[127, -64], [127, 64]], torch.Size([2, 1]), torch.float16)
    """
    packed = {}
    for name, value in weights.items():
        if value.dim() < 2:
            packed[name] = value.detach().half()
            continue
        flat = value.detach().float().flatten(1)
        scale = (flat.abs().amax(dim=1) / 127).clamp(min=1e-30).view(-1, *[1] * (value.dim() - 1))
        packed[name], packed[f"{name}.scale"] = (value.detach().float() / scale).round().to(torch.int8), scale
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that ``pack`` packed, as float32; what is not packed is left as it is.

    >>> import torch
    >>> unpack(pack({"w": torch.tensor([[127.0, -64.0]])}))
    {'w': tensor([[127., -64.]])}
    """
    scales = {name for name in packed if f"{name}.scale" in packed}
    return {
        name: value.float() * packed[f"{name}.scale"] if name in scales else value
        for name, value in packed.items()
        if name.removesuffix(".scale") not in scales or name in scales
    }


def digest(tensors: Mapping[str, Tensor], most: int | None = None) -> str:
    """The SHA-256 of named tensors: names, kinds, shapes and numbers; of larger ones ``most`` numbers spread over all.

    >>> import torch
    >>> digest({"w": torch.zeros(3)}) == digest({"w": torch.zeros(3)}), digest({"w": torch.ones(3)})[:8]
    (True, '130a856e')
    """
    found = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        flat = value.detach().reshape(-1)
        if most is not None and len(flat) > most:
            flat = flat[torch.linspace(0, len(flat) - 1, most, dtype=torch.float64, device=flat.device).long()]
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(flat.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def checksum(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def save_json(path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write a readable JSON file, atomically."""
    return write_atomically(path, to_json(content))


def to_json(content: Mapping[str, Any]) -> bytes:
    """What ``save_json`` writes."""
    return (json.dumps(content, indent=2) + "\n").encode()

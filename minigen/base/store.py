"""Files: weights as safetensors, everything else as JSON in their metadata; nothing is ever unpickled.

A file is written whole or not at all: to a temporary name in the same folder, synced, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as _to_bytes
from torch import Tensor


def write_atomically(path: str | Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` so that a crash at any moment leaves the old file or the new one.

    >>> import tempfile
    >>> write_atomically(Path(tempfile.mkdtemp()) / "a" / "note.txt", b"hello").read_bytes()
    b'hello'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)  # a temporary file is private by default
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    return path


def check_writable(argument: str, path: str | Path) -> Path:
    """Return ``path`` if a file can be written there, else raise: asked before long work, not after it.

    Missing folders are made.

    >>> check_writable("checkpoint", "/")
    Traceback (most recent call last):
    ValueError: checkpoint is '/', which is a folder; allowed: the path of a file
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise ValueError(f"{argument} is {str(path)!r}, which is a folder; allowed: the path of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as reason:
        raise ValueError(
            f"{argument} is {str(path)!r}, where nothing can be written ({reason.strerror}); allowed: a"
            " path in a folder that you may write to"
        ) from reason
    return path


def save(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    """Save named tensors and a JSON-able description as one safetensors file, atomically.

    >>> import tempfile, torch
    >>> path = save(Path(tempfile.mkdtemp()) / "w.safetensors", {"w": torch.ones(2)}, {"seed": 0})
    >>> load(path)
    ({'w': tensor([1., 1.])}, {'seed': 0})
    """
    # clone: safetensors refuses tensors that share memory, and a running job goes on changing them
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return write_atomically(path, _to_bytes(plain, metadata={"about": json.dumps(about, sort_keys=True)}))


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
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, json.JSONDecodeError) as reason:
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


def checksum(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def save_json(path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write a readable JSON file, atomically."""
    return write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())

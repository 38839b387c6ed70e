"""What the machine can do: which device, and whether it computes in bfloat16."""

from __future__ import annotations

import os
import platform

import torch

from minigen.base.errors import check_choice
from minigen.training.processes import Processes


def pick_device(name: str = "auto") -> torch.device:
    """The device of this name; "auto" is a GPU if there is one.

    >>> pick_device("gpu")
    Traceback (most recent call last):
    ValueError: device is 'gpu'; allowed: 'auto', 'cpu', 'cuda', 'cuda:0' and so on
    """
    if name == "auto":
        return _own_gpu()
    kind, _, number = str(name).partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ValueError(f"device is {name!r}; allowed: 'auto', 'cpu', 'cuda', 'cuda:0' and so on")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {name!r}, but torch finds no GPU; allowed here: 'auto', 'cpu'")
    return torch.device(name)


def _own_gpu() -> torch.device:
    """The GPU of this process among those of its machine; without one, the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if Processes.here().count > 1 else torch.device("cuda")


def pick_precision(name: str, device: torch.device) -> str:
    """ "float32" or "bfloat16"; "auto" is bfloat16 only where the hardware computes in it."""
    check_choice("precision", name, ("auto", "float32", "bfloat16"))
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # torch has no public question for this yet; without an answer float32 is always right
    has = [getattr(torch.cpu, f"_is_{feature}_supported", lambda: False) for feature in ("avx512_bf16", "amx_tile")]
    return "bfloat16" if any(question() for question in has) else "float32"


def device_name(device: torch.device) -> str:
    """What a device is called: the name of a GPU, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def hardware(device: str, threads: int) -> str:
    """What a run ran on, without naming a machine: the name of a GPU, or how many threads of which kind of CPU."""
    return f"{threads} CPU threads ({platform.machine()})" if device == "cpu" else device

"""Where a number comes from: the command as it ran, the code's revision, and the machine, without naming it."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

ORIGIN = ("command", "date", "revision", "machine", "threads", "torch")
"""What ``origin`` says."""

REPOSITORY = Path(__file__).resolve().parents[2]


def code_revision() -> str:
    """The commit of the code, or the package's version outside of a repository."""
    try:
        command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--exclude", "*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "outside of a repository"


def this_command(leave_out: str = "--out") -> str:
    """The command line that runs now, as one would type it in the repository, wherever it was typed.

    Without ``--out FILE``, which changes no number.

    >>> sys.argv, kept = ["benchmarks/cache.py", "--rounds", "2", "--out", "other.json"], sys.argv
    >>> this_command()
    'python benchmarks/cache.py --rounds 2'
    >>> sys.argv = kept
    """
    script, *words = sys.argv
    words = [word for before, word in zip(["", *words], words, strict=False) if leave_out not in (before, word)]
    words = [word for word in words if not word.startswith(f"{leave_out}=")]
    path = Path(script).resolve()
    shown = path.relative_to(REPOSITORY).as_posix() if path.is_relative_to(REPOSITORY) else path.name
    return shlex.join(["python", shown, *words])


def origin() -> dict[str, Any]:
    """Command, date, revision and machine of what is measured now, for a results file.

    >>> tuple(origin()) == ORIGIN
    True
    """
    return {
        "command": this_command(),
        "date": date.today().isoformat(),
        "revision": code_revision(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
    }

"""Where a number comes from: the code's revision, and the machine, without naming it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def code_revision() -> str:
    """The commit of the code, or the package's version outside of a repository."""
    here = Path(__file__).parent
    try:
        command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--exclude", "*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "outside of a repository"

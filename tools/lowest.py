"""The lowest versions that the package allows, as pip reads them: ``python tools/lowest.py > lowest.txt``.

They are taken from ``pyproject.toml``, so that what a workflow installs is what is promised there.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def lowest(dependencies: list[str]) -> list[str]:
    """Each lower bound as a pin.

    >>> lowest(["torch>=2.9", "numpy>=1.26"])
    ['torch==2.9', 'numpy==1.26']
    >>> lowest(["torch"])
    Traceback (most recent call last):
    ValueError: dependency is 'torch'; allowed: a name and a lower bound alone, such as 'torch>=2.9'
    """
    pins = []
    for each in dependencies:
        found = re.fullmatch(r"([\w.-]+)>=([\w.]+)", each)
        if found is None:
            raise ValueError(f"dependency is {each!r}; allowed: a name and a lower bound alone, such as 'torch>=2.9'")
        pins.append(f"{found[1]}=={found[2]}")
    return pins


def main() -> int:
    """Print a line for each dependency."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    print(*lowest(said["project"]["dependencies"]), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What longer measurements found: the results files, written and read in one place."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from minigen.base.errors import check_choice

RESULTS = Path(str(files("minigen.course") / "results"))


def stored(name: str) -> dict[str, Any]:
    """What a longer measurement found, as committed with the package: the content of results/NAME.json.

    Its "command" makes the file anew. Chapters plot from these what takes too long to measure in a notebook.

    Raises:
        ValueError: if there is no such measurement; it names those that there are.
    """
    known = sorted(path.stem for path in RESULTS.glob("*.json"))
    content: dict[str, Any] = json.loads((RESULTS / f"{check_choice('name', name, known)}.json").read_text())
    return content

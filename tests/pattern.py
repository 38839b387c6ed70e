"""Which chapters are lessons by now: what the tests hold a done chapter to, they ask of these."""

from __future__ import annotations

DONE: list[str] = [
    "curve-fitting",
    "blurry-average",
    "missing-pixels",
    "auto-regression",
    "patches",
    "spreading",
    "diffusion",
    "few-steps",
    "one-network",
    "causal",
    "frontier",
    "prompts",
    "guidance",
    "future",
    "your-pictures",
    "four-choices",
]
"""Names of notebooks in ``book``, without ``.ipynb``."""

"""The queue of the fair trial: what is listed can be trained."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import trial

from minigen import recipes


def test_no_training_is_listed_twice_and_every_recipe_is_known() -> None:
    assert len({(job.net, job.seed, job.variant) for job in trial.JOBS}) == len(trial.JOBS)
    assert {job.net for job in trial.JOBS} <= set(recipes.RECIPES)
    assert [job.net for job in trial.JOBS[:4]] == [*trial.CAUSAL, *trial.CAUSAL]

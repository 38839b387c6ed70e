"""The queue of the fair trial: what is listed can be trained."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import trial
import trial_options

from minigen import recipes


def test_no_training_is_listed_twice_and_every_recipe_is_known() -> None:
    assert len({(job.net, job.seed, job.variant) for job in trial.JOBS}) == len(trial.JOBS)
    assert {job.net for job in trial.JOBS} <= set(recipes.RECIPES)
    assert [job.net for job in trial.JOBS[:4]] == [*[trial.CONV] * 3, trial.MIXED]


def test_every_curve_is_of_a_net_that_is_trained_or_shipped() -> None:
    listed = {(job.net, job.variant) for job in trial.JOBS}
    assert all((curve.net, curve.variant) in listed for curve in trial_options.CURVES)


def test_of_equal_pairs_the_one_that_does_less_is_chosen() -> None:
    rows = [
        {"temperature": t, "guidance_scale": s, "frechet": f}
        for t, s, f in ((0.9, 1.25, 6.0), (1.0, 1.25, 6.0), (0.9, 1.5, 6.0), (1.0, 1.0, 7.0))
    ]
    assert trial_options.chosen(rows) == {"temperature": 1.0, "guidance_scale": 1.25}

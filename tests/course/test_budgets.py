"""The trainings that say what a folder comes to: each is another one, and the usual is what the command line does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from minigen import data
from minigen.course.measurements import key_of
from minigen.zoo.suggestions import FIXED, WAYS, Suggestion

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import budgets


def test_every_training_has_a_row_of_its_own() -> None:
    keys = [tuple(key_of(job.key(smoke=False)).items()) for job in budgets.JOBS]
    assert len(set(keys)) == len(keys)
    assert {job.way for job in budgets.JOBS} == set(WAYS)


@pytest.mark.parametrize("size", [8, 32])
def test_the_usual_way_is_that_of_a_folder(size: int, tmp_path: Path) -> None:
    """The same choices as where nobody chooses, so the same generator, trained in the same way."""
    found = data.folder(data.icons(2, tmp_path / "icons"), size, cache=False)
    job = budgets.Job(1, size)
    usual = Suggestion(found.shape, len(found.names))
    made = budgets.suggestion_of(job, found.shape, len(found.names))
    assert vars(made) == vars(usual)
    assert FIXED.items() <= budgets.settings_of(made).items()
    assert next(iter(WAYS)) == job.way


def test_a_floor_is_of_sets_with_the_same_labels() -> None:
    """A set of one kind alone lies far off; of real sets each kind as often, as the icons are, none does."""
    even, one = (budgets.real_to("icons", 8, "fixed", labels, True) for labels in (tuple(range(8)) * 5, (0,) * 30))
    assert even.floor["spread"] < even.floor["mean"] < one.floor["mean"] / 4
    assert even.ceiling["mean"] > one.ceiling["mean"]


def test_what_keeps_the_weights_is_not_learned_from() -> None:
    """As in a folder: seven tenths, one tenth, and no picture in both; of digits all are of the training split."""
    for what, in_folder in (("icons", 80), ("digits", 100)):
        (learned, labels), (kept_by, _) = budgets.of_folder(budgets.Job(1, 8, in_folder, what=what))
        assert abs(len(learned) - 0.7 * in_folder) <= 1
        assert abs(len(kept_by) - 0.1 * in_folder) <= 1
        assert len(labels) == len(learned)
        assert not {row.numpy().tobytes() for row in learned} & {row.numpy().tobytes() for row in kept_by}

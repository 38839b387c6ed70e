"""The checks of the exercises: the empty stub, right answers, and wrong ones that people give.

A wrong answer must be caught with a message that helps, and the message must not hold the answer. The answers
stand in cases_CHAPTER.py, each chapter's together with the functions that people write.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import cases_auto_regression
import cases_blurry_average
import cases_causal
import cases_curve_fitting
import cases_diffusion
import cases_few_steps
import cases_frontier
import cases_future
import cases_guidance
import cases_missing_pixels
import cases_one_network
import cases_patches
import cases_prompts
import cases_spreading
import cases_your_pictures
import pytest
import torch
from helpers_checks import Case
from torch import Tensor

from minigen.course import checks
from minigen.course.checks import check

CHAPTERS = (
    cases_curve_fitting,
    cases_blurry_average,
    cases_missing_pixels,
    cases_auto_regression,
    cases_patches,
    cases_spreading,
    cases_diffusion,
    cases_few_steps,
    cases_one_network,
    cases_causal,
    cases_frontier,
    cases_prompts,
    cases_guidance,
    cases_future,
    cases_your_pictures,
)
CASES: dict[str, Case] = {name: case for chapter in CHAPTERS for name, case in chapter.CASES.items()}

RIGHT = [(name, given) for name, case in CASES.items() for given in case.rights()]
WRONG = [(name, given, word) for name, case in CASES.items() for given, word in case.wrongs()]


def test_every_exercise_is_in_the_table() -> None:
    assert CASES.keys() == checks.EXERCISES.keys()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_a_chapter_holds_the_cases_of_its_own_exercises(chapter: ModuleType) -> None:
    """So that a case is found beside the check of the same name, and none hides one of another chapter."""
    module = f"minigen.course.checks.{chapter.__name__.removeprefix('cases_')}"
    assert chapter.CASES.keys() == {name for name, judge in checks.EXERCISES.items() if judge.__module__ == module}


@pytest.mark.parametrize("nothing", [None, ...])
@pytest.mark.parametrize("name", CASES)
def test_an_empty_stub_is_not_yet(name: str, nothing: Any) -> None:
    answers = [nothing] * len(CASES[name].rights()[0])
    verdict = check(name, *answers)
    assert not verdict.right
    assert "Put your answer" in verdict.message
    assert repr(verdict).startswith("Not yet.")


@pytest.mark.parametrize(("name", "given"), RIGHT)
def test_a_right_answer_passes(name: str, given: tuple[Any, ...]) -> None:
    verdict = check(name, *given)
    assert verdict.right, verdict.message
    assert len(verdict.message.split()) > 5


@pytest.mark.parametrize(("name", "given", "word"), WRONG)
def test_a_wrong_answer_is_caught_with_a_hint(name: str, given: tuple[Any, ...], word: str) -> None:
    verdict = check(name, *given)
    assert not verdict.right
    assert word in verdict.message
    hint = re.sub(r"is not -?[\d.]+\.", "", verdict.message)  # the reader's own number
    assert not re.search(CASES[name].secret, hint)
    assert len(verdict.message) < 400


@pytest.mark.parametrize(("name", "given", "word"), WRONG)
def test_a_verdict_reads_as_html(name: str, given: tuple[Any, ...], word: str) -> None:
    shown = check(name, *given)._repr_html_()
    assert shown.startswith('<p class="mg-verdict"')
    assert "○ Not yet." in shown


def test_what_a_reader_wrote_is_escaped() -> None:
    def marked(*given: Any) -> None:
        raise ValueError("<b>bold</b>")

    assert "&lt;b&gt;bold" in check("explained", marked)._repr_html_()


def test_a_check_changes_nothing_of_the_world() -> None:
    """Neither torch's random numbers nor the next verdict depend on checks."""
    torch.manual_seed(3)
    before = torch.rand(3)
    torch.manual_seed(3)
    for name, case in CASES.items():
        if name != "leaks":  # the reader's own function draws there
            check(name, *case.rights()[0])
    check("leaks", lambda net: True)
    assert torch.equal(torch.rand(3), before)


def test_a_function_that_writes_into_its_inputs_does_no_harm() -> None:
    def writes(values: Tensor, loss: str) -> Tensor:
        answer = cases_curve_fitting.mean_or_median(values, loss)
        values.zero_()
        return answer

    assert check("best-constant", writes).right


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'first-step'"):
        check("first-stp", 1)

"""What can't work or can't be kept is refused before training, and a training that fails leaves what there is."""

from __future__ import annotations

import math
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import helpers_own as own
import pytest
import torch
from helpers_training import QUIET, same_weights, tiny_recipe, weights
from torch import Tensor

import minigen as mg
from minigen import Generator, data, heads, nets, plans, process, train, zoo
from minigen.base import store
from minigen.base.parts import Part
from minigen.conditions import Condition

ROOTS: tuple[type[Part], ...] = (plans.Plan, heads.Head, nets.Net, process.Schedule, Condition)


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    for root in ROOTS:
        monkeypatch.setattr(root, "known", dict(root.known))


# --- refused before the first update ---------------------------------------------------------------


def choices(**own_one: Any) -> Generator:
    """A generator of tiny parts, one of them given."""
    made = dict(net=own.Plain(), head=own.Absolute(), plan=plans.diffusion()) | own_one
    return Generator(**made)  # type: ignore[arg-type]


def keeps(root: type[Part], what: Any) -> Part:
    """A part that works, and was made with something besides."""

    def init(self: Any, what: Any) -> None:
        root.__init__(self)  # type: ignore[misc]
        self.what = what

    return type("Keeps", (root,), {"__module__": __name__, "__init__": init})(what)


class Lies(own.Curtain):
    """After loading it is another."""

    def settings(self) -> dict[str, Any]:
        return {"width": self.width / 2}


UNSAVED: dict[str, Callable[[], Generator]] = {
    "what=tensor": lambda: choices(net=keeps(own.Plain, torch.zeros(2))),
    "what=<function": lambda: choices(head=keeps(own.Absolute, lambda x: x)),
    "what={1}": lambda: choices(plan=keeps(own.Spiral, {1})),
    "what=nan": lambda: choices(schedule=keeps(own.Root, math.nan)),
    "what={1: 2}": lambda: choices(condition=keeps(own.Thickness, {1: 2})),
    "after loading": lambda: choices(plan=Lies()),
    "curve=<function": lambda: choices(schedule=process.Curve("flow", lambda t: (1 - t, t))),
    "classes=tensor": lambda: choices(net=nets.UNet(torch.tensor(8), widths=(8, 16))),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("said", UNSAVED)
def test_what_can_not_be_loaded_again_is_refused_before_the_first_update(said: str, tmp_path: Path) -> None:
    """The model is left as it was, and no file is made."""
    model = UNSAVED[said]()
    before, images = weights(model), data.digits(8)[0][:16]
    tokens = (torch.rand(16),) if model.condition is not None else ()
    match = said.replace("{", r"\{").removeprefix("classes=")
    for attempt in (
        lambda: train(model, images, *tokens, iterations=1, checkpoint=tmp_path / "checkpoint", **QUIET),
        lambda: train(model, images, *tokens, iterations=1, **QUIET),
        lambda: model.save(tmp_path / "mine.safetensors"),
        lambda: zoo.save(tmp_path, replace(tiny_recipe(), make=lambda: model), model, mg.History()),
    ):
        with pytest.raises((TypeError, ValueError), match=match):
            attempt()
    assert same_weights(model, before)
    assert model.training
    assert not list(tmp_path.iterdir())


def test_a_number_of_a_tensor_is_a_number(tmp_path: Path) -> None:
    _, labels = data.digits(8)
    model = choices(condition=mg.Labels(labels.max() + 1))  # type: ignore[arg-type]
    assert Generator.load(model.save(tmp_path / "mine.safetensors")).condition == mg.Labels(10)


def test_a_curve_that_only_has_the_name_of_ours_is_not_taken_for_it() -> None:
    assert choices(schedule=process.flow).config()["schedule"] == "flow"
    assert choices(schedule=process.Curve("flow", lambda t: (1 - t, t))).config()["schedule"] != "flow"


def test_being_asked_throws_no_dice(tmp_path: Path) -> None:
    """A net that is made again, to see that it can be, leaves torch's own random numbers alone."""
    model = own.MODELS["spiral"]()
    torch.manual_seed(5)
    train(model, *own.lessons(model), iterations=2, batch_size=8, **QUIET)
    model.save(tmp_path / "mine.safetensors")
    found = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(found, torch.rand(3))


def rows(*numbers: list[float], **facts: bool) -> plans.Plan:
    """A plan of four numbers with these rows and no others."""
    table = torch.tensor(numbers)

    def levels(self: Any, progress: Tensor, shape: Any, drawn: Any = None) -> Tensor:
        return table[(progress * (len(table) - 1)).round().long()]

    body = {"levels": levels, "default_steps": lambda self, shape: len(table) - 1, "__module__": __name__, **facts}
    return type("Rows", (plans.Plan,), body)()


FULL, EMPTY = [1.0] * 4, [0.0] * 4
WRONG = {
    "its levels leave": rows(FULL, [1, 1.5, 1, 1], EMPTY),
    "its levels leave ": rows(FULL, [1, math.nan, 1, 1], EMPTY),
    "its first row is not one level above 0": rows([1, 1, 1, 0.5], EMPTY),
    "its first row is not one level": rows(EMPTY, EMPTY),
    "its last row is not all 0, but up to 0.5": rows(FULL, [0, 0, 0.5, 0.0]),
    "a pixel's level rises": rows(FULL, [0.5, 1, 1, 1], [0.75, 0.0, 0, 0], EMPTY),
    "whole is True, and levels lie between 0 and 1": rows(FULL, [0, 0, 0.5, 1], EMPTY, whole=True),
    "alike is True, and its pixels differ": rows(FULL, [0, 0, 1.0, 1], EMPTY, alike=True),
    r"a step writes nothing \(a sum to round\?\)": rows(FULL, [0, 1.0, 1, 1], [0, 1.0, 1, 1], EMPTY, whole=True),
    r"levels\(\) gives shape \(8, 3\); allowed: shape \(8, 4\)": rows(FULL[:3], EMPTY[:3]),
}


@pytest.mark.parametrize("said", WRONG)
def test_a_plan_that_is_none_is_named(said: str) -> None:
    with pytest.raises(ValueError, match=f"^plan Rows: {said}"):
        Generator(nets.MLP(4), own.Absolute(), WRONG[said])
    right = Generator(nets.MLP(4), own.Absolute(), rows(FULL, [0.5, 0.5, 1, 1], EMPTY))
    with pytest.raises(ValueError, match=f"^plan Rows: {said}"):
        right.along(WRONG[said])


def test_a_plan_draws_for_every_image() -> None:
    class Once(own.Lines):
        def draw(self, count: int, shape: plans.Shape, random: torch.Generator) -> Tensor:
            return super().draw(1, shape, random)

    with pytest.raises(ValueError, match=r"^plan Once: draw\(\) gives 1 rows; allowed: one an image, 64 here"):
        choices(plan=Once())


def test_rows_are_trained_as_they_are_walked() -> None:
    """To the bit, so that 49ths, which are no floats exactly, are cut at the same places without being rounded."""

    class Unrounded(own.Spiral):
        def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
            return plans.as_levels(torch.arange(49) >= progress[:, None] * 49, shape)

    plan, shape = Unrounded(), (1, 7, 7)
    progress = plan.draw_progress(500, shape, torch.Generator().manual_seed(0))
    rows = (progress * 49).round().long()
    assert len(rows.unique()) == 49
    assert torch.equal(plan.levels(progress, shape).flatten(1).float(), plan.matrix(shape)[rows])


def test_a_row_with_nothing_to_judge_costs_nothing() -> None:
    """Levels that a float can't tell from 0: the loss is 0, and not 0/0."""
    model = choices(plan=own.Slowly(200.0))
    with torch.no_grad():
        loss = model.loss((data.digits(8)[0][:64],), torch.Generator().manual_seed(0))
    assert 0 < float(loss) < 1


def curves(alpha: Callable[[Tensor], Any], sigma: Callable[[Tensor], Any], **facts: bool) -> process.Schedule:
    """A schedule of these two functions."""
    body = {"alpha": lambda self, t: alpha(t), "sigma": lambda self, t: sigma(t), "__module__": __name__, **facts}
    return type("Curves", (process.Schedule,), body)()


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (curves(lambda t: 1 - t, lambda t: 0.1 + t), "at t = 0 something is lost"),
        (curves(lambda t: 0.9 - 0.9 * t, lambda t: t), "at t = 0 something is lost"),
        (curves(lambda t: (1 - t) * (1 + 3 * t), lambda t: t), "alpha rises"),
        (curves(lambda t: 1 - t, lambda t: t * (1 - t)), "sigma is not above 0"),
        (curves(lambda t: 1 - t / 2, lambda t: t), "at t = 1 something is left, and leaky is False"),
        (curves(lambda t: 1 - t, lambda t: t / (1 - t)), "it is not finite everywhere"),
        (curves(lambda t: 1.0, lambda t: t), r"alpha\(t\) gives a float; allowed: a number for every"),
        (curves(lambda t: 1 - t, lambda t: t.max()), r"sigma\(t\) gives shape \(\); allowed: a number for every"),
    ],
)
def test_a_schedule_that_is_none_is_named(schedule: process.Schedule, said: str) -> None:
    with pytest.raises(ValueError, match=f"^schedule Curves: {said}"):
        choices(schedule=schedule)


def test_a_schedule_that_leaks_says_so() -> None:
    assert choices(schedule=curves(lambda t: 1 - t / 2, lambda t: t, leaky=True)).schedule.leaky


def test_an_argument_that_nobody_gives_is_refused() -> None:
    class Said(own.Thickness):
        argument = "text"

    with pytest.raises(ValueError, match=r"^argument of Said is 'text'; allowed: 'labels', 'prompt'"):
        choices(condition=Said())


@pytest.mark.parametrize(
    ("argument", "given", "said"),
    [
        ("net", nets.UNet, "; call the class to make one"),
        ("net", "UNet", "such as nets.UNet"),
        ("head", own.Coin, "; call the class to make one"),
        ("plan", own.Spiral, "; call the class to make one"),
        ("plan", "diffusion", "such as plans.diffusion"),
        ("schedule", "cosine", "such as process.cosine"),
        ("condition", mg.Labels, "; call the class to make one"),
        ("condition", 10, r"Condition, such as Labels\(10\)"),
        ("condition", "labels", "such as Labels"),
        ("condition", own.Plain(), "such as Labels"),
    ],
)
def test_a_class_or_a_name_in_place_of_a_part(argument: str, given: Any, said: str) -> None:
    with pytest.raises(TypeError, match=f"^{argument} is (?s:.*); allowed: a .*{said}"):
        choices(**{argument: given})


@pytest.mark.parametrize("loss", [lambda x: x.mean(), lambda x: x.flatten(1).mean(1), lambda x: x[:, 0]])
def test_a_head_judges_every_number(loss: Callable[[Tensor], Tensor]) -> None:
    """Else a mean would be broadcast, and train on in silence."""

    class Sums(own.Absolute):
        def loss(self, output: Tensor, x0: Tensor, *given: Any) -> Tensor:  # type: ignore[override]
            return loss((output - x0).abs())

    with pytest.raises(ValueError, match=r"head Sums: loss\(\) gives shape .*; allowed: a loss for every number of x0"):
        choices(head=Sums()).loss((data.digits(8)[0][:4],))


def test_a_path_that_can_not_be_written_is_refused_before_the_first_update(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    model, images = choices(), data.digits(8)[0][:16]
    before = weights(model)
    for path, said in (
        (tmp_path, "which is a folder"),
        (tmp_path / "file" / "checkpoint", "where nothing can be written"),
    ):
        with pytest.raises(ValueError, match=f"^checkpoint is .*{said}"):
            train(model, images, iterations=1, checkpoint=path, **QUIET)
        with pytest.raises(ValueError, match=f"^path is .*{said}"):
            model.save(path)
    assert same_weights(model, before)
    assert (tmp_path / "file").read_text() == "in the way"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("mode", "name"), [(0o555, "checkpoint"), (0o555, "new/checkpoint"), (0, "checkpoint")])
def test_a_folder_of_somebody_else_is_refused(mode: int, name: str) -> None:
    was = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is for its user alone
        os.chmod(folder, mode)
        try:
            if was == 0:  # who may do everything is somebody else for a moment
                os.seteuid(65534)
            with pytest.raises(ValueError, match=r"where nothing can be written \(Permission denied"):
                store.check_writable("checkpoint", Path(folder) / name)
        finally:
            os.seteuid(was)
            os.chmod(folder, 0o700)


# --- a training that fails -------------------------------------------------------------------------


class Fails(own.Absolute):
    """At its third loss something happens; it notes the weights that each update is made with."""

    def __init__(self) -> None:
        self.happens: Callable[[], Any] = lambda: None
        self.seen: list[dict[str, Tensor]] = []
        self.of: Any = None

    def loss(self, *given: Any) -> Tensor:  # type: ignore[override]
        self.seen.append(weights(self.of))
        wrong = self.happens() if len(self.seen) == 3 else None
        return super().loss(*given) * (wrong or 1)


def interrupt(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def explode() -> None:
    raise ZeroDivisionError("of the reader's")


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (explode, ZeroDivisionError),
        (lambda: math.nan, FloatingPointError),
        (lambda: math.inf, FloatingPointError),
        (lambda: interrupt(2), KeyboardInterrupt),
        (interrupt, UserWarning),  # an error in these tests, as python -W error makes it
    ],
    ids=["raises", "nan", "infinite", "twice-ctrl-c", "ctrl-c"],
)
def test_a_training_that_fails_leaves_the_average_in_evaluation_mode(happens: Any, error: type[Exception]) -> None:
    """Of the updates before it: with two, w1 + 9/11 (w2 - w1), since the second decay is (1 + 1) / (10 + 1)."""
    head = Fails()
    model = choices(head=head)
    head.of, head.happens = model.net, happens
    with pytest.raises(error):
        train(model, data.digits(8)[0][:16], iterations=6, batch_size=8, learning_rate=0.05, warmup=0, **QUIET)
    assert not any(module.training for module in model.modules())
    _, one, two = head.seen[:3]
    if happens is interrupt:  # a wish: the third update is made, too
        assert len(head.seen) == 3
        return
    for name, value in weights(model.net).items():
        torch.testing.assert_close(value, one[name] + 9 / 11 * (two[name] - one[name]), rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, two[name])


def test_a_last_validation_that_fails_leaves_the_average_too() -> None:
    head = Fails()
    model = choices(head=head)
    head.of, head.happens = model.net, interrupt
    images = data.digits(8)[0][:16]
    plain = head.loss
    head.loss = lambda *given: plain(*given) if len(head.seen) < 3 else explode()  # type: ignore
    with pytest.raises(ZeroDivisionError):
        train(model, images, iterations=6, validation=(images,), **QUIET)
    assert not model.training
    assert not same_weights(model.net, head.seen[2])

"""A reader's own parts do what the package's do; what can't work or can't be kept is refused before training."""

from __future__ import annotations

import itertools
import json
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
from helpers_core import FOUR, black_white, which
from helpers_training import QUIET, same_weights, tiny_recipe, weights
from torch import Tensor, nn

import minigen as mg
from minigen import Generator, IdealGenerator, data, heads, nets, plans, process, sample, train, trajectory, zoo
from minigen.base import store
from minigen.base.parts import Part
from minigen.conditions import Condition
from minigen.metrics import bits_per_dimension

ROOTS: tuple[type[Part], ...] = (plans.Plan, heads.Head, nets.Net, process.Schedule, Condition)


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    for root in ROOTS:
        monkeypatch.setattr(root, "known", dict(root.known))


@pytest.fixture(scope="module")
def trained() -> dict[str, tuple[Generator, list[float]]]:
    """Every model after its training, and the losses."""
    return {name: own.taught(name) for name in own.MODELS}


EVERY = pytest.mark.parametrize("name", own.MODELS)

# --- trained, sampled, saved -----------------------------------------------------------------------


@EVERY
def test_it_learns(name: str, trained: Any) -> None:
    model, losses = trained[name]
    assert len(losses) == own.ITERATIONS
    assert sum(losses[-3:]) < sum(losses[:3])
    assert not model.training
    assert not same_weights(model, own.MODELS[name]())


@EVERY
def test_interrupted_and_resumed_to_the_bit(
    name: str, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, losses = trained[name]
    plain, calls = Generator.loss, itertools.count(1)

    def loss(self: Generator, *given: Any, **named: Any) -> Tensor:
        if next(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return plain(self, *given, **named)

    monkeypatch.setattr(Generator, "loss", loss)
    with pytest.warns(UserWarning, match="interrupted"):
        _, begun = own.taught(name, tmp_path / "checkpoint")
    assert begun == losses[:4]
    again, resumed = own.taught(name, tmp_path / "checkpoint")
    assert resumed == losses
    assert same_weights(again, model)


@EVERY
def test_saved_and_loaded_it_draws_the_same(name: str, trained: Any, tmp_path: Path) -> None:
    model, _ = trained[name]
    again = Generator.load(model.save(tmp_path / "mine.safetensors"))
    assert [type(part) for part in (again.plan, again.head, again.net, again.schedule, again.condition)] == [
        type(part) for part in (model.plan, model.head, model.net, model.schedule, model.condition)
    ]
    assert json.dumps(again.config()) == json.dumps(model.config())
    expected = own.drawn(model)
    assert all(torch.equal(value, expected[way]) for way, value in own.drawn(again).items())
    if "guided" in expected:
        assert not torch.equal(expected["guided"], expected["told"])


@EVERY
def test_a_trajectory_walks_down_the_rows_of_the_plan(name: str, trained: Any) -> None:
    model, _ = trained[name]
    steps = model.plan.default_steps(model.shape)
    walk = trajectory(model, 2, seed=3)
    assert walk.nfe == steps
    assert torch.equal(walk.images[-1], sample(model, 2, seed=3))
    assert walk.levels.dtype == torch.float32
    assert torch.equal(walk.levels[0].unique(), torch.ones(1))
    assert not walk.levels[-1].any()
    assert bool((walk.levels.diff(dim=0) <= 0).all())
    if not isinstance(model.plan, own.Lines):  # which draws an order for each picture
        matrix = model.plan.matrix(model.shape)
        assert matrix.dtype == torch.float32
        assert torch.equal(walk.levels[:, 0].flatten(1), matrix)


def test_an_order_is_drawn_for_each_picture(trained: Any) -> None:
    """Eight steps, and each writes one line in each picture."""
    levels = trajectory(trained["lines"][0], 6).levels[:, :, 0, :, 0]  # (rows, pictures, lines)
    assert torch.equal(levels.sum(dim=2), torch.arange(8, -1, -1.0)[:, None].expand(-1, 6))
    assert len({tuple(order) for order in levels.sum(dim=0).tolist()}) == 6


def test_the_spiral_is_one() -> None:
    """How long each pixel of 4 x 4 stays hidden, by hand."""
    places = own.Spiral().matrix((1, 4, 4)).sum(dim=0).int().view(4, 4) - 1
    assert places.tolist() == [[0, 1, 2, 3], [11, 12, 13, 4], [10, 15, 14, 5], [9, 8, 7, 6]]


def test_fewer_steps_write_several_pieces_at_once(trained: Any) -> None:
    walk = trajectory(trained["spiral"][0], 1, steps=4)
    assert walk.levels.sum(dim=(1, 2, 3, 4)).tolist() == [64, 48, 32, 16, 0]
    with pytest.raises(ValueError, match="steps is 65; allowed: 1 to 64, since Spiral has 64 piece"):
        sample(trained["spiral"][0], 1, steps=65)


# --- completed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 5, 8])
def test_what_the_first_rows_write_is_completed(rows: int) -> None:
    """By the perfect curve of all pictures of 3 x 3: only those that agree with what is known are drawn."""
    pictures = black_white(12, 1, 3, 3, seed=1).unique(dim=0)
    model = IdealGenerator(pictures, heads.Categorical(2), own.Spiral())
    mask = own.Spiral().matrix((1, 3, 3))[rows].view(3, 3) == 0
    assert int(mask.sum()) == rows
    drawn = sample(model, 40, known=pictures[:1], mask=mask)
    agree = (pictures[:, 0, mask] == pictures[0, 0, mask]).all(dim=1).nonzero().flatten().tolist()
    assert set(which(drawn, pictures).tolist()) == set(agree)
    assert trajectory(model, 1, known=pictures[:1], mask=mask).nfe == 9 - rows


@pytest.mark.parametrize("name", ["spiral", "lines", "curtain", "slowly"])
def test_what_it_can_not_have_written_is_not_completed(name: str, trained: Any) -> None:
    model, mask = trained[name][0], torch.zeros(8, 8, dtype=torch.bool)
    mask[3:5, 2:4] = True
    said = "that {} can't have written yet" if model.plan.whole else "can't be used with the plan {}: its training"
    with pytest.raises(ValueError, match=f"^mask .*{said.format(model.plan.name)}.*; allowed: .*random_order"):
        sample(model, 2, known=data.digits(8)[0][:1], mask=mask)


# --- how many bits ---------------------------------------------------------------------------------


def test_bits_of_every_picture_of_a_tiny_world() -> None:
    """Their probabilities add up to 1, and each is the product along the spiral."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Generator(own.Plain(3, 4), heads.Categorical(2), own.Spiral()).eval()
        nn.init.normal_(model.last.weight, std=5)  # type: ignore[arg-type]
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=9))).view(-1, 1, 3, 3)
    probability = 2 ** -(bits_per_dimension(model, every).double() * 9)
    assert float(probability.sum()) == pytest.approx(1, abs=1e-5)
    order = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (1, 1)]
    hidden, product = torch.ones(1, 1, 3, 3), torch.ones(len(every))
    with torch.no_grad():
        for y, x in order:
            belief = model.belief(every, hidden.expand(len(every), -1, -1, -1)).softmax(dim=2)
            product *= torch.where(every[:, 0, y, x] > 0, belief[:, 0, 1, y, x], belief[:, 0, 0, y, x])
            hidden[..., y, x] = 0
    torch.testing.assert_close(probability.float(), product, rtol=1e-4, atol=0)
    assert float(product.max()) > 3 * float(product.min()), "the pictures differ"


def test_bits_of_the_perfect_curve_are_the_entropy() -> None:
    """Four pictures, equally likely: two bits each, in whatever order they are written."""
    pictures = torch.cat([FOUR, -FOUR[:, :1]], dim=1).view(4, 1, 3, 3)
    found = bits_per_dimension(IdealGenerator(pictures, heads.Categorical(2), own.Spiral()), pictures)
    torch.testing.assert_close(found, torch.full((4,), 2 / 9))


# --- refused before the first update ---------------------------------------------------------------


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_a_schedule_whose_slope_has_no_limit_has_a_velocity(power: float) -> None:
    """alpha^2 + sigma^2 = 1, so v is alpha eps - sigma x0, as it is for ours."""
    t = torch.tensor([0.0, 1e-3, 0.25, 0.5, 0.999, 1.0]).double()
    for where in (t, t[-1].expand(2, 3), t.float()):
        schedule = own.Root(power)
        (alpha, sigma), (d_alpha, d_sigma) = schedule(where), schedule.velocity(where)
        inside = ((where > 0) & (where < 1)).expand(2, *where.shape)
        expected, found = torch.stack([-sigma, alpha]), torch.stack([d_alpha, d_sigma])
        torch.testing.assert_close(found[inside], expected[inside], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found, expected, rtol=0, atol=0.04)  # a hair inside: 2^-20 to the power 1/4 is .03


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_velocity_needs_no_gradient_and_gives_none(mode: Any) -> None:
    with mode():
        found = torch.cat(own.Root().velocity(torch.tensor([0.25])))
    assert not found.requires_grad
    torch.testing.assert_close(found, torch.tensor([-0.5, 0.75**0.5]))


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
    "its last row is not all 0": rows(FULL, [0, 0, 0.5, 0.0]),
    "a pixel's level rises": rows(FULL, [0.5, 1, 1, 1], [0.75, 0.0, 0, 0], EMPTY),
    "whole is True, and levels lie between 0 and 1": rows(FULL, [0, 0, 0.5, 1], EMPTY, whole=True),
    "alike is True, and its pixels differ": rows(FULL, [0, 0, 1.0, 1], EMPTY, alike=True),
    r"levels\(\) gives shape \(2, 3\); allowed: shape \(2, 4\)": rows(FULL[:3], EMPTY[:3]),
}


@pytest.mark.parametrize("said", WRONG)
def test_a_plan_that_is_none_is_named(said: str) -> None:
    with pytest.raises(ValueError, match=f"^plan Rows: {said}"):
        Generator(nets.MLP(4), own.Absolute(), WRONG[said])
    right = Generator(nets.MLP(4), own.Absolute(), rows(FULL, [0.5, 0.5, 1, 1], EMPTY))
    with pytest.raises(ValueError, match=f"^plan Rows: {said}"):
        right.along(WRONG[said])


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

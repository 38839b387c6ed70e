"""What makes own parts handy: pieces in an order, names, what a part prints, functions of pictures, wrapped models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import helpers_own as own
import pytest
import torch
from helpers_training import QUIET, same_weights, tiny_generator, weights
from torch import Tensor, nn

from minigen import Generator, IdealGenerator, data, heads, nets, plans, process, train
from minigen.base.parts import Part, check_kept
from minigen.conditions import Condition
from minigen.zoo.recipes import Recipe

ROOTS: tuple[type[Part], ...] = (plans.Plan, heads.Head, nets.Net, process.Schedule, Condition)
SHAPE = (1, 8, 8)


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    for root in ROOTS:
        monkeypatch.setattr(root, "known", dict(root.known))


# --- pieces in an order ----------------------------------------------------------------------------


def in_order(place: Tensor, pieces: int) -> plans.Plan:
    """A plan of whole pixels that says where each pixel stands, and nothing else."""

    class Ordered(plans.Plan):
        whole = True

        def default_steps(self, shape: plans.Shape) -> int:
            return pieces

        def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
            return self.written(place if drawn is None else drawn, progress, shape)

    return Ordered()


@pytest.mark.parametrize("count", [2, 22, 49, 64])
def test_each_step_writes_the_next_piece(count: int) -> None:
    """Also where a sum of steps is not whole in floating point: 22 * (15 / 22) is above 15."""
    matrix = in_order(torch.arange(count), count).matrix((count,))
    assert torch.equal(matrix, torch.ones(count + 1, count).triu())
    assert matrix.dtype == torch.float32


def test_a_snake_of_lines_is_what_raster_writes_when_it_runs_straight() -> None:
    """Places that lie on the processor serve progress on another device, too."""
    place = torch.arange(8).repeat_interleave(8)
    plan = in_order(place, 8)
    expected = plans.raster(1).matrix(SHAPE)[::8]
    assert torch.equal(plan.matrix(SHAPE), expected)
    elsewhere = plan.levels(torch.empty(3, device="meta"), SHAPE)
    assert (elsewhere.device.type, elsewhere.shape) == ("meta", (3, 1, 8, 8))


def test_an_order_for_each_picture() -> None:
    places = torch.stack([torch.arange(4), torch.arange(4).flip(0)])
    levels = in_order(places[0], 4).levels(torch.tensor([0.25, 0.5]), (4,), places)
    assert levels.tolist() == [[0, 1, 1, 1], [1, 1, 0, 0]]


# --- names, and what a part prints -----------------------------------------------------------------


class Named(own.Spiral):
    def __init__(self, name: str = "snake") -> None:
        self.name = name


class Bent(own.Root):
    def __init__(self, power: float = 1.0) -> None:
        super().__init__(power)
        self.name = f"bent by {power}"


def test_a_part_may_give_itself_a_name() -> None:
    """Messages use it; without one they use the class's."""
    assert (own.Spiral().name, Named().name, Named("worm").name) == ("Spiral", "snake", "worm")
    assert (own.Root().name, Bent(2.0).name) == ("Root", "bent by 2.0")
    with pytest.raises(ValueError, match="steps is 65; allowed: 1 to 64, since worm has 64 piece"):
        Named("worm").check_steps(65, SHAPE)
    for part in (Named("worm"), Bent(2.0)):
        check_kept(part)
    assert Generator(own.Plain(), own.Coin(), Named()).config()["plan"]["class"] == "Named"


def test_a_schedule_that_is_called_like_ours_is_not_taken_for_it() -> None:
    class Flat(own.Root):
        def __init__(self) -> None:
            super().__init__()
            self.name = "cosine"

    assert Generator(own.Plain(), own.Absolute(), plans.diffusion(), Flat()).config()["schedule"]["class"] == "Flat"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (own.Spiral(), "Spiral()"),
        (own.Slowly(3), "Slowly(power=3)"),
        (own.Root(), "Root(power=1.0)"),
        (own.Curtain(0.25), "Curtain(width=0.25)"),
        (own.Absolute(), "Absolute()"),
        (Named("worm"), "Named(name='worm')"),
        (plans.raster(4), "Staircase(name='raster', patch=4)"),
    ],
)
def test_a_part_prints_its_class_and_its_settings(part: Part, said: str) -> None:
    assert repr(part) == said


def test_a_net_prints_its_settings_before_its_layers() -> None:
    first, second, *layers = repr(own.Plain(width=6)).splitlines()
    assert (first, second) == ("Plain(", "  size=8, width=6, kernels=(5, 3)")
    assert layers[0].startswith("  (first): Conv2d(2, 6")


# --- the perfect curve -----------------------------------------------------------------------------


class Doubled(heads.Regression):
    """Ours in all that the perfect curve needs; it only shows its guess brighter."""

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        return (2 * belief).clamp(-1, 1)


class Cubed(heads.Regression):
    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: process.Schedule) -> Tensor:
        return (output - x0).abs() ** 3


@pytest.mark.parametrize("head", [own.Absolute(), own.Coin(), Cubed("x0")])
def test_the_perfect_curve_of_another_loss_is_refused(head: heads.Head) -> None:
    """It would be a median, or something else, and not what is computed there."""
    with pytest.raises(
        TypeError, match=rf"^head is {type(head).__name__}\(.*no perfect curve.*allowed: heads.Regression"
    ):
        IdealGenerator(data.digits(8)[0][:4], head, plans.diffusion())


def test_a_class_in_place_of_a_head_is_named() -> None:
    with pytest.raises(TypeError, match=r"allowed: heads.Regression.* call the class to make one"):
        IdealGenerator(data.digits(8)[0][:4], heads.Categorical, plans.diffusion())  # type: ignore[arg-type]


def test_a_head_with_our_loss_has_our_perfect_curve() -> None:
    pictures = data.digits(8)[0][:4]
    ideal, ours = (
        IdealGenerator(pictures, head, plans.diffusion()) for head in (Doubled("x0"), heads.Regression("x0"))
    )
    seen, t = torch.zeros(2, *SHAPE), torch.full((2, *SHAPE), 0.5)
    assert torch.equal(ideal.belief(seen, t), ours.belief(seen, t))


# --- a function of pictures ------------------------------------------------------------------------


def bright(size: int, split: str) -> tuple[Tensor, Tensor]:
    """Digits with less black, and how much ink they have."""
    images = (data.digits(size, split)[0][:40] + 0.5).clamp(max=1)
    return images, own.Thickness().of(images)


def recipe_of(source: Any, condition: bool = True) -> Recipe:
    def make() -> Generator:
        return Generator(own.Plain(), own.Coin(), own.Spiral(), condition=own.Thickness() if condition else None)

    return Recipe("own-bright", "bright digits", make, 8, dict(iterations=3, batch_size=16), source=source)


def test_a_recipe_learns_from_a_function(tmp_path: Path) -> None:
    """As a training by hand does: the same pictures, tokens and dice."""
    recipe = recipe_of(bright)
    model, history = recipe.train(**QUIET)
    other = recipe.build()
    hand = train(other, *bright(8, "train"), validation=bright(8, "validation"), iterations=3, batch_size=16, **QUIET)
    assert history.loss == hand.loss
    assert same_weights(model, weights(other))
    assert recipe.config()["data"] == {"name": "bright", "size": 8, "split": "train"}
    untold, _ = recipe_of(bright, condition=False).train(**QUIET)
    assert not same_weights(untold.net, weights(other.net))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [lambda size, split: torch.zeros(4, 1, 8, 8), lambda size, split: ([], [])])
def test_a_function_that_gives_no_pictures_is_named(source: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"^source <lambda> gives .*; allowed: a tuple of tensors, the images and what"):
        recipe_of(source).train(**QUIET)


# --- wrapped models --------------------------------------------------------------------------------

WRAPPERS: dict[str, Callable[[nn.Module], Any]] = {
    "compile": torch.compile,
    "parallel": nn.DataParallel,
    "both": lambda model: nn.DataParallel(torch.compile(model)),
}


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own, by torch.compile
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_of_a_wrapped_model_the_one_inside_is_trained(wrap: Any, tmp_path: Path) -> None:
    """To the bit as without the wrapper, and its checkpoint is for both."""
    images, labels = data.digits(8)
    bare, inner = tiny_generator(), tiny_generator()
    settings: dict[str, Any] = dict(batch_size=16, checkpoint=tmp_path / "checkpoint", checkpoint_every=1, **QUIET)
    expected = train(bare, images, labels, iterations=3, **(settings | {"checkpoint": None}))
    begun = train(wrap(inner), images, labels, iterations=3, **settings)
    assert begun.loss == expected.loss
    assert same_weights(inner, weights(bare))
    assert not any(module.training for module in inner.modules())
    again = tiny_generator()
    with pytest.warns(UserWarning, match="nothing is left to train"):
        assert train(again, images, labels, iterations=3, **settings).loss == expected.loss
    assert same_weights(again, weights(bare))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nets.UNet(8), "a UNet"),
        (nn.DataParallel(nets.UNet(8)), "a UNet"),
        (Generator, "the class Generator"),
        ("digits-diffusion", "a str"),
    ],
)
def test_what_has_no_loss_is_refused(model: Any, said: str) -> None:
    with pytest.raises(TypeError, match=rf"^model is {said}; allowed: a module with loss\(batch, random\)"):
        train(model, *data.digits(8), iterations=1, **QUIET)

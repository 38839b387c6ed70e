"""What the sampler needs of a model, and what it makes of it: wrapped ones, modes, options, calls, tokens, memory."""

from __future__ import annotations

import inspect
import pydoc
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import helpers_own as own
import pytest
import torch
from helpers_core import black_white, tiny_causal, tiny_unet, told, wake
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from minigen import Generator, Guided, Labels, Options, Prompt, heads, nets, plans, sample, trajectory
from minigen.base import text
from minigen.conditions import Condition
from minigen.data import shapes
from minigen.metrics import bits_per_dimension
from minigen.model import NEEDED, check_model, evaluating, unwrapped
from minigen.sampling import nfe

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own, by torch.compile
PICTURE = black_white(1, 8, 8)
WRAPPERS: dict[str, Callable[[nn.Module], Any]] = {
    "compile": torch.compile,
    "parallel": nn.DataParallel,
    "both": lambda model: nn.DataParallel(torch.compile(model)),
}
wrapped = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)

# --- six attributes and belief ---------------------------------------------------------------------


@pytest.mark.parametrize("plan", [plans.diffusion(), plans.raster(2), plans.random_order(), own.Spiral(), own.Lines()])
def test_what_has_what_is_needed_is_sampled(plan: plans.Plan) -> None:
    """It believes in one picture, so that is what every plan ends in; and it is asked once a step."""
    model = own.Painter(PICTURE, plan)
    assert torch.equal(sample(model, 3, steps=4), PICTURE.expand(3, -1, -1, -1))
    assert model.calls_made == 4
    walk = trajectory(model, 2, steps=4, seed=1)
    assert walk.nfe == 4
    assert torch.equal(walk.x0_hat, PICTURE.expand(4, 2, -1, -1, -1))
    assert not hasattr(model, "training")


def test_it_is_completed() -> None:
    model, mask = own.Painter(PICTURE, plans.random_order()), torch.rand(8, 8) < 0.5
    other = -PICTURE[None]
    drawn = sample(model, 2, known=other, mask=mask)
    assert torch.equal(drawn, torch.where(mask, other, PICTURE).expand(2, -1, -1, -1))


def test_it_is_scored() -> None:
    """A belief in black and white as 1 to 3, whatever is shown: a bit for each black pixel's quarter, 0.415 else."""
    model = own.Painter(PICTURE, plans.raster(), heads.Categorical(2))
    model.belief = lambda x_t, *given: torch.tensor([1.0, 3.0]).log().view(1, 1, 2, 1, 1).expand(len(x_t), 1, 2, 8, 8)  # type: ignore
    bits = bits_per_dimension(model, torch.stack([PICTURE, -PICTURE]))
    white = float((PICTURE > 0).float().mean())
    expected = [2 * (1 - white) + 0.41504 * white, 2 * white + 0.41504 * (1 - white)]
    torch.testing.assert_close(bits, torch.tensor(expected), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("ask", [sample, trajectory, check_model, partial(bits_per_dimension, images=PICTURE[None])])
def test_what_is_missing_is_named(name: str, ask: Callable[[Any], Any]) -> None:
    model = own.Painter(PICTURE, plans.diffusion())
    body = {key: value for key, value in vars(model).items() if key != name}
    if name != "belief":
        body["belief"] = model.belief
    with pytest.raises(TypeError, match=f"^model is a Half, which has no {name}(; did you mean .*)?; allowed: a Gen"):
        ask(type("Half", (), body)())


def test_a_misspelt_one_gets_the_nearest_name() -> None:
    model = own.Painter(PICTURE, plans.diffusion())
    body = {**vars(model), "beliefs": model.belief}
    with pytest.raises(TypeError, match=r"which has no belief; did you mean 'beliefs'\?"):
        sample(type("Half", (), body)())
    with pytest.raises(TypeError, match="which has no plan, head, schedule, condition, shape, device, belief; allowed"):
        sample(object())  # type: ignore[arg-type]


def test_a_name_and_a_class_are_told_what_to_do() -> None:
    for ask in (sample, trajectory):
        with pytest.raises(TypeError, match=r"model is 'digits', a name; allowed: a model, such as zoo.load\('digits'"):
            ask("digits")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="model is the class Generator, which has no plan"):
            ask(Generator)  # type: ignore[arg-type]


# --- wrapped ---------------------------------------------------------------------------------------


class Dropping(own.Plain):
    """It draws rubbish unless it is in evaluation mode."""

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        return nn.functional.dropout(super().forward(x_t, t, context), 0.9, self.training)


def dropping() -> Generator:
    return wake(Generator(Dropping(), own.Absolute(), plans.diffusion(), condition=Labels(3, dropout=0.1)))


@wrapped
def test_a_wrapped_model_draws_the_same(wrap: Any) -> None:
    """With guidance, completed, and with the walk; also while it is in training mode, in which it is left."""
    model = dropping()
    expected = [sample(model, 3, steps=3, labels=1, guidance_scale=scale) for scale in (1.0, 2.0)]
    other = wrap(model).train()
    assert unwrapped(other) is model
    for scale, picture in zip((1.0, 2.0), expected, strict=True):
        assert torch.equal(sample(other, 3, steps=3, labels=1, guidance_scale=scale), picture)
        assert torch.equal(trajectory(other, 3, steps=3, labels=1, guidance_scale=scale).images[-1], picture)
    pushed = [sample(Guided(each, negative=2), 3, steps=3, guidance_scale=2.0) for each in (other, model)]
    assert torch.equal(*pushed)
    assert all(module.training for module in model.modules())


@wrapped
def test_a_wrapped_model_completes(wrap: Any) -> None:
    model = wake(Generator(own.Plain(), heads.Categorical(2), own.Spiral()))
    mask = own.Spiral().matrix((1, 8, 8))[30].view(8, 8) == 0
    options: dict[str, Any] = dict(known=PICTURE[None], mask=mask, steps=8)
    assert torch.equal(sample(wrap(model), 2, **options), sample(model, 2, **options))
    bits = [bits_per_dimension(each, PICTURE[None], steps=8) for each in (wrap(model), model)]
    assert torch.equal(*bits)


@wrapped
def test_a_wrapped_causal_net_keeps_its_cache(wrap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = tiny_causal(), Counter[str]()
    for name in ("next", "forward"):
        plain = getattr(nets.CausalConv, name)

        def counted(self: Any, *given: Any, of: str = name, call: Any = plain) -> Tensor:
            asked[of] += 1
            result: Tensor = call(self, *given)
            return result

        monkeypatch.setattr(nets.CausalConv, name, counted)
    expected = sample(model, 2, seed=4)
    assert asked.pop("next") == 16
    assert not asked
    assert torch.equal(sample(wrap(model), 2, seed=4), expected)
    assert asked == {"next": 16}


@wrapped
def test_a_wrapped_model_is_refused_what_the_bare_one_is(wrap: Any) -> None:
    always, never = (tiny_unet(heads.Regression("v"), plans.diffusion(), condition=each) for each in (told(), None))
    for model, options in (
        (always, dict(guidance_scale=2.0)),
        (never, dict(guidance_scale=2.0)),
        (never, dict(labels=1)),
        (always, dict(prompt="a circle")),
        (never, dict(known=PICTURE[None], mask=PICTURE[0] > 0)),
    ):
        said = []
        for each in (model, wrap(model)):
            with pytest.raises(ValueError) as refusal:  # noqa: PT011 (both are compared)
                sample(each, 1, **options)  # type: ignore[arg-type]
            said.append(str(refusal.value))
        assert said[0] == said[1]


def test_what_is_no_wrapper_is_left_alone() -> None:
    net, model = own.Plain(), dropping()
    assert unwrapped(net) is net
    assert unwrapped(model) is model
    with pytest.raises(TypeError, match=r"^model is a Plain, which has no plan"):
        sample(torch.compile(net))  # type: ignore[arg-type]


# --- modes -----------------------------------------------------------------------------------------


def frozen(model: Generator) -> dict[nn.Module, bool]:
    """Training mode all over, but for one part that the user froze: which module is in which mode."""
    model.train()
    model.net.first.eval()  # type: ignore[operator, union-attr]
    return {module: module.training for module in model.modules()}


@pytest.mark.parametrize("wrap", [lambda model: model, *WRAPPERS.values(), Guided, lambda m: Guided(m, negative=2)])
def test_every_part_is_in_its_mode_again(wrap: Any) -> None:
    model = dropping()
    asked, modes = wrap(model), frozen(model)
    assert set(modes.values()) == {True, False}
    for use in (sample, trajectory):
        use(asked, 2, steps=2, guidance_scale=2.0)
        assert {module: module.training for module in model.modules()} == modes


def test_the_worse_of_two_models_is_in_its_mode_again() -> None:
    model, worse = dropping(), dropping()
    modes = {**frozen(model), **frozen(worse)}
    sample(Guided(model, worse=worse), 2, steps=2, guidance_scale=2.0)
    assert {module: module.training for module in modes} == modes


def test_they_are_in_their_modes_again_if_the_walk_breaks_off() -> None:
    model = dropping()
    modes = frozen(model)
    model.head.x0_hat = lambda *given: 1 / 0  # type: ignore
    for use in (sample, trajectory):
        with pytest.raises(ZeroDivisionError):
            use(model, 2, steps=2)
        assert {module: module.training for module in model.modules()} == modes


def test_a_model_says_which_of_its_parts_have_modes() -> None:
    model = own.Painter(PICTURE, plans.diffusion())
    inside = model.parts = (nn.Dropout(), nn.Linear(1, 1))  # type: ignore[attr-defined]
    with evaluating(model):
        assert not any(part.training for part in inside)
    assert all(part.training for part in inside)


# --- options ---------------------------------------------------------------------------------------

OWN_ARGUMENTS = {sample: ["model", "count", "batch_size", "progress"], trajectory: ["model", "count", "beliefs"]}


@pytest.mark.parametrize("function", OWN_ARGUMENTS)
def test_every_option_is_shown_typed_and_with_its_default(function: Any) -> None:
    shown, helped = inspect.signature(function).parameters, pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert list(shown) == [*OWN_ARGUMENTS[function], *(field.name for field in fields(Options))]
    for field in fields(Options):
        parameter = shown[field.name]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == field.default
        assert str(parameter.annotation) == field.type
        assert f"{field.name}: {field.type!r} = {field.default!r}" in helped


MISSPELT = dict(step="steps", guidance="guidance_scale", label="labels", second_orders="second_order")
NEAR = [(function, *pair) for function in OWN_ARGUMENTS for pair in MISSPELT.items()]
NEAR += [(sample, "batchsize", "batch_size"), (sample, "progres", "progress"), (trajectory, "belief", "beliefs")]


@pytest.mark.parametrize(("function", "option", "near"), NEAR)
def test_a_misspelt_option_gets_the_nearest_name(function: Any, option: str, near: str) -> None:
    with pytest.raises(TypeError, match=rf"^option '{option}' is unknown; allowed: steps, .*; did you mean '{near}'\?"):
        function(own.Painter(PICTURE, plans.diffusion()), 1, **{option: 1})


def test_a_walk_takes_what_a_sample_takes() -> None:
    """Every option that changes the pictures changes both alike."""
    model = tiny_unet(heads.Categorical(4), plans.diffusion(), condition=Labels(3))
    plain = sample(model, 2, steps=3)
    for options in (
        dict(steps=4),
        dict(seed=1),
        dict(labels=2),
        dict(guidance_scale=2.0),
        dict(eta=0.5),
        dict(pick="mean"),
        dict(temperature=0.5),
        dict(pick="mean", eta=0.0, second_order=True),
        dict(shift=3.0),
    ):
        drawn = sample(model, 2, **{"steps": 3, **options})
        assert not torch.equal(drawn, plain), options
        assert torch.equal(trajectory(model, 2, **{"steps": 3, **options}).images[-1], drawn), options


# --- calls that really ran -------------------------------------------------------------------------


def counting(plan: plans.Plan) -> Generator:
    return wake(Generator(own.Plain(), heads.Regression("v"), plan, condition=Labels(3)))


@pytest.mark.parametrize("plan", [plans.diffusion(), own.Slowly(2.0), plans.raster(2), own.Spiral(), own.Curtain()])
@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0, -1.0])
def test_a_walk_says_how_often_the_network_ran(plan: plans.Plan, scale: float) -> None:
    model = counting(plan)
    walk = trajectory(model, 3, steps=5, guidance_scale=scale)
    assert walk.nfe * 3 == model.net.seen
    assert walk.nfe == nfe(5, scale) == (5 if scale in (0, 1) else 10)


HOW: list[dict[str, Any]] = [
    {},
    {"negative": 2},
    {"levels": (0.2, 0.6)},
    {"levels": (0.0, 1.0)},
    {"levels": (0.95, 1.0), "negative": 1},
    {"levels": (0.41, 0.49)},
    {"worse": "itself"},
    {"worse": "itself", "levels": (0.2, 0.6)},
]


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("plan", [plans.diffusion(), own.Slowly(2.0)])
@pytest.mark.parametrize("shift", [1.0, 3.0, 0.5])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_guidance_says_how_often_the_networks_ran(how: Any, plan: plans.Plan, shift: float, scale: float) -> None:
    model, worse = counting(plan), counting(plan)
    guided = Guided(model, **(how | {"worse": worse} if "worse" in how else how))
    walk = trajectory(guided, 2, steps=10, shift=shift, guidance_scale=scale)
    assert walk.nfe * 2 == model.net.seen + worse.net.seen
    assert guided.nfe(10, scale, shift) == walk.nfe


def test_both_ends_of_an_interval_are_guided() -> None:
    """Of ten steps those at the levels .6, .5, .4, .3 and .2, though none of them is a float exactly."""
    guided = Guided(counting(plans.diffusion()), levels=(0.2, 0.6))
    assert [step for step in range(10) if guided.calls(1 - step / 10, 2.0) == 2] == [4, 5, 6, 7, 8]
    assert guided.nfe(10, 2.0) == trajectory(guided, 1, steps=10, guidance_scale=2.0).nfe == 15


# --- prompts are encoded once ----------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_every_prompt_is_encoded_once(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand scenes in twenty batches; of the empty prompt, which guidance asks for, there is one a step."""
    asked, plain = Counter[bool](), text.encode

    def counted(prompt: str, *given: Any) -> Tensor:
        asked[bool(prompt)] += 1
        return plain(prompt, *given)

    prompts = shapes.scenes(1000, "train", seed=3).prompts
    net = own.Plain(size=4, width=4)
    model = wake(Generator(net, heads.Regression("v"), plans.diffusion(), condition=Prompt(shapes.WORDS, layers=1)))
    model.embedding = nn.Sequential(nn.Flatten(), Floats(), nn.Linear(16, 4))
    monkeypatch.setattr(text, "encode", counted)
    sample(model, 1000, steps=2, prompt=prompts, guidance_scale=scale, batch_size=50)
    assert asked[True] == 1000
    assert asked[False] == (0 if scale == 1 else 2 * 20)


def test_tokens_are_as_many_as_pictures() -> None:
    """Else each batch would make something else of them."""

    class One(own.Thickness):
        def tokens(self, given: Any, count: int) -> Tensor:
            return super().tokens(given, 1)

    try:
        model = Generator(own.Plain(), own.Absolute(), plans.diffusion(), condition=One())
        with pytest.raises(ValueError, match=r"^condition One: tokens\(\) gives 1 rows; .* each of the 3 pictures$"):
            sample(model, 3, labels=0.5)
    finally:
        del Condition.known["One"]


class Floats(nn.Module):
    """Whole numbers as others: a reader that takes no time."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.float()


# --- memory ----------------------------------------------------------------------------------------


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that are made and still alive, and remembers the most."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.most, self.uses = 0, 0, Counter[int]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, list | tuple) else (result,):
            if isinstance(made, Tensor):
                store = made.untyped_storage()
                self._hold(store.data_ptr(), store.nbytes())
                weakref.finalize(made, self._drop, store.data_ptr(), store.nbytes())
        return result

    def _hold(self, place: int, size: int) -> None:
        self.now += size * (self.uses[place] == 0)
        self.uses[place] += 1
        self.most = max(self.most, self.now)

    def _drop(self, place: int, size: int) -> None:
        self.uses[place] -= 1
        self.now -= size * (self.uses[place] == 0)


def most(use: Callable[..., Any], steps: int, **options: Any) -> int:
    """The most bytes that 256 digits take."""
    head = heads.Categorical(16) if options.pop("greys", False) else heads.Regression("v")
    model = wake(Generator(own.Plain(size=16, width=4, kernels=(3, 1)), head, plans.diffusion(), condition=Labels(10)))
    with Live() as live:
        use(model, 256, steps=steps, **options)
    return live.most


@pytest.mark.parametrize("options", [{"greys": True}, {"guidance_scale": 2.0, "eta": 0.0, "second_order": True}])
def test_a_long_walk_takes_no_more_memory_than_a_short_one(options: Any) -> None:
    """A walk keeps one moment, and not 64 of them."""
    assert most(sample, 64, **options) <= 1.05 * most(sample, 4, **options)


def test_what_keeps_all_moments_is_noticed() -> None:
    """A trajectory does, on purpose."""
    assert most(trajectory, 16) > 2 * most(trajectory, 2)

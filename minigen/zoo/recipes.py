"""Recipes: everything that made a set of weights, by name.

``python -m minigen list`` shows them, ``python -m minigen train NAME`` makes one again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minigen import data, heads, nets, plans, process
from minigen.base.errors import check_choice, check_options
from minigen.base.parts import can_be_kept
from minigen.conditions import Labels, Prompt
from minigen.data import shapes
from minigen.generator import Generator
from minigen.sampling import sample
from minigen.training import History, train
from minigen.zoo.suggestions import Suggestion as Suggestion
from minigen.zoo.suggestions import suggest as suggest
from minigen.zoo.teaching import HELDOUT_SEED as HELDOUT_SEED
from minigen.zoo.teaching import QUESTIONS, Pictures, endless_scenes, name_of, of_a_set, reading
from minigen.zoo.teaching import VALIDATION_SEED as VALIDATION_SEED


def _options(function: Callable[..., Any], *without: str) -> tuple[str, ...]:
    """The names of a function's keyword arguments."""
    every = inspect.signature(function, eval_str=False).parameters.values()
    return tuple(each.name for each in every if each.kind is each.KEYWORD_ONLY and each.name not in without)


TRAINING, SAMPLING = _options(train, "validation", "checkpoint", "watch"), _options(sample)
"""The options of ``train`` that a recipe may name (the others it says itself), and those of ``sample``."""


@dataclass(frozen=True)
class Recipe:
    """A model, its data and how it is trained.

    Attributes:
        name, about: what it is called and, in a sentence, what it is.
        make: builds the model with fresh weights.
        size: side of the pictures it is trained on.
        training: arguments of ``train`` that differ from its defaults.
        sampling: arguments of ``sample`` that suit it best, chosen on validation data.
        seed: of the first weights and of the training.
        source: the pictures, by their name in ``data.SOURCES``, or "scenes", of which there is no end; or a function
            ``(size, split)`` that gives images and what is told of them, for the splits "train" and "validation".
        first: what the model is taught before, if anything: a function of the model and the device.

    Raises:
        TypeError: if ``training`` or ``sampling`` has an option that there is not, with the nearest one.
    """

    name: str
    about: str
    make: Callable[[], nn.Module]
    size: int = 16
    training: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    source: str | Pictures = "digits"
    first: Callable[[Any, str], None] | None = None

    def __post_init__(self) -> None:
        check_options("training", self.training, TRAINING)
        check_options("sampling", self.sampling, SAMPLING)

    def build(self, seed: int | None = None) -> nn.Module:
        """The model with fresh weights; torch's own random numbers are left as they were."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed if seed is None else seed)
            return self.make()

    def start(self, seed: int | None = None, device: str = "auto") -> nn.Module:
        """The model as its training begins: fresh weights, and what it is taught before.

        Raises:
            KeyboardInterrupt: by Ctrl-C while it is taught, since training can't begin with half of that.
        """
        model = self.build(seed)
        if self.first:
            self.first(model, device)
        return model

    def config(self, **changes: Any) -> dict[str, Any]:
        """The recipe as JSON-able words and numbers, with ``changes`` to its training."""
        return {
            "name": self.name,
            "model": describe(self.build()),
            "data": {"name": name_of(self.source), "size": self.size, "split": "train"},
            "training": {"seed": self.seed, **self.training, **changes},
            "sampling": dict(self.sampling),
            **({"first": self.first.__name__} if self.first else {}),
        }

    def train(self, checkpoint: str | Path | None = None, **changes: Any) -> tuple[nn.Module, History]:
        """Follow the recipe, with ``changes`` to the arguments of ``train``: the model and its history.

        >>> model, history = recipe("digits-features").train(iterations=1, batch_size=8, progress=False)
        >>> len(history.loss)
        1
        """
        check_options("changes", changes, TRAINING)
        arguments = {"seed": self.seed, **self.training, **changes}
        model = self.start(arguments["seed"], arguments.get("device", "auto"))
        lessons, validation = (
            endless_scenes(model) if self.source == "scenes" else of_a_set(model, self.source, self.size)
        )
        with torch.random.fork_rng():
            torch.manual_seed(arguments["seed"])  # what layers draw by themselves: dropout
            history = train(model, *lessons, validation=validation, checkpoint=checkpoint, **arguments)
        return model, history


def describe(model: nn.Module) -> dict[str, Any]:
    """What a model is, in JSON-able words and numbers."""
    if isinstance(model, Generator):
        return {"generator": model.config()}
    if isinstance(model, nets.Classifier):
        return {"classifier": model.config()}
    raise TypeError(f"model is a {type(model).__name__}; allowed in a recipe: a Generator or a Classifier")


def _digits_missing() -> Generator:
    return Generator(nets.UNet(size=16), heads.Categorical(16), plans.random_order())


def _controlled(name: str, about: str, plan: plans.Plan, **sampling: Any) -> Recipe:
    """One U-Net, 2,500 updates of 128 digits: only the plan differs (chapters 4 to 8, 11).

    Raster plans, too, learn from all hidden pixels: ``loss_on="next"`` draws worse (benchmarks/loss_on.py).
    """
    return Recipe(
        name,
        f"digits {about}, told which digit: U-Net, belief over 16 greys",
        lambda: Generator(nets.UNet(size=16), heads.Categorical(16), plan, condition=Labels(10)),
        training=dict(iterations=2500, weight_decay=0.01),
        sampling=sampling,
    )


def _raster(patch: int) -> Recipe:
    what = "pixel by pixel" if patch == 1 else f"in patches of {patch} x {patch}"
    return _controlled(f"digits-raster-{patch}", f"written {what}", plans.raster(patch), steps=(16 // patch) ** 2)


TARGETS = {
    "x0": (heads.Regression("x0"), plans.diffusion()),
    "eps": (heads.Regression("eps"), plans.diffusion(start=0.995)),
    "v": (heads.Regression("v"), plans.diffusion()),
    "less-noisy": (heads.Regression("less_noisy", gap=1 / 16), plans.diffusion()),
}
"""What chapter 9 compares: the head, and the plan that goes with it."""


def small_unet() -> nets.UNet:
    """A U-Net of 0.42 M parameters, for the comparisons of chapter 9 that need many of them."""
    return nets.UNet(size=16, widths=(16, 32, 64))


def _target(name: str) -> Recipe:
    """Everything equal but what the network predicts (chapter 9)."""
    head, plan = TARGETS[name]
    return Recipe(
        f"digits-{name}",
        f"digits from noise by predicting {name.replace('-', ' ')}, told which digit: small U-Net, least squares",
        lambda: Generator(small_unet(), head, plan, condition=Labels(10)),
        training=dict(iterations=1500, batch_size=64, weight_decay=0.01, precision="float32"),
        sampling=dict(steps=16, eta=0.0),
    )


REPEATED: dict[str, Any] = dict(iterations=4500, batch_size=32, weight_decay=0.5, validate_every=150)
"""How a causal net learns from digits that it sees 40 times, every one of 256 predictions at once.

They are soon learned by heart; against that stand a weight decay far above the usual, an early stop and, in the larger
net, dropout, as the literature on repeated data asks (chapter 11).
"""


def _causal(name: str, about: str, net: Callable[[], nets.Net], **training: Any) -> Recipe:
    """Pixel by pixel, all steps of a digit trained in one pass."""
    return Recipe(
        name,
        f"digits pixel by pixel, trained on all steps in one pass: {about}",
        lambda: Generator(net(), heads.Categorical(16), plans.raster(1), condition=Labels(10)),
        training=training,
        sampling=dict(steps=256),
    )


_CLASSIFIER = dict(iterations=1200, weight_decay=0.01, validate_every=100)

RECIPES = {
    each.name: each
    for each in (
        _controlled("digits-diffusion", "from noise", plans.diffusion(), steps=16, eta=0.0, pick="mean"),
        Recipe(
            "digits-diffusion-v",
            "digits from noise by predicting v, told which digit: the U-Net of digits-diffusion, least squares",
            lambda: Generator(nets.UNet(size=16), heads.Regression("v"), plans.diffusion(), condition=Labels(10)),
            training=dict(iterations=2500, weight_decay=0.01),
            sampling=dict(steps=16, eta=0.0),
        ),
        Recipe(
            "digits-minute",
            "digits from noise after a minute of training on two cores, told which digit: slim U-Net, least squares",
            lambda: Generator(
                nets.UNet(size=16, widths=(16, 48, 64)),
                heads.Regression("v"),
                plans.diffusion(density="logit_normal"),
                condition=Labels(10, dropout=0.0),
            ),
            training=dict(iterations=500, optimizer="muon", ema=None),
            sampling=dict(steps=16, eta=0.0, second_order=True, shift=3.0),
        ),
        Recipe(
            "digits-missing",
            "any missing pixels of a digit, not told which: U-Net, belief over 16 greys",
            _digits_missing,
            training=dict(iterations=1500, weight_decay=0.01),
            sampling=dict(steps=64),
        ),
        *(_raster(patch) for patch in (1, 2, 4, 8)),
        _controlled("digits-scattered", "written as scattered pixels", plans.random_order(), steps=64),
        _controlled("digits-any", "down any ramp, from auto-regression to noise", plans.any_ramp(), steps=64),
        *(_target(name) for name in TARGETS),
        _causal(
            "digits-causal-conv",
            "masked gated convolutions",
            lambda: nets.CausalConv(size=16, width=64, layers=6, kernel=5),
            **REPEATED,
        ),
        _causal(
            "digits-causal-transformer",
            "masked attention",
            lambda: nets.CausalTransformer(size=16, width=128, layers=4, heads=4),
            iterations=600,
            batch_size=32,
            learning_rate=1e-3,
            warmup=100,
            weight_decay=0.01,
            validate_every=150,
        ),
        _causal(
            "digits-causal-mixed",
            "masked gated convolutions, with attention after each",
            lambda: nets.CausalMixed(size=16, width=80, layers=4, kernel=5, every=1, heads=2, dropout=0.15),
            **REPEATED,
        ),
        Recipe(
            "digits-features",
            "the classifier whose features distances are measured on",
            lambda: nets.Classifier(size=16),
            training=_CLASSIFIER,
        ),
        Recipe(
            "digits-judge",
            "another classifier, other shape and seed, that says which digit was drawn",
            lambda: nets.Classifier(size=16, widths=(24, 48, 64), kernel=5),
            training=_CLASSIFIER,
            seed=1,
        ),
        Recipe(
            "scenes",
            "scenes from noise, told a prompt: U-Net and a small transformer that learned to read first, least squares",
            lambda: Generator(
                nets.UNet(size=32, channels=3, widths=(32, 64, 128, 128), context_size=128),
                heads.Regression("v"),
                plans.diffusion(),
                process.shifted,
                Prompt(shapes.WORDS),
            ),
            size=32,
            training=dict(iterations=12000, batch_size=32, weight_decay=0.01, validate_every=1000),
            sampling=dict(steps=16, eta=0.0, guidance_scale=2.0),
            source="scenes",
            first=reading,
        ),
        Recipe(
            "scenes-raster",
            "scenes in sixteen colours written in patches of 4 x 4, told a prompt: the U-Net of scenes, beliefs",
            lambda: Generator(
                nets.UNet(size=32, channels=1, widths=(32, 64, 128, 128), context_size=128),
                heads.Categorical(16),
                plans.raster(4),
                condition=Prompt(shapes.WORDS),
            ),
            size=32,
            training=dict(iterations=10_000, batch_size=32, weight_decay=0.01, validate_every=1000),
            sampling=dict(steps=64),
            source="scenes",
            first=reading,
        ),
        Recipe(
            "scenes-judge",
            "what is in a scene: layout, and size, colour and shape of one thing or two",
            lambda: nets.Recogniser(32, 3, QUESTIONS, widths=(32, 64, 64)),
            size=32,
            training=dict(iterations=1200, batch_size=128, validate_every=100),
            source="scenes",
        ),
    )
}


def _clothes(of_digits: Recipe) -> Recipe:
    """The same recipe for Fashion-MNIST: does what holds for digits hold for other pictures? (chapter 11)"""
    about = of_digits.about.replace("digits", "clothes").replace("digit", "kind")
    return replace(of_digits, name=of_digits.name.replace("digits", "fashion"), about=about, source="fashion")


_ON_CLOTHES = ("digits-features", "digits-judge", "digits-raster-4", "digits-scattered", "digits-diffusion")

RECIPES |= {each.name: each for each in (_clothes(RECIPES[name]) for name in _ON_CLOTHES)}


OURS = frozenset(RECIPES)


def add(made: Recipe) -> Recipe:
    """Make a recipe of one's own known by its name: to ``zoo.load``, and to the command line with ``--import``.

    A recipe of the same name that was added before is replaced.

    Raises:
        ValueError, TypeError: if the name is one of the package's or no name of a file, or if a file can't hold what
            the recipe says.

    >>> mine = add(replace(recipe("digits-minute"), name="mine", about="the same, with a name of its own"))
    >>> recipe("mine").about, RECIPES.pop("mine") is mine
    ('the same, with a name of its own', True)
    """
    if made.name in OURS:
        raise ValueError(f"name is {made.name!r}, a recipe of minigen's; allowed: another name")
    if not re.fullmatch(r"\w[\w.-]*", made.name):
        raise ValueError(f"name is {made.name!r}; allowed: letters, digits, '-', '_' and '.', for it names files")
    if not callable(made.source):
        check_choice("source", made.source, (*data.SOURCES, "scenes"))
    for what, said in (("training", made.training), ("sampling", made.sampling)):
        for option, value in said.items():
            if not can_be_kept(value):
                raise TypeError(f"{what} has {option}={value!r}; allowed: what a file can hold, numbers and words")
    RECIPES[made.name] = made
    return made


def recipe(name: str) -> Recipe:
    """The recipe of this name.

    >>> recipe("digits-difusion")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: name is 'digits-difusion'; allowed: ...; did you mean 'digits-diffusion'?
    """
    return RECIPES[check_choice("name", name, RECIPES)]

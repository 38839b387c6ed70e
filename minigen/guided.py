"""Other ways to guide a generator: the same walk, with another second run to push away from (chapter 13)."""

from __future__ import annotations

import torch
from torch import Tensor

from minigen import nets
from minigen.base.errors import check_number, check_whole
from minigen.base.randomness import BLOCK, seeded
from minigen.conditions import Condition, Labels, Prompt
from minigen.generator import Generator
from minigen.model import shifted, unwrapped
from minigen.plans import ROUNDING

Interval = tuple[float, float]


class Guided:
    """A trained generator that is guided in another way; ``sample`` takes it in the generator's place.

    Guidance believes ``other + guidance_scale * (cond - other)``. Plainly, ``other`` is the same network not told
    anything. Here it can be something else, or be asked at some levels only:

    Args:
        model: a ``Generator`` with a condition.
        negative: what ``other`` is told, a prompt or a label: the picture is pushed away from it (a negative
            prompt). "" and None tell it nothing, which is plain guidance.
        levels: (low, high): guide at these levels, both included, and be told without a push at the others, for one
            call a step (Kynkäänniemi et al. 2024). For noise on all pixels alike.
        worse: a generator that does the same, worse (less trained, or smaller), and takes the place of ``other``. It
            is told the same, so the push is away from what it gets wrong (Karras et al. 2024).

    Scale 1 is off, and 0 is ``other`` alone: one call each. A causal net is walked without its cache.

    Raises:
        ValueError, TypeError: if the model has no condition, or the parts don't go together.

    >>> from minigen import Labels, heads, nets, plans, sample
    >>> net = nets.UNet(size=8, widths=(8, 16), context_size=8)
    >>> model = Generator(net, heads.Regression("v"), plans.diffusion(), condition=Labels(10))
    >>> away_from_9 = Guided(model, negative=9, levels=(0.25, 0.75))
    >>> sample(away_from_9, 1, steps=4, labels=4, guidance_scale=3.0, eta=0.0).shape
    torch.Size([1, 1, 8, 8])
    >>> away_from_9.nfe(steps=4, guidance_scale=3.0)       # levels 1, 0.75, 0.5 and 0.25: the last three are guided
    7
    """

    def __init__(
        self,
        model: Generator,
        *,
        negative: str | int | None = None,
        levels: Interval | None = None,
        worse: Generator | None = None,
    ) -> None:
        model, worse = unwrapped(model), unwrapped(worse)
        if not isinstance(model, Generator):
            raise TypeError(f"model is a {type(model).__name__}; allowed: a Generator")
        if model.condition is None:
            raise ValueError("model has no condition; allowed: a generator that is told a label or a prompt")
        self.model, self.negative, self.levels, self.worse = model, negative, levels, worse
        self.condition: Condition = model.condition
        self.head, self.plan, self.schedule, self.shape = model.head, model.plan, model.schedule, model.shape
        self._against = _tokens(self.condition, negative)
        if levels is not None:
            _check_levels(model, levels)
        if worse is not None:
            _check_worse(model, worse, negative)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def parts(self) -> tuple[Generator, ...]:
        """All that is asked: the generator, and the worse one where there is one."""
        return (self.model,) if self.worse is None else (self.model, self.worse)

    @property
    def always_told(self) -> bool:
        """Whether the second run would have to draw untold, and no training taught that."""
        told_too = self.worse is not None or self.negative not in (None, "")
        return not told_too and self.condition.dropout == 0

    def belief(
        self,
        x_t: Tensor,
        t: Tensor,
        tokens: Tensor | None = None,
        guidance_scale: float = 1.0,
        memory: nets.Memory | None = None,
    ) -> Tensor:
        """What is believed of x0, guided in this way (see ``Generator.belief``)."""
        if memory is not None:
            raise ValueError("memory was given; allowed: None, since a guided walk keeps none")
        if guidance_scale == 1 or not self._pushes(float(t.flatten()[0])):
            return self.model.belief(x_t, t, tokens)
        if self.worse is None:
            against = self._against.to(x_t.device).expand(len(x_t), *self._against.shape[1:])
            return self.model.belief(x_t, t, tokens, guidance_scale, against=against)
        other = self.worse.belief(x_t, t, tokens)
        if guidance_scale == 0:
            return other
        return other + guidance_scale * (self.model.belief(x_t, t, tokens) - other)

    def _pushes(self, level: float) -> bool:
        """Whether the walk is guided at this level."""
        if self.levels is None:
            return True
        low, high = self.levels  # both included, though a plan rounds its levels
        return low - ROUNDING <= level <= high + ROUNDING

    def calls(self, level: float, guidance_scale: float = 1.0) -> int:
        """Network calls an image at a level: two where it is guided (a worse network's call counts as one, too)."""
        return 2 if guidance_scale not in (0, 1) and self._pushes(level) else 1

    def nfe(self, steps: int, guidance_scale: float = 1.0, shift: float = 1.0) -> int:
        """Network calls an image of a whole walk, shifted or not (``sample``)."""
        done = shifted(torch.linspace(0, 1, check_whole("steps", steps) + 1, dtype=torch.float64)[:-1], shift)
        drawn = self.plan.draw(BLOCK, self.shape, seeded(0, 0))
        some = None if drawn is None else drawn[:1].expand(steps, *drawn.shape[1:])
        rows = self.plan.levels(done, self.shape, some).flatten(1)[:, 0].tolist()
        return sum(self.calls(level, guidance_scale) for level in rows)


def _tokens(condition: Condition, negative: str | int | None) -> Tensor:
    """What the second run is told, (1, ...)."""
    if negative is None:
        return condition.none(1)
    if isinstance(condition, Labels):
        if isinstance(negative, bool) or not isinstance(negative, int):
            raise TypeError(f"negative is {negative!r} for a model that is told labels; allowed: a label, or None")
        check_whole("negative", negative, 0, condition.classes - 1)
        return condition.tokens(negative, 1)
    if isinstance(condition, Prompt) and not isinstance(negative, str):
        raise TypeError(f"negative is {negative!r} for a model that is told prompts; allowed: a prompt, or None")
    return condition.tokens(negative, 1)


def _check_levels(model: Generator, levels: Interval) -> None:
    """Raise unless ``levels`` is an interval and all pixels of the plan share a level."""
    if not isinstance(levels, tuple | list) or len(levels) != 2:
        raise TypeError(f"levels is {levels!r}; allowed: (low, high), such as (0.2, 0.8)")
    low, high = levels
    check_number("levels[0]", low, 0, 1)
    check_number("levels[1]", high, 0, 1)
    if low > high:
        raise ValueError(f"levels is {levels}; allowed: (low, high), the lower level first")
    if not model.plan.alike:
        raise ValueError(
            f"levels is {levels} with the plan {model.plan.name}, whose pixels have different levels;"
            " allowed: diffusion()"
        )


def _check_worse(model: Generator, worse: Generator, negative: str | int | None) -> None:
    """Raise unless the beliefs of the two generators can be mixed."""
    if negative is not None:
        raise ValueError("worse and negative were both given; allowed: one of them, since there is one second run")
    if not isinstance(worse, Generator):
        raise TypeError(f"worse is a {type(worse).__name__}; allowed: a Generator")
    ours, theirs = (
        {
            "shape": each.shape,
            "schedule": each.config()["schedule"],
            "condition": each.condition and {**each.condition.config(), "dropout": 0.0},
        }
        for each in (model, worse)
    )
    if not model.head.mixes_with(worse.head):
        raise ValueError(f"worse has the head {worse.head}; allowed: that of the model, {model.head}")
    for name, wanted in ours.items():
        if theirs[name] != wanted:
            raise ValueError(f"worse has the {name} {theirs[name]}; allowed: that of the model, {wanted}")

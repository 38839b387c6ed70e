"""Other ways to guide: each is plain guidance, or none, where it should be; and calls are counted honestly."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from helpers_core import tiny_causal, tiny_mlp, tiny_unet

from minigen import Generator, Guided, Labels, Prompt, heads, nets, nfe, plans, process, sample, scenes, trajectory

V = heads.Regression("v")
WALK: dict[str, Any] = dict(steps=4, seed=3, eta=0.0, labels=1)


def plain(head: heads.Head = V, plan: plans.Plan | None = None, seed: int = 0, **choices: Any) -> Generator:
    return tiny_unet(head, plan or plans.diffusion(), seed=seed, condition=Labels(3), **choices)


def reader() -> Generator:
    """A model that is told prompts."""
    return tiny_unet(V, plans.diffusion(), condition=Prompt(scenes.WORDS, layers=1))


class Counted(nets.UNet):
    """A net that counts how many pictures it was asked about."""

    asked = 0

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        self.asked += len(x_t)
        return super().forward(x_t, t, context)


# --- the same as plain guidance, or as none ---------------------------------------------------------


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("guided", [{}, {"levels": (0.0, 1.0)}, {"negative": None}], ids=["nothing", "all", "none"])
def test_without_a_difference_it_is_plain_guidance(guided: dict[str, Any], scale: float) -> None:
    model = plain()
    pictures = [sample(each, 3, guidance_scale=scale, **WALK) for each in (model, Guided(model, **guided))]
    assert torch.equal(*pictures)


def test_an_empty_negative_prompt_is_plain_guidance() -> None:
    model = reader()
    settings: dict[str, Any] = dict(steps=3, eta=0.0, prompt="a red circle", guidance_scale=2.5)
    ways = (model, Guided(model, negative=""), Guided(model))
    pictures = [sample(each, 2, **settings) for each in ways]
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[0], pictures[2])
    other = sample(Guided(model, negative="a blue star"), 2, **settings)
    assert float((pictures[0] - other).abs().max()) > 1e-3


def test_outside_of_the_levels_it_is_told_without_a_push() -> None:
    """No step of a walk in four comes between 0.1 and 0.2: that is scale 1, and so is what scale 0 would ignore."""
    model = plain()
    told_only = sample(model, 3, **WALK)
    for scale in (0.0, 5.0):
        assert torch.equal(sample(Guided(model, levels=(0.1, 0.2)), 3, guidance_scale=scale, **WALK), told_only)


def test_within_the_levels_both_ends_count() -> None:
    """A walk in four is at 1, 0.75, 0.5 and 0.25: each is pushed alone, and it shows."""
    model = plain()
    found = [sample(model, 3, **WALK)]
    found += [sample(Guided(model, levels=(at, at)), 3, guidance_scale=3.0, **WALK) for at in (1.0, 0.75, 0.5, 0.25)]
    for one, other in itertools.pairwise(found):
        assert float((one - other).abs().max()) > 1e-4


def test_its_own_self_pushes_nowhere() -> None:
    """A worse self that is no worse: every scale is scale 1, up to rounding."""
    model = plain()
    pictures = sample(Guided(model, worse=model), 3, guidance_scale=7.0, **WALK)
    torch.testing.assert_close(pictures, sample(model, 3, **WALK), atol=1e-4, rtol=0)


def test_a_worse_self_is_told_the_same() -> None:
    """Scale 0 is the worse one alone, told; the belief is the formula."""
    model, worse = plain(), plain(seed=1)
    x, t, tokens = torch.randn(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.5), torch.tensor([0, 2])
    guided = Guided(model, worse=worse)
    with torch.no_grad():
        ours, other = model.belief(x, t, tokens), worse.belief(x, t, tokens)
        torch.testing.assert_close(guided.belief(x, t, tokens, 2.0), other + 2 * (ours - other))
    assert torch.equal(sample(guided, 2, guidance_scale=0.0, **WALK), sample(worse, 2, **WALK))


def test_a_negative_label_takes_the_place_of_not_told() -> None:
    model = plain()
    x, t, tokens = torch.randn(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.5), torch.tensor([0, 2])
    with torch.no_grad():
        ours, other = (model.belief(x, t, each) for each in (tokens, torch.tensor([1, 1])))
        found = Guided(model, negative=1).belief(x, t, tokens, 2.0)
    torch.testing.assert_close(found, other + 2 * (ours - other))


@pytest.mark.parametrize("model", [plain(heads.Categorical(4), plans.raster(2)), tiny_causal(condition=Labels(3))])
def test_a_worse_self_works_on_logits_too(model: Generator) -> None:
    pictures = sample(Guided(model, worse=model), 3, seed=1, guidance_scale=4.0)
    assert torch.equal(pictures, sample(model, 3, seed=1))


# --- what it costs ---------------------------------------------------------------------------------

COSTS = [
    ({}, 3.0, 8),
    ({}, 1.0, 4),
    ({}, 0.0, 4),
    ({"negative": 2}, 3.0, 8),
    ({"levels": (0.5, 1.0)}, 3.0, 7),
    ({"levels": (0.4, 0.6)}, 3.0, 5),
    ({"levels": (0.4, 0.6)}, 0.0, 4),
    ({"levels": (0.1, 0.2)}, 3.0, 4),
]


@pytest.mark.parametrize(("guided", "scale", "calls"), COSTS)
def test_calls_are_counted_as_they_are_made(guided: dict[str, Any], scale: float, calls: int) -> None:
    """A net that counts agrees with nfe, with the walk, and the walk with sample."""
    net = Counted(8, widths=(8, 16), context_size=8)
    model = Guided(Generator(net, V, plans.diffusion(), condition=Labels(3)), **guided)
    drawn = sample(model, 3, guidance_scale=scale, **WALK)
    assert net.asked == 3 * calls
    walk = trajectory(model, 3, guidance_scale=scale, **WALK)
    assert walk.nfe == model.nfe(4, scale) == calls
    assert torch.equal(walk.images[-1], drawn)


def test_both_networks_are_counted() -> None:
    found = [Counted(8, widths=(8, 16), context_size=8) for _ in range(2)]
    model, worse = (Generator(net, V, plans.diffusion(), condition=Labels(3)) for net in found)
    sample(Guided(model, worse=worse), 3, guidance_scale=2.0, **WALK)
    assert [net.asked for net in found] == [12, 12]
    assert Guided(model, worse=worse).nfe(4, 2.0) == 8 == nfe(4, 2.0)


def test_a_walk_leaves_both_networks_as_they_were() -> None:
    model, worse = plain().train(), plain(seed=1)
    sample(Guided(model, worse=worse), 1, guidance_scale=2.0, **WALK)
    assert (model.training, worse.training) == (True, False)


# --- what does not go together ---------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"levels": (0.8, 0.2)}, ValueError, "the lower level first"),
    ({"levels": (-0.1, 0.2)}, ValueError, r"levels\[0\] is -0.1"),
    ({"levels": (0.1, 1.5)}, ValueError, r"levels\[1\] is 1.5"),
    ({"negative": "a red circle"}, TypeError, "told labels; allowed: a label"),
    ({"negative": 3}, ValueError, "3"),
    ({"worse": plain(), "negative": 1}, ValueError, "one second run"),
    ({"worse": "me"}, TypeError, "worse is a str"),
    ({"worse": plain(heads.Categorical(4))}, ValueError, "worse has the head"),
    ({"worse": plain(size=16)}, ValueError, "worse has the shape"),
    ({"worse": plain(schedule=process.flow)}, ValueError, "worse has the schedule flow"),
    ({"worse": tiny_unet(V, plans.diffusion(), condition=Labels(5))}, ValueError, "worse has the condition"),
]


@pytest.mark.parametrize(("arguments", "kind", "said"), WRONG)
def test_what_does_not_go_together_is_named(arguments: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        Guided(plain(), **arguments)


def test_another_target_or_dropout_is_no_obstacle() -> None:
    """The picture is the common currency of least squares."""
    worse = tiny_unet(heads.Regression("x0"), plans.diffusion(), seed=1, condition=Labels(3, dropout=0.3))
    drawn = sample(Guided(plain(), worse=worse), 1, guidance_scale=2.0, **WALK)
    assert bool(drawn.isfinite().all())


def test_other_models_are_refused() -> None:
    with pytest.raises(TypeError, match="model is a str; allowed: a Generator"):
        Guided("digits")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="model has no condition"):
        Guided(tiny_mlp(V, plans.diffusion()))
    with pytest.raises(TypeError, match="told prompts; allowed: a prompt"):
        Guided(reader(), negative=3)
    with pytest.raises(ValueError, match=r"levels is .* with the plan raster"):
        Guided(plain(heads.Categorical(4), plans.raster(2)), levels=(0.2, 0.8))


def test_it_keeps_no_memory() -> None:
    with pytest.raises(ValueError, match="memory was given"):
        Guided(plain()).belief(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8), memory={})

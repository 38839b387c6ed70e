"""What happens inside a picture: where patches tear it, and how many bits its pixels take."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from minigen import data
from minigen.base.errors import check_images, check_seed, check_whole
from minigen.base.randomness import Blocks
from minigen.heads import Categorical
from minigen.model import Model, check_model, evaluating, is_causal
from minigen.plans import raster, spatial


@dataclass(frozen=True)
class PatchGradients:
    """Mean absolute difference of neighbouring pixels, over that of real pictures at the same places.

    ``border``: neighbours in different patches; ``inside``: in the same patch. 1 is like real pictures,
    above is torn or grainy, below is too smooth. None where there are no such neighbours.
    """

    border: float | None
    inside: float | None


def patch_gradients(samples: Tensor, patch: int, real: Tensor | None = None) -> PatchGradients:
    """Where the damage sits: gradients at patch borders and inside patches (chapter 5).

    ``real`` is what they are divided by, held-out digits unless given.

    >>> real, _ = data.digits(split="held-out")
    >>> patch_gradients(real, patch=4)
    PatchGradients(border=1.0, inside=1.0)
    """
    check_images("samples", samples)
    real = data.digits(samples.shape[-1], "held-out")[0] if real is None else real
    check_images("real", real, tuple(samples.shape[1:]))
    place = raster(check_whole("patch", patch)).places(tuple(samples.shape[1:]))
    place = place.view(spatial(tuple(samples.shape[1:])))
    ratios = {}
    for name, wanted in (("border", True), ("inside", False)):
        sums = [_gradient(images.cpu(), place, wanted) for images in (samples, real)]
        ratios[name] = None if sums[1] is None else sums[0] / sums[1]  # type: ignore[operator]
    return PatchGradients(**ratios)


def _gradient(images: Tensor, place: Tensor, across: bool) -> float | None:
    """The mean absolute difference of neighbours whose patches differ (or are the same)."""
    parts = []
    for dim in (-1, -2):
        chosen = (place.diff(dim=dim) != 0) == across
        parts.append(images.diff(dim=dim).abs()[..., chosen].flatten())
    joined = torch.cat(parts)
    return float(joined.double().mean()) if len(joined) else None


@torch.no_grad()
def bits_per_dimension(
    model: Model, images: Tensor, labels: Tensor | None = None, steps: int | None = None, seed: int = 0
) -> Tensor:
    """How many bits a pixel the model needs to write each picture: (N,), lower is better (chapter 10).

    The sum over the walk of -log2 p(pixels written at that step), over the number of pixels, for the
    picture rounded to the head's grey levels. Exact for ``raster()``, an upper bound for
    ``random_order()`` (one random order an image), not defined here for noise.

    >>> from minigen import heads, plans
    >>> from minigen.ideal import IdealGenerator
    >>> two = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    >>> bits_per_dimension(IdealGenerator(two, heads.Categorical(2), plans.raster()), two)
    tensor([0.5000, 0.5000])
    """
    model = check_model(model)
    plan, head = model.plan, model.head
    if not isinstance(head, Categorical) or not plan.whole:
        raise ValueError(
            f"model has the head {type(head).__name__} and the plan {plan.name}; allowed:"
            " Categorical with one_shot(), raster() or random_order()"
        )
    check_images("images", images, model.shape)
    check_seed("seed", seed)
    steps = plan.check_steps(steps, model.shape)
    count, x0 = len(images), head.prepare(images.float().to(model.device))
    tokens = None
    if model.condition is not None and labels is not None:
        tokens = model.condition.tokens(labels, count).to(model.device)
    random = Blocks(seed, 0, count, model.device)
    drawn = random.draw_some(lambda block, stream: plan.draw(block, model.shape, stream))
    # A causal net sees only what comes before each pixel, so one pass over the whole picture is the walk
    one_pass = is_causal(model)
    progress = torch.linspace(0, 1, 2 if one_pass else steps + 1, dtype=torch.float64)
    levels = (plan.levels(p.expand(count), model.shape, drawn) for p in progress)
    rows = [each.to(model.device, torch.float32) for each in levels]
    bits = torch.zeros(count, dtype=torch.float64, device=model.device)
    with evaluating(model):
        for t, u in itertools.pairwise(rows):
            log_p = head.log_probabilities(model.belief(x0, u if one_pass else t, tokens)).double()
            log_p = log_p.gather(2, head.index(x0).unsqueeze(2)).squeeze(2)  # of the true grey level
            bits -= torch.where(u < t, log_p, 0).flatten(1).sum(1) / math.log(2)
    return (bits / x0[0].numel()).float()

"""The perfect curve: a generator with the same face and no network (chapters 6 and 7)."""

from __future__ import annotations

from torch import Tensor, nn

from minigen import heads, nets, plans
from minigen.base.errors import check_images, check_kind, check_number
from minigen.process import Schedule, cosine, hide


def _check_head(head: heads.Head) -> None:
    """Raise unless the head learns what is known here in closed form: whose loss and belief are those of ours."""
    for ours in (heads.Regression, heads.Categorical):
        if isinstance(head, ours) and all(getattr(type(head), of) is getattr(ours, of) for of in ("loss", "belief")):
            return
    hint = "; call the class to make one" if isinstance(head, type) else ""
    raise TypeError(
        f"head is {head!r}, for which no perfect curve is known; allowed: heads.Regression() or heads.Categorical()"
        f"{hint}; a Generator can be trained with any head"
    )


class IdealGenerator:
    """What perfect training on a finite set of pictures would give, in closed form (chapters 6 and 7).

    Every picture x0_n is equally likely at first; having seen x_t at levels t, its weight is
    ``exp(-sum over pixels (x_t - alpha x0_n)^2 / (2 sigma^2))``, and the belief is the weighted mean
    (``Regression``) or the weighted count of grey levels (``Categorical``). It can be sampled like a
    ``Generator``; it draws training pictures and nothing else, or torn mixtures of them if its plan
    has too few steps.

    Raises:
        TypeError: if the head has a loss or a belief of its own, for which the closed form would be another one (the
            median of absolute errors, say).

    >>> import torch
    >>> model = IdealGenerator(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), heads.Regression("x0"), plans.one_shot())
    >>> model.belief(torch.zeros(1, 2), torch.ones(1, 2))
    tensor([[0., 0.]])
    """

    def __init__(
        self, pictures: Tensor, head: heads.Head, plan: plans.Plan, schedule: Schedule = cosine, exact: float = 1e-3
    ) -> None:
        check_images("pictures", pictures)
        check_kind("plan", plan, plans.Plan, "plans.diffusion()")
        check_number("exact", exact, 0, open_left=True)
        _check_head(head)
        self.head, self.plan, self.schedule = head, plan, schedule
        self.condition, self.shape, self.device = None, tuple(pictures.shape[1:]), pictures.device
        # rounded as they are, then made exact: in float64 a grey halfway between two could round the other way
        self.pictures = head.prepare(pictures).double()
        self.exact = exact  # the least sigma: pixels that are written must match, but not to the last bit
        if isinstance(head, heads.Categorical):  # which grey each pixel of each picture has, as 0 and 1
            self.one_hot = nn.functional.one_hot(head.index(self.pictures), head.levels).movedim(-1, 2).double()

    def weights(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The probability of each picture given what is seen: (B, pictures), float64."""
        alpha, sigma = (c.expand_as(x_t).flatten(1) for c in self.schedule(t.double()))
        sigma = sigma.clamp(min=self.exact)
        seen = hide(x_t, t, self.schedule).double().flatten(1)
        flat = self.pictures.flatten(1)
        # the square written out: one matrix product for each of its terms that depend on the picture
        log_weight = (alpha * seen / sigma**2) @ flat.T - (alpha**2 / (2 * sigma**2)) @ (flat**2).T
        return log_weight.softmax(dim=1)

    def belief(
        self,
        x_t: Tensor,
        t: Tensor,
        tokens: Tensor | None = None,
        guidance_scale: float = 1.0,
        memory: nets.Memory | None = None,
    ) -> Tensor:
        """The exact belief of x0, in the head's form (see ``Generator.belief``)."""
        weights = self.weights(x_t, t)
        if isinstance(self.head, heads.Categorical):
            probability = (weights @ self.one_hot.flatten(1)).view(-1, *self.one_hot.shape[1:])
            return probability.clamp(min=0).log().to(x_t)
        return (weights @ self.pictures.flatten(1)).view_as(x_t).to(x_t)

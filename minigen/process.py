"""Removing information and putting it back: one formula each, for every plan, pixel by pixel.

Remove: ``x_t = alpha(t) * x0 + sigma(t) * eps``. Restore, from level t to a lower level u, by ``step``.
A *level* t says how much of a pixel is gone: 0 is the pixel itself, 1 is pure noise. A *schedule* turns
a level into the two coefficients. Chapter 7 derives both formulas, chapter 8 turns the knobs of ``step``.

Names: x0 the data, eps standard normal noise, x_t the mixture, v the schedule's velocity;
``alpha_bar = alpha**2`` in the literature.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from minigen.base.errors import check_choice, check_kind, check_like, check_number, check_tensor
from minigen.base.parts import ClassName, Part, is_ours, rebuilt

# --- schedules -------------------------------------------------------------------------------------


class Schedule(Part, ABC, kind="schedule"):
    """How much picture and how much noise a level means: ``alpha, sigma = schedule(t)``.

    An own schedule writes two functions of t in [0, 1], ``alpha`` and ``sigma``; the rest follows. ``alpha(1)`` is made
    0 exactly, which floating point alone would not give: in float32 cos(pi/2) is -4.4e-8. (A ``leaky`` schedule
    keeps a trace of the picture at t = 1.)

    >>> class Parabola(Schedule):
    ...     def alpha(self, t: Tensor) -> Tensor:
    ...         return 1 - t**2
    ...     def sigma(self, t: Tensor) -> Tensor:
    ...         return t
    >>> [value.tolist() for value in Parabola()(torch.tensor([0.0, 0.5, 1.0]))]
    [[1.0, 0.75, 0.0], [0.0, 0.5, 1.0]]
    """

    leaky = False
    name: str = cast(str, ClassName())
    """What it is called in messages: its class's name, unless it says another."""

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor:
        """How much of the picture is left at the levels ``t``: 1 at t = 0, never rising, 0 at t = 1."""

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """How much noise there is: 0 at t = 0, above 0 elsewhere."""

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The coefficients (alpha, sigma) at the levels ``t``, in t's shape and dtype."""
        alpha = self.alpha(t)
        return (alpha if self.leaky else alpha.masked_fill(t == 1, 0)), self.sigma(t)

    def check(self) -> None:
        """Raise, naming what is wrong, unless this is a schedule; ours are."""
        if is_ours(type(self)):
            return
        t = torch.linspace(0, 1, 65)
        for name, of in (("alpha", self.alpha), ("sigma", self.sigma)):
            found = of(t.clone())
            if not isinstance(found, Tensor) or found.shape != t.shape:
                got = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
                raise ValueError(
                    f"schedule {self.name}: {name}(t) gives {got}; allowed: a number for every t, as t has"
                )
        alpha, sigma = self.alpha(t), self.sigma(t)
        for right, said in (
            (bool(alpha.isfinite().all() and sigma.isfinite().all()), "it is not finite everywhere"),
            (abs(float(alpha[0]) - 1) < 1e-3 and abs(float(sigma[0])) < 1e-3, "at t = 0 something is lost"),
            (bool((alpha.diff() <= 1e-6).all()), "alpha rises"),
            (bool((sigma[1:] > 0).all()), "sigma is not above 0 everywhere after t = 0"),
            (self.leaky or abs(float(alpha[-1])) < 1e-2, "at t = 1 something is left, and leaky is False"),
        ):
            if not right:
                raise ValueError(
                    f"schedule {self.name}: {said}; allowed: alpha falls from 1 at t = 0 to 0 at t = 1, and sigma, 0 at"
                    " t = 0, is above 0 elsewhere"
                )

    def velocity(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """(d_alpha, d_sigma), so that ``v = d_alpha * x0 + d_sigma * eps`` is dx_t/dt up to a factor.

        The factor is such that ``alpha * d_sigma - sigma * d_alpha = 1``, which makes every conversion below one line.
        ``cosine``: v = alpha * eps - sigma * x0 (Salimans and Ho 2022); ``flow``: v = eps - x0.
        """
        d_alpha, d_sigma = _slope(self.alpha, t), _slope(self.sigma, t)
        turn = self.alpha(t) * d_sigma - self.sigma(t) * d_alpha
        return d_alpha / turn, d_sigma / turn


def _slope(curve: Callable[[Tensor], Tensor], t: Tensor) -> Tensor:
    """The derivative of a function of each level; where it has none, as sqrt(t) at 0, that a hair inside [0, 1]."""

    def slope(place: Tensor) -> Tensor:
        place = place.clone().requires_grad_()
        return torch.autograd.grad(curve(place).sum(), place)[0]

    with torch.inference_mode(False), torch.enable_grad():
        found, hair = slope(t.detach()), 2**-20
        return torch.where(found.isfinite(), found, slope(t.detach().clamp(hair, 1 - hair)))


@dataclass(frozen=True)
class Curve(Schedule):
    """One of the course's own schedules: a function of t that gives both coefficients, and a name.

    ``straight`` says that the way from noise to data is a straight line (alpha = 1 - t, sigma = t); else
    alpha**2 + sigma**2 = 1. Both have their velocity in closed form.

    >>> alpha, sigma = cosine(torch.tensor([0.0, 0.5, 1.0]))
    >>> [round(value, 4) for value in alpha.tolist()], [round(value, 4) for value in sigma.tolist()]
    ([1.0, 0.7071, 0.0], [0.0, 0.7071, 1.0])
    """

    name: str = ""
    curve: Callable[[Tensor], tuple[Tensor, Tensor]] = field(repr=False, default=lambda t: (1 - t, t))
    straight: bool = False
    leaky: bool = False

    def alpha(self, t: Tensor) -> Tensor:
        return self.curve(t)[0]

    def sigma(self, t: Tensor) -> Tensor:
        return self.curve(t)[1]

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.curve(t)
        return (alpha if self.leaky else alpha.masked_fill(t == 1, 0)), sigma

    def velocity(self, t: Tensor) -> tuple[Tensor, Tensor]:
        if self.straight:
            return -torch.ones_like(t), torch.ones_like(t)
        alpha, sigma = self(t)
        return -sigma, alpha


def _cosine(t: Tensor) -> tuple[Tensor, Tensor]:
    return torch.cos(t * (math.pi / 2)), torch.sin(t * (math.pi / 2))


def _shifted(t: Tensor) -> tuple[Tensor, Tensor]:
    alpha, sigma = _cosine(t)
    length = (alpha**2 + 4 * sigma**2).sqrt()
    return alpha / length, 2 * sigma / length


def _flow(t: Tensor) -> tuple[Tensor, Tensor]:
    return 1 - t, t


def _linear_beta(t: Tensor) -> tuple[Tensor, Tensor]:
    # log alpha_bar after 0 to 1,000 of DDPM's steps; between two of them the logarithm is interpolated.
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64, device=t.device)
    log_bar = torch.cat([betas.new_zeros(1), torch.log1p(-betas).cumsum(0)])
    place = t.double() * 1000
    below = place.floor().clamp(0, 999).long()
    log_alpha_bar = torch.lerp(log_bar[below], log_bar[below + 1], place - below)
    return (log_alpha_bar / 2).exp().to(t.dtype), (0 - torch.expm1(log_alpha_bar)).sqrt().to(t.dtype)  # 0 -: never -0


cosine = Curve("cosine", _cosine)
"""alpha = cos(pi t / 2), sigma = sin(pi t / 2): the course's default (chapter 7)."""

shifted = Curve("shifted", _shifted)
"""Cosine with twice the noise for the same picture: sigma / alpha = 2 tan(pi t / 2).

For pictures of large plain shapes: noise that hides a digit leaves them easy to see, so more of the levels must
be noisy (Hoogeboom et al. 2023, arXiv 2301.11093, shift it by the size of the pictures; chapter 12).
"""

flow = Curve("flow", _flow, straight=True)
"""alpha = 1 - t, sigma = t: flow matching's straight line (chapter 14; Lipman et al. 2023)."""

linear_beta_leaky = Curve("linear_beta_leaky", _linear_beta, leaky=True)
"""DDPM's 1,000 betas from 1e-4 to 0.02 (Ho et al. 2020). At t = 1 alpha is still 0.00635: chapter 8
shows what that leak costs. Nowhere else in the course is it used."""

SCHEDULES = {each.name: each for each in (cosine, shifted, flow, linear_beta_leaky)}
Schedule.taken |= SCHEDULES.keys()


def schedule(given: str | Schedule | Mapping[str, Any]) -> Schedule:
    """The schedule of this name, or that a file describes (a schedule is handed back).

    >>> schedule("cosin")
    Traceback (most recent call last):
    ValueError: schedule is 'cosin'; allowed: 'cosine', 'shifted', 'flow', 'linear_beta_leaky'; did you mean 'cosine'?
    """
    if isinstance(given, Schedule):
        return given
    if isinstance(given, Mapping):
        return cast(Schedule, rebuilt(Schedule, given))
    return SCHEDULES[check_choice("schedule", given, list(SCHEDULES))]


# --- removing and restoring ------------------------------------------------------------------------


def respaced(level: Tensor, spacing: str) -> Tensor:
    """The cosine schedule's level with as much noise for its picture as the schedule ``spacing`` has at ``level``.

    >>> respaced(torch.tensor([0.0, 0.25, 1.0]), "flow")
    tensor([0.0000, 0.2048, 1.0000])
    """
    if spacing == "cosine":
        return level
    alpha, sigma = SCHEDULES[spacing](level)
    return torch.where(level == 1, 1.0, torch.atan2(sigma, alpha) * (2 / math.pi))


def corrupt(x0: Tensor, t: Tensor, eps: Tensor, schedule: Schedule = cosine) -> Tensor:
    """Remove information: ``alpha(t) * x0 + sigma(t) * eps``, each pixel at its own level (chapter 7).

    ``x0`` and ``eps`` are (B, C, H, W) or (B, D); ``t`` broadcasts against them, usually (B, 1, H, W).

    >>> corrupt(torch.tensor([0.5]), torch.tensor([0.0]), torch.tensor([9.0]))
    tensor([0.5000])
    >>> corrupt(torch.tensor([0.5]), torch.tensor([1.0]), torch.tensor([9.0]))
    tensor([9.])
    """
    check_tensor("x0", x0)
    check_like("eps", eps, "x0", x0)
    check_levels("t", t, x0)
    check_kind("schedule", schedule, Schedule, "process.cosine")
    alpha, sigma = schedule(t)
    return alpha * x0 + sigma * eps


def check_levels(argument: str, given: Tensor, like: Tensor) -> None:
    """Raise unless ``given`` are levels for such pictures; on a GPU their values are not waited for."""
    check_like(argument, given, "the pictures", like)
    if given.device.type == "cpu" and bool(((given < 0) | (given > 1) | given.isnan()).any()):
        low, high = given.aminmax()
        raise ValueError(f"{argument} has values from {low:.3g} to {high:.3g}; allowed: levels from 0 to 1")


def hide(x_t: Tensor, t: Tensor, schedule: Schedule = cosine) -> Tensor:
    """``x_t`` with 0 wherever alpha(t) is 0: such a pixel carries nothing, so nothing of it is shown.

    Every network sees pictures through this, NaN included, so what lies in a hidden pixel can't
    change what is predicted (chapter 3).

    >>> hide(torch.tensor([0.3, float("nan")]), torch.tensor([0.5, 1.0]))
    tensor([0.3000, 0.0000])
    """
    return x_t.masked_fill(schedule(t)[0] == 0, 0)


def _or_one(denominator: Tensor) -> Tensor:
    """A denominator made safe *before* dividing: 0/0 under a ``where`` still gives NaN gradients."""
    return torch.where(denominator == 0, torch.ones_like(denominator), denominator)


def step(
    x_t: Tensor,
    x0_hat: Tensor,
    t: Tensor,
    u: Tensor,
    schedule: Schedule = cosine,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """Restore information: from level ``t`` to the lower level ``u``, given a guess ``x0_hat``.

    ``x_u = alpha(u) x0_hat + sqrt(sigma(u)^2 - s^2) eps_hat + s noise`` with
    ``eps_hat = (x_t - alpha(t) x0_hat) / sigma(t)`` and
    ``s = eta sigma(u) / sigma(t) sqrt(sigma(t)^2 - (alpha(t) / alpha(u))^2 sigma(u)^2)``.

    ``eta`` 0 is DDIM, 1 is ancestral sampling (Song, Meng and Ermon 2021, equations 12 and 16; written
    so that it holds for every schedule). A pixel with u = t is copied. At u = 0 the formula *is* "write
    the predicted pixel", so auto-regression is this same step with levels 0 and 1 (chapters 4, 7, 8).

    Args:
        x_t, x0_hat: (B, C, H, W) or (B, D).
        t, u: levels that broadcast against x_t, with u <= t everywhere.
        eta: in [0, 1]; above 0 it needs ``noise``, standard normal, in the shape of x_t.

    Raises:
        ValueError: if u > t somewhere, eta is out of range, or noise is missing.

    >>> half, none = torch.tensor([0.5]), torch.tensor([0.0])
    >>> step(torch.tensor([9.0]), torch.tensor([0.25]), t=half, u=none)
    tensor([0.2500])
    >>> step(torch.tensor([9.0]), torch.tensor([0.25]), t=half, u=half)
    tensor([9.])
    """
    check_number("eta", eta, 0, 1)
    check_tensor("x_t", x_t)
    check_like("x0_hat", x0_hat, "x_t", x_t)
    check_levels("t", t, x_t)
    check_levels("u", u, x_t)
    if bool((u > t).any()):
        raise ValueError("u is above t somewhere; allowed: levels that never rise, since a step only restores")
    if eta > 0 and noise is None:
        raise ValueError(f"noise is None; allowed with eta={eta}: standard normal noise in the shape of x_t")
    alpha_t, sigma_t = schedule(t)
    alpha_u, sigma_u = schedule(u)
    eps_hat = (x_t - alpha_t * x0_hat) / _or_one(sigma_t)
    x_u = alpha_u * x0_hat
    if noise is None or eta == 0:
        x_u = x_u + sigma_u * eps_hat
    else:
        kept = alpha_t / _or_one(alpha_u) * sigma_u
        s = eta * sigma_u / _or_one(sigma_t) * (sigma_t**2 - kept**2).clamp(min=0).sqrt()
        x_u = x_u + (sigma_u**2 - s**2).clamp(min=0).sqrt() * eps_hat + s * noise
    return torch.where(u == t, x_t, x_u)


def extrapolate(
    x0_hat: Tensor, x0_before: Tensor, s: Tensor, t: Tensor, u: Tensor, schedule: Schedule = cosine
) -> Tensor:
    """A guess at x0 for the whole way from ``t`` to ``u``, out of those made at ``t`` and, before, at ``s``.

    ``x0_hat + h(t, u) / (2 h(s, t)) (x0_hat - x0_before)`` with ``h(t, u) = lam(u) - lam(t)`` and
    ``lam = log(alpha / sigma)``. Handed to ``step`` with eta 0 this is DPM-Solver++ (2M), a second-order
    sampler at one network call a step (Lu et al. 2022, algorithm 2; chapter 8). From t = 1, where lam is
    minus infinity, and to u = 0, where it is infinite, the guess is left as it is: first order.

    Args:
        x0_hat, x0_before: guesses at the levels t and s, (B, C, H, W) or (B, D).
        s, t, u: levels that fall, broadcasting against them.

    >>> s, t, u = torch.tensor([0.8]), torch.tensor([0.5]), torch.tensor([0.2])
    >>> extrapolate(torch.tensor([1.0]), torch.tensor([0.0]), s, t, u)       # as long a step as the last
    tensor([1.5000])
    """
    lam_s, lam_t, lam_u = (alpha.log() - sigma.log() for alpha, sigma in map(schedule, (s, t, u)))
    share = (lam_u - lam_t) / (2 * (lam_t - lam_s))
    return x0_hat + torch.where(share.isfinite(), share, 0) * (x0_hat - x0_before)


# --- x0, eps, v ------------------------------------------------------------------------------------

TARGETS = ("x0", "eps", "v")


def convert(value: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule = cosine, *, source: str, target: str) -> Tensor:
    """Turn a prediction of x0, eps or v into one of the others, given ``x_t`` and ``t`` (chapter 9).

    With (d_alpha, d_sigma) the schedule's velocity: ``x0 = d_sigma x_t - sigma v`` and
    ``eps = alpha v - d_alpha x_t``; x0 and eps give each other through ``x_t = alpha x0 + sigma eps``.

    Raises:
        ValueError: for an unknown name; for source eps where alpha is 0 (at t = 1 the noise says
            nothing about the picture); for source x0 where sigma is 0 (at t = 0 there is no noise).

    >>> x0, eps, t = torch.tensor([0.6]), torch.tensor([-1.0]), torch.tensor([0.5])
    >>> convert(eps, corrupt(x0, t, eps), t, source="eps", target="x0")
    tensor([0.6000])
    """
    check_choice("source", source, TARGETS)
    check_choice("target", target, TARGETS)
    if source == target:
        return value
    alpha, sigma = schedule(t)
    d_alpha, d_sigma = schedule.velocity(t)
    if source == "v":
        return d_sigma * x_t - sigma * value if target == "x0" else alpha * value - d_alpha * x_t
    if source == "eps":
        if bool((alpha == 0).any()):
            raise ValueError("source is 'eps' at a level where alpha is 0 (t = 1); allowed there: 'x0', 'v'")
        x0, eps = (x_t - sigma * value) / alpha, value
    else:
        if bool((sigma == 0).any()):
            raise ValueError("source is 'x0' at a level where sigma is 0 (t = 0); allowed there: 'eps', 'v'")
        x0, eps = value, (x_t - alpha * value) / sigma
    return {"x0": x0, "eps": eps, "v": d_alpha * x0 + d_sigma * eps}[target]

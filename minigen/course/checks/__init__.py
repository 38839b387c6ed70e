"""The checks of the exercises, a file a chapter: they say what is wrong and hint, and never give the answer away."""

from minigen.course.checks import (
    auto_regression,
    blurry_average,
    causal,
    curve_fitting,
    diffusion,
    few_steps,
    frontier,
    future,
    guidance,
    missing_pixels,
    one_network,
    patches,
    prompts,
    spreading,
    your_pictures,
)
from minigen.course.checks.judging import EXERCISES, NotYetError, Verdict, check

__all__ = [
    "EXERCISES",
    "NotYetError",
    "Verdict",
    "auto_regression",
    "blurry_average",
    "causal",
    "check",
    "curve_fitting",
    "diffusion",
    "few_steps",
    "frontier",
    "future",
    "guidance",
    "missing_pixels",
    "one_network",
    "patches",
    "prompts",
    "spreading",
    "your_pictures",
]

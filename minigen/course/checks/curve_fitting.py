"""The checks of chapter 1, curve fitting."""

from __future__ import annotations

from typing import Any

import torch

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect_number, expect_tensor
from minigen.data import curve


@exercise("first-step")
def _first_step(after_one_step: Any, in_the_end: Any) -> str:
    traps = {
        0.8: "0.8 follows from the sum of the two squared errors. The loss here is their mean.",
        0.2: "0.2 loses a factor 2: the derivative of (w x - y)^2 is 2 (w x - y) x.",
        -0.4: "The step went uphill: subtract the rate times the slope.",
        -8.0: "-8 is the slope of the loss at w = 0. The step is minus the rate times that.",
    }
    hint = "Work out the derivative of the mean of (w x - y)^2 at w = 0, then take 0.05 of it away from w."
    expect_number("w after one step", after_one_step, 0.4, traps, hint)
    traps = {
        1.75: "1.75 is the mean of the two slopes 2/1 and 3/2. Least squares listens more to the larger x.",
        1.0: "A line through both points would be y = x + 1, but this model has no intercept.",
    }
    expect_number("w in the end", in_the_end, 1.6, traps, "In the end the slope of the loss is 0: solve that for w.")
    return "The first step goes a quarter of the way; the last word is the slope that the two points agree on best."


@exercise("count-weights")
def _count_weights(curve: Any, classifier: Any) -> str:
    traps = {80.0: "80 counts the pairs between neurons; each neuron also has one more knob of its own."}
    expect_number(
        "The small curve's count",
        curve,
        97,
        traps,
        "A layer from a to b has a * b weights, and b more, one for each output.",
        0,
    )
    traps = {1184.0: "1,184 counts the pairs between neurons; each neuron also has one more knob of its own."}
    expect_number("The small reader's count", classifier, 1210, traps, "Its sizes are 64, 16, 10.", 0)
    return "Most of the reader's numbers sit in its first layer, where the pixels come in."


@exercise("best-constant")
def _best_constant(function: Any) -> str:
    random = seeded(11)
    for values in (
        torch.tensor([0.0, 0.0, 0.0, 10.0]),
        torch.randn(9, generator=random),
        torch.rand(8, generator=random),
    ):
        values = values.double()
        tried = torch.cat([values, torch.linspace(float(values.min()), float(values.max()), 2001).double()])
        for name, loss in (("squared", torch.square), ("absolute", torch.abs)):
            constant = expect_tensor("The constant", ask(function, values, name), ())
            reached = loss(values - constant).mean()
            # brute force is coarse for squares, so the exact minimum is added to what was tried
            best = loss(values[:, None] - torch.cat([tried, values.mean()[None]])).mean(dim=0).min()
            if not reached <= best + (1e-9 if name == "squared" else 1e-5):  # what float32 may cost in either
                hint = {
                    "squared": "Where is the slope of the mean squared difference zero?",
                    "absolute": "Move the constant a little: how many values come nearer, how many go away?",
                }[name]
                if reached < best + 1e-4:
                    hint = "Nearly: one of many that were tried? The best has a formula."
                raise NotYetError(
                    f"For the {name} loss and the values {[round(v, 2) for v in values.tolist()]} your constant"
                    f" {float(constant):.3f} leaves a loss of {float(reached):.6f};"
                    f" {float(best):.6f} is possible. {hint}"
                )
    return "Squares make the mean, absolute errors make the median: the loss decides which average you get."


@exercise("train-curve")
def _train_curve(trained: Any) -> str:
    net, dots, fresh = expect_net(trained), curve(count=12), curve(count=2000, seed=2718)
    between = (fresh[0] > dots[0].min()) & (fresh[0] < dots[0].max())
    own, off = (
        typical(expect_tensor(f"What it says of {len(x)} numbers", answers_of(net, x), (len(x), 1)) - y)
        for x, y in (dots, (fresh[0][between][:, None], fresh[1][between][:, None]))
    )
    said = f"On fresh dots it is off by {off:.2f}; at most 0.15 is wanted."
    if off <= 0.15:
        return f"On fresh dots it is off by {off:.2f}, and 0.10 of that is noise: it has found the rule."
    if off > 0.8 * float(fresh[1].std()):
        raise NotYetError(f"{said} A flat line is off by 0.7. Was it trained, and is this the one that was?")
    if own < 0.07:
        raise NotYetError(
            f"{said} Yet on the twelve dots it is off by {own:.2f}, less than their noise, 0.10: it has learned the"
            " noise, too. What would keep it from following single dots?"
        )
    raise NotYetError(f"{said} On the twelve dots it is off by {own:.2f}, so it does not follow the wave closely yet.")

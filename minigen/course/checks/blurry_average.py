"""The checks of chapter 2, the blurry average."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from minigen.base.randomness import seeded
from minigen.course.checks.handed_in import answers_of, expect_net, typical
from minigen.course.checks.judging import NotYetError, ask, exercise, expect, expect_number, expect_tensor
from minigen.data import digits


@exercise("lopsided-coin")
def _lopsided_coin(fit: Any, left: Any) -> str:
    traps = {
        1.0: "1 is the commonest answer. Least squares does not vote: it averages.",
        0.8: "0.8 is the chance of +1; the average also has the -1 in it.",
    }
    expect_number("The fit", fit, 0.6, traps, "Which average of the answers does least squares make?")
    traps = {
        0.8: "0.8 is the loss of always answering +1 (an error of 2 in a fifth of the cases). The mean does better.",
        0.36: "0.36 is the square of the fit; what is left is the variance around it.",
        0.0: "No single answer is right every time, so some loss is left.",
    }
    expect_number(
        "The loss that is left",
        left,
        0.64,
        traps,
        "How far off is the fit when y is +1, how far when it is -1, and how often is which?",
    )
    return "The best answer, 0.6, is one that never occurs."


@exercise("explained")
def _explained(function: Any) -> str:
    random = seeded(12)
    for count, classes in ((60, 3), (101, 4)):
        labels = torch.arange(count) % classes
        images = torch.randn(count, 1, 4, 4, generator=random, dtype=torch.float64) + labels.view(-1, 1, 1, 1)
        total = ((images - images.mean(dim=0)) ** 2).sum()
        within = sum(((images[labels == c] - images[labels == c].mean(dim=0)) ** 2).sum() for c in range(classes))
        share = float(expect_tensor("The share", ask(function, images, labels), ()))
        truth = float(1 - within / total)
        means = torch.stack([images[labels == c].mean(dim=0) for c in range(classes)])
        even = float(((means - images.mean(dim=0)) ** 2).sum() * count / classes / total)
        one_mean = float(1 - within / ((images - images.mean()) ** 2).sum())
        traps = (
            (100 * truth, "That is in per cent. A share is a part of 1."),
            (float(total - within), "That is how much squared error it removes. Asked is its share of all there is."),
            (one_mean, "Told nothing, the best guess is a picture, too: each pixel has a mean of its own."),
            (1 - truth, "That is the share that is left. Asked is the share that knowing the label removes."),
            (even, "The classes are not equally large here: weigh each class mean by its number of pictures."),
        )
        otherwise = (
            f"For {count} pictures in {classes} classes {share:.6f} is not right. From what does a picture's distance"
            " count if nothing is known, and from what if its label is?"
        )
        if count % classes and abs(share - truth) <= 1e-3:
            otherwise = "Nearly: but the classes are not equally large here, so weigh each by its pictures."
        expect(share, truth, traps, otherwise)
    return "Total = within + between, to the last digit: the label removes the part between."


@exercise("four-or-nine")
def _four_or_nine(belief: Any, left: Any) -> str:
    chances = expect_tensor("The belief", belief, (2,))
    if abs(float(chances.sum()) - 1) > 1e-3:
        raise NotYetError(f"A belief sums to 1; yours sums to {float(chances.sum()):.3f}.")
    if float(chances.max()) > 0.999:
        raise NotYetError("All on one digit costs an infinite loss as soon as somebody says the other one.")
    hint = "Try (0.7, 0.3) and (0.8, 0.2): which costs less? What is special about the best? First the 4, then the 9."
    expect_number("The belief in 4", chances[0], 0.75, {0.5: "Half and half ignores that three of four say 4."}, hint)
    traps = {
        0.8113: "0.8113 is right in bits (logarithm to base 2). Asked is nats, the natural logarithm.",
        0.2877: "That is what the three who said 4 pay. What does the fourth pay?",
    }
    hint = "The mean of -ln(belief in what was said) over the four people."
    expect_number("The loss that is left", left, 0.5623, traps, hint, near=0.003)
    return "An average of labels is a belief, and a true one: three quarters for the 4, a quarter for the 9."


def _drawn(net: nn.Module) -> Tensor:
    """What the network draws when nothing is told: ten switches are off; any other input ends with a 1."""
    sizes = [layer.in_features for layer in net.modules() if isinstance(layer, nn.Linear)]
    question = torch.zeros(1, sizes[0] if sizes else 1)
    question[:, -1] = float(question.shape[1] != 10)
    said = answers_of(net, question)
    if said.numel() != 256:
        raise NotYetError(f"Its answer has shape {tuple(said.shape)}; a picture of 16 by 16 is 256 numbers.")
    return said.flatten()


@exercise("train-blur")
def _train_blur(trained: Any) -> str:
    known, unseen = (digits(split=split)[0].flatten(1).double() for split in ("train", "held-out"))
    said = _drawn(expect_net(trained))
    off = float((unseen - said).abs().mean())
    told = f"On digits that it has not seen it is off by {off:.3f} a pixel."
    medians = (pictures.median(dim=0).values for pictures in (known, unseen))
    from_known, from_unseen = (typical(said - median) for median in medians)
    if from_unseen < 0.02 and from_unseen < from_known:
        raise NotYetError("It was fitted to the held-out digits, on which it is measured. Train on those of 'train'.")
    if off <= 0.19:
        return f"{told} No broad fog: each pixel is a median. No digit either: one answer to all of them."
    if off > 0.4:
        raise NotYetError(f"{told} A black picture is off by 0.20. Was it trained, and is this the one that was?")
    if typical(said - known.mean(dim=0)) < 0.05:
        raise NotYetError(f"{told} It is the average picture. What in the fit decides which average an answer is?")
    if typical(said + 1) < 0.1:
        raise NotYetError(f"{told} It is all black, and there are places where most digits are not.")
    if float((known - said).square().mean(dim=1).amin().sqrt()) < 0.1:
        raise NotYetError(f"{told} It is a single one of the digits, and so it is far from most others.")
    raise NotYetError(f"{told} At most 0.19 is wanted. Is it fitted to the end, and to all digits?")

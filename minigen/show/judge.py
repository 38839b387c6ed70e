"""What a judge reads in drawn digits, as a sentence: a classifier of the course that no network was trained with.

Pages say the same of what they draw (js/judge.js).
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from torch import Tensor, no_grad

from minigen.nets.classifier import Classifier
from minigen.show.controls import listed

SURE = 0.9
"""Below this probability a reading is unsure. Of 400 validation digits "digits-judge" is unsure of 6, and wrong about 2
of them; of the other 394 it is wrong about 1."""


def reading(judge: Classifier, images: Tensor, told: Sequence[int] | None = None) -> str:
    """Which digit each picture (B, 1, H, W) looks like; and how many are those that the network was ``told``, if any.

    "Perhaps" stands before a digit whose probability is below ``SURE``, and the sentence says so.

    >>> from minigen import data, zoo
    >>> reading(zoo.load_classifier("digits-judge", device="cpu"), data.digits(split="validation")[0][:3])
    'The judge reads 0, 0 and 8.'
    """
    with no_grad():
        certainty, classes = judge(images).softmax(dim=1).max(dim=1)
    return sentence(classes.tolist(), certainty.tolist(), told)


def sentence(classes: Sequence[int], certainty: Sequence[float], told: Sequence[int] | None = None) -> str:
    """The sentence for what was read, and how likely each is.

    >>> sentence([3, 8], [0.99, 0.64], told=[3, 3])
    'The judge reads 3 and perhaps 8 (perhaps: less than 90% sure): 1 of 2 is the 3 that the network was told.'
    """
    words = [f"{'perhaps ' * (sure < SURE)}{digit}" for digit, sure in zip(classes, certainty, strict=True)]
    said = f"The judge reads {listed(words)}" + f" (perhaps: less than {SURE:.0%} sure)" * (min(certainty) < SURE)
    if told is None:
        return f"{said}."
    right = sum(digit == asked for digit, asked in zip(classes, told, strict=True))
    asked = f"the {told[0]} that" if len(set(told)) == 1 else "what"
    return f"{said}: {right} of {len(told)} {'is' if right == 1 else 'are'} {asked} the network was told."


def below(said: str) -> str:
    """The sentence as it stands below the pictures."""
    return f'<p class="mg-read" style="text-align: center">{html.escape(said)}</p>'

"""The judges: the project's own small classifiers, and what they see in pictures."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from minigen import data
from minigen.base.errors import check_choice, check_images, check_labels
from minigen.nets import Classifier
from minigen.zoo.pretrained import load_classifier

SIZE = 16


@lru_cache(maxsize=4)
def _classifier(name: str) -> Classifier:
    return load_classifier(name, device="cpu")


@torch.no_grad()
def in_parts(function: Any, images: Tensor) -> Tensor:
    """``function`` of 500 pictures at a time."""
    return torch.cat([function(part) for part in images.split(500)])


def features(images: Tensor, of: str = "digits") -> Tensor:
    """The 64 features of 16x16 digits (or "fashion") on which distances are measured: (B, 64)."""
    check_images("images", images, (1, SIZE, SIZE))
    check_choice("of", of, data.SOURCES)
    return in_parts(_classifier(f"{of}-features").embed, images.float().cpu())


def judged_labels(images: Tensor, of: str = "digits") -> Tensor:
    """Which digit an independent classifier (other shape, other seed) sees in each picture: (B,)."""
    check_images("images", images, (1, SIZE, SIZE))
    check_choice("of", of, data.SOURCES)
    return in_parts(_classifier(f"{of}-judge"), images.float().cpu()).argmax(dim=1)


def accuracy(images: Tensor, labels: Tensor, of: str = "digits") -> float:
    """The share of pictures in which the independent classifier sees the digit that was asked for.

    It rewards playing safe: read it beside ``coverage``.
    """
    check_images("images", images, (1, SIZE, SIZE))
    check_labels("labels", labels, data.CLASSES)
    if len(labels) != len(images):
        raise ValueError(f"labels holds {len(labels)}; allowed: one an image, {len(images)}")
    return float((judged_labels(images, of) == labels.cpu()).double().mean())


def classifier_accuracy(classifier: Classifier, of: str = "digits") -> dict[str, float]:
    """A classifier's share of right labels on validation and held-out pictures."""
    result = {}
    for split in ("validation", "held-out"):
        images, labels = data.SOURCES[check_choice("of", of, data.SOURCES)](classifier.shape[-1], split)
        seen = in_parts(classifier.cpu(), images).argmax(dim=1)
        result[split] = float((seen == labels).double().mean())
    return result

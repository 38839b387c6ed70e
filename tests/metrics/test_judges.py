"""The classifiers that judge: what they know, and what they refuse."""

from __future__ import annotations

import re

import pytest
import torch

from minigen import data, metrics, zoo
from minigen.metrics import evaluate

# --- the classifiers -------------------------------------------------------------------------------


def test_features_are_those_of_the_shipped_classifier() -> None:
    images = data.digits(16, "validation")[0]
    found = metrics.features(images)
    model = zoo.load_classifier("digits-features")
    assert found.shape == (400, 64)
    with torch.no_grad():
        assert torch.allclose(found, model.embed(images), atol=1e-5)
    assert torch.allclose(metrics.features(images[7:9]), found[7:9], atol=1e-5)


def test_both_classifiers_know_digits_that_they_never_saw() -> None:
    for name in ("digits-features", "digits-judge"):
        found = metrics.classifier_accuracy(zoo.load_classifier(name))
        assert found.keys() == {"validation", "held-out"}
        assert all(share > 0.97 for share in found.values()), (name, found)
        assert all(share < 1 for share in found.values())


def test_accuracy_is_the_share_of_right_labels() -> None:
    images, labels = data.digits(16, "held-out")
    seen = metrics.judged_labels(images)
    assert metrics.accuracy(images, labels) == float((seen == labels).double().mean()) > 0.97
    wrong = labels.clone()
    wrong[:250] = (seen[:250] + 1) % 10
    wrong[250:] = seen[250:]
    assert metrics.accuracy(images, wrong) == 0.75


def test_accuracy_refuses() -> None:
    images, labels = data.digits(16, "validation")
    for kind, given, message in (
        (ValueError, (images, labels[:5]), "labels holds 5; allowed: one an image, 400"),
        (ValueError, (images, labels + 1), "labels holds 10; allowed: whole numbers from 0 to 9"),
        (TypeError, (images, labels.float()), "labels has dtype torch.float32; allowed: whole numbers"),
        (TypeError, (images, labels.tolist()), "labels is a list; allowed: a torch.Tensor of whole numbers"),
        (ValueError, (data.digits(8, "validation")[0], labels), "images has shape (400, 1, 8, 8); allowed"),
    ):
        with pytest.raises(kind, match=re.escape(message)):
            metrics.accuracy(*given)


# --- other pictures than digits --------------------------------------------------------------------


def test_what_they_should_look_like_is_a_known_set() -> None:
    images, labels = data.digits(16, "held-out")
    for call in (
        lambda of: metrics.features(images, of),
        lambda of: metrics.judged_labels(images, of),
        lambda of: metrics.accuracy(images, labels, of),
        lambda of: evaluate(images, labels, of=of),
    ):
        with pytest.raises(ValueError, match="of is 'fashon'; allowed: 'digits', 'fashion'; did you mean 'fashion'"):
            call("fashon")

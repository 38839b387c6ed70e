"""How good are the pictures? Distances, accuracies, and how far each can be trusted.

Distances are measured on 64 features of the project's own small classifier, so they compare only inside
this project and one data set. A distance means nothing without its *floor*: what real training pictures
score against held-out ones at the same N. Chapter 5 shows sheets of pictures at known distances.
"""

from minigen.metrics.distances import LEAST, density_coverage, frechet, kernel_distance, nearer_to_train
from minigen.metrics.inside import PatchGradients, bits_per_dimension, patch_gradients
from minigen.metrics.judges import SIZE, accuracy, classifier_accuracy, features, judged_labels
from minigen.metrics.own import Judge
from minigen.metrics.own_scores import OwnScores
from minigen.metrics.prompts import (
    PromptAccuracy,
    SceneScores,
    evaluate_scenes,
    one_colour,
    prompt_accuracy,
    recognise,
    recogniser_accuracy,
)
from minigen.metrics.scores import MOST, Scores, Spread, evaluate

__all__ = [
    "LEAST",
    "MOST",
    "SIZE",
    "Judge",
    "OwnScores",
    "PatchGradients",
    "PromptAccuracy",
    "SceneScores",
    "Scores",
    "Spread",
    "accuracy",
    "bits_per_dimension",
    "classifier_accuracy",
    "density_coverage",
    "evaluate",
    "evaluate_scenes",
    "features",
    "frechet",
    "judged_labels",
    "kernel_distance",
    "nearer_to_train",
    "one_colour",
    "patch_gradients",
    "prompt_accuracy",
    "recognise",
    "recogniser_accuracy",
]

"""minigen: every image generator is a way to remove information and a curve that puts it back.

Four choices make a generator, and each can be changed alone: the plan (how information is removed), the
head (what is predicted, by which loss), the net (the curve) and the condition (what it is told).

    import minigen as mg

    images, labels = mg.data.digits(size=16)
    model = mg.Generator(mg.nets.UNet(size=16), mg.heads.Categorical(16), mg.plans.diffusion(), condition=mg.Labels(10))
    history = mg.train(model, images, labels, iterations=1000)
    drawn = mg.sample(model, count=64, steps=16)

The subject lies here, flat: read it from ``process`` to ``sampling``, with ``base/errors`` and ``base/randomness``
before it. What serves it has folders of its own; ``base/parts`` can wait until you write a part yourself. In reading
order, where a file imports only what stands above it:

    base/       errors, parts, randomness, store, text, origin, wrappers
    data/       handwriting, clothing, shapes, points, files, kept, folders, saving, pictograms
    training/   processes, hardware, optimizers, settings, batches, run, loop
    process, orders, plans, heads
    nets/       net, mlp, unet, causal_conv, causal_transformer, causal_mixed, classifier, catalogue
    conditions, model, generator, ideal, guided, sampling
    zoo/        teaching, suggestions, recipes, pretrained, moments, own
    metrics/    judges, distances, scores, own_scores, own, own_run, prompts, inside
    show/       svg, figures, pictures, plots, tables, controls, engine, judge, drawing, demonstrations
    show/       widgets, export, report
    course/     measurements, verdicts, checks
    own_folder
"""

import os

# Large tensors in pages of 2 MB, where Linux leaves that to the program: a few percent less time
# (benchmarks/huge_pages.py). torch reads it when it first makes a tensor; a value that is already set stays.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

from minigen import data, heads, metrics, nets, orders, plans, process, zoo
from minigen.base import text
from minigen.conditions import Labels, Prompt
from minigen.course.checks import check
from minigen.course.measurements import results
from minigen.data import shapes as scenes
from minigen.generator import Generator
from minigen.guided import Guided
from minigen.ideal import IdealGenerator
from minigen.sampling import Options, Walk, nfe, sample, trajectory
from minigen.show import plots, tables, widgets
from minigen.show.export import export_page
from minigen.show.report import train_folder
from minigen.training import History, train
from minigen.zoo import recipes

__version__ = "0.1.0"

__all__ = [
    "Generator",
    "Guided",
    "History",
    "IdealGenerator",
    "Labels",
    "Options",
    "Prompt",
    "Walk",
    "check",
    "data",
    "export_page",
    "heads",
    "metrics",
    "nets",
    "nfe",
    "orders",
    "plans",
    "plots",
    "process",
    "recipes",
    "results",
    "sample",
    "scenes",
    "tables",
    "text",
    "train",
    "train_folder",
    "trajectory",
    "widgets",
    "zoo",
]

"""minigen: every image generator is a way to remove information and a curve that puts it back.

Four choices make a generator, and each can be changed alone: the plan (how information is removed), the
head (what is predicted, by which loss), the net (the curve) and the condition (what it is told).

    import minigen as mg

    images, labels = mg.data.digits(size=16)
    model = mg.Generator(mg.nets.UNet(size=16), mg.heads.Categorical(16), mg.plans.diffusion(), condition=mg.Labels(10))
    history = mg.train(model, images, labels, iterations=1000)
    drawn = mg.sample(model, count=64, steps=16)

The files in reading order, each using only those before it: errors, randomness, store, text, scenes, data,
process, plans, heads, nets, generator, guided, sampling, optimizers, training, recipes, zoo, metrics, plots, widgets,
checks.
"""

import os

# Large tensors in pages of 2 MB, where Linux leaves that to the program: a few percent less time
# (benchmarks/huge_pages.py). torch reads it when it first makes a tensor; a value that is already set stays.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

from minigen import data, heads, metrics, nets, plans, plots, process, recipes, text, widgets, zoo
from minigen.checks import check
from minigen.generator import Generator, IdealGenerator, Labels, Prompt
from minigen.guided import Guided
from minigen.sampling import Walk, nfe, sample, trajectory
from minigen.training import History, train

__version__ = "0.1.0"

__all__ = [
    "Generator",
    "Guided",
    "History",
    "IdealGenerator",
    "Labels",
    "Prompt",
    "Walk",
    "check",
    "data",
    "heads",
    "metrics",
    "nets",
    "nfe",
    "plans",
    "plots",
    "process",
    "recipes",
    "sample",
    "text",
    "train",
    "trajectory",
    "widgets",
    "zoo",
]

"""The weights that named recipes made; the recipes are in ``mg.recipes``.

What was measured with them lies in ``minigen.course``. ``results`` (a file as it is; ``mg.results`` gives tables),
``claims`` and ``claims_table`` stand here, too, for the notebooks.
"""

from minigen.base.origin import code_revision
from minigen.course.measurements import RESULTS
from minigen.course.measurements import stored as results
from minigen.course.verdicts import claims, claims_table
from minigen.training.hardware import hardware
from minigen.zoo.pretrained import SHIPPED, about, add_scores, load, load_classifier, names, put_aside, save

__all__ = [
    "RESULTS",
    "SHIPPED",
    "about",
    "add_scores",
    "claims",
    "claims_table",
    "code_revision",
    "hardware",
    "load",
    "load_classifier",
    "names",
    "put_aside",
    "results",
    "save",
]

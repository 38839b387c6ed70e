"""The course's data: digits that come with the package, clothes, captioned scenes, points, and your own folder.

Pictures are float32 tensors (count, channels, height, width) with values in [-1, 1]: -1 black, 1 white.
"""

from minigen.data.clothing import fashion
from minigen.data.folders import Folder, folder
from minigen.data.handwriting import CLASSES, SIZES, SPLITS, digits
from minigen.data.pictograms import icons
from minigen.data.points import branches, curve
from minigen.data.saving import save
from minigen.data.shapes import WORDS as SCENE_WORDS
from minigen.data.shapes import scenes

SOURCES = {"digits": digits, "fashion": fashion}
"""Sets of pictures by name, each a function of size and split."""

__all__ = [
    "CLASSES",
    "SCENE_WORDS",
    "SIZES",
    "SOURCES",
    "SPLITS",
    "Folder",
    "branches",
    "curve",
    "digits",
    "fashion",
    "folder",
    "icons",
    "save",
    "scenes",
]

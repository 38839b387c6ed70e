"""One training loop for anything with a loss; where it runs, how it is stopped and goes on."""

from minigen.training.hardware import pick_device, pick_precision
from minigen.training.loop import train
from minigen.training.processes import Processes, together
from minigen.training.run import average
from minigen.training.settings import History, Settings

__all__ = [
    "History",
    "Processes",
    "Settings",
    "average",
    "pick_device",
    "pick_precision",
    "together",
    "train",
]

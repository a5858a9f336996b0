"""Figures as PNG and SVG, and images for a terminal.

Importing this package does not import Matplotlib; drawing a figure does.
"""

from fmnist_edge.libraries.matplotlib import check_installed
from fmnist_edge.plots.classes import class_figure
from fmnist_edge.plots.confusion import confusion_figure
from fmnist_edge.plots.curves import learning_curves
from fmnist_edge.plots.figures import SUFFIXES, Figure, write_figure
from fmnist_edge.plots.reliability import reliability_figure
from fmnist_edge.plots.terminal import half_blocks
from fmnist_edge.plots.worst import worst_figure

__all__ = [
    "SUFFIXES",
    "Figure",
    "check_installed",
    "class_figure",
    "confusion_figure",
    "half_blocks",
    "learning_curves",
    "reliability_figure",
    "worst_figure",
    "write_figure",
]

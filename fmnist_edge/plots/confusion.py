"""A figure of the confusion matrix: a heat map with counts."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from fmnist_edge.evaluation import Evaluation
from fmnist_edge.libraries.matplotlib import matplotlib
from fmnist_edge.plots.figures import GREY, INK, Axes, Figure, clean, new_figure
from fmnist_edge.plots.wording import subtitle

_MAP: Final = "Blues"
# An exponent below 1 makes small shares visible.
_STRETCH: Final = 0.5
_TICKS: Final = (0, 5, 20, 50, 100)
# Above this share of the colour scale, white text is easier to read than black.
_DARK: Final = 0.55


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Draw image counts by true class (row) and predicted class (column).

    The colour shows the share of the row.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    names = [each.label for each in evaluation.classes]
    counts = np.array(evaluation.confusion, np.int64)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(8.6, 8.0, "Confusion matrix", subtitle(evaluation))
    axes = figure.add_subplot()
    scale = matplotlib("colors").PowerNorm(_STRETCH, 0, 100)
    drawn = axes.pcolormesh(shares, cmap=_MAP, norm=scale, edgecolor="white", linewidth=1.2)
    _label(axes, names)
    for row, column in np.ndindex(*counts.shape):
        _write(axes, row, column, int(counts[row, column]), float(scale(shares[row, column])))
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=28, pad=0.02, ticks=_TICKS)
    bar.set_label("share of the true class, %", color=GREY, fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, colors=INK)
    return figure


def _label(axes: Axes, names: Sequence[str]) -> None:
    middles = np.arange(len(names)) + 0.5
    axes.set_xticks(middles, names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(middles, names)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    clean(axes)
    axes.spines[:].set_visible(False)


def _write(axes: Axes, row: int, column: int, count: int, depth: float) -> None:
    """Write the count in a cell; zeros are pale, and the diagonal is bold."""
    colour = "white" if depth > _DARK else INK if count else "#B0B0B0"
    weight = "bold" if row == column else "normal"
    axes.text(
        column + 0.5,
        row + 0.5,
        f"{count:,}",
        ha="center",
        va="center",
        fontsize=9,
        color=colour,
        fontweight=weight,
    )

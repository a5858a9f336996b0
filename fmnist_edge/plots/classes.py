"""A figure of precision, recall and F1 of each class."""

from math import floor

from fmnist_edge.evaluation import ClassScore, Evaluation
from fmnist_edge.plots.figures import (
    ACCENT,
    BLUE,
    INK,
    LIGHT,
    ORANGE,
    Axes,
    Figure,
    clean,
    legend_below,
    new_figure,
)
from fmnist_edge.plots.wording import subtitle


def class_figure(evaluation: Evaluation) -> Figure:
    """Draw one line per class from precision to recall, with F1 between; the best class on top.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    classes = sorted(evaluation.classes, key=lambda each: each.f1 or 0.0)
    figure = new_figure(8.0, 5.6, "Precision, recall and F1 of each class", subtitle(evaluation))
    axes = figure.add_subplot()
    for row, each in enumerate(classes):
        _line(axes, row, each)
    for label, marker, colour in (
        ("precision", "o", BLUE),
        ("recall", "s", ORANGE),
        ("F1", "|", INK),
    ):
        axes.scatter([], [], marker=marker, color=colour, s=46, label=label)
    _mean(axes, 100 * evaluation.macro.f1, len(classes) - 0.4)
    axes.set_yticks(range(len(classes)), [each.label for each in classes])
    axes.set(xlim=(_start(classes), 101), ylim=(-0.6, len(classes)), xlabel="%; the numbers are F1")
    clean(axes, grid="x")
    legend_below(figure, axes)
    return figure


def _mean(axes: Axes, value: float, top: float) -> None:
    axes.plot((value, value), (-0.6, top), color=ACCENT, linewidth=1.2, linestyle="--", zorder=0)
    axes.annotate(
        f"macro F1 {value:.1f}", (value, top), ha="center", va="bottom", fontsize=9, color=ACCENT
    )


def _line(axes: Axes, row: int, each: ClassScore) -> None:
    ends = [100 * (value or 0.0) for value in (each.precision, each.recall)]
    middle = 100 * (each.f1 or 0.0)
    axes.plot(ends, (row, row), color=LIGHT, linewidth=5, solid_capstyle="round", zorder=1)
    axes.scatter(ends[0], row, marker="o", color=BLUE, s=46, zorder=3)
    axes.scatter(ends[1], row, marker="s", color=ORANGE, s=40, zorder=3)
    axes.scatter(middle, row, marker="|", color=INK, s=110, linewidth=1.8, zorder=4)
    axes.annotate(
        f"{middle:.1f}",
        (min(ends), row),
        textcoords="offset points",
        xytext=(-10, 0),
        ha="right",
        va="center",
        fontsize=9,
        color=INK,
    )


def _start(classes: list[ClassScore]) -> int:
    """Return where the axis begins: at a multiple of ten that leaves room for the lowest label."""
    lowest = min(value or 0.0 for each in classes for value in (each.precision, each.recall))
    return max(-6, 10 * floor(10 * lowest - 0.6))

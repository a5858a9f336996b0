"""A reliability diagram: accuracy by confidence."""

from collections.abc import Sequence

import numpy as np

from fmnist_edge.evaluation import CalibrationBin, Evaluation
from fmnist_edge.plots.figures import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Axes,
    Figure,
    clean,
    legend_below,
    new_figure,
)
from fmnist_edge.plots.wording import subtitle
from fmnist_edge.stats.classification import wilson_interval


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw the accuracy and the mean confidence of each bin, and the share of images in it.

    Where bar and mark have the same height, a confidence of 80 % means that 80 % are right (Guo et
    al., 2017, arXiv 1706.04599). The whiskers are Wilson's 95 % intervals, which are long where a
    bin has few images.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    bins = evaluation.calibration
    title = (
        f"Reliability: expected calibration error {evaluation.calibration_error:.2%} "
        f"({len(bins)} bins)"
    )
    figure = new_figure(7.4, 7.6, title, subtitle(evaluation))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    _diagram(upper, [each for each in bins if each.images], 100 / len(bins))
    _histogram(lower, evaluation)
    legend_below(figure, upper)
    return figure


def _diagram(axes: Axes, bins: Sequence[CalibrationBin], width: float) -> None:
    middles = [50 * (each.low + each.high) for each in bins]
    right = np.array([100 * (each.accuracy or 0.0) for each in bins])
    sure = [100 * (each.confidence or 0.0) for each in bins]
    low, high = 100 * np.array([_interval(each) for each in bins]).T
    axes.bar(middles, right, 0.92 * width, color=BLUE, alpha=0.55, label="share that is right")
    whiskers = (right - low, high - right)
    axes.errorbar(
        middles, right, whiskers, fmt="none", ecolor=INK, elinewidth=1, label="95 % interval"
    )
    axes.hlines(
        sure,
        np.array(middles) - 0.46 * width,
        np.array(middles) + 0.46 * width,
        color=ORANGE,
        linewidth=3,
        label="mean confidence",
    )
    axes.plot((0, 100), (0, 100), color=GREY, linewidth=1, linestyle="--", label="as it should be")
    axes.set(xlim=(0, 100), ylim=(0, 100), ylabel="right, %")
    clean(axes, grid="y")


def _interval(each: CalibrationBin) -> tuple[float, float]:
    return wilson_interval(round(each.images * (each.accuracy or 0.0)), each.images)


def _histogram(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.calibration
    middles = [50 * (each.low + each.high) for each in bins]
    shares = [100 * each.images / evaluation.images for each in bins]
    axes.bar(middles, shares, 92 / len(bins), color=GREY)
    axes.set(xlabel="confidence, %", ylabel="images, %", ylim=(0, 100))
    axes.set_xticks(range(0, 101, 10))
    clean(axes, grid="y")

"""A figure of the wrong answers with the highest confidence."""

from math import ceil
from typing import Final

from fmnist_edge.evaluation import Evaluation, Mistake
from fmnist_edge.plots.figures import GREY, INK, LIGHT, ORANGE, Axes, Figure, new_figure
from fmnist_edge.plots.wording import subtitle
from fmnist_edge.session import WHITE, Images

_COLUMNS: Final = 5
_CELL: Final = (1.75, 2.2)  # inches
_HEADING: Final = 1.0


def worst_figure(evaluation: Evaluation, images: Images) -> Figure:
    """Draw the image of each mistake with its true class and its predicted class.

    Args:
        evaluation: Its mistakes are drawn in their order.
        images: uint8[K,28,28], one image per mistake.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    rows = max(1, ceil(len(images) / _COLUMNS))
    width, height = _COLUMNS * _CELL[0], rows * _CELL[1] + _HEADING
    figure = new_figure(width, height, "The surest wrong answers", subtitle(evaluation))
    cells = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes in cells:
        axes.set_axis_off()
    for axes, mistake, image in zip(cells, evaluation.mistakes, images, strict=False):
        _show(axes, mistake, image)
    if not len(images):
        figure.text(0.5, 0.4, "There are none to show.", ha="center", color=GREY)
    return figure


def _show(axes: Axes, mistake: Mistake, image: Images) -> None:
    axes.set_axis_on()
    shades = {"cmap": "gray_r", "vmin": 0, "vmax": WHITE, "interpolation": "nearest"}
    # A clip path would be named after its address in memory, which changes each time.
    axes.imshow(image, **shades, clip_on=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(LIGHT)
    lines = (
        (f"{mistake.true}", INK, "bold"),
        (f"as {mistake.predicted}, {mistake.confidence:.2%}", ORANGE, "normal"),
        (f"image {mistake.index:,}", GREY, "normal"),
    )
    for place, (text, colour, weight) in enumerate(lines):
        axes.text(
            0.5,
            -0.04 - 0.125 * place,
            text,
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=8.5,
            color=colour,
            fontweight=weight,
        )

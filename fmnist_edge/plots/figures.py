"""What all figures share: size, heading, colours, and writing to files."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fmnist_edge.files import write_atomically
from fmnist_edge.libraries.matplotlib import matplotlib

# Matplotlib's classes, which are not installed everywhere.
Figure = Any
Axes = Any

# Blue and orange of the Okabe and Ito palette are distinguishable with colour blindness.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
ACCENT: Final = "#009E73"
INK: Final = "#222222"
GREY: Final = "#6B6B6B"
LIGHT: Final = "#DDDDDD"

_DOTS_PER_INCH: Final = 150
_MARGIN: Final = 0.18  # inches
_HEADING: Final = 0.74  # inches
_BETWEEN: Final = 0.09  # inches to each side of a panel
# Without date and library version, equal numbers give equal bytes.
_METADATA: Final[Mapping[str, Mapping[str, None]]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
}
SUFFIXES: Final = tuple(_METADATA)
# With a fixed salt the ids inside an SVG are not random.
_SALT: Final = {"svg.hashsalt": "fmnist-edge"}


def new_figure(width: float, height: float, title: str, subtitle: str) -> Figure:
    """Return an empty figure with a heading.

    It is made without pyplot, which would keep it in memory and look for a screen.

    Args:
        width: The width in inches.
        height: The height in inches.
        title: The first line of the heading.
        subtitle: The second line of the heading.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    figure = matplotlib("figure").Figure(figsize=(width, height), dpi=_DOTS_PER_INCH)
    matplotlib("backends.backend_agg").FigureCanvasAgg(figure)
    left, bottom = _MARGIN / width, _MARGIN / height
    room = (left, bottom, 1 - 2 * left, 1 - bottom - _HEADING / height)
    figure.set_layout_engine("constrained", rect=room, w_pad=_BETWEEN)
    for text, down, style in (
        (title, 0.16, {"fontsize": 14, "fontweight": "bold", "color": INK}),
        (subtitle, 0.44, {"fontsize": 9.5, "color": GREY}),
    ):
        # A dollar sign in a file's name does not start a formula.
        figure.text(left, 1 - down / height, text, va="top", ha="left", parse_math=False, **style)
    return figure


def clean(axes: Axes, *, grid: str = "") -> None:
    """Remove the upper and right sides of the frame and the ticks.

    Args:
        axes: The axes to change.
        grid: "x", "y" or "both" draws pale grid lines for that axis; empty draws none.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LIGHT)
    axes.tick_params(which="both", length=0, labelsize=9, colors=INK)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=LIGHT, linewidth=0.6)


def legend_below(figure: Figure, axes: Axes) -> None:
    """Draw the legend of `axes` below the figure."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=len(handles),
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handletextpad=0.5,
        )


def write_figure(figure: Figure, path_without_suffix: Path) -> tuple[Path, ...]:
    """Write a figure as PNG and as SVG, each atomically.

    Args:
        figure: A figure that a function of this package has drawn.
        path_without_suffix: `plots/confusion` gives `plots/confusion.png` and `.svg`.

    Returns:
        The files.

    Raises:
        StorageError: The folder cannot be written to.
    """
    _round_places(figure)
    written = []
    for suffix in SUFFIXES:
        path = path_without_suffix.with_name(path_without_suffix.name + suffix)
        write_atomically(path, _rendered(figure, suffix))
        written.append(path)
    return tuple(written)


def _round_places(figure: Figure) -> None:
    """Lay the figure out once, and round the places of its axes.

    The solver of the layout visits its unknowns in the order of their addresses in memory, so the
    last bits of its results differ from run to run, and now and then a digit in an SVG with them.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        bounds = axes.get_position(original=True).bounds
        axes.set_position(tuple(round(each, 6) for each in bounds))


def _rendered(figure: Figure, suffix: str) -> bytes:
    stream = io.BytesIO()
    # Matplotlib takes the salt only as a setting, which holds within this block.
    with matplotlib().rc_context(_SALT):
        figure.savefig(stream, format=suffix[1:], metadata=dict(_METADATA[suffix]))
    return stream.getvalue()

"""Figures: drawn without a screen, written whole, and the same bytes each time."""

import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge import plots
from fmnist_edge.errors import MissingDependencyError, StorageError
from fmnist_edge.libraries import matplotlib as matplotlib_library
from fmnist_edge.optional import install_command
from fmnist_edge.plots.curves import best_epoch
from fmnist_edge.sparkline import sparkline
from tests.golden.test_golden_evaluation import EVALUATION

HISTORY = {
    "loss": (0.9, 0.5, 0.4),
    "accuracy": (0.6, 0.8, 0.85),
    "val_loss": (0.7, 0.45, 0.5),
    "val_accuracy": (0.7, 0.82, 0.82),
}
IMAGES = np.arange(28 * 28, dtype=np.int64).reshape(1, 28, 28).astype(np.uint8)
FIGURES: dict[str, Callable[[], plots.Figure]] = {
    "confusion": lambda: plots.confusion_figure(EVALUATION),
    "reliability": lambda: plots.reliability_figure(EVALUATION),
    "per-class": lambda: plots.class_figure(EVALUATION),
    "worst": lambda: plots.worst_figure(EVALUATION, IMAGES),
    "no mistakes": lambda: plots.worst_figure(EVALUATION, IMAGES[:0]),
    "curves": lambda: plots.learning_curves(HISTORY, "default, seed 0"),
}


def _texts(figure: plots.Figure) -> set[str]:
    """All that is written in a figure."""
    return {each.get_text() for each in figure.findobj(matplotlib_library.matplotlib("text").Text)}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_becomes_a_png_and_an_svg_the_same_each_time(name: str, tmp_path: Path) -> None:
    png, svg = plots.write_figure(FIGURES[name](), tmp_path / "new" / "one.two")
    again = plots.write_figure(FIGURES[name](), tmp_path / "again" / "one.two")
    assert (png.name, svg.name) == ("one.two.png", "one.two.svg")
    assert png.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert ET.fromstring(svg.read_text()).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
    assert b"date" not in svg.read_bytes().lower()
    assert [each.read_bytes() for each in again] == [png.read_bytes(), svg.read_bytes()]
    assert sorted(each.name for each in svg.parent.iterdir()) == ["one.two.png", "one.two.svg"]


def test_drawing_leaves_no_settings_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of this process may have imported it.
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    settings = matplotlib_library.matplotlib().rcParams
    before = list(dict.items(settings))  # asking it for a value may choose a screen
    plots.write_figure(FIGURES["confusion"](), tmp_path / "confusion")
    assert list(dict.items(settings)) == before
    assert "matplotlib.pyplot" not in sys.modules


def test_the_confusion_matrix_shows_classes_and_counts() -> None:
    shown = _texts(FIGURES["confusion"]())
    assert {"T-shirt/top", "Trouser", "predicted class", "true class", "2"} <= shown
    assert "default-int8.tflite on litert: 75.00% of 4 test images labelled right" in shown


def test_the_reliability_diagram_tells_the_error_and_the_bins() -> None:
    shown = _texts(FIGURES["reliability"]())
    assert "Reliability: expected calibration error 12.50% (2 bins)" in shown


def test_the_worst_images_have_captions() -> None:
    assert {"T-shirt/top", "as Trouser, 99.61%", "image 2"} <= _texts(FIGURES["worst"]())
    assert "There are none to show." in _texts(FIGURES["no mistakes"]())


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="part of its path is a file"):
        plots.write_figure(FIGURES["curves"](), tmp_path / "file" / "curves")


# Learning curves


@pytest.mark.parametrize(
    ("history", "panels", "subtitle"),
    [
        (HISTORY, 2, "3 epochs; the best one on validation is 2: accuracy 82.00%, loss 0.4500"),
        ({**HISTORY, "learning_rate": (1e-3, 1e-3, 1e-4)}, 3, "3 epochs; the best one"),
        ({"loss": (0.9, 0.5, 0.4), "val_loss": (0.5,)}, 1, "is 1: loss 0.5000"),
        ({"loss": (0.9,)}, 1, "1 epoch, without validation"),
        ({"accuracy": (0.5, 0.6), "val_accuracy": ()}, 1, "2 epochs, without validation"),
        ({}, 1, "0 epochs, without validation"),
        ({"loss": (0.5, float("nan"))}, 1, "2 epochs, without validation"),
    ],
)
def test_learning_curves_draw_what_is_there(
    history: dict[str, tuple[float, ...]], panels: int, subtitle: str, tmp_path: Path
) -> None:
    figure = plots.learning_curves(history, "a title")
    assert len(figure.axes) == panels
    assert "a title" in _texts(figure)
    assert any(subtitle in text for text in _texts(figure))
    assert len(plots.write_figure(figure, tmp_path / "curves")) == 2


def test_the_best_epoch_is_the_first_that_validated_best() -> None:
    assert best_epoch(HISTORY) == 2
    assert best_epoch({"val_loss": (0.5, 0.4, 0.4)}) == 2
    assert best_epoch({"val_accuracy": (float("nan"), 0.5)}) == 2
    assert best_epoch({"loss": (0.5,)}) is None


def test_a_sparkline_is_lowest_at_the_lowest_value() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.5, 0.5]) == "▄▄"
    assert sparkline([0, float("nan"), 1]) == "▁ █"
    assert sparkline([]) == ""


def test_half_blocks_are_means_of_four_pixels() -> None:
    image = np.array([[0, 4, 9, 9], [8, 4, 9, 9], [1, 1, 2, 2], [1, 1, 2, 2]], np.uint8)
    assert plots.half_blocks(image).tolist() == [[[4, 1], [9, 2]]]


# The library


def test_without_matplotlib_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib_library.matplotlib.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match="'matplotlib' is not installed") as caught:
        plots.check_installed()
    assert caught.value.hint == f"Install it with: {install_command('plots')}"


def test_a_folder_that_the_user_named_for_matplotlib_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    matplotlib_library.matplotlib.cache_clear()
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    plots.check_installed()
    assert os.environ["MPLCONFIGDIR"] == str(tmp_path)

"""Learning curves of a finished training, as figures and as JSON."""

from collections.abc import Iterable
from pathlib import Path

from fmnist_edge.artifact import Training, refuse_to_replace
from fmnist_edge.files import check_room, write_atomically
from fmnist_edge.plots import SUFFIXES, check_installed, learning_curves, write_figure
from fmnist_edge.records import encode_json

_NUMBERS = ".json"


def _stem(folder: Path, name: str) -> Path:
    return folder / f"{name}-learning-curves"


def check_drawable(folder: Path, name: str, *, force: bool) -> None:
    """Check before a long training that its learning curves can be drawn and written.

    Raises:
        ArtifactExistsError: The files exist already.
        MissingDependencyError: Matplotlib is not installed.
        StorageError: The folder cannot be written to.
    """
    check_installed()
    for path in _files(folder, name):
        refuse_to_replace(path, force=force)
        check_room(path)


def draw_curves(folder: Path, name: str, training: Training) -> tuple[Path, ...]:
    """Write loss and accuracy of each epoch as PNG, SVG and JSON, and return the files.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
        StorageError: A file cannot be written.
    """
    stem = _stem(folder, name)
    numbers = stem.with_name(stem.name + _NUMBERS)
    write_atomically(numbers, encode_json(training).encode())
    if not training.epochs:
        return (numbers,)
    figure = learning_curves(training.history, f"{training.preset}, seed {training.seed}")
    return (*write_figure(figure, stem), numbers)


def _files(folder: Path, name: str) -> Iterable[Path]:
    stem = _stem(folder, name)
    return [stem.with_name(stem.name + suffix) for suffix in (*SUFFIXES, _NUMBERS)]

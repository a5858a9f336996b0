"""Logs for TensorBoard: each epoch's numbers while the training goes on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fmnist_edge.files import storage_errors
from fmnist_edge.optional import require
from fmnist_edge.training.outcome import Watcher, unwatched

EXTRA: Final = "tensorboard"
_TAGS: Final[Mapping[str, str]] = {
    "loss": "loss/train",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
}


@contextmanager
def logging(folder: Path | None) -> Iterator[Watcher]:
    """A watcher that writes event files to `folder`; without one, it does nothing.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        StorageError: the folder cannot be written to.
    """
    if folder is None:
        yield unwatched
        return
    summary = require("tensorboard.summary", extra=EXTRA)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        writer = summary.Writer(str(folder))
    try:
        yield lambda epoch, metrics: _write(writer, folder, epoch, metrics)
    finally:
        with storage_errors(folder):
            writer.close()


def _write(writer: object, folder: Path, epoch: int, metrics: Mapping[str, float]) -> None:
    with storage_errors(folder):
        for name, value in metrics.items():
            writer.add_scalar(_TAGS.get(name, name), value, epoch)  # type: ignore[attr-defined] # untyped
        writer.flush()  # type: ignore[attr-defined] # untyped

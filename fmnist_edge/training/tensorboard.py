"""TensorBoard logs: the metrics of each epoch, written while the training runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.optional import require
from fmnist_edge.training.options import EpochCallback, no_callback

EXTRA: Final = "tensorboard"
_TAGS: Final[Mapping[str, str]] = {
    "loss": "loss/train",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
}


@contextmanager
def tensorboard_logger(folder: Path | None) -> Iterator[EpochCallback]:
    """Yield a callback that writes event files to `folder`; with None it writes nothing.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        StorageError: The folder cannot be written to.
    """
    if folder is None:
        yield no_callback
        return
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # TensorBoard imports TensorFlow, whose C++ code writes to the screen while it starts.
    with suppress_native_output():
        tensorflow()
        writer = _writer(folder)
    try:
        yield lambda epoch, metrics: _write(writer, folder, epoch, metrics)
    finally:
        with storage_errors(folder):
            writer.close()


def _writer(folder: Path) -> Any:  # noqa: ANN401 - untyped
    summary = require("tensorboard.summary", extra=EXTRA)
    with storage_errors(folder):
        return summary.Writer(str(folder))


def _write(writer: Any, folder: Path, epoch: int, metrics: Mapping[str, float]) -> None:  # noqa: ANN401 - untyped
    with storage_errors(folder):
        for name, value in metrics.items():
            writer.add_scalar(_TAGS.get(name, name), value, epoch)
        writer.flush()

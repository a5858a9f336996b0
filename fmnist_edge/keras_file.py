"""Loading `.keras` files, Keras's own format: a zip archive that describes a network in JSON."""

import io
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any, Final

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.errors import ModelUnreadableError
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.temporary_files import temporary_files

# What Keras and the libraries below it raise on a damaged file.
_DAMAGES: Final = (
    AttributeError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_NAME: Final = "model.keras"


def load_model(artifact: Artifact) -> Any:  # noqa: ANN401 - a Keras model
    """Load a `.keras` file without running code that it contains.

    The bytes that are loaded are those that were read and checked.

    Returns:
        The model, not compiled for training.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ModelUnreadableError: The file is damaged or contains code.
        StorageError: The temporary folder is full or not writable.
    """
    keras = keras_library.keras()
    try:
        # Keras reports "file not found" for a file that is not a zip archive.
        zipfile.ZipFile(io.BytesIO(artifact.payload)).close()
        with temporary_files({_NAME: artifact.payload}) as folder:
            return keras.saving.load_model(folder / _NAME, compile=False, safe_mode=True)
    except _DAMAGES as error:
        # Keras writes where the error occurred before the cause, and advice after it.
        cause = str(error).strip().rpartition("Exception encountered: ")[2]
        reason = cause.partition("\n")[0].partition(". ")[0].rstrip(".")
        raise ModelUnreadableError(
            f"Keras cannot load {artifact.path}: {reason}.",
            hint="Check that it is a .keras file without code of its own (Lambda, custom layers).",
        ) from error


def tensor_specs(model: Any) -> tuple[list[TensorSpec], list[TensorSpec]]:  # noqa: ANN401 - Keras's
    """Return a model's inputs and outputs; both are empty if it was saved before it was built."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    return _specs(inputs or ()), _specs(outputs or ())


def _specs(tensors: Iterable[Any]) -> list[TensorSpec]:
    return [TensorSpec(each.name, tuple(each.shape), str(each.dtype)) for each in tensors]

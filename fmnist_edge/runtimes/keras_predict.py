"""Keras's `model.predict()`, for comparison.

It is made for large data: each call creates a data set, callbacks and a progress bar, and Keras's
documentation advises against it for small inputs. It is measured because many users call it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.keras_file import load_model, tensor_specs
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.libraries.keras import failures, keep_to_cpu, keras, tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.session import (
    DefaultUse,
    PlainSession,
    SessionOptions,
    check_batch,
    check_device,
    single_pair,
)

FORMATS = frozenset({Format.KERAS})
PACKAGE = "keras"
EXTRA = keras_library.EXTRA
DEVICES = CPU_ONLY
READS_MODEL = True
DEFAULT_USE = DefaultUse.SLOW_IMPORT


def load_library() -> str:
    """Import Keras and TensorFlow, and return the version of Keras."""
    return str(keras().__version__)


class _Session(PlainSession):
    def __init__(
        self,
        path: Path,
        specs: tuple[TensorSpec, TensorSpec],
        model: Any,  # noqa: ANN401 - a Keras model
        used: Mapping[str, str],
        batch: int,
    ) -> None:
        super().__init__(*specs, batch)
        self.used: Mapping[str, str] = used
        self._path: Final = path
        self._predict: Final = model.predict
        self._flatten: Final = tensorflow().nest.flatten
        self._errors: Final = failures()

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            # Some models return a list or a dictionary with one array.
            output: NDArray[Any] = self._flatten(self._predict(tensor, verbose=0))[0]
        except self._errors as error:
            raise ModelUnsupportedError(
                f"Keras cannot run {self._path} on {self.batch} images: {first_line(error)}.",
                hint="It may be made for another number of images; try --batch 1.",
            ) from error
        return output


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Load a `.keras` file."""
    check_device("Keras", options, DEVICES)
    used = keep_to_cpu(options.threads)
    model = load_model(artifact)
    pair = single_pair(artifact, *tensor_specs(model))
    check_batch(artifact, pair[0], options.batch)
    return _Session(artifact.path, pair, model, used, options.batch)

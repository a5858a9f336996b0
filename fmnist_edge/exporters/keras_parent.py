"""The Keras model that an export starts from."""

import os
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from fmnist_edge.artifact import Artifact
from fmnist_edge.errors import ExportError, ModelUnreadableError
from fmnist_edge.optional import require
from fmnist_edge.session import Images, Scores, scale_pixels

__all__ = ["EXTRA", "dense_layers", "load", "scores", "tensorflow"]

EXTRA: Final = "train"
_PREDICTION_BATCH: Final = 1000
_NO_WEIGHTS: Final = {"InputLayer", "Flatten", "Dropout"}


def tensorflow() -> Any:  # noqa: ANN401 - the module is untyped
    """Import TensorFlow.

    Raises:
        MissingDependencyError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return require("tensorflow", extra=EXTRA)


def load(artifact: Artifact) -> Any:  # noqa: ANN401 - a Keras model
    """Load a `.keras` file; code inside it is never run.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ModelUnreadableError: the file is damaged, or holds code.
    """
    tensorflow()
    keras = require("keras", extra=EXTRA)
    try:
        return keras.saving.load_model(artifact.path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ModelUnreadableError(
            f"Keras cannot load {artifact.path}: {reason}.",
            hint="Check that it is a .keras file, or train it again.",
        ) from error


def scores(model: Any, images: Images) -> Scores:  # noqa: ANN401 - a Keras model
    """What Keras itself answers: float32[N,10] for uint8[N,28,28] images."""
    answer: Scores = model.predict(scale_pixels(images), batch_size=_PREDICTION_BATCH, verbose=0)
    return answer


def dense_layers(model: Any) -> Iterator[Any]:  # noqa: ANN401 - a Keras model
    """The Dense layers of a model that is a plain chain of them, first to last.

    Raises:
        ExportError: it has a layer of another kind that computes something.
    """
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            yield layer
        elif kind not in _NO_WEIGHTS:
            raise ExportError(
                f"The layer {layer.name!r} is a {kind}; only chains of Dense layers are supported.",
                hint="Train one of the presets (fmnist-edge train --help).",
            )

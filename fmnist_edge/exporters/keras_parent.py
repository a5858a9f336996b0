"""The Keras model that an export starts from."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from fmnist_edge import keras_library
from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.errors import ExportError, ModelUnreadableError
from fmnist_edge.session import Images, Scores, check_classifier, scale_pixels

__all__ = ["dense_layers", "load", "scores"]

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
_PREDICTION_BATCH: Final = 1000
_NO_WEIGHTS: Final = {"InputLayer", "Flatten", "Dropout"}


def load(artifact: Artifact) -> Any:  # noqa: ANN401 - a Keras model
    """Load a `.keras` file; code inside it is never run.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ModelUnreadableError: the file is damaged, or holds code.
        ModelUnsupportedError: it is no Fashion-MNIST classifier.
    """
    keras = keras_library.keras()
    try:
        # Keras says "file not found" to whatever is no zip file.
        zipfile.ZipFile(io.BytesIO(artifact.payload)).close()
        model = keras.saving.load_model(artifact.path, compile=False, safe_mode=True)
    except _DAMAGES as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ModelUnreadableError(
            f"Keras cannot load {artifact.path}: {reason}.",
            hint="Check that it is a .keras file, or train it again.",
        ) from error
    if getattr(model, "inputs", None):  # one that was saved before it met an image takes any
        check_classifier(artifact, _specs(model.inputs), _specs(model.outputs))
    return model


def _specs(tensors: Sequence[Any]) -> Sequence[TensorSpec]:
    # Keras takes images without a channel axis where it expects one of size 1.
    shapes = [tuple(each.shape[:-1] if each.shape[3:] == (1,) else each.shape) for each in tensors]
    return [
        TensorSpec(each.name, shape, str(each.dtype))
        for each, shape in zip(tensors, shapes, strict=True)
    ]


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

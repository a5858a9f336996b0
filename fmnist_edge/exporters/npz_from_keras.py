"""Keras to plain float32 arrays: what the NumPy runtime reads."""

import io
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.keras_parent import dense_layers
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Images

__all__ = ["TOOLS", "export"]

TOOLS: Final[tuple[str, ...]] = ("keras", "numpy")
# What the NumPy runtime knows.
_ACTIVATIONS: Final = ("relu", "softmax", "linear")


def export(parent: Any, recipe: Recipe, calibration: Images) -> bytes:  # noqa: ANN401, ARG001 - the contract
    """Write kernel, bias and activation of each layer.

    Raises:
        ExportError: the model is no chain of Dense layers, or has an unusual activation.
    """
    layers = list(dense_layers(parent))
    for layer in layers:
        if layer.activation.__name__ not in _ACTIVATIONS:
            raise ExportError(
                f"The layer {layer.name!r} has the activation {layer.activation.__name__}; "
                f"plain arrays come with {', '.join(_ACTIVATIONS)}.",
                hint="Export other formats: fmnist-edge export --format tflite --format onnx",
            )
    arrays: dict[str, Any] = {
        "activations": np.array([layer.activation.__name__ for layer in layers])
    }
    for index, layer in enumerate(layers):
        kernel, *bias = layer.get_weights()
        arrays[f"kernel_{index}"] = kernel
        arrays[f"bias_{index}"] = bias[0] if bias else np.zeros(kernel.shape[1], np.float32)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()

"""A chain of Dense layers as plain float32 arrays, which the NumPy runtime reads."""

import io
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion, Files

# The activations that the NumPy runtime computes.
_ACTIVATIONS: Final = ("relu", "softmax", "linear")
_OTHER_FORMATS: Final = "Export other formats: fmnist-edge export --format tflite --format onnx"

Arrays = dict[str, Any]


def convert(conversion: Conversion) -> Arrays:
    """Return kernel, bias and activation of each layer, and the side of the pool if there is one.

    Raises:
        ExportError: The model is no chain of Dense layers, or has another activation than relu,
            softmax and linear.
    """
    chain = conversion.parent.chain
    if chain is None:
        raise ExportError(
            f"{conversion.parent.artifact.path} is no plain chain of Dense layers.",
            hint=_OTHER_FORMATS,
        )
    for layer in chain.layers:
        if layer.activation not in _ACTIVATIONS:
            raise ExportError(
                f"The layer {layer.name!r} has the activation {layer.activation}; "
                f"plain arrays come with {', '.join(_ACTIVATIONS)}.",
                hint=_OTHER_FORMATS,
            )
    activations = [layer.activation for layer in chain.layers]
    if conversion.choices.scores == "logits":
        activations[-1] = "linear"
    arrays: Arrays = {"activations": np.array(activations)}
    if chain.pool > 1:  # earlier versions wrote no such number
        arrays["pool"] = np.array(chain.pool, np.int32)
    for index, layer in enumerate(chain.layers):
        arrays |= {f"kernel_{index}": layer.kernel, f"bias_{index}": layer.bias}
    return arrays


def finish(arrays: Arrays, conversion: Conversion) -> Files:
    """Return the `.npz` file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return {conversion.recipe.format.suffix: stream.getvalue()}

"""A chain of Dense layers to plain float32 arrays: what the NumPy runtime reads."""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {}
TOOLS: Final[tuple[str, ...]] = ("keras", "numpy")
# What the NumPy runtime knows.
_ACTIVATIONS: Final = ("relu", "softmax", "linear")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:  # noqa: ARG001 - the contract
    """Write kernel, bias and activation of each layer, and the side of the pool if there is one.

    Raises:
        ExportError: the model is no chain of Dense layers, or has an unusual activation.
    """
    network = parent.network
    if network is None:
        raise ExportError(
            f"{parent.artifact.path} is no plain chain of Dense layers.",
            hint="Export other formats: fmnist-edge export --format tflite --format onnx",
        )
    for layer in network.layers:
        if layer.activation not in _ACTIVATIONS:
            raise ExportError(
                f"The layer {layer.name!r} has the activation {layer.activation}; "
                f"plain arrays come with {', '.join(_ACTIVATIONS)}.",
                hint="Export other formats: fmnist-edge export --format tflite --format onnx",
            )
    activations = [layer.activation for layer in network.layers]
    if choices.scores == "logits":
        activations[-1] = "linear"
    arrays: dict[str, Any] = {"activations": np.array(activations)}
    if network.pool > 1:  # files without it are those of old
        arrays["pool"] = np.array(network.pool, np.int32)
    for index, layer in enumerate(network.layers):
        arrays |= {f"kernel_{index}": layer.kernel, f"bias_{index}": layer.bias}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return {recipe.format.suffix: stream.getvalue()}

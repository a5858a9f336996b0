"""Keras to plain float32 arrays: what the NumPy runtime reads."""

import io
from typing import Any, Final

import numpy as np

from fmnist_edge.exporters.keras_parent import dense_layers
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Images

__all__ = ["TOOLS", "export"]

TOOLS: Final[tuple[str, ...]] = ("keras", "numpy")


def export(parent: Any, recipe: Recipe, calibration: Images) -> bytes:  # noqa: ANN401, ARG001 - the contract
    """Write kernel, bias and activation of each layer.

    Raises:
        ExportError: the model is no chain of Dense layers.
    """
    layers = list(dense_layers(parent))
    arrays = {"activations": np.array([layer.activation.__name__ for layer in layers])}
    for index, layer in enumerate(layers):
        kernel, bias = layer.get_weights()
        arrays |= {f"kernel_{index}": kernel, f"bias_{index}": bias}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()

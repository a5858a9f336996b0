"""A chain of Dense layers as plain float32 arrays, which the NumPy runtime reads."""

import io
from typing import Any

import numpy as np

from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.plain_chain import plain_chain

Arrays = dict[str, Any]


def convert(conversion: Conversion) -> Arrays:
    """Return kernel, bias and activation of each layer, and the side of the pool if there is one.

    Raises:
        ExportError: The model is no chain of Dense layers, or has another activation than relu,
            softmax and linear.
    """
    chain = plain_chain(conversion, "plain arrays")
    arrays: Arrays = {"activations": np.array([layer.activation for layer in chain.layers])}
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

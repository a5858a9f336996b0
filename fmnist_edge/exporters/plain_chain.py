"""The Dense layers of a parent, for formats that hold nothing else."""

from typing import Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.exporters.parents.dense_chain import DenseChain
from fmnist_edge.records import replace

# The activations that these formats have room for.
_ACTIVATIONS: Final = ("relu", "softmax", "linear")
_OTHER_FORMATS: Final = "Export other formats: fmnist-edge export --format tflite --format onnx"


def plain_chain(conversion: Conversion, holder: str) -> DenseChain:
    """Return the layers to export, without the last softmax if the user wants logits.

    Args:
        conversion: The export.
        holder: The name of what the layers become, for the error message.

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
                f"{holder} come with {', '.join(_ACTIVATIONS)}.",
                hint=_OTHER_FORMATS,
            )
    if conversion.choices.scores == "probabilities":
        return chain
    *first, last = chain.layers
    return replace(chain, layers=(*first, replace(last, activation="linear")))

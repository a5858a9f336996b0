"""The float32 ONNX graph of a parent, from which every ONNX, ORT and OpenVINO file is made.

TensorFlow functions are converted by tf2onnx; somebody else's float ONNX graph gets the input and
the output that ours have.
"""

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.onnx.graph import parse
from fmnist_edge.exporters.onnx.pixels import adapt
from fmnist_edge.exporters.onnx.tidy import tidy
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.serving import serving_module
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Pixels
from fmnist_edge.records import replace


def convert(parent: Parent, choices: Choices, pixels: Pixels) -> bytes:
    """Return the classifier as a plain float32 `.onnx` file.

    Args:
        parent: The classifier; an ONNX graph keeps its opset and its batch axis, and any other
            parent gets an open batch axis.
        choices: The opset, and whether the scores are logits.
        pixels: What the input `image` holds.

    Raises:
        ExportError: The converter failed, or the options cannot be had.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    if parent.function is None:
        model = adapt(parse(parent.artifact.payload), choices, pixels)
        payload: bytes = model.SerializeToString()
        return payload
    return _by_tf2onnx(parent, choices, pixels)


def _by_tf2onnx(parent: Parent, choices: Choices, pixels: Pixels) -> bytes:
    tf2onnx = require("tf2onnx", extra=EXTRA)
    module = serving_module(parent, replace(choices, batch=None), pixels)
    try:
        # A function, not the model: converting a Sequential directly fails with these versions.
        proto, _ = tf2onnx.convert.from_function(
            module.serve, input_signature=module.serve.input_signature, opset=choices.opset
        )
    except (ValueError, RuntimeError, KeyError) as error:
        raise ExportError(
            f"The ONNX converter failed: {first_line(error)}.",
            hint="This is worth a bug report, with the model attached.",
        ) from error
    payload: bytes = tidy(proto).SerializeToString(deterministic=True)
    return payload

"""Keras to ONNX float32, by tf2onnx."""

from typing import Any, Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.keras_function import serving_module
from fmnist_edge.keras_library import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Images

__all__ = ["OPSET", "TOOLS", "export"]

TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy")
OPSET: Final = 18  # the newest that tf2onnx writes


def export(parent: Any, recipe: Recipe, calibration: Images) -> bytes:  # noqa: ANN401, ARG001 - the contract
    """Convert with an open batch axis `N`; ONNX Runtime is no slower for it.

    Raises:
        ExportError: the converter fails, or the model is no chain of Dense layers.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    tf2onnx = require("tf2onnx", extra=EXTRA)
    onnx = require("onnx", extra=EXTRA)
    module = serving_module(parent, batch=None)
    try:
        # A function, not the model: converting a Sequential directly fails with these versions.
        proto, _ = tf2onnx.convert.from_function(
            module.serve, input_signature=module.serve.input_signature, opset=OPSET
        )
        for value in (*proto.graph.input, *proto.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "N"
        onnx.checker.check_model(proto, full_check=True)
    except (ValueError, RuntimeError, KeyError, onnx.checker.ValidationError) as error:
        raise ExportError(
            f"The ONNX converter failed: {str(error).strip().partition(chr(10))[0]}",
            hint="This is worth a bug report, with the model attached.",
        ) from error
    payload: bytes = proto.SerializeToString(deterministic=True)
    return payload

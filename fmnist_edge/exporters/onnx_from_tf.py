"""A TensorFlow classifier to ONNX float32, by tf2onnx."""

from dataclasses import replace
from typing import Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import Pixels, serving_module
from fmnist_edge.keras_library import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "convert", "export"]

NEEDS: Final[tuple[str, ...]] = ("tf2onnx", "onnx")
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:  # noqa: ARG001 - the contract
    """Convert, with an open batch axis `N`: ONNX Runtime is no slower for it.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    return {recipe.format.suffix: convert(parent, choices, "uint8")}


def convert(parent: Parent, choices: Choices, pixels: Pixels) -> bytes:
    """The classifier as the bytes of a float32 `.onnx` file.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    tf2onnx = require("tf2onnx", extra=EXTRA)
    onnx = require("onnx", extra=EXTRA)
    module = serving_module(parent, replace(choices, batch=None), pixels)
    try:
        # A function, not the model: converting a Sequential directly fails with these versions.
        proto, _ = tf2onnx.convert.from_function(
            module.serve, input_signature=module.serve.input_signature, opset=choices.opset
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

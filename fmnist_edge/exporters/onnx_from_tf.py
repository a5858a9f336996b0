"""A TensorFlow classifier to float ONNX, by tf2onnx."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.onnx import recipes as onnx_recipes
from fmnist_edge.exporters.onnx.tidy import tidy
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import Pixels, serving_module
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.records import replace
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "convert", "export"]

NEEDS: Final[Mapping[str, str]] = {"tf2onnx": EXTRA, "onnx": EXTRA}
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy")
# From 13 on, every operator of a quantized graph has its present form; tf2onnx 1.17 ends at 18.
_OPSETS: Final = range(13, 19)


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert to float32 or float16.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    return onnx_recipes.make(
        lambda pixels: convert(parent, choices, pixels), parent, recipe, choices, calibration, TOOLS
    )


def convert(parent: Parent, choices: Choices, pixels: Pixels) -> bytes:
    """The classifier as the bytes of a plain float32 `.onnx` file with an open batch axis.

    Args:
        parent: What to convert.
        choices: Opset, and whether the scores are logits.
        pixels: What `image` holds.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow, tf2onnx or onnx is not installed.
    """
    if choices.opset not in _OPSETS:
        raise ExportError(
            f"ONNX opset {choices.opset} cannot be written; "
            f"{_OPSETS.start} to {_OPSETS.stop - 1} can.",
            hint=f"Leave out --opset for {Choices().opset}.",
        )
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

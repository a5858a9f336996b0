"""A TensorFlow classifier to OpenVINO, over float ONNX."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.exporters import onnx_from_tf
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.openvino import recipes as openvino_recipes
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.libraries.openvino import EXTRA
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

# ONNX Runtime's quantizer takes the ranges of int8.
NEEDS: Final[Mapping[str, str]] = {**onnx_from_tf.NEEDS, "onnxruntime": "onnx", "openvino": EXTRA}
TOOLS: Final[tuple[str, ...]] = (*onnx_from_tf.TOOLS, "onnxruntime", "openvino")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert to float32 ONNX, then to what the recipe names.

    Raises:
        ExportError: either step fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
    """
    return openvino_recipes.make(
        lambda pixels: onnx_from_tf.convert(parent, choices, pixels),
        parent,
        recipe,
        choices,
        calibration,
        TOOLS,
    )

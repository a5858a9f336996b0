"""A TensorFlow classifier to TFLite with 4-bit weights, which TensorFlow's converter lacks."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.exporters import tflite_from_tf
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tflite import metadata as tflite_metadata
from fmnist_edge.exporters.tflite import quantizer as tflite_quantizer
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {**tflite_from_tf.NEEDS, **tflite_quantizer.NEEDS}
TOOLS: Final[tuple[str, ...]] = (*tflite_from_tf.TOOLS, "litert-quantizer", "ai-edge-litert")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert to a float file, then quantize its weights.

    Raises:
        ExportError: either step fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow, litert-quantizer or LiteRT is not installed.
    """
    floating = tflite_from_tf.convert(parent, Precision.FLOAT32, choices, calibration)
    made = tflite_quantizer.quantize(floating, recipe.precision, calibration)
    return {recipe.format.suffix: tflite_metadata.finish(made, parent, recipe, choices, TOOLS)}

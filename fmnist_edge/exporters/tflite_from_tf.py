"""A TensorFlow classifier to TFLite."""

import warnings
from collections.abc import Iterator
from typing import Any, Final

from fmnist_edge.artifact import Precision
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import serving_module
from fmnist_edge.keras_library import EXTRA, tensorflow
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images, scale_pixels

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[tuple[str, ...]] = ()
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "numpy")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert with a batch fixed at 1, which every delegate takes and which is the fastest.

    int8 is full integer: int8 input and output, weights quantized per output channel.

    Raises:
        ExportError: the converter fails, or the model is no chain of Dense layers.
        MissingDependencyError: TensorFlow is not installed.
    """
    tf = tensorflow()
    # Has no public name, and derives from `Exception` alone.
    failed = require("tensorflow.lite.python.convert_phase", extra=EXTRA).ConverterError
    module = serving_module(
        parent, choices, "float32" if recipe.precision is Precision.INT8 else "uint8"
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    if recipe.precision is Precision.INT8:
        _quantize(tf, converter, calibration)
    try:
        with warnings.catch_warnings():
            # The converter asks for statistics that the representative images give it later.
            warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
            payload: bytes = converter.convert()
    except (ValueError, RuntimeError, failed) as error:
        raise ExportError(
            f"The TFLite converter failed: {str(error).strip().partition(chr(10))[0]}",
            hint="This is worth a bug report, with the model attached.",
        ) from error
    return {recipe.format.suffix: payload}


def _quantize(tf: Any, converter: Any, calibration: Images) -> None:  # noqa: ANN401 - untyped
    def representative() -> Iterator[list[Any]]:
        for image in calibration:
            yield [scale_pixels(image[None])]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8

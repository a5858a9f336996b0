"""A TensorFlow classifier to TFLite, in every precision that TensorFlow's own converter has."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Precision
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import Pixels, serving_module
from fmnist_edge.exporters.tflite import file as tflite_file
from fmnist_edge.exporters.tflite import metadata as tflite_metadata
from fmnist_edge.exporters.tflite.calibration import batches, check_method
from fmnist_edge.libraries.keras import EXTRA, tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "convert", "export"]

NEEDS: Final[Mapping[str, str]] = tflite_file.NEEDS
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class _Settings:
    """What the converter is told; operators and types by the names TensorFlow gives them.

    Weights of int8 and int16x8 are quantized per output channel, as the converter does of itself.

    Args:
        pixels: What the graph takes before it is quantized.
        optimize: Whether weights are made smaller.
        operators: Of `tf.lite.OpsSet`; empty for its default.
        weights: The type of constants that are only stored smaller; empty for none.
        calibrated: Whether activations get fixed ranges.
        tensors: The type of input and output where it is not the graph's own; empty for that.
    """

    pixels: Pixels = "uint8"
    optimize: bool = True
    operators: str = ""
    weights: str = ""
    calibrated: bool = False
    tensors: str = ""


_INT16X8: Final = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
# Raw uint8 pixels cost one CAST and spare the device the division. Files with fixed ranges go
# without: int8 pixels are the bytes themselves, and there is no CAST that gives 16-bit integers.
_SETTINGS: Final[Mapping[Precision, _Settings]] = MappingProxyType(
    {
        Precision.FLOAT32: _Settings(optimize=False),
        Precision.FLOAT16: _Settings(weights="float16"),
        Precision.INT8_DYNAMIC: _Settings(),
        Precision.INT8: _Settings(
            "float32", operators="TFLITE_BUILTINS_INT8", calibrated=True, tensors="int8"
        ),
        Precision.INT8_FLOAT_IO: _Settings(
            "float32", operators="TFLITE_BUILTINS_INT8", calibrated=True
        ),
        Precision.INT16X8: _Settings("float32", operators=_INT16X8, calibrated=True),
    }
)


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert to the recipe's precision, and say in the file what it is.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow or LiteRT is not installed.
    """
    payload = convert(parent, recipe.precision, choices, calibration)
    return {recipe.format.suffix: tflite_metadata.finish(payload, parent, recipe, choices, TOOLS)}


def convert(parent: Parent, precision: Precision, choices: Choices, calibration: Images) -> bytes:
    """The classifier as the converter leaves it.

    The signature `serving_default` takes `image` and gives `scores`. The batch is fixed at
    `choices.batch`, which every delegate takes and which is the fastest, or left open.

    Args:
        parent: What to convert.
        precision: One of the converter's own.
        choices: The batch size, and whether the scores are logits.
        calibration: uint8[N,28,28] images that set the activation ranges (min-max).

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow is not installed.
    """
    settings = _SETTINGS[precision]
    tf = tensorflow()
    # Has no public name, and derives from `Exception` alone.
    failed = require("tensorflow.lite.python.convert_phase", extra=EXTRA).ConverterError
    module = serving_module(parent, choices, settings.pixels)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    _apply(tf, converter, settings)
    if settings.calibrated:
        check_method(choices)
        converter.representative_dataset = lambda: (
            [batch] for batch in batches(calibration, choices.batch or 1)
        )
    try:
        with warnings.catch_warnings():
            # The converter asks for statistics that the representative images give it later.
            warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
            payload: bytes = converter.convert()
    except (ValueError, RuntimeError, failed) as error:
        raise ExportError(
            f"The TFLite converter failed: {first_line(error)}.",
            hint="This is worth a bug report, with the model attached.",
        ) from error
    return payload


def _apply(tf: Any, converter: Any, settings: _Settings) -> None:  # noqa: ANN401 - untyped
    if settings.optimize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if settings.operators:
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, settings.operators)]
    if settings.weights:
        converter.target_spec.supported_types = [getattr(tf, settings.weights)]
    if settings.tensors:
        converter.inference_input_type = getattr(tf, settings.tensors)
        converter.inference_output_type = getattr(tf, settings.tensors)

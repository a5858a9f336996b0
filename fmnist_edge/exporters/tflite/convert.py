"""TFLite files made by TensorFlow's own converter, in every precision that it has."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Precision
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.serving import serving_module
from fmnist_edge.exporters.tflite.calibration import batches, check_method
from fmnist_edge.libraries.keras import EXTRA, tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Pixels
from fmnist_edge.session import Images


@dataclass(frozen=True)
class _Settings:
    """The settings of the converter; operators and types have TensorFlow's names.

    Weights of int8 and int16x8 are quantized per output channel, which is the converter's default.

    Args:
        pixels: The input of the graph before it is quantized; None for the user's choice.
        optimize: Whether weights are stored in fewer bits.
        operators: The member of `tf.lite.OpsSet`; empty for the converter's default.
        weights: The type of constants that are only stored in fewer bits; empty for none.
        calibrated: Whether activations get fixed ranges.
        tensors: The type of input and output; empty for that of the graph.
    """

    pixels: Pixels | None = None
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


def from_tensorflow(conversion: Conversion) -> bytes:
    """Return the TFLite file of the recipe as the converter leaves it."""
    precision = conversion.recipe.precision
    if precision is Precision.FLOAT32:
        return conversion.stages.float_tflite()
    return convert(conversion.parent, precision, conversion.choices, conversion.calibration)


def convert(parent: Parent, precision: Precision, choices: Choices, calibration: Images) -> bytes:
    """Return a TensorFlow classifier as the TFLite file that the converter makes.

    The signature `serving_default` takes `image` and returns `scores`. The batch size is fixed at
    `choices.batch`, because every delegate takes a fixed one and it is the fastest, or left open.

    Args:
        parent: A TensorFlow classifier.
        precision: A precision that the converter has.
        choices: The batch size, whether the scores are logits, and what the input holds.
        calibration: uint8[N,28,28] images that set the activation ranges (min-max).

    Raises:
        ExportError: The converter failed, or the options cannot be had.
        MissingDependencyError: TensorFlow is not installed.
    """
    settings = _SETTINGS[precision]
    tf = tensorflow()
    # This class has no public name, and derives from `Exception` alone.
    failed = require("tensorflow.lite.python.convert_phase", extra=EXTRA).ConverterError
    module = serving_module(parent, choices, settings.pixels or choices.pixels)
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
            # The converter warns of missing statistics, which the calibration images provide.
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

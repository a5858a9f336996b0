"""TFLite files that litert-quantizer makes of float TFLite files, without TensorFlow."""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Precision, TensorSpec
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.tflite import file as tflite_file
from fmnist_edge.exporters.tflite.calibration import check_method, with_full_range
from fmnist_edge.exporters.tflite.file import INPUT, SIGNATURE
from fmnist_edge.exporters.tflite.interpreter import input_of, open_interpreter
from fmnist_edge.exporters.tflite.pixels import with_unit_pixels
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices
from fmnist_edge.session import Images, prepare_images

_EXTRA: Final = "quantize"


def _float16(recipes: Any) -> Any:  # noqa: ANN401 - untyped
    manager = require("litert_quantizer.recipe_manager", extra=_EXTRA).RecipeManager()
    manager.add_weight_only_config(
        ".*",
        recipes.TFLOperationName.ALL_SUPPORTED,
        num_bits=16,
        algorithm_key=recipes.AlgorithmName.FLOAT_CASTING,
    )
    return manager.get_quantization_recipe()


def _int4(recipes: Any) -> Any:  # noqa: ANN401 - untyped
    # The scales minimise the squared error of the weights. Scales that reach the largest weight
    # lose more with 15 steps, and the file is neither smaller nor faster for them.
    return recipes.dynamic_wi4_afp32(algorithm_key=recipes.AlgorithmName.MSE)


# The quantizer's recipe of each precision. All quantize weights per output channel.
_RECIPES: Final[Mapping[Precision, Callable[[Any], Any]]] = MappingProxyType(
    {
        Precision.FLOAT16: _float16,
        Precision.INT8: lambda recipes: recipes.static_wi8_ai8(),
        Precision.INT8_DYNAMIC: lambda recipes: recipes.dynamic_wi8_afp32(),
        Precision.INT4: _int4,
    }
)


def from_tensorflow(conversion: Conversion) -> bytes:
    """Return the quantized form of the float file that TensorFlow's converter makes."""
    return quantize(
        conversion.stages.float_tflite(), conversion.recipe.precision, conversion.calibration
    )


def from_float_file(conversion: Conversion) -> bytes:
    """Return the quantized form of a float TFLite parent.

    The graph, its batch size and its scores stay those of the parent.

    Raises:
        ExportError: The user asks for another batch size, for logits, for float pixels where bytes
            stay, or for a calibration method that the quantizer lacks.
    """
    if conversion.recipe.calibrated:
        check_method(conversion.choices)
    _check(conversion.parent, conversion.choices)
    payload = conversion.parent.artifact.payload
    if conversion.choices.pixels == "float32" and not conversion.recipe.calibrated:
        payload = _for_floats(conversion.parent)
    return quantize(payload, conversion.recipe.precision, conversion.calibration)


def _for_floats(parent: Parent) -> bytes:
    model = with_unit_pixels(tflite_file.unpack(parent.artifact.payload))
    payload = tflite_file.pack(model)
    if input_of(open_interpreter(payload)).dtype != "float32":
        raise ExportError(
            f"{parent.artifact.path} keeps its bytes; only a conversion can change its input.",
            hint="Leave out --pixels float32, or start from the .keras file.",
        )
    return payload


def _check(parent: Parent, choices: Choices) -> None:
    own = input_of(open_interpreter(parent.artifact.payload)).shape[0]
    if choices.batch not in {Choices().batch, own}:
        raise ExportError(
            f"{parent.artifact.path} keeps its batch size; only a conversion can set another.",
            hint="Leave out --batch, or start from the .keras file.",
        )
    known = parent.artifact.manifest
    if choices.scores == "logits" and (known is None or known.scores != "logits"):
        raise ExportError(
            f"{parent.artifact.path} keeps its last operator; only a conversion can drop it.",
            hint="Leave out --scores logits, or start from the .keras file.",
        )


def quantize(payload: bytes, precision: Precision, calibration: Images) -> bytes:
    """Return a float file quantized.

    Args:
        payload: A float TFLite file with one input and one output.
        precision: float16, int8, int8-dynamic or int4.
        calibration: uint8[N,28,28] images that set the activation ranges (min-max); no image for a
            precision that needs none.

    Raises:
        ExportError: The quantizer failed.
        MissingDependencyError: litert-quantizer or LiteRT is not installed.
    """
    quantizer = require("litert_quantizer.quantizer", extra=_EXTRA)
    recipe = _RECIPES[precision](require("litert_quantizer.recipe", extra=_EXTRA))
    model = tflite_file.unpack(payload)
    model = with_unit_pixels(model) if len(calibration) else model
    floating = tflite_file.pack(tflite_file.named(model))
    try:
        with warnings.catch_warnings():
            # LiteRT warns of the memory that keeping every tensor for the calibration takes.
            warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
            ranges = _ranges(floating, recipe, calibration) if len(calibration) else None
            made = quantizer.Quantizer(floating, recipe).quantize(
                ranges, enable_progress_bar=False, enable_progress_report=False
            )
    except (ValueError, RuntimeError, KeyError) as error:
        raise ExportError(
            f"litert-quantizer failed: {first_line(error)}.",
            hint="Start from the .keras file, or choose another precision.",
        ) from error
    return bytes(made.quantized_model)


def _ranges(floating: bytes, recipe: Any, calibration: Images) -> Any:  # noqa: ANN401 - untyped
    """Return the least and the largest value of each tensor over all images.

    The quantizer's default is an exponential moving average over the images: the last images count
    most, larger values are cut off, and the scale of the input is not 1/255.
    """
    calibrating = require("litert_quantizer.calibrator", extra=_EXTRA)
    statistics = require("litert_quantizer.utils.qsv_utils", extra=_EXTRA)
    manager = require("litert_quantizer.recipe_manager", extra=_EXTRA).RecipeManager()
    manager.load_quantization_recipe(recipe)
    source: TensorSpec = input_of(open_interpreter(floating))
    images = with_full_range(calibration)
    calibrator = calibrating.Calibrator(
        floating,
        num_threads=1,
        mode=calibrating.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
        qsv_update_func=statistics.min_max_update,
    )
    samples = [{INPUT: prepare_images(image[None], source)} for image in images]
    calibrator.calibrate({SIGNATURE: samples}, manager)
    return calibrator.get_model_qsvs()

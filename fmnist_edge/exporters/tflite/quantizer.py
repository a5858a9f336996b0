"""Quantizing a float TFLite file by litert-quantizer, without TensorFlow."""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Precision, TensorSpec
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.tflite import file as tflite_file
from fmnist_edge.exporters.tflite.calibration import with_full_range
from fmnist_edge.exporters.tflite.file import INPUT, SIGNATURE
from fmnist_edge.exporters.tflite.interpreter import input_of, open_interpreter
from fmnist_edge.exporters.tflite.pixels import with_unit_pixels
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require
from fmnist_edge.session import Images, prepare_images

__all__ = ["NEEDS", "TOOLS", "quantize"]

_EXTRA: Final = "quantize"
NEEDS: Final[Mapping[str, str]] = {**tflite_file.NEEDS, "litert_quantizer": _EXTRA}
TOOLS: Final[tuple[str, ...]] = ("litert-quantizer", "ai-edge-litert", "numpy")


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
    # Scales that make the error of the weights least, in place of those that reach the largest
    # weight: with 15 steps that matters, and costs neither a byte nor a nanosecond.
    return recipes.dynamic_wi4_afp32(algorithm_key=recipes.AlgorithmName.MSE)


# What litert-quantizer is told for a precision. Weights are quantized per output channel in all.
_RECIPES: Final[Mapping[Precision, Callable[[Any], Any]]] = MappingProxyType(
    {
        Precision.FLOAT16: _float16,
        Precision.INT8: lambda recipes: recipes.static_wi8_ai8(),
        Precision.INT8_DYNAMIC: lambda recipes: recipes.dynamic_wi8_afp32(),
        Precision.INT4: _int4,
    }
)


def quantize(payload: bytes, precision: Precision, calibration: Images) -> bytes:
    """Quantize a float file.

    Args:
        payload: One input, one output, float in between.
        precision: float16, int8, int8-dynamic or int4.
        calibration: uint8[N,28,28] images that set the activation ranges (min-max); empty for a
            precision that needs none.

    Raises:
        ExportError: the quantizer fails.
        MissingDependencyError: litert-quantizer or LiteRT is not installed.
    """
    quantizer = require("litert_quantizer.quantizer", extra=_EXTRA)
    recipe = _RECIPES[precision](require("litert_quantizer.recipe", extra=_EXTRA))
    model = tflite_file.unpack(payload)
    model = with_unit_pixels(model) if len(calibration) else model
    floating = tflite_file.pack(tflite_file.named(model))
    try:
        with warnings.catch_warnings():
            # To calibrate, every tensor is kept, and LiteRT says what memory that takes.
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
    """The least and the largest value of each tensor.

    The quantizer's own method averages over the images, exponentially: what comes last counts most,
    the rest is cut off, and the input's scale misses 1/255.
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

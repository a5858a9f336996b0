"""ONNX float32 to ONNX int8: static quantization by ONNX Runtime, in QDQ form."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import onnx_from_tf
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import storage_errors
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images, scale_pixels

__all__ = ["NEEDS", "TOOLS", "export", "quantize"]

NEEDS: Final[tuple[str, ...]] = (*onnx_from_tf.NEEDS, "onnxruntime")
TOOLS: Final[tuple[str, ...]] = (*onnx_from_tf.TOOLS, "onnxruntime")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert the classifier to float32 ONNX, then quantize that.

    Raises:
        ExportError: either step fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
    """
    floating = onnx_from_tf.convert(parent, choices, "float32")
    return {recipe.format.suffix: quantize(floating, calibration)}


def quantize(payload: bytes, calibration: Images) -> bytes:
    """Quantize a float32 ONNX model to int8 weights and activations.

    Args:
        payload: The float model; its input is float32[N,28,28] in 0..1.
        calibration: uint8[N,28,28] images that set the activation ranges (min-max).

    Raises:
        ExportError: the quantizer fails.
        MissingDependencyError: onnx or ONNX Runtime is not installed.
        StorageError: the temporary folder is full or not writable.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import; see runtimes/ort.py
    tools = require("onnxruntime.quantization", extra="onnx")
    shape_inference = require("onnxruntime.quantization.shape_inference", extra="onnx")
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        given, prepared, quantized = (Path(folder) / f"{i}.onnx" for i in range(3))
        given.write_bytes(payload)
        try:
            # Fuses MatMul + Add to Gemm; else each Add is quantized on its own, for the worse.
            shape_inference.quant_pre_process(given, prepared, skip_symbolic_shape=True)
            tools.quantize_static(
                prepared,
                quantized,
                _reader(tools, calibration),
                quant_format=tools.QuantFormat.QDQ,
                activation_type=tools.QuantType.QInt8,
                weight_type=tools.QuantType.QInt8,
                per_channel=False,  # as accurate here as per channel, and faster in ONNX Runtime
            )
        except (ValueError, RuntimeError) as error:
            raise ExportError(
                f"ONNX Runtime's quantizer failed: {str(error).strip().partition(chr(10))[0]}",
                hint="This is worth a bug report, with the model attached.",
            ) from error
        return quantized.read_bytes()


def _reader(tools: Any, calibration: Images) -> Any:  # noqa: ANN401 - untyped
    class Reader(tools.CalibrationDataReader):  # type: ignore[misc] # the base is untyped
        def __init__(self) -> None:
            self._images: Iterator[Any] = iter(calibration)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._images, None)
            return None if image is None else {"image": scale_pixels(image[None])}

    return Reader()

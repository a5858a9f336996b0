"""The ONNX graph of a classifier as an OpenVINO model, in each precision.

OpenVINO reads TensorFlow's graphs too, but not under Python 3.13, where its check of the given
object fails; a graph that comes by way of ONNX consists of the same operators.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.openvino import EXTRA, openvino, plain_reason
from fmnist_edge.optional import require
from fmnist_edge.session import IMAGE_SHAPE, WHITE

Model = Any  # an `openvino.Model`, which is untyped

_QUANTIZER: Final = "FakeQuantize"
_PRODUCTS: Final = ("MatMul", "Convolution", "GroupConvolution")


def floating(conversion: Conversion) -> Model:
    """Return the float32 graph; `finish` decides how its weights are stored."""
    return _converted(conversion.stages.float_onnx(conversion.choices.pixels))


def int8(conversion: Conversion) -> Model:
    """Return the quantized graph, with the scales of the ONNX file.

    docs/formats.md compares them with those of OpenVINO's own quantizer.
    """
    model = _converted(conversion.stages.int8_onnx())
    if conversion.choices.pixels == "uint8":
        model = _with_raw_pixels(model)
    _leave_scores_alone(model)
    return model


def _converted(payload: bytes) -> Model:
    # Not `Core.read_model`: only the converter turns pairs of quantizers into FakeQuantize. It gets
    # a file, because it would import TensorFlow to look at any other object.
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(payload)
        try:
            return openvino().convert_model(path)
        except RuntimeError as error:
            raise ExportError(
                f"OpenVINO's converter failed: {plain_reason(error)}.",
                hint="This is worth a bug report, with the model attached.",
            ) from error


def _with_raw_pixels(model: Model) -> Model:
    """Return the same model for uint8 pixels.

    OpenVINO fuses the product with 1/255 into the first quantizer and then removes the quantizer,
    so that its first matrix product takes the bytes as they are. An int8 input would need a zero
    point there and would be slower.
    """
    library, operators = openvino(), require("openvino.opset13", extra=EXTRA)
    pixels = operators.parameter([-1, *IMAGE_SHAPE], library.Type.u8, name="image")
    scaled = operators.multiply(
        operators.convert(pixels, "f32"), operators.constant(np.float32(1 / WHITE))
    )
    for reader in model.input(0).get_target_inputs():
        reader.replace_source_output(scaled.output(0))
    return library.Model(model.get_results(), [pixels], "classifier")


def _leave_scores_alone(model: Model) -> None:
    """Remove the quantizers behind the last matrix product.

    Nothing computes in integers there, so they would only cost accuracy and time.
    """
    node = model.get_results()[0]
    while node.get_type_name() not in {*_PRODUCTS, "Parameter"}:
        value = node.input_value(0)
        while value.get_node().get_type_name() == _QUANTIZER:
            value = value.get_node().input_value(0)
            node.input(0).replace_source_output(value)
        node = value.get_node()

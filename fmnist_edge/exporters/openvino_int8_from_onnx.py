"""ONNX int8 to OpenVINO int8: the same scales, with the camera's bytes as input.

OpenVINO's own quantizer (NNCF) brings many more dependencies and is no more accurate on these
networks; the numbers stand in docs/formats.md.
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import metadata, onnx_from_tf, onnx_int8_from_onnx
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.openvino_files import serialize
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.openvino_library import EXTRA, openvino, plain_reason
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import IMAGE_SHAPE, Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {**onnx_int8_from_onnx.NEEDS, "openvino": EXTRA}
TOOLS: Final[tuple[str, ...]] = (*onnx_int8_from_onnx.TOOLS, "openvino")

_QUANTIZER: Final = "FakeQuantize"
_PRODUCTS: Final = ("MatMul", "Convolution", "GroupConvolution")
_WHITE: Final = 255.0


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Quantize as for ONNX, then convert.

    Raises:
        ExportError: a step fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
    """
    floating = onnx_from_tf.convert(parent, choices, "float32")
    quantized = onnx_int8_from_onnx.quantize(floating, calibration, choices.calibration_method)
    model = _converted(quantized)
    model = _with_raw_pixels(model, choices.batch)
    _leave_scores_alone(model)
    model.validate_nodes_and_infer_types()
    known = metadata.known(parent, recipe, choices, metadata.RAW_PIXELS, TOOLS)
    return serialize(model, known)


def _converted(payload: bytes) -> Any:  # noqa: ANN401 - untyped
    try:
        # Not `Core.read_model`: only this one turns pairs of quantizers into FakeQuantize.
        return openvino().convert_model(io.BytesIO(payload))
    except RuntimeError as error:
        raise ExportError(
            f"OpenVINO's converter failed: {plain_reason(error)}.",
            hint="This is worth a bug report, with the model attached.",
        ) from error


def _with_raw_pixels(model: Any, batch: int | None) -> Any:  # noqa: ANN401 - untyped
    """The same model for uint8 pixels.

    The product with 1/255 melts into the first quantizer, and that one into nothing: OpenVINO's
    first matrix product then takes the bytes as they are. An int8 input needs a zero point there
    and is slower.
    """
    library, operators = openvino(), require("openvino.opset13", extra=EXTRA)
    pixels = operators.parameter([batch or -1, *IMAGE_SHAPE], library.Type.u8, name="image")
    scaled = operators.multiply(
        operators.convert(pixels, "f32"), operators.constant(np.float32(1 / _WHITE))
    )
    for reader in model.input(0).get_target_inputs():
        reader.replace_source_output(scaled.output(0))
    return library.Model(model.get_results(), [pixels], "classifier")


def _leave_scores_alone(model: Any) -> None:  # noqa: ANN401 - untyped
    """Take out the quantizers behind the last matrix product.

    Nothing computes in integers there, so they only cost accuracy and time.
    """
    node = model.get_results()[0]
    while node.get_type_name() not in {*_PRODUCTS, "Parameter"}:
        value = node.input_value(0)
        while value.get_node().get_type_name() == _QUANTIZER:
            value = value.get_node().input_value(0)
            node.input(0).replace_source_output(value)
        node = value.get_node()

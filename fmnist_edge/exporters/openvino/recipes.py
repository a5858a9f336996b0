"""Float ONNX to every OpenVINO recipe.

OpenVINO reads TensorFlow's graphs too, but not under Python 3.13, where its check of what it was
given fails; a graph that comes by way of ONNX consists of the same operators.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Precision
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.onnx.int8 import quantize
from fmnist_edge.exporters.onnx.recipes import Floating
from fmnist_edge.exporters.openvino.files import serialize
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.openvino import EXTRA, openvino, plain_reason
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import IMAGE_SHAPE, WHITE, Images

__all__ = ["make"]

Model = Any  # an `openvino.Model`, which is untyped
_Maker = Callable[[Floating, Choices, Images], Model]

_QUANTIZER: Final = "FakeQuantize"
_PRODUCTS: Final = ("MatMul", "Convolution", "GroupConvolution")


def make(  # noqa: PLR0913, PLR0917 - the arguments of an export, and what it starts from
    floating: Floating,
    parent: Parent,
    recipe: Recipe,
    choices: Choices,
    calibration: Images,
    tools: tuple[str, ...],
) -> Files:
    """Make one model; its input `image` is uint8[batch,28,28], its output float32[batch,10].

    Args:
        floating: Gives the float32 ONNX graph, with an open batch axis.
        parent: What that was made from.
        recipe: What to make of it.
        choices: The batch size, which is fixed unless it is None.
        calibration: uint8[N,28,28].
        tools: The distributions that decide what comes out.

    Raises:
        ExportError: a tool fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
        StorageError: the temporary folder is full or not writable.
    """
    model = _MAKERS[recipe.precision](floating, choices, calibration)
    # Not `reshape`, which makes the graph fit for later changes of shape by operators of its own.
    shape = openvino().PartialShape([choices.batch or -1, *IMAGE_SHAPE])
    model.get_parameters()[0].set_partial_shape(shape)
    model.validate_nodes_and_infer_types()
    known = metadata.known(parent, recipe, choices, metadata.RAW_PIXELS, tools)
    return serialize(model, known, halved=recipe.precision is Precision.FLOAT16)


def _float(floating: Floating, choices: Choices, calibration: Images) -> Model:  # noqa: ARG001 - as its sibling
    return _converted(floating("uint8"))


def _int8(floating: Floating, choices: Choices, calibration: Images) -> Model:
    """The scales of the ONNX file; why not OpenVINO's own quantizer stands in docs/formats.md."""
    model = _converted(quantize(floating("float32"), calibration, choices.calibration_method))
    model = _with_raw_pixels(model)
    _leave_scores_alone(model)
    return model


_MAKERS: Final[Mapping[Precision, _Maker]] = {
    Precision.FLOAT32: _float,
    Precision.FLOAT16: _float,
    Precision.INT8: _int8,
}


def _converted(payload: bytes) -> Model:
    # Not `Core.read_model`: only the converter turns pairs of quantizers into FakeQuantize. And a
    # file, because it asks TensorFlow about whatever else it is given.
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
    """The same model for uint8 pixels.

    The product with 1/255 melts into the first quantizer, and that one into nothing: OpenVINO's
    first matrix product then takes the bytes as they are. An int8 input needs a zero point there
    and is slower.
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

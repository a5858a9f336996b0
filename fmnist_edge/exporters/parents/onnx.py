"""A float `.onnx` file as the parent of exports."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.exporters.onnx.graph import Model, parse
from fmnist_edge.exporters.onnx.pixels import ends_in_logits
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.libraries.onnxruntime import CPU, onnxruntime
from fmnist_edge.optional import require
from fmnist_edge.session import IMAGE_SHAPE, Images, Scores, check_classifier, prepare_images
from fmnist_edge.stats.classification import as_probabilities

_QUANTIZED: Final = {"DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QuantizeLinear"}
_PIXELS: Final = 28 * 28
_INPUTS: Final = ("float32", "uint8")


def load(artifact: Artifact) -> Parent:
    """Read a float32 classifier whose input is float32 pixels in 0..1, or uint8 pixels.

    The input may have a channel axis, or be flat: [N,28,28], [N,1,28,28], [N,28,28,1], [N,784].
    """
    model = _read(artifact)
    graph = model.graph
    constants = {each.name for each in graph.initializer}
    inputs = [_spec(each) for each in graph.input if each.name not in constants]
    source, _ = check_classifier(
        artifact,
        [_as_image(each) for each in inputs],
        [_spec(each) for each in graph.output],
    )
    _check_float(artifact, model, source)
    if source.shape[0] not in {None, 1}:
        raise ModelUnsupportedError(
            f"{artifact.path} takes {source.shape[0]} images at once.",
            hint="Export it with an open batch axis, or for one image.",
        )
    return Parent(artifact, scores=lambda images: _scores(artifact, model, images))


def _read(artifact: Artifact) -> Model:
    onnx = require("onnx", extra=EXTRA)
    damaged = require("google.protobuf.message", extra=EXTRA).DecodeError
    try:
        model = parse(artifact.payload)
        if any(each.data_location == onnx.TensorProto.EXTERNAL for each in model.graph.initializer):
            raise ModelUnsupportedError(
                f"{artifact.path} keeps its weights in other files.",
                hint="Save it as one file: onnx.save(model, path).",
            )
        onnx.checker.check_model(model, full_check=True)
    except (
        damaged,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
    ) as error:
        reason = first_line(error)
        raise ModelUnreadableError(
            f"{artifact.path} is no valid ONNX model: {reason}.",
            hint="Check that it is an ONNX file, or export it again.",
        ) from error
    return model


def _spec(value: Any) -> TensorSpec:  # noqa: ANN401 - an onnx.ValueInfoProto
    onnx = require("onnx", extra=EXTRA)
    tensor = value.type.tensor_type
    shape = tuple(each.dim_value or None for each in tensor.shape.dim)
    return TensorSpec(value.name, shape, onnx.TensorProto.DataType.Name(tensor.elem_type).lower())


def _as_image(spec: TensorSpec) -> TensorSpec:
    axes = [size or 0 for size in spec.shape[1:]]
    plain = (spec.shape[0], *IMAGE_SHAPE) if np.prod(axes) == _PIXELS else spec.shape
    return TensorSpec(spec.name, plain, spec.dtype.replace("float", "float32"))


def _check_float(artifact: Artifact, model: Model, source: TensorSpec) -> None:
    onnx = require("onnx", extra=EXTRA)
    if any(node.op_type in _QUANTIZED for node in model.graph.node):
        raise ModelUnsupportedError(
            f"{artifact.path} is quantized already.",
            hint="Start from the float32 file it was made from.",
        )
    halves = any(each.data_type == onnx.TensorProto.FLOAT16 for each in model.graph.initializer)
    if halves or source.dtype not in _INPUTS:
        raise ModelUnsupportedError(
            f"{artifact.path} is no float32 classifier: its input is {source.dtype}"
            f"{', its weights are float16' if halves else ''}.",
            hint="Exports start from float32 weights and float32 or uint8 pixels.",
        )
    if any(each.g.node for node in model.graph.node for each in node.attribute):
        raise ModelUnsupportedError(
            f"{artifact.path} has control flow (If, Loop or Scan).",
            hint="Export it again without: a classifier in inference mode needs none.",
        )


def _scores(artifact: Artifact, model: Model, images: Images) -> Scores:
    """Return the file's own probabilities, image by image.

    A file may declare an open batch axis and yet take one image only.
    """
    session = onnxruntime().InferenceSession(artifact.payload, providers=[CPU])
    source = session.get_inputs()[0]
    spec = _as_image(_spec(model.graph.input[0]))
    pixels = prepare_images(images, TensorSpec(source.name, spec.shape, spec.dtype))
    shaped = pixels.reshape(-1, 1, *source.shape[1:])
    answers: NDArray[np.float32] = np.concatenate(
        [session.run(None, {source.name: image})[0] for image in shaped]
    )
    if ends_in_logits(model):
        answers = as_probabilities(answers, "logits")
    return answers

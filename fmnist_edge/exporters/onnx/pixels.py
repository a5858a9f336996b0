"""The input and the output of somebody else's ONNX graph, made like those of ours."""

from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.onnx.graph import (
    LAYOUT,
    PRODUCTS,
    Model,
    copy_of,
    readers_of,
    redirect,
    replace,
)
from fmnist_edge.exporters.onnx.tidy import tidy
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.recipes import Choices, Pixels
from fmnist_edge.session import IMAGE_SHAPE, WHITE

_LOGITS: Final = {"Add", "Gemm", "MatMul"}
# The output of these operators scales with their input.
_SCALE_GOES_THROUGH: Final = {*LAYOUT, "AveragePool", "Cast"}


def ends_in_logits(model: Model) -> bool:
    """Return whether the last operator is a product or a sum and not an activation."""
    return _gives_logits(tidy(_without_constant_inputs(model)))


def _gives_logits(model: Model) -> bool:
    return _last(model).op_type in _LOGITS


def adapt(model: Model, choices: Choices, pixels: Pixels) -> Model:
    """Return a tidied graph from `image` [N,28,28] to `scores` [N,10].

    Args:
        model: A float32 classifier for float32 pixels in 0..1 or for uint8 pixels. It is not
            changed.
        choices: Whether the scores are logits.
        pixels: What `image` shall hold.

    Raises:
        ExportError: The user asks for logits, and the last operator cannot be removed.
    """
    onnx = require("onnx", extra=EXTRA)
    adapted = tidy(_without_constant_inputs(model))
    _set_scores(onnx, adapted, choices)
    _set_shape(onnx, adapted.graph)
    _set_pixels(onnx, adapted.graph, pixels)
    return tidy(adapted)


def _without_constant_inputs(model: Model) -> Model:
    # Old files list their weights among the inputs.
    changed = copy_of(model)
    constants = {each.name for each in changed.graph.initializer}
    replace(changed.graph.input, [each for each in model.graph.input if each.name not in constants])
    return changed


def _last(model: Model) -> Any:  # noqa: ANN401 - an onnx.NodeProto
    name = model.graph.output[0].name
    return next(node for node in model.graph.node if name in node.output)


def _set_scores(onnx: Any, model: Model, choices: Choices) -> None:  # noqa: ANN401 - a module
    last = _last(model)
    if choices.scores == "logits" and last.op_type == "Softmax":
        kept, before = [node for node in model.graph.node if node.name != last.name], last.input[0]
        replace(model.graph.node, kept)
        redirect(model.graph.node, before, "scores")
    elif choices.scores == "logits" and not _gives_logits(model):
        raise ExportError(
            f"The scores come out of a {last.op_type}, which stays.",
            hint="Leave out --scores logits.",
        )
    elif choices.scores == "probabilities" and _gives_logits(model):
        redirect(model.graph.node, "scores", "logits")
        model.graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["scores"], axis=-1))


def _set_shape(onnx: Any, graph: Model) -> None:  # noqa: ANN401 - a module
    value = graph.input[0]
    batch, *axes = value.type.tensor_type.shape.dim
    sizes = [each.dim_value for each in axes]
    if sizes == [*IMAGE_SHAPE]:
        return
    shape = onnx.numpy_helper.from_array(np.array([-1, *sizes], np.int64), "their_shape")
    graph.initializer.append(shape)
    redirect(graph.node, "image", "their_image")
    first = onnx.helper.make_node("Reshape", ["image", "their_shape"], ["their_image"])
    replace(graph.node, [first, *graph.node])
    replace(
        value.type.tensor_type.shape.dim,
        [batch, *(type(batch)(dim_value=size) for size in IMAGE_SHAPE)],
    )


def _set_pixels(onnx: Any, graph: Model, pixels: Pixels) -> None:  # noqa: ANN401 - a module
    tensor = graph.input[0].type.tensor_type
    kinds = {"float32": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8}
    if tensor.elem_type == kinds[pixels]:
        return
    tensor.elem_type = kinds[pixels]
    if not _scale_kernel(onnx, graph, 1 / WHITE if pixels == "uint8" else WHITE):
        _scale_pixels(onnx, graph, 1 / WHITE if pixels == "uint8" else WHITE)
    if pixels == "uint8":
        redirect(graph.node, "image", "real_pixels")
        cast = onnx.helper.make_node("Cast", ["image"], ["real_pixels"], to=onnx.TensorProto.FLOAT)
        replace(graph.node, [cast, *graph.node])
        return
    for node in readers_of(graph, "image"):
        if node.op_type == "Cast" and node.attribute[0].i == onnx.TensorProto.FLOAT:
            node.CopyFrom(onnx.helper.make_node("Identity", node.input, node.output))


def _scale_kernel(onnx: Any, graph: Model, factor: float) -> bool:  # noqa: ANN401 - a module
    """Scale the kernel of the first product, if all operators before it allow that.

    Returns:
        Whether the kernel was scaled.
    """
    name = "image"
    while len(readers := readers_of(graph, name)) == 1:
        reader, name = readers[0], readers[0].output[0]
        if reader.op_type in _SCALE_GOES_THROUGH:
            continue
        kernel = next((each for each in graph.initializer if each.name in reader.input[1:2]), None)
        uses = sum(kernel is not None and kernel.name in node.input for node in graph.node)
        if reader.op_type not in PRODUCTS or kernel is None or uses != 1:
            return False
        values = onnx.numpy_helper.to_array(kernel) * np.float32(factor)
        kernel.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), kernel.name))
        return True
    return False


def _scale_pixels(onnx: Any, graph: Model, factor: float) -> None:  # noqa: ANN401 - a module
    scale = onnx.numpy_helper.from_array(np.array(factor, np.float32), "pixel_scale")
    graph.initializer.append(scale)
    redirect(graph.node, "image", "scaled")
    product = onnx.helper.make_node("Mul", ["image", "pixel_scale"], ["scaled"])
    replace(graph.node, [product, *graph.node])

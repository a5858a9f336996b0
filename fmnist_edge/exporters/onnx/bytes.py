"""The ends of statically quantized ONNX graphs: uint8 pixels, and scores that nothing rounds."""

from typing import Any

import numpy as np

from fmnist_edge.exporters.onnx.graph import (
    LAYOUT,
    PRODUCTS,
    Model,
    copy_of,
    readers_of,
    redirect,
    replace,
)
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.session import PIXEL_SCALE


def float_scores(model: Model) -> Model:
    """Return a statically quantized model without the pair of quantizers behind the last product.

    Nothing computes in integers there.

    Args:
        model: A model as `quantize` returns it.
    """
    changed = copy_of(model)
    graph = changed.graph
    _bypass(graph, graph.node[last_product(graph)].output[0])
    return changed


def integer_input(model: Model) -> Model:
    """Return a statically quantized model whose `image` holds uint8 pixels.

    The first QuantizeLinear is removed.

    Args:
        model: A model for float32 pixels, as `quantize` returns it.
    """
    onnx = require("onnx", extra=EXTRA)
    changed = copy_of(model)
    graph = changed.graph
    _take_bytes(onnx, graph)
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    return changed


def _bypass(graph: Model, name: str) -> None:
    """Remove a pair of quantizers: the nodes behind it read the tensor `name` directly."""
    readers = readers_of(graph, name)
    if [node.op_type for node in readers] != ["QuantizeLinear"]:
        return
    (dequantizer,) = readers_of(graph, readers[0].output[0])
    end = dequantizer.output[0]
    pair = [readers[0].name, dequantizer.name]
    replace(graph.node, [node for node in graph.node if node.name not in pair])
    old, new = (name, end) if end == graph.output[0].name else (end, name)
    redirect(graph.node, old, new)


def _take_bytes(onnx: Any, graph: Model) -> None:  # noqa: ANN401 - a module
    pixels = moved_pixels(graph)
    readers = readers_of(graph, pixels)
    if [node.op_type for node in readers] == ["QuantizeLinear"]:
        gone = readers[0]
        name, stored = gone.name, gone.output[0]
        replace(graph.node, [node for node in graph.node if node.name != name])
        redirect(graph.node, stored, pixels)
        return
    # No node that reads the pixels computes in integers, so the pixels are dequantized first.
    # With this scale and the zero point 0, the quantized value of a pixel is its byte.
    scale, zero = np.array(PIXEL_SCALE, np.float32), np.array(0, np.uint8)
    for name, array in (("pixel_scale", scale), ("pixel_zero_point", zero)):
        graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    for node in readers:
        redirect([node], pixels, "real_pixels")
    added = onnx.helper.make_node(
        "DequantizeLinear", [pixels, "pixel_scale", "pixel_zero_point"], ["real_pixels"]
    )
    # The operators that move the bytes may stand anywhere before the first reader.
    first = min(index for index, node in enumerate(graph.node) if "real_pixels" in node.input)
    replace(graph.node, [*graph.node[:first], added, *graph.node[first:]])


def moved_pixels(graph: Model) -> str:
    """Return the name of the last tensor that holds the pixels, only reshaped or transposed."""
    name: str = graph.input[0].name
    while len(readers := readers_of(graph, name)) == 1 and readers[0].op_type in LAYOUT:
        name = readers[0].output[0]
    return name


def last_product(graph: Model) -> int:
    """Return the index of the last matrix product or convolution; -1 if there is none."""
    return max(
        (index for index, node in enumerate(graph.node) if node.op_type in PRODUCTS), default=-1
    )

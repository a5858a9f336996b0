"""The camera's bytes as the input of a statically quantized ONNX graph."""

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

__all__ = ["integer_input", "last_product", "moved_pixels"]


def integer_input(model: Model) -> Model:
    """A statically quantized model whose `image` holds the camera's bytes.

    The first QuantizeLinear goes, and so does the pair behind the last product: nothing computes in
    integers there.

    Args:
        model: As `quantize` makes it.
    """
    onnx = require("onnx", extra=EXTRA)
    changed = copy_of(model)
    graph = changed.graph
    last = graph.node[last_product(graph)].output[0]
    _bypass(graph, last)
    _take_bytes(onnx, graph)
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    return changed


def _bypass(graph: Model, name: str) -> None:
    """Let those that read tensor `name` through a pair of quantizers read it itself."""
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
    # Nothing that reads the pixels computes in integers: they are made real numbers first.
    # Under this scale and the zero point 0, a quantized pixel is the pixel.
    scale, zero = np.array(PIXEL_SCALE, np.float32), np.array(0, np.uint8)
    for name, array in (("pixel_scale", scale), ("pixel_zero_point", zero)):
        graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    for node in readers:
        redirect([node], pixels, "real_pixels")
    added = onnx.helper.make_node(
        "DequantizeLinear", [pixels, "pixel_scale", "pixel_zero_point"], ["real_pixels"]
    )
    # Behind the operators that move the bytes; those may stand anywhere before their readers.
    first = min(index for index, node in enumerate(graph.node) if "real_pixels" in node.input)
    replace(graph.node, [*graph.node[:first], added, *graph.node[first:]])


def moved_pixels(graph: Model) -> str:
    """The tensor that still holds the pixels, behind the operators that only move them."""
    name: str = graph.input[0].name
    while len(readers := readers_of(graph, name)) == 1 and readers[0].op_type in LAYOUT:
        name = readers[0].output[0]
    return name


def last_product(graph: Model) -> int:
    """The place of the last matrix product or convolution; -1 if there is none."""
    return max(
        (index for index, node in enumerate(graph.node) if node.op_type in PRODUCTS), default=-1
    )

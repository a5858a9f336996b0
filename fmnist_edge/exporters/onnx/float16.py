"""Float ONNX graphs in float16: weights and arithmetic, but neither input nor output."""

import numpy as np

from fmnist_edge.exporters.onnx.graph import Model, copy_of, redirect, replace
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.recipes import Pixels
from fmnist_edge.session import WHITE


def halve(model: Model, pixels: Pixels) -> Model:
    """Return the same graph in float16, with float32 scores.

    A Mul node scales uint8 pixels. If 1/255 were folded into the first kernel, most of its weights
    would be below 6.1e-5, where float16 loses precision or underflows.

    Args:
        model: A plain float32 graph whose `image` is float32 in 0..1.
        pixels: What `image` shall hold.
    """
    onnx = require("onnx", extra=EXTRA)
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    halved = copy_of(model)
    graph = halved.graph
    for tensor in graph.initializer:
        if tensor.data_type == single:
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    for attribute in (
        each for node in graph.node if node.op_type == "Cast" for each in node.attribute
    ):
        attribute.i = half if attribute.i == single else attribute.i
    redirect(graph.node, "image", "half_pixels")
    redirect(graph.node, "scores", "half_scores")
    make = onnx.helper.make_node
    before = [make("Cast", ["image"], ["half_pixels"], to=half)]
    if pixels == "uint8":
        scale = np.array(1 / WHITE, np.float16)
        graph.initializer.append(onnx.numpy_helper.from_array(scale, "half_scale"))
        before[0].output[0] = "half_bytes"
        before.append(make("Mul", ["half_bytes", "half_scale"], ["half_pixels"]))
        graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    after = make("Cast", ["half_scores"], ["scores"], to=single)
    replace(graph.node, [*before, *graph.node, after])
    return halved

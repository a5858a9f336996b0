"""The outputs of the dense layers of an ONNX file."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import TensorSpec
from fmnist_edge.exporters.onnx.graph import Model, parse, readers_of
from fmnist_edge.libraries.onnxruntime import CPU, onnxruntime
from fmnist_edge.session import Images, prepare_images

_PRODUCTS: Final = {"Gemm", "MatMul", "MatMulInteger"}
# Operators that belong to the layer of the product before them: scale, bias, activation.
_REST_OF_A_LAYER: Final = {"Add", "Cast", "DequantizeLinear", "Mul", "QuantizeLinear", "Relu"}
_BATCH: Final = 1000


def layer_outputs(payload: bytes, images: Images) -> tuple[NDArray[np.float32], ...]:
    """Run images through the file and return the output of every dense layer.

    The graph runs without optimization, because an optimizer would fuse layers with quantizers.

    Args:
        payload: An `.onnx` file, float or quantized; its input is float32 or uint8 pixels.
        images: uint8[N,28,28].

    Returns:
        float32[N,units] per layer, first to last, dequantized; after the relu, and before the
        softmax.

    Raises:
        MissingDependencyError: onnx or ONNX Runtime is not installed.
    """
    library = onnxruntime()
    model = parse(payload)
    names = [_end_of_layer(model.graph, node) for node in _products(model.graph)]
    known = {each.name for each in model.graph.output}
    for name in names:
        if name not in known:
            model.graph.output.add(name=name)
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = library.InferenceSession(model.SerializeToString(), options, providers=[CPU])
    return _run(session, names, images)


def _run(
    session: Any,  # noqa: ANN401 - untyped
    names: Sequence[str],
    images: Images,
) -> tuple[NDArray[np.float32], ...]:
    source = session.get_inputs()[0]
    fixed = source.shape[0] if isinstance(source.shape[0], int) else _BATCH
    dtype = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}[source.type]
    pixels = prepare_images(images, TensorSpec(source.name, (None, 28, 28), dtype))
    parts = []
    for start in range(0, len(images), fixed):
        part = pixels[start : start + fixed]
        if isinstance(source.shape[0], int):  # it takes full batches only
            part = np.resize(part, (fixed, *part.shape[1:]))
        parts.append(session.run(names, {source.name: part}))
    joined = (np.concatenate(each)[: len(images)] for each in zip(*parts, strict=True))
    return tuple(each.astype(np.float32) for each in joined)


def _products(graph: Model) -> list[Any]:
    return [node for node in graph.node if node.op_type in _PRODUCTS]


def _end_of_layer(graph: Model, node: Model) -> str:
    name: str = node.output[0]
    while len(readers := readers_of(graph, name)) == 1:
        if readers[0].op_type not in _REST_OF_A_LAYER:
            break
        name = readers[0].output[0]
    return name

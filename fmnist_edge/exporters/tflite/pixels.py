"""The input of our own float TFLite files, changed back to float pixels before quantization.

Our float files take uint8 pixels: they begin with a CAST, and 1/255 is part of the first kernel. An
integer file that is made from them would cast bytes to floats and then quantize the floats.
"""

from typing import Any

import numpy as np

from fmnist_edge.exporters.tflite.file import schema
from fmnist_edge.session import WHITE


def with_unit_pixels(model: Any) -> Any:  # noqa: ANN401 - generated code
    """Return the model with float32 pixels in 0..1 as its input, if it begins like one of ours.

    Ours begin with CAST, optionally RESHAPE and AVERAGE_POOL_2D, and FULLY_CONNECTED with a
    constant float32 kernel that no other operator reads. Any other model stays as it is.

    Args:
        model: A `ModelT` with one input; it is changed, but its signatures are not.
    """
    graph = model.subgraphs[0]
    begin = _begin(model)
    if not begin:
        return model
    cast, following, dense = begin[0], begin[1], begin[-1]
    kernel = graph.tensors[dense.inputs[1]]
    stored = model.buffers[kernel.buffer]
    alone = sum(each.buffer == kernel.buffer for each in graph.tensors) == 1
    if not alone or stored.data is None:
        return model
    source = graph.tensors[cast.inputs[0]]
    source.type = schema().TensorType.FLOAT32
    following.inputs = np.array([cast.inputs[0], *following.inputs[1:]], np.int32)
    graph.operators = graph.operators[1:]
    _drop(graph, cast.outputs[0])
    stored.data = (np.frombuffer(bytes(stored.data), "<f4") * np.float32(WHITE)).view(np.uint8)
    return model


def _begin(model: Any) -> list[Any]:  # noqa: ANN401 - generated code
    """Return the operators from the CAST to the first FULLY_CONNECTED, or [] for other graphs."""
    codes = schema().BuiltinOperator
    between = {codes.RESHAPE, codes.AVERAGE_POOL_2D}
    begin: list[Any] = []
    for operator in model.subgraphs[0].operators:
        kind = _kind(model, operator)
        if begin and operator.inputs[0] != begin[-1].outputs[0]:
            return []
        begin.append(operator)
        if kind == codes.FULLY_CONNECTED and len(begin) > 1:
            return begin
        if kind not in (between if len(begin) > 1 else {codes.CAST}):
            return []
    return []


def _kind(model: Any, operator: Any) -> int:  # noqa: ANN401 - generated code
    code: int = model.operatorCodes[operator.opcodeIndex].builtinCode
    return code


def _drop(graph: Any, gone: int) -> None:  # noqa: ANN401 - generated code
    """Remove an unused tensor; the indices of the tensors behind it decrease by 1."""

    def moved(indices: Any) -> Any:  # noqa: ANN401 - int32[N]
        return np.array([index - (index > gone) for index in indices], np.int32)

    del graph.tensors[gone]
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)

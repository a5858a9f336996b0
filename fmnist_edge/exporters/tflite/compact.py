"""Smaller TFLite graphs with the same results, bit by bit.

A converter leaves an empty buffer and a long name for every computed tensor, and notes about
itself. In a network of a thousand weights these are most of the file. The fields that stay although
they look unused are needed by one of the readers in the tests: OpenVINO distinguishes tensors by
their names, reads the old, short field of an operator's code, and dequantizes biases by their
scales; LiteRT requires as many zero points as scales.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from fmnist_edge.exporters.tflite.file import schema


def compact(model: Any, entries: AbstractSet[bytes]) -> Any:  # noqa: ANN401 - generated code
    """Return the model without unused tensors, buffers, operator codes, names and notes.

    Args:
        model: A `ModelT`; it is changed. Signatures, input and output keep their names.
        entries: The names of the metadata entries that stay.
    """
    model.description = None
    model.metadata = [each for each in model.metadata or () if each.name in entries] or None
    for graph in model.subgraphs:
        graph.name = None
        _shorten_reshapes(model, graph)
        _drop_tensors(model, graph)
        for index, tensor in enumerate(graph.tensors):
            if index not in {*graph.inputs, *graph.outputs}:
                tensor.name = str(index)
            _simplify(tensor)
    _drop_codes(model)
    _drop_buffers(model)
    return model


def _operators(model: Any, graph: Any, kind: str) -> Sequence[Any]:  # noqa: ANN401 - generated code
    code = getattr(schema().BuiltinOperator, kind)
    return [
        each
        for each in graph.operators
        if model.operatorCodes[each.opcodeIndex].builtinCode == code
    ]


def _shorten_reshapes(model: Any, graph: Any) -> None:  # noqa: ANN401 - generated code
    """Store constant shapes as an option of RESHAPE instead of a tensor."""
    tflite = schema()
    for reshape in _operators(model, graph, "RESHAPE"):
        sizes = [graph.tensors[index] for index in reshape.inputs[1:]]
        data = model.buffers[sizes[0].buffer].data if sizes else None
        if data is not None and sizes[0].type == tflite.TensorType.INT32:
            shape = np.frombuffer(bytes(data), "<i4")
            reshape.inputs = reshape.inputs[:1]
            reshape.builtinOptionsType = tflite.BuiltinOptions.ReshapeOptions
            reshape.builtinOptions = tflite.ReshapeOptionsT(shape)


def _drop_tensors(model: Any, graph: Any) -> None:  # noqa: ANN401 - generated code
    """Remove tensors that no operator reads or writes; the indices of the others change."""
    fields = ("inputs", "outputs", "intermediates")
    lists = [getattr(each, name) for each in graph.operators for name in fields]
    lists += [graph.inputs, graph.outputs]
    used = sorted({int(index) for each in lists if each is not None for index in each} - {-1})
    places = {old: new for new, old in enumerate(used)} | {-1: -1}  # -1: an omitted input

    def moved(indices: Iterable[int]) -> Any:  # noqa: ANN401 - int32[N]
        return np.array([places[int(index)] for index in indices], np.int32)

    for operator in graph.operators:
        for name in fields:
            indices = getattr(operator, name)
            if indices is not None:
                setattr(operator, name, moved(indices))
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    graph.tensors = [graph.tensors[index] for index in used]
    for signature in model.signatureDefs or ():
        if model.subgraphs[signature.subgraphIndex] is graph:
            for end in (*signature.inputs, *signature.outputs):
                end.tensorIndex = places[end.tensorIndex]


def _simplify(tensor: Any) -> None:  # noqa: ANN401 - generated code
    # A scalar has no shape in some files, and an empty one in others.
    if tensor.shape is not None and len(tensor.shape) and tensor.shapeSignature is None:
        # The field distinguishes scalars from tensors of unknown rank; LiteRT's C interface looks
        # for open axes only where it is set.
        tensor.hasRank = False
    numbers = tensor.quantization
    if numbers is not None and numbers.scale is None and numbers.details is None:
        tensor.quantization = None


def _drop_codes(model: Any) -> None:  # noqa: ANN401 - generated code
    operators = [each for graph in model.subgraphs for each in graph.operators]
    uses = Counter(each.opcodeIndex for each in operators)
    used = [index for index, _ in uses.most_common()]  # an index of 0 is not stored
    for each in operators:
        each.opcodeIndex = used.index(each.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]


def _drop_buffers(model: Any) -> None:  # noqa: ANN401 - generated code
    """Keep one empty buffer, the first, and one buffer of each content."""
    kept = [schema().BufferT()]
    places = {b"": 0}
    tensors = [each for graph in model.subgraphs for each in graph.tensors]
    for holder in (*tensors, *(model.metadata or ())):
        data = model.buffers[holder.buffer].data
        content = b"" if data is None else bytes(data)
        if content not in places:
            places[content] = len(kept)
            kept.append(model.buffers[holder.buffer])
        holder.buffer = places[content]
    model.buffers = kept

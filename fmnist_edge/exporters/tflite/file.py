"""TFLite files as trees of objects, and the names of input, output and signature.

The schema is TensorFlow's `tensorflow/compiler/mlir/lite/schema/schema.fbs`, as LiteRT ships it.
"""

from typing import Any, Final

import numpy as np

from fmnist_edge.exporters.tflite.sharing import EXTRA, sharing_builder
from fmnist_edge.exporters.tflite.vectors import stored, write, write_all
from fmnist_edge.optional import require

SIGNATURE: Final = "serving_default"
INPUT: Final = "image"
OUTPUT: Final = "scores"

_FILE_IDENTIFIER: Final = b"TFL3"


def schema() -> Any:  # noqa: ANN401 - generated code
    """Return the generated classes of the file format.

    Raises:
        MissingDependencyError: LiteRT is not installed.
    """
    return require("ai_edge_litert.schema_py_generated", extra=EXTRA)


def unpack(payload: bytes) -> Any:  # noqa: ANN401 - generated code
    """Return the file as a tree of objects, a `ModelT`, with all data in its buffers.

    Large buffers may lie behind the flatbuffer, at the offset that their fields give;
    litert-quantizer reads them in the same way.
    """
    model = schema().ModelT.InitFromPackedBuf(payload)
    for buffer in model.buffers:
        if buffer.data is None and buffer.offset > 1:  # 0 and 1 mean that there is no offset
            buffer.data = np.frombuffer(payload, np.uint8, buffer.size, buffer.offset)
    return model


def pack(model: Any) -> bytes:  # noqa: ANN401 - generated code
    """Return the tree as a file without duplicates; the same tree gives the same bytes."""
    aligned = _aligned(schema())
    model.buffers = [aligned(data=buffer.data) for buffer in model.buffers]
    builder = sharing_builder()
    write_all(builder, model)
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def _aligned(tflite: Any) -> Any:  # noqa: ANN401 - generated code
    class Aligned(tflite.BufferT):  # type: ignore[misc] # the base is untyped
        def Pack(self, builder: Any) -> int:  # noqa: ANN401, N802 - the name is flatbuffers'
            data = None if self.data is None else write(builder, stored(self.data))
            tflite.BufferStart(builder)
            if data is not None:
                tflite.BufferAddData(builder, data)
            end: int = tflite.BufferEnd(builder)
            return end

    return Aligned


def named(model: Any) -> Any:  # noqa: ANN401 - generated code
    """Return the model with the signature `serving_default`, from `image` to `scores`.

    The input and the output tensor get the same names.

    Args:
        model: A `ModelT` with one input and one output; it is changed.
    """
    graph = model.subgraphs[0]
    ends = {int(graph.inputs[0]): INPUT, int(graph.outputs[0]): OUTPUT}
    for index, tensor in enumerate(graph.tensors):
        if index in ends:
            tensor.name = ends[index]
        elif tensor.name in {INPUT.encode(), OUTPUT.encode()}:
            # litert-quantizer takes tensors of one name for one tensor.
            tensor.name += b"_inside"
    model.signatureDefs = [_signature(*ends)]
    return model


def _signature(source: int, target: int) -> Any:  # noqa: ANN401 - generated code
    tflite = schema()
    return tflite.SignatureDefT(
        inputs=[tflite.TensorMapT(INPUT, source)],
        outputs=[tflite.TensorMapT(OUTPUT, target)],
        signatureKey=SIGNATURE,
        subgraphIndex=0,
    )

"""Reading the quantization of the input and the output of a TFLite file.

The FlatBuffer is read directly, so that a runtime which drops the quantization needs no other
library. Layout: https://flatbuffers.dev/internals; the fields and their order:
`tensorflow/lite/schema/schema.fbs`.
"""

import struct
from dataclasses import dataclass
from typing import Final

from fmnist_edge.artifact import Quantization

# Positions of fields in their tables.
_MODEL_SUBGRAPHS: Final = 2
_GRAPH_TENSORS: Final = 0
_GRAPH_INPUTS: Final = 1
_GRAPH_OUTPUTS: Final = 2
_TENSOR_QUANTIZATION: Final = 4
_QUANTIZATION_SCALE: Final = 2
_QUANTIZATION_ZERO_POINT: Final = 3


def quantizations(payload: bytes) -> tuple[Quantization | None, Quantization | None]:
    """Return the quantization of the first input and of the first output.

    Args:
        payload: Contents of a TFLite file.

    Returns:
        None for a tensor that is not quantized, or is quantized per channel.

    Raises:
        ValueError: The payload is not a TFLite file, or is damaged.
    """
    try:
        graph = _Table.root(payload).tables(_MODEL_SUBGRAPHS)[0]
        tensors = graph.tables(_GRAPH_TENSORS)
        ends = [int(graph.numbers(field, "i")[0]) for field in (_GRAPH_INPUTS, _GRAPH_OUTPUTS)]
        source, target = (_quantization(tensors[end]) for end in ends)
    except (struct.error, IndexError) as error:
        raise ValueError("its tables point outside of the file") from error
    return source, target


@dataclass(frozen=True)
class _Table:
    """A table of a FlatBuffer, by its position in the bytes of the file."""

    payload: bytes
    start: int

    @staticmethod
    def root(payload: bytes) -> "_Table":
        return _Table(payload, struct.unpack_from("<I", payload)[0])

    def follow(self, field: int) -> int:
        """Return the position of the value that a field refers to; 0 if the field is absent."""
        fields = self.start - self._read("i", self.start)  # position of the table of field offsets
        entry = 4 + 2 * field
        if entry >= self._read("H", fields):
            return 0
        offset = self._read("H", fields + entry)
        where = self.start + offset
        return where + self._read("I", where) if offset else 0

    def numbers(self, field: int, kind: str) -> tuple[float, ...]:
        """Return a vector of numbers, `kind` as in the module `struct`; empty if absent."""
        where = self.follow(field)
        if not where:
            return ()
        return struct.unpack_from(f"<{self._read('I', where)}{kind}", self.payload, where + 4)

    def tables(self, field: int) -> "list[_Table]":
        """Return a vector of tables; empty if absent."""
        where = self.follow(field) + 4
        return [
            _Table(self.payload, where + 4 * index + int(offset))
            for index, offset in enumerate(self.numbers(field, "I"))
        ]

    def _read(self, kind: str, where: int) -> int:
        value: int = struct.unpack_from(f"<{kind}", self.payload, where)[0]
        return value


def _quantization(tensor: _Table) -> Quantization | None:
    where = tensor.follow(_TENSOR_QUANTIZATION)
    if not where:
        return None
    table = _Table(tensor.payload, where)
    scales = table.numbers(_QUANTIZATION_SCALE, "f")
    zero_points = table.numbers(_QUANTIZATION_ZERO_POINT, "q") or (0,)
    # A scale of 0 means "not quantized", too.
    if len(scales) != 1 or not scales[0] > 0:
        return None
    return Quantization(scales[0], int(zero_points[0]))

"""What the integers of a TFLite file's input and output mean.

A few steps through the file's bytes, so that a runtime which drops the quantization needs no other
library to get it back. Layout: https://flatbuffers.dev/internals; the fields and their order:
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
    """The quantization of the first input and of the first output.

    Args:
        payload: A TFLite file.

    Returns:
        None for a tensor that has none, or one per channel.

    Raises:
        ValueError: it is no TFLite file, or a damaged one.
    """
    try:
        graph = _Table.root(payload).tables(_MODEL_SUBGRAPHS)[0]
        tensors = graph.tables(_GRAPH_TENSORS)
        ends = [int(graph.numbers(field, "i")[0]) for field in (_GRAPH_INPUTS, _GRAPH_OUTPUTS)]
        source, target = (_quantization(tensors[end]) for end in ends)
    except (struct.error, IndexError) as error:
        raise ValueError("its tables lead nowhere") from error
    return source, target


@dataclass(frozen=True)
class _Table:
    """A table of a FlatBuffer: where it starts in the file's bytes."""

    payload: bytes
    start: int

    @staticmethod
    def root(payload: bytes) -> "_Table":
        return _Table(payload, struct.unpack_from("<I", payload)[0])

    def follow(self, field: int) -> int:
        """Where a field that lies elsewhere begins; 0 if it is absent."""
        fields = self.start - self._read("i", self.start)  # where the table's fields lie
        entry = 4 + 2 * field
        if entry >= self._read("H", fields):
            return 0
        offset = self._read("H", fields + entry)
        where = self.start + offset
        return where + self._read("I", where) if offset else 0

    def numbers(self, field: int, kind: str) -> tuple[float, ...]:
        """A vector of numbers, `kind` as in the module `struct`; empty if absent."""
        where = self.follow(field)
        if not where:
            return ()
        return struct.unpack_from(f"<{self._read('I', where)}{kind}", self.payload, where + 4)

    def tables(self, field: int) -> "list[_Table]":
        """A vector of tables; empty if absent."""
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
    # A scale of 0 is another way to say "not quantized".
    if len(scales) != 1 or not scales[0] > 0:
        return None
    return Quantization(scales[0], int(zero_points[0]))

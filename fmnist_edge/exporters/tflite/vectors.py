"""The placement of weights, scales and zero points in a TFLite file.

The schema requires weights at multiples of 16 bytes (`force_align: 16`), because kernels read them
in place; the Python package flatbuffers does not know the attribute. Alignment leaves gaps, so the
vectors are written in an order in which one fills the gap of another.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

# Short vectors, mostly biases, are as fast at the alignment of 32-bit numbers.
_ALIGNMENT, _ALIGNMENT_OF_FEW = 16, 4
_FEW: Final = 128
_LENGTH: Final = 4


@dataclass(frozen=True)
class Vector:
    """A vector of numbers as a flatbuffer stores it, behind its length.

    Args:
        data: The bytes of all numbers.
        size: The size of one number in bytes.
        alignment: The alignment of the first number in bytes.
    """

    data: bytes
    size: int
    alignment: int

    def gap(self, offset: int) -> int:
        """Return the bytes of padding if this vector is written at `offset`.

        Args:
            offset: The distance from the end of the file in bytes, as builders count.
        """
        return -(offset + len(self.data)) % self.alignment

    def after(self, offset: int) -> int:
        """Return the offset at which the next vector is then written."""
        return offset + self.gap(offset) + len(self.data) + _LENGTH


def stored(data: Any) -> Vector:  # noqa: ANN401 - uint8[N]
    """Return the vector of a buffer's data."""
    return Vector(bytes(data), 1, _ALIGNMENT if len(data) > _FEW else _ALIGNMENT_OF_FEW)


def write(builder: Any, vector: Vector) -> int:  # noqa: ANN401 - untyped
    """Write a vector and return its offset."""
    builder.StartVector(vector.size, len(vector.data) // vector.size, vector.alignment)
    builder.head -= len(vector.data)
    builder.Bytes[builder.head : builder.head + len(vector.data)] = vector.data
    end: int = builder.EndVector()
    return end


def write_all(builder: Any, model: Any) -> None:  # noqa: ANN401 - untyped
    """Write the buffers, scales and zero points of a `ModelT` with little padding.

    Args:
        builder: A builder that stores equal vectors once.
        model: The model whose vectors to write.
    """
    waiting = _vectors(model)
    while waiting:
        offset = builder.Offset()
        best = min(waiting, key=lambda vector: _waste(vector, offset, waiting))
        waiting.remove(best)
        write(builder, best)


def _waste(vector: Vector, offset: int, others: list[Vector]) -> tuple[int, int, int]:
    """Return the sort key of a vector: its gap, its alignment, and the least gap behind it."""
    behind = vector.after(offset)
    demanding = [each.gap(behind) for each in others if each.alignment > _LENGTH]
    return vector.gap(offset), -vector.alignment, min(demanding, default=0)


def _vectors(model: Any) -> list[Vector]:  # noqa: ANN401 - generated code
    """Return each vector once, in the order of the model."""
    found = [stored(each.data) for each in model.buffers if each.data is not None]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.quantization is not None:
                found += _of_numbers(tensor.quantization.scale, np.float32)
                found += _of_numbers(tensor.quantization.zeroPoint, np.int64)
    return list(dict.fromkeys(found))


def _of_numbers(values: Any, kind: type[np.generic]) -> list[Vector]:  # noqa: ANN401 - untyped
    if values is None:
        return []
    array = np.asarray(values, kind)
    return [Vector(array.tobytes(), array.itemsize, array.itemsize)]

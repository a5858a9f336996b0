"""Where the numbers of a TFLite file lie: weights, scales and zero points.

The schema asks for weights at multiples of 16 bytes (`force_align: 16`), because kernels read them
where they lie in the file; flatbuffers' Python does not know the attribute. Whatever is aligned may
have a gap beside it, so that vectors are written in an order in which one fills the gap of another.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

__all__ = ["Vector", "stored", "write", "write_all"]

# A few numbers, biases mostly, are read as well where 32-bit numbers may lie.
_ALIGNMENT, _ALIGNMENT_OF_FEW = 16, 4
_FEW: Final = 128
_LENGTH: Final = 4


@dataclass(frozen=True)
class Vector:
    """Numbers as a flatbuffer holds them, behind the count of them.

    Args:
        data: All of them.
        size: Of one of them, in bytes.
        alignment: The first one lies at a multiple of so many bytes.
    """

    data: bytes
    size: int
    alignment: int

    def gap(self, offset: int) -> int:
        """How many bytes are wasted if this is the next to be written before `offset`.

        Args:
            offset: From the file's end, where builders begin.
        """
        return -(offset + len(self.data)) % self.alignment

    def after(self, offset: int) -> int:
        """Where the next one is then written."""
        return offset + self.gap(offset) + len(self.data) + _LENGTH


def stored(data: Any) -> Vector:  # noqa: ANN401 - uint8[N]
    """What a buffer holds."""
    return Vector(bytes(data), 1, _ALIGNMENT if len(data) > _FEW else _ALIGNMENT_OF_FEW)


def write(builder: Any, vector: Vector) -> int:  # noqa: ANN401 - untyped
    """Write a vector; returns its offset."""
    builder.StartVector(vector.size, len(vector.data) // vector.size, vector.alignment)
    builder.head -= len(vector.data)
    builder.Bytes[builder.head : builder.head + len(vector.data)] = vector.data
    end: int = builder.EndVector()
    return end


def write_all(builder: Any, model: Any) -> None:  # noqa: ANN401 - untyped
    """Write all vectors of a `ModelT` that numbers are read from, with few bytes wasted.

    Args:
        builder: One that knows later on what it has written already.
        model: Whose buffers and quantizations to write.
    """
    waiting = _vectors(model)
    while waiting:
        offset = builder.Offset()
        best = min(waiting, key=lambda vector: _waste(vector, offset, waiting))
        waiting.remove(best)
        write(builder, best)


def _waste(vector: Vector, offset: int, others: list[Vector]) -> tuple[int, int, int]:
    """What to keep small: the gap now, what is easy to place, and the least gap behind it."""
    behind = vector.after(offset)
    demanding = [each.gap(behind) for each in others if each.alignment > _LENGTH]
    return vector.gap(offset), -vector.alignment, min(demanding, default=0)


def _vectors(model: Any) -> list[Vector]:  # noqa: ANN401 - generated code
    """Each once, in the order in which they are found."""
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

"""The IDX format of the MNIST family: a magic number, the dimensions, one unsigned byte per item.

The numbers of the header are big-endian 32-bit integers. The magic number of unsigned bytes has
0x08 in its third byte and the number of dimensions in its fourth.
"""

import math
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset.catalog import IMAGE_SHAPE, LABELS
from fmnist_edge.errors import DatasetCorruptError

_UNSIGNED_BYTES: Final = 0x0800


def decode_images(payload: bytes, where: str) -> NDArray[np.uint8]:
    """Return the images in `payload` as a read-only uint8[N,28,28] that shares its memory.

    Args:
        payload: Contents of a whole, decompressed IDX file.
        where: Name of the file, for the error message.

    Raises:
        DatasetCorruptError: `payload` is not an IDX file of 28x28 images.
    """
    return decode_idx(payload, where, item=IMAGE_SHAPE)


def decode_labels(payload: bytes, where: str) -> NDArray[np.uint8]:
    """Return the labels in `payload` as a read-only uint8[N] of 0 to 9 that shares its memory.

    Args:
        payload: Contents of a whole, decompressed IDX file.
        where: Name of the file, for the error message.

    Raises:
        DatasetCorruptError: `payload` is not an IDX file of labels, or a label is above 9.
    """
    labels = decode_idx(payload, where, item=())
    if labels.size and labels.max() >= len(LABELS):
        row = int(np.argmax(labels >= len(LABELS)))
        raise _corrupt(where, f"label {row} is {labels[row]}, above {len(LABELS) - 1}")
    return labels


def decode_idx(payload: bytes, where: str, *, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the items in `payload` as a read-only uint8[N, *item] that shares its memory.

    Args:
        payload: Contents of a whole, decompressed IDX file.
        where: Name of the file, for the error message.
        item: Shape that each item must have; `()` for labels.

    Raises:
        DatasetCorruptError: The magic number, a dimension or the length is wrong.
    """
    try:
        return parse_idx(payload, item)
    except IdxError as error:
        raise _corrupt(where, str(error)) from error


class IdxError(ValueError):
    """The bytes are no IDX file of such items; the message gives the reason."""


def parse_idx(payload: bytes, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the items in `payload` as a read-only uint8[N, *item] that shares its memory.

    Args:
        payload: Contents of a whole, decompressed IDX file of whatever origin.
        item: Shape that each item must have; `()` for labels.

    Raises:
        IdxError: The magic number, a dimension or the length is wrong.
    """
    dims = _read_dims(payload, count=1 + len(item))
    if dims[1:] != item:
        raise IdxError(f"its items are {_shape(dims[1:])}, not {_shape(item)}")
    start = 4 + 4 * len(dims)
    expected = start + math.prod(dims)
    if len(payload) != expected:
        kind = "short" if len(payload) < expected else "long"
        raise IdxError(f"it is too {kind}: {len(payload)} bytes, where its header says {expected}")
    return np.frombuffer(payload, dtype=np.uint8, offset=start).reshape(dims)


def _read_dims(payload: bytes, count: int) -> tuple[int, ...]:
    """Return the dimensions in the header, of which there must be `count`."""
    header = 4 + 4 * count
    if len(payload) < header:
        raise IdxError(f"it ends inside its header, after {len(payload)} bytes")
    magic, *dims = struct.unpack_from(f">{1 + count}I", payload)
    if magic & ~0xFF != _UNSIGNED_BYTES:
        raise IdxError(f"its magic number is 0x{magic:08x}, not 0x{_UNSIGNED_BYTES + count:08x}")
    if magic & 0xFF != count:
        raise IdxError(f"it has {magic & 0xFF} dimensions, not {count}")
    return tuple(dims)


def _shape(dims: tuple[int, ...]) -> str:
    return "x".join(map(str, dims))


def _corrupt(where: str, problem: str) -> DatasetCorruptError:
    return DatasetCorruptError(
        f"{where} is not the published file: {problem}.",
        hint="Delete it, or replace it with the published file.",
    )

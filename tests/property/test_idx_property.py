"""Whatever happens to an IDX file, the decoder refuses it or decodes what was encoded."""

import math
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_edge.dataset.idx import decode_idx
from fmnist_edge.errors import DatasetCorruptError

_ITEMS = st.sampled_from([(), (3,), (2, 3), (28, 28)])


def _encode(array: NDArray[np.uint8]) -> bytes:
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return header + array.tobytes()


@st.composite
def _arrays(draw: st.DrawFn) -> NDArray[np.uint8]:
    shape = (draw(st.integers(0, 4)), *draw(_ITEMS))
    body = draw(st.binary(min_size=math.prod(shape), max_size=math.prod(shape)))
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _refused(payload: bytes, item: tuple[int, ...]) -> bool:
    try:
        decode_idx(payload, "sample", item=item)
    except DatasetCorruptError as error:
        return error.message.startswith("sample ")
    return False


@given(_arrays())
def test_what_was_encoded_is_decoded(array: NDArray[np.uint8]) -> None:
    decoded = decode_idx(_encode(array), "sample", item=array.shape[1:])
    np.testing.assert_array_equal(decoded, array, strict=True)


@given(_arrays(), st.data())
def test_every_truncation_is_refused(array: NDArray[np.uint8], data: st.DataObject) -> None:
    payload = _encode(array)
    kept = data.draw(st.integers(0, len(payload) - 1))
    assert _refused(payload[:kept], array.shape[1:])


@given(_arrays(), st.binary(min_size=1, max_size=40))
def test_every_extension_is_refused(array: NDArray[np.uint8], more: bytes) -> None:
    assert _refused(_encode(array) + more, array.shape[1:])


@given(_arrays(), st.data())
def test_every_change_of_the_header_is_refused(
    array: NDArray[np.uint8], data: st.DataObject
) -> None:
    payload = bytearray(_encode(array))
    position = data.draw(st.integers(0, 4 * (1 + array.ndim) - 1))
    payload[position] ^= data.draw(st.integers(1, 255))
    assert _refused(bytes(payload), array.shape[1:])


@given(st.binary(max_size=64), _ITEMS)
def test_any_bytes_are_refused_or_decode_to_themselves(
    payload: bytes, item: tuple[int, ...]
) -> None:
    if not _refused(payload, item):
        assert _encode(decode_idx(payload, "sample", item=item)) == payload

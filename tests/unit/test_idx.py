"""The IDX decoder takes the published layout and names whatever differs from it."""

import struct

import numpy as np
import pytest

from fmnist_edge.dataset.idx import decode_images, decode_labels
from fmnist_edge.errors import DatasetCorruptError

_PIXELS = np.random.RandomState(0).randint(0, 256, size=(3, 28, 28)).astype(np.uint8)
_LABELS = np.array([0, 9, 4, 4], dtype=np.uint8)


def _idx(magic: int, *dims: int, body: bytes = b"") -> bytes:
    return struct.pack(f">{1 + len(dims)}I", magic, *dims) + body


_IMAGES_FILE = _idx(0x803, 3, 28, 28, body=_PIXELS.tobytes())
_LABELS_FILE = _idx(0x801, 4, body=_LABELS.tobytes())


def test_images_are_decoded_as_published() -> None:
    images = decode_images(_IMAGES_FILE, "images")
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, _PIXELS)


def test_labels_are_decoded_as_published() -> None:
    labels = decode_labels(_LABELS_FILE, "labels")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, _LABELS)


def test_decoded_arrays_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        decode_images(_IMAGES_FILE, "images")[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        decode_labels(_LABELS_FILE, "labels")[0] = 1


def test_a_file_without_items_is_an_empty_array() -> None:
    assert decode_images(_idx(0x803, 0, 28, 28), "images").shape == (0, 28, 28)
    assert decode_labels(_idx(0x801, 0), "labels").shape == (0,)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        pytest.param(b"", "ends inside its header, after 0 bytes", id="empty"),
        pytest.param(_IMAGES_FILE[:15], "ends inside its header, after 15 bytes", id="header"),
        pytest.param(b"\x1f\x8b" + _IMAGES_FILE[2:], "magic number is 0x1f8b0803", id="gzip"),
        pytest.param(_idx(0xD03, 3, 28, 28), "is 0x00000d03, not 0x00000803", id="floats"),
        pytest.param(_idx(0x801, 3, 28, 28), "it has 1 dimensions, not 3", id="labels"),
        pytest.param(_idx(0x803, 3, 28, 27), "its items are 28x27, not 28x28", id="narrow"),
        pytest.param(_IMAGES_FILE[:-1], "too short: 2367 bytes, where .* 2368", id="short"),
        pytest.param(_IMAGES_FILE + b"\0", "too long: 2369 bytes, where .* 2368", id="long"),
        pytest.param(_idx(0x803, 2**32 - 1, 28, 28), "too short: 16 bytes", id="enormous"),
    ],
)
def test_a_wrong_image_file_is_named_with_its_problem(payload: bytes, problem: str) -> None:
    with pytest.raises(DatasetCorruptError, match=problem) as caught:
        decode_images(payload, "t10k-images-idx3-ubyte")
    assert caught.value.message.startswith("t10k-images-idx3-ubyte is not the published file: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("labels", "problem"),
    [((0, 10), "label 1 is 10, above 9"), ((0, 9, 11, 255), "label 2 is 11, above 9")],
)
def test_a_label_above_nine_is_refused_and_located(labels: tuple[int, ...], problem: str) -> None:
    payload = _idx(0x801, len(labels), body=bytes(labels))
    with pytest.raises(DatasetCorruptError, match=problem):
        decode_labels(payload, "labels")

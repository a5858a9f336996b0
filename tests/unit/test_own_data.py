"""The user's images are read, whoever made the file, or there is a sentence about what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.bench.inputs import read_own_data
from fmnist_edge.errors import UsageError
from fmnist_edge.files import sha256_of
from fmnist_edge.result import OwnData
from tests.examples import npz

_IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def _file(folder: Path, **arrays: NDArray[Any]) -> Path:
    path = folder / "my.npz"
    path.write_bytes(npz(arrays))
    return path


def test_images_and_labels_are_read(tmp_path: Path) -> None:
    path = _file(tmp_path, images=_IMAGES, labels=np.array([3, 0], np.uint8))
    own = read_own_data(path)
    np.testing.assert_array_equal(own.images, _IMAGES)
    assert own.images.dtype == np.uint8
    assert own.labels is not None
    assert own.labels.dtype == np.int64
    assert own.labels.tolist() == [3, 0]
    assert own.record == OwnData(str(path), sha256_of(path.read_bytes()))


def test_labels_may_be_missing(tmp_path: Path) -> None:
    assert read_own_data(_file(tmp_path, images=_IMAGES)).labels is None


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "uint64"])
def test_images_may_be_any_numbers(tmp_path: Path, dtype: str) -> None:
    own = read_own_data(_file(tmp_path, images=_IMAGES.astype(dtype)))
    assert own.images.dtype == dtype


_BAD = {
    "no images": ({"pictures": _IMAGES}, "holds no array called images"),
    "no rows": ({"images": np.zeros((0, 28, 28), np.uint8)}, r"are uint8\[0,28,28\]: no rows"),
    "a single number": ({"images": np.array(3.0)}, r"are float64\[\]: no rows"),
    "words": ({"images": np.array(["a", "b"])}, "no rows of numbers"),
    "truths": ({"images": np.array([True, False])}, "no rows of numbers"),
    "imaginary": ({"images": np.array([1j, 2j])}, "no rows of numbers"),
    "objects": ({"images": np.array([{}, []], dtype=object)}, "Object arrays cannot be loaded"),
    "object labels": (
        {"images": _IMAGES, "labels": np.array([{}, []], dtype=object)},
        "Object arrays cannot be loaded",
    ),
    "NaN": ({"images": np.array([[1.0], [np.nan]])}, "NaN or infinite"),
    "infinity": ({"images": np.array([[1.0], [-np.inf]], np.float32)}, "NaN or infinite"),
    "labels of floats": ({"images": _IMAGES, "labels": np.array([0.0, 1.0])}, "not one class"),
    "too few labels": ({"images": _IMAGES, "labels": np.array([1])}, r"int64\[1\], not one class"),
    "no labels": ({"images": _IMAGES, "labels": np.array([], int)}, "not one class"),
    "one-hot labels": ({"images": _IMAGES, "labels": np.eye(2, dtype=int)}, "not one class"),
    "a label": ({"images": _IMAGES, "labels": np.array(1)}, "not one class"),
    "negative labels": ({"images": _IMAGES, "labels": np.array([0, -1])}, "not one class"),
    "huge labels": (
        {"images": _IMAGES, "labels": np.array([0, 2**63], np.uint64)},
        "not one class",
    ),
}


@pytest.mark.parametrize("name", _BAD)
def test_arrays_that_make_no_sense_are_refused(tmp_path: Path, name: str) -> None:
    arrays, problem = _BAD[name]
    path = _file(tmp_path, **arrays)
    with pytest.raises(UsageError, match=problem) as caught:
        read_own_data(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


class _Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:  # noqa: ANN401 - as pickle wants it
        return Path.touch, (self.path,)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "it-ran"
    path = _file(tmp_path, images=np.array([_Bomb(trap)], dtype=object))
    with pytest.raises(UsageError):
        read_own_data(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    "content", [b"", b"I am no archive.\n", npz({"images": _IMAGES})[:-40], b"PK\x03\x04"]
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        read_own_data(path)


def test_a_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "gone.npz"
    with pytest.raises(UsageError) as caught:
        read_own_data(path)
    assert caught.value.message == f"{path} cannot be read: No such file or directory."
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_own_data(tmp_path)

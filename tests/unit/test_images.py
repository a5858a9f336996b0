"""Files of images are told apart by their first bytes."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge import dataset
from fmnist_edge.dataset.verify import path_of
from fmnist_edge.errors import UsageError
from fmnist_edge.pipeline.images import files_needed, read_images
from tests.examples import npz

_PIXELS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
_IDX = struct.pack(">4I", 0x803, 3, 28, 28) + _PIXELS.tobytes()


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("mine.npz", npz({"images": _PIXELS})),
        ("images-idx3-ubyte", _IDX),
        ("images-idx3-ubyte.gz", gzip.compress(_IDX)),
        ("renamed.bin", _IDX),
    ],
    ids=["npz", "idx", "packed", "renamed"],
)
def test_every_kind_of_file_gives_the_same_images(
    tmp_path: Path, name: str, payload: bytes
) -> None:
    (tmp_path / name).write_bytes(payload)
    given = read_images(tmp_path / name, None)
    np.testing.assert_array_equal(given.images, _PIXELS)
    assert (given.truth, given.source) == (None, name)
    (tmp_path / "other.npz").write_bytes(npz({"images": _PIXELS, "labels": np.array([1, 2, 3])}))
    other = read_images(tmp_path / "other.npz", None)
    assert other.truth is not None
    assert other.truth.tolist() == [1, 2, 3]
    assert other.sha256 == given.sha256
    assert files_needed(tmp_path / name) == ()


def test_other_images_have_another_hash(tmp_path: Path) -> None:
    for name, images in (("a", _PIXELS), ("b", _PIXELS ^ 1), ("c", _PIXELS.astype(np.float32))):
        (tmp_path / f"{name}.npz").write_bytes(npz({"images": images}))
    hashes = {read_images(tmp_path / f"{name}.npz", None).sha256 for name in "abc"}
    assert len(hashes) == 3


def test_without_a_file_the_test_images_are_read(real_data_folder: Path) -> None:
    given = read_images(None, real_data_folder)
    assert (given.images.shape, given.source) == ((10_000, 28, 28), "fashion-mnist")
    assert given.truth is not None
    assert files_needed(None) == dataset.TEST_FILES
    published = path_of(real_data_folder, dataset.TEST_FILES[0])
    assert read_images(published, None).sha256 == given.sha256


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "is no file of images"),
        (b"\x89PNG\r\n\x1a\n", "is no file of images"),
        (_IDX[:-1], "it is too short"),
        (gzip.compress(_IDX)[:-9], "not a sound gzip file"),
        (struct.pack(">4I", 0x803, 0, 28, 28), "it holds no images"),
        (struct.pack(">2I", 0x801, 1) + b"\0", "it ends inside its header"),
        (npz({"pictures": _PIXELS}), "holds no array called images"),
    ],
    ids=["empty", "png", "short", "truncated", "none", "labels", "names"],
)
def test_what_cannot_be_read_is_refused_with_what_can(
    tmp_path: Path, payload: bytes, problem: str
) -> None:
    (tmp_path / "file").write_bytes(payload)
    with pytest.raises(UsageError, match=problem) as caught:
        read_images(tmp_path / "file", None)
    assert ".npz" in caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_images(path, None)

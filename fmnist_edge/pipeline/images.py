"""The images that `predict` and `diverge` classify: the user's file, or the test split."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import dataset
from fmnist_edge.bench.inputs import read_own_data
from fmnist_edge.dataset.idx import IdxError, parse_idx
from fmnist_edge.errors import UsageError
from fmnist_edge.files import sha256_of
from fmnist_edge.session import IMAGE_SHAPE

_HEAD_BYTES: Final = 4
_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_IDX: Final = b"\x00\x00\x08"
_ACCEPTED: Final = (
    "Accepted are an .npz file with an array called images (and, if they are known, one called "
    "labels), and an IDX file of 28x28 images, packed (.gz) or not. Without a file, the test "
    "images of Fashion-MNIST are classified."
)


@dataclass(frozen=True, eq=False)
class GivenImages:
    """Images to classify.

    Args:
        images: [N,...], what `Session.prepare` takes; N at least 1.
        truth: int64[N], the true labels; None where they are not known.
        source: "fashion-mnist" for the test split, else the name of the file without its folder.
    """

    images: NDArray[Any]
    truth: NDArray[np.int64] | None
    source: str

    @property
    def sha256(self) -> str:
        """SHA-256 of type, shape and values; the same images in another kind of file agree."""
        kind = f"{self.images.dtype.str} {self.images.shape} ".encode()
        return sha256_of(kind + np.ascontiguousarray(self.images).tobytes())


def files_needed(path: Path | None) -> Sequence[dataset.DataFile]:
    """Return the dataset files that `read_images` reads: none for a file of the user."""
    return dataset.TEST_FILES if path is None else ()


def read_images(path: Path | None, data_folder: Path | None) -> GivenImages:
    """Read images from a file, whose first bytes tell its kind, or the test split.

    Args:
        path: The file; None for the test split of Fashion-MNIST.
        data_folder: The folder of Fashion-MNIST; needed for the test split alone.

    Raises:
        UsageError: The file cannot be read, is of no kind that is accepted, or holds no images.
    """
    if path is None:
        if data_folder is None:
            raise UsageError("No images are given, and no folder of Fashion-MNIST.")
        test = dataset.load_test(data_folder)
        return GivenImages(test.images, test.labels.astype(np.int64), "fashion-mnist")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    read = next((each for magic, each in _KINDS if head.startswith(magic)), None)
    if read is None:
        raise UsageError(f"{path} is no file of images that can be read.", hint=_ACCEPTED)
    return read(path)


def _read_npz(path: Path) -> GivenImages:
    own = read_own_data(path)
    return GivenImages(own.images, own.labels, path.name)


def _read_packed(path: Path) -> GivenImages:
    try:
        payload = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _unreadable(path, f"it is not a sound gzip file: {error}") from error
    return _idx(path, payload)


def _read_plain(path: Path) -> GivenImages:
    return _idx(path, path.read_bytes())


def _idx(path: Path, payload: bytes) -> GivenImages:
    try:
        images = parse_idx(payload, IMAGE_SHAPE)
    except IdxError as error:
        raise _unreadable(path, str(error)) from error
    if len(images) == 0:
        raise _unreadable(path, "it holds no images")
    return GivenImages(images, None, path.name)


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path} cannot be read: {reason}.", hint=_ACCEPTED)


# By the first bytes of a file; another kind is a line here and a function.
_KINDS: Final[Sequence[tuple[bytes, Callable[[Path], GivenImages]]]] = (
    (_ZIP, _read_npz),
    (_GZIP, _read_packed),
    (_IDX, _read_plain),
)

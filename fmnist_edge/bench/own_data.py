"""The user's own images in place of Fashion-MNIST."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.errors import UsageError
from fmnist_edge.files import sha256_of
from fmnist_edge.result import OwnData

__all__ = ["OwnImages", "read_own_data"]

_LARGEST: Final = np.iinfo(np.int64).max
_WANTED: Final = (
    "Give an .npz file with an array called images, one item per row, and, for an accuracy, an "
    "array called labels, one integer per item."
)


@dataclass(frozen=True)
class OwnImages:
    """What the file holds.

    Args:
        images: [N, ...] numbers; uint8 are pixels, floats are what the model takes.
        labels: int64[N]; None where the file has none.
        record: What a result says of the file.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64] | None
    record: OwnData


def read_own_data(path: Path) -> OwnImages:
    """Read `images` and `labels` of an `.npz` file; nothing in it is unpickled.

    Raises:
        UsageError: it cannot be read, holds objects, or its arrays do not fit together.
    """
    try:
        payload = path.read_bytes()
        arrays = read_arrays(payload)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_WANTED) from error
    except ArraysError as error:
        raise UsageError(f"{path} cannot be read: {error}.", hint=_WANTED) from error
    images = arrays.get("images")
    if images is None:
        raise UsageError(f"{path} holds no array called images.", hint=_WANTED)
    if images.dtype.kind not in "uif" or images.ndim < 1 or len(images) == 0:
        found = f"{images.dtype}[{','.join(map(str, images.shape))}]"
        raise UsageError(f"The images in {path} are {found}: no rows of numbers.", hint=_WANTED)
    if not np.isfinite(images).all():
        raise UsageError(
            f"The images in {path} hold values that are no numbers (NaN or infinite).",
            hint="Find out how they came there; no model can do anything with them.",
        )
    labels = arrays.get("labels")
    record = OwnData(str(path), sha256_of(payload))
    return OwnImages(images, None if labels is None else _labels(path, labels, images), record)


def _labels(path: Path, labels: NDArray[Any], images: NDArray[Any]) -> NDArray[np.int64]:
    is_list = labels.dtype.kind in "ui" and labels.shape == images.shape[:1]
    if not is_list or labels.min() < 0 or labels.max() > _LARGEST:
        found = f"{labels.dtype}[{','.join(map(str, labels.shape))}]"
        raise UsageError(
            f"The labels in {path} are {found}, not one class number for each of the "
            f"{len(images)} images.",
            hint=_WANTED,
        )
    return labels.astype(np.int64)

"""The calibration images of quantizers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from fmnist_edge import dataset
from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.artifact import Calibration
from fmnist_edge.errors import UsageError
from fmnist_edge.session import IMAGE_SHAPE, Images

CALIBRATION_SEED: Final = 0
_FEWEST: Final = 32
_WANTED: Final = "Give an .npz file with an array called images, uint8[N,28,28], as cameras do."


@dataclass(frozen=True)
class CalibrationImages:
    """Calibration images with their origin.

    Args:
        images: uint8[N,28,28].
        source: "train", or the name of the user's file.
        seed: The seed of the choice; None where all images were taken.
    """

    images: Images
    source: str
    seed: int | None

    def record(self, method: str) -> Calibration:
        """Return the entry of the manifest."""
        return Calibration(self.source, len(self.images), self.seed, method)


def from_train(train: dataset.Split, count: int) -> CalibrationImages:
    """Choose a class-balanced part of train; validation and test are never used.

    Raises:
        UsageError: The count is below 32 or above the number of images.
    """
    if count < _FEWEST:
        raise UsageError(
            f"{count} images are too few to calibrate on; {_FEWEST} are the least.",
            hint="Leave out --calibration-samples for the default.",
        )
    chosen = dataset.stratified(train, count, CALIBRATION_SEED)
    return CalibrationImages(chosen.images, "train", CALIBRATION_SEED)


def from_file(path: Path) -> CalibrationImages:
    """Read the user's own images, the array `images` of an `.npz` file.

    Raises:
        UsageError: The file cannot be read, holds pickled objects, or its images have another
            shape or dtype, or are fewer than 32.
    """
    try:
        images = read_arrays(path.read_bytes()).get("images")
    except (OSError, ArraysError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", hint=_WANTED) from error
    if images is None:
        raise UsageError(f"{path} holds no array called images.", hint=_WANTED)
    if images.dtype != np.uint8 or images.shape[1:] != IMAGE_SHAPE:
        found = f"{images.dtype}[{','.join(map(str, images.shape))}]"
        raise UsageError(
            f"The images in {path} are {found}, not uint8[N,28,28].",
            hint=_WANTED,
        )
    if len(images) < _FEWEST:
        raise UsageError(
            f"{path} holds {len(images)} images; {_FEWEST} are the least to calibrate on.",
            hint="Add more images, of all classes.",
        )
    return CalibrationImages(images.astype(np.uint8), path.name, None)

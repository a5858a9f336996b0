"""The calibration images of TFLite's quantizers."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.errors import ExportError
from fmnist_edge.recipes import Choices
from fmnist_edge.session import Images, scale_pixels

_METHOD = "minmax"
_BLACK, _WHITE = 0, 255


def check_method(choices: Choices) -> None:
    """Refuse every calibration method but min-max, which is all that TFLite's quantizers have.

    Raises:
        ExportError: The user asks for another calibration method.
    """
    if choices.calibration_method != _METHOD:
        raise ExportError(
            f"TFLite files are calibrated by {_METHOD} only, "
            f"not by {choices.calibration_method!r}.",
            hint="Leave out --calibration-method, or export --format onnx or --format openvino.",
        )


def with_full_range(images: Images) -> Images:
    """Return the images, and one more if no pixel among them is black or none is white.

    Min-max calibration takes the range of the input from the pixels of the images; only 0 and 255
    together give the scale 1/255 and the zero point -128, so that int8 = uint8 - 128. The added
    image is the brightest one with its darkest pixel made black and its brightest made white. Only
    two pixels change, so that the ranges of the layers hardly change.

    Args:
        images: uint8[N,28,28], N at least 1.

    Returns:
        uint8[N or N+1,28,28].
    """
    if images.min() == _BLACK and images.max() == _WHITE:
        return images
    added = images[images.max(axis=(1, 2)).argmax()].copy()
    pixels = added.reshape(-1)
    darkest, *_, brightest = pixels.argsort(kind="stable")
    pixels[darkest], pixels[brightest] = _BLACK, _WHITE
    return np.concatenate([images, added[None]])


def batches(images: Images, size: int) -> Iterator[NDArray[np.float32]]:
    """Yield batches of float32[size,28,28] pixels in 0..1.

    The last batch is filled up with its own last image.

    Args:
        images: uint8[N,28,28], N at least 1.
        size: The number of images per inference of the graph that is calibrated.
    """
    full = with_full_range(images)
    for start in range(0, len(full), size):
        part = full[start : start + size]
        missing = size - len(part)
        yield scale_pixels(np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]))

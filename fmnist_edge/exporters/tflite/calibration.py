"""The images from which TFLite's quantizers take activation ranges."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.errors import ExportError
from fmnist_edge.recipes import Choices
from fmnist_edge.session import Images, scale_pixels

__all__ = ["batches", "check_method", "with_full_range"]

_METHOD = "minmax"
_BLACK, _WHITE = 0, 255


def check_method(choices: Choices) -> None:
    """Refuse what TFLite's quantizers do not know; all they have is the least and the largest.

    Raises:
        ExportError: another calibration method is asked for.
    """
    if choices.calibration_method != _METHOD:
        raise ExportError(
            f"TFLite files are calibrated by {_METHOD} only, "
            f"not by {choices.calibration_method!r}.",
            hint="Leave out --calibration-method, or export --format onnx or --format openvino.",
        )


def with_full_range(images: Images) -> Images:
    """The images, and one more if no pixel among them is black or none is white.

    Min-max calibration takes the input's range from the pixels it sees; only 0 and 255 together
    give the scale 1/255 and the zero point -128, under which int8 = uint8 - 128. The image that is
    added is the brightest one with its darkest pixel made black and its brightest made white: two
    pixels, so that the layers behind see next to nothing new.

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
    """float32[size,28,28] pixels in 0..1; the last batch is filled up with its own last image.

    Args:
        images: uint8[N,28,28], N at least 1.
        size: Images per inference of the graph that is calibrated.
    """
    full = with_full_range(images)
    for start in range(0, len(full), size):
        part = full[start : start + size]
        missing = size - len(part)
        yield scale_pixels(np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]))

"""Small pictures made of characters."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session import Images

__all__ = ["half_blocks", "sparkline"]

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_FLAT: Final = "▄"
_GAP: Final = " "


def sparkline(values: Sequence[float]) -> str:
    """A line of block characters, one per value: the lowest value is ▁, the highest █.

    Equal values are all of middle height; a value that is not finite leaves a gap.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return _GAP * len(values)
    low, high = min(finite), max(finite)
    return "".join(_block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return _GAP
    if low == high:
        return _FLAT
    # Scaled first: no difference becomes infinite, or is too small to divide by.
    scale = max(abs(low), abs(high))
    share = (value / scale - low / scale) / (high / scale - low / scale)
    return _BLOCKS[min(round(share * (len(_BLOCKS) - 1)), len(_BLOCKS) - 1)]


def half_blocks(image: Images) -> NDArray[np.uint8]:
    """The shades of an image for a terminal, where the character ▀ shows two pixels in a cell.

    The image is halved in both directions first, each pixel the mean of four.

    Args:
        image: uint8[4R,2C].

    Returns:
        uint8[R,C,2]: of each cell the shade of its upper and of its lower half.
    """
    height, width = image.shape
    fours = image.reshape(height // 2, 2, width // 2, 2)
    small = np.rint(fours.mean(axis=(1, 3))).astype(np.uint8)
    shades: NDArray[np.uint8] = small.reshape(height // 4, 2, width // 2).transpose(0, 2, 1)
    return shades

"""Images made of half-block characters."""

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session import Images


def half_blocks(image: Images) -> NDArray[np.uint8]:
    """Return the shades of an image for a terminal that shows two pixels per cell with ▀.

    The image is first halved in both directions; each pixel becomes the mean of four.

    Args:
        image: uint8[4R,2C].

    Returns:
        uint8[R,C,2], the shades of the upper and the lower half of each cell.
    """
    height, width = image.shape
    fours = image.reshape(height // 2, 2, width // 2, 2)
    small = np.rint(fours.mean(axis=(1, 3))).astype(np.uint8)
    shades: NDArray[np.uint8] = small.reshape(height // 4, 2, width // 2).transpose(0, 2, 1)
    return shades

"""A model file as a row of files, each of which ends one layer later."""

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_edge.divergence.stages import Grid, Stage
from fmnist_edge.session import IMAGE_SHAPE


class UnreadableLayersError(Exception):
    """The file is no chain of dense layers that can be read, or reads it in an unknown way."""


def check_squares(size: Sequence[int], strides: Sequence[int]) -> None:
    """Check that a pool takes the means of squares that lie side by side and fill the image.

    Raises:
        UnreadableLayersError: It does something else.
    """
    side, *others = size
    fills = side > 0 and all(length % side == 0 for length in IMAGE_SHAPE)
    if not fills or {*others, *strides} != {side}:
        raise UnreadableLayersError("a pool takes other parts of an image than squares")


@dataclass(frozen=True, eq=False)
class Cut:
    """A file that ends with one of the layers.

    Args:
        name: Name of the layer.
        payload: The bytes of the file, whose output is that of the layer.
        stage: What the layer computes; None for an average pool.
        grid: What its output can hold; None for real numbers.
        divisor: The output has to be divided by it to be that of pixels of 0..1.
    """

    name: str
    payload: bytes
    stage: Stage | None
    grid: Grid | None
    divisor: float = 1.0


@dataclass(frozen=True, eq=False)
class CutFile:
    """All layers of a file.

    Args:
        cuts: Up to the last dense layer, first to last.
        input_grid: What the input of the first dense layer can hold, where it is quantized.
        softmax_grid: What the output of the softmax can hold, where it is quantized.
        ends_in_softmax: Whether a softmax follows the last dense layer.
    """

    cuts: tuple[Cut, ...]
    input_grid: Grid | None
    softmax_grid: Grid | None
    ends_in_softmax: bool

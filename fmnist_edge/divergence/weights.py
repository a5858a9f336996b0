"""How the weights of one layer in two files are related."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.bounds import FLOAT16, FLOAT32
from fmnist_edge.divergence.stages import Real, Stage

Mask = NDArray[np.bool_]
Relation = Literal["same", "half", "quantized", "other"]

# A scale of the input may be folded into the weights of either file, which rounds twice.
FOLDED: Final = 4 * FLOAT32
# In float16 the scale may be rounded as well as the weights.
_HALVES: Final = 2 * FLOAT16
# Steps are computed in float32.
_ROOM: Final = 1 + 1e-6
_MOST_PERMUTED: Final = 512


def relation(a: Stage, b: Stage) -> Relation:
    """Return how the weights of two files are related.

    "same": equal up to rounding in float32. "half": one file has those of the other in float16.
    "quantized": they are at most half a step of each file apart; a weight that is stored as the
    largest number of its type may stand for a larger one. "other": none of these.
    """
    kernels, biases = _Gap(a.kernel, b.kernel), _Gap(a.bias, b.bias)
    if kernels.within(FOLDED) and biases.within(FOLDED):
        return "same"
    floor = a.half_floor + b.half_floor
    if floor and kernels.within(_HALVES, floor) and biases.within(_HALVES, floor):
        return "half"
    steps = (a.kernel_step + b.kernel_step) / 2, (a.bias_step + b.bias_step) / 2
    if not any(map(np.any, steps)):
        return "other"
    share = _HALVES if floor else FOLDED
    rest = kernels.beyond(share, _ROOM * steps[0] + floor) & ~_stands_for_more(a, b)
    fits = not rest.any() and biases.within(share, _ROOM * steps[1] + floor)
    return "quantized" if fits else "other"


class _Gap:
    """The distances of two arrays."""

    def __init__(self, a: Real, b: Real) -> None:
        self.gap: Final = np.abs(a - b)
        self.size: Final = np.maximum(np.abs(a), np.abs(b))

    def beyond(self, share: float, room: Real | float = 0.0) -> Mask:
        return self.gap > share * self.size + room

    def within(self, share: float, room: Real | float = 0.0) -> bool:
        return not self.beyond(share, room).any()


def _stands_for_more(a: Stage, b: Stage) -> Mask:
    """Return where a weight is the largest of its type, and that of the other file is larger."""
    found = np.zeros(a.kernel.shape, np.bool_)
    for own, other in ((a, b), (b, a)):
        if own.kernel_end is not None:
            larger = np.abs(other.kernel) >= np.abs(own.kernel)
            found |= own.kernel_end & larger & (own.kernel * other.kernel > 0)
    return found


def is_permuted(a: Stage, b: Stage) -> bool:
    """Return whether the units of B are those of A in another order, up to half a step."""
    if a.kernel.shape[1] > _MOST_PERMUTED:
        return False
    partners = [
        int(np.abs(b.kernel - column[:, None]).max(axis=0).argmin()) for column in a.kernel.T
    ]
    if partners == list(range(len(partners))) or len(set(partners)) < len(partners):
        return False
    room = (a.kernel_step + b.kernel_step[partners]) / 2
    size = np.abs(a.kernel).max(axis=0)
    gap = np.abs(a.kernel - b.kernel[:, partners]).max(axis=0)
    return bool((gap <= _ROOM * room + _HALVES * size).all())

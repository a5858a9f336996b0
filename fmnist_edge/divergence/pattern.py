"""The cause of differences by the scores alone, where no layers can be read.

The rules are weaker than those about layers: they tell what a difference looks like. What fits none
of them is undetermined.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.bounds import FLOAT16, FLOAT32, gamma
from fmnist_edge.divergence.record import Cause, Detail

# The step of the scores of an 8-bit softmax.
STEP: Final = 2.0**-8
# Results keep the largest score of an image in millionths.
_ON_STEP: Final = 2.0**-12
# What float32 can do to the sum of as many products as an image has pixels, each at most 1.
_REORDERED: Final = gamma(28 * 28, FLOAT32)
# Layers of an 8-bit network turn a tie into several steps, in few images.
_FEW: Final = 0.01
_HALF_MOST: Final = 64 * FLOAT16
# A difference of quantization leaves most labels as they are, and is small on average.
_QUANTIZED_MEAN: Final = 4 * STEP
_QUANTIZED_LABELS: Final = 0.95


@dataclass(frozen=True)
class Known:
    """What is known of the two besides their scores.

    Args:
        same_file: Whether both ran the same bytes.
        quantized: Whether A and B are quantized to 8 bits or fewer.
        half: Whether either is stored in float16, or may compute in a shorter type.
    """

    same_file: bool
    quantized: tuple[bool, bool]
    half: bool


def by_pattern(
    a: NDArray[np.float32], b: NDArray[np.float32], same_labels: float, known: Known
) -> tuple[Cause, Detail]:
    """Return the cause that the differences of the scores look like.

    Args:
        a: float32[N,C], the probabilities of A; C may be 1, the largest one of each image.
        b: Those of B.
        same_labels: Share of images with the same label, 0..1.
        known: What is known besides.
    """
    gap = np.abs(a.astype(np.float64) - b)
    if not gap.any() and same_labels == 1:
        return "identical", ""
    if moved_columns(a, b):
        return "defect", "permuted"
    few = bool((gap.max(axis=1) > 0).mean() <= _FEW)
    steps_only = _on_grid(a) and _on_grid(b) and known.same_file
    if steps_only and all(known.quantized) and (few or gap.max() <= STEP * (1 + _ON_STEP)):
        return "rounding-tie", ""
    if not any(known.quantized):
        return _of_floats(float(gap.max()), float(gap.mean()), known), ""
    related = gap.mean() <= _QUANTIZED_MEAN and same_labels >= _QUANTIZED_LABELS
    if not known.same_file and related:
        return "quantization", ""
    return "undetermined", ""


def _of_floats(most: float, mean: float, known: Known) -> Cause:
    if most <= _REORDERED:
        return "reordered-sums"
    return (
        "half-precision"
        if known.half and most <= _HALF_MOST and mean <= FLOAT16
        else "undetermined"
    )


def _on_grid(scores: NDArray[np.float32]) -> bool:
    steps = scores / np.float32(STEP)
    return bool((np.abs(steps - np.rint(steps)) <= _ON_STEP).all())


def moved_columns(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Return whether the columns of B are those of A in another order, and much nearer so.

    Args:
        a: float32[N,C].
        b: float32[N,C].
    """
    if a.shape[1] == 1:
        return False
    gaps = np.abs(a[:, :, None] - b[:, None, :]).mean(axis=0)
    partners = gaps.argmin(axis=1)
    moved = partners.tolist() != list(range(a.shape[1]))
    if not moved or len(set(partners.tolist())) < a.shape[1]:
        return False
    return bool(gaps.min(axis=1).sum() < np.diagonal(gaps).sum() / 2)

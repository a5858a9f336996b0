"""Class probabilities and confidences from the scores of a classifier."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session import Scores
from fmnist_edge.stats.classification import ScoreKind, as_probabilities

# The precision of float32, so that equal confidences compare equal.
_DECIMALS: Final = 6


def class_probabilities(scores: Scores, kind: ScoreKind | None) -> Scores:
    """Return class probabilities of scores that are probabilities or logits.

    Args:
        scores: float32[N,C], N at least 1.
        kind: The kind of the scores according to the manifest; None without a manifest.

    Returns:
        float32[N,C] of 0..1; NaN becomes 0. Those of an 8-bit file need not sum to 1.
    """
    return np.clip(np.nan_to_num(as_probabilities(scores, kind)), 0, 1)


def confidences(probabilities: Scores) -> NDArray[np.float64]:
    """Return the largest probability of each image of float32[N,C], rounded to 1e-6: float64[N]."""
    largest: NDArray[np.float64] = probabilities.max(axis=1).astype(np.float64)
    return largest.round(_DECIMALS)

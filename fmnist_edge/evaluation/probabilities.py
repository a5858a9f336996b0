"""From a classifier's scores to class probabilities, and to how sure it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session import Scores
from fmnist_edge.stats.classification import ScoreKind, as_probabilities

# Confidences are kept to a millionth: float32 knows no more, and equal ones shall be equal.
_DECIMALS: Final = 6


def class_probabilities(scores: Scores, kind: ScoreKind | None) -> Scores:
    """Class probabilities, be the scores probabilities or logits.

    Args:
        scores: float32[N,C], N at least 1.
        kind: What they are, where a manifest tells.

    Returns:
        float32[N,C] of 0..1. Those of a file of 8 bits need not sum up to 1. What is no number
        counts as 0: a model that says so is sure of nothing.
    """
    return np.clip(np.nan_to_num(as_probabilities(scores, kind)), 0, 1)


def confidences(probabilities: Scores) -> NDArray[np.float64]:
    """The largest probability of each image, to a millionth: float64[N] from float32[N,C]."""
    largest: NDArray[np.float64] = probabilities.max(axis=1).astype(np.float64)
    return largest.round(_DECIMALS)

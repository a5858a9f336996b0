"""From a classifier's scores to class probabilities, and to how sure it is."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.proportions import softmax
from fmnist_edge.session import Scores

__all__ = ["ScoreKind", "class_probabilities", "confidences"]

ScoreKind = Literal["probabilities", "logits"]
# How far the probabilities of an image may sum up from 1 by rounding.
_SUM_TOLERANCE: Final = 1e-2
# Confidences are kept to a millionth: float32 knows no more, and equal ones shall be equal.
_DECIMALS: Final = 6


def class_probabilities(scores: Scores, kind: ScoreKind | None) -> Scores:
    """Class probabilities, be the scores probabilities or logits.

    Args:
        scores: float32[N,C], N at least 1.
        kind: What they are, where a manifest tells. Of a bare file, scores that can be no
            probabilities are taken for logits.

    Returns:
        float32[N,C] of 0..1. Those of a file of 8 bits need not sum up to 1. What is no number
        counts as 0: a model that says so is sure of nothing.
    """
    are_logits = kind == "logits" or (kind is None and not _can_be_probabilities(scores))
    with np.errstate(invalid="ignore"):  # infinite scores become NaN, and NaN becomes 0
        probabilities = softmax(scores) if are_logits else scores
    return np.clip(np.nan_to_num(probabilities), 0, 1)


def _can_be_probabilities(scores: Scores) -> bool:
    # Probabilities of 8 bits are within 0..1, but need not sum up to 1; those of 32 bits may be a
    # hair above 1, but do.
    within = bool(((scores >= 0) & (scores <= 1)).all())
    with np.errstate(invalid="ignore"):
        return within or bool(np.abs(scores.sum(axis=1) - 1).max() <= _SUM_TOLERANCE)


def confidences(probabilities: Scores) -> NDArray[np.float64]:
    """The largest probability of each image, to a millionth: float64[N] from float32[N,C]."""
    largest: NDArray[np.float64] = probabilities.max(axis=1).astype(np.float64)
    return largest.round(_DECIMALS)

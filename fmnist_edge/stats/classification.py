"""What labelled answers say about a classifier: intervals, tests and calibration of shares."""

import math
from statistics import NormalDist
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ScoreKind",
    "as_probabilities",
    "calibration_error",
    "mcnemar_p_value",
    "softmax",
    "wilson_interval",
]

ScoreKind = Literal["probabilities", "logits"]

_CONFIDENCE: Final = 0.95
# How far the probabilities of an image may sum up from 1 by rounding.
_SUM_TOLERANCE: Final = 1e-2


def wilson_interval(
    successes: int, trials: int, confidence: float = _CONFIDENCE
) -> tuple[float, float]:
    """An interval for a share of which `successes` of `trials` were seen.

    Wilson's score interval (1927, doi 10.1080/01621459.1927.10502953): it stays within 0..1 and is
    honest near its ends.

    Args:
        successes: 0..trials.
        trials: With 0, nothing is known: 0..1.
        confidence: How often such intervals hold the share, 0..1.
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    squared = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    centre = share + squared / (2 * trials)
    half = math.sqrt(squared * (share * (1 - share) / trials + squared / (4 * trials**2)))
    width = 1 + squared / trials
    # The ends are 0 and 1 exactly where all or none succeeded, if it were not for rounding.
    return max(0.0, min(share, (centre - half) / width)), min(
        1.0, max(share, (centre + half) / width)
    )


def mcnemar_p_value(lost: int, gained: int) -> float:
    """McNemar's test in its exact, two-sided form (McNemar 1947, doi 10.1007/BF02295996).

    Only the images that one of the two labels right count. If neither is better, each of them falls
    to either side like a coin; the answer is the chance of a split at least as uneven as this one.
    """
    total = lost + gained
    tail = ways = 1
    for chosen in range(min(lost, gained)):
        ways = ways * (total - chosen) // (chosen + 1)
        tail += ways
    # Integers first: 2**total has no float beyond 1023.
    return min(1.0, 2 * tail / (1 << total))


def calibration_error(
    confidence: NDArray[Any], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """The expected calibration error: how far confidence and accuracy lie apart.

    The images are sorted into bins of equal width by confidence; per bin, the mean confidence is
    compared with the share that is right, and the differences are averaged with the bins' sizes as
    weights (Guo et al. 2017, arXiv 1706.04599, with their 15 bins).

    Args:
        confidence: [N] in 0..1, at least one.
        correct: bool[N].
        bins: How many.

    Returns:
        0..1.
    """
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=correct - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class probabilities, float32[N,C], from logits, float32[N,C]."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    normalized: NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return normalized


def as_probabilities(
    scores: NDArray[np.float32], kind: ScoreKind | None = None
) -> NDArray[np.float32]:
    """A classifier's scores as probabilities; those that are probabilities come back themselves.

    Args:
        scores: float32[N,C].
        kind: What they are, where something tells. Otherwise, scores that can be no probabilities
            are taken for logits.

    Returns:
        float32[N,C]; infinite logits become NaN.
    """
    if kind == "probabilities" or (kind is None and _can_be_probabilities(scores)):
        return scores
    with np.errstate(invalid="ignore"):
        return softmax(scores)


def _can_be_probabilities(scores: NDArray[np.float32]) -> bool:
    # Those of 8 bits are within 0..1, but need not sum up to 1; those of 32 bits may be a hair
    # above 1, but do.
    within = bool(((scores >= 0) & (scores <= 1)).all())
    with np.errstate(invalid="ignore"):
        return within or bool(np.abs(scores.sum(axis=1) - 1).max(initial=0.0) <= _SUM_TOLERANCE)

"""Statistics of a classifier's answers: intervals, tests and calibration."""

import math
from statistics import NormalDist
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

ScoreKind = Literal["probabilities", "logits"]

_CONFIDENCE: Final = 0.95
# How far the sum of an image's probabilities may be from 1 by rounding.
_SUM_TOLERANCE: Final = 1e-2


def wilson_interval(
    successes: int, trials: int, confidence: float = _CONFIDENCE
) -> tuple[float, float]:
    """Return Wilson's interval for the share of which `successes` of `trials` were observed.

    Wilson's score interval (1927, doi 10.1080/01621459.1927.10502953) stays within 0..1 and keeps
    its coverage near the ends.

    Args:
        successes: 0..trials.
        trials: With 0 trials the interval is 0..1.
        confidence: How often such intervals hold the share, 0..1.
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    squared = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    centre = share + squared / (2 * trials)
    half = math.sqrt(squared * (share * (1 - share) / trials + squared / (4 * trials**2)))
    width = 1 + squared / trials
    # Without rounding errors the ends are exactly 0 and 1 where none or all succeeded.
    return max(0.0, min(share, (centre - half) / width)), min(
        1.0, max(share, (centre + half) / width)
    )


def mcnemar_p_value(lost: int, gained: int) -> float:
    """Return the p value of McNemar's exact, two-sided test (1947, doi 10.1007/BF02295996).

    Only the images that exactly one of the two labels right count. If neither is better, each of
    them is lost or gained with probability 1/2; the p value is the probability of a split at least
    as uneven as this one.
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
    """Return the expected calibration error: how far confidence and accuracy lie apart.

    The images are sorted into bins of equal width by confidence; per bin, the mean confidence is
    compared with the share that is right, and the differences are averaged with the bins' sizes as
    weights (Guo et al. 2017, arXiv 1706.04599, with their 15 bins).

    Args:
        confidence: [N] in 0..1, at least one.
        correct: bool[N].
        bins: Number of bins.

    Returns:
        0..1.
    """
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=correct - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return class probabilities, float32[N,C], from logits, float32[N,C]."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    normalized: NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return normalized


def as_probabilities(
    scores: NDArray[np.float32], kind: ScoreKind | None = None
) -> NDArray[np.float32]:
    """Return a classifier's scores as probabilities; probabilities are returned unchanged.

    Args:
        scores: float32[N,C].
        kind: What the scores are, where that is known. Otherwise scores that cannot be
            probabilities are taken for logits.

    Returns:
        float32[N,C]; infinite logits become NaN.
    """
    if kind == "probabilities" or (kind is None and _can_be_probabilities(scores)):
        return scores
    with np.errstate(invalid="ignore"):
        return softmax(scores)


def _can_be_probabilities(scores: NDArray[np.float32]) -> bool:
    # Probabilities of 8 bits are within 0..1 and need not sum up to 1; those of 32 bits may be
    # slightly above 1 and do sum up to 1.
    within = bool(((scores >= 0) & (scores <= 1)).all())
    with np.errstate(invalid="ignore"):
        return within or bool(np.abs(scores.sum(axis=1) - 1).max(initial=0.0) <= _SUM_TOLERANCE)

"""Intervals, bounds and ratios computed from samples of durations."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# How often a bound by early stopping may be too low: MLPerf's c = 0.99.
_RISK: Final = 0.01
_CONFIDENCE: Final = 0.95
# Student's t: points of the integral, and the degrees of freedom from which on it is the normal
# distribution for our purposes.
_POINTS: Final = 4_001
_NORMAL_FROM: Final = 10_000.0


@dataclass(frozen=True)
class Ratio:
    """A ratio of two durations with its interval.

    Args:
        ratio: The geometric mean of the ratios; it is above 1 where the second takes longer.
        low: Lower end of its interval; 0 where there were too few values for one.
        high: Upper end of its interval; infinite where there were too few values for one.
    """

    ratio: float
    low: float
    high: float


def percentile(ordered: NDArray[Any], share: float) -> float:
    """Return the nearest-rank percentile: the smallest sample that `share` of all do not exceed.

    Args:
        ordered: [count] numbers, ascending, at least one.
        share: Above 0, at most 1.
    """
    # Rounded first: 0.07 x 100 is 7.000000000000001 for a computer, and must not become 8.
    rank = math.ceil(round(share * len(ordered), 9))
    return float(ordered[max(rank, 1) - 1])


def early_stopping_percentile(ordered: NDArray[Any], share: float) -> float | None:
    """Return a bound that `share` of all calls stay below; it holds in 99 of 100 measurements.

    The early-stopping criterion of MLPerf Inference (LoadGen's `early_stopping.cc` with d = 0 and
    c = 0.99). For q samples, let t be the largest number with P[Bin(q, 1 - share) <= t] <= 0.01;
    the t - 1 slowest are discarded, and the slowest of the rest is the bound. The samples are
    assumed to be independent of each other.

    Args:
        ordered: [count] numbers, ascending.
        share: Above 0, below 1.

    Returns:
        None below `samples_needed(share)`.
    """
    allowed = _allowed(len(ordered), 1 - share)
    return float(ordered[-allowed]) if allowed >= 1 else None


def _allowed(trials: int, chance: float) -> int:
    """Return the largest t with P[Bin(trials, chance) <= t] <= 1 %, or -1 where none is."""
    mean = trials * chance
    # The probability beyond this range is smaller than the rounding error within it.
    reach = 12 * math.sqrt(mean * (1 - chance)) + 40
    low, high = max(0, math.floor(mean - reach)), min(trials, math.ceil(mean + reach))
    counts = np.arange(low + 1, high + 1, dtype=np.float64)
    # Each probability follows from the one before; logarithms avoid overflow and factorials.
    steps = np.log((trials - counts + 1) / counts) + math.log(chance / (1 - chance))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    shares = np.cumsum(np.exp(logs - logs.max()))
    return low + int(np.searchsorted(shares / shares[-1], _RISK, side="right")) - 1


def samples_needed(share: float) -> int:
    """Return the fewest samples for which `early_stopping_percentile` gives a bound: 64 for p90.

    Args:
        share: Above 0, below 1.
    """

    def suffice(count: int) -> bool:
        at_most_one = share**count + count * (1 - share) * share ** (count - 1)
        return at_most_one <= _RISK

    enough = 1 + math.ceil(10 / (1 - share))  # 11 / e^10 is below the risk
    return bisect_left(range(enough), x=True, lo=1, key=suffice)


def mean_interval(
    values: Sequence[float], confidence: float = _CONFIDENCE
) -> tuple[float, float] | None:
    """Return an interval for the mean of the distribution that the values were drawn from.

    The interval is Student's t, which is exact for normal values however few they are. The
    bootstrap is not:
    simulated for five normal values, its 95 % interval holds the mean in 84 % of cases by plain
    percentiles and in 92 % with Hesterberg's expanded ones (2015, doi
    10.1080/00031305.2015.1089789), for three in 75 % by both; t does in 95 %. For lognormal values
    with a spread of 50 % it does in 92 % (`benchmarks/interval_coverage.py`).

    Args:
        values: At least two for an interval.
        confidence: How often such intervals hold the mean, 0..1.

    Returns:
        Low and high; None for fewer than two values.
    """
    if len(values) < 2:  # noqa: PLR2004 - a single value has no spread
        return None
    mean = fmean(values)
    half = _student(len(values) - 1, confidence) * math.sqrt(variance(values) / len(values))
    return mean - half, mean + half


def _student(freedom: float, confidence: float) -> float:
    """Return the quantile of Student's t for any degrees of freedom from 1 on.

    With t = sqrt(freedom) tan(a), the density of Student's t is that of cos(a) ** (freedom - 1).
    """
    freedom = min(freedom, _NORMAL_FROM)
    angles = np.linspace(0.0, math.pi / 2, _POINTS)
    heights = np.cos(angles) ** (freedom - 1)
    areas = np.concatenate([[0.0], np.cumsum(heights[1:] + heights[:-1])])
    angle = float(np.interp(confidence, areas / areas[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def paired_ratio(
    before: Sequence[float], after: Sequence[float], confidence: float = _CONFIDENCE
) -> Ratio:
    """Return how many times as long `after` takes, from pairs measured at the same time.

    The ratio is the geometric mean of after[i] / before[i]; the interval is that of the mean
    logarithm.

    Args:
        before: [pairs] durations above 0.
        after: [pairs] durations above 0, in the same unit.
        confidence: Of the interval, 0..1.

    Raises:
        ValueError: There is no pair, a value without a partner, or a duration of 0 or less.
    """
    return _mean_ratio(_logarithms(before, after), confidence)


def _logarithms(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Return the logarithms of the ratios, without a quotient that could be 0 or infinite."""
    logs = [math.log(late) - math.log(early) for early, late in zip(before, after, strict=True)]
    if not logs:
        raise ValueError("there are no pairs")
    return logs


def _mean_ratio(logs: Sequence[float], confidence: float) -> Ratio:
    low, high = mean_interval(logs, confidence) or (-math.inf, math.inf)
    return Ratio(_power(fmean(logs)), _power(low), _power(high))


def _power(logarithm: float) -> float:
    """Return exp(logarithm), which is infinite where no float is as large."""
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf


def turnwise_ratio(
    before: Sequence[Sequence[float]],
    after: Sequence[Sequence[float]],
    confidence: float = _CONFIDENCE,
) -> Ratio:
    """Return how many times as long `after` takes, from processes whose turns alternated.

    Each process counts with the geometric mean of its turns' ratios. On a machine that changes
    between two speeds, the median of a process may jump from one to the other; the mean of the
    ratios of adjacent turns hardly changes.

    Args:
        before: [processes][turns] durations above 0.
        after: [processes][turns] durations of the adjacent turns, in the same unit.
        confidence: Of the interval, 0..1.

    Raises:
        ValueError: There is no turn, one without a partner, or a duration of 0 or less.
    """
    each = [fmean(_logarithms(*turns)) for turns in zip(before, after, strict=True)]
    if not each:
        raise ValueError("there are no processes")
    return _mean_ratio(each, confidence)


def unpaired_ratio(
    before: Sequence[float], after: Sequence[float], confidence: float = _CONFIDENCE
) -> Ratio:
    """Return how many times as long `after` takes, from two runs at different times.

    The ratio is that of the geometric means; the interval is Welch's, of the difference of the mean
    logarithms (1947, doi 10.1093/biomet/34.1-2.28).

    Args:
        before: [m] durations above 0.
        after: [n] durations above 0, in the same unit.
        confidence: Of the interval, 0..1.

    Raises:
        ValueError: One of the two is empty, or holds a duration of 0 or less.
    """
    sides = [[math.log(value) for value in side] for side in (before, after)]
    difference = fmean(sides[1]) - fmean(sides[0])
    half = _welch(sides, confidence)
    return Ratio(_power(difference), _power(difference - half), _power(difference + half))


def _welch(sides: Sequence[Sequence[float]], confidence: float) -> float:
    """Return half the width of Welch's interval for the difference of two means."""
    if min(map(len, sides)) < 2:  # noqa: PLR2004 - a single value has no spread
        return math.inf
    errors = [variance(side) / len(side) for side in sides]
    error = sum(errors)
    if error == 0:
        return 0.0
    # Shares are squared and not the errors themselves, which may be too small for a float.
    shares = [
        (part / error) ** 2 / (len(side) - 1) for part, side in zip(errors, sides, strict=True)
    ]
    return _student(1 / sum(shares), confidence) * math.sqrt(error)

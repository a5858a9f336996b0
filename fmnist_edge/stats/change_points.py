"""Where the speed of a machine changed: change points of a series of times."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Levels that differ by less than this do not matter in practice, however certain they are.
PRACTICAL: Final = 0.05
# Beyond so many standard deviations a value counts as an outlier and adds no more to the loss.
_OUTLIER: Final = 3.0
# A lasting level has more values than this, and than this part of the root of their number.
_FEWEST: Final = 3
_PART_OF_ROOT: Final = 0.5
# Noise below this share is taken for this much: it decides nothing about levels 5 % apart.
_LEAST_NOISE: Final = 0.01
# Levels that are tried: the values themselves, or so many quantiles of them.
_CANDIDATES: Final = 512
# The median absolute deviation of a normal distribution, in standard deviations.
_MAD: Final = 0.6745
# Autocorrelation is told from so many values at least, and up to this much.
_VALUES_TO_TELL: Final = 20
_MOST_CORRELATION: Final = 0.9
# The standard deviation of a median of normal values over that of their mean: sqrt(pi / 2).
_MEDIAN: Final = 1.2533
_NORMAL_95: Final = 1.96

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How the values of one level scatter about it.

    Args:
        deviation: Standard deviation of the logarithms.
        correlation: Of a value with the next one, 0..1.
    """

    deviation: float
    correlation: float

    @property
    def inflation(self) -> float:
        """How many times as large the variance of a mean is as it were without correlation."""
        return (1 + self.correlation) / (1 - self.correlation)


@dataclass(frozen=True)
class Segment:
    """Values at one level.

    Args:
        start: Index of the first of them.
        stop: Index after the last.
    """

    start: int
    stop: int


@dataclass(frozen=True)
class Median:
    """A median of values that are correlated with their neighbours.

    Args:
        value: The median.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        half_log: Half the width of the interval, as a difference of logarithms.
    """

    value: float
    low: float
    high: float
    half_log: float


def find_levels(times: Values) -> tuple[Segment, ...]:
    """Return the stretches of a series between the points where its level changed.

    The levels of the logarithms minimise the sum over all values of min(z^2, 9), plus a penalty per
    change, with z the distance to the level in standard deviations. That is the biweight loss of
    Fearnhead and Rigaill (2019, doi 10.1080/01621459.2017.1385466), "Changepoint detection in the
    presence of outliers": a value far out counts no more than one at three standard deviations, so
    that a short burst is cheaper to leave where it is than two changes. The minimum over all
    segmentations is exact for levels among the values (or 512 quantiles of them), by the recursion
    of functional pruning (Maidstone et al. 2017, doi 10.1007/s11222-016-9636-3).

    The penalty is what so many outliers cost as a lasting level has values at least: four, or more
    than half of the root of the number of values, at an end of the series, and twice as many within
    it. Noise that is correlated from value to value is weaker evidence: the variance is inflated by
    it (`noise_of`). Of fewer than about forty values, no correlation can be told.

    Neighbours that differ by less than 5 % are joined, the most similar first.

    Args:
        times: float64[count] above 0, in the order of time, at least one.
    """
    logs = np.log(times)
    segments = _best_segments(logs, noise_of(logs))
    return _joined(logs, segments)


def noise_of(logs: Values) -> Noise:
    """Return how the values scatter, whatever changes of level there are.

    Noise is taken for a first-order autoregressive process whose correlation and scale follow from
    the differences of neighbours and of next but one neighbours, which few changes of level do not
    move (Chakar et al. 2017, doi 10.3150/15-BEJ782). They take medians of the differences; here it
    is the root of the mean of their squares, each limited to three standard deviations, because it
    is surer for as few values as a load of a minute has.

    Args:
        logs: float64[count] logarithms of times, in order.
    """
    if len(logs) < _FEWEST:
        return Noise(_LEAST_NOISE, 0.0)
    near, far = (_spread(logs[lag:] - logs[:-lag]) for lag in (1, 2))
    most = min(_MOST_CORRELATION, max(0.0, 1 - _VALUES_TO_TELL / len(logs)))
    correlation = min(most, max(0.0, (far / near) ** 2 - 1)) if near else 0.0
    deviation = near / sqrt(2 * (1 - correlation))
    return Noise(max(_LEAST_NOISE, deviation), correlation)


def _spread(differences: Values) -> float:
    """Return the root of the mean square, each limited to three standard deviations."""
    sizes = np.abs(differences)
    limit = _OUTLIER * float(np.median(sizes)) / _MAD
    return float(np.sqrt(np.mean(np.minimum(sizes, limit) ** 2)))


def median_of(times: Values, noise: Noise) -> Median:
    """Return the median of a stretch at one level, with its 95 % interval.

    The interval is that of a median of normal logarithms, widened by their correlation.

    Args:
        times: float64[count] above 0, at least one.
        noise: Of the whole series.
    """
    value = float(np.median(times))
    half = _NORMAL_95 * _MEDIAN * noise.deviation * sqrt(noise.inflation / len(times))
    return Median(value, value * exp(-half), value * exp(half), half)


def noise_about(times: Values, segments: tuple[Segment, ...]) -> Noise:
    """Return how the values scatter about their levels; slow wandering counts, too.

    Args:
        times: float64[count] above 0.
        segments: The levels, as `find_levels` returns them.
    """
    logs = np.log(times)
    rest = np.concatenate([logs[each.start : each.stop] - _level(logs, each) for each in segments])
    near = noise_of(logs)
    return Noise(max(near.deviation, float(np.median(np.abs(rest))) / _MAD), near.correlation)


def _best_segments(logs: Values, noise: Noise) -> list[Segment]:
    count = len(logs)
    shares = np.linspace(0, 1, min(count, _CANDIDATES))
    levels = np.unique(np.quantile(logs, shares, method="nearest"))
    most = _OUTLIER**2
    # What the shortest level that lasts would cost as a row of outliers.
    penalty = max(_FEWEST, _PART_OF_ROOT * sqrt(count)) * _OUTLIER**2
    scale = noise.deviation**2 * noise.inflation
    costs = np.zeros(len(levels))
    came_from = np.empty((count, len(levels)), np.int32)
    keep = np.arange(len(levels))
    for index, value in enumerate(logs):
        best = int(np.argmin(costs))
        changed = costs[best] + penalty < costs if index else np.zeros(len(levels), bool)
        came_from[index] = np.where(changed, best, keep)
        costs = np.where(changed, costs[best] + penalty, costs)
        costs = costs + np.minimum((value - levels) ** 2 / scale, most)
    return _traced(came_from, int(np.argmin(costs)))


def _traced(came_from: NDArray[np.int32], last: int) -> list[Segment]:
    """Return the segments of the best path that ends at the level `last`."""
    segments, stop, level = [], len(came_from), last
    for index in range(len(came_from) - 1, -1, -1):
        before = int(came_from[index, level])
        if before != level or index == 0:
            segments.append(Segment(index, stop))
            stop, level = index, before
    return segments[::-1]


def _joined(logs: Values, segments: list[Segment]) -> tuple[Segment, ...]:
    """Return the segments with those joined whose levels hardly differ."""
    while len(segments) > 1:
        levels = [_level(logs, each) for each in segments]
        steps = np.abs(np.diff(levels))
        place = int(np.argmin(steps))
        if steps[place] >= np.log1p(PRACTICAL):
            break
        both = Segment(segments[place].start, segments[place + 1].stop)
        segments = [*segments[:place], both, *segments[place + 2 :]]
    return tuple(segments)


def _level(logs: Values, of: Segment) -> float:
    return float(np.median(logs[of.start : of.stop]))

"""How often does a 95 % interval contain the true mean, when there are few values?

    python -m benchmarks.interval_coverage RESULT.json

It compares Student's t, which every interval here is made with, with the bootstrap, on values that
are drawn from distributions whose mean is known. The same numbers come out each time: every row has
a generator with a seed of its own. It takes half a minute.
"""

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import NormalDist, stdev
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.files import write_atomically
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.records import Record, encode_json
from fmnist_edge.stats.intervals import mean_interval

SIMULATIONS: Final = 10_000
RESAMPLES: Final = 2_000
CONFIDENCE: Final = 0.95
MEAN: Final = 1.0
# Simulations that are held in memory at once.
_PART: Final = 250

Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Numbers]


class Coverage(Record):
    """How often an interval contained the mean, as a share of all simulations, 0..1.

    Args:
        values: The number of values that an interval was made of.
        drawn_from: The name of their distribution.
        bootstrap: The share for percentiles of the means of resamples.
        expanded: The share for percentiles further out, as Hesterberg (2015) proposes.
        student: The share for `intervals.mean_interval`.
    """

    values: int
    drawn_from: str
    bootstrap: float
    expanded: float
    student: float


class Outcome(Record):
    """Everything that is written down."""

    confidence: float
    simulations: int
    resamples: int
    versions: dict[str, str]
    coverage: tuple[Coverage, ...]


def _normal(draw: np.random.Generator, shape: tuple[int, int]) -> Numbers:
    return draw.normal(MEAN, 0.05, shape)


def _lognormal(spread: float) -> Draw:
    """Values above 0 with a long tail; `spread` is their standard deviation over their mean."""
    squared = math.log1p(spread**2)
    return lambda draw, shape: draw.lognormal(-squared / 2, math.sqrt(squared), shape)


_DISTRIBUTIONS: Final[Mapping[str, Draw]] = {
    "normal": _normal,
    "lognormal, spread 5 %": _lognormal(0.05),
    "lognormal, spread 50 %": _lognormal(0.5),
}
CASES: Final = (
    (3, "normal"),
    (5, "normal"),
    (10, "normal"),
    (5, "lognormal, spread 5 %"),
    (5, "lognormal, spread 50 %"),
)


def coverage(values: int, drawn_from: str, simulations: int = SIMULATIONS) -> Coverage:
    """Draw values again and again, and count the intervals that contain the mean.

    Args:
        values: The number of values per interval, at least two.
        drawn_from: A key of the distributions.
        simulations: The number of intervals.
    """
    draw = np.random.default_rng((values, list(_DISTRIBUTIONS).index(drawn_from)))
    taken = _DISTRIBUTIONS[drawn_from](draw, (simulations, values))
    parts = range(0, simulations, _PART)
    means = np.concatenate([_resampled(draw, taken[start : start + _PART]) for start in parts])
    return Coverage(
        values,
        drawn_from,
        _held(*_percentiles(means, (1 - CONFIDENCE) / 2)),
        _held(*_percentiles(means, _expanded(values))),
        _held(*np.transpose([mean_interval(each, CONFIDENCE) for each in taken.tolist()])),
    )


def _resampled(draw: np.random.Generator, taken: Numbers) -> Numbers:
    """The means of resamples, [simulations, resamples] and ascending."""
    chosen = draw.integers(0, taken.shape[1], (*taken.shape, RESAMPLES))
    means: Numbers = np.take_along_axis(taken[:, :, np.newaxis], chosen, axis=1).mean(axis=1)
    return np.sort(means, axis=1)


def _expanded(values: int) -> float:
    """The share to cut off at each side, so that the interval of normal values is as wide as t's.

    Hesterberg (2015, doi 10.1080/00031305.2015.1089789): the normal distribution's share beyond
    sqrt(n / (n - 1)) times Student's quantile.
    """
    sample = [float(each) for each in range(values)]
    low, high = mean_interval(sample, CONFIDENCE) or (0.0, 0.0)
    student = (high - low) / 2 / (stdev(sample) / math.sqrt(values))
    return NormalDist().cdf(-math.sqrt(values / (values - 1)) * student)


def _percentiles(means: Numbers, share: float) -> tuple[Numbers, Numbers]:
    """Return the ends that remain when the same number of means is cut off at both sides."""
    cut = math.floor(share * means.shape[1])
    return means[:, cut], means[:, -1 - cut]


def _held(low: Numbers, high: Numbers) -> float:
    return float(np.mean((low <= MEAN) & (high >= MEAN)))


def main() -> None:
    outcome = Outcome(
        CONFIDENCE,
        SIMULATIONS,
        RESAMPLES,
        made_with(("numpy",)),
        tuple(coverage(*case) for case in CASES),
    )
    write_atomically(Path(sys.argv[1]), encode_json(outcome).encode())
    for each in outcome.coverage:
        told = f"{each.bootstrap:.1%}, {each.expanded:.1%}, {each.student:.1%}"
        print(f"{each.values:2} values, {each.drawn_from}: {told}")


if __name__ == "__main__":
    main()

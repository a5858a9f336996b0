"""How many times as long one row takes as another, and whether that is more than chance."""

import math
from dataclasses import dataclass
from typing import Final

from fmnist_edge import result
from fmnist_edge.report.numbers import MISSING, significant
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Interval, Row, Run
from fmnist_edge.stats.intervals import Ratio

# A difference below this share does not matter in practice, however certain it is.
PRACTICAL: Final = 0.03
# Ratios up to here are told to the hundredth.
_TWO_DECIMALS: Final = 10


@dataclass(frozen=True)
class Times:
    """A ratio of two times.

    Args:
        ratio: The second over the first: above 1 where the second takes longer.
        interval: That holds the true ratio; None where there were too few processes to tell.
    """

    ratio: float
    interval: Interval | None

    @property
    def is_tie(self) -> bool:
        """Whether the difference is chance or too small to matter; False without an interval."""
        if self.interval is None:
            return False
        chance = self.interval.low <= 1 <= self.interval.high
        return chance or abs(self.ratio - 1) < PRACTICAL

    @property
    def words(self) -> str:
        """The answer: "1.12x slower", "1.30x faster", "no detectable difference"."""
        if self.is_tie:
            return "no detectable difference"
        size = max(self.ratio, 1 / self.ratio if self.ratio else math.inf)
        written = f"{size:.2f}"
        if self.interval is None and written == "1.00":
            return "about the same"
        about = "" if self.interval else "about "
        return f"{about}{written}x {'slower' if self.ratio > 1 else 'faster'}"


def times(ratio: Ratio) -> Times:
    """Return an estimate with its interval, where that is finite."""
    known = ratio.low > 0 and math.isfinite(ratio.high)
    return Times(ratio.ratio, Interval(ratio.low, ratio.high) if known else None)


def fastest(run: Run, batch: int) -> Row | None:
    """Return the row with the shortest p50 of its batch size whose rank is not INVALID."""
    return result.fastest(ordered(run), batch)


def times_fastest(row: Row, best: Row | None) -> str:
    """Return a cell: how many times as long as the fastest row, or "tie"."""
    if row is best:
        return "1"
    found = between(best, row) if best else None
    if found is None:
        return MISSING
    if found.is_tie:
        return "tie"
    digits = significant(found.ratio) if found.ratio >= _TWO_DECIMALS else f"{found.ratio:.2f}"
    return f"{'' if found.interval else '~'}{digits}"


def between(before: Row, after: Row) -> Times | None:
    """Return the ratio of two rows of one run, whose processes took turns in pairs.

    None where one has no times.
    """
    found = result.pair_ratio(before, after)
    return times(found) if found else None

"""How many times as long one row takes as another, and whether that is more than chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.report.numbers import MISSING, significant
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Interval, Row, Run
from fmnist_edge.stats.intervals import Ratio, paired_ratio, turnwise_ratio

# A difference below this share does not matter in practice, however certain it is.
PRACTICAL: Final = 0.03
# Ratios up to here are told to the hundredth.
_TWO_DECIMALS: Final = 10
# A single process has no spread.
_FEWEST: Final = 2


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
    worthy = [
        row
        for row in ordered(run)
        if _p50(row) > 0
        and row.case.batch == batch
        and not row.case.subject.is_baseline
        and row.verdict("ratio") != "INVALID"
    ]
    return min(worthy, key=_p50, default=None)


def _p50(row: Row) -> float:
    """Return nanoseconds; 0 for a row without."""
    return 0.0 if row.failure or row.back_to_back is None else row.back_to_back.p50_ns


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
    if _p50(before) <= 0 or _p50(after) <= 0 or not before.back_to_back or not after.back_to_back:
        return None
    turns = before.back_to_back.turn_p50_ns, after.back_to_back.turn_p50_ns
    if _same_turns(*turns):
        return times(turnwise_ratio(*turns))
    medians = before.back_to_back.process_p50_ns, after.back_to_back.process_p50_ns
    if len(medians[0]) == len(medians[1]) and can_tell(*medians):
        return times(paired_ratio(*medians))
    return Times(_p50(after) / _p50(before), None)


def _same_turns(*turns: Sequence[Sequence[float]]) -> bool:
    """Return whether both have the same turns, in processes enough for an interval."""
    before, after = ([len(each) for each in process] for process in turns)
    positive = all(time > 0 for side in turns for process in side for time in process)
    return before == after and len(before) >= _FEWEST and min(before) > 0 and positive


def can_tell(*medians: Sequence[float]) -> bool:
    """Return whether there are processes enough for an interval, and all times are above 0."""
    return all(len(each) >= _FEWEST and min(each) > 0 for each in medians)

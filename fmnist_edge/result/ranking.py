"""How the rows of one run rank: the fastest one, and the ratio of two rows turn by turn."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from fmnist_edge.result.run import Row
from fmnist_edge.stats.intervals import Ratio, paired_ratio, turnwise_ratio

# A single process has no spread.
_FEWEST: Final = 2


def fastest(rows: Iterable[Row], batch: int) -> Row | None:
    """Return the row with the shortest p50 of its batch size whose rank is not INVALID.

    Args:
        rows: Rows of one run; those of the baseline do not count.
        batch: Images per call.
    """
    worthy = [
        row
        for row in rows
        if p50_ns(row) > 0
        and row.case.batch == batch
        and not row.case.subject.is_baseline
        and row.verdict("ratio") != "INVALID"
    ]
    return min(worthy, key=p50_ns, default=None)


def p50_ns(row: Row) -> float:
    """Return the back-to-back median; 0 for a row without."""
    return 0.0 if row.failure or row.back_to_back is None else row.back_to_back.p50_ns


def pair_ratio(before: Row, after: Row) -> Ratio | None:
    """Return how many times as long `after` takes, from rows whose processes took turns in pairs.

    Returns:
        None where one has no times. Without processes enough for an interval, its ends are 0 and
        infinity.
    """
    if not before.back_to_back or not after.back_to_back or not p50_ns(before) or not p50_ns(after):
        return None
    if paired_turns(before, after):
        return turnwise_ratio(before.back_to_back.turn_p50_ns, after.back_to_back.turn_p50_ns)
    medians = before.back_to_back.process_p50_ns, after.back_to_back.process_p50_ns
    if len(medians[0]) == len(medians[1]) and can_tell(*medians):
        return paired_ratio(*medians)
    return Ratio(p50_ns(after) / p50_ns(before), 0.0, math.inf)


def paired_turns(before: Row, after: Row) -> tuple[tuple[float, ...], ...]:
    """Return the logarithm of the ratio of each turn, per process.

    Returns:
        Nothing where the rows did not take the same turns, or in fewer processes than an interval
        needs.
    """
    if before.back_to_back is None or after.back_to_back is None:
        return ()
    early, late = before.back_to_back.turn_p50_ns, after.back_to_back.turn_p50_ns
    same = list(map(len, early)) == list(map(len, late))
    if not same or not can_tell(*early, *late, fewest=1) or len(early) < _FEWEST:
        return ()
    return tuple(
        tuple(math.log(slow / fast) for fast, slow in zip(*turns, strict=True))
        for turns in zip(early, late, strict=True)
    )


def can_tell(*times: Sequence[float], fewest: int = _FEWEST) -> bool:
    """Return whether each sequence has that many times, all of them above 0."""
    return all(len(each) >= fewest and min(each) > 0 for each in times)

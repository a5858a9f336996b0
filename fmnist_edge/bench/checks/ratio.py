"""Checks of a row's rank: whether its ratio to the fastest row of the run may be believed.

Rows take turns, so that a machine that changes its speed changes both and not their ratio. What
spoils the ratio is what the two rows do not share.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean
from typing import Final

from fmnist_edge.bench.checks.finding import Finding
from fmnist_edge.result import Reason, Row, pair_ratio, paired_turns
from fmnist_edge.stats.intervals import mean_interval

# The limits are proposals of this project; there are no published rules.
_DRIFTING: Final = 1.10
_UNDECIDED: Final = 1.10
_CONFIDENCE: Final = 0.99
_PARTS: Final = 3


def rank_checks(row: Row, best: Row) -> Iterator[Finding]:
    """Yield why the ratio of a row to the fastest one may not be believed.

    Args:
        row: A measured row, and not the fastest one itself.
        best: The fastest row of the same batch size.
    """
    yield from _ratio_drifts(row, best)
    yield from _ratio_undecided(row, best)


def _ratio_drifts(row: Row, best: Row) -> Iterator[Finding]:
    """Compare the ratio in the thirds of the turns, over the processes."""
    turns = paired_turns(best, row)
    if not turns or min(map(len, turns)) < _PARTS:
        return
    thirds = [_thirds(process) for process in turns]
    for early, late in ((0, 1), (1, 2), (0, 2)):
        changes = [each[late] - each[early] for each in thirds]
        low, high = mean_interval(changes, _CONFIDENCE) or (0.0, 0.0)
        change = math.exp(abs(fmean(changes)))
        if not low <= 0 <= high and change > _DRIFTING:
            values = {
                "processes": len(turns),
                "change_share": change - 1,
                "limit_share": _DRIFTING - 1,
            }
            yield Reason("ratio-drifts", "SUSPECT", ("ratio",), values)
            return


def _thirds(logs: tuple[float, ...]) -> list[float]:
    """Return the mean of each third of the turns."""
    cuts = [round(part * len(logs) / _PARTS) for part in range(_PARTS + 1)]
    return [fmean(logs[start:stop]) for start, stop in pairwise(cuts)]


def _ratio_undecided(row: Row, best: Row) -> Iterator[Finding]:
    """Find an interval that holds both a tie and a difference that matters."""
    found = pair_ratio(best, row)
    # A single process has no interval, and `too-few-processes` says so.
    if found is None or not math.isfinite(found.high):
        return
    if found.low <= 1 <= found.high and found.high > _UNDECIDED:
        values = {
            "low_ratio": found.low,
            "high_ratio": found.high,
            "limit_ratio": _UNDECIDED,
        }
        yield Reason("ratio-undecided", "SUSPECT", ("ratio",), values)

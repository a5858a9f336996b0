"""Which file of a run to ship: the fastest of those that lose no accuracy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.ratios import Times, between
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Accuracy, Row, Run


@dataclass(frozen=True)
class Choice:
    """The row to ship, and those beside it.

    Args:
        best: The fastest row that loses no accuracy.
        ties: Rows that lose none either and are as fast, by the interval of the ratio.
        runner_up: The fastest of the others; None where there is none.
        behind: How many times as long the runner-up takes.
        front: The rows that no other row beats in both speed and accuracy, the fastest first.
    """

    best: Row
    ties: tuple[Row, ...]
    runner_up: Row | None
    behind: Times | None
    front: tuple[Row, ...]


def choose(run: Run) -> Choice | None:
    """Return what to ship; None where no row can be recommended.

    A row can be recommended whose time and accuracy are not INVALID, and whose model does not give
    the same class to every image. It loses no accuracy if no other model of the run is more
    accurate by more than chance: McNemar's test where both were compared image by image, else the
    test of two proportions. Rows without an accuracy are compared by time alone, if no row has one.
    """
    worthy = sorted((row for row in ordered(run) if _is_worthy(row)), key=_p50)
    if any(row.accuracy for row in worthy):
        worthy = [row for row in worthy if row.accuracy and not _is_constant(row.accuracy)]
    sound = [row for row in worthy if not _loses(row, worthy)]
    if not sound:
        return None
    best, *others = sound
    found = [(row, between(best, row)) for row in others]
    ties = tuple(row for row, times in found if times is not None and times.is_tie)
    slower = [(row, times) for row, times in found if row not in ties]
    runner_up, behind = slower[0] if slower else (None, None)
    return Choice(best, ties, runner_up, behind, _front(worthy))


def _is_worthy(row: Row) -> bool:
    return (
        row.failure is None
        and not row.case.subject.is_baseline
        and _p50(row) > 0
        and row.verdict("ratio", "accuracy") != "INVALID"
    )


def _p50(row: Row) -> float:
    return row.back_to_back.p50_ns / row.case.batch if row.back_to_back else 0.0


def _is_constant(accuracy: Accuracy) -> bool:
    """Return whether the model gives every image the same class."""
    given = [any(column) for column in zip(*accuracy.confusion, strict=True)]
    return accuracy.images > 1 and sum(given) == 1


def _loses(row: Row, rows: Sequence[Row]) -> bool:
    """Return whether another model is more accurate by more than chance."""
    own = row.accuracy
    if own is None:
        return False
    known = own.against
    # Compared image by image, which finds smaller differences than the totals can show.
    if known is not None and known.lost > known.gained and known.p_value < SIGNIFICANT:
        return True
    return any(_is_better(other.accuracy, own) for other in rows if other.accuracy is not None)


def _is_better(other: Accuracy, own: Accuracy) -> bool:
    """Return whether the larger of two shares is larger by more than chance (pooled z test)."""
    images = other.images + own.images
    pooled = (other.correct + own.correct) / images
    error = math.sqrt(pooled * (1 - pooled) * (1 / other.images + 1 / own.images))
    return other.top1 - own.top1 > _Z * error


_Z: Final = NormalDist().inv_cdf(1 - SIGNIFICANT / 2)


def _front(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows that are more accurate than every faster one."""
    front: list[Row] = []
    for row in rows:
        if row.accuracy is None:
            continue
        if all(each.accuracy and each.accuracy.top1 < row.accuracy.top1 for each in front):
            front.append(row)
    return tuple(front)

"""Which file of a run to ship: the fastest of those that lose no accuracy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.ratios import Times, between
from fmnist_edge.report.rows import given_labels, ordered
from fmnist_edge.result import Accuracy, AgainstReference, Reason, Row, Run, p50_ns
from fmnist_edge.stats.classification import mcnemar_p_value


@dataclass(frozen=True)
class Choice:
    """The row to ship, and those beside it.

    Args:
        best: The fastest row that loses no accuracy.
        ties: Rows that lose none either and are as fast, by the interval of the ratio.
        runner_up: The fastest of the others that lose no accuracy; None where there is none.
        behind: How many times as long the runner-up takes.
        front: `best` and what is faster than it at a lower accuracy, the fastest first: each is the
            fastest that loses no accuracy against what is as fast. Empty without accuracies.
    """

    best: Row
    ties: tuple[Row, ...]
    runner_up: Row | None
    behind: Times | None
    front: tuple[Row, ...]


@dataclass(frozen=True)
class NoChoice:
    """Why no row can be recommended.

    Args:
        because: "failed": no row has times. "invalid": the rank or the accuracy is INVALID of each
            row that loses no accuracy. "no-skill": no model is more accurate than the same answer
            for all images.
        reason: The first reason why a rank or an accuracy is INVALID.
    """

    because: Literal["failed", "invalid", "no-skill"]
    reason: Reason | None = None


def choose(run: Run) -> Choice | NoChoice:
    """Return what to ship, or why nothing can be recommended.

    A row can be recommended whose rank and accuracy are not INVALID, and whose model is more
    accurate than the same answer for all images, by its 95 % interval. It loses no accuracy if no
    row of the run is more accurate by more than chance (`difference`). Rows without an accuracy are
    compared by time alone, if no row has one. Only rows of the smallest batch size are compared.
    """
    timed = _timed(run)
    believed = [row for row in timed if row.verdict("ratio", "accuracy") != "INVALID"]
    skilled = believed
    if any(row.accuracy for row in believed):
        skilled = [row for row in believed if row.accuracy and _has_skill(row.accuracy)]
    sound = _lossless(skilled, rivals(run))
    if not sound:
        return _none(timed, believed, skilled)
    best, *others = sound
    found = [(row, between(best, row)) for row in others]
    ties = tuple(row for row, times in found if times is not None and times.is_tie)
    slower = [(row, times) for row, times in found if times is None or not times.is_tie]
    runner_up, behind = slower[0] if slower else (None, None)
    return Choice(best, ties, runner_up, behind, _front(best, skilled))


def _timed(run: Run) -> Sequence[Row]:
    """Return the rows of the user's files that have times, the fastest first."""
    timed = [
        row
        for row in ordered(run)
        if row.failure is None and not row.case.subject.is_baseline and p50_ns(row) > 0
    ]
    batch = min((row.case.batch for row in timed), default=1)
    return sorted((row for row in timed if row.case.batch == batch), key=p50_ns)


def _none(timed: Sequence[Row], believed: Sequence[Row], skilled: Sequence[Row]) -> NoChoice:
    if not timed:
        return NoChoice("failed")
    if believed and not skilled:
        return NoChoice("no-skill")
    reasons = (each for row in timed for each in row.reasons if each.level == "INVALID")
    return NoChoice(
        "invalid",
        next((each for each in reasons if {"ratio", "accuracy"} & set(each.figures)), None),
    )


def _has_skill(accuracy: Accuracy) -> bool:
    """Return whether the accuracy is above that of the same answer for all images.

    The largest share of a class is known as the no-information rate.
    """
    largest = max((sum(row) for row in accuracy.confusion), default=0)
    given = [any(column) for column in zip(*accuracy.confusion, strict=True)]
    constant = accuracy.images > 1 and sum(given) == 1
    return not constant and (largest == 0 or accuracy.interval.low > largest / accuracy.images)


def rivals(run: Run) -> Sequence[Row]:
    """Return the rows whose accuracy may be believed, the most accurate first."""
    known = [
        row
        for row in run.rows
        if row.failure is None and row.accuracy and row.verdict("accuracy") != "INVALID"
    ]
    return sorted(known, key=_correct, reverse=True)


def _correct(row: Row) -> float:
    return row.accuracy.top1 if row.accuracy else 0.0


def _lossless(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not loses(row, others)]


def loses(row: Row, others: Sequence[Row]) -> bool:
    """Return whether one of the others is more accurate by more than chance.

    Args:
        row: False for a row without an accuracy.
        others: The most accurate first.
    """
    return any(
        difference(row, other) < SIGNIFICANT for other in others if _correct(other) > _correct(row)
    )


def difference(one: Row, other: Row) -> float:
    """Return the p value of the difference between two accuracies; 1 where one is not known.

    It is McNemar's where both were compared image by image, and else that of the test of two
    proportions. Of files that were not compared with each other, the result has the answers and
    not the labels: two wrong answers that differ count for neither side, and cannot be told from
    one right and one wrong answer. All differing answers are taken for the latter, which makes the
    p value larger than McNemar's.
    """
    if one.accuracy is None or other.accuracy is None:
        return 1.0
    for own, reference in ((one, other), (other, one)):
        known = own.accuracy.against if own.accuracy else None
        if known is not None and _is_reference(known, own, reference):
            return known.p_value
    answers = given_labels(one), given_labels(other)
    if not answers[0] or len(answers[0]) != len(answers[1]):
        return _two_proportions(one.accuracy, other.accuracy)
    differing = sum(left != right for left, right in zip(*answers, strict=True))
    more = abs(one.accuracy.correct - other.accuracy.correct)
    undecided = max(0, differing - more) // 2
    return mcnemar_p_value(undecided, undecided + more)


def _is_reference(known: AgainstReference, own: Row, other: Row) -> bool:
    """Return whether the other row can be the one that was compared with.

    Of the same file on the same runtime, there may be rows on other devices, with other answers.
    """
    if own.accuracy is None or other.accuracy is None:
        return False
    named = (other.case.subject.name, other.case.runtime) == (known.reference, known.runtime)
    return named and own.accuracy.correct - other.accuracy.correct == known.gained - known.lost


def _two_proportions(one: Accuracy, other: Accuracy) -> float:
    """Return the two-sided p value of the pooled z test."""
    images = one.images + other.images
    pooled = (one.correct + other.correct) / images
    error = math.sqrt(pooled * (1 - pooled) * (1 / one.images + 1 / other.images))
    return 2 * NormalDist().cdf(-abs(one.top1 - other.top1) / error) if error else 1.0


def _front(best: Row, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the best row, and again the best of what is faster, down to the fastest."""
    if best.accuracy is None:
        return ()
    front = [best]
    # What is faster and no less accurate, if only by chance, is no trade to name.
    while faster := [
        row for row in rows if _is_faster(row, front[0]) and _correct(row) < _correct(front[0])
    ]:
        ranked = sorted(faster, key=_correct, reverse=True)
        front.insert(0, _lossless(faster, ranked)[0])
    return tuple(front)


def _is_faster(row: Row, than: Row) -> bool:
    times = between(than, row)
    return p50_ns(row) < p50_ns(than) and not (times is not None and times.is_tie)

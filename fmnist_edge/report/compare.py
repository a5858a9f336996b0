"""Two runs of the same cases: what became slower, what faster, and what is only chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from fmnist_edge.records import replace
from fmnist_edge.report.comparable import (
    Matched,
    match,
    refuse_other_conditions,
    same_machine,
)
from fmnist_edge.report.ratios import Times, can_tell, times
from fmnist_edge.report.rows import row_names
from fmnist_edge.result import Interval, Row, Run
from fmnist_edge.stats.classification import mcnemar_p_value
from fmnist_edge.stats.intervals import unpaired_ratio

__all__ = [
    "REGIMES",
    "AccuracyChange",
    "Change",
    "Comparison",
    "Outcome",
    "RowChange",
    "can_be_judged",
    "compare",
    "slower_than",
]

# By regime: the processes' values in nanoseconds, and the row's own.
REGIMES: Final[Mapping[str, Callable[[Row], tuple[Sequence[float], float] | None]]] = {
    "back to back": lambda row: (
        (row.back_to_back.process_medians, row.back_to_back.p50) if row.back_to_back else None
    ),
    "paced": lambda row: (row.paced.process_medians, row.paced.p50) if row.paced else None,
    "cold": lambda row: (
        ([each.cold.total for each in row.measurements], row.cold.total) if row.cold else None
    ),
}
Outcome = Literal["slower", "faster", "same", "machine", "unknown"]
# Cold starts depend on what the system keeps in memory, so no gate looks at them.
_JUDGED: Final = ("back to back", "paced")


@dataclass(frozen=True)
class Change:
    """One regime of a row, before and after.

    Args:
        regime: A key of `REGIMES`.
        before: Nanoseconds in the old run.
        after: Nanoseconds in the new one.
        ratio: New over old, of the processes' geometric means: above 1 is slower.
        interval: Of the ratio; None where too few processes were measured.
        answer: In words.
        outcome: "slower" or "faster" where that is more than chance and more than the machine
            itself changed; "machine" where it is not; "same" where nothing can be told from chance;
            "unknown" where too few processes were measured.
    """

    regime: str
    before: float
    after: float
    ratio: float
    interval: Interval | None
    answer: str
    outcome: Outcome

    @property
    def real(self) -> bool:
        """Whether it is more than chance, and more than the machine itself changed."""
        return self.outcome in {"slower", "faster"}


@dataclass(frozen=True)
class AccuracyChange:
    """The answers of the same file in both runs.

    Args:
        before: Top-1 accuracy in the old run, 0..1.
        after: In the new one.
        images: How many there were.
        differing: Images that were given another label.
        p_value: Of McNemar's test, at most. The labels tell how many answers differ and the
            accuracies how many more are right now, but not which ones; so the most undecided case
            is taken, in which each differing answer is right in one of the runs.
    """

    before: float
    after: float
    images: int
    differing: int
    p_value: float


@dataclass(frozen=True)
class RowChange:
    """A case that is in both runs.

    Args:
        name: Of the case, in words.
        is_floor: Whether it is a yardstick and no file of the user's.
        changes: One per regime that both have.
        accuracy: None where one of them has none.
        verdicts: In the old and the new run: "VALID", "SUSPECT", "INVALID", "failed".
    """

    name: str
    is_floor: bool
    changes: tuple[Change, ...]
    accuracy: AccuracyChange | None
    verdicts: tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two runs.

    Args:
        same_machine: False makes it a comparison of machines, not before and after.
        rows: What is in both, the floor's last.
        only_old: Names of rows that only the old run has.
        only_new: Names of rows that only the new run has.
        floor: How the NumPy yardstick changed; empty on another machine or without one.
    """

    same_machine: bool
    rows: tuple[RowChange, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    floor: tuple[Change, ...]


def compare(old: Run, new: Run) -> Comparison:
    """Hold the rows of two runs against each other.

    On one machine, the NumPy yardstick, the same in every run, tells how much the machine itself
    changed; a row's change is called real only where its interval lies outside the yardstick's.

    Raises:
        NotComparableError: the protocol or the data differ, or no row is in both.
    """
    refuse_other_conditions(old, new)
    matched = match(old, new)
    same = same_machine(old, new)
    floor = _yardstick(matched) if same else {}
    name, old_name = row_names(new), row_names(old)
    return Comparison(
        same_machine=same,
        rows=tuple(
            _row_change(name(after), before, after, floor) for before, after in matched.pairs
        ),
        only_old=tuple(map(old_name, matched.only_old)),
        only_new=tuple(map(name, matched.only_new)),
        floor=tuple(floor.values()),
    )


def slower_than(comparison: Comparison, share: float) -> tuple[str, ...]:
    """The rows that surely became slower by more than `share` (0.05 for 5 %), with the regime.

    Surely: the whole interval lies above, and the machine itself is not to blame.
    """
    return tuple(
        f"{row.name} ({change.regime}: {change.answer})"
        for row in comparison.rows
        if not row.is_floor
        for change in row.changes
        if change.regime in _JUDGED
        and change.real
        and change.interval is not None
        and change.interval.low > 1 + share
    )


def can_be_judged(comparison: Comparison) -> bool:
    """Whether any row was measured in processes enough for `slower_than` to see something."""
    return any(
        change.interval is not None
        for row in comparison.rows
        if not row.is_floor
        for change in row.changes
        if change.regime in _JUDGED
    )


def _yardstick(matched: Matched) -> dict[str, Change]:
    """By regime: how plain NumPy changed."""
    pairs = [
        (before, after)
        for before, after in matched.pairs
        if after.case.subject.is_floor and after.case.runtime == "numpy"
    ]
    return {change.regime: change for change in chain(*(_changes(*pair, {}) for pair in pairs))}


def _row_change(name: str, before: Row, after: Row, floor: Mapping[str, Change]) -> RowChange:
    own = after.case.subject.is_floor
    return RowChange(
        name=name,
        is_floor=own,
        changes=_changes(before, after, {} if own else floor),
        accuracy=None if own else _accuracy_change(before, after),
        verdicts=(_verdict(before), _verdict(after)),
    )


def _verdict(row: Row) -> str:
    if row.failure:
        return "failed"
    return row.verdict.level if row.verdict else "VALID"


def _changes(before: Row, after: Row, floor: Mapping[str, Change]) -> tuple[Change, ...]:
    if before.failure or after.failure:
        return ()
    found = []
    for regime, of in REGIMES.items():
        early, late = of(before), of(after)
        if early and late and early[1] > 0 and late[1] > 0:
            found.append(_judged(_change(regime, early, late), floor.get(regime)))
    return tuple(found)


def _change(
    regime: str, early: tuple[Sequence[float], float], late: tuple[Sequence[float], float]
) -> Change:
    both = early[0], late[0]
    told = times(unpaired_ratio(*both)) if can_tell(*both) else Times(late[1] / early[1], None)
    return Change(
        regime=regime,
        before=early[1],
        after=late[1],
        ratio=told.ratio,
        interval=told.interval,
        answer=told.words,
        outcome=_outcome(told),
    )


def _outcome(told: Times) -> Outcome:
    if told.interval is None:
        return "unknown"
    if told.is_tie:
        return "same"
    return "slower" if told.ratio > 1 else "faster"


def _judged(change: Change, floor: Change | None) -> Change:
    """The change as it stands once it is known what the machine did."""
    if not change.real or floor is None or floor.interval is None or change.interval is None:
        return change
    if change.interval.low > floor.interval.high or change.interval.high < floor.interval.low:
        return change
    why = "as is the machine itself" if floor.real else "no more than plain NumPy varies"
    return replace(change, answer=f"{change.answer}, {why}", outcome="machine")


def _accuracy_change(before: Row, after: Row) -> AccuracyChange | None:
    if before.failure or after.failure or not before.accuracy or not after.accuracy:
        return None
    early, late = _labels(before), _labels(after)
    if not early or len(early) != len(late):
        return None
    differing = sum(one != other for one, other in zip(early, late, strict=True))
    more = abs(after.accuracy.correct - before.accuracy.correct)
    if more > differing:
        return None  # the labels are not those that the accuracy was counted from
    undecided = (differing - more) // 2
    return AccuracyChange(
        before=before.accuracy.top1,
        after=after.accuracy.top1,
        images=len(early),
        differing=differing,
        p_value=mcnemar_p_value(undecided, undecided + more),
    )


def _labels(row: Row) -> Sequence[str]:
    told = next((each.predictions.labels for each in row.measurements if each.predictions), "")
    return told.split() if " " in told else told

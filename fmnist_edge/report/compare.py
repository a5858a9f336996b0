"""Two runs of the same cases: what became slower, what faster, and what is only chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from fmnist_edge.records import replace
from fmnist_edge.report.changes import (
    AccuracyChange,
    Change,
    Comparison,
    Levels,
    MachineChange,
    RowChange,
    outcome_of,
)
from fmnist_edge.report.comparable import (
    Matched,
    match,
    refuse_other_conditions,
    same_machine,
)
from fmnist_edge.report.ratios import Times, times
from fmnist_edge.report.rows import given_labels, row_names
from fmnist_edge.result import Figure, Interval, Latency, Row, Run, can_tell
from fmnist_edge.stats.classification import mcnemar_p_value
from fmnist_edge.stats.intervals import unpaired_ratio


@dataclass(frozen=True)
class Regime:
    """One of the times that two runs are compared by.

    Args:
        figure: The figure of a row that tells it.
        times: Returns the processes' times and the row's own, all in nanoseconds.
    """

    figure: Figure
    times: Callable[[Row], tuple[Sequence[float], float] | None]


REGIMES: Final[Mapping[str, Regime]] = {
    "back to back": Regime("p50", lambda row: _medians(row.back_to_back)),
    "paced": Regime("paced-p50", lambda row: _medians(row.paced)),
    "cold": Regime(
        "cold",
        lambda row: (
            ([each.cold.total_ns for each in row.measurements], row.cold.total_ns)
            if row.cold
            else None
        ),
    ),
}
# Cold starts depend on what the system keeps in memory, so no gate looks at them.
_JUDGED: Final = ("back to back", "paced")
# The runtime that does nothing tells of the harness, not of the machine.
_NO_WORK: Final = "null"


def compare(old: Run, new: Run) -> Comparison:
    """Compare the rows of two runs.

    On one machine, all that is the same in both runs tells how much the machine itself changed; a
    row's change is called real only where its interval lies outside that of all the others.

    Raises:
        NotComparableError: The protocol or the data differ, or no row is in both.
    """
    refuse_other_conditions(old, new)
    matched = match(old, new)
    same = same_machine(old, new)
    unchanged = _unchanged(matched) if same else {}
    name, old_name = row_names(new), row_names(old)
    return Comparison(
        same_machine=same,
        rows=tuple(
            _row_change(name(after), before, after, unchanged) for before, after in matched.pairs
        ),
        only_old=tuple(map(old_name, matched.only_old)),
        only_new=tuple(map(name, matched.only_new)),
        machine=tuple(
            change
            for regime in REGIMES
            if (change := _machine(regime, list(unchanged.values()))) is not None
        ),
    )


def slower_than(comparison: Comparison, share: float) -> tuple[str, ...]:
    """Return the rows that became slower by more than `share` (0.05 for 5 %), with the regime.

    A row counts where the whole interval lies above, and the machine itself is not to blame.
    """
    return tuple(
        f"{row.name} ({change.regime}: {change.answer})"
        for row in comparison.rows
        if not row.is_baseline
        for change in row.changes
        if change.regime in _JUDGED
        and change.real
        and change.interval is not None
        and change.interval.low > 1 + share
    )


def can_be_judged(comparison: Comparison) -> bool:
    """Return whether any row was measured in processes enough for `slower_than` to tell."""
    return any(
        change.interval is not None
        for row in comparison.rows
        if not row.is_baseline
        for change in row.changes
        if change.regime in _JUDGED
    )


def _medians(latency: Latency | None) -> tuple[Sequence[float], float] | None:
    return (latency.process_p50_ns, latency.p50_ns) if latency else None


_Unchanged = Mapping[int, tuple[bool, Mapping[str, Change]]]
"""By the place of a pair of rows: whether it is plain NumPy, and how it changed by regime."""


def _unchanged(matched: Matched) -> _Unchanged:
    """Return the changes of all rows in which nothing but the machine can have changed."""
    return {
        id(after): (after.case.subject.is_baseline, {each.regime: each for each in changes})
        for before, after in matched.pairs
        if after.case.runtime != _NO_WORK
        and _version(before) == _version(after)
        and (changes := _changes(before, after))
    }


def _version(row: Row) -> str:
    return row.measurements[0].runtime_version if row.measurements else ""


def _machine(
    regime: str, unchanged: Sequence[tuple[bool, Mapping[str, Change]]]
) -> MachineChange | None:
    """Return how the machine changed, judged by these rows; None where there is none."""
    found = [changes[regime] for _, changes in unchanged if regime in changes]
    if not found:
        return None
    known = [each.interval for each in found if each.interval is not None]
    numpy = [changes[regime].ratio for own, changes in unchanged if own and regime in changes]
    return MachineChange(
        regime,
        median(each.ratio for each in found),
        Interval(median(each.low for each in known), median(each.high for each in known))
        if known
        else None,
        len(found),
        numpy[0] if numpy else None,
    )


def _row_change(name: str, before: Row, after: Row, unchanged: _Unchanged) -> RowChange:
    others = [each for place, each in unchanged.items() if place != id(after)]
    own = after.case.subject.is_baseline
    changes = _changes(before, after)
    if not own:
        changes = tuple(_judged(each, _machine(each.regime, others)) for each in changes)
    return RowChange(
        name=name,
        is_baseline=own,
        changes=changes,
        accuracy=None if own else _accuracy_change(before, after),
        verdicts=(_verdict(before), _verdict(after)),
    )


def _verdict(row: Row) -> str:
    if row.failure:
        return "failed"
    return row.verdict(*(each.figure for each in REGIMES.values()), "accuracy") or "VALID"


def _changes(before: Row, after: Row) -> tuple[Change, ...]:
    if before.failure or after.failure:
        return ()
    found = []
    for name, regime in REGIMES.items():
        early, late = regime.times(before), regime.times(after)
        if early and late and early[1] > 0 and late[1] > 0:
            verdicts = before.verdicts.get(regime.figure), after.verdicts.get(regime.figure)
            found.append(_change(name, early, late, verdicts))
    return tuple(found)


def _change(
    regime: str,
    early: tuple[Sequence[float], float],
    late: tuple[Sequence[float], float],
    verdicts: Levels,
) -> Change:
    both = early[0], late[0]
    told = times(unpaired_ratio(*both)) if can_tell(*both) else Times(late[1] / early[1], None)
    return Change(
        regime=regime,
        before_ns=early[1],
        after_ns=late[1],
        ratio=told.ratio,
        interval=told.interval,
        answer=told.words if told.interval else "too few processes to tell",
        outcome=outcome_of(told),
        verdicts=verdicts,
    )


def _judged(change: Change, machine: MachineChange | None) -> Change:
    """Return the change with the outcome "machine" where all other rows changed as much."""
    known = machine.interval if machine else None
    if not change.real or machine is None or known is None or change.interval is None:
        return change
    if change.interval.low > known.high or change.interval.high < known.low:
        return change
    moved = machine.outcome in {"slower", "faster"}
    why = "as is the machine itself" if moved else "no more than what did not change varies"
    return replace(change, answer=f"{change.answer}, {why}", outcome="machine")


def _accuracy_change(before: Row, after: Row) -> AccuracyChange | None:
    if before.failure or after.failure or not before.accuracy or not after.accuracy:
        return None
    early, late = given_labels(before), given_labels(after)
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
        verdicts=(before.verdicts.get("accuracy"), after.verdicts.get("accuracy")),
    )

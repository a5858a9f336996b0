"""A comparison as a table and sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fmnist_edge.report.cells import Table
from fmnist_edge.report.changes import (
    AccuracyChange,
    Change,
    Comparison,
    Outcome,
    RowChange,
)
from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.comparable import differing
from fmnist_edge.report.compare import REGIMES
from fmnist_edge.report.figures import MARKS_NOTE, is_marked, mark
from fmnist_edge.report.numbers import (
    MISSING,
    counted,
    duration,
    listed,
    percent,
    points,
    probability,
    span,
)
from fmnist_edge.report.ratios import Times
from fmnist_edge.report.rows import host_of, other_versions
from fmnist_edge.result import Interval, Level, Run, Value

# What the system had to do at the start of a run is told elsewhere, and always differs.
_FLEETING: Final = {"load_at_start", "load at start"}  # the second one in schema 2
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    "slower": "slower",
    "faster": "faster",
    "same": "without a detectable difference",
    "machine": "no more than the machine itself changed",
    "unknown": "measured in too few processes to tell",
}
_DOUBTS: Final = {
    "failed": "Failed in the {} run",
    "INVALID": "INVALID in the {} run, so that its numbers prove nothing",
}
_Line = tuple[str, str, str, str, str, str, str]
_HEADERS: Final = ("row", "what", "old", "new", "new / old", "95 % interval", "answer")
_NUMBERS: Final = ("old", "new", "new / old", "95 % interval")


def comparison_table(comparison: Comparison) -> Table:
    """Return a line per row and regime, and one for its accuracy."""
    lines = tuple(_lines(comparison))
    return Table(
        headers=_HEADERS,
        rows=lines,
        numeric=tuple(header in _NUMBERS for header in _HEADERS),
        note=MARKS_NOTE if any(is_marked(cell) for line in lines for cell in line[2:4]) else "",
    )


def _lines(comparison: Comparison) -> Iterator[_Line]:
    for row in comparison.rows:
        for change in row.changes:
            yield _change_line(row.name, change)
        if row.accuracy:
            yield _accuracy_line(row.name, row.accuracy)


def _change_line(name: str, change: Change) -> _Line:
    return (
        name,
        change.regime,
        _time(change.before_ns, change.verdicts[0]),
        _time(change.after_ns, change.verdicts[1]),
        f"{change.ratio:.2f}",
        _interval(change.interval),
        change.answer,
    )


def _time(nanoseconds: float, level: Level | None) -> str:
    return mark(level, duration(nanoseconds))


def _interval(known: Interval | None) -> str:
    return span(known.low, known.high) if known else MISSING


def _accuracy_line(name: str, change: AccuracyChange) -> _Line:
    return (
        name,
        "accuracy",
        mark(change.verdicts[0], f"{percent(change.before)} %"),
        mark(change.verdicts[1], f"{percent(change.after)} %"),
        points(change.after - change.before),
        MISSING,
        _answers(change),
    )


def _answers(change: AccuracyChange) -> str:
    if change.differing == 0:
        return f"the same answers on all {change.images:,} images"
    sure = change.p_value < SIGNIFICANT
    told = probability(change.p_value) if sure else "no detectable difference"
    return f"{told} ({counted(change.differing, 'different answer')})"


def summary(comparison: Comparison) -> tuple[str, ...]:
    """Return the answer in words, a sentence per regime; the baseline does not count."""
    rows = [row for row in comparison.rows if not row.is_baseline]
    return tuple(
        f"{regime.capitalize()}: {told}."
        for regime in REGIMES
        if (
            told := _counted(
                [each for row in rows for each in row.changes if each.regime == regime]
            )
        )
    )


def _counted(changes: list[Change]) -> str:
    count = Counter(change.outcome for change in changes)
    return ", ".join(f"{count[each]} {words}" for each, words in _OUTCOMES.items() if count[each])


def comparison_remarks(comparison: Comparison, old: Run, new: Run) -> tuple[str, ...]:
    """Return what a reader should know before believing the table."""
    return (
        *_hosts(old, new),
        *_machines(comparison, old, new),
        *_machine(comparison),
        *_circumstances("Versions differ", _versions(old), _versions(new)),
        *_rows_alone(comparison),
        *_doubtful(comparison.rows),
        *_undecided(comparison.rows),
    )


def _hosts(old: Run, new: Run) -> Iterator[str]:
    """Yield which hosts were measured, where it is not the same one."""
    if old.host_name != new.host_name:
        yield (
            f"The old run is of {host_of(old)}, the new one of {host_of(new)}: whatever differs "
            "between the machines is in the ratios."
        )


def _machines(comparison: Comparison, old: Run, new: Run) -> Iterator[str]:
    names = [name for name in dict.fromkeys((*old.host, *new.host)) if name not in _FLEETING]
    changed = differing(old.host, new.host, names)
    if not comparison.same_machine and changed:
        yield (
            f"This compares two machines, not before and after: {listed(changed, len(changed))}."
        )
    elif changed:
        yield f"The machine is set up differently: {listed(changed, len(changed))}."


def _machine(comparison: Comparison) -> Iterator[str]:
    for change in comparison.machine:
        told = Times(change.ratio, change.interval).words
        if change.outcome in {"slower", "faster"}:
            yield (
                f"The machine itself was {told} in the new run ({change.regime}), judged by "
                f"{counted(change.rows, 'row')} in which nothing else changed."
            )
        if change.baseline_is_alone:
            yield (
                f"Plain NumPy took {change.baseline:.2f} times as long ({change.regime}), and most "
                f"rows {change.ratio:.2f} times: NumPy has speeds of its own, which say nothing of "
                "the machine."
            )


def _versions(run: Run) -> Mapping[str, str]:
    own = f"{run.version} {run.revision}".strip()
    return {**run.versions, **other_versions(run), "fmnist-edge": own}


def _circumstances(start: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[str]:
    changed = differing(old, new, list(dict.fromkeys((*old, *new))))
    if changed:
        yield f"{start}: {listed(changed, len(changed))}."


def _rows_alone(comparison: Comparison) -> Iterator[str]:
    for which, names in (("old", comparison.only_old), ("new", comparison.only_new)):
        if names:
            yield f"Only in the {which} run: {listed(names, len(names))}."


def _doubtful(rows: tuple[RowChange, ...]) -> Iterator[str]:
    for run, index in (("old", 0), ("new", 1)):
        for verdict, words in _DOUBTS.items():
            names = [row.name for row in rows if row.verdicts[index] == verdict]
            if names:
                yield f"{words.format(run)}: {listed(names)}."


def _undecided(rows: tuple[RowChange, ...]) -> Iterator[str]:
    if any(change.interval is None for row in rows for change in row.changes):
        yield (
            "A ratio without an interval comes from a single process and may be chance. "
            "Measure with --processes 3 or more."
        )

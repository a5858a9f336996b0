"""What a load that lasts for minutes did to the speed of each row, and to their order."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from fmnist_edge.report import columns
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.numbers import MISSING, counted, duration, micro, quantity, span
from fmnist_edge.report.ratios import PRACTICAL
from fmnist_edge.report.rows import batches, ordered, row_names
from fmnist_edge.result import (
    Course,
    Interval,
    Row,
    Run,
    Sustained,
)
from fmnist_edge.result.conditions import Conditions, conditions
from fmnist_edge.sparkline import sparkline

# Characters of a curve.
_WIDTH: Final = 40
_SCREEN_WIDTH: Final = 24
# A course that stays within this factor is drawn as flat: full height is for what matters.
_FLAT: Final = 1.05


def loaded(run: Run) -> tuple[Row, ...]:
    """Return the rows that had a sustained load."""
    return tuple(row for row in ordered(run) if row.failure is None and row.sustained is not None)


def curve(times_ns: Sequence[float], width: int = _WIDTH) -> str:
    """Return times as a line of characters, the highest the slowest.

    Each character is the median of as many windows as come to it.
    """
    times = np.array(times_ns)
    parts = np.array_split(times, min(width, len(times)))
    medians = [float(np.median(part)) for part in parts]
    if max(medians) / _FLAT < min(medians):
        medians = [1.0] * len(medians)
    return sparkline(medians)


def load_lines(run: Run) -> Iterator[str]:
    """Yield a line per row that had a sustained load, and what became of the order of the rows."""
    rows = loaded(run)
    name = row_names(run)
    if not rows:
        return
    rate = run.settings.sustain_hz
    how = f"at {rate:g} calls per second" if rate else "back to back"
    longest = max(load.seconds for row in rows for load in _load(row))
    yield f"Sustained load, {how}, {longest:.0f} s per row, p50 over time:"
    for row in rows:
        for load in _load(row):
            drawn = curve(_p50s(load), _SCREEN_WIDTH)
            yield f"{drawn} {name(row)}: {_course(load.p50)}{_machine(row, load)}{_done(load)}"
    yield from order_changes(run)


def _load(row: Row) -> Iterator[Sustained]:
    if row.sustained is not None:
        yield row.sustained


def _course(course: Course) -> str:
    """Return the first and the lasting level, and when it changed."""
    last = course.lasting
    if len(course.levels) == 1:
        return f"{duration(last.time_ns)}, no lasting change"
    changes = len(course.levels) - 1
    several = f" ({counted(changes, 'change')})" if changes > 1 else ""
    return (
        f"{duration(course.first_ns)} -> {duration(last.time_ns)} ({course.ratio:.2f}x) from "
        f"{last.after_seconds:.0f} s on{several}"
    )


def _done(load: Sustained) -> str:
    """Return how the time over the number of calls went, where the median does not tell."""
    done = load.per_call
    if done is None or len(done.levels) == 1 or abs(done.ratio / load.p50.ratio - 1) < _FLAT - 1:
        return ""
    drawn = curve([each.per_call_ns for each in load.windows], _SCREEN_WIDTH)
    return f"; time over calls {drawn} {_course(done)}"


def _machine(row: Row, load: Sustained) -> str:
    before, after = _ends(row, load)
    sensor = _hottest(before, after)
    celsius = _from_to(
        "celsius",
        before.temperatures_celsius.get(sensor),
        after.temperatures_celsius.get(sensor),
    )
    told = (
        f"{sensor} {celsius}" if celsius else "",
        _from_to("mhz", before.clock_mhz, after.clock_mhz),
    )
    return "".join(f"; {each}" for each in told if each)


def _ends(row: Row, load: Sustained) -> tuple[Conditions, Conditions]:
    """Return the machine at the first level and at the last one.

    They are those of what gets done where the median has one level only.
    """
    course = load.p50
    if len(course.levels) == 1 and load.per_call is not None:
        course = load.per_call
    return (
        conditions(row.case, load, course.levels[0]),
        conditions(row.case, load, course.lasting),
    )


def _hottest(before: Conditions, after: Conditions) -> str:
    """Return the sensor that rose most, or is hottest; empty without one."""
    first, last = before.temperatures_celsius, after.temperatures_celsius
    both = [each for each in last if each in first]
    return max(both, key=lambda each: (last[each] - first[each], last[each]), default="")


def _from_to(unit: str, first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    texts = dict.fromkeys((quantity(unit, first), quantity(unit, last)))
    return " -> ".join(texts)


def sustained_table(run: Run) -> Table:
    """Return a line per row: its first and its lasting level, and the machine at both."""

    def column(
        header: str, text: Callable[[Row, Sustained], str], *, numeric: bool = True
    ) -> Column[Row]:
        return Column(
            header, lambda row: next((text(row, each) for each in _load(row)), MISSING), numeric
        )

    table = tabulate(
        [
            *columns.case_columns(run),
            column("p50 over time", lambda _, load: curve(_p50s(load)), numeric=False),
            column("first µs", lambda _, load: micro(load.p50.first_ns)),
            column("lasting µs", lambda _, load: micro(load.p50.lasting.time_ns)),
            column("ratio", lambda _, load: f"{load.p50.ratio:.2f}"),
            column(
                "95 % interval",
                lambda _, load: span(load.p50.ratio_interval.low, load.p50.ratio_interval.high),
            ),
            column("from s", lambda _, load: _since(load.p50)),
            column("changes", lambda _, load: str(len(load.p50.levels) - 1)),
            column("time over calls µs", lambda _, load: _over_calls(load)),
            column("temperature", _temperature),
            column("clock", lambda row, load: _clock(*_ends(row, load))),
            column("CPU time of others", lambda row, load: _others(*_ends(row, load))),
        ],
        loaded(run),
    )
    if not table.rows:
        return table
    note = " ".join((_TABLE_NOTE, *order_changes(run)))
    return Table(table.headers, table.rows, table.numeric, table.spare, note)


_TABLE_NOTE: Final = (
    "`first` and `lasting` are medians of the p50 of windows of a second; `from s` is the load "
    "that the row had had when its last level began. The time over the number of calls has every "
    "interruption in it, which the median of short calls hardly shows."
)


def _since(course: Course) -> str:
    return f"{course.lasting.after_seconds:.0f}" if len(course.levels) > 1 else MISSING


def _p50s(load: Sustained) -> Sequence[float]:
    return [each.p50_ns for each in load.windows]


def _over_calls(load: Sustained) -> str:
    if load.per_call is None:
        return MISSING
    done = load.per_call
    if len(done.levels) == 1:
        return micro(done.lasting.time_ns)
    since = _since(done)
    return f"{micro(done.first_ns)} -> {micro(done.lasting.time_ns)} from {since} s"


def _temperature(row: Row, load: Sustained) -> str:
    before, after = _ends(row, load)
    sensor = _hottest(before, after)
    return (
        _from_to(
            "celsius",
            before.temperatures_celsius.get(sensor),
            after.temperatures_celsius.get(sensor),
        )
        or MISSING
    )


def _clock(before: Conditions, after: Conditions) -> str:
    return _from_to("mhz", before.clock_mhz, after.clock_mhz) or MISSING


def _others(before: Conditions, after: Conditions) -> str:
    return _from_to("share", before.others_share, after.others_share) or MISSING


@dataclass(frozen=True)
class Overtaking:
    """Two rows whose order is another at the end of the load than in its first seconds.

    Args:
        first: The row that was faster at first.
        second: The one that is faster at the end.
        before: How many times as long `second` took in the first seconds.
        after: How many times as long `first` takes at the end.
    """

    first: Row
    second: Row
    before: float
    after: float


def overtakings(run: Run) -> tuple[Overtaking, ...]:
    """Return the pairs of rows whose order the load has turned, beyond chance and by 3 % or more.

    Only rows of the same batch size are held against each other.
    """
    found = []
    for one, other in combinations(loaded(run), 2):
        if one.case.batch != other.case.batch:
            continue
        early, late = _ratio(one, other, _first), _ratio(one, other, _lasting)
        if early.order * late.order < 0:
            pair = (one, other) if early.order > 0 else (other, one)
            before, after = (math.exp(abs(each.difference)) for each in (early, late))
            found.append(Overtaking(*pair, before, after))
    return tuple(found)


def order_changes(run: Run) -> Iterator[str]:
    """Yield what became of the fastest row, and how many other pairs changed their order."""
    found = overtakings(run)
    name = row_names(run)
    for batch in batches(loaded(run)):
        same = [row for row in loaded(run) if row.case.batch == batch]
        best = min(same, key=lambda row: _first(row)[0])
        overtook = [each for each in found if each.first is best]
        if overtook:
            now = min(overtook, key=lambda each: _lasting(each.second)[0])
            yield (
                f"{name(best)} was the fastest in the first seconds and is not at the end: "
                f"{name(now.second)} took {now.before:.2f} times as long then, and now "
                f"{name(best)} takes {now.after:.2f} times as long."
            )
    if len(loaded(run)) > 1:
        if not found:
            yield "The order of the rows did not change under the load, as far as can be told."
        else:
            yield f"{_pairs(len(found))} changed their order under the load."


def _pairs(count: int) -> str:
    return "One pair of rows" if count == 1 else f"{count} pairs of rows"


@dataclass(frozen=True)
class _Ratio:
    """How many times as long one row takes as another.

    Args:
        difference: The logarithm of the time of the second over that of the first.
        order: 1 where the second is slower beyond doubt, -1 where the first is, else 0.
    """

    difference: float
    order: int


Estimate = tuple[float, Interval]


def _first(row: Row) -> Estimate:
    course = _of(row)
    return course.first_ns, course.first_interval_ns


def _lasting(row: Row) -> Estimate:
    level = _of(row).lasting
    return level.time_ns, level.interval_ns


def _of(row: Row) -> Course:
    if row.sustained is None:
        raise ValueError("the row had no sustained load")
    return row.sustained.p50


def _ratio(one: Row, other: Row, estimate: Callable[[Row], Estimate]) -> _Ratio:
    """Compare two rows; the intervals of both add up as those of independent medians do."""
    (before, before_interval), (after, after_interval) = estimate(one), estimate(other)
    half = math.hypot(*(_half(each) for each in (before_interval, after_interval)))
    difference = math.log(after) - math.log(before)
    certain = abs(difference) > max(half, math.log1p(PRACTICAL))
    return _Ratio(difference, int(math.copysign(1, difference)) if certain else 0)


def _half(interval: Interval) -> float:
    if not 0 < interval.low <= interval.high:
        return math.inf
    return (math.log(interval.high) - math.log(interval.low)) / 2

"""The table of the first screen: few columns, or those that a user names."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fmnist_edge.records import replace
from fmnist_edge.report import columns
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.choice import loses, rivals
from fmnist_edge.report.figures import marked
from fmnist_edge.report.numbers import KILO, MISSING, percent, significant
from fmnist_edge.report.rows import batches, varied
from fmnist_edge.result import Case, Figure, Row, Run, p50_ns

_P90: Final = columns.percentile(0.9)
# An interval up to this share is told with one digit.
_ONE_DIGIT: Final = 0.1


def _size(_: Run) -> Column[Row]:
    def cell(row: Row) -> str:
        known = row.case.subject.size_bytes
        return MISSING if known is None else significant(known / KILO)

    return Column("kB", cell)


def _accuracy(run: Run) -> Column[Row]:
    """Return the accuracy; a tie is what is as accurate as the most accurate row but for chance."""
    others = rivals(run)
    most = max((row.accuracy.top1 for row in others if row.accuracy), default=None)

    def cell(row: Row) -> str:
        if row.failure or row.accuracy is None:
            return MISSING
        number = marked(row, "accuracy", percent(row.accuracy.top1))
        if row not in others:
            return number
        if row.accuracy.top1 == most:
            return f"{number} best"
        return number if loses(row, others) else f"{number} tie"

    return Column("accuracy %", cell, figure="accuracy")


def _interval(_: Run) -> Column[Row]:
    """Return half of the interval of the p50, in percent of it, with two digits at the most."""

    def cell(row: Row) -> str:
        latency = columns.back_to_back(row)
        half = columns.relative_half_width(latency) if latency else None
        if half is None:
            return MISSING
        return significant(100 * half, 1 if half < _ONE_DIGIT else 2)

    return Column("± %", cell)


COLUMNS: Final[Mapping[str, Callable[[Run], Column[Row]]]] = {
    "size": _size,
    "accuracy": _accuracy,
    "change": columns.change_of_accuracy,
    "p50": lambda _: columns.latency_column("p50 µs", "p50", columns.back_to_back, columns.p50),
    "interval": _interval,
    "dispatch": lambda _: columns.dispatch(),
    "p90": lambda _: columns.latency_column("p90 µs", "p90", columns.back_to_back, _P90),
    "paced": lambda run: columns.paced_p50(f"{run.settings.paced_hz:g}/s µs"),
    "paced-p90": lambda run: columns.latency_column(
        f"{run.settings.paced_hz:g}/s p90 µs", "paced-p90", columns.paced, _P90
    ),
    "cold": lambda _: columns.cold(),
    "throughput": columns.throughput,
    "energy": lambda _: columns.energy(),
    "memory": lambda _: columns.memory(),
    "ratio": columns.times_column,
    "verdict": lambda _: columns.verdict(()),
}
"""The columns of the table by the names that a user gives, in the order of the widest table."""

NARROW: Final = (*("size", "accuracy", "p50", "interval", "p90", "paced", "memory", "ratio"),)
_ALWAYS: Final = frozenset({"size", "p50", "ratio"})
# What is left out on a narrow terminal, the first one first; the ratio never is.
_SPARE: Final = ("interval", "p90", "memory", "paced")
# Columns of devices and batches take the place of these as well.
_SPARE_BESIDE_MANY: Final = (*_SPARE, "size", "accuracy")


def user_rows(run: Run) -> tuple[Row, ...]:
    """Return the rows of the user's files, the fastest first and those without times last.

    The rows of a file that differ only in their batch stand together, at the place of the smallest
    batch that has a time.
    """
    own = [row for row in run.rows if not row.case.subject.is_baseline]
    if len(batches(own)) == 1:
        return tuple(sorted(own, key=lambda row: p50_ns(row) or math.inf))
    groups: dict[Case, list[Row]] = {}
    for row in sorted(own, key=lambda row: row.case.batch):
        groups.setdefault(replace(row.case, batch=1), []).append(row)
    ranked = sorted(groups.values(), key=_place)
    return tuple(row for group in ranked for row in group)


def _place(group: Sequence[Row]) -> tuple[float, float]:
    """Return where rows stand that differ only in their batch: by the batch, then by the time."""
    timed = next((row for row in group if p50_ns(row)), None)
    return (timed.case.batch, p50_ns(timed)) if timed else (math.inf, math.inf)


def screen_table(run: Run, names: Sequence[str] | None = None) -> Table:
    """Return a line per row of the user's files, the fastest first.

    Args:
        run: What was measured.
        names: Of `COLUMNS`; none for the narrow table, of which what no row knows is left out.
    """
    rows = user_rows(run)
    made = {name: COLUMNS[name](run) for name in names or NARROW}
    if "verdict" in made:  # of the figures that are shown
        made["verdict"] = columns.verdict([*made.values()])
    if names is None:
        made = {
            name: column
            for name, column in made.items()
            if name in _ALWAYS or any(column.cell(row) != MISSING for row in rows)
        }
    wanted = _SPARE_BESIDE_MANY if {"device", "batch"} & {*varied(run)} else _SPARE
    spare = [made[name].header for name in wanted if name in made and names is None]
    shown = [
        each
        for name, column in made.items()
        for each in (column, *(columns.per_image(run) if name == "p50" else ()))
    ]
    drawn = tabulate([*columns.case_columns(run), *shown], rows, spare)
    failed = tuple(
        (*cells[:-1], "failed") if row.failure else cells
        for row, cells in zip(rows, drawn.rows, strict=True)
    )
    return replace(drawn, rows=failed)


def shown_figures(run: Run, names: Sequence[str] | None) -> list[Figure]:
    """Return the figures that the columns show, the ratio first."""
    figures = (COLUMNS[name](run).figure for name in names or NARROW)
    return sorted((each for each in figures if each is not None), key=lambda each: each != "ratio")

"""The benchmark table: a row per case, with what was measured of it."""

from dataclasses import replace
from typing import Final

from fmnist_edge.report import columns
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.figures import MARKS_NOTE, is_marked
from fmnist_edge.report.numbers import MISSING, sentence
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Row, Run

_P90: Final = columns.percentile(0.9)
# What can be left out of the table on a narrow terminal, the first one first.
_SPARE: Final = (
    "dispatch %",
    "± %",
    "paced p90 µs",
    "RSS MB",
    "k images/s",
    "size kB",
    "p90 µs",
    "cold ms",
    "Δ points",
    "x fastest",
    "paced p50 µs",
)
# These say something about every row; the others have a column only where some row fills it.
_ALWAYS: Final = ("model", "runtime", "device", "threads", "batch", "size kB", "p50 µs", "verdict")


def benchmark_table(run: Run) -> Table:
    """Return a row per case, failed ones included, the baseline's at the end.

    Threads, batch and the time per image have columns only where they differ between rows, the
    device only where one is not the CPU, other things only where they are known of some row.
    Figures that may not be believed are marked.
    """
    return _drawn(
        run,
        [
            columns.size(),
            columns.accuracy(),
            columns.change_of_accuracy(run),
            columns.latency_column("p50 µs", "p50", columns.back_to_back, columns.p50),
            *columns.per_image(run),
            columns.half_width(),
            columns.dispatch(),
            columns.latency_column("p90 µs", "p90", columns.back_to_back, _P90),
            columns.paced_p50("paced p50 µs"),
            columns.latency_column("paced p90 µs", "paced-p90", columns.paced, _P90),
            columns.cold(),
            columns.throughput(run),
            columns.memory(),
            columns.times_column(run),
        ],
    )


def _drawn(run: Run, wanted: list[Column[Row]]) -> Table:
    rows = ordered(run)
    kept = [
        column
        for column in (*columns.case_columns(run), *wanted, columns.verdict(wanted))
        if column.header in _ALWAYS or any(column.cell(row) != MISSING for row in rows)
    ]
    headers = [column.header for column in kept]
    marks = (column.cell(row) for column in kept if column.figure for row in rows)
    spare = [header for start in _SPARE for header in headers if header.startswith(start)]
    note = MARKS_NOTE if any(map(is_marked, marks)) else ""
    return replace(tabulate(kept, rows, spare), note=note)


def failures(run: Run) -> tuple[str, ...]:
    """Return what happened, and what to do, of each row that failed."""
    name = row_names(run)
    return tuple(
        f"{name(row)}: {sentence(row.failure.message)} {sentence(row.failure.hint)}".strip()
        for row in run.rows
        if row.failure is not None
    )

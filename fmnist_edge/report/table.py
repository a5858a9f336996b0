"""The benchmark table as text cells; whoever prints it decides what it looks like."""

from typing import Final

from fmnist_edge.report import columns
from fmnist_edge.report.cells import MISSING, Column, Table, sentence, tabulate
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Row, Run

__all__ = ["Table", "benchmark_table", "failures", "short_table"]

_P90: Final = 0.9
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
    """The table of a run: a row per case, failed ones included, the floor's at the end.

    Device, threads and batch have columns only where they differ between rows, other things only
    where they are known of some row.
    """
    return _drawn(
        run,
        [
            columns.size(),
            columns.accuracy(),
            columns.change_of_accuracy(run),
            columns.latency_column("p50 µs", columns.back_to_back, columns.p50),
            columns.half_width(),
            columns.dispatch(),
            columns.latency_column("p90 µs", columns.back_to_back, columns.percentile(_P90)),
            columns.latency_column("paced p50 µs", columns.paced, columns.p50),
            columns.latency_column("paced p90 µs", columns.paced, columns.percentile(_P90)),
            columns.cold(),
            columns.throughput(run),
            columns.memory(),
            columns.times_column(run),
            columns.verdict(),
        ],
    )


def short_table(run: Run) -> Table:
    """What a reader wants first, in few columns."""
    return _drawn(
        run,
        [
            columns.size(),
            columns.accuracy(),
            columns.latency_column("p50 µs", columns.back_to_back, columns.p50),
            columns.latency_column("p90 µs", columns.back_to_back, columns.percentile(_P90)),
            columns.latency_column("paced p50 µs", columns.paced, columns.p50),
            columns.cold(),
            columns.memory(),
            columns.times_column(run),
            columns.verdict(),
        ],
    )


def _drawn(run: Run, wanted: list[Column[Row]]) -> Table:
    rows = ordered(run)
    kept = [
        column
        for column in (*columns.case_columns(run), *wanted)
        if column.header in _ALWAYS or any(column.cell(row) != MISSING for row in rows)
    ]
    headers = [column.header for column in kept]
    spare = [header for start in _SPARE for header in headers if header.startswith(start)]
    return tabulate(kept, rows, spare)


def failures(run: Run) -> tuple[str, ...]:
    """One sentence for each row that has no numbers."""
    name = row_names(run)
    return tuple(
        f"{name(row)}: {sentence(row.failure.message)} {sentence(row.failure.hint)}".strip()
        for row in run.rows
        if row.failure is not None
    )

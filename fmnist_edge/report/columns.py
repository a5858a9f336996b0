"""The columns of tables with a line per row of a run."""

from collections.abc import Callable
from typing import Final

from fmnist_edge.report.cells import (
    KILO,
    MEGA,
    MISSING,
    Column,
    micro,
    milli,
    percent,
    points,
    probability,
    significant,
)
from fmnist_edge.report.ratios import fastest, times_fastest
from fmnist_edge.report.rows import VARIED, memory_of, names, varied
from fmnist_edge.result import Accuracy, AgainstReference, Latency, Row, Run

__all__ = [
    "SIGNIFICANT",
    "accuracy",
    "back_to_back",
    "case_columns",
    "change_of_accuracy",
    "cold",
    "dispatch",
    "half_width",
    "latency_column",
    "memory",
    "p50",
    "paced",
    "percentile",
    "size",
    "throughput",
    "times_column",
    "verdict",
]

# Above this p value of McNemar's test, two accuracies are told as a tie.
SIGNIFICANT: Final = 0.05
_MEDIAN: Final = 0.5


def case_columns(run: Run) -> list[Column[Row]]:
    """What tells the rows apart; device, threads and batch only where they differ."""
    return [
        Column("model", names(run), numeric=False),
        Column("runtime", lambda row: row.case.runtime, numeric=False),
        *(_varied_column(key) for key in varied(run)),
    ]


def _varied_column(key: str) -> Column[Row]:
    value, _ = VARIED[key]
    return Column(key, lambda row: value(row.case), numeric=key != "device")


def size() -> Column[Row]:
    """The model file's."""

    def cell(row: Row) -> str:
        known = row.case.subject.size_bytes
        return MISSING if known is None else f"{known / KILO:.1f}"

    return Column("size kB", cell)


def accuracy() -> Column[Row]:
    """Top-1."""
    return Column(
        "accuracy %",
        lambda row: percent(None if row.failure or not row.accuracy else row.accuracy.top1),
    )


def change_of_accuracy(run: Run) -> Column[Row]:
    """Against the float reference, in points; a tie where McNemar's test sees only chance."""
    references = {(known.reference, known.runtime) for row in run.rows if (known := _against(row))}

    def cell(row: Row) -> str:
        known = _against(row)
        if known is not None and row.accuracy is not None:
            return _change(row.accuracy, known)
        is_reference = (row.case.subject.name, row.case.runtime) in references
        return "reference" if is_reference and row.accuracy else MISSING

    return Column("Δ points", cell)


def _against(row: Row) -> AgainstReference | None:
    return None if row.failure or row.accuracy is None else row.accuracy.against


def _change(own: Accuracy, known: AgainstReference) -> str:
    change = points((known.gained - known.lost) / own.images)
    chance = known.p_value >= SIGNIFICANT
    return f"{change} {'tie' if chance else probability(known.p_value)}"


def back_to_back(row: Row) -> Latency | None:
    """Of calls one after the other; None for a failed row."""
    return None if row.failure else row.back_to_back


def paced(row: Row) -> Latency | None:
    """Of calls at fixed times; None for a failed row, or where the protocol leaves them out."""
    return None if row.failure else row.paced


def latency_column(
    header: str,
    of: Callable[[Row], Latency | None],
    value: Callable[[Latency], float | None],
) -> Column[Row]:
    """A time of a regime in microseconds."""

    def cell(row: Row) -> str:
        latency = of(row)
        return MISSING if latency is None else micro(value(latency))

    return Column(header, cell)


def p50(latency: Latency) -> float:
    """The median, in nanoseconds."""
    return latency.p50


def percentile(share: float) -> Callable[[Latency], float | None]:
    """A percentile in nanoseconds; None where it is refused."""

    def value(latency: Latency) -> float | None:
        found = (each.nanoseconds for each in latency.percentiles if each.share == share)
        return next(found, None)

    return value


def dispatch() -> Column[Row]:
    """Share of a back-to-back call that is not arithmetic."""

    def cell(row: Row) -> str:
        share = None if row.failure else row.dispatch
        return MISSING if share is None else f"{100 * share:.0f}"

    return Column("dispatch %", cell)


def half_width() -> Column[Row]:
    """Of the interval of the back-to-back p50, in percent of it."""

    def cell(row: Row) -> str:
        latency = back_to_back(row)
        if latency is None or latency.interval is None or latency.p50 <= 0:
            return MISSING
        half = (latency.interval.high - latency.interval.low) / 2
        return f"{100 * half / latency.p50:.1f}"

    return Column("± %", cell)


def cold() -> Column[Row]:
    """From nothing to the first answer."""
    return Column(
        "cold ms", lambda row: milli(None if row.failure or not row.cold else row.cold.total)
    )


def throughput(run: Run) -> Column[Row]:
    """Images per second at the batch size of the protocol."""

    def cell(row: Row) -> str:
        if row.failure or row.throughput is None:
            return MISSING
        return significant(row.throughput.images_per_second / KILO)

    return Column(f"k images/s at {run.settings.throughput_batch}", cell)


def memory() -> Column[Row]:
    """Resident memory of the measuring process, the largest of them."""

    def cell(row: Row) -> str:
        steady = memory_of(row, lambda measurement: measurement.memory.steady)
        return MISSING if steady is None else f"{steady / MEGA:.0f}"

    return Column("RSS MB", cell)


def times_column(run: Run) -> Column[Row]:
    """How many times as long as the fastest row of the same batch size."""
    best = {row.case.batch: fastest(run, row.case.batch) for row in run.rows}
    return Column("x fastest", lambda row: times_fastest(row, best[row.case.batch]))


def verdict() -> Column[Row]:
    """May the row be believed?"""

    def cell(row: Row) -> str:
        if row.failure:
            return "failed"
        return row.verdict.level if row.verdict else MISSING

    return Column("verdict", cell, numeric=False)

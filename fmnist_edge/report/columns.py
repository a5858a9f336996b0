"""The columns of tables with a line per row of a run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fmnist_edge.report.cells import Column
from fmnist_edge.report.figures import marked
from fmnist_edge.report.numbers import (
    KILO,
    MISSING,
    mega,
    micro,
    milli,
    percent,
    points,
    probability,
    significant,
    within,
)
from fmnist_edge.report.ratios import fastest, times_fastest
from fmnist_edge.report.rows import batches, memory_of, names, references, runtime, varied
from fmnist_edge.result import (
    Accuracy,
    AgainstReference,
    Figure,
    Latency,
    Row,
    Run,
    device_name,
)

# Above this p value of McNemar's test, two accuracies are told as a tie.
SIGNIFICANT: Final = 0.05
PERCENTILES: Final[Mapping[Figure, float]] = {"p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
"""The shares of the percentiles of back-to-back calls."""


def case_columns(run: Run) -> list[Column[Row]]:
    """Return what tells the rows apart.

    Threads and batch only where they differ, the device only where one is not the CPU.
    """
    told: Mapping[str, Column[Row]] = {
        "device": Column("device", lambda row: device_name(row.case), numeric=False),
        "threads": Column("threads", lambda row: str(row.case.threads)),
        "batch": Column("batch", lambda row: str(row.case.batch)),
    }
    return [
        Column("model", names(run), numeric=False),
        Column("runtime", runtime, numeric=False),
        *(told[each] for each in varied(run)),
    ]


def figure_column(header: str, figure: Figure, text: Callable[[Row], str]) -> Column[Row]:
    """Return a column of numbers, each with the mark of its verdict."""
    return Column(header, lambda row: marked(row, figure, text(row)), figure=figure)


def size() -> Column[Row]:
    """Return the size of the model file."""

    def cell(row: Row) -> str:
        known = row.case.subject.size_bytes
        return MISSING if known is None else f"{known / KILO:.1f}"

    return Column("size kB", cell)


def accuracy() -> Column[Row]:
    """Return the top-1 accuracy."""
    return figure_column(
        "accuracy %",
        "accuracy",
        lambda row: percent(None if row.failure or not row.accuracy else row.accuracy.top1),
    )


def change_of_accuracy(run: Run) -> Column[Row]:
    """Return the points against the float reference; a tie where McNemar's test sees chance."""
    compared_with = references(run)

    def cell(row: Row) -> str:
        known = _against(row)
        if known is not None and row.accuracy is not None:
            return _change(row.accuracy, known)
        return "reference" if row in compared_with else MISSING

    return Column("Δ points", cell)


def _against(row: Row) -> AgainstReference | None:
    return None if row.failure or row.accuracy is None else row.accuracy.against


def _change(own: Accuracy, known: AgainstReference) -> str:
    change = points((known.gained - known.lost) / own.images)
    chance = known.p_value >= SIGNIFICANT
    return f"{change} {'tie' if chance else probability(known.p_value)}"


def back_to_back(row: Row) -> Latency | None:
    """Return the latency of calls one after the other; None for a failed row."""
    return None if row.failure else row.back_to_back


def paced(row: Row) -> Latency | None:
    """Return the latency at fixed times; None for a failed row, or where it was left out."""
    return None if row.failure else row.paced


def latency_column(
    header: str,
    figure: Figure,
    of: Callable[[Row], Latency | None],
    value: Callable[[Latency], float | None],
) -> Column[Row]:
    """Return a time of a regime in microseconds."""

    def cell(row: Row) -> str:
        latency = of(row)
        return MISSING if latency is None else micro(value(latency))

    return figure_column(header, figure, cell)


def paced_p50(header: str) -> Column[Row]:
    """Return the median at fixed times in microseconds, with the digits that its interval leaves.

    It differs by a tenth and more between processes, which wake from other sleeping states.
    """

    def cell(row: Row) -> str:
        latency = paced(row)
        if latency is None:
            return MISSING
        known = latency.p50_interval_ns
        if known is None:
            return micro(latency.p50_ns)
        return within(latency.p50_ns / KILO, (known.high - known.low) / 2 / KILO)

    return figure_column(header, "paced-p50", cell)


def relative_half_width(latency: Latency) -> float | None:
    """Return half of the interval of the p50 as a share of it; None for a single process."""
    interval = latency.p50_interval_ns
    if interval is None or latency.p50_ns <= 0:
        return None
    return (interval.high - interval.low) / 2 / latency.p50_ns


def p50(latency: Latency) -> float:
    """Return the median in nanoseconds."""
    return latency.p50_ns


def per_image(run: Run) -> list[Column[Row]]:
    """Return the p50 divided by the batch, in microseconds, where rows have several batches.

    Only that compares across batches.
    """

    def cell(row: Row) -> str:
        latency = back_to_back(row)
        return MISSING if latency is None else micro(latency.p50_ns / row.case.batch)

    return [figure_column("per image µs", "p50", cell)] if len(batches(run.rows)) > 1 else []


def percentile(share: float) -> Callable[[Latency], float | None]:
    """Return what gives a percentile in nanoseconds, and None where it is refused."""

    def value(latency: Latency) -> float | None:
        found = (each.bound_ns for each in latency.percentiles if each.share == share)
        return next(found, None)

    return value


def dispatch() -> Column[Row]:
    """Return the share of a back-to-back call that is not arithmetic."""
    return Column("dispatch %", lambda row: percent(None if row.failure else row.dispatch, 0))


def half_width() -> Column[Row]:
    """Return half of the interval of the back-to-back p50, in percent of the p50."""

    def cell(row: Row) -> str:
        latency = back_to_back(row)
        return percent(relative_half_width(latency) if latency else None, 1)

    return Column("± %", cell)


def cold() -> Column[Row]:
    """Return the time from nothing to the first answer."""
    return figure_column(
        "cold ms",
        "cold",
        lambda row: milli(None if row.failure or not row.cold else row.cold.total_ns),
    )


def throughput(run: Run) -> Column[Row]:
    """Return the images per second at the batch size of the protocol."""

    def cell(row: Row) -> str:
        if row.failure or row.throughput is None:
            return MISSING
        return significant(row.throughput.images_per_second / KILO)

    return figure_column(f"k images/s at {run.settings.throughput_batch}", "throughput", cell)


def energy() -> Column[Row]:
    """Return the energy per inference above idle."""

    def cell(row: Row) -> str:
        known = None if row.failure else row.energy
        return significant(KILO * known.joules_per_call) if known and known.calls else MISSING

    return figure_column("mJ per call", "energy", cell)


def memory() -> Column[Row]:
    """Return the resident memory of the measuring process, the largest of them."""
    return figure_column(
        "RSS MB",
        "memory",
        lambda row: mega(memory_of(row, lambda each: each.memory.steady_bytes), 0),
    )


def times_column(run: Run) -> Column[Row]:
    """Return how many times as long a row takes as the fastest row of the same batch size."""
    best = {row.case.batch: fastest(run, row.case.batch) for row in run.rows}
    return figure_column("x fastest", "ratio", lambda row: times_fastest(row, best[row.case.batch]))


def verdict(shown: Sequence[Column[Row]]) -> Column[Row]:
    """Return the worst verdict of the figures that these columns show."""
    figures = [column.figure for column in shown if column.figure is not None]

    def cell(row: Row) -> str:
        return "failed" if row.failure else row.verdict(*figures) or MISSING

    return Column("verdict", cell, numeric=False)

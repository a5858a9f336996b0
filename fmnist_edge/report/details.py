"""The tables behind the benchmark table, each with one kind of measurement in full."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.dataset import LABELS
from fmnist_edge.records import replace
from fmnist_edge.report import columns
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.figures import marked
from fmnist_edge.report.numbers import (
    MISSING,
    mega,
    micro,
    milli,
    percent,
    span,
)
from fmnist_edge.report.placement import compiling_table, device_table, placement_table
from fmnist_edge.report.ratios import between
from fmnist_edge.report.rows import memory_of, ordered, row_names
from fmnist_edge.report.sustained import sustained_table
from fmnist_edge.result import ColdStart, Energy, Figure, Latency, Measurement, Row, Run, StageTimes

# Rows of native loops, and the runtime that makes the same calls from Python.
_NATIVE: Final = "-native"
# More classes than that make a table that is too wide to read.
_MOST_CLASSES: Final = 20


def details(run: Run) -> Iterator[tuple[str, Table]]:
    """Yield each table that has rows, with its title."""
    for title, table in (
        ("Latency in full, µs", latencies_table(run)),
        ("Every device at every batch size", device_table(run)),
        ("Where other devices than the CPU ran", placement_table(run)),
        ("From nothing to the first answer", cold_table(run)),
        ("From nothing to the first answer, with nothing compiled", compiling_table(run)),
        ("From image to label", stages_table(run)),
        ("Memory and disk", memory_table(run)),
        ("Sustained load", sustained_table(run)),
    ):
        if table.rows:
            yield title, table
    yield from asked_for(run)


def asked_for(run: Run) -> Iterator[tuple[str, Table]]:
    """Yield the tables of what is measured only on request, with their titles."""
    for title, table in (
        ("Energy", energy_table(run)),
        ("What Python adds to a call", native_table(run)),
    ):
        if table.rows:
            yield title, table


def cold_table(run: Run) -> Table:
    """Return each part of a cold start in milliseconds: medians of the processes."""
    parts: Sequence[tuple[str, Callable[[ColdStart], float]]] = (
        ("start ms", lambda cold: cold.process_start_ns),
        ("import ms", lambda cold: cold.import_ns),
        ("load ms", lambda cold: cold.load_ns),
        ("first ms", lambda cold: cold.first_call_ns),
    )

    def column(header: str, part: Callable[[ColdStart], float]) -> Column[Row]:
        return Column(header, lambda row: milli(part(row.cold)) if row.cold else MISSING)

    return tabulate(
        [
            *columns.case_columns(run),
            *(column(*each) for each in parts),
            columns.figure_column(
                "total ms", "cold", lambda row: milli(row.cold.total_ns if row.cold else None)
            ),
        ],
        _with(run, lambda row: row.cold),
    )


def stages_table(run: Run) -> Table:
    """Return the times from camera bytes to a label, stage by stage, in microseconds."""
    parts: Sequence[tuple[str, Callable[[StageTimes], float]]] = (
        ("prepare µs", lambda stages: stages.prepare_ns),
        ("run µs", lambda stages: stages.run_ns),
        ("decode µs", lambda stages: stages.decode_ns),
        ("together µs", lambda stages: stages.prepare_ns + stages.run_ns + stages.decode_ns),
    )

    def column(header: str, part: Callable[[StageTimes], float]) -> Column[Row]:
        return Column(header, lambda row: micro(part(row.stages)) if row.stages else MISSING)

    return tabulate(
        [*columns.case_columns(run), *(column(*each) for each in parts)],
        _with(run, lambda row: row.stages),
    )


def memory_table(run: Run) -> Table:
    """Return resident memory at each moment, the largest of the processes, and disk space."""
    moments: Sequence[tuple[str, Callable[[Measurement], int | None]]] = (
        ("RSS at start MB", lambda measurement: measurement.memory.start_bytes),
        ("after import MB", lambda measurement: measurement.memory.imported_bytes),
        ("after load MB", lambda measurement: measurement.memory.loaded_bytes),
        ("steady MB", lambda measurement: measurement.memory.steady_bytes),
        ("peak MB", lambda measurement: measurement.memory.peak_bytes),
    )

    def column(header: str, moment: Callable[[Measurement], int | None]) -> Column[Row]:
        return columns.figure_column(header, "memory", lambda row: mega(memory_of(row, moment)))

    return tabulate(
        [
            *columns.case_columns(run),
            *(column(*each) for each in moments),
            columns.size(),
            Column(
                "runtime on disk MB",
                lambda row: mega(
                    # That of another environment is not known.
                    None if row.case.environment else run.installed_bytes.get(row.case.runtime)
                ),
            ),
        ],
        _with(run, lambda row: row.measurements),
    )


@dataclass(frozen=True)
class _Regime:
    """A line of the table of latencies: one regime of a row."""

    row: Row
    name: str
    latency: Latency
    figures: Mapping[str, Figure]


def _regimes(row: Row) -> Iterator[_Regime]:
    hot: dict[str, Figure] = {"p50": "p50", **{each: each for each in columns.PERCENTILES}}
    if row.back_to_back:
        yield _Regime(row, "back to back", row.back_to_back, hot)
    if row.paced:
        yield _Regime(row, "paced", row.paced, {"p50": "paced-p50", "p90": "paced-p90"})
    if row.service:
        yield _Regime(row, "paced, call alone", row.service, {})


def latencies_table(run: Run) -> Table:
    """Return percentiles, mean and extremes in microseconds; a line per row and regime."""
    name = row_names(run)

    def column(header: str, value: Callable[[Latency], float | None]) -> Column[_Regime]:
        def cell(line: _Regime) -> str:
            text, figure = micro(value(line.latency)), line.figures.get(header)
            return marked(line.row, figure, text) if figure else text

        return Column(header, cell)

    return tabulate(
        [
            Column("row", lambda line: name(line.row), numeric=False),
            Column("regime", lambda line: line.name, numeric=False),
            Column("samples", lambda line: f"{line.latency.samples:,}"),
            column("min", lambda latency: latency.min_ns),
            column("p50", columns.p50),
            *(column(each, columns.percentile(p)) for each, p in columns.PERCENTILES.items()),
            column("max", lambda latency: latency.max_ns),
            column("mean", lambda latency: latency.mean_ns),
        ],
        [line for row in _with(run, lambda row: row.back_to_back) for line in _regimes(row)],
    )


def energy_table(run: Run) -> Table:
    """Return the energy per inference above idle."""

    def column(header: str, text: Callable[[Energy], str]) -> Column[Row]:
        return Column(header, lambda row: text(row.energy) if row.energy else MISSING)

    return tabulate(
        [
            *columns.case_columns(run),
            columns.energy(),
            column("idle W", lambda energy: f"{energy.idle_w:.2f}"),
            column(
                "busy W",
                lambda energy: (
                    f"{energy.energy_j / energy.duration_seconds:.2f}"
                    if energy.duration_seconds
                    else MISSING
                ),
            ),
            column("seconds", lambda energy: f"{energy.duration_seconds:.1f}"),
            column("calls", lambda energy: f"{energy.calls:,}"),
        ],
        _with(run, lambda row: row.energy),
    )


def native_table(run: Run) -> Table:
    """Return native calls beside the same calls from Python, where both were measured."""
    rows = {row.case: row for row in _with(run, lambda row: row.back_to_back)}
    name = row_names(run)
    pairs = [
        (rows[python], native)
        for case, native in rows.items()
        if (python := replace(case, runtime=case.runtime.removesuffix(_NATIVE))) in rows
        and python != case
    ]
    return tabulate(
        [
            Column("row", lambda pair: name(pair[0]), numeric=False),
            Column("native p50 µs", lambda pair: micro(_p50(pair[1]))),
            Column("Python p50 µs", lambda pair: micro(_p50(pair[0]))),
            Column("difference µs", lambda pair: micro(_p50(pair[0]) - _p50(pair[1]))),
            Column("Python / native", lambda pair: _ratio(pair)[0]),
            Column("95 % interval", lambda pair: _ratio(pair)[1]),
        ],
        pairs,
    )


def _p50(row: Row) -> float:
    return row.back_to_back.p50_ns if row.back_to_back else 0.0


def _ratio(pair: tuple[Row, Row]) -> tuple[str, str]:
    python, native = pair
    found = between(native, python)
    if found is None:
        return MISSING, MISSING
    known = found.interval
    return f"{found.ratio:.2f}", span(known.low, known.high) if known else MISSING


def recall_table(run: Run) -> Table:
    """Return the recall of each class in percent; empty for too many classes."""
    rows = [row for row in _with(run, lambda row: row.accuracy) if not row.case.subject.is_baseline]
    classes = max((len(_recall(row)) for row in rows), default=0)
    if classes > _MOST_CLASSES:
        rows = []
    named = LABELS if classes == len(LABELS) else [f"class {index}" for index in range(classes)]
    return tabulate(
        [
            *columns.case_columns(run),
            *(_recall_column(index, name) for index, name in enumerate(named)),
        ],
        rows,
    )


def _recall_column(index: int, name: str) -> Column[Row]:
    def cell(row: Row) -> str:
        found = _recall(row)
        return percent(found[index], 1) if index < len(found) else MISSING

    return Column(name, cell)


def _recall(row: Row) -> Sequence[float | None]:
    return row.accuracy.recall if row.accuracy else ()


def _with(run: Run, what: Callable[[Row], object]) -> tuple[Row, ...]:
    """Return the rows that have it, without those that failed."""
    return tuple(row for row in ordered(run) if row.failure is None and what(row))

"""The tables behind the benchmark table: cold starts, stages, memory, tails, energy, native."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from fmnist_edge.records import replace
from fmnist_edge.report import columns
from fmnist_edge.report.cells import (
    KILO,
    MEGA,
    MISSING,
    Column,
    Table,
    micro,
    milli,
    significant,
    tabulate,
)
from fmnist_edge.report.ratios import between
from fmnist_edge.report.rows import memory_of, ordered, row_names
from fmnist_edge.result import ColdStart, Energy, Latency, Measurement, Row, Run, StageTimes

__all__ = [
    "asked_for",
    "cold_table",
    "details",
    "energy_table",
    "latencies_table",
    "memory_table",
    "native_table",
    "stages_table",
]

# Rows of native loops, and the runtime that makes the same calls from Python.
_NATIVE: Final = "-native"
_SHARES: Final = {"p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def details(run: Run) -> Iterator[tuple[str, Table]]:
    """Each table that has something to tell, and its title."""
    for title, table in (
        ("Latency in full, µs", latencies_table(run)),
        ("From nothing to the first answer", cold_table(run)),
        ("From image to label", stages_table(run)),
        ("Memory and disk", memory_table(run)),
    ):
        if table.rows:
            yield title, table
    yield from asked_for(run)


def asked_for(run: Run) -> Iterator[tuple[str, Table]]:
    """The tables of what is measured only on request, and their titles."""
    for title, table in (
        ("Energy", energy_table(run)),
        ("What Python adds to a call", native_table(run)),
    ):
        if table.rows:
            yield title, table


def cold_table(run: Run) -> Table:
    """Each part of a cold start in milliseconds: medians of the processes."""
    parts: Sequence[tuple[str, Callable[[ColdStart], float]]] = (
        ("start ms", lambda cold: cold.start),
        ("import ms", lambda cold: cold.import_),
        ("load ms", lambda cold: cold.load),
        ("first ms", lambda cold: cold.first),
        ("total ms", lambda cold: cold.total),
    )

    def column(header: str, part: Callable[[ColdStart], float]) -> Column[Row]:
        return Column(header, lambda row: milli(part(row.cold)) if row.cold else MISSING)

    return tabulate(
        [*columns.case_columns(run), *(column(*each) for each in parts)],
        _with(run, lambda row: row.cold),
    )


def stages_table(run: Run) -> Table:
    """From camera bytes to a label, stage by stage, in microseconds."""
    parts: Sequence[tuple[str, Callable[[StageTimes], float]]] = (
        ("prepare µs", lambda stages: stages.prepare),
        ("run µs", lambda stages: stages.run),
        ("decode µs", lambda stages: stages.decode),
        ("together µs", lambda stages: stages.prepare + stages.run + stages.decode),
    )

    def column(header: str, part: Callable[[StageTimes], float]) -> Column[Row]:
        return Column(header, lambda row: micro(part(row.stages)) if row.stages else MISSING)

    return tabulate(
        [*columns.case_columns(run), *(column(*each) for each in parts)],
        _with(run, lambda row: row.stages),
    )


def memory_table(run: Run) -> Table:
    """Resident memory at each moment, the largest of the processes, and the room on the disk."""
    moments: Sequence[tuple[str, Callable[[Measurement], int | None]]] = (
        ("RSS at start MB", lambda measurement: measurement.memory.start),
        ("after import MB", lambda measurement: measurement.memory.imported),
        ("after load MB", lambda measurement: measurement.memory.loaded),
        ("steady MB", lambda measurement: measurement.memory.steady),
        ("peak MB", lambda measurement: measurement.memory.peak),
    )

    def column(header: str, moment: Callable[[Measurement], int | None]) -> Column[Row]:
        return Column(header, lambda row: _mega(memory_of(row, moment)))

    return tabulate(
        [
            *columns.case_columns(run),
            *(column(*each) for each in moments),
            columns.size(),
            Column(
                "runtime on disk MB",
                lambda row: _mega(run.installed_bytes.get(row.case.runtime)),
            ),
        ],
        _with(run, lambda row: row.measurements),
    )


def _mega(number: int | None) -> str:
    return MISSING if number is None else f"{number / MEGA:.1f}"


def latencies_table(run: Run) -> Table:
    """Percentiles, mean and extremes of each regime in microseconds; a line per row and regime."""
    name = row_names(run)
    lines: list[tuple[str, str, Latency]] = [
        (name(row), regime, latency)
        for row in _with(run, lambda row: row.back_to_back)
        for regime, latency in (
            ("back to back", row.back_to_back),
            ("paced", row.paced),
            ("paced, call alone", row.service),
        )
        if latency is not None
    ]

    def column(
        header: str, value: Callable[[Latency], float | None]
    ) -> Column[tuple[str, str, Latency]]:
        return Column(header, lambda line: micro(value(line[2])))

    return tabulate(
        [
            Column("row", lambda line: line[0], numeric=False),
            Column("regime", lambda line: line[1], numeric=False),
            Column("samples", lambda line: f"{line[2].count:,}"),
            column("fastest", lambda latency: latency.fastest),
            column("p50", columns.p50),
            *(column(header, columns.percentile(share)) for header, share in _SHARES.items()),
            column("slowest", lambda latency: latency.slowest),
            column("mean", lambda latency: latency.mean),
        ],
        lines,
    )


def energy_table(run: Run) -> Table:
    """Energy per inference above idle."""

    def column(header: str, text: Callable[[Energy], str]) -> Column[Row]:
        return Column(header, lambda row: text(row.energy) if row.energy else MISSING)

    return tabulate(
        [
            *columns.case_columns(run),
            column(
                "mJ per call", lambda energy: _milli_joules(energy) if energy.calls else MISSING
            ),
            column("idle W", lambda energy: f"{energy.idle_watts:.2f}"),
            column(
                "busy W",
                lambda energy: (
                    f"{energy.joules / energy.seconds:.2f}" if energy.seconds else MISSING
                ),
            ),
            column("seconds", lambda energy: f"{energy.seconds:.1f}"),
            column("calls", lambda energy: f"{energy.calls:,}"),
        ],
        _with(run, lambda row: row.energy),
    )


def _milli_joules(energy: Energy) -> str:
    return significant(KILO * energy.joules_per_call)


def native_table(run: Run) -> Table:
    """Calls made by native code beside the same calls from Python, where both were measured."""
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
    return row.back_to_back.p50 if row.back_to_back else 0.0


def _ratio(pair: tuple[Row, Row]) -> tuple[str, str]:
    python, native = pair
    found = between(native, python)
    if found is None:
        return MISSING, MISSING
    known = found.interval
    return f"{found.ratio:.2f}", f"{known.low:.2f} to {known.high:.2f}" if known else MISSING


def _with(run: Run, what: Callable[[Row], object]) -> tuple[Row, ...]:
    """The rows that have it, without those that failed."""
    return tuple(row for row in ordered(run) if row.failure is None and what(row))

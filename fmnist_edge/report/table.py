"""The benchmark table as text cells; whoever prints it decides what it looks like."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.result import Latency, Measurement, Row, Run

__all__ = ["Table", "benchmark_table", "failures"]

_MISSING: Final = "-"
_KILO: Final = 1_000
_MEGA: Final = 1_000_000


@dataclass(frozen=True)
class Table:
    """Cells, and which columns hold numbers.

    Args:
        headers: One per column.
        rows: As many cells each as there are headers.
        numeric: Whether a column is to be aligned to the right.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


@dataclass(frozen=True)
class _Column:
    header: str
    cell: Callable[[Row], str]
    numeric: bool = True


def benchmark_table(run: Run) -> Table:
    """The table of a run: a row per case, failed ones included.

    The thread count and batch size have columns only where they differ between rows.
    """
    columns = _columns(run)
    return Table(
        headers=tuple(column.header for column in columns),
        rows=tuple(tuple(column.cell(row) for column in columns) for row in run.rows),
        numeric=tuple(column.numeric for column in columns),
    )


def failures(run: Run) -> tuple[str, ...]:
    """One sentence for each row that has no numbers."""
    name = _names(run)
    return tuple(
        f"{name(row)} on {row.case.runtime}: {row.failure.message} {row.failure.hint}".strip()
        for row in run.rows
        if row.failure is not None
    )


def _columns(run: Run) -> Sequence[_Column]:
    varied = []
    if len({row.case.threads for row in run.rows}) > 1:
        varied.append(_Column("threads", lambda row: str(row.case.threads)))
    if len({row.case.batch for row in run.rows}) > 1:
        varied.append(_Column("batch", lambda row: str(row.case.batch)))
    return [
        _Column("model", _names(run), numeric=False),
        _Column("runtime", lambda row: row.case.runtime, numeric=False),
        *varied,
        _Column("size kB", _size),
        _Column("accuracy %", _accuracy),
        _Column("p50 µs", _latency(lambda latency: latency.p50)),
        _Column("p90 µs", _latency(lambda latency: latency.p90)),
        _Column("p99 µs", _latency(lambda latency: latency.p99)),
        _Column("mean µs", _latency(lambda latency: latency.mean)),
        _Column("first ms", lambda row: _milli([m.first_ns for m in _measured(row)])),
        _Column("load ms", lambda row: _milli([m.load_ns for m in _measured(row)])),
        _Column(f"k images/s at {run.settings.throughput_batch}", _throughput),
        _Column("RSS MB", _memory),
    ]


def _names(run: Run) -> Callable[[Row], str]:
    """File names; whole paths for files that share their name with another."""
    count = Counter(subject.name for subject in {row.case.subject for row in run.rows})

    def cell(row: Row) -> str:
        subject = row.case.subject
        return subject.name if count[subject.name] == 1 else subject.path

    return cell


def _measured(row: Row) -> Sequence[Measurement]:
    """What a row's numbers come from; a failed row has none, whatever was measured before."""
    return () if row.failure else row.measurements


def _size(row: Row) -> str:
    size = row.case.subject.size_bytes
    return _MISSING if size is None else f"{size / _KILO:.1f}"


def _accuracy(row: Row) -> str:
    return _MISSING if row.accuracy is None else f"{row.accuracy.top1:.2%}".removesuffix("%")


def _throughput(row: Row) -> str:
    if row.throughput is None:
        return _MISSING
    return _significant(row.throughput.images_per_second / _KILO)


def _memory(row: Row) -> str:
    steady = [m.memory.steady for m in _measured(row) if m.memory.steady is not None]
    return f"{max(steady) / _MEGA:.0f}" if steady else _MISSING


def _latency(of: Callable[[Latency], float]) -> Callable[[Row], str]:
    """A cell in microseconds."""

    def cell(row: Row) -> str:
        return _MISSING if row.latency is None else _significant(of(row.latency) / _KILO)

    return cell


def _milli(nanoseconds: Sequence[int]) -> str:
    """The median, so that one slow process does not speak for all."""
    if not nanoseconds:
        return _MISSING
    return _significant(statistics.median(nanoseconds) / _MEGA)


def _significant(value: float) -> str:
    """Three significant digits and no exponent: 0.123, 12.3, 1230."""
    if value <= 0:
        return "0"
    digits = max(0, 2 - int(f"{value:.2e}".partition("e")[2]))
    return f"{float(f'{value:.3g}'):.{digits}f}"

"""The rows of a result, computed from the data of all cases."""

from collections.abc import Mapping, Sequence

from fmnist_edge.bench import statistics
from fmnist_edge.bench.accuracy import accuracy
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.checks import judge
from fmnist_edge.bench.remarks import remarks
from fmnist_edge.bench.rules import check_rules
from fmnist_edge.records import replace
from fmnist_edge.result import Row, Value, case_name, fastest


def make_rows(data: Sequence[CaseData], host: Mapping[str, Value]) -> tuple[Row, ...]:
    """Return a row per case, with everything that can be computed from the measurements.

    Args:
        data: One per case of the run, in order; each without a failure has a measurement.
        host: Facts about the machine, by name.

    Raises:
        ValueError: A case has neither failed nor been measured.
    """
    rows = [_row(each, data) for each in data]
    judged = [row if row.failure else _judged(row, host) for row in rows]
    return tuple(row if row.failure else _ranked(row, judged, host) for row in judged)


def _row(own: CaseData, everything: Sequence[CaseData]) -> Row:
    measurements, readings = tuple(own.measurements), tuple(own.readings)
    if own.failure is not None:
        return Row(own.case, measurements, readings=readings, failure=own.failure)
    if not measurements:
        raise ValueError(f"{case_name(own.case)} was neither measured nor did it fail")
    paced, service = statistics.paced(measurements) or (None, None)
    return Row(
        case=own.case,
        measurements=measurements,
        cold=statistics.cold(measurements),
        cold_empty=statistics.cold_empty(measurements),
        back_to_back=statistics.back_to_back(measurements),
        paced=paced,
        service=service,
        throughput=statistics.throughput(measurements),
        calls_per_second=statistics.calls_per_second(measurements),
        stages=statistics.stages(measurements),
        accuracy=accuracy(own, everything),
        energy=own.energy,
        sustained=own.sustained,
        readings=readings,
    )


def _judged(row: Row, host: Mapping[str, Value], best: Row | None = None) -> Row:
    verdict = judge(row, host, best)
    return replace(
        row,
        reasons=verdict.reasons,
        not_checked=verdict.not_checked,
        verdicts=verdict.figures,
    )


def _ranked(row: Row, rows: Sequence[Row], host: Mapping[str, Value]) -> Row:
    """Return the row with what follows from its numbers and those of the others."""
    best = fastest(rows, row.case.batch)
    judged = _judged(row, host, best) if best is not None and best is not row else row
    return replace(judged, rules=check_rules(row), remarks=remarks(row, rows, host))

"""From what was measured to the rows of a result."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fmnist_edge.bench import statistics
from fmnist_edge.bench.accuracy import accuracy
from fmnist_edge.bench.evidence import Evidence
from fmnist_edge.bench.remarks import remarks
from fmnist_edge.bench.rules import check_rules
from fmnist_edge.bench.verdict import judge
from fmnist_edge.result import Row

__all__ = ["summarize"]


def summarize(evidence: Sequence[Evidence], host: Mapping[str, str]) -> tuple[Row, ...]:
    """A row per case, with everything that can be computed from the measurements.

    Args:
        evidence: One per case of the run, in order; each without a failure has a measurement.
        host: Facts about the machine, by name.

    Raises:
        ValueError: a case has neither failed nor been measured.
    """
    rows = [_row(each, evidence) for each in evidence]
    return tuple(row if row.failure else _judged(row, rows, host) for row in rows)


def _row(own: Evidence, everything: Sequence[Evidence]) -> Row:
    if own.failure is not None:
        return Row(own.case, own.measurements, readings=own.readings, failure=own.failure)
    taken = own.measurements
    if not taken:
        where = f"{own.case.subject.name} on {own.case.runtime}"
        raise ValueError(f"{where} was neither measured nor did it fail")
    paced, service = statistics.paced(taken) or (None, None)
    return Row(
        case=own.case,
        measurements=taken,
        cold=statistics.cold(taken),
        back_to_back=statistics.back_to_back(taken),
        paced=paced,
        service=service,
        throughput=statistics.throughput(taken),
        calls_per_second=statistics.calls_per_second(taken),
        stages=statistics.stages(taken),
        accuracy=accuracy(own, everything),
        energy=own.energy,
        readings=own.readings,
    )


def _judged(row: Row, rows: Sequence[Row], host: Mapping[str, str]) -> Row:
    """The row with what can only be said once all numbers are there."""
    return replace(
        row,
        rules=check_rules(row),
        remarks=remarks(row, rows),
        verdict=judge(row, host),
    )

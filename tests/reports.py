"""Runs of several rows, as reports and comparisons meet them."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Case,
    Cold,
    ColdStart,
    Interval,
    Latency,
    Predictions,
    Reason,
    Row,
    Run,
    Subject,
)
from tests import examples

HOST = {"model": "a toaster", "cpu": "one", "memory_bytes": 2 << 30, "governor": "performance"}


def case(name: str, runtime: str, *, content: str = "", **changes: Any) -> Case:  # noqa: ANN401 - any field
    """A case of a file; files of other `content` have other hashes."""
    subject = Subject(name, None, None, (content or name).encode().hex().ljust(64, "0")[:64], 1234)
    return replace(Case(subject, runtime, "cpu", 1, 1), **changes)


def latency(medians: Sequence[float]) -> Latency:
    """Of processes with these medians, in nanoseconds."""
    middle = fmean(medians)
    interval = Interval(0.99 * middle, 1.01 * middle) if len(medians) > 1 else None
    return examples.latency(middle, interval=interval, process_p50_ns=tuple(medians))


def row(of: Case, *medians: float, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A row with these process medians back to back; five times as long paced."""
    cold = [Cold(int(1e6 * each), 0, 0, 0) for each in medians]
    measurements = tuple(replace(examples.MEASUREMENT, cold=each) for each in cold)
    plain = examples.row(
        of,
        measurements=measurements,
        back_to_back=latency(medians),
        paced=latency([5 * each for each in medians]),
        cold=ColdStart(0.0, 0.0, 0.0, 0.0, fmean(each.total_ns for each in cold)),
    )
    return replace(plain, **changes)


def baseline(*medians: float) -> tuple[Row, Row]:
    """The network in NumPy with these process medians, and the row of the harness."""
    null, numpy = Case(NO_MODEL, "null", "cpu", 1, 1), Case(FIXED_NETWORK, "numpy", "cpu", 1, 1)
    return row(numpy, *medians), row(null, *([130.0] * len(medians)))


def doubted(of: Row, *reasons: Reason) -> Row:
    """The row with these reasons, and the verdicts that follow from them; the worst is the last."""
    levels = {figure: reason.level for reason in reasons for figure in reason.figures}
    return replace(of, reasons=reasons, verdicts=dict.fromkeys(of.verdicts, "VALID") | levels)


def run(*rows: Row, **changes: Any) -> Run:  # noqa: ANN401 - any field
    """A run with these rows on one and the same machine."""
    return replace(replace(examples.run(*rows), host=HOST), **changes)


def answering(labels: str, correct: int) -> dict[str, Any]:
    """The fields of a row that gave these labels, one digit per image."""
    told = Predictions(labels, examples.samples(*[500_000] * len(labels)))
    measurement = replace(examples.MEASUREMENT, predictions=told)
    return {
        "measurements": (measurement, measurement),
        "accuracy": examples.accuracy(correct, len(labels)),
    }

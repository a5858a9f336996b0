"""The rules of known benchmarks, and whether a row meets them.

The numbers are those of MLPerf's rules, under other names: "tiny-like" is no MLPerf Tiny result,
which takes a submission.

Sources:
    tiny-like: MLPerf Tiny v1.2: exactly five windows of at least 10 s, median throughput.
    mobile-like: MLPerf Mobile v4.0: at least 1,024 samples and 60 s, p90, and of a classifier's
        accuracy at least 98 % of the float model's.
    edge-like: MLPerf Inference, edge, single stream: at least 600 s, p90 by early stopping.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.result import Row, RuleCheck, Values

PROCESSES: Final = 5
"""The number of processes from which on the spread between them is known."""
_WINDOWS: Final = 5
_WINDOW_SECONDS: Final = 10.0
_OF_REFERENCE: Final = 0.98

Answer = tuple[bool, Values]


@dataclass(frozen=True)
class Rule:
    """One condition of a protocol.

    Args:
        protocol: "mobile-like".
        name: A code of `result.codes.RULES`.
        check: Returns whether a measured row meets the rule, and the values that decide it.
    """

    protocol: str
    name: str
    check: Callable[[Row], Answer]


def check_rules(row: Row) -> tuple[RuleCheck, ...]:
    """Return every rule, met or not; none for a row without latency."""
    if row.back_to_back is None:
        return ()
    return tuple(RuleCheck(rule.protocol, rule.name, *rule.check(row)) for rule in RULES)


def _samples(row: Row, *, at_least: int) -> Answer:
    found = row.back_to_back.samples if row.back_to_back else 0
    return found >= at_least, {"samples": found, "samples_needed": at_least}


def _windows(row: Row) -> Sequence[float]:
    """Return the seconds of back-to-back calls of each process."""
    return [each.back_to_back.busy_ns / NS_PER_SECOND for each in row.measurements]


def _seconds(row: Row, *, at_least: float) -> Answer:
    found = sum(_windows(row))
    return found >= at_least, {"seconds": found, "seconds_needed": at_least}


def _five_windows(row: Row) -> Answer:
    found = len(row.measurements)
    return found == _WINDOWS, {"processes": found, "processes_needed": _WINDOWS}


def _long_windows(row: Row) -> Answer:
    shortest = min(_windows(row), default=0.0)
    met = shortest >= _WINDOW_SECONDS
    return met, {"seconds": shortest, "seconds_needed": _WINDOW_SECONDS}


def _median_throughput(row: Row) -> Answer:
    rates = [
        each.back_to_back.calls * NS_PER_SECOND / each.back_to_back.busy_ns
        for each in row.measurements
        if each.back_to_back.busy_ns
    ]
    return (True, {"calls_per_second": statistics.median(rates)}) if rates else (False, {})


def _p90(row: Row) -> Answer:
    bound = row.back_to_back.percentile(0.9).bound_ns if row.back_to_back else None
    return (False, {}) if bound is None else (True, {"bound_ns": bound})


def _accuracy(row: Row) -> Answer:
    accuracy, needed = row.accuracy, {"share_needed": _OF_REFERENCE}
    if accuracy is None:
        return False, needed
    if accuracy.against is None:
        return row.case.subject.precision is Precision.FLOAT32, needed
    expected = accuracy.correct + accuracy.against.lost - accuracy.against.gained
    share = accuracy.correct / max(expected, 1)
    return accuracy.correct >= _OF_REFERENCE * expected, {
        "reference": accuracy.against.reference,
        "share": share,
        **needed,
    }


def _processes(row: Row) -> Answer:
    found = len(row.measurements)
    return found >= PROCESSES, {"processes": found, "processes_needed": PROCESSES}


RULES: Final = (
    Rule("quick", "min-samples", partial(_samples, at_least=64)),
    Rule("quick", "min-seconds", partial(_seconds, at_least=1.0)),
    Rule("tiny-like", "windows", _five_windows),
    Rule("tiny-like", "window-seconds", _long_windows),
    Rule("tiny-like", "median-throughput", _median_throughput),
    Rule("mobile-like", "min-samples", partial(_samples, at_least=1_024)),
    Rule("mobile-like", "min-seconds", partial(_seconds, at_least=60.0)),
    Rule("mobile-like", "early-stopping-p90", _p90),
    Rule("mobile-like", "reference-accuracy", _accuracy),
    Rule("edge-like", "min-seconds", partial(_seconds, at_least=600.0)),
    Rule("edge-like", "early-stopping-p90", _p90),
    Rule("processes", "min-processes", _processes),
)
"""Every rule that a row is held against."""

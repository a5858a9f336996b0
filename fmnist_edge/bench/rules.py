"""Rules of known benchmarks, and whether a row meets them.

The numbers are those of MLPerf's rules, under other names: "tiny-like" is no MLPerf Tiny result,
which takes a submission.

Sources:
    tiny-like: MLPerf Tiny v1.2: exactly five windows of at least 10 s, median throughput.
    mobile-like: MLPerf Mobile v4.0: at least 1,024 samples and 60 s, p90, and of a classifier's
        accuracy at least 98 % of the float model's.
    edge-like: MLPerf Inference, edge, single stream: at least 600 s, p90 by early stopping.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.wording import counted, duration
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.result import Row, RuleCheck

__all__ = ["PROCESSES", "RULES", "Rule", "check_rules"]

PROCESSES: Final = 5
"""Processes from which on the spread between them is known."""
_WINDOWS: Final = 5
_WINDOW_SECONDS: Final = 10
_OF_REFERENCE: Final = 0.98

Answer = tuple[bool, str]


@dataclass(frozen=True)
class Rule:
    """One condition of a protocol.

    Args:
        text: "mobile-like: at least 1,024 samples".
        check: Whether a measured row meets it, and what was found.
    """

    text: str
    check: Callable[[Row], Answer]


def check_rules(row: Row) -> tuple[RuleCheck, ...]:
    """Every rule, met or not; none for a row without latency."""
    if row.back_to_back is None:
        return ()
    return tuple(RuleCheck(rule.text, *rule.check(row)) for rule in RULES)


def _samples(row: Row, *, at_least: int) -> Answer:
    found = row.back_to_back.count if row.back_to_back else 0
    return found >= at_least, counted(found, "sample")


def _windows(row: Row) -> list[float]:
    """Seconds of back-to-back calls of each process."""
    return [each.back_to_back.busy_ns / NS_PER_SECOND for each in row.measurements]


def _time(row: Row, *, at_least: float) -> Answer:
    found = sum(_windows(row))
    return found >= at_least, f"{found:,.1f} s of calls"


def _five_windows(row: Row) -> Answer:
    found = len(row.measurements)
    return found == _WINDOWS, counted(found, "process")


def _long_windows(row: Row) -> Answer:
    shortest = min(_windows(row), default=0.0)
    return shortest >= _WINDOW_SECONDS, f"the shortest took {shortest:,.1f} s"


def _median_throughput(row: Row) -> Answer:
    rates = [
        each.back_to_back.calls * NS_PER_SECOND / each.back_to_back.busy_ns
        for each in row.measurements
        if each.back_to_back.busy_ns
    ]
    if not rates:
        return False, "no time passed"
    return True, f"{statistics.median(rates):,.0f} calls per second"


def _p90(row: Row) -> Answer:
    if row.back_to_back is None:
        return False, "no latency"
    p90 = row.back_to_back.percentile(0.9)
    return p90.nanoseconds is not None, p90.refused or duration(p90.nanoseconds or 0.0)


def _accuracy(row: Row) -> Answer:
    accuracy = row.accuracy
    if accuracy is None:
        return False, "the accuracy is not known"
    if accuracy.against is None:
        is_float = row.case.subject.precision is Precision.FLOAT32
        return is_float, "it is a float file" if is_float else "no float reference in this run"
    expected = accuracy.correct + accuracy.against.lost - accuracy.against.gained
    enough = accuracy.correct >= _OF_REFERENCE * expected
    share = 100 * accuracy.correct / max(expected, 1)
    return enough, f"{share:.1f} % of {accuracy.against.reference}"


def _processes(row: Row) -> Answer:
    found = len(row.measurements)
    return found >= PROCESSES, counted(found, "process")


RULES: Final = (
    Rule("quick: at least 64 samples", partial(_samples, at_least=64)),
    Rule("quick: at least 1 s of calls", partial(_time, at_least=1)),
    Rule("tiny-like: exactly 5 windows", _five_windows),
    Rule("tiny-like: each window at least 10 s", _long_windows),
    Rule("tiny-like: median throughput of the windows", _median_throughput),
    Rule("mobile-like: at least 1,024 samples", partial(_samples, at_least=1_024)),
    Rule("mobile-like: at least 60 s of calls", partial(_time, at_least=60)),
    Rule("mobile-like: p90 by early stopping", _p90),
    Rule("mobile-like: accuracy at least 98 % of the float reference", _accuracy),
    Rule("edge-like: at least 600 s of calls", partial(_time, at_least=600)),
    Rule("edge-like: p90 by early stopping", _p90),
    Rule("processes: at least 5", _processes),
)
"""What is checked: each name before the colon is a protocol's, and all its lines belong to it."""

"""Each rule is met from its number on, and not before."""

import pytest

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.rules import RULES, check_rules
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Accuracy,
    AgainstReference,
    Measurement,
    Percentile,
    Row,
    RuleCheck,
)
from tests.examples import FAILURE, MEASUREMENT, accuracy, latency, row

_SECOND = 1_000_000_000


def _process(seconds: float, calls: int = 1) -> Measurement:
    hot = replace(MEASUREMENT.back_to_back, busy_ns=round(seconds * _SECOND), calls=calls)
    return replace(MEASUREMENT, back_to_back=hot)


def _windows(*seconds: float) -> Row:
    return row(measurements=tuple(map(_process, seconds)))


def _checked(of: Row, protocol: str, rule: str) -> RuleCheck:
    checks = {(check.protocol, check.rule): check for check in check_rules(of)}
    return checks[protocol, rule]


def test_a_failed_row_meets_no_rules() -> None:
    assert check_rules(Row(row().case, failure=FAILURE)) == ()


def test_every_row_is_checked_against_every_rule_under_names_of_our_own() -> None:
    checked = [(check.protocol, check.rule) for check in check_rules(row())]
    assert checked == [(rule.protocol, rule.name) for rule in RULES]
    assert len(set(checked)) == len(checked)
    protocols = {rule.protocol for rule in RULES}
    assert protocols == {"quick", "tiny-like", "mobile-like", "edge-like", "processes"}


@pytest.mark.parametrize(("protocol", "least"), [("quick", 64), ("mobile-like", 1024)])
def test_samples_are_counted(protocol: str, least: int) -> None:
    few = _checked(row(back_to_back=latency(samples=least - 1)), protocol, "min-samples")
    assert not few.met
    enough = _checked(row(back_to_back=latency(samples=least)), protocol, "min-samples")
    assert (enough.met, enough.values) == (True, {"samples": least, "samples_needed": least})


@pytest.mark.parametrize(
    ("protocol", "least"), [("quick", 1), ("mobile-like", 60), ("edge-like", 600)]
)
def test_the_time_of_all_processes_counts(protocol: str, least: int) -> None:
    assert not _checked(_windows(0.5 * least, 0.49 * least), protocol, "min-seconds").met
    check = _checked(_windows(0.5 * least, 0.5 * least), protocol, "min-seconds")
    assert (check.met, check.values) == (True, {"seconds": least, "seconds_needed": least})


@pytest.mark.parametrize(("count", "met"), [(4, False), (5, True), (6, False)])
def test_tiny_like_takes_exactly_five_windows(count: int, met: bool) -> None:  # noqa: FBT001 - the expected answer
    check = _checked(_windows(*[10] * count), "tiny-like", "windows")
    assert (check.met, check.values["processes"]) == (met, count)


def test_tiny_like_takes_ten_seconds_in_each_window() -> None:
    assert _checked(_windows(10, 11, 10), "tiny-like", "window-seconds").met
    short = _checked(_windows(90, 9.9), "tiny-like", "window-seconds")
    assert (short.met, short.values["seconds"]) == (False, 9.9)


def test_tiny_like_tells_the_median_throughput() -> None:
    windows = tuple(_process(2, calls) for calls in (2_000, 90_000, 4_000))
    check = _checked(row(measurements=windows), "tiny-like", "median-throughput")
    assert (check.met, check.values) == (True, {"calls_per_second": 2_000})
    assert not _checked(_windows(0), "tiny-like", "median-throughput").met


@pytest.mark.parametrize("protocol", ["mobile-like", "edge-like"])
def test_a_p90_must_be_given(protocol: str) -> None:
    check = _checked(row(), protocol, "early-stopping-p90")
    assert (check.met, check.values) == (True, {"bound_ns": 3000.0})
    refused = latency(percentiles=(Percentile(0.9, None, "too-few-samples", 64),))
    check = _checked(row(back_to_back=refused), protocol, "early-stopping-p90")
    assert (check.met, check.values) == (False, {})


def _accurate(lost: int) -> Accuracy:
    against = AgainstReference("model.keras", "tensorflow", 0.9, lost, 0, 0.5, None)
    return accuracy(100 - lost, 100, against=against)


def test_mobile_like_takes_98_percent_of_the_reference() -> None:
    check = _checked(row(accuracy=_accurate(2)), "mobile-like", "reference-accuracy")
    assert check.met
    assert check.values == {"reference": "model.keras", "share": 0.98, "share_needed": 0.98}
    assert not _checked(row(accuracy=_accurate(3)), "mobile-like", "reference-accuracy").met


def test_an_accuracy_that_is_not_known_meets_nothing() -> None:
    rule = ("mobile-like", "reference-accuracy")
    assert not _checked(row(), *rule).met
    floating = row(accuracy=accuracy())
    assert _checked(floating, *rule).met
    subject = replace(floating.case.subject, precision=Precision.INT8)
    alone = replace(floating, case=replace(floating.case, subject=subject))
    assert not _checked(alone, *rule).met


@pytest.mark.parametrize(("count", "met"), [(1, False), (4, False), (5, True), (20, True)])
def test_five_processes_show_how_they_differ(count: int, met: bool) -> None:  # noqa: FBT001 - the expected answer
    assert _checked(_windows(*[1] * count), "processes", "min-processes").met == met

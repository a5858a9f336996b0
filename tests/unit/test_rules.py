"""Each rule is met from its number on, and not before."""

from dataclasses import replace

import pytest

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.rules import RULES, check_rules
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


def _checked(of: Row, rule: str) -> RuleCheck:
    return next(check for check in check_rules(of) if check.rule == rule)


def test_a_failed_row_meets_no_rules() -> None:
    assert check_rules(Row(row().case, failure=FAILURE)) == ()


def test_every_row_is_checked_against_every_rule_under_names_of_our_own() -> None:
    assert [check.rule for check in check_rules(row())] == [rule.text for rule in RULES]
    protocols = {rule.text.partition(":")[0] for rule in RULES}
    assert protocols == {"quick", "tiny-like", "mobile-like", "edge-like", "processes"}
    assert all(check.found for check in check_rules(row()))


@pytest.mark.parametrize(
    ("rule", "least"),
    [("quick: at least 64 samples", 64), ("mobile-like: at least 1,024 samples", 1024)],
)
def test_samples_are_counted(rule: str, least: int) -> None:
    assert not _checked(row(back_to_back=latency(count=least - 1)), rule).met
    assert _checked(row(back_to_back=latency(count=least)), rule) == RuleCheck(
        rule, met=True, found=f"{least:,} samples"
    )


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        ("quick: at least 1 s of calls", 1),
        ("mobile-like: at least 60 s of calls", 60),
        ("edge-like: at least 600 s of calls", 600),
    ],
)
def test_the_time_of_all_processes_counts(rule: str, least: int) -> None:
    assert not _checked(_windows(0.5 * least, 0.49 * least), rule).met
    check = _checked(_windows(0.5 * least, 0.5 * least), rule)
    assert (check.met, check.found) == (True, f"{least:.1f} s of calls")


@pytest.mark.parametrize(("count", "met"), [(4, False), (5, True), (6, False)])
def test_tiny_like_takes_exactly_five_windows(count: int, met: bool) -> None:  # noqa: FBT001 - the expected answer
    check = _checked(_windows(*[10] * count), "tiny-like: exactly 5 windows")
    assert (check.met, check.found) == (met, f"{count} processes")


def test_tiny_like_takes_ten_seconds_in_each_window() -> None:
    rule = "tiny-like: each window at least 10 s"
    assert _checked(_windows(10, 11, 10), rule).met
    assert _checked(_windows(90, 9.9), rule).found == "the shortest took 9.9 s"
    assert not _checked(_windows(90, 9.9), rule).met


def test_tiny_like_tells_the_median_throughput() -> None:
    rule = "tiny-like: median throughput of the windows"
    windows = tuple(_process(2, calls) for calls in (2_000, 90_000, 4_000))
    assert _checked(row(measurements=windows), rule) == RuleCheck(
        rule, met=True, found="2,000 calls per second"
    )
    assert not _checked(_windows(0), rule).met


@pytest.mark.parametrize("protocol", ["mobile-like", "edge-like"])
def test_a_p90_must_be_given(protocol: str) -> None:
    rule = f"{protocol}: p90 by early stopping"
    assert _checked(row(), rule) == RuleCheck(rule, met=True, found="3.00 µs")
    refused = latency(percentiles=(Percentile(0.9, None, "27 samples; it needs 64"),))
    assert _checked(row(back_to_back=refused), rule) == RuleCheck(
        rule, met=False, found="27 samples; it needs 64"
    )


def _accurate(lost: int) -> Accuracy:
    against = AgainstReference("model.keras", "tensorflow", 0.9, lost, 0, 0.5, None)
    return accuracy(100 - lost, 100, against=against)


def test_mobile_like_takes_98_percent_of_the_reference() -> None:
    rule = "mobile-like: accuracy at least 98 % of the float reference"
    assert _checked(row(accuracy=_accurate(2)), rule) == RuleCheck(
        rule, met=True, found="98.0 % of model.keras"
    )
    assert not _checked(row(accuracy=_accurate(3)), rule).met


def test_an_accuracy_that_is_not_known_meets_nothing() -> None:
    rule = "mobile-like: accuracy at least 98 % of the float reference"
    assert _checked(row(), rule) == RuleCheck(rule, met=False, found="the accuracy is not known")
    floating = row(accuracy=accuracy())
    assert _checked(floating, rule) == RuleCheck(rule, met=True, found="it is a float file")
    subject = replace(floating.case.subject, precision=Precision.INT8)
    alone = replace(floating, case=replace(floating.case, subject=subject))
    assert _checked(alone, rule).found == "no float reference in this run"
    assert not _checked(alone, rule).met


@pytest.mark.parametrize(("count", "met"), [(1, False), (4, False), (5, True), (20, True)])
def test_five_processes_show_how_they_differ(count: int, met: bool) -> None:  # noqa: FBT001 - the expected answer
    assert _checked(_windows(*[1] * count), "processes: at least 5").met == met

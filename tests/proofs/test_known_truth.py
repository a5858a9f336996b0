"""The whole harness on runtimes whose times are known: real processes, turns and verdicts."""

import statistics
from collections.abc import Mapping

import numpy as np
import pytest

from fmnist_edge.records import replace
from fmnist_edge.result import Latency, Paced, Reason, Row, Settings
from tests.proofs.attempts import Attempts
from tests.proofs.spinning import PERIOD, STEADY, measure
from tests.proofs.spinning_worker import BASE, DRIFT, SLOW, STALL, STALLING, THROTTLED

# Closer than this, what lies between the clock and the call shows.
NEAR = 0.05
Rows = Mapping[str, Row]
pytestmark = pytest.mark.clocked
# Reasons that speak of the times themselves; others speak of the machine.
CHANGING = {"speed-drifts", "several-speeds", "process-medians-vary"}


def _measure(settings: Settings, *names: str) -> Rows:
    """A row per runtime of `spinning_worker`."""
    return dict(zip(names, measure(settings, names), strict=True))


@pytest.fixture(scope="module")
def speeds() -> Attempts[Rows]:
    return Attempts(lambda: _measure(STEADY, "constant", "bimodal", "drifting", "throttling"))


@pytest.fixture(scope="module")
def stalling() -> Attempts[Row]:
    # Twice round all inputs, so that one stall at least is not at the end of a turn.
    settings = replace(STEADY, processes=2, paced_samples=2 * STALLING + 24)
    return Attempts(lambda: _measure(settings, "stalling")["stalling"])


@pytest.fixture(scope="module")
def frauds() -> Attempts[Rows]:
    return Attempts(lambda: _measure(STEADY, "caching", "hasty", "enqueueing", "constant"))


def _hot(row: Row) -> Latency:
    assert row.back_to_back is not None
    return row.back_to_back


def _reasons(row: Row) -> Mapping[str, Reason]:
    return {reason.code: reason for reason in row.reasons}


# Percentiles


@pytest.mark.parametrize(("name", "p90"), [("constant", BASE), ("bimodal", SLOW)])
def test_percentiles_are_those_of_the_truth(speeds: Attempts[Rows], name: str, p90: float) -> None:
    def check(rows: Rows) -> None:
        hot = _hot(rows[name])
        assert hot.p50_ns == pytest.approx(BASE, rel=NEAR)
        assert hot.percentile(0.9).bound_ns == pytest.approx(p90, rel=NEAR)

    speeds.show(check)


@pytest.mark.parametrize(
    ("name", "p50", "p90"),
    [
        # As speed falls, there are fewer calls in the same time: their number at a speed goes with
        # its inverse, so the logarithm of the time of a call is spread evenly over the calls.
        ("drifting", BASE * (1 + DRIFT) ** 0.5, BASE * (1 + DRIFT) ** 0.9),
        # For the same reason, the slow third of the time has a fifth of the calls.
        ("throttling", BASE, BASE * THROTTLED),
    ],
)
def test_so_they_are_where_the_speed_changes(
    speeds: Attempts[Rows], name: str, p50: float, p90: float
) -> None:
    def check(rows: Rows) -> None:
        hot = _hot(rows[name])
        # Where the machine gives a process more time in one part of its run than in another, there
        # are more calls of one speed; so the process in the middle is asked.
        middle = statistics.median(hot.process_p50_ns)
        assert middle == pytest.approx(p50, rel=2 * NEAR)
        assert hot.percentile(0.9).bound_ns == pytest.approx(p90, rel=2 * NEAR)

    speeds.show(check)


def test_no_call_is_shorter_than_it_was(speeds: Attempts[Rows]) -> None:
    for row in speeds[0].values():
        assert _hot(row).min_ns >= BASE


# Changing speed


@pytest.mark.parametrize("name", ["constant", "bimodal"])
def test_a_speed_that_does_not_change_raises_no_suspicion(
    speeds: Attempts[Rows], name: str
) -> None:
    def check(rows: Rows) -> None:
        assert not CHANGING & _reasons(rows[name]).keys()

    speeds.show(check)


@pytest.mark.parametrize("name", ["drifting", "throttling"])
def test_a_speed_that_changes_raises_suspicion(speeds: Attempts[Rows], name: str) -> None:
    def check(rows: Rows) -> None:
        reasons = _reasons(rows[name])
        assert "speed-drifts" in reasons
        assert reasons["speed-drifts"].level == "SUSPECT"
        values = reasons["speed-drifts"].values
        assert (values["processes_affected"], values["processes"]) == (3, 3)

    speeds.show(check)


def test_two_speeds_are_told_from_one_that_creeps(speeds: Attempts[Rows]) -> None:
    def check(rows: Rows) -> None:
        assert "several-speeds" in _reasons(rows["throttling"])
        assert "several-speeds" not in _reasons(rows["drifting"])

    speeds.show(check)


# Stalls


def test_every_stall_is_kept_at_its_place(stalling: Attempts[Row]) -> None:
    for each in stalling[0].measurements:
        hot = each.back_to_back
        samples = hot.sample_ns.unpack()
        assert (len(samples), hot.kept_every) == (hot.calls, 1)
        stalls = samples[STALLING - 1 :: STALLING]
        assert len(stalls) > 1
        assert stalls.min() >= STALL


def test_stalls_show_in_the_tail_and_the_mean_and_not_in_the_median(
    stalling: Attempts[Row],
) -> None:
    def check(row: Row) -> None:
        hot = _hot(row)
        tail = hot.percentile(0.99).bound_ns
        assert tail is not None
        assert tail >= STALL
        stalls = sum(each.back_to_back.calls // STALLING for each in row.measurements)
        assert hot.mean_ns * hot.samples >= stalls * STALL + (hot.samples - stalls) * BASE
        assert hot.p50_ns == pytest.approx(BASE, rel=NEAR)

    assert _hot(stalling[0]).max_ns >= STALL
    stalling.show(check)


def _paced(row: Row) -> list[Paced]:
    found = [each.paced for each in row.measurements if each.paced is not None]
    assert len(found) == len(row.measurements)
    return found


def test_a_stall_shows_in_the_paced_calls_that_had_to_wait_for_it(
    stalling: Attempts[Row],
) -> None:
    for paced in _paced(stalling[0]):
        service, response = paced.service_ns.unpack(), paced.response_ns.unpack()
        assert (response >= service).all()
        # Turns have 16 calls; what comes after the last one waited for nothing.
        stalls = [at for at in np.flatnonzero(service >= STALL) if at % 16 < 15]
        assert stalls
        assert all(response[at + 1] >= STALL - PERIOD for at in stalls)


def test_the_calls_after_a_stall_were_short_themselves(stalling: Attempts[Row]) -> None:
    def check(row: Row) -> None:
        for paced in _paced(row):
            service = paced.service_ns.unpack()
            stalls = [at for at in np.flatnonzero(service >= STALL) if at % 16 < 15]
            assert all(service[at + 1] < STALL / 10 for at in stalls)
        assert row.paced is not None
        assert row.service is not None
        response, call = (each.percentile(0.95).bound_ns for each in (row.paced, row.service))
        assert response is not None
        assert call is not None
        assert call < 2 * PERIOD < response

    stalling.show(check)


# Fraud


def test_a_runtime_that_remembers_answers_is_found_out(frauds: Attempts[Rows]) -> None:
    assert _reasons(frauds[0]["caching"])["answers-cached"].level == "INVALID"


def test_a_runtime_that_answers_otherwise_once_the_warm_up_is_over_is_found_out(
    frauds: Attempts[Rows],
) -> None:
    reason = _reasons(frauds[0]["hasty"])["outputs-differ"]
    assert reason.level == "INVALID"
    assert reason.values["processes_affected"] == reason.values["processes"] == 3
    assert reason.values["max_abs_difference"] == pytest.approx(0.1)


def test_a_runtime_that_returns_before_its_answer_is_there_is_found_out(
    frauds: Attempts[Rows],
) -> None:
    reason = _reasons(frauds[0]["enqueueing"])["returns-early"]
    assert reason.level == "INVALID"
    assert reason.values["changed"]


def test_an_honest_runtime_is_suspected_of_no_fraud(frauds: Attempts[Rows]) -> None:
    frauds.show(lambda rows: _check_honest(rows["constant"]))


def _check_honest(row: Row) -> None:
    assert (
        not {"answers-cached", "outputs-differ", "not-audited", "returns-early"}
        & _reasons(row).keys()
    )

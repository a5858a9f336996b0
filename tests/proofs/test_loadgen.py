"""MLPerf's own LoadGen and our harness agree about the same calls."""

import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.loadgen_agreement import Outcome, OwnCalls, Round, SameCalls
from fmnist_edge.records import decode_json
from tests.proofs.attempts import Attempts

ROOT = Path(__file__).parents[2]
ROUNDS = 7
SHORT, LONG = 1, 64

pytestmark = [
    pytest.mark.clocked,
    pytest.mark.skipif(
        platform.machine() not in {"x86_64", "AMD64"},
        reason="the package mlcommons-loadgen has wheels for x86-64 only",
    ),
]
Measured = Attempts[Outcome]


@pytest.fixture(scope="module")
def measured(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The script's result; LoadGen keeps threads, so it runs in a process of its own."""
    result = tmp_path_factory.mktemp("loadgen") / "result.json"
    model = exported / "default-float32.tflite"
    script = (sys.executable, "-m", "benchmarks.loadgen_agreement", model, result, str(ROUNDS))

    def measure() -> Outcome:
        done = subprocess.run(script, cwd=ROOT, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr
        return decode_json(Outcome, result.read_bytes())

    return Attempts(measure)


def _same(outcome: Outcome, batch: int) -> SameCalls:
    return next(each for each in outcome.same_calls if each.batch == batch)


def _own(outcome: Outcome, batch: int) -> OwnCalls:
    return next(each for each in outcome.own_calls if each.batch == batch)


def _median(own: OwnCalls, number: Callable[[Round], float]) -> float:
    """Over rounds."""
    return statistics.median(map(number, own.rounds))


# The rule for percentiles


def test_our_early_stopping_estimates_are_those_of_loadgen_to_the_nanosecond(
    measured: Measured,
) -> None:
    found = measured[0].estimates
    assert [each.our_p90 for each in found] == [each.loadgen_p90 for each in found]
    assert [each.our_p99 for each in found] == [each.loadgen_p99 for each in found]
    assert [each.our_discards for each in found] == [each.loadgen_discards for each in found]


def test_both_refuse_an_estimate_below_the_same_number_of_calls(measured: Measured) -> None:
    found = measured[0].estimates
    assert [each.queries for each in found if each.loadgen_p90 is None] == [63]
    assert max(each.queries for each in found if each.loadgen_p99 is None) == 101
    assert min(each.queries for each in found if each.loadgen_p99 is not None) == 662


# The same calls by both clocks


@pytest.mark.parametrize("batch", [SHORT, LONG])
def test_each_call_lasts_longer_for_loadgen_which_does_more_in_it(
    measured: Measured, batch: int
) -> None:
    found = _same(measured[0], batch)
    assert found.least_added > 0
    assert found.our_p50 < found.loadgen_p50
    assert found.our_p90 < found.loadgen_p90


def test_what_loadgen_adds_is_little_beside_a_long_call(measured: Measured) -> None:
    def check(outcome: Outcome) -> None:
        found = _same(outcome, LONG)
        assert found.median_added < 0.10 * found.our_p50
        assert found.most_added < 0.25 * found.our_p50

    measured.show(check)


# Calls of our own


def test_our_loop_and_loadgen_find_the_same_time_for_a_long_call(measured: Measured) -> None:
    def check(outcome: Outcome) -> None:
        own = _own(outcome, LONG)
        assert own.p50.interval.low <= 1.10
        assert own.p50.interval.high >= 0.90
        net = _median(own, lambda each: (each.loadgen_p50 - each.null_p50) / each.our_p50)
        assert 0.85 < net < 1.15

    measured.show(check)


def test_a_short_call_lies_between_ours_and_what_loadgen_adds(measured: Measured) -> None:
    def check(outcome: Outcome) -> None:
        own = _own(outcome, SHORT)
        ours = _median(own, lambda each: each.our_p50)
        loadgen = _median(own, lambda each: each.loadgen_p50)
        null = _median(own, lambda each: each.null_p50)
        # LoadGen's own work between two calls costs the model its place in the caches.
        assert 0.95 * ours <= loadgen <= 1.5 * ours + 3 * null

    measured.show(check)

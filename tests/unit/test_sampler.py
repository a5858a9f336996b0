"""Turns add up: to samples of which none is mostly clock, and not to more than may be kept."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from fmnist_edge.bench.baseline import EMPTY
from fmnist_edge.bench.sampler import LatencySampler
from fmnist_edge.records import replace
from fmnist_edge.result import Settings
from fmnist_edge.runtimes import null, numpy_
from fmnist_edge.session import SessionOptions
from tests.examples import SETTINGS, bare, npz_model
from tests.fakes import MILLISECOND, SECOND, FakeSession, Runner, SelfTimedSession, Time

_TENSORS = [np.array([float(number)]) for number in range(5)]
_LONG = 60.0
_CLOCK = 50  # nanoseconds per reading


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(reading=_CLOCK).replace(monkeypatch)


def _sampler(runner: Runner, **changes: Any) -> LatencySampler:  # noqa: ANN401 - any setting
    settings = replace(SETTINGS, **{"warmup_calls": 4, "max_samples": 1000, **changes})
    sampler = LatencySampler(FakeSession(runner, SessionOptions()), _TENSORS, settings)
    sampler.warm_up(_LONG)
    return sampler


def test_the_warm_up_is_kept_apart(time: Time) -> None:
    sampler = _sampler(Runner(time, 9_000_000, 70_000, 60_000, 50_000))
    sampler.back_to_back(0.0, 3)
    record = sampler.back_to_back_record(None)
    assert record.warmup_ns.unpack().tolist() == [9_000_050, 70_050, 60_050, 50_050]
    assert record.sample_ns.unpack().tolist() == [50_050] * 3


def test_at_least_one_call_warms_up(time: Time) -> None:
    assert (
        _sampler(Runner(time, 1000), warmup_calls=0).back_to_back_record(None).warmup_ns.count == 1
    )


def test_turns_are_counted_and_their_samples_kept_in_order(time: Time) -> None:
    sampler = _sampler(Runner(time, *[10_000] * 4, *[20_000] * 18, 30_000))
    sampler.back_to_back(0.0, 2)
    sampler.back_to_back(0.0, 3)
    record = sampler.back_to_back_record(None)
    assert record.turn_samples == (2, 3)
    assert (record.calls, record.calls_per_sample, record.kept_every) == (5, 1, 1)
    assert record.sample_ns.unpack().tolist() == [20_050] * 2 + [30_050] * 3
    assert record.busy_ns == 2 * 20_000 + 3 * 30_000 + (2 * 5 + 2) * _CLOCK
    assert record.clock_ns == _CLOCK


def test_no_stall_is_left_out(time: Time) -> None:
    sampler = _sampler(Runner(time, *[10_000] * 21, 5 * SECOND, 10_000))
    sampler.back_to_back(0.0, 3)
    samples = sampler.back_to_back_record(None).sample_ns.unpack()
    assert samples.tolist() == [10_050, 5 * SECOND + 50, 10_050]


def test_each_turn_begins_with_calls_for_the_caches_that_nobody_counts(time: Time) -> None:
    runner = Runner(time, 10_000)
    sampler = _sampler(runner)
    sampler.back_to_back(0.0, 3)
    assert len(runner.inputs) == 4 + 16 + 3
    assert sampler.back_to_back_record(None).calls == 3


def test_long_calls_are_made_for_the_samples_only(time: Time) -> None:
    runner = Runner(time, 2 * MILLISECOND)
    sampler = _sampler(runner)
    sampler.back_to_back(0.0, 3)
    assert len(runner.inputs) == 4 + 3


def test_inputs_go_round_from_turn_to_turn_in_both_regimes(time: Time) -> None:
    runner = Runner(time, 10_000)
    sampler = _sampler(runner)
    sampler.back_to_back(0.0, 3)
    assert runner.inputs[-3:] == [0, 1, 2]
    sampler.paced(3)
    assert runner.inputs[-3:] == [3, 4, 0]
    sampler.back_to_back(0.0, 2)
    assert runner.inputs[-2:] == [1, 2]


def test_the_last_answer_of_each_turn_is_spot_checked(time: Time) -> None:
    sampler = _sampler(Runner(time, 10_000))
    sampler.back_to_back(0.0, 3)
    sampler.paced(3)
    sampler.back_to_back(0.0, 4)
    assert [(index, float(output[0])) for index, output in sampler.spot_checks] == [
        (2, 2.0),
        (0, 0.0),
        (4, 4.0),
    ]


# The clock


@pytest.mark.parametrize("call_ns", [1, 20, 100, 499])
def test_calls_shorter_than_ten_readings_of_the_clock_share_a_sample(
    time: Time, call_ns: int
) -> None:
    sampler = _sampler(Runner(time, call_ns))
    sampler.back_to_back(0.0, 2)
    record = sampler.back_to_back_record(None)
    together = record.calls_per_sample
    assert (together - 1) * call_ns <= 10 * _CLOCK <= together * call_ns + _CLOCK
    assert record.calls == 2 * together
    assert record.sample_ns.unpack().tolist() == [together * call_ns + _CLOCK] * 2


@pytest.mark.parametrize("call_ns", [500, 10_000, SECOND])
def test_longer_calls_are_samples_of_their_own(time: Time, call_ns: int) -> None:
    sampler = _sampler(Runner(time, call_ns))
    assert sampler.back_to_back_record(None).calls_per_sample == 1
    assert sampler.call_ns == call_ns


def test_the_real_null_runtime_is_measured_in_batches_and_a_real_network_is_not() -> None:
    # So many images take longer than ten readings of any clock.
    images = np.zeros((256, 28, 28), np.uint8)
    found = []
    for session in (
        null.open(EMPTY, SessionOptions(batch=256)),
        numpy_.open(bare(npz_model()), SessionOptions(batch=256)),
    ):
        sampler = LatencySampler(
            session, [session.prepare(images)], replace(SETTINGS, warmup_calls=50)
        )
        sampler.warm_up(1.0)
        sampler.back_to_back(0.0, 4)
        found.append(sampler.back_to_back_record(None))
    nothing, network = found
    assert nothing.calls_per_sample > 1
    assert nothing.sample_ns.unpack().min() > nothing.clock_ns
    assert network.calls_per_sample == 1


# What is kept


def _kept(time: Time, turns: int, *durations: int, **changes: Any) -> LatencySampler:  # noqa: ANN401 - any setting
    sampler = _sampler(Runner(time, *durations), **changes)
    for _ in range(turns):
        sampler.back_to_back(changes["min_seconds"] / turns, 1)
    return sampler


def test_more_samples_than_may_be_kept_are_thinned_evenly(time: Time) -> None:
    record = _kept(time, 4, 9_900, min_seconds=0.1, max_samples=1000).back_to_back_record(None)
    # 10,000 samples of 9,950 ns, with a reading of the clock before each.
    assert record.calls == pytest.approx(10_000, rel=0.02)
    assert record.kept_every == 11
    assert sum(record.turn_samples) == record.sample_ns.count <= 1000
    assert record.sample_ns.count == pytest.approx(record.calls / 11, rel=0.02)


def test_no_more_is_kept_than_may_be_where_calls_turn_out_faster_than_the_warm_up(
    time: Time,
) -> None:
    record = _kept(
        time, 10, *[MILLISECOND] * 4, 1_950, min_seconds=0.1, max_samples=1000
    ).back_to_back_record(None)
    assert record.calls == pytest.approx(50_000, rel=0.05)
    assert 250 <= record.sample_ns.count == sum(record.turn_samples) <= 1000
    assert record.sample_ns.count == pytest.approx(record.calls / record.kept_every, rel=0.1)


def test_what_is_not_kept_takes_no_memory(time: Time) -> None:
    runner = Runner(time, 1_000)
    sampler = _sampler(runner, min_seconds=0.1, max_samples=100)
    tracemalloc.start()
    try:
        for _ in range(10):
            sampler.back_to_back(0.01, 1)
            runner.inputs.clear()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    record = sampler.back_to_back_record(None)
    assert record.calls > 80_000  # 640 kB
    assert held < 100_000


def test_few_samples_are_all_kept(time: Time) -> None:
    record = _kept(time, 3, MILLISECOND, min_seconds=0.06, max_samples=1000).back_to_back_record(
        None
    )
    assert (record.kept_every, record.sample_ns.count) == (1, record.calls)


def test_every_turn_keeps_a_sample_however_few_may_be_kept(time: Time) -> None:
    record = _kept(time, 5, 10_000, min_seconds=0.01, max_samples=1).back_to_back_record(None)
    assert record.turn_samples == (1,) * 5


# At fixed times


def _paced_settings() -> Settings:
    return replace(SETTINGS, paced_hz=100.0)


def test_paced_turns_add_up(time: Time) -> None:
    time.reading = 0
    session = FakeSession(Runner(time, *[MILLISECOND] * 3, 15 * MILLISECOND, MILLISECOND), _OPTIONS)
    sampler = LatencySampler(session, _TENSORS, _paced_settings())
    sampler.paced(3)
    sampler.paced(2)
    record = sampler.paced_record(None)
    assert record is not None
    assert record.rate_hz == 100.0
    assert (record.service_ns.unpack() // MILLISECOND).tolist() == [1, 1, 1, 15, 1]
    assert (record.response_ns.unpack() // MILLISECOND).tolist() == [1, 1, 1, 15, 6]


def test_without_paced_turns_there_is_no_paced_record(time: Time) -> None:
    assert _sampler(Runner(time, 10_000)).paced_record(None) is None


# Sessions that time themselves

_OPTIONS = SessionOptions()


def _self_timed(call_ns: int, time: Time) -> tuple[SelfTimedSession, LatencySampler]:
    session = SelfTimedSession(Runner(time, call_ns), _OPTIONS)
    session.call_ns = call_ns
    sampler = LatencySampler(session, _TENSORS, replace(SETTINGS, max_samples=1000))
    sampler.warm_up(_LONG)
    return session, sampler


def test_calls_that_native_code_times_share_no_sample_however_short(time: Time) -> None:
    _, sampler = _self_timed(10, time)
    sampler.back_to_back(1e-6, 1)
    record = sampler.back_to_back_record(None)
    assert (record.calls_per_sample, record.calls) == (1, 100)
    assert record.sample_ns.unpack().tolist() == [10] * 100


def test_a_turn_that_native_code_times_goes_on_from_input_to_input(time: Time) -> None:
    session, sampler = _self_timed(100, time)
    sampler.back_to_back(1.3e-6, 1)  # 13 calls
    sampler.back_to_back(1e-6, 1)
    given, _, _ = session.asked
    assert given[0].tolist() == [3.0]
    assert [index for index, _ in sampler.spot_checks] == [2, 2]
    assert [float(output[0]) for _, output in sampler.spot_checks] == [2.0, 2.0]


def test_native_code_makes_as_many_calls_as_it_must_even_if_that_takes_longer(time: Time) -> None:
    _, sampler = _self_timed(SECOND, time)
    sampler.back_to_back(0.05, 4)
    assert sampler.back_to_back_record(None).calls >= 4


def test_python_makes_no_paced_calls_in_the_place_of_native_code(time: Time) -> None:
    _, sampler = _self_timed(100, time)
    sampler.paced(5)
    assert sampler.paced_record(None) is None
    assert sampler.spot_checks == []

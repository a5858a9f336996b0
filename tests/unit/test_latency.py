"""The loops around calls go by their rules, leave nothing out, and leave Python as it was."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge import clock
from fmnist_edge.bench import latency, probes
from fmnist_edge.result import Copies
from fmnist_edge.session import SessionOptions
from tests.fakes import MILLISECOND, SECOND, FakeSession, Runner, SelfTimedSession, Time

_TENSORS = [np.array([number]) for number in range(3)]
_FOREVER = 1e9


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time().replace(monkeypatch)


@pytest.fixture
def collector() -> Iterator[None]:
    """Garbage collection as it usually is."""
    enabled = gc.isenabled()
    gc.enable()
    yield
    if not enabled:
        gc.disable()


def _back_to_back(run: latency.Run, **changes: Any) -> latency.Turn:  # noqa: ANN401 - any argument
    usual = {"first": 0, "seconds": 0.0, "at_least": 3, "calls_per_sample": 1}
    return latency.back_to_back(run, _TENSORS, **{**usual, **changes})


# Once


def test_something_done_once_keeps_its_value(time: Time) -> None:
    def act() -> str:
        time.now += 7
        return "done"

    assert clock.timed(act) == ("done", 7)


def test_the_clock_costs_what_two_readings_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(reading=40).replace(monkeypatch)
    assert latency.clock_cost() == 40


def test_the_real_clock_costs_something_and_never_goes_back() -> None:
    assert latency.clock_cost() > 0
    assert clock.now() <= clock.now()


def test_a_rest_looks_around_once_per_second(time: Time) -> None:
    ticks = []
    start = time.now
    clock.rest(2.5, lambda: ticks.append(time.now - start))
    assert ticks == [SECOND, 2 * SECOND, 2.5 * SECOND]


# Warming up


def test_the_warm_up_is_kept_call_by_call(time: Time) -> None:
    runner = Runner(time, 900, 200, 100)
    taken = latency.warm_up(runner, _TENSORS, 5, _FOREVER)
    assert taken.dtype == np.uint64
    assert taken.tolist() == [900, 200, 100, 100, 100]
    assert runner.inputs == [0, 1, 2, 0, 1]


def test_a_slow_warm_up_ends_after_its_time_but_not_before_three_calls(time: Time) -> None:
    assert len(latency.warm_up(Runner(time, SECOND), _TENSORS, 50, 0.25)) == 3
    assert len(latency.warm_up(Runner(time, 100 * MILLISECOND), _TENSORS, 50, 0.5)) == 5


def test_refreshing_the_caches_ends_after_its_time_but_not_before_one_call(time: Time) -> None:
    fast, slow = Runner(time, 10), Runner(time, SECOND)
    latency.refresh(fast, _TENSORS, 4, 0.02)
    latency.refresh(slow, _TENSORS, 4, 0.02)
    assert fast.inputs == [0, 1, 2, 0]
    assert slow.inputs == [0]


# One after the other


def test_each_call_is_a_sample_and_none_is_left_out(time: Time) -> None:
    stall = 3 * SECOND
    turn = _back_to_back(Runner(time, 500, stall, 400, 300), at_least=5)
    assert turn.samples.dtype == np.uint64
    assert turn.samples.tolist() == [500, stall, 400, 300, 300]
    assert (turn.calls, turn.busy_ns) == (5, stall + 1500)


def test_a_turn_goes_on_for_its_time(time: Time) -> None:
    turn = _back_to_back(Runner(time, 400, 300), seconds=1e-6, at_least=1)
    assert turn.samples.tolist() == [400, 300, 300]  # the third is under way when it is over


def test_a_turn_takes_as_many_samples_as_it_must_even_if_that_takes_longer(time: Time) -> None:
    assert len(_back_to_back(Runner(time, SECOND), seconds=0.5, at_least=4).samples) == 4


def test_a_turn_begins_where_the_one_before_ended(time: Time) -> None:
    runner = Runner(time, 100)
    turn = _back_to_back(runner, first=2, at_least=5)
    assert runner.inputs == [2, 0, 1, 2, 0]
    assert turn.last == 0


def test_the_time_between_the_calls_is_part_of_the_turn_but_of_no_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = _back_to_back(Runner(Time(reading=10).replace(monkeypatch), 100))
    # One reading of the clock is in each sample, one lies before each, and one ends the turn.
    assert turn.samples.tolist() == [110, 110, 110]
    assert turn.busy_ns == 3 * (110 + 10) + 10


def test_the_last_answer_is_a_copy(time: Time) -> None:
    runner = Runner(time, 100)
    turn = _back_to_back(runner, at_least=2)
    runner(_TENSORS[2])  # it answers in the same memory
    assert turn.output.tolist() == [1]


def test_calls_that_are_too_short_share_a_sample(time: Time) -> None:
    runner = Runner(time, 1, 2, 3, 4, 5)
    turn = _back_to_back(runner, first=1, at_least=2, calls_per_sample=4)
    assert turn.samples.tolist() == [1 + 2 + 3 + 4, 5 + 5 + 5 + 5]
    assert (turn.calls, turn.last) == (8, 2)
    assert runner.inputs == [1, 2, 0, 1, 2, 0, 1, 2]
    assert turn.output.tolist() == [2]


def test_shared_samples_go_on_for_their_time_too(time: Time) -> None:
    turn = _back_to_back(Runner(time, 100), seconds=1e-6, at_least=1, calls_per_sample=4)
    assert turn.samples.tolist() == [400, 400, 400]


def test_a_turn_without_inputs_is_refused(time: Time) -> None:
    with pytest.raises(ValueError, match="there are no inputs"):
        latency.back_to_back(
            Runner(time, 1), [], first=0, seconds=0, at_least=1, calls_per_sample=1
        )


def test_a_session_that_times_itself_is_given_the_inputs_in_their_order() -> None:
    session = SelfTimedSession(lambda tensor: tensor, SessionOptions())
    turn = latency.timed_by_itself(session, _TENSORS, first=2, seconds=5e-7)
    given, nanoseconds, _ = session.asked
    assert [int(tensor[0]) for tensor in given] == [2, 0, 1]
    assert nanoseconds == 500
    assert turn.samples.tolist() == [100] * 5
    # Inputs 2, 0, 1, 2, 0: the last answer is that to input 0.
    assert (turn.calls, turn.last, turn.output.tolist()) == (5, 0, [0])


# At fixed times


def test_paced_calls_come_at_fixed_times(time: Time) -> None:
    runner = Runner(time, MILLISECOND)
    turn = latency.paced(runner, _TENSORS, first=1, hz=100, calls=4)
    assert time.slept == pytest.approx([0.010, 0.009, 0.009, 0.009])
    assert turn.response.tolist() == turn.service.tolist() == [MILLISECOND] * 4
    assert runner.inputs == [1, 2, 0, 1]
    assert (turn.last, turn.output.tolist()) == (1, [1])


def test_a_stall_shows_in_every_answer_that_had_to_wait_for_it(time: Time) -> None:
    milliseconds = [1, 35, 1, 1, 1, 1, 1]
    runner = Runner(time, *(MILLISECOND * each for each in milliseconds))
    turn = latency.paced(runner, _TENSORS, first=0, hz=100, calls=7)
    # "Coordinated omission" would be to count from when the late calls could start.
    assert (turn.response // MILLISECOND).tolist() == [1, 35, 26, 17, 8, 1, 1]
    assert (turn.service // MILLISECOND).tolist() == milliseconds


def test_a_late_awakening_counts_for_the_answer_but_not_for_the_call(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def oversleep(seconds: float) -> None:
        time.sleep(seconds + 0.002)

    monkeypatch.setattr(clock, "sleep", oversleep)
    turn = latency.paced(Runner(time, MILLISECOND), _TENSORS, first=0, hz=100, calls=2)
    assert turn.response.tolist() == [3 * MILLISECOND] * 2
    assert turn.service.tolist() == [MILLISECOND] * 2


def test_no_paced_call_comes_before_its_time(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def wake_early(seconds: float) -> None:
        time.sleep(seconds / 2 if seconds > 0.001 else seconds)

    monkeypatch.setattr(clock, "sleep", wake_early)
    turn = latency.paced(Runner(time, MILLISECOND), _TENSORS, first=0, hz=100, calls=3)
    assert turn.response.tolist() == [MILLISECOND] * 3
    assert len(time.slept) > 3


def test_a_paced_turn_of_no_calls_is_refused(time: Time) -> None:
    with pytest.raises(ValueError, match="no calls"):
        latency.paced(Runner(time, 1), _TENSORS, first=0, hz=100, calls=0)


# Stages, caches, throughput


def test_each_stage_takes_what_the_one_before_gave(time: Time) -> None:
    def step(nanoseconds: int, add: str) -> Any:  # noqa: ANN401 - a function
        def act(value: str) -> str:
            time.now += nanoseconds
            seen.append(value + add)
            return value + add

        return act

    seen: list[str] = []
    steps = (step(10, "b"), step(200, "c"), step(30, "d"))
    taken = probes.stages(steps, ["a", "A"], times=3, seconds=_FOREVER)
    assert seen == ["ab", "abc", "abcd", "Ab", "Abc", "Abcd", "ab", "abc", "abcd"]
    assert [each.tolist() for each in taken] == [[10] * 3, [200] * 3, [30] * 3]


def test_slow_stages_end_after_their_time_but_not_before_three_times(time: Time) -> None:
    (taken,) = probes.stages((Runner(time, SECOND),), _TENSORS, times=100, seconds=0.2)
    assert len(taken) == 3


def test_a_model_without_a_cache_takes_as_long_on_one_input_as_on_many(time: Time) -> None:
    runner = Runner(time, MILLISECOND)
    assert probes.repeat_ratio(runner, _TENSORS, MILLISECOND, 0.15) == 1.0


@pytest.mark.parametrize("call_ns", [1_000, MILLISECOND, 4 * MILLISECOND, SECOND])
def test_a_model_with_a_cache_is_faster_on_one_input(time: Time, call_ns: int) -> None:
    remembered: list[NDArray[Any]] = []

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        known = bool(remembered) and remembered[0] is tensor
        time.now += call_ns // 10 if known else call_ns
        remembered[:] = [tensor]
        return tensor

    assert probes.repeat_ratio(run, _TENSORS, call_ns, 0.15) == 10.0


def test_the_ratio_of_two_kinds_of_calls_is_that_of_their_times(time: Time) -> None:
    runs = (Runner(time, 3 * MILLISECOND), Runner(time, MILLISECOND))
    assert probes.time_ratio(runs, _TENSORS, 3 * MILLISECOND, 0.1) == 3.0
    assert probes.time_ratio((runs[1], runs[0]), _TENSORS, MILLISECOND, 0.1) == 1 / 3


def test_an_answer_that_is_there_is_read_as_quickly_at_once_as_later(time: Time) -> None:
    found = probes.readback(Runner(time, MILLISECOND), _TENSORS, MILLISECOND, _FOREVER)
    assert (found.changed, found.wait_ns) == (0, 0.0)
    assert found.calls == 15


class _Lazy(np.ndarray[Any, np.dtype[Any]]):
    """An array that is computed when it is first read."""

    wait: Callable[[], None]

    def copy(self, *_: Any) -> "_Lazy":  # noqa: ANN401 - as NumPy's
        self.wait()
        return self


def test_an_answer_that_is_computed_when_it_is_read_is_waited_for(time: Time) -> None:
    def run(_: NDArray[Any]) -> NDArray[Any]:
        time.now += 10
        waits = iter([MILLISECOND, 0])
        answer = np.zeros(1).view(_Lazy)

        def wait() -> None:
            time.now += next(waits)

        answer.wait = wait
        return answer

    assert probes.readback(run, _TENSORS, 10, _FOREVER).wait_ns == MILLISECOND


def test_an_answer_that_is_filled_in_later_has_changed(time: Time) -> None:
    answer = np.zeros(1)

    def run(_: NDArray[Any]) -> NDArray[Any]:
        answer[:] = 0
        return answer

    asleep = time.sleep

    def fill(seconds: float) -> None:
        answer[:] = 1
        asleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "sleep", fill)
        found = probes.readback(run, _TENSORS, 10, 0.0)
    assert (found.calls, found.changed) == (3, 3)


class _Bound(FakeSession):
    """A session whose calls take 4 ms where input and output stay on the device."""

    def __init__(self, time: Time, answer: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        super().__init__(answer, SessionOptions())
        self._time = time

    def bind(self, _: NDArray[Any]) -> Callable[[], None]:
        def call() -> None:
            self._time.now += 4 * MILLISECOND

        return call


def test_copies_are_what_a_call_takes_beyond_one_that_stays_on_the_device(time: Time) -> None:
    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        time.now += 5 * MILLISECOND
        return tensor

    plain, bound = FakeSession(answer, SessionOptions()), _Bound(time, answer)
    assert probes.copies(plain, _TENSORS[0], 5 * MILLISECOND, 0.1) is None
    assert probes.copies(bound, _TENSORS[0], 5 * MILLISECOND, 0.1) == Copies(5e6, 4e6)


def test_a_machine_that_slows_down_looks_like_no_cache(time: Time) -> None:
    # Stretches alternate, so both kinds see the slow half: 5 ms each, for 0.15 s.
    runner = Runner(time, *[MILLISECOND] * 90, 2 * MILLISECOND)
    assert probes.repeat_ratio(runner, _TENSORS, MILLISECOND, 0.15) == pytest.approx(1, abs=0.01)


def test_nothing_is_said_of_caches_where_there_is_but_one_input(time: Time) -> None:
    assert probes.repeat_ratio(Runner(time, 1), _TENSORS[:1], 1, 0.15) is None


def test_a_slow_model_is_looked_at_for_caches_three_times(time: Time) -> None:
    runner = Runner(time, SECOND)
    probes.repeat_ratio(runner, _TENSORS, SECOND, 0.15)
    # Three times: a call on one input and one on the next; a call on an input and the same again.
    assert runner.inputs == [0, 1, 0, 0] * 3


def test_throughput_counts_whole_calls_over_the_time_they_took(time: Time) -> None:
    runner = Runner(time, 400)
    rate, calls = probes.images_per_second(runner, _TENSORS, 16, 1e-6)
    assert calls == 3  # the third is under way when the microsecond is over
    assert rate == pytest.approx(3 * 16 / 1.2e-6)
    assert runner.inputs == [0, 1, 2, 0, 1, 2]  # once around to warm up


def test_throughput_without_inputs_is_refused(time: Time) -> None:
    with pytest.raises(ValueError, match="there are no inputs"):
        probes.images_per_second(Runner(time, 1), [], 16, 1.0)


# The garbage collector

_LOOPS = {
    "back to back": _back_to_back,
    "batched": lambda run: _back_to_back(run, calls_per_sample=2),
    "paced": lambda run: latency.paced(run, _TENSORS, first=0, hz=1e6, calls=3),
    "stages": lambda run: probes.stages((run,), _TENSORS, times=3, seconds=1.0),
    "repeated": lambda run: probes.repeat_ratio(run, _TENSORS, 1e9, 0.0),
}


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("name", _LOOPS)
def test_the_garbage_collector_rests_while_calls_are_timed(name: str) -> None:
    awake = []

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        awake.append(gc.isenabled())
        return tensor

    _LOOPS[name](run)
    assert awake
    assert not any(awake)
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_a_collector_that_rested_before_is_not_woken(time: Time) -> None:
    gc.disable()
    _back_to_back(Runner(time, 1))
    assert not gc.isenabled()


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("name", _LOOPS)
def test_the_garbage_collector_is_back_after_a_failure(name: str) -> None:
    def fail(_: NDArray[Any]) -> NDArray[Any]:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        _LOOPS[name](fail)
    assert gc.isenabled()

"""A load that lasts: turns that heat, windows of a second, levels, and what is kept."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fmnist_edge.bench.load import load_turn
from fmnist_edge.bench.sampler import LatencySampler
from fmnist_edge.bench.sustained import measure_sustained, sustained, turn_lengths
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task
from fmnist_edge.records import replace
from fmnist_edge.result import Case, CpuUse, LoadWindow, Sustained
from fmnist_edge.session import SessionOptions
from tests.examples import FAILURE, READING, SETTINGS, Diary, case
from tests.fakes import MILLISECOND, SECOND, FakeSession, Time

_CASES = (case("a.npz"), case("b.npz"), case("c.npz"))
_SETTINGS = replace(SETTINGS, sustain_seconds=60.0, together=2)
# The run began so long before; the clock that all processes share began earlier.
_BEGIN = 1_000 * SECOND


@pytest.mark.parametrize(
    ("seconds", "limit", "lengths"),
    [
        (90, 120, (5, 9, 10, 9, 9, 10, 10, 9, 9, 10)),
        (600, 120, (5, *(60, 59, 60, 59, 60, 59, 60, 59, 60, 59))),
        (20, 120, (5, 8, 7)),
        (10, 120, (5, 5)),
        (3, 120, (3,)),
    ],
)
def test_turns_are_short_at_first_and_then_long_enough_to_heat(
    seconds: int, limit: float, lengths: tuple[int, ...]
) -> None:
    found = turn_lengths(seconds, limit)
    assert sum(found) == seconds
    assert sorted(found) == sorted(lengths)
    assert found[0] == lengths[0]


@pytest.mark.parametrize("seconds", [10, 61, 600, 3_600, 86_400])
@pytest.mark.parametrize("limit", [0.1, 15.0, 120.0])
def test_a_turn_is_never_taken_for_a_worker_that_hangs(seconds: int, limit: float) -> None:
    found = turn_lengths(seconds, limit)
    assert sum(found) == seconds
    assert max(found[1:]) <= max(1, min(60, limit / 2))


class Machine:
    """Cases whose calls take a millisecond, and twice as long from a moment on.

    Args:
        time: The clock.
        slow_from: Seconds after the beginning of the run.
        fails: The case whose second turn fails.
    """

    def __init__(self, time: Time, slow_from: float = 1e9, fails: Case | None = None) -> None:
        self.orders: list[tuple[Case, Command]] = []
        self.alive: set[Case] = set()
        self.most_alive = 0
        self._time = time
        self._slow_from = slow_from
        self._fails = fails

    @contextmanager
    def __call__(self, job: Job, tick: Callable[[], None]) -> Iterator[Any]:
        self.alive.add(job.case)
        self.most_alive = max(self.most_alive, len(self.alive))
        try:
            yield _Worker(self, job.case, tick)
        finally:
            self.alive.remove(job.case)

    def handle(self, of: Case, order: Command, tick: Callable[[], None]) -> Reply:
        turns = [command for each, command in self.orders if each == of]
        self.orders.append((of, order))
        if order.task is Task.OPEN:
            return Reply()
        if of == self._fails and len(turns) == 2:
            return Reply(failure=FAILURE)
        windows = []
        for _ in range(round(order.seconds)):
            since = (self._time.now - _BEGIN) / SECOND
            calls = 500 if since >= self._slow_from else 1000
            at = self._time.now / SECOND
            windows.append(LoadWindow(at, 1.0, calls, 1e9 / calls, 1e9 / calls, 0.0, 0.0))
            self._time.now += SECOND
            tick()
        return Reply(windows=tuple(windows))


class _Worker:
    def __init__(self, machine: Machine, of: Case, tick: Callable[[], None]) -> None:
        self._machine, self._case, self._tick = machine, of, tick

    def ask(self, order: Command) -> Reply:
        return self._machine.handle(self._case, order, self._tick)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time().replace(monkeypatch)
    time.now = _BEGIN
    return time


def _measured(
    machine: Machine, time: Time, diary: Diary | None = None
) -> list[Mapping[Case, Sustained]]:
    kept: list[Mapping[Case, Sustained]] = []
    measure_sustained(
        _CASES,
        _SETTINGS,
        DataPaths(),
        launch=machine,
        probe=lambda: replace(READING, at_seconds=(time.now - _BEGIN) / SECOND),
        begin_ns=_BEGIN,
        progress=diary or Diary(),
        keep=kept.append,
    )
    return kept


def test_each_case_has_its_whole_load_in_turns_with_the_others(time: Time) -> None:
    machine = Machine(time)
    found = _measured(machine, time)[-1]
    lengths = turn_lengths(60, _SETTINGS.limit_seconds)
    assert found.keys() == set(_CASES)
    for each in found.values():
        assert each.turn_windows == lengths
        assert each.seconds == pytest.approx(60)
        assert len(each.p50.levels) == 1
        assert each.p50.ratio == pytest.approx(1.0)
    assert machine.most_alive == _SETTINGS.together
    # In each cycle both of the first two cases have a turn before either has the next one.
    first = [of for of, order in machine.orders if order.task is Task.LOAD_TURN][: 2 * len(lengths)]
    assert all(len({*first[place : place + 2]}) == 2 for place in range(0, len(first), 2))


def test_a_change_is_found_in_the_time_of_the_run_and_in_that_of_the_load(time: Time) -> None:
    found = _measured(Machine(time, slow_from=70.0), time)[-1]
    # The first two of the cases take turns; half of 70 s is the load of each by then, or about.
    changed = [each for each in found.values() if len(each.p50.levels) == 2]
    assert len(changed) == 2
    for each in changed:
        assert each.p50.lasting.from_seconds >= 70
        assert each.p50.lasting.after_seconds == pytest.approx(35, abs=10)
        assert each.p50.ratio == pytest.approx(2.0)
        assert each.p50.first_ns == pytest.approx(1e6)


def test_readings_are_those_of_the_turns_of_the_case(time: Time) -> None:
    for each in _measured(Machine(time), time)[-1].values():
        spans = [(w.at_seconds, w.at_seconds + w.duration_seconds) for w in each.windows]
        assert len(each.readings) == len(each.windows)
        for reading in each.readings:
            assert any(low <= reading.at_seconds <= high for low, high in spans)


def test_what_was_measured_is_kept_after_each_cycle(time: Time) -> None:
    kept = _measured(Machine(time), time)
    lengths = turn_lengths(60, _SETTINGS.limit_seconds)
    assert len(kept) == 2 * len(lengths)
    assert sorted(len(each) for each in kept) == [2] * len(lengths) + [3] * len(lengths)
    assert {each.seconds for each in kept[0].values()} == {5}


def test_a_case_that_fails_keeps_its_windows_and_the_others_go_on(time: Time) -> None:
    diary = Diary()
    found = _measured(Machine(time, fails=_CASES[1]), time, diary)[-1]
    assert found[_CASES[1]].turn_windows == (5,)
    assert found[_CASES[0]].seconds == pytest.approx(60)
    assert any("It fell." in text for text in diary.said)
    assert diary.steps == 3 * 60


def _windows(times_ns: list[float], rate_hz: float = 0.0) -> Sustained:
    made = [
        LoadWindow(float(at), 1.0, round(1e9 / each), each, each)
        for at, each in enumerate(times_ns)
    ]
    return sustained([made[:5], made[5:]], rate_hz)


def test_the_first_seconds_are_the_first_turn_as_far_as_the_first_level_goes() -> None:
    early = _windows([1e6] * 4 + [2e6] * 40)
    assert early.p50.first_ns == pytest.approx(1e6, rel=0.01)
    assert early.p50.ratio == pytest.approx(2.0, rel=0.01)
    assert early.p50.ratio_interval.low < 2 < early.p50.ratio_interval.high
    assert early.p50.lasting.after_seconds == pytest.approx(4)


def test_an_interval_is_wider_where_there_is_more_noise() -> None:
    draw = np.random.default_rng(0)
    widths = []
    for deviation in (0.02, 0.1):
        times = 1e6 * np.exp(deviation * draw.normal(size=60))
        found = _windows([float(each) for each in times])
        widths.append(found.p50.ratio_interval.high - found.p50.ratio_interval.low)
    assert widths[1] > 2 * widths[0]


# In the worker


def _cpu_use(action: Callable[[], None], so_far: CpuUse | None) -> CpuUse:  # noqa: ARG001
    action()
    return CpuUse(1000, 600, 500, 0, 3, cpus=2)


def _sampler(time: Time, call_ns: int, late_ns: int = 0) -> LatencySampler:
    """Calls of a length; from a moment of the clock on, of another one."""

    def answer(tensor: Any) -> Any:  # noqa: ANN401 - a tensor
        time.now += late_ns if late_ns and time.now > _BEGIN + 2 * SECOND else call_ns
        return tensor

    session = FakeSession(answer, SessionOptions(threads=1, batch=1))
    sampler = LatencySampler(session, [np.array([[i]]) for i in range(3)], SETTINGS)
    sampler.warm_up(0.01)
    time.now = _BEGIN
    return sampler


def test_a_turn_has_a_window_per_second(time: Time) -> None:
    found = load_turn(_sampler(time, 10 * MILLISECOND), 3.0, 0.0, threads=1, cpu_use=_cpu_use)
    assert [each.calls for each in found] == [100, 100, 100]
    assert [each.at_seconds for each in found] == pytest.approx([1000.0, 1001.0, 1002.0])
    assert [each.p50_ns for each in found] == pytest.approx([1e7] * 3, rel=0.01)
    assert {each.duration_seconds for each in found} == {1.0}
    assert {each.lost_share for each in found} == {0.4}
    assert {each.others_share for each in found} == {0.25}


def test_calls_that_take_longer_than_a_window_end_the_turn_in_time(time: Time) -> None:
    found = load_turn(_sampler(time, 4 * SECOND), 10.0, 0.0, threads=1, cpu_use=_cpu_use)
    assert [each.calls for each in found] == [1, 1, 1]
    assert [each.duration_seconds for each in found] == [4.0, 4.0, 4.0]


def test_paced_calls_that_come_late_are_late_in_the_next_window_too(time: Time) -> None:
    sampler = _sampler(time, 10 * MILLISECOND, late_ns=200 * MILLISECOND)
    found = load_turn(sampler, 6.0, 10.0, threads=1, cpu_use=_cpu_use)
    assert found[0].p50_ns == pytest.approx(1e7)
    assert found[0].calls == 10
    # Of ten calls per second, five are answered; each window begins where the last one ended.
    assert found[3].p50_ns > found[2].p50_ns + SECOND / 2 > 0

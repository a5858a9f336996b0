"""Energy is measured in runs of its own: first the waiting process, then the busy one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fmnist_edge.bench import energy, protocols
from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.bench.energy import measure_energy
from fmnist_edge.bench.plan import Plan
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task
from fmnist_edge.host.small_files import UnreadableError
from fmnist_edge.pipeline import bench as bench_pipeline
from fmnist_edge.pipeline.bench_request import BenchRequest
from fmnist_edge.records import replace
from fmnist_edge.result import Case, Energy, EnergyMeter
from tests.examples import FAILURE, SETTINGS, Diary, case
from tests.fakes import SECOND, Time

_CASES = (case("a.npz"), case("b.npz"))
_SETTINGS = replace(SETTINGS, energy_seconds=10.0)
_PATHS = DataPaths(own_data="my.npz")
_IDLE_WATTS = 5.0
_BUSY_WATTS = 12.0


class Machine:
    """It takes 5 W, and 12 W while a worker is busy; a call takes a millisecond.

    Args:
        fails: The case and the task that fail.
    """

    def __init__(self, time: Time, fails: tuple[Case, Task] | None = None) -> None:
        self.orders: list[tuple[Case, Command]] = []
        self.jobs: list[Job] = []
        self.alive = 0
        self.gaps: list[float] = []
        self._time = time
        self._fails = fails
        self._joules = 0.0
        self._watts = _IDLE_WATTS
        self._last = 0.0

    # A meter

    def sample(self, seconds: float) -> None:
        self.gaps.append(seconds - self._last)
        self._joules += (seconds - self._last) * self._watts
        self._last = seconds

    def joules(self) -> float:
        return self._joules

    # A launcher

    @contextmanager
    def __call__(self, job: Job, tick: Callable[[], None]) -> Iterator[Any]:
        self.jobs.append(job)
        self.alive += 1
        assert self.alive == 1  # nobody else takes energy
        try:
            yield _Worker(self, job.case, tick)
        finally:
            self.alive -= 1

    def handle(self, of: Case, order: Command, tick: Callable[[], None]) -> Reply:
        self.orders.append((of, order))
        if (of, order.task) == self._fails:
            return Reply(failure=FAILURE)
        if order.task is not Task.SUSTAINED_LOAD:
            self._time.now += 2 * SECOND
            return Reply()
        tick()
        self._watts = _BUSY_WATTS
        for _ in range(round(order.seconds)):
            self._time.now += SECOND
            tick()
        self._watts = _IDLE_WATTS
        return Reply(calls=round(1000 * order.seconds))


class _Worker:
    def __init__(self, machine: Machine, of: Case, tick: Callable[[], None]) -> None:
        self._machine, self._case, self._tick = machine, of, tick

    def ask(self, order: Command) -> Reply:
        return self._machine.handle(self._case, order, self._tick)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time().replace(monkeypatch)


def _measured(machine: Machine, diary: Diary | None = None) -> dict[Case, Energy]:
    return measure_energy(
        _CASES,
        _SETTINGS,
        _PATHS,
        launch=machine,
        meter_of=lambda _: machine,
        progress=diary or Diary(),
    )


def test_energy_is_that_of_the_calls_above_that_of_the_waiting_machine(time: Time) -> None:
    found = _measured(Machine(time))
    assert found.keys() == set(_CASES)
    for each in found.values():
        assert each.idle_w == pytest.approx(_IDLE_WATTS)
        assert each.energy_j == pytest.approx(10 * _BUSY_WATTS)
        assert each.duration_seconds == pytest.approx(10.0)
        assert each.calls == 10_000
        assert each.joules_per_call == pytest.approx(0.001 * (_BUSY_WATTS - _IDLE_WATTS))


def test_each_case_is_opened_waits_and_is_then_put_under_load(time: Time) -> None:
    machine = Machine(time)
    _measured(machine)
    tasks = [Command(Task.OPEN), Command(Task.SUSTAINED_LOAD, 10.0)]
    assert machine.orders == [(each, order) for each in _CASES for order in tasks]
    assert machine.jobs[0] == Job(_CASES[0], _SETTINGS, _PATHS, classify=False)


def test_a_case_on_a_device_without_a_meter_has_no_energy(time: Time) -> None:
    machine, diary = Machine(time), Diary()
    first, *_ = _CASES
    found = measure_energy(
        _CASES,
        _SETTINGS,
        _PATHS,
        launch=machine,
        meter_of=lambda case: machine if case == first else None,
        progress=diary,
    )
    assert found.keys() == {first}
    assert {case for case, _ in machine.orders} == {first}
    assert diary.finished == 1


def test_the_meter_is_looked_at_about_once_per_second(time: Time) -> None:
    machine = Machine(time)
    _measured(machine)
    # Opening the model takes two seconds, in which nobody looks and nothing is counted.
    assert max(machine.gaps) == pytest.approx(2.0)
    assert sum(gap > 1.01 for gap in machine.gaps) == 2


@pytest.mark.parametrize("task", [Task.OPEN, Task.SUSTAINED_LOAD])
def test_a_case_that_fails_has_no_energy_and_the_others_have(time: Time, task: Task) -> None:
    diary = Diary()
    found = _measured(Machine(time, fails=(_CASES[0], task)), diary)
    assert found.keys() == {_CASES[1]}
    assert diary.steps == diary.started[0][1]


def test_progress_tells_of_every_case(time: Time) -> None:
    diary = Diary()
    _measured(Machine(time), diary)
    assert diary.started == [("Energy", 2 * 200)]
    assert diary.steps == 400
    assert diary.notes == ["a.npz on numpy", "b.npz on numpy"]
    assert diary.finished == 1


def test_energy_is_timed_by_the_one_clock() -> None:
    assert energy.now.__module__ == "fmnist_edge.clock"


class _Failing:
    """A meter that cannot be read for long."""

    source = "Meter"
    coverage = "everything"

    def __init__(self) -> None:
        self.samples = 0

    def sample(self, _: float) -> None:
        self.samples += 1
        if self.samples > 1:
            raise UnreadableError("it has been pulled out")

    def joules(self) -> float:
        return 0.0


def test_a_meter_that_fails_on_the_way_costs_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = _Failing()
    told = EnergyMeter(meter.source, meter.coverage, unavailable="")
    monkeypatch.setattr(bench_pipeline, "find_meter", lambda **_: (meter, told))
    nothing = Plan((Case(NO_MODEL, "null", "cpu", 1, 1),), (), ())
    settings = protocols.get("smoke", energy_seconds=1.0)
    diary = Diary()
    run = bench_pipeline.bench(BenchRequest(nothing, settings), diary)
    (row,) = run.rows
    assert row.failure is None
    assert row.back_to_back is not None
    assert row.energy is None
    assert run.meter == told
    assert len(diary.started) == diary.finished == 2

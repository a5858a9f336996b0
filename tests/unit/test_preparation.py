"""Every case is opened once before the benchmark, and tells what the benchmark will take."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.bench.preparation import (
    Prepared,
    expected_seconds,
    fitting,
    memory_bytes,
    prepare,
)
from fmnist_edge.bench.wire import Command, DataPaths, Job, Opened, Reply, Task
from fmnist_edge.records import replace
from fmnist_edge.result import Case
from tests.examples import FAILURE, SETTINGS, Diary, case

_CASES = tuple(case(f"{name}.npz") for name in "abcd")
_MEGABYTE = 1_000_000


class Workers:
    """They open their model at once, except for one that fails."""

    def __init__(self, fails: Case | None = None) -> None:
        self.asked: list[tuple[Case, Task]] = []
        self.alive = self.most_alive = 0
        self._fails = fails
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, job: Job, _: Callable[[], None]) -> Iterator[Any]:
        assert not job.classify
        with self._lock:
            self.alive += 1
            self.most_alive = max(self.alive, self.most_alive)
        yield _Worker(self, job.case)
        with self._lock:
            self.alive -= 1

    def answer(self, of: Case, command: Command) -> Reply:
        self.asked.append((of, command.task))
        if of == self._fails:
            return Reply(failure=FAILURE)
        return Reply(opened=Opened(50 * _MEGABYTE, 2_000.0))


class _Worker:
    def __init__(self, workers: Workers, of: Case) -> None:
        self._workers, self._case = workers, of

    def ask(self, command: Command) -> Reply:
        return self._workers.answer(self._case, command)


def _prepared(workers: Workers, diary: Diary | None = None) -> tuple[Prepared, ...]:
    return prepare(
        _CASES, SETTINGS, DataPaths(), launch=workers, at_once=2, progress=diary or Diary()
    )


def test_each_case_is_opened_in_a_process_of_its_own_and_nothing_else_is_asked() -> None:
    workers, diary = Workers(), Diary()
    found = _prepared(workers, diary)
    assert [each.case for each in found] == list(_CASES)
    assert sorted(each.subject.path for each, _ in workers.asked) == [
        each.subject.path for each in _CASES
    ]
    assert {task for _, task in workers.asked} == {Task.OPEN}
    assert workers.alive == 0
    assert workers.most_alive <= 2
    assert (diary.steps, diary.finished) == (len(_CASES), 1)


def test_a_case_that_fails_says_why_and_the_others_are_opened() -> None:
    found = _prepared(Workers(fails=_CASES[1]))
    assert [each.failure for each in found] == [None, FAILURE, None, None]
    assert [each.opened is None for each in found] == [False, True, False, False]


def _cases(*megabytes: int | None) -> list[Prepared]:
    sizes = [None if each is None else each * _MEGABYTE for each in megabytes]
    return [Prepared(_CASES[0], 1.0, Opened(size, 1_000.0), None) for size in sizes]


@pytest.mark.parametrize(
    ("available", "together"), [(None, 4), (10_000, 4), (1_900, 3), (1_800, 2), (1_300, 1), (10, 1)]
)
def test_the_largest_processes_take_no_more_than_half_of_the_memory(
    available: int | None, together: int
) -> None:
    prepared = _cases(50, 600, 300, 50, 50, None)
    size = None if available is None else available * _MEGABYTE
    assert fitting(prepared, size, at_most=4) == together


def test_memory_is_that_of_the_largest_processes() -> None:
    assert memory_bytes(_cases(50, 600, 300, None), 2) == 900 * _MEGABYTE


def test_nothing_takes_no_memory_and_no_time() -> None:
    assert fitting([], 10, at_most=4) >= 1
    assert memory_bytes([], 4) == 0
    assert expected_seconds([], SETTINGS, 10_000) == 0


def test_the_time_follows_from_the_protocol_and_from_how_long_a_call_takes() -> None:
    settings = replace(
        SETTINGS, processes=2, min_seconds=0.5, paced_samples=10, paced_hz=10.0, min_samples=20
    )
    quick = Prepared(_CASES[0], 0.5, Opened(None, 1_000.0), None)
    # 2 x (open 0.5, back to back 0.5, paced 1, other things 1) and 10,000 labels of 1 µs.
    assert expected_seconds([quick], settings, 10_000) == pytest.approx(6.01)
    slow = replace(quick, opened=Opened(None, 1e9))
    # 2 x (0.5, 20 calls, 10 calls, 1) and no more than 20 s for the labels.
    assert expected_seconds([slow], settings, 10_000) == pytest.approx(2 * 31.5 + 20)
    baseline = replace(slow, case=Case(NO_MODEL, "null", "cpu", 1, 1))
    assert expected_seconds([baseline], settings, 10_000) == pytest.approx(2 * 31.5)
    energetic = replace(settings, energy_seconds=3.0)
    assert expected_seconds([quick], energetic, 10_000) == pytest.approx(12.01)

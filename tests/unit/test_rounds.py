"""A plan is carried out in a fair order, and one bad case spoils no other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.rounds import run_rounds
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task, encode_scores
from fmnist_edge.records import replace
from fmnist_edge.result import Case, Settings
from tests.examples import FAILURE, MEASUREMENT, READING, SETTINGS, Diary, case

_CASES = tuple(case(f"models/{name}.npz") for name in "abcdef")
_PATHS = DataPaths(own_data="my.npz")
_SCORES = np.eye(3, dtype=np.float32)


class Workers:
    """Measure in no time, and note who was alive and who was asked what.

    Args:
        fails: Cases that fail in a task of a round, counted from 1.
    """

    def __init__(self, fails: dict[Case, tuple[int, Task]] | None = None) -> None:
        self.jobs: list[Job] = []
        self.asked: list[tuple[Case, Task]] = []
        self.alive: list[Case] = []
        self.crowds: list[set[Case]] = []
        self.ended: list[Case] = []
        self.orders: list[Command] = []
        self.ticks = 0
        self._fails = fails or {}

    @contextmanager
    def __call__(self, job: Job, tick: Callable[[], None]) -> Iterator[Any]:
        self.jobs.append(job)
        assert job.case not in self.alive
        self.alive.append(job.case)
        try:
            yield _Worker(self, job, tick)
        finally:
            self.alive.remove(job.case)
            self.ended.append(job.case)

    def answer(self, job: Job, order: Command) -> Reply:
        self.asked.append((job.case, order.task))
        self.orders.append(order)
        self.crowds.append(set(self.alive))
        if self._fails.get(job.case) == (self.rounds_of(job.case), order.task):
            return Reply(failure=FAILURE)
        if order.task is not Task.COLLECT:
            return Reply()
        return Reply(measurement=MEASUREMENT, scores=encode_scores(_SCORES) if job.classify else "")

    def rounds_of(self, of: Case) -> int:
        return sum(job.case == of for job in self.jobs)

    def tasks_of(self, of: Case) -> list[Task]:
        return [task for each, task in self.asked if each == of]


class _Worker:
    def __init__(self, workers: Workers, job: Job, tick: Callable[[], None]) -> None:
        self._workers, self._job, self._tick = workers, job, tick

    def ask(self, order: Command) -> Reply:
        for _ in range(self._workers.ticks):
            self._tick()
        return self._workers.answer(self._job, order)


def _execute(
    workers: Workers,
    cases: Sequence[Case] = _CASES,
    diary: Diary | None = None,
    **changes: Any,  # noqa: ANN401 - any setting
) -> tuple[CaseData, ...]:
    found = tuple(map(CaseData, cases))
    run_rounds(
        found,
        replace(SETTINGS, **{"together": 16, **changes}),
        _PATHS,
        launch=workers,
        probe=lambda: READING,
        progress=diary or Diary(),
    )
    return found


# What comes of it


def test_a_case_has_a_measurement_of_each_process_and_the_scores_of_the_first() -> None:
    taken = _execute(Workers())
    assert len(taken) == len(_CASES)
    for each in taken:
        assert each.measurements == [MEASUREMENT] * 3
        np.testing.assert_array_equal(each.scores, _SCORES)
        assert each.failure is None


def test_labels_are_asked_for_only_until_there_are_some() -> None:
    workers = Workers()
    _execute(workers)
    asked = [job.classify for job in workers.jobs if job.case == _CASES[2]]
    assert asked == [True, False, False]


def test_the_floor_is_not_asked_for_labels() -> None:
    workers = Workers()
    _execute(
        workers, [Case(NO_MODEL, "null", "cpu", 1, 1), Case(FIXED_NETWORK, "numpy", "cpu", 1, 1)]
    )
    assert not any(job.classify for job in workers.jobs)


def test_a_job_says_what_to_measure_and_how() -> None:
    workers = Workers()
    _execute(workers, _CASES[:1])
    settings = replace(SETTINGS, together=16)
    assert workers.jobs[0] == Job(_CASES[0], settings, _PATHS, classify=True)


def test_the_machine_is_looked_at_before_and_after_each_process_and_while_it_works() -> None:
    assert len(_execute(Workers(), _CASES[:1])[0].readings) == 3 * 2
    workers = Workers()
    workers.ticks = 2
    (taken,) = _execute(workers, _CASES[:1])
    assert len(taken.readings) == 3 * 2 + 2 * len(workers.asked)


def test_the_clock_of_a_machine_that_waits_is_not_kept() -> None:
    found = _execute(Workers(), _CASES[:1])[0].readings
    assert [bool(each.clocks_mhz) for each in found] == [False, True] * 3


def test_an_empty_plan_is_carried_out_at_once() -> None:
    assert _execute(Workers(), ()) == ()


# The order


def _rounds(workers: Workers) -> list[list[tuple[Case, Task]]]:
    size = len(workers.asked) // 3
    return [workers.asked[start : start + size] for start in range(0, len(workers.asked), size)]


def _turns(asked: Sequence[tuple[Case, Task]], task: Task) -> list[list[Case]]:
    """Who was asked in each turn of a task."""
    order = [each for each, wanted in asked if wanted is task]
    return [order[start : start + 6] for start in range(0, len(order), 6)]


def test_in_each_turn_of_each_round_every_case_has_its_turn_once() -> None:
    workers = Workers()
    _execute(workers, min_seconds=0.2, turn_seconds=0.05, paced_samples=20)
    for asked in _rounds(workers):
        for task, turns in ((Task.OPEN, 1), (Task.BACK_TO_BACK, 4), (Task.PACED, 2)):
            found = _turns(asked, task)
            assert len(found) == turns
            assert all(set(each) == set(_CASES) for each in found)


def test_each_turn_has_an_order_of_its_own() -> None:
    workers = Workers()
    _execute(workers, min_seconds=0.5, turn_seconds=0.05)
    turns = _turns(workers.asked, Task.BACK_TO_BACK)
    assert len(turns) == 30
    assert len({tuple(turn) for turn in turns}) > 20
    # Nobody is always first, and nobody always follows the same one.
    assert {turn[0] for turn in turns} == set(_CASES)


def test_a_process_is_opened_then_takes_its_turns_and_tells_the_rest_at_the_end() -> None:
    workers = Workers()
    _execute(workers, min_seconds=0.1, turn_seconds=0.05, paced_samples=17)
    one = [Task.OPEN, *[Task.BACK_TO_BACK] * 2, *[Task.PACED] * 2, Task.COLLECT]
    assert workers.tasks_of(_CASES[0]) == one * 3


def test_the_seed_alone_decides_about_the_order() -> None:
    orders = []
    for seed in (1, 1, 2):
        workers = Workers()
        _execute(workers, seed=seed)
        orders.append(workers.asked)
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_every_case_has_one_fresh_process_per_round() -> None:
    workers = Workers()
    _execute(workers)
    assert [workers.rounds_of(each) for each in _CASES] == [3] * 6
    starts = [job.case for job in workers.jobs]
    assert all(set(starts[at : at + 6]) == set(_CASES) for at in (0, 6, 12))
    assert workers.alive == []
    assert len(workers.ended) == 18


def test_all_cases_are_alive_while_turns_are_taken() -> None:
    workers = Workers()
    _execute(workers)
    turns = [
        crowd
        for crowd, (_, task) in zip(workers.crowds, workers.asked, strict=True)
        if task is Task.BACK_TO_BACK
    ]
    assert all(crowd == set(_CASES) for crowd in turns)


@pytest.mark.parametrize(
    ("together", "sizes"), [(1, [1] * 6), (2, [2] * 3), (4, [3, 3]), (5, [3, 3])]
)
def test_no_more_processes_are_alive_than_may_be_and_groups_are_even(
    together: int, sizes: list[int]
) -> None:
    workers = Workers()
    _execute(workers, together=together, processes=1)
    crowds = [
        frozenset(crowd)
        for crowd, (_, task) in zip(workers.crowds, workers.asked, strict=True)
        if task is Task.BACK_TO_BACK
    ]
    assert [len(crowd) for crowd in dict.fromkeys(crowds)] == sizes
    assert max(map(len, workers.crowds)) <= together
    assert [workers.rounds_of(each) for each in _CASES] == [1] * 6


def test_who_shares_a_group_is_another_in_each_round() -> None:
    workers = Workers()
    _execute(workers, together=2, processes=20)
    neighbours = {frozenset(crowd) for crowd in workers.crowds if len(crowd) == 2}
    assert len(neighbours) == 15  # all pairs of six


# Rounds


def _in_parts(workers: Workers, done: int, kept: list[int]) -> tuple[CaseData, ...]:
    found = tuple(map(CaseData, _CASES))
    run_rounds(
        found,
        replace(SETTINGS, together=16),
        _PATHS,
        launch=workers,
        probe=lambda: READING,
        progress=Diary(),
        done=done,
        keep=kept.append,
    )
    return found


def test_each_round_is_told_once_it_has_ended() -> None:
    kept: list[int] = []
    _in_parts(Workers(), 0, kept)
    assert kept == [1, 2, 3]


def test_rounds_that_are_done_are_not_run_again_and_the_others_keep_their_order() -> None:
    whole, rest, kept = Workers(), Workers(), list[int]()
    _in_parts(whole, 0, [])
    found = _in_parts(rest, 1, kept)
    assert kept == [2, 3]
    assert rest.asked == whole.asked[len(whole.asked) // 3 :]
    assert all(len(each.measurements) == 2 for each in found)
    # The scores are not part of a result, so the first process labels the images again.
    assert all(each.scores is not None for each in found)


# How much


def _orders(settings: Settings) -> dict[Task, list[Command]]:
    workers = Workers()
    run_rounds(
        [CaseData(_CASES[0])],
        replace(settings, processes=1),
        _PATHS,
        launch=workers,
        probe=lambda: READING,
        progress=Diary(),
    )
    return {task: [each for each in workers.orders if each.task is task] for task in Task}


def test_turns_add_up_to_the_time_and_the_samples_of_the_protocol() -> None:
    orders = _orders(replace(SETTINGS, min_seconds=0.6, turn_seconds=0.05, min_samples=100))
    hot = orders[Task.BACK_TO_BACK]
    assert sum(each.seconds for each in hot) == pytest.approx(0.6)
    assert sum(each.samples for each in hot) >= 100
    assert {each.seconds for each in hot} == {0.05}


def test_paced_turns_are_short_and_add_up() -> None:
    orders = _orders(replace(SETTINGS, paced_samples=40, paced_hz=20.0))
    assert [each.samples for each in orders[Task.PACED]] == [16, 16, 8]
    assert [each.seconds for each in orders[Task.PACED]] == [0.8, 0.8, 0.4]


def test_a_protocol_may_leave_out_the_paced_regime() -> None:
    assert _orders(replace(SETTINGS, paced_samples=0))[Task.PACED] == []


def test_a_protocol_of_no_time_has_one_turn() -> None:
    orders = _orders(replace(SETTINGS, min_seconds=0.0, turn_seconds=0.0, min_samples=4))
    assert [each.samples for each in orders[Task.BACK_TO_BACK]] == [4]


# What fails


@pytest.mark.parametrize("task", [Task.OPEN, Task.BACK_TO_BACK, Task.PACED, Task.COLLECT])
def test_a_case_that_fails_is_not_tried_again_and_the_others_stand(task: Task) -> None:
    bad = _CASES[1]
    workers = Workers(fails={bad: (1, task)})
    taken = _execute(workers)
    assert workers.rounds_of(bad) == 1
    assert workers.tasks_of(bad)[-1] is task
    assert [each.failure for each in taken] == [None, FAILURE, None, None, None, None]
    assert [len(each.measurements) for each in taken] == [3, 0, 3, 3, 3, 3]
    assert workers.alive == []


def test_a_case_that_fails_late_keeps_what_it_has() -> None:
    workers = Workers(fails={_CASES[1]: (3, Task.PACED)})
    taken = _execute(workers)[1]
    assert taken.measurements == [MEASUREMENT] * 2
    assert taken.failure == FAILURE
    assert taken.scores is not None


def test_an_interruption_ends_all_processes_of_the_round() -> None:
    class Interrupted(Workers):
        def answer(self, job: Job, order: Command) -> Reply:
            if len(self.asked) == 9:
                raise KeyboardInterrupt
            return super().answer(job, order)

    workers = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        _execute(workers)
    assert workers.alive == []
    assert len(workers.ended) == 6


# Progress


@pytest.mark.parametrize("fails", [{}, {_CASES[1]: (1, Task.OPEN)}, {_CASES[1]: (2, Task.PACED)}])
def test_progress_arrives_even_where_cases_fail(fails: dict[Case, tuple[int, Task]]) -> None:
    diary = Diary()
    _execute(Workers(fails), diary=diary)
    ((label, total),) = diary.started
    assert label == "Benchmark"
    assert diary.steps == total
    assert diary.finished == 1
    assert set(diary.notes) == {f"{name}.npz on numpy" for name in "abcdef"}


def test_progress_names_the_device_and_the_batch() -> None:
    diary = Diary()
    many = CaseData(replace(_CASES[0], device="webgpu", batch=64))
    run_rounds(
        [many],
        SETTINGS,
        DataPaths(),
        launch=Workers(),
        probe=lambda: READING,
        progress=diary,
    )
    assert set(diary.notes) == {"a.npz on numpy webgpu, batch 64"}

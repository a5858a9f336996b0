"""A plan is carried out in a fair order, and one bad case spoils no other."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fmnist_edge.bench.execute import execute
from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.plan import Plan, failed_row
from fmnist_edge.result import Accuracy, Case, Row, Settings, Throughput
from tests.examples import FAILURE, SETTINGS, Diary, case, measured

_CASES = tuple(case(f"models/{name}.npz") for name in "abcdef")
_TRUTH = np.array([1, 2, 3], np.uint8)


class Launcher:
    """Measures in no time; the cases named `fails` fail in the given round, counted from 1."""

    def __init__(self, fails: dict[Case, int] | None = None) -> None:
        self.jobs: list[Job] = []
        self._fails = fails or {}

    def __call__(self, job: Job) -> Reply:
        self.jobs.append(job)
        taken = self.taken_of(job.case)
        if self._fails.get(job.case) == taken:
            return Reply(failure=FAILURE)
        return Reply(
            measurement=measured(
                [100 * taken], throughput=Throughput(2, 9.0), labels="122" if job.classify else ""
            )
        )

    def taken_of(self, of: Case) -> int:
        return sum(job.case == of for job in self.jobs)

    @property
    def order(self) -> list[Case]:
        return [job.case for job in self.jobs]


def _execute(
    launcher: Launcher,
    plan: Plan = Plan(_CASES, (), ()),  # noqa: B008 - frozen
    settings: Settings = SETTINGS,
    diary: Diary | None = None,
) -> tuple[Row, ...]:
    return execute(
        plan,
        settings,
        data_folder=Path("data"),
        truth=_TRUTH,
        launch=launcher,
        progress=diary or Diary(),
    )


def test_a_case_becomes_a_row_with_all_its_statistics() -> None:
    row = _execute(Launcher())[0]
    assert row.case == _CASES[0]
    assert len(row.measurements) == 3
    assert row.latency is not None
    assert row.latency.process_medians == (100, 200, 300)
    assert row.throughput == Throughput(2, 9.0)
    assert row.accuracy == Accuracy(3, 2)
    assert row.failure is None


def test_rows_come_in_the_order_of_the_plan_and_then_those_that_failed_before() -> None:
    broken = failed_row(case("broken.npz"), FAILURE)
    rows = _execute(Launcher(), Plan(_CASES, (broken,), ()))
    assert [row.case for row in rows] == [*_CASES, broken.case]
    assert rows[-1] is broken


def test_each_round_takes_every_case_once_in_an_order_of_its_own() -> None:
    launcher = Launcher()
    _execute(launcher)
    rounds = [launcher.order[start : start + 6] for start in (0, 6, 12)]
    assert len(launcher.order) == 18
    assert all(set(each) == set(_CASES) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_the_seed_alone_decides_about_the_order() -> None:
    orders = []
    for seed in (1, 1, 2):
        launcher = Launcher()
        _execute(launcher, settings=replace(SETTINGS, seed=seed))
        orders.append(launcher.order)
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_labels_are_asked_for_only_until_there_are_some() -> None:
    launcher = Launcher()
    _execute(launcher)
    asked = [job.classify for job in launcher.jobs if job.case == _CASES[2]]
    assert asked == [True, False, False]


def test_a_job_says_what_to_measure_and_how() -> None:
    launcher = Launcher()
    _execute(launcher, Plan(_CASES[:1], (), ()))
    assert launcher.jobs[0] == Job(_CASES[0], SETTINGS, "data", classify=True)


def test_a_case_that_fails_is_not_tried_again_and_the_others_stand() -> None:
    launcher = Launcher(fails={_CASES[1]: 1})
    rows = _execute(launcher)
    assert launcher.taken_of(_CASES[1]) == 1
    assert rows[1] == failed_row(_CASES[1], FAILURE)
    assert [len(row.measurements) for row in rows] == [3, 0, 3, 3, 3, 3]
    assert [row.failure for row in rows] == [None, FAILURE, None, None, None, None]


def test_a_case_that_fails_late_keeps_its_samples_but_has_no_statistics() -> None:
    row = _execute(Launcher(fails={_CASES[1]: 3}))[1]
    assert len(row.measurements) == 2
    assert row.failure == FAILURE
    assert (row.latency, row.throughput, row.accuracy) == (None, None, None)


def test_progress_arrives_even_where_cases_fail() -> None:
    diary = Diary()
    _execute(Launcher(fails={_CASES[1]: 1}), diary=diary)
    assert diary.started == [("Benchmark", 18)]
    assert diary.steps == 18
    assert diary.finished == 1
    assert set(diary.notes) == {f"{name}.npz on numpy" for name in "abcdef"}


def test_an_empty_plan_is_carried_out_at_once() -> None:
    assert _execute(Launcher(), Plan((), (), ())) == ()

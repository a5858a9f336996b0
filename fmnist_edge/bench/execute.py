"""Carrying out a plan: process after process, case by case, in a fair order."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench import statistics
from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.plan import Plan
from fmnist_edge.progress import Progress
from fmnist_edge.result import Case, Failure, Measurement, Row, Settings

__all__ = ["Launch", "execute"]

Launch = Callable[[Job], Reply]


def execute(  # noqa: PLR0913 - each is one independent fact about the run
    plan: Plan,
    settings: Settings,
    *,
    data_folder: Path,
    truth: NDArray[np.uint8],
    launch: Launch,
    progress: Progress,
) -> tuple[Row, ...]:
    """Measure every case of the plan.

    The processes of one case are spread over the whole run, in a shuffled order that the seed
    fixes, so that a slow minute of the machine hits all cases alike. A case that fails once is not
    tried again.

    Args:
        plan: What to measure.
        settings: How.
        data_folder: Where the data set lies.
        truth: uint8[10000], the labels of the test images.
        launch: Runs one job in a process of its own.
        progress: Told of every process.

    Returns:
        A row per case in the order of the plan, then those that had failed already.
    """
    taken: dict[Case, list[Measurement]] = {case: [] for case in plan.cases}
    failures: dict[Case, Failure] = {}
    progress.start("Benchmark", settings.processes * len(plan.cases))
    for case in _order(plan.cases, settings):
        progress.advance(0, note=f"{case.subject.name} on {case.runtime}")
        if case not in failures:
            reply = launch(Job(case, settings, str(data_folder), classify=not taken[case]))
            if reply.measurement is not None:
                taken[case].append(reply.measurement)
            if reply.failure is not None:
                failures[case] = reply.failure
        progress.advance()
    progress.finish()
    rows = [_row(case, taken[case], failures.get(case), truth) for case in plan.cases]
    return (*rows, *plan.failed)


def _order(cases: tuple[Case, ...], settings: Settings) -> Iterator[Case]:
    shuffle = random.Random(settings.seed).shuffle  # noqa: S311 - an order, not a secret
    for _ in range(settings.processes):
        round_ = list(cases)
        shuffle(round_)
        yield from round_


def _row(
    case: Case, taken: list[Measurement], failure: Failure | None, truth: NDArray[np.uint8]
) -> Row:
    if failure is not None:
        return Row(case, tuple(taken), None, None, None, failure)
    return Row(
        case=case,
        measurements=tuple(taken),
        latency=statistics.latency(taken),
        throughput=statistics.throughput(taken),
        accuracy=statistics.accuracy(taken[0].labels, truth),
        failure=None,
    )

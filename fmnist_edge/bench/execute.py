"""Carrying out a plan: round after round, turn after turn, in a fair order.

In each round every case has one fresh process. Processes are opened one at a time, for the cold
start belongs to one alone; then they stay alive and take short turns in a shuffled order, one
running and the others asleep. A slow stretch of the machine so hits all cases alike, and process k
of one case can be compared with process k of another: they lived through the same minute.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench.lines import decode_scores
from fmnist_edge.bench.messages import Job, Order, Reply, Task
from fmnist_edge.progress import Progress
from fmnist_edge.result import Case, Failure, Measurement, Reading, Settings

__all__ = ["Asking", "Launch", "Look", "Supplies", "Taken", "execute"]

# Weights of the progress display: about tenths of a second.
_OPEN_STEPS: Final = 5
_REST_STEPS: Final = 8
_PACED_CALLS_PER_TURN: Final = 16


class Asking(Protocol):
    """A worker process, whatever it really is."""

    def ask(self, order: Order) -> Reply:
        """Give an order and wait for what comes of it."""


Launch = Callable[[Job, Callable[[], None]], AbstractContextManager[Asking]]
Look = Callable[[], Reading]


@dataclass(frozen=True)
class Supplies:
    """What workers are told to feed their models with.

    Args:
        data_folder: Where the data set lies; None where nothing needs it.
        own_data: The user's `.npz` file; None for none.
    """

    data_folder: str | None
    own_data: str | None


@dataclass
class Taken:
    """What has been found out about one case so far."""

    measurements: list[Measurement] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    scores: NDArray[np.float32] | None = None
    failure: Failure | None = None


def execute(  # noqa: PLR0913 - each is one independent fact about the run
    cases: Sequence[Case],
    settings: Settings,
    supplies: Supplies,
    *,
    launch: Launch,
    look: Look,
    progress: Progress,
) -> tuple[Taken, ...]:
    """Measure every case. One that fails is not tried again, and the others go on.

    Args:
        cases: What to measure.
        settings: How.
        supplies: What to feed the models with.
        launch: Starts a worker for a job; it calls what it is given while it waits.
        look: Tells how the machine is doing.
        progress: Told of every order.

    Returns:
        What was found, case by case.
    """
    taken = {case: Taken() for case in cases}
    turns = _turns(settings)
    steps = _OPEN_STEPS + _REST_STEPS + sum(turn.steps for turn in turns)
    progress.start("Benchmark", settings.processes * len(cases) * steps)
    shuffle = random.Random(settings.seed).shuffle  # noqa: S311 - an order, not a secret
    rounds = _Rounds(settings, supplies, launch, look, progress, taken)
    for _ in range(settings.processes):
        order = list(cases)
        shuffle(order)
        for group in _groups(order, settings.together):
            rounds.carry_out(group, turns, shuffle)
    progress.finish()
    return tuple(taken[case] for case in cases)


@dataclass(frozen=True)
class _Turn:
    order: Order
    steps: int


def _turns(settings: Settings) -> tuple[_Turn, ...]:
    """What each process does between its opening and its end."""
    seconds = settings.turn_seconds
    count = max(1, ceil(settings.min_seconds / seconds)) if seconds else 1
    hot = Order(Task.BACK_TO_BACK, seconds, max(1, ceil(settings.min_samples / count)))
    paced = []
    for start in range(0, settings.paced_samples, _PACED_CALLS_PER_TURN):
        calls = min(_PACED_CALLS_PER_TURN, settings.paced_samples - start)
        paced.append(Order(Task.PACED, calls / settings.paced_hz, calls))
    orders = (*[hot] * count, *paced)
    return tuple(_Turn(order, max(1, round(10 * order.seconds))) for order in orders)


def _groups(order: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """Groups of nearly the same size, none larger than `size`."""
    count = ceil(len(order) / max(1, size))
    for index in range(count):
        yield order[index * len(order) // count : (index + 1) * len(order) // count]


@dataclass(frozen=True)
class _Rounds:
    """What every round needs; what comes of them gathers in `taken`."""

    settings: Settings
    supplies: Supplies
    launch: Launch
    look: Look
    progress: Progress
    taken: dict[Case, Taken]

    def carry_out(
        self,
        cases: Sequence[Case],
        turns: Sequence[_Turn],
        shuffle: Callable[[list[Case]], None],
    ) -> None:
        """Some cases, each in a process, from opening to the end."""
        with ExitStack() as alive:
            workers = {case: self._open(alive, case) for case in cases}
            for turn in turns:
                order = list(cases)
                shuffle(order)
                for case in order:
                    self._ask(workers[case], case, turn.order, turn.steps)
            for case in cases:
                self._finish(workers[case], case)

    def _open(self, alive: ExitStack, case: Case) -> Asking | None:
        taken = self.taken[case]
        if taken.failure is not None:
            self.progress.advance(_OPEN_STEPS)
            return None
        taken.readings.append(self.look())
        job = Job(
            case,
            self.settings,
            self.supplies.data_folder,
            self.supplies.own_data,
            # What the floor answers means nothing.
            classify=not taken.measurements and not case.subject.is_floor,
        )
        worker = alive.enter_context(self.launch(job, lambda: taken.readings.append(self.look())))
        self._ask(worker, case, Order(Task.OPEN), _OPEN_STEPS)
        return worker

    def _ask(self, worker: Asking | None, case: Case, order: Order, steps: int) -> Reply | None:
        """Have an order carried out; None once the case has failed."""
        self.progress.advance(0, note=f"{case.subject.name} on {case.runtime}")
        taken = self.taken[case]
        reply = None
        if worker is not None and taken.failure is None:
            reply = worker.ask(order)
            taken.failure = reply.failure
        self.progress.advance(steps)
        return reply

    def _finish(self, worker: Asking | None, case: Case) -> None:
        taken = self.taken[case]
        reply = self._ask(worker, case, Order(Task.REST), _REST_STEPS)
        if reply is not None and reply.measurement is not None:
            taken.measurements.append(reply.measurement)
            taken.readings.append(self.look())
            if reply.scores:
                taken.scores = decode_scores(reply.scores)

"""The rounds of a benchmark: which process takes a turn when.

In each round every case has one fresh process. Processes are opened one at a time, because a cold
start is timed alone; then they stay alive and take short turns in a shuffled order, one running and
the others asleep. A slow minute of the machine therefore affects all cases alike, and process k of
one case can be compared with process k of another.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final, Protocol

from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task, decode_scores
from fmnist_edge.devices import CPU
from fmnist_edge.progress import Progress
from fmnist_edge.records import replace
from fmnist_edge.result import Case, Reading, Settings, case_name

# Weights of the progress display, in about tenths of a second.
_OPEN_STEPS: Final = 5
_COLLECT_STEPS: Final = 8
_STEPS_PER_SECOND: Final = 10
_PACED_CALLS_PER_TURN: Final = 16


class WorkerHandle(Protocol):
    """A worker process that is given commands."""

    def ask(self, command: Command) -> Reply:
        """Give a command and wait for its reply."""


Launch = Callable[[Job, Callable[[], None]], AbstractContextManager[WorkerHandle]]
HealthProbe = Callable[[], Reading]


def run_rounds(  # noqa: PLR0913 - each is one independent fact about the run
    found: Sequence[CaseData],
    settings: Settings,
    data: DataPaths,
    *,
    launch: Launch,
    probe: HealthProbe,
    progress: Progress,
    caches: Path | None = None,
    done: int = 0,
    keep: Callable[[int], None] = lambda _: None,
) -> None:
    """Measure every case. One that fails is not tried again, and the others go on.

    Args:
        found: The cases; what is measured is added to them.
        settings: The protocol.
        data: Where the images are.
        launch: Starts a worker for a job; it calls the function it is given while it waits.
        probe: Reads the state of the machine.
        progress: Told of every command.
        caches: A folder in which each case on another device than the CPU is given a folder for
            what is compiled for the device; the first process of a case finds it empty.
        done: Rounds that an earlier run of the same benchmark has finished.
        keep: Called after each round with the number of rounds that are finished.
    """
    if not found:
        return
    turns = _turns(settings)
    steps = _OPEN_STEPS + _COLLECT_STEPS + sum(turn.steps for turn in turns)
    folders = kernel_caches([each.case for each in found], caches)
    progress.start("Benchmark", (settings.processes - done) * len(found) * steps)
    for number in range(done, settings.processes):
        # Each round has an order of its own, whether or not the rounds before it ran just now.
        shuffle = random.Random(f"{settings.seed}:{number}").shuffle  # noqa: S311 - not a secret
        rounds = _Round(settings, data, launch, probe, progress, folders, classify=number == done)
        order = list(found)
        shuffle(order)
        for group in _groups(order, settings.together):
            rounds.run(group, turns, shuffle)
        keep(number + 1)
    progress.finish()


def kernel_caches(cases: Sequence[Case], folder: Path | None) -> Mapping[Case, str]:
    """Make an empty folder for each case on another device than the CPU, and return their paths."""
    if folder is None:
        return {}
    found = {}
    for number, case in enumerate(cases):
        if case.device != CPU:
            own = folder / str(number)
            own.mkdir()
            found[case] = str(own)
    return found


@dataclass(frozen=True)
class _Turn:
    command: Command
    steps: int


def _turns(settings: Settings) -> tuple[_Turn, ...]:
    """Return what each process does between its opening and its end."""
    seconds = settings.turn_seconds
    count = max(1, ceil(settings.min_seconds / seconds)) if seconds else 1
    hot = Command(Task.BACK_TO_BACK, seconds, max(1, ceil(settings.min_samples / count)))
    paced = []
    for start in range(0, settings.paced_samples, _PACED_CALLS_PER_TURN):
        calls = min(_PACED_CALLS_PER_TURN, settings.paced_samples - start)
        paced.append(Command(Task.PACED, calls / settings.paced_hz, calls))
    commands = (*[hot] * count, *paced)
    return tuple(_Turn(each, max(1, round(_STEPS_PER_SECOND * each.seconds))) for each in commands)


def _groups(order: Sequence[CaseData], size: int) -> Iterator[Sequence[CaseData]]:
    """Yield groups of nearly the same size, none larger than `size`."""
    count = ceil(len(order) / max(1, size))
    for index in range(count):
        yield order[index * len(order) // count : (index + 1) * len(order) // count]


@dataclass(frozen=True)
class _Round:
    """What a round needs.

    Args:
        caches: The folder of each case for what is compiled for its device.
        classify: Whether the processes label all images, too.
    """

    settings: Settings
    data: DataPaths
    launch: Launch
    probe: HealthProbe
    progress: Progress
    caches: Mapping[Case, str]
    classify: bool

    def run(
        self,
        group: Sequence[CaseData],
        turns: Sequence[_Turn],
        shuffle: Callable[[list[tuple[CaseData, WorkerHandle | None]]], None],
    ) -> None:
        """Measure some cases, each in a process, from opening to the end."""
        with ExitStack() as alive:
            workers = [(each, self._open(alive, each)) for each in group]
            for turn in turns:
                order = list(workers)
                shuffle(order)
                for each, worker in order:
                    self._ask(worker, each, turn.command, turn.steps)
            for each, worker in workers:
                self._collect(worker, each)

    def _open(self, alive: ExitStack, each: CaseData) -> WorkerHandle | None:
        if each.failure is not None:
            self.progress.advance(_OPEN_STEPS)
            return None
        # The clock of a machine that does nothing yet says nothing about the calls.
        each.readings.append(replace(self.probe(), clocks_mhz={}))
        job = Job(
            each.case,
            self.settings,
            self.data,
            # The answers of the baseline mean nothing.
            classify=self.classify and not each.case.subject.is_baseline,
            kernel_cache=self.caches.get(each.case),
        )
        worker = alive.enter_context(self.launch(job, lambda: each.readings.append(self.probe())))
        self._ask(worker, each, Command(Task.OPEN), _OPEN_STEPS)
        return worker

    def _ask(
        self, worker: WorkerHandle | None, each: CaseData, command: Command, steps: int
    ) -> Reply | None:
        """Give a command and return the reply, or None once the case has failed."""
        self.progress.advance(0, note=case_name(each.case))
        reply = None
        if worker is not None and each.failure is None:
            reply = worker.ask(command)
            each.failure = reply.failure
        self.progress.advance(steps)
        return reply

    def _collect(self, worker: WorkerHandle | None, each: CaseData) -> None:
        reply = self._ask(worker, each, Command(Task.COLLECT), _COLLECT_STEPS)
        if reply is not None and reply.measurement is not None:
            each.measurements.append(reply.measurement)
            each.readings.append(self.probe())
            if reply.scores:
                each.scores = decode_scores(reply.scores)

"""Energy per call above that of the idle machine, in a measurement of its own.

The latency turns are too short for meters that give the average of a second, and reading a meter
disturbs what is timed. Each case therefore runs once more, without timing single calls.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from fmnist_edge.bench.rounds import Launch, WorkerHandle
from fmnist_edge.bench.wire import Command, DataPaths, Job, Task
from fmnist_edge.clock import NS_PER_SECOND, now, rest
from fmnist_edge.progress import Progress
from fmnist_edge.result import Case, Energy, Settings, case_name

T = TypeVar("T")
_STEPS_PER_SECOND: Final = 10


class RunningMeter(Protocol):
    """A meter that adds up energy."""

    def sample(self, seconds: float) -> None:
        """Read the meter, `seconds` after it was made."""

    def joules(self) -> float:
        """Return the joules since the meter was made, as of the last reading."""


def measure_energy(  # noqa: PLR0913 - each is one independent fact about the run
    cases: Sequence[Case],
    settings: Settings,
    data: DataPaths,
    *,
    launch: Launch,
    meter_of: Callable[[Case], RunningMeter | None],
    progress: Progress,
) -> dict[Case, Energy]:
    """Return the energy of each case: its process first waits and then calls back to back.

    Args:
        cases: What to measure; one that fails here, or has no meter, is left out of the result.
        settings: `energy_seconds` for each half.
        data: Where the images are.
        launch: Starts a worker for a job; it calls the function it is given while it waits.
        meter_of: Returns the meter of the device that a case runs on; None where it has none.
        progress: Told of every case.
    """
    begin = now()
    seconds = settings.energy_seconds
    steps = round(2 * seconds * _STEPS_PER_SECOND)
    progress.start("Energy", steps * len(cases))
    found = {}
    for case in cases:
        meter = meter_of(case)
        if meter is None:
            progress.advance(steps)
            continue
        read = _reader(meter, begin)
        progress.advance(0, note=case_name(case))
        job = Job(case, settings, data, classify=False)
        # Where the meter fails in between, this case has no figure, and the others keep theirs.
        with suppress(OSError), launch(job, read) as worker:
            energy = _of_one(worker, seconds, meter, read)
            if energy is not None:
                found[case] = energy
        progress.advance(steps)
    progress.finish()
    return found


def _reader(meter: RunningMeter, begin_ns: int) -> Callable[[], None]:
    return lambda: meter.sample((now() - begin_ns) / NS_PER_SECOND)


def _of_one(
    worker: WorkerHandle, seconds: float, meter: RunningMeter, read: Callable[[], None]
) -> Energy | None:
    """Return the energy of one worker; None where it fails."""
    if worker.ask(Command(Task.OPEN)).failure is not None:
        return None
    _, idle_joules, idle_seconds = _metered(meter, read, lambda: rest(seconds, read))
    reply, joules, busy_seconds = _metered(
        meter, read, lambda: worker.ask(Command(Task.SUSTAINED_LOAD, seconds))
    )
    if not reply.calls:
        return None
    return Energy(joules, idle_joules / idle_seconds, busy_seconds, reply.calls)


def _metered(
    meter: RunningMeter, read: Callable[[], None], action: Callable[[], T]
) -> tuple[T, float, float]:
    """Return the value of an action, its joules and its seconds."""
    read()
    before, start = meter.joules(), now()
    value = action()
    read()
    return value, meter.joules() - before, (now() - start) / NS_PER_SECOND

"""Energy per call, in a run of its own, above that of the idle machine.

The latency turns are far too short for meters that tell a second's average, and reading a meter
disturbs what is timed; so each case runs once more, without a clock on single calls.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from fmnist_edge.bench.execute import Asking, Launch, Supplies
from fmnist_edge.bench.messages import Job, Order, Task
from fmnist_edge.clock import NS_PER_SECOND, now, rest
from fmnist_edge.progress import Progress
from fmnist_edge.result import Case, Energy, Settings

__all__ = ["Metering", "measure_energy"]

T = TypeVar("T")
_STEPS_PER_SECOND: Final = 10


class Metering(Protocol):
    """A running total of energy."""

    def sample(self, seconds: float) -> None:
        """Look at the meter, `seconds` after it was made."""

    def joules(self) -> float:
        """Joules since the meter was made, as of the last look."""


def measure_energy(  # noqa: PLR0913 - each is one independent fact about the run
    cases: Sequence[Case],
    settings: Settings,
    supplies: Supplies,
    *,
    launch: Launch,
    meter: Metering,
    progress: Progress,
) -> dict[Case, Energy]:
    """Energy of each case: first with its process waiting, then with it calling back to back.

    Args:
        cases: What to measure; one that fails here is left out.
        settings: `energy_seconds` for each half.
        supplies: What to feed the models with.
        launch: Starts a worker for a job; it calls what it is given while it waits.
        meter: What tells the energy.
        progress: Told of every case.
    """
    begin = now()

    def look() -> None:
        meter.sample((now() - begin) / NS_PER_SECOND)

    seconds = settings.energy_seconds
    steps = round(2 * seconds * _STEPS_PER_SECOND)
    progress.start("Energy", steps * len(cases))
    found = {}
    for case in cases:
        progress.advance(0, note=f"{case.subject.name} on {case.runtime}")
        job = Job(case, settings, supplies.data_folder, supplies.own_data, classify=False)
        # A meter that gives up in between leaves this case without a figure, and the others theirs.
        with suppress(OSError), launch(job, look) as worker:
            energy = _of_one(worker, seconds, meter, look)
            if energy is not None:
                found[case] = energy
        progress.advance(steps)
    progress.finish()
    return found


def _of_one(
    worker: Asking, seconds: float, meter: Metering, look: Callable[[], None]
) -> Energy | None:
    """Energy of one worker; None where it fails."""
    if worker.ask(Order(Task.OPEN)).failure is not None:
        return None
    _, idle_joules, idle_seconds = _metered(meter, look, lambda: rest(seconds, look))
    reply, joules, busy_seconds = _metered(
        meter, look, lambda: worker.ask(Order(Task.STRESS, seconds))
    )
    if not reply.calls:
        return None
    return Energy(joules, idle_joules / idle_seconds, busy_seconds, reply.calls)


def _metered(
    meter: Metering, look: Callable[[], None], action: Callable[[], T]
) -> tuple[T, float, float]:
    """What an action gives, its joules and its seconds."""
    look()
    before, start = meter.joules(), now()
    value = action()
    look()
    return value, meter.joules() - before, (now() - start) / NS_PER_SECOND

"""Opening every case once before anything is measured: what fails, and what the rest will take."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from tempfile import TemporaryDirectory
from typing import Final

from fmnist_edge.bench.rounds import Launch
from fmnist_edge.bench.wire import Command, DataPaths, Job, Opened, Task
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.devices import CPU
from fmnist_edge.progress import Progress
from fmnist_edge.result import Case, Failure, Settings, case_name

# Workers may use this share of the memory that is available; other programs need some, too.
_SHARE_OF_MEMORY: Final = 0.5
# What a process does besides what the protocol sets, and the longest that labelling images takes.
_OTHER_SECONDS: Final = 1.0
_CLASSIFY_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Prepared:
    """A case that was opened once.

    Args:
        case: The case.
        seconds: How long its process took, from its start to its end.
        opened: What the process told; None where the case failed.
        failure: Why the case cannot be measured; None where it can.
    """

    case: Case
    seconds: float
    opened: Opened | None
    failure: Failure | None


def prepare(  # noqa: PLR0913 - each is one independent fact about the run
    cases: Sequence[Case],
    settings: Settings,
    data: DataPaths,
    *,
    launch: Launch,
    at_once: int,
    progress: Progress,
) -> tuple[Prepared, ...]:
    """Open each case in a process of its own; nothing is timed, so several are open at a time.

    Args:
        cases: What to open.
        settings: The protocol.
        data: Where the images are.
        launch: Starts a worker for a job.
        at_once: Processes that may live at the same time.
        progress: Told of every case.
    """
    progress.start("Open every file once", len(cases))

    def open_one(case: Case) -> Prepared:
        def ask() -> tuple[Opened | None, Failure | None]:
            # What is compiled for a device here must not shorten the cold start that is measured.
            with (
                TemporaryDirectory() as cache,
                launch(
                    Job(
                        case,
                        settings,
                        data,
                        classify=False,
                        kernel_cache=cache if case.device != CPU else None,
                    ),
                    lambda: None,
                ) as worker,
            ):
                reply = worker.ask(Command(Task.OPEN))
            return reply.opened, reply.failure

        (opened, failure), duration_ns = timed(ask)
        return Prepared(case, duration_ns / NS_PER_SECOND, opened, failure)

    found = []
    with ThreadPoolExecutor(at_once) as pool:
        for each in pool.map(open_one, cases):
            found.append(each)
            progress.advance(note=case_name(each.case))
    progress.finish()
    return tuple(found)


def fitting(prepared: Sequence[Prepared], available_bytes: int | None, at_most: int) -> int:
    """Return how many workers may live at the same time, from 1 to `at_most`.

    The largest of them together take no more than half of the memory that is available.

    Args:
        prepared: The cases that will be measured.
        available_bytes: Memory that could be had without swapping; None where it is not known.
        at_most: The protocol's number.
    """
    if available_bytes is None:
        return at_most
    totals = list(accumulate(sorted(map(_resident, prepared), reverse=True)[:at_most]))
    found = sum(total <= _SHARE_OF_MEMORY * available_bytes for total in totals)
    return at_most if found == len(totals) else max(1, found)


def memory_bytes(prepared: Sequence[Prepared], together: int) -> int:
    """Return the memory that the largest `together` workers take."""
    return sum(sorted(map(_resident, prepared), reverse=True)[:together])


def _resident(each: Prepared) -> int:
    return (each.opened.resident_bytes if each.opened else None) or 0


def expected_seconds(prepared: Sequence[Prepared], settings: Settings, images: int) -> float:
    """Return about how long measuring these cases takes.

    Args:
        prepared: The cases that will be measured.
        settings: The protocol.
        images: Images that each model labels once.
    """
    return sum(_seconds(each, settings, images) for each in prepared)


def _seconds(each: Prepared, settings: Settings, images: int) -> float:
    call = each.opened.call_ns / NS_PER_SECOND if each.opened else 0.0
    process = (
        each.seconds
        + max(settings.min_seconds, settings.min_samples * call)
        + settings.paced_samples * max(1 / settings.paced_hz, call)
        + settings.throughput_seconds
        + _OTHER_SECONDS
    )
    once = 0.0 if each.case.subject.is_baseline else min(_CLASSIFY_SECONDS, images * call)
    sustained = 0.0 if each.case.subject.is_baseline else settings.sustain_seconds
    return settings.processes * process + once + 2 * settings.energy_seconds + sustained

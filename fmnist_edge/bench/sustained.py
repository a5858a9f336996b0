"""A load that lasts for minutes, in a measurement of its own: how fast a case is when it is warm.

The cases are loaded in turns, each long enough to heat the machine, so that a slow stretch of the
machine meets all of them. The first turns are short: all cases meet a machine that is still cool.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np

from fmnist_edge.bench.rounds import HealthProbe, Launch, WorkerHandle
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.progress import Progress
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Case,
    Course,
    Interval,
    LoadWindow,
    Reading,
    Settings,
    SpeedLevel,
    Sustained,
    case_name,
)
from fmnist_edge.stats.change_points import Median, find_levels, median_of, noise_about

# The first turn of a case, which its first seconds are.
_FIRST_SECONDS: Final = 5
# Of the others: a part of the load of a case, but so many seconds at least and at most.
_PARTS: Final = 10
_SHORTEST_SECONDS: Final = 10
_LONGEST_SECONDS: Final = 60
# A worker counts as hung from one answer to the next, so that a turn is well below that limit.
_OF_THE_LIMIT: Final = 0.5
# About so many readings of the sensors are kept of each case.
_MOST_READINGS: Final = 240


def turn_lengths(seconds: float, limit_seconds: float) -> tuple[int, ...]:
    """Return the lengths of the turns of a case, in whole seconds.

    The first is 5 s. The others are a tenth of the load, between 10 s and 60 s, and no more than
    half of the time after which a worker counts as hung.

    Args:
        seconds: The load of the case.
        limit_seconds: Time after which a worker counts as hung.
    """
    total = max(1, round(seconds))
    first = min(_FIRST_SECONDS, total)
    wanted = min(max(total / _PARTS, _SHORTEST_SECONDS), _LONGEST_SECONDS)
    longest = max(1, int(min(wanted, _OF_THE_LIMIT * limit_seconds)))
    count = ceil((total - first) / longest)
    cuts = [round(part * (total - first) / count) for part in range(count + 1)] if count else [0]
    return (first, *(stop - start for start, stop in pairwise(cuts)))


@dataclass
class _Load:
    """What is known of the load of one case so far.

    Args:
        case: The case.
        readings: The machine during its turns.
        turns: The windows of each turn.
        failed: Whether its process has failed; it is loaded no more then.
    """

    case: Case
    readings: list[Reading] = field(default_factory=list)
    turns: list[tuple[LoadWindow, ...]] = field(default_factory=list)
    failed: bool = False


def measure_sustained(  # noqa: PLR0913 - each is one independent fact about the run
    cases: Sequence[Case],
    settings: Settings,
    data: DataPaths,
    *,
    launch: Launch,
    probe: HealthProbe,
    begin_ns: int,
    progress: Progress,
    keep: Callable[[Mapping[Case, Sustained]], None],
) -> None:
    """Load the cases in turns, until each has had its `sustain_seconds`.

    Args:
        cases: What to load; one that fails here keeps what was measured by then.
        settings: The protocol.
        data: Where the images are.
        launch: Starts a worker for a job; it calls the function it is given while it waits.
        probe: Reads the state of the machine.
        begin_ns: When the run began, by the clock that all processes share.
        progress: Told of every turn.
        keep: Called after each cycle of turns with what is known of all cases.
    """
    lengths = turn_lengths(settings.sustain_seconds, settings.limit_seconds)
    progress.start("Sustained load", len(cases) * sum(lengths))
    draw = random.Random(f"{settings.seed}:sustained")  # noqa: S311 - not a secret
    loads = [_Load(case) for case in cases]
    stage = _Stage(settings, data, launch, probe, begin_ns, progress)
    order = list(loads)
    draw.shuffle(order)
    for start in range(0, len(order), max(1, settings.together)):
        group = order[start : start + max(1, settings.together)]
        with ExitStack() as alive:
            workers = [(each, stage.open(alive, each)) for each in group]
            for seconds in lengths:
                draw.shuffle(workers)
                for each, worker in workers:
                    stage.turn(each, worker, seconds)
                keep(_known(loads, settings.sustain_hz))
    progress.finish()


@dataclass(frozen=True)
class _Stage:
    """What the turns need."""

    settings: Settings
    data: DataPaths
    launch: Launch
    probe: HealthProbe
    begin_ns: int
    progress: Progress

    def open(self, alive: ExitStack, each: _Load) -> WorkerHandle:
        job = Job(each.case, self.settings, self.data, classify=False)
        opened: AbstractContextManager[WorkerHandle] = self.launch(job, lambda: self._look(each))
        worker = alive.enter_context(opened)
        self._ask(each, worker, Command(Task.OPEN))
        each.readings.clear()  # nothing was loaded yet
        return worker

    def turn(self, each: _Load, worker: WorkerHandle, seconds: int) -> None:
        """Load one case for one turn."""
        self.progress.advance(0, note=case_name(each.case))
        if not each.failed:
            reply = self._ask(each, worker, Command(Task.LOAD_TURN, seconds))
            if reply.windows:
                shift = self.begin_ns / NS_PER_SECOND
                each.turns.append(
                    tuple(replace(w, at_seconds=w.at_seconds - shift) for w in reply.windows)
                )
        self.progress.advance(seconds)

    def _ask(self, each: _Load, worker: WorkerHandle, command: Command) -> Reply:
        reply = worker.ask(command)
        if reply.failure is not None:
            each.failed = True
            self.progress.say(f"{case_name(each.case)}: {reply.failure.message}")
        return reply

    def _look(self, each: _Load) -> None:
        """Read the sensors, unless they have been read a moment ago."""
        reading = self.probe()
        apart = self.settings.sustain_seconds / _MOST_READINGS
        if not each.readings or reading.at_seconds - each.readings[-1].at_seconds >= apart:
            each.readings.append(reading)


def _known(loads: Sequence[_Load], rate_hz: float) -> dict[Case, Sustained]:
    return {
        each.case: sustained(each.turns, rate_hz, each.readings) for each in loads if each.turns
    }


def sustained(
    turns: Sequence[Sequence[LoadWindow]], rate_hz: float, readings: Sequence[Reading] = ()
) -> Sustained:
    """Return a load with the levels of its speed; all of it can be computed again from the windows.

    Args:
        turns: The windows of each turn, at least one.
        rate_hz: Arrivals per second; 0 for calls one after the other.
        readings: The machine during the turns.
    """
    windows = tuple(window for turn in turns for window in turn)
    first = len(turns[0])
    p50 = _course(windows, [each.p50_ns for each in windows], first)
    per_call = _course(windows, [each.per_call_ns for each in windows], first)
    return Sustained(
        rate_hz=rate_hz,
        windows=windows,
        turn_windows=tuple(map(len, turns)),
        p50=p50,
        per_call=None if rate_hz else per_call,
        readings=tuple(readings),
    )


def _course(windows: Sequence[LoadWindow], times_ns: Sequence[float], first_windows: int) -> Course:
    times = np.array(times_ns)
    segments = find_levels(times)
    noise = noise_about(times, segments)
    medians = [median_of(times[each.start : each.stop], noise) for each in segments]
    first = median_of(times[: min(first_windows, segments[0].stop)], noise)
    ends = np.cumsum([0.0, *(window.duration_seconds for window in windows)])
    return Course(
        levels=tuple(
            _level(windows[each.start : each.stop], median, float(ends[each.start]))
            for each, median in zip(segments, medians, strict=True)
        ),
        first_ns=first.value,
        first_interval_ns=Interval(first.low, first.high),
        ratio=medians[-1].value / first.value,
        ratio_interval=_ratio_interval(first, medians[-1]),
    )


def _level(windows: Sequence[LoadWindow], median: Median, after_seconds: float) -> SpeedLevel:
    return SpeedLevel(
        from_seconds=windows[0].at_seconds,
        to_seconds=windows[-1].at_seconds + windows[-1].duration_seconds,
        after_seconds=after_seconds,
        windows=len(windows),
        time_ns=median.value,
        interval_ns=Interval(median.low, median.high),
    )


def _ratio_interval(before: Median, after: Median) -> Interval:
    """Return the interval of a ratio of two medians that depend on each other no further."""
    half = float(np.hypot(before.half_log, after.half_log))
    ratio = after.value / before.value
    return Interval(ratio * float(np.exp(-half)), ratio * float(np.exp(half)))

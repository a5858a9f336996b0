"""One turn of a sustained load inside a worker: windows of about a second."""

from collections.abc import Callable
from typing import Final

import numpy as np

from fmnist_edge.bench.checks.cpu_time import CpuTime
from fmnist_edge.bench.sampler import LatencySampler, LoadCalls
from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.result import CpuUse, LoadWindow
from fmnist_edge.stats.intervals import percentile

_MEDIAN: Final = 0.5
_NINE_TENTHS: Final = 0.9

MeasureCpu = Callable[[Callable[[], None], CpuUse | None], CpuUse]


def load_turn(
    sampler: LatencySampler, seconds: float, hz: float, *, threads: int, cpu_use: MeasureCpu
) -> tuple[LoadWindow, ...]:
    """Load a model for one turn; the samples of one second are in memory at a time.

    Args:
        sampler: Makes the calls.
        seconds: How long.
        hz: Arrivals per second; 0 for calls one after the other.
        threads: Threads that a call may use.
        cpu_use: Calls a function and returns the CPU time used meanwhile.

    Returns:
        Windows whose times are those of the clock that all processes share; none for paced calls
        of native code, which makes calls one after the other only.
    """
    if hz and sampler.times_itself:
        return ()
    length = seconds / max(1, round(seconds))
    make = _paced(sampler, length, hz) if hz else lambda: sampler.load(length)
    end = now() + int(seconds * NS_PER_SECOND)
    windows = [_window(make, threads, cpu_use)]
    # A window that would be shorter than half of one is left out.
    while end - now() > length * NS_PER_SECOND / 2:
        windows.append(_window(make, threads, cpu_use))
    return tuple(windows)


def _paced(sampler: LatencySampler, length: float, hz: float) -> Callable[[], LoadCalls]:
    """Return what makes the calls of one window after the other on one schedule.

    What is late at the end of a window is late in the next one.
    """
    due_ns = now() + NS_PER_SECOND / hz

    def make() -> LoadCalls:
        nonlocal due_ns
        taken, due_ns = sampler.paced_load(length, hz, due_ns)
        return taken

    return make


def _window(make: Callable[[], LoadCalls], threads: int, cpu_use: MeasureCpu) -> LoadWindow:
    made: list[LoadCalls] = []
    begin_ns = now()
    time = CpuTime.of([cpu_use(lambda: made.append(make()), None)])
    ordered = np.sort(made[0].samples)
    known = time.capacity_ns > 0
    return LoadWindow(
        at_seconds=begin_ns / NS_PER_SECOND,
        duration_seconds=made[0].busy_ns / NS_PER_SECOND,
        calls=made[0].calls,
        p50_ns=percentile(ordered, _MEDIAN),
        p90_ns=percentile(ordered, _NINE_TENTHS),
        lost_share=time.lost_ns(threads) / time.usable_ns(threads) if known else None,
        others_share=(time.others_ns + time.stolen_ns) / time.capacity_ns if known else None,
    )

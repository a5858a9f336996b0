"""What other work on this machine does to a program that is timed: interruptions and late wake-ups.

The ideas are those of `hwlatdetect` and `cyclictest` (Linux's real-time tests): read the clock
without a pause, and what is missing between two readings went to somebody else; sleep for a fixed
time, and what comes on top is waking up.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Final

from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.host.cpu_use import CpuSnapshot, between, snapshot
from fmnist_edge.result import CpuUse, Noise

GAP_NS: Final = 20_000
"""A step of the clock above this is an interruption; a reading of the clock takes a hundredth."""

_SLEEP_NS: Final = 1_000_000
_SECONDS: Final = 1.0
_LOOKS: Final = 2
_MEDIAN: Final = 0.5
_TAIL: Final = 0.9

Clock = Callable[[], int]


@dataclass(frozen=True)
class Steps:
    """The steps of a clock that was read without a pause.

    Args:
        wall_ns: From the first reading to the last.
        shortest_ns: The shortest step that is not zero; None where the clock stood still.
        longest_ns: The longest one.
        gaps_ns: Those above `GAP_NS`, in order.
    """

    wall_ns: int
    shortest_ns: int | None
    longest_ns: int
    gaps_ns: tuple[int, ...]


def read_steps(clock: Clock, duration_ns: int) -> Steps:
    """Read a clock without a pause until it shows that `duration_ns` have passed.

    Args:
        clock: Nanoseconds on a clock that never goes back.
        duration_ns: Above 0.
    """
    first = last = clock()
    end = first + duration_ns
    shortest = longest = 0
    gaps: list[int] = []
    while last < end:
        at = clock()
        step = at - last
        last = at
        if step > longest:  # noqa: PLR1730 - a call would lengthen every step
            longest = step
        if step and (step < shortest or not shortest):
            shortest = step
        if step > GAP_NS:
            gaps.append(step)
    return Steps(last - first, shortest or None, longest, tuple(gaps))


def wake_ups(clock: Clock, pause: Callable[[float], None], duration_ns: int) -> list[int]:
    """Sleep for a millisecond again and again, and return how late each wake-up came.

    Args:
        clock: Nanoseconds on a clock that never goes back.
        pause: Sleeps for seconds.
        duration_ns: Time after which no further sleep begins; above 0.

    Returns:
        Nanoseconds from the end of the sleep that was asked for to the moment of waking up; at
        least one, and none below 0.
    """
    end = clock() + duration_ns
    late: list[int] = []
    while (start := clock()) < end or not late:
        pause(_SLEEP_NS / NS_PER_SECOND)
        late.append(max(0, clock() - start - _SLEEP_NS))
    return late


def nearest_rank(ordered: Sequence[int], share: float) -> int:
    """Return the smallest value that at least this share of the values does not exceed.

    Args:
        ordered: Values in ascending order, at least one.
        share: Above 0, up to 1.
    """
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


@dataclass(frozen=True)
class Heard:
    """What was measured, and the CPU time of both halves for the checks of a benchmark.

    Args:
        noise: The numbers.
        busy: CPU time while this process computed.
        resting: CPU time while it slept.
    """

    noise: Noise
    busy: CpuUse
    resting: CpuUse


def listen(
    look: Callable[[], None] = lambda: None,
    *,
    clock: Clock = now,
    pause: Callable[[float], None] = sleep,
    counters: Callable[[], CpuSnapshot] = snapshot,
    seconds: float = _SECONDS,
) -> Heard:
    """Compute for a second and sleep for a second, and return what came in between.

    The process is not bound to a CPU, as that of a benchmark is not: the system may move it away
    from a busy one.

    Args:
        look: Called twice while the CPU is at work, after each half of the first second; its own
            time does not count. This is when sensors are to be read.
        clock: Nanoseconds on a clock that never goes back.
        pause: Sleeps for seconds.
        counters: Reads the CPU time of this process and of all others.
        seconds: Length of either half.
    """
    duration_ns = int(seconds * NS_PER_SECOND)
    busy: CpuUse | None = None
    stretches = []
    for _ in range(_LOOKS):
        before = counters()
        stretches.append(read_steps(clock, -(-duration_ns // _LOOKS)))
        busy = between(before, counters(), busy)
        look()
    before = counters()
    late = sorted(wake_ups(clock, pause, duration_ns))
    resting = between(before, counters())
    return Heard(_noise(stretches, late, busy or resting, resting), busy or resting, resting)


def _noise(stretches: Sequence[Steps], late: Sequence[int], busy: CpuUse, resting: CpuUse) -> Noise:
    gaps = [gap for each in stretches for gap in each.gaps_ns]
    wall_ns = sum(each.wall_ns for each in stretches)
    known = [each.shortest_ns for each in stretches if each.shortest_ns is not None]
    return Noise(
        duration_seconds=(busy.wall_ns + resting.wall_ns) / NS_PER_SECOND,
        clock_resolution_ns=min(known, default=0),
        longest_gap_ns=max(each.longest_ns for each in stretches),
        gap_limit_ns=GAP_NS,
        gaps=len(gaps),
        lost_share=sum(gaps) / wall_ns,
        others_share=_share(busy, resting, lambda use: use.others_ns),
        stolen_share=_share(busy, resting, lambda use: use.stolen_ns),
        wakeup_p50_ns=nearest_rank(late, _MEDIAN),
        wakeup_p90_ns=nearest_rank(late, _TAIL),
        wakeup_max_ns=late[-1],
        wakeups=len(late),
        cpus=busy.cpus,
    )


def _share(busy: CpuUse, resting: CpuUse, kind: Callable[[CpuUse], int | None]) -> float | None:
    """Return a kind of CPU time as a share of what all CPUs could give; None where unknown."""
    times = [kind(each) for each in (busy, resting)]
    capacity = sum(each.wall_ns * (each.cpus or 0) for each in (busy, resting))
    known = [each for each in times if each is not None]
    if not capacity or len(known) < len(times):
        return None
    # The kernel counts in ticks: the sum may come out slightly beyond its ends.
    return min(1.0, max(0.0, sum(known) / capacity))

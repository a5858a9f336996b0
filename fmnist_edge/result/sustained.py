"""Latency under a load that lasts for minutes, as a function of time."""

from typing import Final

from fmnist_edge.records import Record
from fmnist_edge.result.derived import Interval
from fmnist_edge.result.health import Reading

_NS_PER_SECOND: Final = 1e9


class LoadWindow(Record):
    """The calls of about one second of a sustained load.

    Args:
        at_seconds: When the first of them began, since the run began; readings of the sensors carry
            the same time.
        duration_seconds: How long they took together.
        calls: How many there were.
        p50_ns: Their median latency; of paced calls, from the scheduled time to the answer.
        p90_ns: The latency that nine tenths of them stayed below.
        lost_share: Share of the CPU time that the calls could use and others had, 0..1; None where
            the system does not tell. Paced calls sleep, so that it means nothing for them.
        others_share: CPU time of all others, other machines on the same host among them, as a share
            of what all CPUs could give, 0..1; None likewise.
    """

    at_seconds: float
    duration_seconds: float
    calls: int
    p50_ns: float
    p90_ns: float
    lost_share: float | None = None
    others_share: float | None = None

    def __post_init__(self) -> None:
        if self.calls < 1 or min(self.duration_seconds, self.p50_ns) <= 0:
            raise ValueError("a window without calls, or whose calls took no time")

    @property
    def per_call_ns(self) -> float:
        """Its duration over its calls."""
        return self.duration_seconds * _NS_PER_SECOND / self.calls


class SpeedLevel(Record):
    """A stretch of a sustained load in which calls kept one speed.

    Args:
        from_seconds: When it began, since the run began.
        to_seconds: When it ended.
        after_seconds: How long this case had been loaded by then; turns of others do not count.
        windows: How many windows it has.
        time_ns: The median of the times of its windows.
        interval_ns: Interval of that median.
    """

    from_seconds: float
    to_seconds: float
    after_seconds: float
    windows: int
    time_ns: float
    interval_ns: Interval

    def __post_init__(self) -> None:
        if self.time_ns <= 0:
            raise ValueError("a level at which a call took no time")


class Course(Record):
    """How one time of the windows went in the course of a load.

    Args:
        levels: The levels between the points where the time changed, at least one.
        first_ns: The time in the first seconds: the median of the windows of the first turn, or of
            as many of them as belong to the first level.
        first_interval_ns: Interval of that median.
        ratio: The time at the last level, which is what a user of a device in service meets, over
            that in the first seconds; above 1 the machine became slower.
        ratio_interval: Interval of that ratio.
    """

    levels: tuple[SpeedLevel, ...]
    first_ns: float
    first_interval_ns: Interval
    ratio: float
    ratio_interval: Interval

    def __post_init__(self) -> None:
        if not self.levels or min(self.first_ns, self.ratio) <= 0:
            raise ValueError("a load without levels, or whose calls took no time")

    @property
    def lasting(self) -> SpeedLevel:
        """The level that the load ended at."""
        return self.levels[-1]


class Sustained(Record):
    """A load of minutes on one case.

    Args:
        rate_hz: Arrivals per second; 0 for calls one after the other.
        windows: In the order of time.
        turn_windows: Windows per turn, in order; between two turns the other cases were loaded.
        p50: How the median latency went, which is the speed of the machine: the system interrupts
            few of many short calls.
        per_call: How the time over the number of calls went, which is what gets done, with every
            interruption; None of paced calls, whose number is given.
        readings: The machine during the turns.
    """

    rate_hz: float
    windows: tuple[LoadWindow, ...]
    turn_windows: tuple[int, ...]
    p50: Course
    per_call: Course | None = None
    readings: tuple[Reading, ...] = ()

    def __post_init__(self) -> None:
        if not self.windows:
            raise ValueError("a load without windows")

    @property
    def seconds(self) -> float:
        """How long the case was loaded; turns of others do not count."""
        return sum(each.duration_seconds for each in self.windows)

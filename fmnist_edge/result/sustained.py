"""Latency under a load that lasts for minutes, as a function of time."""

from fmnist_edge.records import Record
from fmnist_edge.result.derived import Interval


class LoadWindow(Record):
    """The calls of about one second of a sustained load.

    Args:
        at_seconds: When the first of them began, since the run began; readings of the sensors carry
            the same time.
        duration_seconds: How long they took together.
        calls: How many there were.
        p50_ns: Their median latency; of paced calls, from the scheduled time to the answer.
        p90_ns: The latency that nine tenths of them stayed below.
    """

    at_seconds: float
    duration_seconds: float
    calls: int
    p50_ns: float
    p90_ns: float


class SpeedLevel(Record):
    """A stretch of a sustained load in which the latency kept one level.

    Args:
        from_seconds: When it began, since the run began.
        to_seconds: When it ended.
        p50_ns: The median of the medians of its windows.
    """

    from_seconds: float
    to_seconds: float
    p50_ns: float


class Sustained(Record):
    """A load of minutes on one case.

    Args:
        rate_hz: Arrivals per second; 0 for calls one after the other.
        windows: In the order of time.
        turn_windows: Windows per turn, in order; between two turns the other cases were loaded.
        levels: The levels between the points where the latency changed, at least one.
        first_p50_ns: The level of the first seconds.
        lasting_p50_ns: The last level, which is what a user of a device in service meets.
        ratio: The lasting level over that of the first seconds; above 1 the machine became slower.
        ratio_interval: Interval of that ratio; None where there are too few windows.
    """

    rate_hz: float
    windows: tuple[LoadWindow, ...]
    turn_windows: tuple[int, ...]
    levels: tuple[SpeedLevel, ...]
    first_p50_ns: float
    lasting_p50_ns: float
    ratio: float
    ratio_interval: Interval | None

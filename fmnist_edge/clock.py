"""The only clock for intervals: a monotonic one, read in nanoseconds.

It is imported by everything that measures how long something takes; no other module reads
`time.perf_counter_ns` (ruff's `banned-api` checks this).
"""

from collections.abc import Callable
from time import perf_counter_ns as perf_counter_ns  # noqa: PLC0414, TID251 - read through here
from time import sleep
from typing import Final, TypeVar

T = TypeVar("T")
NS_PER_SECOND: Final = 1_000_000_000


def now() -> int:
    """Return nanoseconds on a monotonic clock that all processes of a machine share."""
    return perf_counter_ns()


def timed(action: Callable[[], T]) -> tuple[T, int]:
    """Call `action` once and return its value and how many nanoseconds it took."""
    start = perf_counter_ns()
    value = action()
    return value, perf_counter_ns() - start


def rest(seconds: float, tick: Callable[[], None]) -> None:
    """Sleep for `seconds` and call `tick` about once per second meanwhile."""
    end = perf_counter_ns() + int(seconds * NS_PER_SECOND)
    while (left := end - perf_counter_ns()) > 0:
        sleep(min(1.0, left / NS_PER_SECOND))
        tick()


def sleep_until(due_ns: int) -> None:
    """Sleep until the clock shows `due_ns`; return at once if that time has passed."""
    while (left := due_ns - perf_counter_ns()) > 0:
        sleep(left / NS_PER_SECOND)

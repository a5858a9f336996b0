"""The only room with a clock in it."""

import gc
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from time import perf_counter_ns  # noqa: TID251 - this is the one place
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.result import Settings

__all__ = ["images_per_second", "sample", "timed"]

T = TypeVar("T")
Tensors = Sequence[NDArray[Any]]
_SECOND: Final = 1_000_000_000


def timed(action: Callable[[], T]) -> tuple[T, int]:
    """Do something once: its value, and how many nanoseconds it took."""
    start = perf_counter_ns()
    value = action()
    return value, perf_counter_ns() - start


def sample(
    run: Callable[[NDArray[Any]], object], tensors: Tensors, settings: Settings
) -> NDArray[np.uint64]:
    """Call `run` back to back, going round `tensors`, and time each call on its own.

    Sampling ends once there are `min_samples` and `min_seconds` have passed, or at `max_samples`.
    Nothing is left out: what was slow was slow. The garbage collector rests meanwhile.

    Returns:
        uint64[count] nanoseconds, in order.
    """
    inputs = cycle(tensors)
    for tensor in islice(inputs, settings.warmup_calls):
        run(tensor)
    taken = array("Q")
    add, clock = taken.append, perf_counter_ns
    with _no_collector():
        end = clock() + int(settings.min_seconds * _SECOND)
        for tensor in islice(inputs, settings.max_samples):
            start = clock()
            run(tensor)
            stop = clock()
            add(stop - start)
            if stop >= end and len(taken) >= settings.min_samples:
                break
    return np.frombuffer(taken, np.uint64).copy()


def images_per_second(
    run: Callable[[NDArray[Any]], object], tensors: Tensors, batch: int, seconds: float
) -> float:
    """How many images go through in a stretch of time, all overhead between calls included.

    Args:
        run: Inference of one batch.
        tensors: Inputs of `batch` images each.
        batch: Images per call.
        seconds: For how long; the call that is under way at the end is finished and counted.
    """
    for tensor in tensors:
        run(tensor)
    calls = 0
    with _no_collector():
        start = perf_counter_ns()
        end = start + int(seconds * _SECOND)
        for tensor in cycle(tensors):
            run(tensor)
            calls += 1
            now = perf_counter_ns()
            if now >= end:
                return calls * batch * _SECOND / (now - start)
    raise ValueError("there are no inputs")


@contextmanager
def _no_collector() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

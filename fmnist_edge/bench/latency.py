"""The latency loops: calls back to back, calls at fixed times, and warm-up calls."""

import gc
import statistics
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import clock
from fmnist_edge.clock import NS_PER_SECOND, sleep_until, timed
from fmnist_edge.session import SelfTiming

Run = Callable[[NDArray[Any]], NDArray[Any]]
Tensors = Sequence[NDArray[Any]]
_CLOCK_READINGS: Final = 2_000
_FEWEST: Final = 3
_MOST_NATIVE_CALLS: Final = 1_000_000


@dataclass(frozen=True)
class Turn:
    """The samples of one turn of back-to-back calls.

    Args:
        samples: uint64[count] nanoseconds per sample.
        calls: Calls made.
        busy_ns: Time from the start of the first call to the end of the last one.
        last: Index of the input of the last call.
        output: A copy of the output of the last call.
    """

    samples: NDArray[np.uint64]
    calls: int
    busy_ns: int
    last: int
    output: NDArray[Any]


@dataclass(frozen=True)
class PacedTurn:
    """The samples of one turn of calls at fixed times.

    Args:
        response: uint64[count] nanoseconds from the scheduled time to the answer.
        service: uint64[count] nanoseconds of the call alone.
        last: Index of the input of the last call.
        output: A copy of the output of the last call.
        next_ns: When one more call would have been due.
    """

    response: NDArray[np.uint64]
    service: NDArray[np.uint64]
    last: int
    output: NDArray[Any]
    next_ns: float


def clock_cost() -> float:
    """Return the nanoseconds between two readings of the clock, which are part of every sample."""
    read = clock.perf_counter_ns
    taken = []
    for _ in range(_CLOCK_READINGS):
        start = read()
        taken.append(read() - start)
    return statistics.fmean(taken)


def warm_up(run: Run, tensors: Tensors, calls: int, seconds: float) -> NDArray[np.uint64]:
    """Make the first calls; their times are kept, and no statistic uses them.

    Args:
        run: Inference.
        tensors: Inputs; after the last comes the first again.
        calls: How many calls to make.
        seconds: Time after which to stop earlier; three calls are made in any case.

    Returns:
        uint64[count] nanoseconds, in order.
    """
    taken = array("Q")
    end = clock.perf_counter_ns() + int(seconds * NS_PER_SECOND)
    for tensor in islice(cycle(tensors), calls):
        start = clock.perf_counter_ns()
        run(tensor)
        taken.append(clock.perf_counter_ns() - start)
        if clock.perf_counter_ns() >= end and len(taken) >= _FEWEST:
            break
    gc.collect()  # once and here: with a large library loaded it takes a tenth of a second
    return as_array(taken)


def refresh(run: Run, tensors: Tensors, calls: int, seconds: float) -> None:
    """Make a few calls before a turn to fill the caches; their times are not kept.

    Args:
        run: Inference.
        tensors: Inputs; after the last comes the first again.
        calls: How many calls to make.
        seconds: Time after which to stop earlier; one call is made in any case.
    """
    end = clock.perf_counter_ns() + int(seconds * NS_PER_SECOND)
    for tensor in islice(cycle(tensors), calls):
        run(tensor)
        if clock.perf_counter_ns() >= end:
            break


def back_to_back(  # noqa: PLR0913 - each is one independent fact about the turn
    run: Run,
    tensors: Tensors,
    *,
    first: int,
    seconds: float,
    at_least: int,
    calls_per_sample: int,
) -> Turn:
    """Call `run` back to back on one tensor after the other, and time each sample.

    No sample is left out as an outlier. The garbage collector is off meanwhile.

    Args:
        run: Inference.
        tensors: Inputs; after the last comes the first again.
        first: Index of the input to begin with.
        seconds: How long to call.
        at_least: Samples to take even if that takes longer.
        calls_per_sample: 1, or more for calls that are too short for the clock.
    """
    inputs = islice(cycle(tensors), first, None)
    taken = array("Q")
    loop = _single if calls_per_sample == 1 else _batched
    with no_collector():
        start = clock.perf_counter_ns()
        output = loop(
            run, inputs, taken, start + int(seconds * NS_PER_SECOND), at_least, calls_per_sample
        )
        busy = clock.perf_counter_ns() - start
    calls = len(taken) * calls_per_sample
    last = (first + calls - 1) % len(tensors)
    return Turn(as_array(taken), calls, busy, last, output.copy())


def _single(
    run: Run,
    inputs: Iterator[NDArray[Any]],
    taken: "array[int]",
    end: int,
    at_least: int,
    _: int,
) -> NDArray[Any]:
    add, read = taken.append, clock.perf_counter_ns
    for tensor in inputs:
        start = read()
        output = run(tensor)
        stop = read()
        add(stop - start)
        if stop >= end and len(taken) >= at_least:
            return output
    raise ValueError("there are no inputs")


def _batched(  # noqa: PLR0913, PLR0917 - as above
    run: Run,
    inputs: Iterator[NDArray[Any]],
    taken: "array[int]",
    end: int,
    at_least: int,
    calls_per_sample: int,
) -> NDArray[Any]:
    add, read = taken.append, clock.perf_counter_ns
    while True:
        *most, last = islice(inputs, calls_per_sample)
        start = read()
        for tensor in most:
            run(tensor)
        output = run(last)
        stop = read()
        add(stop - start)
        if stop >= end and len(taken) >= at_least:
            return output


def timed_by_itself(session: SelfTiming, tensors: Tensors, *, first: int, seconds: float) -> Turn:
    """Return a turn of calls that native code makes and times, without Python in between.

    Args:
        session: The session that makes the calls.
        tensors: Inputs; after the last comes the first again.
        first: Index of the input to begin with.
        seconds: How long to call.
    """
    rotated = [*tensors[first:], *tensors[:first]]
    (samples, output), busy = timed(
        lambda: session.time_calls(rotated, int(seconds * NS_PER_SECOND), _MOST_NATIVE_CALLS)
    )
    last = (first + len(samples) - 1) % len(tensors)
    return Turn(samples, len(samples), busy, last, output.copy())


def paced(  # noqa: PLR0913 - each is one independent fact about the turn
    run: Run,
    tensors: Tensors,
    *,
    first: int,
    hz: float,
    calls: int,
    begin_ns: float | None = None,
) -> PacedTurn:
    """Call `run` at fixed times and sleep in between, as an application does.

    A late call starts at once and is timed from its scheduled time, so that a stall shows in every
    call that had to wait for it (wrk2 and MLPerf's LoadGen avoid coordinated omission likewise).

    Args:
        run: Inference.
        tensors: Inputs; after the last comes the first again.
        first: Index of the input to begin with.
        hz: Arrivals per second.
        calls: How many calls to make.
        begin_ns: When the first call is due; None for one period from now.
    """
    response, service = array("Q"), array("Q")
    read = clock.perf_counter_ns
    period = NS_PER_SECOND / hz
    output: NDArray[Any] | None = None
    with no_collector():
        begin = read() + period if begin_ns is None else begin_ns
        for index, tensor in enumerate(islice(cycle(tensors), first, first + calls)):
            due = int(begin + index * period)
            sleep_until(due)
            start = read()
            output = run(tensor)
            stop = read()
            response.append(stop - due)
            service.append(stop - start)
    if output is None:
        raise ValueError("there are no calls to make")
    last = (first + calls - 1) % len(tensors)
    next_ns = begin + calls * period
    return PacedTurn(as_array(response), as_array(service), last, output.copy(), next_ns)


def as_array(taken: "array[int]") -> NDArray[np.uint64]:
    """Return the times as uint64[count]."""
    return np.frombuffer(taken, np.uint64).copy() if taken else np.empty(0, np.uint64)


@contextmanager
def no_collector() -> Iterator[None]:
    """Switch the garbage collector off, and back on afterwards if it was on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

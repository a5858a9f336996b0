"""What is measured beside latency: stages, throughput, and whether answers are kept."""

from array import array
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench.latency import as_array, no_collector
from fmnist_edge.clock import NS_PER_SECOND, now

__all__ = ["images_per_second", "repeat_ratio", "stages"]

Run = Callable[[NDArray[Any]], NDArray[Any]]
Tensors = Sequence[NDArray[Any]]
_FEWEST: Final = 3
# Enough inputs that no answer is the one before; few enough that all stay in the CPU's cache, so
# that a difference is not the memory's.
_VARIED: Final = 8
_STRETCH_SECONDS: Final = 0.005
_STRETCHES: Final = 15


def stages(
    steps: Sequence[Callable[[Any], Any]], images: Sequence[Any], *, times: int, seconds: float
) -> tuple[NDArray[np.uint64], ...]:
    """Put one image after the other through all steps, and time each step on its own.

    Args:
        steps: Each takes what the one before gave.
        images: Inputs of the first step, to go round.
        times: How many go through.
        seconds: After which to stop earlier; three go through in any case.

    Returns:
        Per step uint64[count] nanoseconds, in order.
    """
    taken = [array("Q") for _ in steps]
    clock = now
    with no_collector():
        end = clock() + int(seconds * NS_PER_SECOND)
        for value in islice(cycle(images), times):
            for step, column in zip(steps, taken, strict=True):
                start = clock()
                value = step(value)  # noqa: PLW2901 - handed from step to step
                column.append(clock() - start)
            if clock() >= end and len(taken[0]) >= _FEWEST:
                break
    return tuple(map(as_array, taken))


def repeat_ratio(run: Run, tensors: Tensors, call_ns: float, seconds: float) -> float | None:
    """Time on varied inputs over time on one repeated input: well above 1 tells of a cache.

    Short stretches of both alternate, and the fastest of each are compared (after MLPerf's audit
    TEST04).

    Args:
        run: Inference.
        tensors: Inputs; the first ones are used.
        call_ns: About how long a call takes, above 0.
        seconds: For all stretches together, about; at least three of each kind are made.

    Returns:
        None where there is but one input.
    """
    several = list(tensors[:_VARIED])
    if len(several) == 1:
        return None
    calls = max(1, int(_STRETCH_SECONDS * NS_PER_SECOND / call_ns))
    rounds = int(seconds * NS_PER_SECOND / (2 * calls * call_ns))
    kinds = (several, several[:1])
    times: tuple[list[int], list[int]] = ([], [])
    with no_collector():
        for _ in range(min(max(rounds, _FEWEST), _STRETCHES)):
            for inputs, found in zip(kinds, times, strict=True):
                found.append(_stretch(run, inputs, calls))
    # The fastest stretch of each: whatever else the machine does makes stretches longer, never
    # shorter.
    return min(times[0]) / min(times[1])


def _stretch(run: Run, inputs: Tensors, calls: int) -> int:
    # One after the other without a break, or else a single slow call would repeat the last input.
    coming = cycle(inputs)
    for tensor in islice(coming, min(calls, len(inputs))):
        run(tensor)
    start = now()
    for tensor in islice(coming, calls):
        run(tensor)
    return now() - start


def images_per_second(run: Run, tensors: Tensors, batch: int, seconds: float) -> tuple[float, int]:
    """How many images go through in a stretch of time, all overhead between calls included.

    Args:
        run: Inference of one batch.
        tensors: Inputs of `batch` images each.
        batch: Images per call.
        seconds: For how long; the call that is under way at the end is finished and counted.

    Returns:
        Images per second, and calls made.
    """
    for tensor in tensors:
        run(tensor)
    calls = 0
    with no_collector():
        start = now()
        end = start + int(seconds * NS_PER_SECOND)
        for tensor in cycle(tensors):
            run(tensor)
            calls += 1
            stop = now()
            if stop >= end:
                return calls * batch * NS_PER_SECOND / (stop - start), calls
    raise ValueError("there are no inputs")

"""Measurements beside latency: stages, throughput, and whether a runtime caches answers."""

from array import array
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench.latency import as_array, no_collector
from fmnist_edge.clock import NS_PER_SECOND, now, sleep_until, timed
from fmnist_edge.result import Copies, Readback
from fmnist_edge.session import DeviceMemory, Session

Run = Callable[[NDArray[Any]], NDArray[Any]]
Tensors = Sequence[NDArray[Any]]
_FEWEST: Final = 3
# So many inputs that no answer is the previous one; so few that all stay in the CPU's cache, and
# a difference is not caused by the memory.
_VARIED: Final = 8
_BURST_SECONDS: Final = 0.005
_BURSTS: Final = 15
_READBACKS: Final = 15
_SHORTEST_REST_NS: Final = 1_000_000
_LONGEST_REST_NS: Final = 100_000_000


def stages(
    steps: Sequence[Callable[[Any], Any]], images: Sequence[Any], *, times: int, seconds: float
) -> tuple[NDArray[np.uint64], ...]:
    """Pass images one by one through all steps, and time each step alone.

    Args:
        steps: Each takes the value that the step before returned.
        images: Inputs of the first step; after the last comes the first again.
        times: How many images are passed.
        seconds: Time after which to stop earlier; three images are passed in any case.

    Returns:
        For each step uint64[count] nanoseconds, in order.
    """
    taken = [array("Q") for _ in steps]
    clock = now
    with no_collector():
        end = clock() + int(seconds * NS_PER_SECOND)
        for value in islice(cycle(images), times):
            for step, column in zip(steps, taken, strict=True):
                start = clock()
                value = step(value)  # noqa: PLW2901 - passed from step to step
                column.append(clock() - start)
            if clock() >= end and len(taken[0]) >= _FEWEST:
                break
    return tuple(map(as_array, taken))


def repeat_ratio(run: Run, tensors: Tensors, call_ns: float, seconds: float) -> float | None:
    """Return the time on varied inputs over that on one repeated input; a cache makes it large.

    Short bursts of both alternate, and the fastest of each are compared (after MLPerf's audit
    TEST04).

    Args:
        run: Inference.
        tensors: Inputs; the first ones are used.
        call_ns: About how long a call takes, above 0.
        seconds: About how long all bursts take together; at least three of each kind are made.

    Returns:
        None where there is only one input.
    """
    several = list(tensors[:_VARIED])
    if len(several) == 1:
        return None
    calls = max(1, int(_BURST_SECONDS * NS_PER_SECOND / call_ns))
    rounds = int(seconds * NS_PER_SECOND / (2 * calls * call_ns))
    kinds = (several, several[:1])
    times: tuple[list[int], list[int]] = ([], [])
    with no_collector():
        for _ in range(min(max(rounds, _FEWEST), _BURSTS)):
            for inputs, found in zip(kinds, times, strict=True):
                found.append(_burst(run, inputs, calls))
    # The fastest burst of each kind: other work on the machine makes bursts longer, never shorter.
    return min(times[0]) / min(times[1])


def time_ratio(runs: tuple[Run, Run], tensors: Tensors, call_ns: float, seconds: float) -> float:
    """Return the time of calls of one kind over that of another, from the fastest of short bursts.

    Args:
        runs: Two inferences of the same inputs.
        tensors: Inputs; the first ones are used.
        call_ns: About how long a call of the first kind takes, above 0.
        seconds: About how long the bursts of the first kind take together; at least three of each
            kind are made.
    """
    inputs = list(tensors[:_VARIED])
    calls = max(1, int(_BURST_SECONDS * NS_PER_SECOND / call_ns))
    rounds = int(seconds * NS_PER_SECOND / (calls * call_ns))
    times: tuple[list[int], list[int]] = ([], [])
    with no_collector():
        for _ in range(min(max(rounds, _FEWEST), _BURSTS)):
            for run, found in zip(runs, times, strict=True):
                found.append(_burst(run, inputs, calls))
    return min(times[0]) / max(1, min(times[1]))


def readback(run: Run, tensors: Tensors, call_ns: float, seconds: float) -> Readback:
    """Return whether answers are there when calls return.

    A runtime that only enqueues the work returns an array that is filled later, or one that waits
    when it is read. Each answer is therefore read at once, and again after as long as a call takes.
    The shortest of the first readings counts: other work on the machine makes readings longer.

    Args:
        run: Inference.
        tensors: Inputs; after the last comes the first again.
        call_ns: About how long a call takes.
        seconds: Time after which to stop earlier; three calls are made in any case.
    """
    firsts, agains, changed = [], [], 0
    rest_ns = min(_LONGEST_REST_NS, max(_SHORTEST_REST_NS, int(2 * call_ns)))
    end = now() + int(seconds * NS_PER_SECOND)
    with no_collector():
        for tensor in islice(cycle(tensors), _READBACKS):
            output = run(tensor)
            first, first_ns = timed(output.copy)
            _, again_ns = timed(output.copy)
            sleep_until(now() + rest_ns)
            changed += first.tobytes() != output.tobytes()
            firsts.append(first_ns)
            agains.append(again_ns)
            if now() >= end and len(firsts) >= _FEWEST:
                break
    return Readback(len(firsts), changed, max(0.0, min(firsts) - float(np.median(agains))))


def copies(session: Session, tensor: NDArray[Any], call_ns: float, seconds: float) -> Copies | None:
    """Return the time of a call with and without copies to and from the device.

    Args:
        session: An opened model.
        tensor: One of its inputs.
        call_ns: About how long a call takes.
        seconds: About how long all calls take together; three of each kind are made in any case.

    Returns:
        None where the runtime cannot leave them out.
    """
    if not isinstance(session, DeviceMemory):
        return None
    bound = session.bind(tensor)
    times: tuple[list[int], list[int]] = ([], [])
    kinds: tuple[Callable[[], object], ...] = (lambda: session.run(tensor), bound)
    with no_collector():
        for call in kinds:
            call()
        for _ in range(max(_FEWEST, int(seconds * NS_PER_SECOND / (2 * call_ns)))):
            for call, found in zip(kinds, times, strict=True):
                found.append(timed(call)[1])
    return Copies(*(float(np.median(found)) for found in times))


def _burst(run: Run, inputs: Tensors, calls: int) -> int:
    # The inputs go on after the warm-up, or else a single slow call would repeat the last input.
    coming = cycle(inputs)
    for tensor in islice(coming, min(calls, len(inputs))):
        run(tensor)
    start = now()
    for tensor in islice(coming, calls):
        run(tensor)
    return now() - start


def images_per_second(run: Run, tensors: Tensors, batch: int, seconds: float) -> tuple[float, int]:
    """Return the images per second over some time, all overhead between calls included.

    Args:
        run: Inference of one batch.
        tensors: Inputs of `batch` images each.
        batch: Images per call.
        seconds: How long to call; the call in progress at the end is finished and counted.

    Returns:
        Images per second, and the number of calls.
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

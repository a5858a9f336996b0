"""A measuring process whose runtime takes 10 % longer for every call, a difference that is known.

`python benchmarks/slowed_worker.py` handles the same commands as `python -m fmnist_edge.worker`.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import runtimes, worker
from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.bench import latency
from fmnist_edge.clock import NS_PER_SECOND, now, perf_counter_ns
from fmnist_edge.session import (
    DefaultUse,
    Images,
    RuntimeModule,
    Scores,
    Session,
    SessionOptions,
    synthetic_inputs,
)

SLOWER: Final = 1.10
Run = Callable[[NDArray[Any]], NDArray[Any]]
# The cost of slowing itself is measured for this many seconds, in pairs of short series of calls.
_SECONDS: Final = 0.1
_FEWEST: Final = 3
_CALLS: Final = 20
_INPUTS: Final = 4


def slowed(run: Run, factor: float) -> Run:
    """Return an inference that takes longer and waits actively.

    Args:
        run: The inference to slow down.
        factor: The ratio of the new time to the old one, if slowing cost nothing by itself.
    """
    # The clock without a function around it: it is read three times in a call of about 10 µs.
    clock = perf_counter_ns

    def slower(tensor: NDArray[Any], /) -> NDArray[Any]:
        start = clock()
        output = run(tensor)
        end = start + factor * (clock() - start)
        while clock() < end:
            pass
        return output

    return slower


def slowed_by(run: Run, tensors: Sequence[NDArray[Any]], wanted: float = SLOWER) -> Run:
    """Return an inference that takes `wanted` times as long, the cost of slowing included.

    That cost is measured in turns of slowed and plain calls, and subtracted as a share of the call,
    because both grow where the CPU slows down.

    Args:
        run: The inference to slow down.
        tensors: The inputs of the inference.
        wanted: The ratio of the new time to the old one.
    """
    slow = slowed(run, wanted)
    ratios: list[float] = []
    end = now() + int(_SECONDS * NS_PER_SECOND)
    while now() < end or len(ratios) < _FEWEST:
        ratios.append(_median(slow, tensors) / _median(run, tensors))
    # A factor below 1 adds no wait: slowing alone costs as much as is to be added, or nearly.
    return slowed(run, wanted - (statistics.median(ratios) - wanted))


def _median(run: Run, tensors: Sequence[NDArray[Any]]) -> float:
    """Return the median nanoseconds of a call; each call is timed, as the harness times it."""
    turn = latency.back_to_back(
        run, tensors, first=0, seconds=0, at_least=_CALLS, calls_per_sample=1
    )
    return float(np.median(turn.samples))


class _Slowed:
    """A session whose calls take longer."""

    def __init__(self, inner: Session) -> None:
        self._inner: Final = inner
        images = synthetic_inputs(inner.input, _INPUTS * inner.batch, seed=0)
        tensors = [inner.prepare(part) for part in np.split(images, _INPUTS)]
        self.run: Final = slowed_by(inner.run, tensors)

    @property
    def input(self) -> TensorSpec:
        return self._inner.input

    @property
    def output(self) -> TensorSpec:
        return self._inner.output

    @property
    def batch(self) -> int:
        return self._inner.batch

    @property
    def used(self) -> Mapping[str, str]:
        return self._inner.used

    def prepare(self, images: Images) -> NDArray[Any]:
        return self._inner.prepare(images)

    def decode(self, output: NDArray[Any]) -> Scores:
        return self._inner.decode(output)

    def close(self) -> None:
        self._inner.close()


class _SlowedRuntime:
    """A runtime whose sessions take longer."""

    def __init__(self, inner: RuntimeModule) -> None:
        self._inner: Final = inner
        self.FORMATS: frozenset[Format] = inner.FORMATS
        self.PACKAGE: str = inner.PACKAGE
        self.EXTRA: str = inner.EXTRA
        self.READS_MODEL: bool = inner.READS_MODEL
        self.DEVICES = inner.DEVICES
        self.DEFAULT_USE: DefaultUse = inner.DEFAULT_USE

    def load_library(self) -> str:
        return self._inner.load_library()

    def open(self, artifact: Artifact, options: SessionOptions) -> Session:
        return _Slowed(self._inner.open(artifact, options))


if __name__ == "__main__":
    worker.main(lambda name: _SlowedRuntime(runtimes.get(name)))

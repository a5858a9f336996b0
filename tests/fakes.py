"""A clock that goes when it is told to, and sessions that take time and answer as they are told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge import clock
from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import DefaultUse, Scores, Session, SessionOptions, decode_scores
from tests.examples import INPUT, OUTPUT

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Time:
    """Time that passes only in calls and in sleep, and, where it is told, with each reading.

    Args:
        reading: Nanoseconds that pass whenever the clock is read.
    """

    def __init__(self, reading: int = 0) -> None:
        self.now = 1_000
        self.slept: list[float] = []
        self.reading = reading

    def clock(self) -> int:
        self.now += self.reading
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * SECOND)

    def replace(self, monkeypatch: pytest.MonkeyPatch) -> "Time":
        """Put this in the place of real time."""
        monkeypatch.setattr(clock, "perf_counter_ns", self.clock)
        monkeypatch.setattr(clock, "sleep", self.sleep)
        return self


class Runner:
    """An inference that notes its inputs and takes so many nanoseconds, the last ones forever.

    It answers with its input's number, each time in the same memory.
    """

    def __init__(self, time: Time, *durations: int) -> None:
        self.inputs: list[int] = []
        self.end: int | None = None
        self._time = time
        self._durations: Iterator[int] = chain(durations, repeat(durations[-1]))
        self._answer = np.zeros(1)

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        self.inputs.append(int(tensor[0]))
        self._time.now += next(self._durations)
        self._answer[:] = tensor
        return self._answer


class FakeSession:
    """A classifier of 28x28 images that answers as it is told.

    Args:
        answer: From input tensor to raw output; it may take its time.
        options: The batch is taken from here.
    """

    def __init__(
        self,
        answer: Callable[[NDArray[Any]], NDArray[Any]],
        options: SessionOptions,
        shapes: tuple[TensorSpec, TensorSpec] = (INPUT, OUTPUT),
    ) -> None:
        self.input, self.output = shapes
        self.batch = options.batch
        self.used: Mapping[str, str] = {"threads": "1"}
        self.closed = False
        self._answer = answer

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        return images.astype(np.float32)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        return self._answer(tensor)

    def decode(self, output: NDArray[Any]) -> Scores:
        return decode_scores(output, self.output)

    def close(self) -> None:
        self.closed = True


class SelfTimedSession(FakeSession):
    """It times its calls itself: each takes so many nanoseconds."""

    call_ns = 100
    asked: tuple[Sequence[NDArray[Any]], int, int] = ((), 0, 0)

    def time_calls(
        self, tensors: Sequence[NDArray[Any]], nanoseconds: int, at_most: int
    ) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        self.asked = (tensors, nanoseconds, at_most)
        calls = max(1, min(at_most, nanoseconds // self.call_ns))
        times = np.full(calls, self.call_ns, np.uint64)
        return times, self.run(tensors[(calls - 1) % len(tensors)])


class FakeRuntime:
    """A runtime for `npz` files; by default the real NumPy.

    Args:
        make: Opens a session.
        batch: The only batch that it takes; None for any.
    """

    FORMATS = numpy_.FORMATS
    PACKAGE = EXTRA = ""
    READS_MODEL = True
    DEVICES = CPU_ONLY
    DEFAULT_USE = DefaultUse.ALWAYS
    load_library = staticmethod(numpy_.load_library)

    def __init__(
        self,
        make: Callable[[Artifact, SessionOptions], Session] = numpy_.open,
        *,
        batch: int | None = None,
    ) -> None:
        self.opened: list[tuple[SessionOptions, Session]] = []
        self._make = make
        self._batch = batch

    def open(self, artifact: Artifact, options: SessionOptions) -> Session:
        if self._batch not in {None, options.batch}:
            raise ModelUnsupportedError("One at a time.", hint="Wait.")
        session = self._make(artifact, options)
        self.opened.append((options, session))
        return session

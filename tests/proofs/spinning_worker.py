"""A measuring process whose calls take as long as they are told: the known truth of a test.

It carries out the commands of `python -m fmnist_edge.worker`; the name of the runtime tells how its
calls behave (`RUNTIMES`). They wait busily, so that each is exact but for what the system takes.
"""

import random
from collections.abc import Callable, Mapping
from itertools import cycle
from threading import Thread
from time import sleep
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import worker
from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.clock import now
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.session import DefaultUse, Images, Scores, SessionOptions, decode_scores

MICROSECOND: Final = 1_000
# So short that few calls are hit when other processes want the CPU, and long beside the harness.
BASE: Final = 40 * MICROSECOND
# The slower speed of the bimodal calls, and how many calls in a hundred have the other.
SLOW: Final = 3 * BASE
FAST_SHARE: Final = 0.7
DRIFT: Final = 0.30
THROTTLED: Final = 2
# Back-to-back time per process: calls drift over it, and throttle in its last third.
RUN: Final = 300_000 * MICROSECOND
# A load of seconds: calls that slow down after so much of it, and others that are in between.
SLOWED: Final = 1.3
SLOWED_AFTER: Final = 4_500_000 * MICROSECOND
SLOWER: Final = 1.12
STALL: Final = 20_000 * MICROSECOND
# The input with this number stalls; calls go round so many.
STALLING: Final = 100
# Calls after the warm-up that are answered wrongly: fewer than a run has, more than a turn.
WARM_UP: Final = 51
HASTY_UNTIL: Final = 1_500
# Seconds after which an answer is there whose call has returned long before.
LATER: Final = 0.0005

Duration = Callable[[int, int], int]
"""Nanoseconds of a call, by the nanoseconds spent in calls so far and the number of the input."""


def _bimodal() -> Duration:
    draw = random.Random(0)  # noqa: S311 - a test's numbers, not a secret
    drawn = cycle([BASE if draw.random() < FAST_SHARE else SLOW for _ in range(10_000)])
    return lambda _spent, _number: next(drawn)


def _constant() -> Duration:
    return lambda _spent, _number: BASE


def _drifting() -> Duration:
    return lambda spent, _number: BASE + int(DRIFT * BASE * min(spent, RUN) / RUN)


def _throttling() -> Duration:
    return lambda spent, _number: BASE * (THROTTLED if spent > 2 * RUN // 3 else 1)


def _slowing() -> Duration:
    return lambda spent, _number: int(BASE * (SLOWED if spent > SLOWED_AFTER else 1))


def _slower() -> Duration:
    return lambda _spent, _number: int(BASE * SLOWER)


def _stalling() -> Duration:
    return lambda _spent, number: STALL if number == STALLING else BASE


class Spinning:
    """A session whose calls take as long as `duration` says.

    Inputs are their own numbers: 0 for the very first call, then 1, 2, ... for those that the
    calls go round.
    """

    def __init__(self, duration: Duration) -> None:
        self.input: Final = TensorSpec("image", (None, 28, 28), "uint8")
        self.output: Final = TensorSpec("scores", (None, 10), "float32")
        self.batch: Final = 1
        self.used: Final[Mapping[str, str]] = {"threads": "1"}
        self.answer: Final = np.full((1, 10), 0.1, np.float32)
        self._duration: Final = duration
        self._prepared = 0
        self._spent = 0

    def prepare(self, images: Images) -> NDArray[Any]:  # noqa: ARG002 - nobody looks at them
        self._prepared += 1
        return np.array([self._prepared - 1])

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        clock = now
        start = clock()
        end = start + self._duration(self._spent, int(tensor[0]))
        while (stop := clock()) < end:
            pass
        self._spent += stop - start
        return self.answer

    def decode(self, output: NDArray[Any]) -> Scores:
        return decode_scores(output, self.output)

    def close(self) -> None:
        pass


class Caching(Spinning):
    """It knows the answer to the input that it was given last."""

    def __init__(self) -> None:
        super().__init__(_constant())
        self._last: NDArray[Any] | None = None

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        if tensor is self._last:
            return self.answer
        self._last = tensor
        return super().run(tensor)


class Hasty(Spinning):
    """It answers wrongly for a while, beginning when the warm-up is over."""

    def __init__(self) -> None:
        super().__init__(_constant())
        self._calls = 0

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        answer = super().run(tensor)
        self._calls += 1
        return 2 * answer if WARM_UP < self._calls <= HASTY_UNTIL else answer


class Enqueueing(Spinning):
    """It returns at once; another thread writes the answer when it has been computed."""

    def __init__(self) -> None:
        super().__init__(_constant())
        self._thread = Thread()

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        if self._thread.ident is not None:
            self._thread.join()
        answer = np.zeros_like(self.answer)
        self._thread = Thread(target=self._compute, args=(tensor, answer))
        self._thread.start()
        return answer

    def _compute(self, tensor: NDArray[Any], answer: NDArray[Any]) -> None:
        sleep(LATER)  # the thread that called goes on
        np.copyto(answer, super().run(tensor))


class Runtime:
    """A runtime that reads no model.

    Args:
        make: Opens a session.
    """

    FORMATS = frozenset(Format)
    PACKAGE = EXTRA = ""
    READS_MODEL = False
    DEVICES = CPU_ONLY
    DEFAULT_USE = DefaultUse.ALWAYS

    def __init__(self, make: Callable[[], Spinning]) -> None:
        self._make = make

    def load_library(self) -> str:
        return "0"

    def open(self, artifact: Artifact, options: SessionOptions) -> Spinning:  # noqa: ARG002 - the contract's
        return self._make()


RUNTIMES: Final[Mapping[str, Runtime]] = {
    "constant": Runtime(lambda: Spinning(_constant())),
    "bimodal": Runtime(lambda: Spinning(_bimodal())),
    "drifting": Runtime(lambda: Spinning(_drifting())),
    "throttling": Runtime(lambda: Spinning(_throttling())),
    "slowing": Runtime(lambda: Spinning(_slowing())),
    "slower": Runtime(lambda: Spinning(_slower())),
    "stalling": Runtime(lambda: Spinning(_stalling())),
    "caching": Runtime(Caching),
    "hasty": Runtime(Hasty),
    "enqueueing": Runtime(Enqueueing),
}

if __name__ == "__main__":
    worker.main(RUNTIMES.__getitem__)

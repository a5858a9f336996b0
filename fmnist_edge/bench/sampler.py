"""The latency samples of one process, collected turn after turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench import latency
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.result import BackToBack, CpuUse, Paced, Samples, Settings
from fmnist_edge.session import SelfTiming, Session

# A sample shorter than this many readings of the clock consists mostly of reading the clock.
_CLOCKS_PER_SAMPLE: Final = 10
# Calls before each turn: other processes have used the caches since the last one.
_REFRESH_CALLS: Final = 16
_REFRESH_SECONDS: Final = 0.02
# The state of the caches matters little to a call that takes longer than this.
_LONG_CALL_NS: Final = 1_000_000
_CALIBRATION_CALLS: Final = 1_000


@dataclass(frozen=True)
class LoadCalls:
    """The calls of a moment of a sustained load.

    Args:
        samples: float64[count] nanoseconds per call.
        calls: How many calls were made.
        busy_ns: Time from the start of the first call to the end of the last one.
    """

    samples: NDArray[np.float64]
    calls: int
    busy_ns: int


class LatencySampler:
    """Takes the samples of one session, one turn at a time.

    Args:
        session: An opened model.
        tensors: Its prepared inputs; the calls go through them in order, from turn to turn.
        settings: The protocol.

    Attributes:
        call_ns: About how long a call takes.
        spot_checks: Index of the input and a copy of the output of the last call of each turn.
    """

    def __init__(
        self, session: Session, tensors: Sequence[NDArray[Any]], settings: Settings
    ) -> None:
        self.run: Final = session.run
        self.tensors: Final = tensors
        self.spot_checks: Final[list[tuple[int, NDArray[Any]]]] = []
        self.call_ns = 0.0
        self._session: Final = session
        self._settings: Final = settings
        self._clock_ns: Final = latency.clock_cost()
        self._next = 0
        self._calls_per_sample = 1
        self._kept_every = 1
        self._calls = self._busy_ns = 0
        self._warmups = np.empty(0, np.uint64)
        self._samples: Final[list[NDArray[np.uint64]]] = []
        self._response: Final[list[NDArray[np.uint64]]] = []
        self._service: Final[list[NDArray[np.uint64]]] = []

    def warm_up(self, seconds: float) -> None:
        """Make the first calls, and learn from them how long a call takes."""
        calls = max(1, self._settings.warmup_calls)
        self._warmups = latency.warm_up(self.run, self.tensors, calls, seconds)
        late = self._warmups[len(self._warmups) // 2 :]
        # One reading of the clock is part of each sample.
        self.call_ns = max(1.0, float(np.median(late)) - self._clock_ns)
        self._calls_per_sample = self._calls_for_the_clock()
        sample_ns = self.call_ns * self._calls_per_sample
        expected = NS_PER_SECOND * self._settings.min_seconds / sample_ns
        self._kept_every = max(1, ceil(expected / max(1, self._settings.max_samples)))

    def _calls_for_the_clock(self) -> int:
        """Return how many calls make a sample that is long enough for the clock."""
        short = self.call_ns < _CLOCKS_PER_SAMPLE * self._clock_ns
        if not short or isinstance(self._session, SelfTiming):
            return 1
        # A single call of that length cannot be measured, so that many are measured together.
        turn = latency.back_to_back(
            self.run,
            self.tensors,
            first=0,
            seconds=0.0,
            at_least=3,
            calls_per_sample=_CALIBRATION_CALLS,
        )
        self.call_ns = max(1.0, float(turn.samples.min()) / _CALIBRATION_CALLS)
        return max(1, ceil(_CLOCKS_PER_SAMPLE * self._clock_ns / self.call_ns))

    def back_to_back(self, seconds: float, at_least: int) -> None:
        """Take one turn of calls, one after the other."""
        if self.call_ns < _LONG_CALL_NS:
            latency.refresh(self.run, self.tensors, _REFRESH_CALLS, _REFRESH_SECONDS)
        turn = self._turn(seconds, at_least)
        # A copy, because a view would keep the whole turn in memory.
        self._samples.append(turn.samples[:: self._kept_every].copy())
        self._thin()
        self._calls += turn.calls
        self._busy_ns += turn.busy_ns
        self._end_turn(turn.last, turn.output)

    def _thin(self) -> None:
        """Keep to the limit where calls are faster than the warm-up suggested."""
        # Each turn keeps its first sample, whatever the limit.
        while sum(map(len, self._samples)) > max(self._settings.max_samples, len(self._samples)):
            self._samples[:] = [samples[::2].copy() for samples in self._samples]
            self._kept_every *= 2

    def _turn(self, seconds: float, at_least: int) -> latency.Turn:
        if isinstance(self._session, SelfTiming):
            # Native code is told a time only, and slow calls need more of it.
            enough = max(seconds, at_least * self.call_ns / NS_PER_SECOND)
            return latency.timed_by_itself(
                self._session, self.tensors, first=self._next, seconds=enough
            )
        return latency.back_to_back(
            self.run,
            self.tensors,
            first=self._next,
            seconds=seconds,
            at_least=at_least,
            calls_per_sample=self._calls_per_sample,
        )

    def paced(self, calls: int) -> None:
        """Take one turn of calls at fixed times; none for a session that times itself.

        Python would make these calls, and their times would not be those of native code.
        """
        if isinstance(self._session, SelfTiming):
            return
        turn = latency.paced(
            self.run, self.tensors, first=self._next, hz=self._settings.paced_hz, calls=calls
        )
        self._response.append(turn.response)
        self._service.append(turn.service)
        self._end_turn(turn.last, turn.output)

    def load(self, seconds: float) -> LoadCalls:
        """Call one after the other for a while, at least once; nothing of it is kept."""
        turn = self._turn(seconds, at_least=1)
        self._next = (turn.last + 1) % len(self.tensors)
        return LoadCalls(turn.samples / self._calls_per_sample, turn.calls, turn.busy_ns)

    def paced_load(self, seconds: float, hz: float, begin_ns: float) -> tuple[LoadCalls, float]:
        """Call at fixed times for a while, at least once; nothing of it is kept.

        Fewer calls are made where so many would take longer than that.

        Args:
            seconds: How long to call.
            hz: Arrivals per second.
            begin_ns: When the first call is due.

        Returns:
            The calls, each from its scheduled time to the answer, and when the next one is due.
        """
        calls = max(1, int(min(hz, NS_PER_SECOND / self.call_ns) * seconds))
        turn, busy_ns = timed(
            lambda: latency.paced(
                self.run, self.tensors, first=self._next, hz=hz, calls=calls, begin_ns=begin_ns
            )
        )
        self._next = (turn.last + 1) % len(self.tensors)
        return LoadCalls(turn.response.astype(np.float64), calls, busy_ns), turn.next_ns

    @property
    def times_itself(self) -> bool:
        """Whether native code makes the calls, which it does one after the other only."""
        return isinstance(self._session, SelfTiming)

    def _end_turn(self, last: int, output: NDArray[Any]) -> None:
        self.spot_checks.append((last, output))
        self._next = (last + 1) % len(self.tensors)

    def back_to_back_record(self, cpu: CpuUse | None) -> BackToBack:
        """Return all turns of calls one after the other."""
        return BackToBack(
            warmup_ns=Samples.pack(self._warmups),
            sample_ns=Samples.pack(_joined(self._samples)),
            calls_per_sample=self._calls_per_sample,
            kept_every=self._kept_every,
            calls=self._calls,
            busy_ns=self._busy_ns,
            turn_samples=tuple(map(len, self._samples)),
            clock_ns=self._clock_ns,
            cpu=cpu,
        )

    def paced_record(self, cpu: CpuUse | None) -> Paced | None:
        """Return all turns of calls at fixed times; None where there was none."""
        if not self._response:
            return None
        return Paced(
            rate_hz=self._settings.paced_hz,
            response_ns=Samples.pack(_joined(self._response)),
            service_ns=Samples.pack(_joined(self._service)),
            cpu=cpu,
        )


def _joined(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)
